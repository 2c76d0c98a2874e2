"""Requests of root's jwtctl to jwtd-issuer: list and end sessions, status."""

import json
import socket
import time

from issuer_daemon import sid
from test_signing import rotate
from wire import ADMIN_STATUS

ADMIN_SESSIONS, ADMIN_REVOKE = 33, 34


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
    for what in (sid(one[1]).encode(), b"mallory", b"", b"A" * 22, b"a" * 255, b"\xff"):
        assert issuer.ask(ADMIN_REVOKE, what)[0] == "no_session", what


def test_a_session_whose_refresh_token_expired_is_ended_while_its_access_token_lives(issuer):
    _, access = issuer.obtain()
    issuer.in_store("UPDATE session SET idle_exp = 1")
    assert issuer.ask(ADMIN_REVOKE, b"alice")[1][0] == (1).to_bytes(8, "little")
    assert issuer.revoked() == [sid(access)]


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
    assert keys[old]["until"] > time.time(), said


def test_root_lists_the_sessions_of_all_users_page_by_page(issuer):
    tokens = [issuer.obtain(user)[1] for user in (b"alice", b"carol", b"alice")]
    status, (rows, after) = issuer.ask(ADMIN_SESSIONS, b"", b"")
    rows = json.loads(rows)
    assert (status, after) == ("ok", b"")
    assert [(r["user"], r["sid"]) for r in rows] == [
        (u, sid(t)) for u, t in zip(("alice", "carol", "alice"), reversed(tokens))], rows
    assert list(rows[0]) == ["sid", "user", "created", "last_used", "expires", "source", "client"], rows
    assert [r["sid"] for r in json.loads(issuer.ask(ADMIN_SESSIONS, b"carol", b"")[1][0])] == [sid(tokens[1])]
    assert issuer.ask(ADMIN_SESSIONS, b"nobody", b"") == ("ok", [b"[]", b""])
    assert issuer.ask(ADMIN_SESSIONS, b"", b"short")[0] == "no_session"
