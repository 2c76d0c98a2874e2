"""Two hosts: web1 issues tokens, and alice has logged in there; web2 verifies them with copies of its public files."""

import contextlib
import os
import subprocess

import files
import fleet
import kit
import pytest

PUBLIC = ("issuer", "jwks.json", "revoked")


class Login:
    """A login of alice on web1 by jwtctl run --forward, with a command on the far host that lasts."""

    def __init__(self, near, options="", ssh="ssh web2", env="true"):
        command = f"{env}; exec jwtctl run --forward {options} -- {ssh} 'echo ready $$; exec cat'"
        self.process = subprocess.Popen([*near.where, "runuser", "-l", "alice", "-c", command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline().split()

    def end(self):
        """Ends the far command; status and what was printed to standard error."""
        err = self.process.communicate(timeout=60)[1]
        return self.process.returncode, err

    def stop(self):
        """Also after a test that failed."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=20)
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def near():
    host = fleet.HOSTS["web1"]
    host.good("jwtctl login", "alice", text=fleet.ALICE + "\n")
    return host


@pytest.fixture(scope="module")
def far(near):
    host = fleet.HOSTS["web2"]
    for name in PUBLIC:
        files.write(host.path(f"/var/lib/jwt/{name}"), near.read(f"/var/lib/jwt/{name}"))
    kit.after_the_start()
    return host


@pytest.fixture
def login(near, far):
    """Starts a Login, and ends it."""
    with contextlib.ExitStack() as stack:
        def start(*args, **more):
            started = Login(near, *args, **more)
            stack.callback(started.stop)
            assert started.ready and started.ready[0] == "ready", started.end()
            return started

        yield start


@pytest.fixture
def sshd(far):
    """Adds lines to the far sshd's configuration, before all others."""
    path = "/etc/ssh/sshd_config.d/00test.conf"

    def configure(text):
        far.write(path, text)
        far.good("sshd -t && systemctl reload ssh")

    yield configure
    if os.path.exists(far.path(path)):
        far.good(f"rm {path} && systemctl reload ssh")
