"""One-time tokens with systemd: all services share the record of used tokens."""

import shutil
import time

from kit import LOGINS, mint, sh, sudo


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
