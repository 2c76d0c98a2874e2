"""Containers whose process 1 is another program: a pid and mount namespace with an empty /run."""

import subprocess

import pytest
from blocks import take
from files import until
from kit import ADMIN, ALICE, after_the_start, good, place, sh

RUN = take(ADMIN, "mkdir -p -m 0755 /run/jwt /etc/jwt")
DAEMONS = take(ADMIN, "#!/bin/sh\n# /usr/local/sbin/jwtd-without-systemd")

START = """set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib/jwt
mount -t tmpfs -o mode=700 tmpfs /var/lib/jwtd-issuer
. /root/made-by-the-manual
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/local/sbin/jwtd-without-systemd
"""


@pytest.fixture
def other():
    """The prefix of a command that runs in such a container."""
    place(RUN, "/root/made-by-the-manual")
    place(DAEMONS, "/usr/local/sbin/jwtd-without-systemd", 0o755)
    with subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", START]) as outer:
        until(lambda: sh(f"pgrep -P {outer.pid}")[0] == 0)
        inner = good(f"pgrep -P {outer.pid}").split()[0]
        yield ["nsenter", "--mount", "--pid", f"--target={inner}"]
        outer.kill()


def test_daemons_and_module_work_where_systemd_is_not_process_1(other):
    healthz = "curl -sS --unix-socket /run/jwtd/http.sock http://localhost/healthz"
    until(lambda: '"ok"' in sh(healthz, where=other)[1])
    after_the_start()
    assert "systemd" not in good("cat /proc/1/comm", where=other)
    good("test ! -e /run/systemd", where=other)
    output = good("jwtctl login && jwtctl run -- sudo -A id -un", "alice", where=other)
    assert output.endswith("\nroot\n"), output
    access = good("jwtctl token", "alice", where=other)
    assert "root" in good("sudo -k -S -p '' id -un", "alice", text=access, where=other)
    assert sh("jwtctl login", "alice", text="wrong\n", where=other)[0] == 1
    assert "1 live session, " in good("jwtctl status", where=other)
    # jwtd-login refuses other users here, too.
    refused = good("setpriv --reuid=alice --clear-groups curl -sS -m 5 --unix-socket /run/jwtd/login.sock http://x 2>&1 || true",
                   where=other)
    assert "200" not in refused
    good("jwtctl logout", "alice", where=other)
    assert "root" not in sh("sudo -k -S -p '' id -un", "alice", text=access, where=other)[1]
    assert "root" in good("sudo -k -S -p '' id -un", "alice", text=ALICE + "\n", where=other)


def test_a_daemon_that_was_killed_is_started_again(other):
    healthz = "curl -sS -m 20 --unix-socket /run/jwtd/http.sock http://localhost/healthz"
    until(lambda: '"ok"' in sh(healthz, where=other)[1])
    good("pkill -KILL -x jwtd-issuer; pkill -KILL -x jwtd", where=other)
    until(lambda: '"ok"' in sh(healthz, where=other)[1])
