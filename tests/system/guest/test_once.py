"""One-time tokens, on a machine with systemd: every service shares what was used."""

import shutil
import time

from kit import DOORS, mint, sh, sudo


def test_a_one_time_token_is_accepted_once_also_after_run_is_emptied():
    names = list(DOORS)
    used = []
    for here, there in zip(names, names[1:] + names[:1]):
        token = mint(one_time=True)
        assert DOORS[here]("alice", token), here
        assert not DOORS[there]("alice", token), (here, there)
        used.append(token)
    unused = mint(one_time=True)
    # What a restart does: /run begins empty, then systemd-tmpfiles fills it.
    shutil.rmtree("/run/jwt")
    assert not sudo("alice", unused)
    sh("systemd-tmpfiles --create --prefix=/run/jwt")
    for token in (*used, unused):
        assert not sudo("alice", token)
    time.sleep(1.1)
    assert sudo("alice", mint(one_time=True))
