"""One refresh token sent many times at once. $ROUNDS: rounds per test (default 10; 200 for a long run)."""

import os
import select

import pytest
from daemons import QUICK, Reply, request_bytes

ROUNDS = int(os.environ.get("ROUNDS", "10"))
AT_ONCE = 32


def all_at_once(d, body):
    """The same request on many connections: the last byte of each is sent after all others."""
    request = request_bytes("POST", "/api/token/refresh/", body)
    clients = [d.connect() for _ in range(AT_ONCE)]
    for client in clients:
        client.sendall(request[:-1])
    for client in clients:
        client.sendall(request[-1:])
    replies = {client: b"" for client in clients}
    open_ones = set(clients)
    while open_ones:
        for client in select.select(list(open_ones), [], [], 30)[0]:
            piece = client.recv(65536)
            replies[client] += piece
            if not piece:
                open_ones.remove(client)
                client.close()
    return [Reply(raw) for raw in replies.values()]


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
