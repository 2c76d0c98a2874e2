"""What jwtd-issuer does for root's jwtctl about sessions: shows them, ends them, tells how it is."""

import json
import socket
import sys
import time

from daemons import run
from issuers import sid, with_issuer
from signing import rotate
from wire import ADMIN_STATUS

ADMIN_SESSIONS, ADMIN_REVOKE = 33, 34


def status_of(d):
    status, said = d.ask(ADMIN_STATUS)
    assert status == "ok", status
    return json.loads(said[0])


@with_issuer()
def a_users_every_session_is_ended_and_published_before_the_answer(d):
    pairs = [d.obtain() for _ in range(3)]
    other = d.obtain(b"carol")
    status, said = d.ask(ADMIN_REVOKE, b"alice")
    assert (status, int.from_bytes(said[0], "little")) == ("ok", 3)
    assert {sid(access) for _, access in pairs} == set(d.revoked())
    for refresh, access in pairs:
        d.all_say("blacklisted", refresh, access)
    assert d.verify(other[1]) == "ok" and d.refresh(other[0])[0] == "ok"
    status, said = d.ask(ADMIN_REVOKE, b"alice")
    assert (status, said[0]) == ("ok", bytes(8))
    assert d.text("log").count("Sessions were ended by root user=alice") == 1, d.text("log")
    assert d.verify(d.obtain()[1]) == "ok"


@with_issuer()
def one_session_is_ended_by_its_sid(d):
    one, two = d.obtain(), d.obtain()
    status, said = d.ask(ADMIN_REVOKE, sid(one[1]).encode())
    assert (status, said[0]) == ("ok", (1).to_bytes(8, "little"))
    assert d.revoked() == [sid(one[1])] and d.verify(two[1]) == "ok"
    d.all_say("blacklisted", *one)
    for what in (sid(one[1]).encode(), b"mallory", b"", b"A" * 22, b"a" * 255, b"\xff"):
        assert d.ask(ADMIN_REVOKE, what)[0] == "no_session", what


@with_issuer()
def a_session_whose_refresh_token_expired_is_ended_while_its_access_token_lives(d):
    _, access = d.obtain()
    d.in_store("UPDATE session SET idle_exp = 1")
    assert d.ask(ADMIN_REVOKE, b"alice")[1][0] == (1).to_bytes(8, "little")
    assert d.revoked() == [sid(access)]


@with_issuer()
def status_tells_keys_sessions_store_and_list(d):
    d.obtain()
    d.obtain(b"carol")
    d.ask(ADMIN_REVOKE, b"carol")
    new, old = rotate(d)
    said = status_of(d)
    assert said["algorithm"] == "EdDSA" and said["audience"] == [socket.gethostname().lower()], said
    assert said["sessions"] == {"live": 1, "more": False} and said["revoked"] == 1, said
    assert said["store"]["bytes"] > 0 and said["store"]["path"] == "sessions.db", said
    keys = {k["kid"]: k for k in said["keys"]}
    assert keys[new]["signs"] and not keys[old]["signs"] and "until" not in keys[new], said
    assert keys[old]["until"] > time.time(), said


@with_issuer()
def root_sees_everybodys_sessions_page_by_page(d):
    tokens = [d.obtain(user)[1] for user in (b"alice", b"carol", b"alice")]
    status, (rows, after) = d.ask(ADMIN_SESSIONS, b"", b"")
    rows = json.loads(rows)
    assert (status, after) == ("ok", b"")
    assert [(r["user"], r["sid"]) for r in rows] == [
        (u, sid(t)) for u, t in zip(("alice", "carol", "alice"), reversed(tokens))], rows
    assert list(rows[0]) == ["sid", "user", "created", "last_used", "expires", "source", "client"], rows
    assert [r["sid"] for r in json.loads(d.ask(ADMIN_SESSIONS, b"carol", b"")[1][0])] == [sid(tokens[1])]
    assert d.ask(ADMIN_SESSIONS, b"nobody", b"") == ("ok", [b"[]", b""])
    assert d.ask(ADMIN_SESSIONS, b"", b"short")[0] == "no_session"


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
