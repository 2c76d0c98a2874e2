"""One refresh token sent many times at once. $ROUNDS: rounds per test (default 10; 200 for a long run)."""

import os

import pytest
from daemons import QUICK, request_bytes, sent_at_once

ROUNDS = int(os.environ.get("ROUNDS", "10"))
AT_ONCE = 32


def all_at_once(d, body):
    """The same request on many connections."""
    return sent_at_once([d.connect() for _ in range(AT_ONCE)], request_bytes("POST", "/api/token/refresh/", body))


def race(d):
    """ROUNDS times a token and the replies."""
    for _ in range(ROUNDS):
        token = d.obtain()["refresh"]
        yield token, all_at_once(d, {"refresh": token})


@pytest.mark.daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=10s"))
def test_with_grace_one_refresh_token_sent_32_times_at_once_has_one_successor_for_all(d):
    for _, replies in race(d):
        assert [r.status for r in replies] == [200] * AT_ONCE, [r.status for r in replies]
        assert len({r.body for r in replies}) == 1, {r.body for r in replies}


@pytest.mark.daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=0"))
def test_without_grace_one_refresh_token_sent_32_times_at_once_has_one_successor_at_most(d):
    for token, replies in race(d):
        statuses = sorted(r.status for r in replies)
        assert statuses == [200] + [401] * (AT_ONCE - 1), statuses
        # The reuse ended the session, and with it the only successor.
        (successor,) = (r.json()["refresh"] for r in replies if r.status == 200)
        for spent in (token, successor):
            assert d.post("/api/token/refresh/", {"refresh": spent}).status == 401
