"""The table of services and cases: each cell is a login at the real service. Whether it succeeds follows from
what the service accepts and the case needs; services.tsv lists the result and the reasons in the journal."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time

from kit import (ALICE, KEYBOARD_METHOD, NO_ANSWER, PASSWORD_METHOD, api, by_ssh, by_su, by_sudo, flip, journal, line,
                 mint, now, obtain, sh, sudo)

DATA = "/root/services.tsv"
IGNORED = "ignore=ignore module_unknown=ignore service_err=ignore"
AUTH = f"auth [success=done {IGNORED} default=die] pam_jwt.so ignore_non_token\n"
ACCOUNT = f"account [success=ok new_authtok_reqd=ok {IGNORED} default=bad] pam_jwt.so\n"
LOCKER = f"{AUTH}@include common-auth\n{ACCOUNT}@include common-account\n"
NEW_PASSWORD = "Quite-another-4711"


def is_running(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def read_until(terminal, *words, pid=None):
    """The output of the terminal up to one of the words, its end, or 20 s. While the process pid runs, the terminal
    has no end: login(1) of Debian 13 closes it and opens it again."""
    text = ""
    deadline = time.monotonic() + 20
    while not any(word in text for word in words) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.5)[0]:
            with contextlib.suppress(OSError):
                if piece := os.read(terminal, 4096):
                    text += piece.decode(errors="replace")
                    continue
            if pid is None or not is_running(pid):
                break
            time.sleep(0.02)
    return text


def login(user, typed):
    """On a new terminal, as started by getty."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/login", ["login", user])
    try:
        read_until(terminal, "assword: ", pid=pid)
        os.write(terminal, b"\x04" if typed is NO_ANSWER else typed.encode() + b"\n")
        text = read_until(terminal, "$ ", "ncorrect", "expired", "rror", pid=pid)
        if "$ " not in text:
            return False
        os.write(terminal, b"echo I am $(id -un)\n")
        return f"I am {user}" in read_until(terminal, f"I am {user}", pid=pid)
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def locker(user, typed):
    """A caller that is not root and authenticates a user, as a screen locker does."""
    return sh(f"pamtester locker {user} authenticate acct_mgmt", line(typed), "alice").returncode == 0


def passwd(user, typed):
    """What is typed is the current password."""
    out = sh("passwd", line(typed) and line(typed) + f"{NEW_PASSWORD}\n{NEW_PASSWORD}\n", user)
    if out.returncode != 0:
        return False
    subprocess.run(["chpasswd"], input=f"alice:{ALICE}\n", text=True, check=True)
    return True


SERVICES = {
    "sshd, password": by_ssh(PASSWORD_METHOD),
    "sshd, keyboard-interactive": by_ssh(KEYBOARD_METHOD),
    "sshd, publickey and password": by_ssh("-p 2222 -i /root/id -o PreferredAuthentications=publickey,password"),
    "sudo -S": sudo,
    "sudo -A": by_sudo("-A"),
    "sudo -i": by_sudo("-S -p '' -i"),
    "su": by_su("su"),
    "su -l": by_su("su -l"),
    "login": login,
    "caller that is not root": locker,
    "passwd": passwd,
}
PAM_NAMES = {"sshd": "sshd", "sudo -i": "sudo-i", "sudo": "sudo", "su -l": "su-l", "su": "su", "login": "login",
             "caller": "locker", "passwd": "passwd"}


def pam_name(service):
    return next(name for start, name in PAM_NAMES.items() if service.startswith(start))


@contextlib.contextmanager
def away(*paths):
    for path in paths:
        os.rename(path, path + ".away")
    try:
        yield
    finally:
        for path in paths:
            os.rename(path + ".away", path)


@contextlib.contextmanager
def broken_settings():
    path = "/etc/jwt/jwt.conf.d/broken.conf"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("nonsense\n")
    try:
        yield
    finally:
        os.remove(path)


def keys_away():
    return away("/var/lib/jwt/jwks.json")


def list_away():
    return away("/var/lib/jwt/revoked")


def issuer_away():
    return away("/var/lib/jwt/issuer")


def ended():
    pair = obtain()
    assert api("/api/token/blacklist/", {"refresh": pair["refresh"]}) == (200, {})
    return pair["access"]


def used_before(_):
    token = mint(one_time=True)
    assert sudo("alice", token)
    return token


def bound_to(public_key):
    """A token for the host that has this SSH key."""
    fingerprint = sh(f"ssh-keygen -l -E sha256 -f {public_key}").stdout.split()[1]
    assert fingerprint.startswith("SHA256:"), fingerprint
    key = fingerprint[len("SHA256:"):][:22].translate(str.maketrans("+/", "-_"))
    return mint(aud=f"{sh('hostname').stdout.strip()}#{key}")


def old(**claims):
    return mint(exp=now() - 10, iat=now() - 100, **claims)


TOKEN, ONCE, OTHER = "a token", "a token for one use", "a token of another user than the caller"
PASSWORD, NEVER = "a password", "nothing"

# Only root can record a used token and check other users with pam_unix.
ACCEPTS = {"caller that is not root": (TOKEN, PASSWORD), "passwd": (PASSWORD,)}

# Name: what it needs, the user, what is typed for a PAM service of that name, and the fault in place.
CASES = {
    "good token": (TOKEN, "alice", lambda _: obtain()["access"]),
    "good token, another user": (OTHER, "carol", lambda _: mint(sub="carol")),
    "good token, for this service": (TOKEN, "alice", lambda name: mint(scope="mail pam:" + name)),
    "bound to this host's key": (TOKEN, "alice", lambda _: bound_to("/etc/ssh/ssh_host_ecdsa_key.pub")),
    "bound to another host's key": (NEVER, "alice", lambda _: bound_to("/root/id.pub")),
    "one-time token": (ONCE, "alice", lambda _: mint(one_time=True)),
    "one-time token, spent": (NEVER, "alice", used_before),
    "password": (PASSWORD, "alice", lambda _: ALICE),
    "password, keys missing": (PASSWORD, "alice", lambda _: ALICE, keys_away),
    "password, list missing": (PASSWORD, "alice", lambda _: ALICE, list_away),
    "password, issuer file missing": (PASSWORD, "alice", lambda _: ALICE, issuer_away),
    "password, settings broken": (PASSWORD, "alice", lambda _: ALICE, broken_settings),
    "password, expired account": (NEVER, "bob", lambda _: "bobpw"),
    "good token, expired account": (NEVER, "bob", lambda _: mint(sub="bob")),
    "good token, root": (NEVER, "root", lambda _: mint(sub="root")),
    "good token, unknown user": (NEVER, "nobodyhere", lambda _: mint(sub="nobodyhere")),
    "good token, keys missing": (NEVER, "alice", lambda _: mint(), keys_away),
    "good token, list missing": (NEVER, "alice", lambda _: mint(), list_away),
    "good token, issuer file missing": (NEVER, "alice", lambda _: mint(), issuer_away),
    "good token, settings broken": (NEVER, "alice", lambda _: mint(), broken_settings),
    "session ended": (NEVER, "alice", lambda _: ended()),
    "expired": (NEVER, "alice", lambda _: old()),
    "another user's": (NEVER, "alice", lambda _: mint(sub="carol")),
    "another service": (NEVER, "alice", lambda _: mint(scope="pam:elsewhere")),
    "another host": (NEVER, "alice", lambda _: mint(aud="elsewhere")),
    "refresh token": (NEVER, "alice", lambda _: obtain()["refresh"]),
    "bad signature": (NEVER, "alice", lambda _: flip(mint(), 2)),
    "junk": (NEVER, "alice", lambda _: "not the password"),
    "4096 bytes": (NEVER, "alice", lambda _: "x" * 4096),
    "empty": (NEVER, "alice", lambda _: ""),
    "no answer": (NEVER, "alice", lambda _: NO_ANSWER),
}

# The caller of sudo and passwd is a user other than root.
DOES_NOT_APPLY = {"sudo": ("good token, root", "good token, unknown user"),
                  "passwd": ("good token, root", "good token, unknown user", "good token, another user")}


def applies(service, case):
    return not any(service.startswith(start) and case in cases for start, cases in DOES_NOT_APPLY.items())


def should_succeed(service, case):
    return CASES[case][0] in ACCEPTS.get(service, (TOKEN, ONCE, OTHER, PASSWORD))


def run_cell(service, case):
    """Whether the login succeeded, and the row of services.tsv."""
    _, user, typed, *wrong = CASES[case]
    text = typed(pam_name(service))
    if typed is used_before:
        journal()
    with wrong[0]() if wrong else contextlib.nullcontext():
        succeeded = SERVICES[service](user, text)
    said = journal()
    assert text is NO_ANSWER or len(text) < 20 or text not in said, (service, case)
    lines = re.findall(r"pam_jwt\((\S+?)\).*? reason=(\w+)", said)
    reasons = ", ".join(f"{place} {reason}" for place, reason in lines)
    return succeeded, f"{service}\t{case}\t{'yes' if succeeded else 'no'}\t{reasons or '-'}"


def add_lines(service, before, lines):
    path = "/etc/pam.d/" + service
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert f"\n{before}\n" in text, text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(f"\n{before}\n", f"\n{lines}{before}\n"))


@contextlib.contextmanager
def every_service():
    """Adds the stacks that ./setup leaves unchanged, a key for alice, carol and bob, and a second sshd."""
    sh("mkdir -p /root/pam.d && cp -a /etc/pam.d/. /root/pam.d/")
    add_lines("login", "@include common-auth", AUTH)
    add_lines("login", "@include common-account", ACCOUNT)
    add_lines("passwd", "@include common-password", "password [success=done ignore=ignore default=die] pam_jwt.so\n")
    with open("/etc/pam.d/locker", "w", encoding="utf-8") as file:
        file.write(LOCKER)
    sh("test -e /root/id || ssh-keygen -q -t ed25519 -N '' -f /root/id")
    for user in ("alice", "carol", "bob"):
        sh(f"install -d -o {user} -m 700 ~{user}/.ssh && install -o {user} /root/id.pub ~{user}/.ssh/authorized_keys")
    with subprocess.Popen(["/usr/sbin/sshd", "-D", "-p", "2222", "-o", "PidFile=none", "-o",
                           "AuthenticationMethods=publickey,password"]) as second:
        try:
            for _ in range(50):
                if sh("ssh-keyscan -p 2222 localhost").stdout:
                    break
                time.sleep(0.1)
            yield
        finally:
            second.terminate()
            sh("cp -a /root/pam.d/. /etc/pam.d/ && rm -r /root/pam.d /etc/pam.d/locker")


def cells():
    with every_service():
        journal()
        for service in SERVICES:
            for case in CASES:
                if applies(service, case):
                    succeeded, text = run_cell(service, case)
                    yield service, case, succeeded, text


def print_table():
    print("service\tcase\topens\tjournal")
    for _, _, _, text in cells():
        print(text, flush=True)


def test_every_cell_of_services_and_cases_is_as_the_table_says():
    with open(DATA, encoding="utf-8") as file:
        want = file.read().split("\n")[1:-1]
    wrong, number = [], 0
    for service, case, succeeded, text in cells():
        number += 1
        if succeeded != should_succeed(service, case) or text not in want:
            wrong.append(text)
    print(f"# {len(SERVICES)} services, {len(CASES)} cases: {number} cells")
    assert not wrong and number == len(want), "\n# ".join([f"{number} cells, the data has {len(want)}", *wrong])
