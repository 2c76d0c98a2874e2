"""The second factor with pam_oath and pam_google_authenticator, in the sandbox of jwtd-login; tokens that say so at sshd
and sudo."""

import base64
import contextlib
import hashlib
import hmac
import json
import struct
import time

import pytest
from files import write
from kit import ALICE, CAROL, PASSWORD_METHOD, api, by_ssh, journal, sh, sudo, unb64
from test_daemons import Settings
from test_sandbox import drop_in
from test_stacks import PAM, restored

KEY = bytes(range(20))
DIRECTORY = "/var/lib/jwt-otp"
OATH, GOOGLE = "One-time password (OATH) for", "Verification code"
SETTINGS = "[Token]\nAmrClaim=yes\n[Session]\nOtpPrompt={}\nFailuresPerUser={}\n[Http]\nFailuresPerSource=0\nFailureTime=100ms\n"
DROP_IN = ("[Service]\nReadWritePaths=-/var/lib/jwt-otp\n"
           "SystemCallFilter=@chown setfsuid setfsgid setfsuid32 setfsgid32\n")
HOMES = ("[Service]\nUser=root\nGroup=root\nSupplementaryGroups=\nCapabilityBoundingSet=CAP_SETUID CAP_SETGID\n"
         "ProtectHome=no\nReadWritePaths=/home\nSystemCallFilter=@chown setfsuid setfsgid setfsuid32 setfsgid32\n")
STACK = "auth requisite pam_unix.so nodelay\n{}account required pam_unix.so\n"
REQUIRED = (401, {"detail": "A one-time code is required.", "code": "otp_required"})
DENIED = (401, {"detail": "No active account found with the given credentials"})


def hotp(counter):
    """RFC 4226."""
    digest = hmac.new(KEY, struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7fffffff) % 1000000:06}"


def totp():
    """RFC 6238."""
    return hotp(int(time.time()) // 30)


def obtain(otp=None, password=ALICE, user="alice"):
    body = {"username": user, "password": password}
    return api("/api/token/", body if otp is None else dict(body, otp=otp))


def amr(answer):
    status, pair = answer
    assert status == 200, (answer, journal()[-3000:])
    return json.loads(unb64(pair["access"].split(".")[1])).get("amr")


def secret(path, text, owner):
    write(path, text, 0o600)
    sh(f"chown {owner}: {path}")


class Module:
    """A stack with a module, and the secrets of alice; carol has none."""

    def __init__(self, line, prompt, file, text, unit=DROP_IN, owner="jwtd-login"):
        self.line, self.prompt, self.file, self.text, self.unit, self.owner = line, prompt, file, text, unit, owner

    @contextlib.contextmanager
    def set_up(self, rate="0", prompt=None):
        sh(f"install -d -o jwtd-login -g jwtd-login -m 700 {DIRECTORY}")
        secret(self.file, self.text, self.owner)
        with restored(PAM + "jwtd"), drop_in("jwtd-login", self.unit, "otp"), Settings(SETTINGS.format(prompt or self.prompt, rate)):
            write(PAM + "jwtd", STACK.format(self.line))
            try:
                yield self
            finally:
                sh(f"rm -rf {DIRECTORY} /home/alice/.google_authenticator")


BASE32 = base64.b32encode(KEY).decode()
OATH_LINE = "auth [success=ok user_unknown=ignore default=die] pam_oath.so usersfile=/var/lib/jwt-otp/users.oath window=20\n"
GOOGLE_LINE = "auth required pam_google_authenticator.so user=jwtd-login secret=/var/lib/jwt-otp/${USER} nullok\n"
COUNTED = f'{BASE32}\n" HOTP_COUNTER 1\n'
oath = Module(OATH_LINE, OATH, DIRECTORY + "/users.oath", f"HOTP alice - {KEY.hex()}\n")
google = Module(GOOGLE_LINE, GOOGLE, DIRECTORY + "/alice", COUNTED)
homes = Module("auth required pam_google_authenticator.so nullok\n", GOOGLE, "/home/alice/.google_authenticator", COUNTED,
               HOMES, "alice")
by_time = {
    "oath": Module(OATH_LINE, OATH, DIRECTORY + "/users.oath", f"HOTP/T30 alice - {KEY.hex()}\n"),
    "google": Module(GOOGLE_LINE, GOOGLE, DIRECTORY + "/alice", f'{BASE32}\n" DISALLOW_REUSE\n" TOTP_AUTH\n'),
}


@pytest.mark.parametrize("module", (oath, google, homes), ids=("oath", "google", "homes"))
def test_right_wrong_reused_and_missing_codes(module):
    with module.set_up():
        assert amr(obtain(hotp(1))) == ["pwd", "otp"]
        assert obtain(hotp(1)) == DENIED, "used again"
        assert obtain() == REQUIRED
        assert obtain("000000") == DENIED and obtain("")[0] == 400
        assert obtain(hotp(5), password="wrong") == obtain(password="wrong") == DENIED
        assert amr(obtain(hotp(5))) == ["pwd", "otp"], "a wrong password has used the code"
        assert obtain(ALICE) == DENIED, "the password as the code"
        assert amr(obtain(None, CAROL, "carol")) == ["pwd"], "a user without a secret"
        assert obtain(hotp(6), user="nosuchuser") == obtain(user="nosuchuser") == DENIED
        assert hotp(1) not in journal() and ALICE not in journal()


@pytest.mark.parametrize("name", by_time)
def test_codes_by_time(name):
    with by_time[name].set_up():
        code = totp()
        assert amr(obtain(code)) == ["pwd", "otp"]
        assert obtain(code) == DENIED
        assert obtain() == REQUIRED


def test_failures_of_both_factors_share_one_limit():
    with google.set_up("4/h"):
        assert [obtain(f"{n:06}")[0] for n in range(2)] == [401, 401]
        assert obtain() == REQUIRED and obtain(password="wrong") == DENIED and obtain() == REQUIRED
        status, body = obtain(hotp(1))
        assert status == 429, body


def test_a_prompt_that_is_not_named_gets_no_second_password():
    with google.set_up(prompt="One-time password"):
        assert obtain(hotp(1)) == obtain() == DENIED
        assert "the PAM stack prompts for two passwords" in journal()


def test_with_pam_faillock_the_secrets_belong_to_root():
    with open("/usr/share/jwt/faillock.conf", encoding="utf-8") as file, drop_in("jwtd-login", file.read(), "faillock"):
        for module in (Module(oath.line, OATH, oath.file, oath.text, owner="root"),
                       Module(google.line.replace("jwtd-login", "root"), GOOGLE, google.file, COUNTED, owner="root")):
            with module.set_up():
                assert amr(obtain(hotp(1))) == ["pwd", "otp"], journal()
                assert obtain(hotp(1)) == DENIED


def test_sshd_takes_tokens_with_or_without_a_code_and_sudo_those_with_one():
    with google.set_up(), restored(PAM + "sudo"):
        write(PAM + "sudo", "auth [success=done ignore=ignore default=die] pam_jwt.so claim=amr:otp\nauth required pam_deny.so\n"
                            "account required pam_jwt.so\n@include common-account\n@include common-session-noninteractive\n")
        ssh = by_ssh(PASSWORD_METHOD)
        tokens = {"alice": obtain(hotp(1))[1]["access"], "carol": obtain(None, CAROL, "carol")[1]["access"]}
        assert ssh("alice", tokens["alice"]) and ssh("carol", tokens["carol"])
        assert sudo("alice", tokens["alice"])
        journal()
        assert not sudo("carol", tokens["carol"]) and "reason=wrong_claim" in journal()
        assert not sudo("carol", CAROL) and not sudo("alice", ALICE)
        # A refresh, a narrowing and a login of the client keep it.
        out = sh(f"jwtctl login --otp-command='echo {hotp(2)}'", ALICE + "\n", "alice")
        assert out.returncode == 0, out
        for command in ("jwtctl token --service=sudo --once", "jwtctl token"):
            assert sudo("alice", sh(command, user="alice").stdout.strip()), command
        assert sh("jwtctl run -- sudo -A id -un", user="alice").stdout == "root\n"
        assert sh("jwtctl login", CAROL + "\n", "carol").returncode == 0
        assert sh("jwtctl run -- sudo -A id -un", user="carol").returncode != 0
        for user in ("alice", "carol"):
            sh("jwtctl logout", user=user)
        out = sh("jwtctl login", ALICE + "\n", "alice")
        assert out.returncode == 1 and "requires a one-time code" in out.stderr, out
