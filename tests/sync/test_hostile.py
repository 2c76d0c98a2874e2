"""A fetcher that was taken over puts anything into the spool, at any time: sync-install changes nothing that the bundle
key has not signed, reads nothing but the spool, and never waits."""

import os
import threading

import pytest

from host import SPOOL_UID
from issuer import Issuer, line


@pytest.fixture
def installed(server, host, issuer):
    issuer.revoke(1)
    host.sync().ok()
    issuer.revoke(2)
    host.spool(issuer.bundle(), issuer.revoked)
    return host.public()


def replace(host, name, make):
    path = host.path("run/jwt-sync/" + name)
    os.unlink(path)
    make(path)


@pytest.mark.parametrize("name", ["bundle", "revoked"])
@pytest.mark.parametrize("what, reason", [
    ("link", "is a symbolic link"), ("link to itself", "is a symbolic link"), ("FIFO", "is not a regular file"),
    ("directory", "is not a regular file"), ("socket", "cannot open"), ("nothing", "No such file"),
    ("hard link", "2 links; expected the owner of the directory and 1"), ("root's", "has owner uid 0"),
    ("another user's", "is owned by uid 65530"), ("writable", "has mode 0666"), ("huge", "has [0-9]+ bytes"),
])
def test_no_regular_file_of_the_fetcher(host, installed, name, what, reason):
    good = host.read("run/jwt-sync/" + name)

    def make(path):
        if what.startswith("link"):
            os.symlink("/etc/shadow" if what == "link" else name, path)
        elif what == "FIFO":
            os.mkfifo(path)
        elif what == "directory":
            os.mkdir(path)
        elif what == "socket":
            os.mknod(path, 0o140644)
        elif what != "nothing":
            host.spool(**{name: good})
            if what == "hard link":
                os.link(path, host.path("run/jwt-sync/second"))
            elif what == "root's":
                os.chown(path, 0, 0)
            elif what == "another user's":
                os.chown(path, 65530, 65530)
            elif what == "writable":
                os.chmod(path, 0o666)
            elif what == "huge":
                os.truncate(path, 1 << 40)

    replace(host, name, make)
    host.install(timeout=10).refused(reason)
    assert host.public() == installed


def test_file_of_another_user_is_not_read_through_a_link(host, installed):
    """A message names the file, not what is in it."""
    secret = host.path("secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("hunter2 " * 100)
    os.chown(secret, SPOOL_UID, SPOOL_UID)
    os.unlink(host.path("run/jwt-sync/bundle"))
    os.link(secret, host.path("run/jwt-sync/bundle"))
    assert "hunter2" not in host.install().refused("links").err
    os.unlink(secret)
    assert "hunter2" not in host.install().refused("bundle: ").err
    assert host.public() == installed


def test_list_without_its_bundle(host, installed, issuer):
    """The bundle of the poll before, and a new list: nothing to do, and the list is not looked at."""
    issuer.revoked = b""
    other = Issuer()
    other.revoke(9)
    host.spool(revoked=other.revoked)
    host.install().refused("not the list that the bundle describes")
    assert host.public() == installed


def test_spool_that_changes_while_it_is_read(host, installed, issuer):
    """Whatever is read, what is installed is what the bundle describes."""
    issuer.revoke(*range(100, 20000))
    good = issuer.revoked
    host.spool(issuer.bundle(), good)
    evil = b"".join(line(number, 5000000000) for number in range(len(good) // 34))
    path, stop = host.path("run/jwt-sync/revoked"), threading.Event()

    def swap():
        while not stop.is_set():
            for text in (evil, good, good[:-34], b""):
                with open(path, "r+b") as f:
                    f.write(text)
                    f.truncate()
            os.rename(path, path + ".away")
            os.rename(path + ".away", path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(20):
            outcome = host.install()
            if outcome.status == 0:
                assert host.read("var/lib/jwt/revoked") == good
            else:
                assert host.public() == installed, outcome.err
                assert len(outcome.err.splitlines()) == 1
    finally:
        stop.set()
        thread.join()


def test_malformed_state_stops_the_host(host, installed):
    for text in ("", "[State]\n", "Issuer=x\n", "[State]\nEpoch=x\n", "\0"):
        with open(host.path("var/lib/jwt-sync/state"), "w", encoding="utf-8") as f:
            f.write(text)
        host.install().refused("state:[0-9]+: .*; remove the file, then: jwtctl sync")
    assert host.read("var/lib/jwt/jwks.json") == installed["var/lib/jwt/jwks.json"]
