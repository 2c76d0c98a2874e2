"""sync-fetch --poll: one process for all polls."""

import contextlib
import os
import subprocess
import time

import pytest

from host import FETCH, SPOOL_UID, Host
from issuer import Handler, Issuer, Key, Server


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_polls(pollers, n):
    """Waits for the end of n polls of each: the one after them has begun."""
    ends = [(p.server, p.server.count("bundle") + n + 1) for p in pollers]
    until(lambda: all(server.count("bundle") >= end for server, end in ends))


class Poller:
    """A host that polls each second, and its issuer."""

    def __init__(self, more=""):
        self.host, self.issuer = Host(), Issuer()
        self.server = Server(self.issuer)
        self.host.set(self.server.url, self.issuer.chain[0].thumbprint)
        self.set("1s", more)
        self.host.sync().ok()
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={SPOOL_UID}", f"--regid={SPOOL_UID}", "--clear-groups", FETCH, "--poll",
             "--root=" + self.host.root], stderr=subprocess.PIPE, text=True)

    def set(self, interval, more=""):
        with open(self.host.path("etc/jwt/jwt.conf.d/a.conf"), "w", encoding="utf-8") as f:
            f.write(f"[Sync]\nInterval={interval}\n{more}")

    def polls(self, n):
        wait_for_polls([self], n)

    def spooled(self):
        """The inode of the bundle in the spool, which a hand-over replaces."""
        return os.stat(self.host.path("run/jwt-sync/bundle")).st_ino

    def stop(self):
        self.process.terminate()
        self.process.communicate()
        self.server.stop()
        self.host.remove()


@pytest.fixture(autouse=True)
def kept_connections(monkeypatch):
    monkeypatch.setattr(Handler, "protocol_version", "HTTP/1.1")


@pytest.fixture
def poller():
    p = Poller()
    yield p
    p.stop()


def test_all_polls_use_one_connection_and_an_unchanged_bundle_is_not_handed_over(poller):
    before = poller.spooled()
    poller.polls(3)
    assert poller.spooled() == before
    assert len(set(poller.server.peers[-3:])) == 1


def new_bundle_key(p):
    p.issuer.chain.append(Key())


def new_epoch(p):
    p.issuer.epoch += 1


def add_a_line(name):
    def change(p):
        with open(p.host.path(name), "a", encoding="utf-8") as f:
            f.write("\n")
    return change


CHANGES = {
    "logout": lambda p: p.issuer.revoke(1),
    "new key": lambda p: p.issuer.keys.append((Key(), "next")),
    "new bundle key": new_bundle_key,
    "new epoch": new_epoch,
    "Trust=": lambda p: p.host.set(p.server.url, p.issuer.chain[0].thumbprint, "A" * 43),
    "reset": lambda p: p.host.reset(),
    "a list that is malformed": add_a_line("var/lib/jwt/revoked"),
    "keys that were edited": add_a_line("var/lib/jwt/jwks.json"),
}


def handed_over(pollers):
    """The names of those that wrote the spool during a poll."""
    before = {name: p.spooled() for name, p in pollers.items()}
    wait_for_polls(pollers.values(), 1)
    return {name for name, p in pollers.items() if p.spooled() != before[name]}


def test_each_change_is_handed_over_by_the_next_poll_until_it_is_installed():
    with contextlib.ExitStack() as stack:
        pollers = {}
        for name in CHANGES:
            pollers[name] = Poller()
            stack.callback(pollers[name].stop)
        assert handed_over(pollers) == set()
        for name, change in CHANGES.items():
            change(pollers[name])
        assert handed_over(pollers) == set(CHANGES)
        assert handed_over(pollers) == set(CHANGES)
        for p in pollers.values():
            p.host.install().ok()
        wait_for_polls(pollers.values(), 1)
        assert handed_over(pollers) == set()


def test_an_older_bundle_is_left_to_the_installer_which_refuses_it(poller):
    before = poller.spooled()
    poller.issuer.clock = lambda: time.time() - 60
    poller.polls(1)
    assert poller.spooled() != before
    poller.host.install().refused("older than the one installed before")


def test_the_time_of_an_unchanged_bundle_is_installed_in_a_quarter_of_revoked_max_age():
    p = Poller("[Token]\nRevokedMaxAge=8s\n")
    before = p.spooled()
    p.polls(3)
    changed = p.spooled() != before
    p.stop()
    assert changed


def test_a_poll_that_fails_ends_the_program_with_one_line(poller):
    poller.server.answer["bundle"] = (500, {}, b"")
    assert poller.process.wait(30) == 1
    assert poller.process.stderr.read() == f"{poller.server.url}/.well-known/jwt-bundle: status 500; expected 200\n"


def test_a_changed_interval_is_used_after_the_next_poll(poller):
    poller.set("1h")
    count = poller.server.count("bundle")
    time.sleep(4)
    assert poller.server.count("bundle") <= count + 1
    assert poller.process.poll() is None
