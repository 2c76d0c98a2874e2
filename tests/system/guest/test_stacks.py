"""The stacks of pam_jwt(8), read from the manual, and the profile for pam-auth-update, at the real services."""

import contextlib
import glob
import os
import re
import shutil
import subprocess

from files import read, write
from kit import ALICE, CAROL, LOGINS, KEYBOARD_METHOD, PASSWORD_METHOD, api, journal, mint, obtain, sh, ssh, su, sudo

PAM = "/etc/pam.d/"
WRONG = "not the password"


def manual():
    path, = glob.glob("/usr/share/man/man8/pam_jwt.8") + glob.glob("/usr/local/share/man/man8/pam_jwt.8")
    with open(path, encoding="utf-8") as file:
        return file.read()


def examples():
    """Path -> text of each literal block in the manual whose first line names a file."""
    blocks = re.findall(r"^\.Bd -literal.*\n(# (/etc/\S+)\n(?:.*\n)*?)\.Ed$", manual(), re.M)
    return {path: text.replace("\\e", "\\") for text, path in blocks}


@contextlib.contextmanager
def restored(*paths):
    """Restores these files at the end."""
    before = {}
    for path in paths:
        if os.path.exists(path):
            with open(path, "rb") as file:
                before[path] = file.read(), os.stat(path).st_mode & 0o7777
    try:
        yield
    finally:
        for path in paths:
            if path in before:
                with open(path, "wb") as file:
                    file.write(before[path][0])
                os.chmod(path, before[path][1])
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)


def put_before(path, line, more):
    text = read(path)
    assert f"\n{line}\n" in text, text
    write(path, text.replace(f"\n{line}\n", f"\n{more}\n{line}\n"))


def take_module_out(*services):
    for service in services:
        text = read(PAM + service)
        write(PAM + service, "".join(x for x in text.splitlines(True) if "pam_jwt" not in x))


def assert_login(name, login):
    token = obtain()["access"]
    assert login("alice", token), name + " with the token\n" + journal()
    assert login("alice", ALICE), name + " with the password\n" + journal()
    for typed in (mint(sub="carol"), WRONG):
        assert not login("alice", typed), (name, typed[:20])


def test_the_manuals_stack_of_sshd_works():
    with restored(PAM + "sshd"):
        write(PAM + "sshd", examples()[PAM + "sshd"])
        assert_login("ssh by password", LOGINS["ssh by password"])
        assert_login("ssh by keyboard-interactive", LOGINS["ssh by keyboard-interactive"])


def test_the_manuals_stack_of_sudo_prompts_each_time_and_refuses_after_logout():
    command = "sudo -S -p '' true && sudo -n true 2>/dev/null && echo remembered"
    with restored(PAM + "sudo", "/etc/sudoers.d/jwt"):
        write(PAM + "sudo", examples()[PAM + "sudo"])
        write("/etc/sudoers.d/jwt", "")
        assert sh("sudo -k; " + command, obtain()["access"] + "\n", "alice").stdout == "remembered\n"
        write("/etc/sudoers.d/jwt", examples()["/etc/sudoers.d/jwt"], 0o440)
        assert sh("visudo -c").returncode == 0
        pair = obtain()
        assert sh("sudo -k; " + command, pair["access"] + "\n", "alice").stdout == ""
        assert_login("sudo", sudo)
        assert sudo("alice", pair["access"])
        assert api("/api/token/blacklist/", {"refresh": pair["refresh"]}) == (200, {})
        assert not sudo("alice", pair["access"])
        assert "revoked" in journal()


def test_the_manuals_common_files_work_for_every_service():
    paths = [PAM + name for name in ("common-auth", "common-account", "sshd", "sudo", "su")]
    with restored(*paths):
        take_module_out("sshd", "sudo", "su")
        assert not su("alice", mint())
        for path in paths[:2]:
            write(path, examples()[path])
        for name, login in LOGINS.items():
            assert_login(name, login)


def common_files():
    return {path: read(path) for path in glob.glob(PAM + "common-*")}


def rules(text):
    """The lines without comments, with single blanks."""
    return [" ".join(x.split()) for x in text.replace("\\\n", " ").splitlines() if x.strip() and not x.startswith("#")]


def is_here(rule):
    """pam_cap is in libpam-cap, which may be missing."""
    return "pam_cap.so" not in rule or os.path.exists("/usr/share/pam-configs/capability")


def pam_auth_update(*words):
    subprocess.run(["pam-auth-update", *words], check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def test_pam_auth_update_enables_and_disables_the_profile():
    with restored(*common_files(), PAM + "sshd", PAM + "sudo", PAM + "su"):
        take_module_out("sshd", "sudo", "su")
        sh("sed -i 's/ nodelay//' /etc/pam.d/common-auth /etc/pam.d/common-password")
        before = common_files()
        pam_auth_update("--enable", "jwt")
        try:
            for name, text in examples().items():
                if name in before:
                    assert rules(read(name)) == [r for r in rules(text) if is_here(r)], read(name)
            assert sum("pam_jwt" in x for x in common_files().values()) == 2
            for name, login in LOGINS.items():
                assert login("alice", obtain()["access"]), name + "\n" + journal()
                assert login("alice", ALICE), name + "\n" + journal()
                assert not login("alice", mint(sub="carol")), name
            assert LOGINS["ssh by password"]("carol", CAROL)
            # jwtd includes these files too: a token must not obtain tokens.
            assert api("/api/token/", {"username": "alice", "password": obtain()["access"]})[0] == 401
        finally:
            pam_auth_update("--disable", "jwt")
        assert common_files() == before
        assert not su("alice", mint())
        assert su("alice", ALICE)


def module():
    """The path of pam_jwt.so: beside libpam's own modules."""
    out = sh("dpkg -L libpam-modules | grep /pam_unix.so")
    return os.path.join(os.path.dirname(os.path.realpath(out.stdout.strip())), "pam_jwt.so")


def test_the_module_is_installed_beside_libpams_own():
    found = os.stat(module())
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, 0, 0o644), found


def test_home_limits_access_and_session_apply_to_a_token_login():
    sh("useradd -M -s /bin/bash dave")
    write("/etc/security/limits.d/dave.conf", "dave hard nofile 321\n")
    with restored(PAM + "sshd", "/etc/security/access.conf"):
        write("/etc/security/access.conf", "-:carol:ALL\n+:ALL:ALL\n")
        text = read(PAM + "sshd")
        write(PAM + "sshd", "account required pam_access.so\nsession required pam_mkhomedir.so\n" + text)
        command = "ulimit -Hn; pwd; test -n \"$XDG_SESSION_ID\" && echo registered"
        for method in (PASSWORD_METHOD, KEYBOARD_METHOD):
            out = ssh(method, "dave", mint(sub="dave"), command)
            assert out.stdout == "321\n/home/dave\nregistered\n", out
            assert ssh(method, "carol", mint(sub="carol")).returncode != 0
            assert "access denied for user `carol'" in journal()
            shutil.rmtree("/home/dave")


def test_a_lock_of_pam_faillock_applies_to_tokens():
    """CVE-2025-23013: PAM_IGNORE after a successful preauth was a login."""
    with restored(PAM + "su"):
        text = read(PAM + "su").replace("auth       sufficient pam_rootok.so\n", "")
        write(PAM + "su", "auth required pam_faillock.so preauth deny=2\n" + text.replace(
            "@include common-auth", "auth sufficient pam_unix.so try_first_pass\n"
            "auth [default=die] pam_faillock.so authfail deny=2"))
        assert su("carol", mint(sub="carol")) and su("carol", CAROL)
        for _ in range(2):
            assert not su("carol", WRONG)
        try:
            assert not su("carol", mint(sub="carol"))
            assert not su("carol", CAROL)
            assert "locked" in journal()
        finally:
            sh("faillock --user carol --reset")
        assert su("carol", mint(sub="carol"))
