"""Requests of root's jwtctl to jwtd-issuer: list and end sessions, status."""

import json
import signal
import socket
import time

import pytest
from daemons import now
from issuer_daemon import SOURCE, sid
from test_signing import rotate
from wire import ADMIN_STATUS, OBTAIN, STATUS, VERIFY, message, read

ADMIN_SESSIONS, ADMIN_REVOKE, ADMIN_REVOKE_ALL = 33, 34, 37


def status_of(issuer):
    status, said = issuer.ask(ADMIN_STATUS)
    assert status == "ok", status
    return json.loads(said[0])


def test_a_users_every_session_is_ended_and_published_before_the_answer(issuer):
    pairs = [issuer.obtain() for _ in range(3)]
    other = issuer.obtain(b"carol")
    status, said = issuer.ask(ADMIN_REVOKE, b"alice")
    assert (status, int.from_bytes(said[0], "little")) == ("ok", 3)
    assert {sid(access) for _, access in pairs} == set(issuer.revoked())
    for refresh, access in pairs:
        issuer.all_say("blacklisted", refresh, access)
    assert issuer.verify(other[1]) == "ok" and issuer.refresh(other[0])[0] == "ok"
    status, said = issuer.ask(ADMIN_REVOKE, b"alice")
    assert (status, said[0]) == ("ok", bytes(8))
    assert issuer.text("log").count("Sessions revoked by root user=alice") == 1, issuer.text("log")
    assert issuer.verify(issuer.obtain()[1]) == "ok"


def test_one_session_is_ended_by_its_sid(issuer):
    one, two = issuer.obtain(), issuer.obtain()
    status, said = issuer.ask(ADMIN_REVOKE, sid(one[1]).encode())
    assert (status, said[0]) == ("ok", (1).to_bytes(8, "little"))
    assert issuer.revoked() == [sid(one[1])] and issuer.verify(two[1]) == "ok"
    issuer.all_say("blacklisted", *one)
    assert issuer.ask(ADMIN_REVOKE, sid(one[1]).encode()) == ("ok", [bytes(8)]), "a repetition revokes none"
    for what in (b"mallory", b"", b"A" * 22, b"a" * 255, b"\xff"):
        assert issuer.ask(ADMIN_REVOKE, what)[0] == "no_session", what


def test_a_session_whose_refresh_token_expired_is_ended_while_its_access_token_lives(issuer):
    _, access = issuer.obtain()
    issuer.in_store("UPDATE session SET idle_exp = 1")
    assert issuer.ask(ADMIN_REVOKE, b"alice")[1][0] == (1).to_bytes(8, "little")
    assert issuer.revoked() == [sid(access)]


def fill(issuer):
    """Connections to the socket of jwtd, more than the issuer accepts; some with a password that is being checked."""
    clients = []
    while len(clients) < 1700:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.setblocking(False)
        try:
            client.connect(issuer.path("socket"))
        except BlockingIOError:
            if "the limit is reached" in issuer.text("log"):
                return clients
            time.sleep(0.01)
            continue
        if len(clients) < 20:
            client.send(message(OBTAIN, b"alice", b"secret one", SOURCE))
        clients.append(client)
    raise AssertionError("the socket takes any number of connections")


def test_revoke_answers_while_the_socket_of_jwtd_is_flooded(issuer):
    _, access = issuer.obtain()
    issuer.login.delay = 30
    clients = fill(issuer)
    assert len(clients) > 1024
    before = time.monotonic()
    status, said = issuer.ask(ADMIN_REVOKE, b"alice")
    assert time.monotonic() - before < 2
    assert (status, said[0]) == ("ok", (1).to_bytes(8, "little")) and issuer.revoked() == [sid(access)]
    for client in clients:
        client.close()


def test_revoke_is_in_the_next_turn_before_the_requests_that_wait(issuer):
    _, access = issuer.obtain()
    waiting = []
    issuer.process.send_signal(signal.SIGSTOP)
    for _ in range(500):
        waiting.append(issuer.send(message(VERIFY, access)))
    with issuer.connect("admin") as client:
        client.send(message(ADMIN_REVOKE, b"alice"))
        issuer.process.send_signal(signal.SIGCONT)
        assert STATUS[read(client.recv(65536))[0]] == "ok"
    words = [STATUS[read(one.recv(65536))[0]] for one in waiting]
    for one in waiting:
        one.close()
    assert len(words) == 500 and words.count("blacklisted") > 300, words


def test_all_sessions_of_all_users_are_ended(issuer):
    pairs = [issuer.obtain(user) for user in (b"alice", b"carol", b"alice")]
    assert issuer.ask(ADMIN_REVOKE_ALL) == ("ok", [(3).to_bytes(8, "little")])
    assert issuer.revoked() == sorted(sid(access) for _, access in pairs)
    for refresh, access in pairs:
        issuer.all_say("blacklisted", refresh, access)
    assert issuer.ask(ADMIN_REVOKE_ALL) == ("ok", [bytes(8)])
    assert issuer.verify(issuer.obtain()[1]) == "ok"
    assert issuer.text("log").count("All sessions of all users revoked by root") == 2


def test_the_log_names_the_one_session_that_root_revoked(issuer):
    by_sid, by_name = issuer.obtain()[1], issuer.obtain(b"carol")[1]
    issuer.ask(ADMIN_REVOKE, sid(by_sid).encode())
    issuer.ask(ADMIN_REVOKE, b"carol")
    for user, token in (("alice", by_sid), ("carol", by_name)):
        assert f"Session revoked by root user={user} sid={sid(token)}" in issuer.text("log"), issuer.text("log")


@pytest.mark.sqlite
def test_status_lists_keys_sessions_store_and_revoked_list(issuer):
    issuer.obtain()
    issuer.obtain(b"carol")
    issuer.ask(ADMIN_REVOKE, b"carol")
    new, old = rotate(issuer)
    said = status_of(issuer)
    assert said["algorithm"] == "EdDSA" and said["audience"] == [socket.gethostname().lower()], said
    assert said["sessions"] == {"live": 1, "more": False} and said["revoked"] == 1, said
    assert said["store"]["bytes"] > 0 and said["store"]["path"] == "sessions.db", said
    keys = {k["kid"]: k for k in said["keys"]}
    assert keys[new]["signs"] and not keys[old]["signs"] and "until" not in keys[new], said
    assert keys[old]["until"] > now(), said


def test_root_lists_the_sessions_of_all_users_page_by_page(issuer):
    tokens = [issuer.obtain(user)[1] for user in (b"alice", b"carol", b"alice")]
    status, (rows, after) = issuer.ask(ADMIN_SESSIONS, b"", b"")
    rows = json.loads(rows)
    assert (status, after) == ("ok", b"")
    assert [(r["user"], r["sid"]) for r in rows] == [
        (u, sid(t)) for u, t in zip(("alice", "carol", "alice"), reversed(tokens))], rows
    assert list(rows[0]) == ["sid", "user", "created", "last_used", "expires", "source", "client", "method",
                             "amr"], rows
    assert [r["sid"] for r in json.loads(issuer.ask(ADMIN_SESSIONS, b"carol", b"")[1][0])] == [sid(tokens[1])]
    assert issuer.ask(ADMIN_SESSIONS, b"nobody", b"") == ("ok", [b"[]", b""])
    assert issuer.ask(ADMIN_SESSIONS, b"", b"short")[0] == "no_session"
