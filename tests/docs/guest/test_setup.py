"""A first host, and more hosts. The second host is a mount namespace of the container with its own sshd, host
keys, settings and public files."""

import contextlib
import os
import re
import subprocess

import pytest
from blocks import take
from files import read, until, write
from kit import ADMIN, ALICE, CAROL, after_the_start, good, login, place, script, session, sh, ssh, sudo, token

ENABLE = take(ADMIN, "pam-auth-update --enable jwt")
BY_HAND = take(ADMIN, "auth='auth ")
FIRST_LOGIN = take(ADMIN, "$ jwtctl login\nLogged in", "First host")
STATUS = take(ADMIN, "# jwtctl doctor", "First host")
OUT_OF_STACKS = take(ADMIN, "pam-auth-update --disable jwt")
RESCUE = take(ADMIN, "sed -i '/pam_jwt\\.so/d' /etc/pam.d/{common-auth")


def stacks():
    return {name: read("/etc/pam.d/" + name) for name in os.listdir("/etc/pam.d")}


def test_the_profile_and_the_lines_by_hand_let_users_log_in_and_leave_no_trace():
    script(OUT_OF_STACKS)
    assert not [n for n, text in stacks().items() if re.search(r"^[^#\n]*pam_jwt", text, re.MULTILINE)]
    assert sudo(ALICE)
    clean = stacks()
    assert script(ENABLE).endswith("ok\n")
    good("visudo -c")
    session(FIRST_LOGIN)
    assert sudo(token()) and sudo(ALICE) and ssh(token()) and ssh(CAROL, "carol")
    script(OUT_OF_STACKS)
    assert stacks() == clean
    login()
    assert not sudo(token()) and sudo(ALICE)

    script(BY_HAND)
    assert sudo(token()) and sudo(ALICE) and ssh(token()) and ssh(CAROL, "carol")
    for name in ("sshd", "sudo", "sudo-i", "su"):
        assert read("/etc/pam.d/" + name).count("pam_jwt.so") == 2
    for name in clean:
        assert name in ("sshd", "sudo", "sudo-i", "su", "su-l") or stacks()[name] == clean[name]
    good("jwtctl revoke --all")
    login()
    session(STATUS, may_fail=True)


def test_the_lines_by_hand_are_added_to_a_su_l_that_stands_alone():
    """As in Debian's sid."""
    alone = re.sub(r"^auth.*pam_jwt.*\n|^account.*pam_jwt.*\n", "", read("/etc/pam.d/su"), flags=re.MULTILINE)
    write("/etc/pam.d/su-l", alone)
    for name in ("sshd", "sudo", "sudo-i", "su"):
        good(f"sed -i '/pam_jwt/d' /etc/pam.d/{name}")
    os.remove("/etc/pam.d/sudo-i")
    script(BY_HAND)
    login()
    assert sh("su -l alice -c 'id -un'", "nobodyspecial", text=token() + "\n")[1].strip().endswith("alice")
    assert not os.path.exists("/etc/pam.d/sudo-i")


# More hosts.

SITE = take(ADMIN, "# /etc/jwt/jwt.conf.d/site.conf")
LOAD = take(ADMIN, "jwtctl config check\nsystemctl try-reload")
COPY_USER = take(ADMIN, "apt install rsync\nuseradd")
COPY_KEY = take(ADMIN, "apt install rsync\nssh-keygen")
AUTHORIZED = take(ADMIN, "restrict,command=")
SERVICE = take(ADMIN, "# /etc/systemd/system/jwt-copy.service")
TIMER = take(ADMIN, "# /etc/systemd/system/jwt-copy.timer")
START = take(ADMIN, "systemctl daemon-reload\nsystemctl start jwt-copy.service")
LOGIN_THERE = take(ADMIN, "$ jwtctl run -- ssh web2")

WEB2 = """set -e
hostname web2
cp -r /etc/ssh /tmp/web2-ssh
for dir in /etc/ssh /etc/jwt /var/lib/jwt /run/jwt /root; do mount -t tmpfs -o mode=755 tmpfs $dir; done
cp -r /tmp/web2-ssh/. /etc/ssh/
rm -f /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d/listen.conf
printf 'ListenAddress 127.0.0.2\\nPidFile none\\n' >/etc/ssh/sshd_config.d/web2.conf
ssh-keygen -q -A
mkdir -m 700 /run/jwt/used
touch /run/jwt/since
exec /usr/sbin/sshd -D
"""


@pytest.fixture
def web2():
    """The prefix of a command that runs on web2."""
    write("/etc/ssh/sshd_config.d/listen.conf", "ListenAddress 127.0.0.1\nListenAddress 127.0.1.1\n")
    good("systemctl restart ssh; echo '127.0.0.2 web2' >>/etc/hosts")
    with subprocess.Popen(["unshare", "--mount", "--uts", "bash", "-c", WEB2]) as host:
        where = ["nsenter", "--mount", "--uts", f"--target={host.pid}"]
        until(lambda: sh("ssh-keyscan web2 2>/dev/null")[1])
        good("mkdir -p -m 700 ~/.ssh; ssh-keyscan web1 web2 localhost 2>/dev/null >>~/.ssh/known_hosts", "alice")
        write("/run/systemd/system/jwt-copy.service.d/web2.conf", "")
        yield where
        host.terminate()
    with contextlib.suppress(FileNotFoundError):
        os.remove("/etc/ssh/sshd_config.d/listen.conf")
    good("systemctl disable --now jwt-copy.timer; systemctl restart ssh; sed -i '/web2/d' /etc/hosts")


def test_a_second_host_copies_the_files_and_learns_of_a_logout(web2):
    place(SITE)
    script(LOAD)
    until(lambda: "site.example" in read("/var/lib/jwt/issuer"))
    script(COPY_USER)
    script(COPY_KEY, where=web2)
    key = good("cat /root/.ssh/jwt-copy.pub", where=web2)
    assert key.endswith(" root@web2\n")
    line = AUTHORIZED.run()
    sample = re.search(r"ssh-ed25519 \S+ root@web2\n", line)
    assert sample
    write("/var/lib/jwt-copy/.ssh/authorized_keys", line.replace(sample[0], key))
    # No other command, and no other directory.
    as_copy = "ssh -i /root/.ssh/jwt-copy -o BatchMode=yes jwt-copy@web1"
    assert "uid" not in sh(f"{as_copy} id", where=web2)[1]
    assert sh("rsync -e 'ssh -i /root/.ssh/jwt-copy' jwt-copy@web1:/etc/passwd /tmp/stolen", where=web2)[0] != 0

    place(SERVICE)
    place(TIMER)
    good("systemd-analyze verify /etc/systemd/system/jwt-copy.service /etc/systemd/system/jwt-copy.timer")
    start = re.search(r"ExecStart=(.*)", SERVICE.text)[1]
    write("/run/systemd/system/jwt-copy.service.d/web2.conf",
          f"[Service]\nExecStart=\nExecStart={' '.join(web2)} -- {start}\n")
    script(START)
    assert good("systemctl is-active jwt-copy.timer") == "active\n"
    assert good("stat -c '%n %U %a' /var/lib/jwt /var/lib/jwt/*", where=web2) == (
        "/var/lib/jwt root 755\n/var/lib/jwt/issuer root 644\n/var/lib/jwt/jwks.json root 644\n"
        "/var/lib/jwt/revoked root 644\n")

    login()
    after_the_start()
    login()
    session(LOGIN_THERE)
    access = token()
    assert ssh(access, host="web2")
    good("jwtctl logout", "alice")
    assert not ssh(access) and ssh(access, host="web2")
    good("systemctl start jwt-copy.service")
    assert not ssh(access, host="web2")


def test_a_host_without_one_of_the_files_refuses_tokens_and_accepts_passwords():
    login()
    for name in ("issuer", "jwks.json", "revoked"):
        access = token()
        os.rename(f"/var/lib/jwt/{name}", "/root/saved")
        assert not sudo(access) and sudo(ALICE), name
        os.rename("/root/saved", f"/var/lib/jwt/{name}")
        assert sudo(token()), name
