"""The section "Tokens for timers and deploy users" of docs/admin.md, and the settings of an exchange."""

import os

from blocks import take
from files import read, write
from kit import ADMIN, good, place, script, sh

CI = take(ADMIN, "# /etc/jwt/jwt.conf.d/ci.conf")
TOKEN = take(ADMIN, "# /etc/systemd/system/jwt-token@.service")
ASKPASS = take(ADMIN, "# /usr/local/bin/give-token")
JOB = take(ADMIN, "# /etc/systemd/system/deploy.service")
START = take(ADMIN, "chmod 755 /usr/local/bin/give-token")


def test_a_job_logs_in_by_a_token_that_root_issued():
    good("useradd -m -s /bin/bash deploy && mkdir -m 700 ~deploy/.ssh && ssh-keyscan web1 >~deploy/.ssh/known_hosts &&"
         " chown -R deploy ~deploy/.ssh")
    files = [place(block) for block in (TOKEN, ASKPASS, JOB)]
    text = read(files[1]).split("\n", 1)[1]  # the first line is the name of the file
    write(files[1], text)
    try:
        script(START)
        assert os.path.exists("/home/deploy/deployed"), good("journalctl -u deploy -n 20")
        assert good("stat -c '%U %a' /run/jwt-token/deploy").split() == ["root", "600"]
        assert sh("cat /run/jwt-token/deploy", "alice")[0] != 0
        assert "issue" in good("jwtctl sessions --user=deploy -o json")
        good("jwtctl revoke deploy")
    finally:
        for path in files:
            os.unlink(path)
        good("userdel -r deploy; rm -r /run/jwt-token; systemctl daemon-reload")


def test_the_settings_of_an_exchange_are_valid():
    os.makedirs("/var/lib/jwt-keys", exist_ok=True)
    good("jwtctl key new --file=/root/ci.jwk >/dev/null 2>&1 || jwtctl key new >/root/ci.jwk")
    write("/var/lib/jwt-keys/github.jwks", good("jwtctl key export /root/ci.jwk"))
    write("/etc/jwt/usermap", "https://token.actions.githubusercontent.com repo:corp/site:ref:refs/heads/main deploy\n")
    place(CI)
    status, output = sh("jwtctl config check")
    assert status == 0, output
    os.unlink("/var/lib/jwt-keys/github.jwks")
