"""The section "Second factor" of docs/admin.md."""

import base64
import hashlib
import hmac
import json
import os
import pty
import re
import struct
import termios
import time

import pytest
from blocks import take
from files import read, until, write
from kit import ADMIN, ALICE, CAROL, commands, good, login, matches, place, script, sh, ssh, sudo, token

HEADING, GOOGLE = "Second factor", "pam_google_authenticator"
UNIT = "/etc/systemd/system/jwtd-login.service.d/otp.conf"
STACK = take(ADMIN, "# /etc/pam.d/jwtd\n@include common-auth\nauth", HEADING)
SETTINGS = take(ADMIN, "# /etc/jwt/jwt.conf.d/otp.conf", HEADING)
DROP_IN = take(ADMIN, f"# {UNIT}", HEADING)
SECRET = take(ADMIN, "install -d -o jwtd-login", HEADING)
LOAD = take(ADMIN, "jwtctl config check\nsystemctl daemon-reload", HEADING)
LOGIN = take(ADMIN, "$ jwtctl login --otp", HEADING)
SUDO = take(ADMIN, "# /etc/pam.d/sudo", HEADING)
LINE = take(ADMIN, "auth required pam_google_authenticator.so", GOOGLE)
CREATE = take(ADMIN, "google-authenticator --time-based", GOOGLE)
HOMES = take(ADMIN, f"# {UNIT}\n[Service]\nUser=root", GOOGLE)


def code(base32, offset=0):
    """RFC 6238; offset: periods of 30 seconds."""
    counter = int(time.time()) // 30 + offset
    digest = hmac.new(base64.b32decode(base32 + "=" * (-len(base32) % 8)), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7fffffff) % 1000000:06}"


def with_code(base32, offset=0):
    return sh(f"jwtctl login --otp-command='echo {code(base32, offset)}'", "alice")[0] == 0


def amr():
    payload = token().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("amr")


def type_at_terminal(command, answers):
    """What the terminal shows."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("runuser", ["runuser", "-l", "alice", f"--session-command={command}"])
    shown = ""
    for prompt, answer in answers:
        while not re.search(prompt, shown):
            shown += os.read(fd, 4096).decode()
        until(lambda: not termios.tcgetattr(fd)[3] & termios.ECHO)
        os.write(fd, answer.encode() + b"\n")
        shown += "\n"
    try:
        while True:
            shown += os.read(fd, 4096).decode()
    except OSError:  # it has ended
        os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    return "\n".join(line for line in shown.replace("\r", "").splitlines() if line) + "\n"


@pytest.fixture
def otp():
    """The files of the section that are outside of those that each test restores."""
    yield
    sh(f"rm -rf {UNIT} /var/lib/jwt-otp /home/alice/.google_authenticator; systemctl daemon-reload")


def test_a_second_factor_by_pam_oath(otp):
    for block in (STACK, SETTINGS, DROP_IN, SUDO):
        place(block)
    base32 = script(SECRET).strip().splitlines()[-1]
    script(LOAD)
    (_, command, expected), = commands(LOGIN)
    shown = type_at_terminal(command, [("Password for alice: $", ALICE), ("One-time code for alice: $", code(base32))])
    assert matches(expected, shown), shown
    assert amr() == ["pwd", "otp"] and sudo(token()) and ssh(token())
    assert not sudo(ALICE), "sudo takes no password"
    status, output = sh("jwtctl login", "alice")
    assert status == 1 and "requires a one-time code" in output
    login("carol", CAROL)
    assert not sudo(token("carol"), "carol") and ssh(token("carol"), "carol")


def google(user_line):
    write("/etc/pam.d/jwtd", read("/etc/pam.d/jwtd").replace(
        re.search("^auth .*pam_oath.*$", read("/etc/pam.d/jwtd"), re.M)[0], user_line))
    path = "/etc/jwt/jwt.conf.d/otp.conf"
    write(path, read(path).replace("One-time password (OATH)", "Verification code"))


def test_a_second_factor_by_pam_google_authenticator(otp):
    for block in (STACK, SETTINGS, DROP_IN):
        place(block)
    google(LINE.run().strip())
    good("install -d -o jwtd-login -g jwtd-login -m 700 /var/lib/jwt-otp")
    script(CREATE)
    base32 = read("/var/lib/jwt-otp/alice").splitlines()[0]
    script(LOAD)
    assert with_code(base32) and amr() == ["pwd", "otp"]
    assert not with_code(base32), "used again"
    assert "otp_required" not in sh("jwtctl login", "alice")[1]


def test_secrets_in_the_homes(otp):
    for block in (STACK, SETTINGS, HOMES):
        place(block)
    google("auth required pam_google_authenticator.so nullok")
    good("google-authenticator -t -d -r 3 -R 30 -w 3 -C -f -q", "alice")
    base32 = read("/home/alice/.google_authenticator").splitlines()[0]
    script(LOAD)
    assert with_code(base32) and amr() == ["pwd", "otp"]
