"""Ten hosts that fetch every 5 seconds while the signing key is rotated each minute: no login fails. Each host is a mount
namespace of web2 with files of its own, the real programs of jwtctl sync and the real PAM stack.

FLEET_SECONDS=300 runs for this long instead of one rotation."""

import contextlib
import os
import subprocess
import time

import fleet
import pytest
import thief
from fleet import HOSTS, INTERVAL, issuer

COUNT = 10
PROPAGATION = 30
SECONDS = int(os.environ.get("FLEET_SECONDS", PROPAGATION + 10))
SETTINGS = "/etc/jwt/jwt.conf.d/fleet.conf"
HOST = f"""set -e
for dir in /var/lib/jwt /var/lib/jwt-sync /run/jwt-sync /run/jwt; do mount -t tmpfs -o mode=755 tmpfs $dir; done
chown jwt-sync: /run/jwt-sync
chown jwt-sync-install: /var/lib/jwt /var/lib/jwt-sync
mkdir -m 700 /run/jwt/used
touch /run/jwt/since
as() {{ setpriv "--reuid=$1" "--regid=$1" --clear-groups "$2"; }}
while :; do
    as jwt-sync /usr/libexec/jwt/sync-fetch && as jwt-sync-install /usr/libexec/jwt/sync-install || echo failed
    sleep {INTERVAL}
done
"""


class Namespace:
    def __init__(self, process):
        self.process = process

    def accepts(self, token):
        """The PAM stack of sudo, with the token as the password."""
        return subprocess.run(["nsenter", f"--target={self.process.pid}", "--mount", "--root", "--wd",
                               "/usr/bin/pamtester", "sudo", "alice", "authenticate"], input=token + "\n", text=True,
                              capture_output=True, check=False).returncode == 0


@pytest.fixture
def ten(ready):
    enter = ["nsenter", f"--target={HOSTS['web2'].pid}", "--mount", "--net", "--uts", "--root", "--wd", "unshare", "--mount",
             "bash", "-c", HOST]
    with contextlib.ExitStack() as stack:
        hosts = []
        for _ in range(COUNT):
            process = stack.enter_context(subprocess.Popen(enter, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            hosts.append(Namespace(process))
        fleet.login()
        token = fleet.token()
        fleet.until(lambda: all(host.accepts(token) for host in hosts))
        yield hosts


@pytest.fixture
def propagation():
    load = "systemctl try-reload-or-restart jwtd-issuer"
    issuer().good(f"sed -i 's/^KeyPropagation=.*/KeyPropagation={PROPAGATION}s/' {SETTINGS} && {load}")
    yield
    issuer().good(f"sed -i 's/^KeyPropagation=.*/KeyPropagation=1h/' {SETTINGS} && {load}")


def new_token():
    """Signed now."""
    return issuer().good("jwtctl token --lifetime=60s", "alice").strip()


def test_no_login_fails_while_the_key_is_rotated_and_a_retired_key_is_refused_within_the_interval(ten, propagation):
    logins, failed, kids = 0, [], []
    start = time.monotonic()
    rotations = 0
    while time.monotonic() < start + SECONDS or len(set(kids)) < 2:
        if time.monotonic() >= start + 60 * rotations:
            issuer().good("jwtctl key retire; jwtctl key rotate")
            rotations += 1
        token = new_token()
        kids.append(thief.kid_of(token))
        for number, host in enumerate(ten):
            logins += 1
            if not host.accepts(token):
                failed.append((number, kids[-1], round(time.monotonic() - start, 1)))
        assert time.monotonic() < start + SECONDS + 120, "the new key never signs"
    print(f"# {logins} logins at {COUNT} hosts, {rotations} rotations, {len(set(kids))} signing keys, {len(failed)} failed")
    assert not failed

    token = fleet.token() if thief.kid_of(fleet.token()) == kids[-1] else new_token()
    assert all(host.accepts(token) for host in ten)
    issuer().good(f"jwtctl key retire --now {thief.kid_of(token)}")
    waited = fleet.seconds_until(lambda: not any(host.accepts(token) for host in ten))
    print(f"# refused on {COUNT} hosts {waited:.1f} s after retire --now; the interval is {INTERVAL} s")
    fleet.login()
    token = fleet.token()
    fleet.until(lambda: all(host.accepts(token) for host in ten))
