"""One-time tokens with systemd: all services share the record of used tokens."""

import os
import shutil
import time

from kit import LOGINS, journal, mint, now, sh, sudo

SINCE = "/run/jwt/since"


def test_a_one_time_token_is_accepted_once_also_after_run_is_emptied():
    names = list(LOGINS)
    used = []
    for here, there in zip(names, names[1:] + names[:1]):
        token = mint(one_time=True)
        assert LOGINS[here]("alice", token), here
        assert not LOGINS[there]("alice", token), (here, there)
        used.append(token)
    unused = mint(one_time=True)
    # As after a reboot: /run is empty, then systemd-tmpfiles creates its directories.
    shutil.rmtree("/run/jwt")
    assert not sudo("alice", unused)
    sh("systemd-tmpfiles --create --prefix=/run/jwt")
    for token in (*used, unused):
        assert not sudo("alice", token)
    time.sleep(1.1)
    assert sudo("alice", mint(one_time=True))


def boot():
    """When this container was started. Its uptime and its start of the boot are those of the host."""
    return now() - int(float(sh("ps -o etimes= -p 1").stdout))


def test_a_clock_that_was_behind_at_the_boot_brings_no_used_token_back():
    # Used before the boot; then /run/jwt/since was made while the clock was two hours behind.
    token = mint(one_time=True, iat=boot() - 5, exp=now() + 300)
    sh("rm -rf /run/jwt/used/*; touch -d '-2 hours' " + SINCE)
    journal()
    for name, login in LOGINS.items():
        assert not login("alice", token), name
    assert "before the system was started" in journal()
    assert sudo("alice", mint(one_time=True))


def test_a_clock_that_was_ahead_at_the_boot_refuses_no_fresh_token():
    for name, login in LOGINS.items():
        sh("touch -d '+2 hours' " + SINCE)
        token = mint(one_time=True)
        assert login("alice", token), (name, journal())
        assert not login("alice", token), name
        assert os.stat(SINCE).st_mtime <= time.time()
        sh("touch -d '+2 hours' " + SINCE)
        assert not login("alice", mint(one_time=True, iat=boot() - 5, exp=now() + 300)), name
