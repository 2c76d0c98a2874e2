"""A module that is missing, not loadable or misspelt in a stack, and /etc/jwt/disabled: passwords work, tokens do not."""

import contextlib
import glob
import os
import re
import subprocess

from kit import ALICE, CAROL, LOGINS, api, by_ssh, journal, mint, obtain, sh, su, sudo
from test_limits import session_line
from test_stacks import (PAM, WRONG, examples, manual, module, pam_auth_update, put_before, read, restored,
                         take_module_out, write)

STACKS = glob.glob(PAM + "*")


def remove():
    os.remove(module())


def replace_by_text():
    os.remove(module())
    write(module(), "This is no shared object.\n")


def replace_by_another_architecture():
    with open(module(), "rb") as file:
        image = bytearray(file.read())
    image[18:20] = b"\xf3\x00"  # e_machine: RISC-V
    os.remove(module())
    with open(module(), "wb") as file:
        file.write(image)


def misspell():
    for path in STACKS:
        write(path, read(path).replace("pam_jwt.so", "pam_jwt.so kyes=/x"))


FAULTS = (remove, replace_by_text, replace_by_another_architecture, misspell)


@contextlib.contextmanager
def each_fault():
    """A function that makes one fault after the other, each in the files as they were."""
    def run(check):
        for fault in FAULTS:
            with restored(module(), *STACKS):
                fault()
                check(fault.__name__)
    with restored(module(), *STACKS):
        yield run


def only_passwords(fault):
    for name, login in LOGINS.items():
        assert login("alice", ALICE), (fault, name, journal())
        assert not login("alice", mint()), (fault, name)
        assert not login("alice", WRONG), (fault, name)


def no_login(fault):
    for name, login in LOGINS.items():
        for typed in (ALICE, mint(), WRONG):
            assert not login("alice", typed), (fault, name)


def test_without_the_module_passwords_work_and_tokens_are_refused():
    with each_fault() as run:
        run(only_passwords)
    assert sudo("alice", mint())


def test_without_the_module_passwords_work_in_the_manuals_stacks():
    with each_fault() as run:
        for service in ("sshd", "sudo", "su"):
            write(PAM + service, examples()[PAM + service])
        for name, login in LOGINS.items():
            assert login("alice", mint()), name
        run(only_passwords)


def test_without_the_module_passwords_work_with_pam_auth_update():
    with each_fault() as run:
        take_module_out("sshd", "sudo", "su")
        pam_auth_update("--enable", "jwt")
        try:
            assert sudo("alice", mint())
            run(only_passwords)
            with restored(module()):
                remove()
                # jwtd-login uses these files, too.
                assert api("/api/token/", {"username": "alice", "password": ALICE})[0] == 200
        finally:
            pam_auth_update("--disable", "jwt")


def test_without_the_module_a_typed_token_counts_in_pam_faillock():
    """CVE-2025-23013: the success of preauth alone must not open."""
    with restored(module(), PAM + "su"):
        text = read(PAM + "su").replace("auth       sufficient pam_rootok.so\n", "")
        write(PAM + "su", "auth required pam_faillock.so preauth deny=2\n" + text.replace(
            "@include common-auth", "auth sufficient pam_unix.so try_first_pass\n"
            "auth [default=die] pam_faillock.so authfail deny=2"))
        remove()
        try:
            assert su("carol", CAROL)
            assert not su("carol", mint(sub="carol"))
            assert not su("carol", mint(sub="carol"))
            assert not su("carol", CAROL)
        finally:
            sh("faillock --user carol --reset")
        assert su("carol", CAROL)


def block(heading):
    """The stack under this heading of the manual."""
    found, = re.findall(rf"^\.Ss {heading}\n(?:.*\n)*?\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", manual(), re.M)
    return found.replace("\\e", "\\")


def test_the_manuals_stack_for_tokens_only_opens_for_no_other():
    with each_fault() as run:
        for service in ("sshd", "sudo", "su"):
            write(PAM + service, block("Tokens only"))
        for name, login in LOGINS.items():
            assert login("alice", mint()), (name, journal())
            assert not login("alice", ALICE), name
        run(no_login)


def test_the_manuals_stack_of_token_and_password_needs_both():
    with each_fault() as run:
        for service in ("sudo", "su", "sshd"):
            write(PAM + service, block("A token and a password"))
        pairs = {(mint(), ALICE): True, (ALICE, mint()): False, (ALICE, ALICE): False, (mint(), WRONG): False}
        for (first, second), opens in pairs.items():
            for login in (su, sudo):
                assert login("alice", f"{first}\n{second}") == opens, (first[:9], second[:9], journal())

        def no_pair(fault):
            no_login(fault)
            for login in (su, sudo):
                assert not login("alice", f"{mint()}\n{ALICE}"), fault
                assert not login("alice", f"{ALICE}\n{ALICE}"), fault
        run(no_pair)


def test_an_option_error_in_account_or_session_refuses_tokens_only():
    with restored(*STACKS):
        good = {path: read(path) for path in STACKS}
        for service in ("sshd", "sudo", "su"):
            write(PAM + service, re.sub(r"^(account .*pam_jwt.so)$", r"\1 kyes=/x", read(PAM + service), flags=re.M))
        only_passwords("account")
        for path, text in good.items():
            write(path, text)
        common = {"sshd": "@include common-session", "su": "@include common-session",
                  "sudo": "@include common-session-noninteractive"}
        for service, line in common.items():
            put_before(PAM + service, line, session_line().replace("session_limit", "sesion_limit"))
        only_passwords("session")
        assert "option sesion_limit: unknown" in journal()


def test_a_public_key_opens_whatever_the_stack():
    sh("test -e /root/id || ssh-keygen -q -t ed25519 -N '' -f /root/id")
    sh("install -d -o alice -m 700 ~alice/.ssh && install -o alice /root/id.pub ~alice/.ssh/authorized_keys")
    by_key = by_ssh("-i /root/id -o PreferredAuthentications=publickey")
    try:
        with each_fault() as run:
            assert by_key("alice", WRONG)
            run(lambda fault: by_key("alice", WRONG) or 1 / 0)
    finally:
        sh("rm -r ~alice/.ssh/authorized_keys")


def test_disabled_refuses_tokens_everywhere_and_nothing_else():
    path = "/etc/jwt/disabled"
    pair = obtain()
    sh(f"ln -s /nowhere {path}")
    try:
        for name, login in LOGINS.items():
            journal()
            assert not login("alice", pair["access"]), name
            assert "reason=disabled" in journal(), name
            assert login("alice", ALICE), name
        assert api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 200
        assert sh("jwtctl config check").stderr.endswith(f"disabled on this host by {path}\n")
        assert f"disabled on this host by {path}" in sh("jwtctl status").stderr
        assert '"error":"disabled"' in sh("jwtctl verify", obtain()["access"]).stdout
    finally:
        os.remove(path)
    assert sudo("alice", obtain()["access"])
    found = os.stat("/etc/jwt")
    assert (found.st_uid, found.st_mode & 0o7777) == (0, 0o755)


def test_the_manuals_emergency_commands_make_sudo_forget():
    commands, = re.findall(r"^(touch /etc/jwt/disabled\n(?:.*\n)*?)\.Ed$", manual(), re.M)
    script = "sudo -k; sudo -S -p '' true && sudo -n true && echo remembered; read x; sudo -n true || echo forgotten"
    with restored("/etc/sudoers.d/jwt", "/etc/jwt/disabled"):
        write("/etc/sudoers.d/jwt", "", 0o440)
        with subprocess.Popen(["runuser", "-l", "alice", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as process:
            process.stdin.write(mint() + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "remembered\n", journal()
            assert sh("set -e\n" + commands).returncode == 0
            assert process.communicate("\n", timeout=60)[0] == "forgotten\n"
