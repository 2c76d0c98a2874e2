"""What a person may do with sessions and tokens of theirs, asked over jwtd-issuer's socket: see and end
sessions, log out, make narrower tokens, use sliding ones."""

import json
import struct
import sys
import time

from daemons import payload, run
from issuers import SOURCE, sid, with_issuer
from wire import (LOGOUT, LOGOUT_ALL, NARROW, OBTAIN, SESSION_END, SESSIONS, SLIDING_OBTAIN,
                  SLIDING_REFRESH)

TWO_NAMES = "[Token]\nIssuer=https://one.example\nAudience=one.example two.example\n"
SLIDING = "[Token]\nSlidingTokens=yes\n"


def claims(token):
    return payload(token.decode())


def sessions(d, token):
    """All of them, page by page."""
    rows, after = [], b""
    while True:
        status, fields = d.ask(SESSIONS, token, after)
        if status != "ok":
            return status
        rows += json.loads(fields[0])
        after = fields[1]
        if not after:
            return rows


def narrow(d, token, scope=b"", aud=b"", lifetime=0, one_time=0):
    status, fields = d.ask(NARROW, token, scope, aud, lifetime, one_time)
    return fields[0] if status == "ok" else status


def manages_nothing(d, token):
    own = sid(token).encode()
    said = [d.ask(SESSIONS, token, b"")[0], d.ask(SESSION_END, token, own, SOURCE)[0],
            d.ask(LOGOUT, token, SOURCE)[0], d.ask(LOGOUT_ALL, token, SOURCE)[0], d.verify(token)]
    assert said == ["not_allowed"] * 4 + ["ok"], said


# Sessions


@with_issuer()
def sessions_are_listed_newest_first_with_their_own_marked(d):
    before = int(time.time())
    pairs = [d.obtain() for _ in range(3)]
    d.obtain(b"carol")
    refresh, access = pairs[1]
    assert d.refresh(refresh)[0] == "ok"
    rows = sessions(d, access)
    assert [r["sid"] for r in rows] == [sid(a) for _, a in reversed(pairs)], rows
    assert [r["current"] for r in rows] == [False, True, False], rows
    for row in rows:
        assert list(row) == ["sid", "created", "last_used", "expires", "source", "client", "current"], row
        assert before <= row["created"] <= row["last_used"] <= time.time(), row
        assert row["expires"] - row["last_used"] == 7 * 86400, row
        assert (row["source"], row["client"]) == ("uid 1000", ""), row


@with_issuer("[Session]\nMaxSessionsPerUser=1000\n")
def a_long_list_comes_in_pages_with_each_session_once(d):
    source = b'"' * 64
    for _ in range(150):
        access = d.ask(OBTAIN, b"alice", b"secret one", source)[1][1]
    rows = sessions(d, access)
    assert len({r["sid"] for r in rows}) == len(rows) == 150
    assert {r["source"] for r in rows} == {'"' * 64}
    status, fields = d.ask(SESSIONS, access, b"")
    assert status == "ok" and len(fields[0]) <= 16384 and len(fields[1]) == 16
    assert d.ask(SESSIONS, access, b"short")[0] == "no_session"


@with_issuer()
def what_jwtd_says_of_a_source_can_not_break_the_list(d):
    for source in (b"\xff\xfe\x80", b'","user":"root', b"\x01\n", b""):
        access = d.ask(OBTAIN, b"alice", b"secret one", source)[1][1]
    assert [r["source"] for r in sessions(d, access)] == ["", "??", '","user":"root', "???"]


@with_issuer()
def one_session_is_ended_and_no_other(d):
    (refresh, access), (gone_refresh, gone) = d.obtain(), d.obtain()
    assert d.ask(SESSION_END, access, sid(gone).encode(), SOURCE) == ("ok", [])
    assert d.revoked() == [sid(gone)]
    d.all_say("blacklisted", gone_refresh, gone)
    assert [r["sid"] for r in sessions(d, access)] == [sid(access)]
    assert d.ask(SESSION_END, access, sid(gone).encode(), SOURCE)[0] == "no_session", "it is over already"
    assert d.refresh(refresh)[0] == "ok"
    assert f"sid={sid(gone)}" in d.text("log")


@with_issuer()
def anothers_session_is_as_one_that_is_not_there(d):
    refresh, other = d.obtain(b"carol")
    _, access = d.obtain()
    for name in (sid(other).encode(), b"A" * 22, b"", b"x" * 64, sid(other).encode()[:21] + b"=", b"\xff" * 22):
        assert d.ask(SESSION_END, access, name, SOURCE) == ("no_session", []), name
    assert d.refresh(refresh)[0] == "ok" and d.revoked() == []


@with_issuer()
def logout_ends_the_session_of_its_token(d):
    (refresh, access), (kept, _) = d.obtain(), d.obtain()
    assert d.ask(LOGOUT, access, SOURCE) == ("ok", [])
    assert d.revoked() == [sid(access)]
    d.all_say("blacklisted", refresh, access)
    assert d.ask(LOGOUT, access, SOURCE)[0] == "blacklisted"
    assert d.refresh(kept)[0] == "ok"


@with_issuer()
def logout_all_ends_every_session_of_the_user_and_nobody_elses(d):
    pairs = [d.obtain() for _ in range(3)]
    other, _ = d.obtain(b"carol")
    status, fields = d.ask(LOGOUT_ALL, pairs[0][1], SOURCE)
    assert (status, fields) == ("ok", [struct.pack("<Q", 3)])
    assert d.revoked() == sorted(sid(a) for _, a in pairs)
    for refresh, access in pairs:
        d.all_say("blacklisted", refresh, access)
    assert d.refresh(other)[0] == "ok"


@with_issuer("[Session]\nAccountCacheTime=0\n")
def only_an_access_token_of_a_usable_account_manages(d):
    refresh, access = d.obtain()
    for question in (LOGOUT, LOGOUT_ALL):
        assert d.ask(question, refresh, SOURCE)[0] == "wrong_type"
        assert d.ask(question, b"alice", SOURCE)[0] == "invalid"
    d.login.accounts[b"alice"] = "inactive"
    assert sessions(d, access) == d.ask(LOGOUT_ALL, access, SOURCE)[0] == narrow(d, access) == "inactive"


@with_issuer()
def no_logout_all_is_answered_that_is_not_published(d):
    _, access = d.obtain()
    with open(d.path("public/revoked"), "w", encoding="ascii") as file:
        file.write("out of form")
    assert d.ask(LOGOUT_ALL, access, SOURCE)[0] == "unavailable"


# Narrower tokens


@with_issuer()
def a_narrower_token_has_the_scope_and_is_of_the_same_session(d):
    _, access = d.obtain()
    token = narrow(d, access, scope=b"pam:sudo  read")
    old, new = claims(access), claims(token)
    assert new["scope"] == "pam:sudo read" and new["token_type"] == "access", new
    assert (new["sid"], new["exp"], new["aud"], new["sub"]) == (old["sid"], old["exp"], old["aud"], "alice")
    assert new["jti"] != old["jti"] and "one_time" not in new
    assert list(new)[-1] == "scope"
    assert d.verify(token) == d.whoami(token) == "ok"
    assert d.ask(LOGOUT, access, SOURCE)[0] == "ok"
    assert d.verify(token) == d.whoami(token) == narrow(d, token) == "blacklisted"


@with_issuer()
def a_scope_never_grows(d):
    _, access = d.obtain()
    token = narrow(d, access, scope=b"pam:sudo read")
    assert claims(narrow(d, token))["scope"] == "pam:sudo read"
    assert claims(narrow(d, token, scope=b"pam:sudo"))["scope"] == "pam:sudo"
    for wider in (b"pam:sshd", b"pam:*", b"pam:sudo write", b"read", b"pam:sudo \"", b"pam:sudo\xc3\xa9"):
        assert narrow(d, token, scope=wider) == "wider_scope", wider
    all_pam = narrow(d, access, scope=b"pam:*")
    assert claims(narrow(d, all_pam, scope=b"pam:sudo"))["scope"] == "pam:sudo"


@with_issuer(TWO_NAMES)
def an_audience_never_grows(d):
    _, access = d.obtain()
    assert claims(access)["aud"] == ["one.example", "two.example"]
    token = narrow(d, access, aud=b"two.example")
    assert claims(token)["aud"] == "two.example"
    for wider in (b"one.example", b"one.example two.example", b"three.example", b"two.example,one.example"):
        assert narrow(d, token, aud=wider) == "wider_audience", wider
    assert claims(narrow(d, access, aud=b"two.example one.example two.example"))["aud"] == [
        "one.example", "two.example"]


@with_issuer()
def a_life_never_grows(d):
    _, access = d.obtain()
    exp, now = claims(access)["exp"], time.time()
    for asked in (0, 900, 86400, 2 ** 63, 2 ** 64 - 1):
        assert claims(narrow(d, access, lifetime=asked))["exp"] == exp, asked
    token = narrow(d, access, lifetime=60)
    assert now + 59 <= claims(token)["exp"] <= time.time() + 61
    assert claims(narrow(d, token, lifetime=900))["exp"] == claims(token)["exp"]


@with_issuer(TWO_NAMES)
def a_one_time_token_is_for_one_audience(d):
    _, access = d.obtain()
    assert narrow(d, access, one_time=1) == "bad_narrow"
    assert narrow(d, access, aud=b"one.example two.example", one_time=1) == "bad_narrow"
    assert narrow(d, access, aud=b"one.example", one_time=2) == "bad_narrow"
    token = narrow(d, access, aud=b"one.example", one_time=1)
    assert (claims(token)["aud"], claims(token)["one_time"]) == ("one.example", True)


@with_issuer(TWO_NAMES)
def what_was_narrowed_manages_no_session_and_one_time_tokens_buy_nothing(d):
    _, access = d.obtain()
    scoped = narrow(d, access, scope=b"pam:sudo")
    elsewhere = narrow(d, access, aud=b"two.example")
    once = narrow(d, access, aud=b"one.example", one_time=1)
    shorter = narrow(d, access, lifetime=60)
    for token in (scoped, elsewhere, once):
        manages_nothing(d, token)
    assert d.whoami(scoped) == d.whoami(elsewhere) == "ok"
    assert d.whoami(once) == narrow(d, once) == "not_allowed"
    assert len(sessions(d, shorter)) == 1 and d.ask(LOGOUT, shorter, SOURCE)[0] == "ok"


@with_issuer("[Token]\nIssuer=https://one.example\nAudience=one.example\nMaxTokenLength=400\n")
def a_narrower_token_that_does_not_fit_is_told_and_never_minted(d):
    _, access = d.obtain()
    assert len(access) <= 400 and "MaxTokenLength" in d.text("log")
    assert narrow(d, access, scope=b"pam:" + b"a" * 40) == "too_long"
    assert narrow(d, access, scope=b"a" * 4096) == "too_long"


@with_issuer()
def a_refresh_token_can_not_be_narrowed(d):
    refresh, _ = d.obtain()
    assert narrow(d, refresh) == "wrong_type" and narrow(d, b"junk") == "invalid"


# Sliding tokens


def slide(d, token):
    status, fields = d.ask(SLIDING_REFRESH, token, SOURCE)
    return fields[0] if status == "ok" else status


def sliding(d):
    status, fields = d.ask(SLIDING_OBTAIN, b"alice", b"secret one", SOURCE)
    assert status == "ok", status
    return fields[0]


@with_issuer()
def without_the_setting_there_are_no_sliding_tokens(d):
    assert d.ask(SLIDING_OBTAIN, b"alice", b"secret one", SOURCE) == ("no_session", [])
    assert d.login.asked == [], "no password is looked at"
    assert slide(d, d.obtain()[1]) == "no_session"


@with_issuer(SLIDING)
def a_sliding_token_has_two_ends_and_stands_for_its_user(d):
    token = sliding(d)
    c = claims(token)
    assert list(c)[:6] == ["token_type", "exp", "iat", "jti", "refresh_exp", "sub"], c
    assert c["token_type"] == "sliding" and "gen" not in c
    assert (c["exp"] - c["iat"], c["refresh_exp"] - c["iat"]) == (900, 86400)
    assert d.verify(token) == d.whoami(token) == "ok"
    assert [r["current"] for r in sessions(d, token)] == [True]
    assert narrow(d, token) == d.refresh(token)[0] == d.blacklist(token) == "wrong_type"
    assert d.ask(SLIDING_OBTAIN, b"alice", b"wrong", SOURCE)[0] == "denied"


@with_issuer(SLIDING)
def a_sliding_token_is_exchanged_for_itself_with_new_times(d):
    token = sliding(d)
    time.sleep(1.1)
    later = slide(d, token)
    old, new = claims(token), claims(later)
    assert new["exp"] > old["exp"] and new["iat"] > old["iat"]
    assert [new[n] for n in ("jti", "sid", "refresh_exp")] == [old[n] for n in ("jti", "sid", "refresh_exp")]
    assert slide(d, token) != "blacklisted", "simplejwt's goes on too, until its exp"
    refresh, access = d.obtain()
    assert slide(d, refresh) == slide(d, access) == "wrong_type" and slide(d, b"junk") == "invalid"


@with_issuer(SLIDING + "SlidingTokenLifetime=10s\nSlidingTokenRefreshLifetime=1s\n")
def after_refresh_exp_a_sliding_token_is_shown_but_not_exchanged(d):
    token = sliding(d)
    time.sleep(1.1)
    assert slide(d, token) == "refresh_expired" and d.whoami(token) == "ok"


@with_issuer(SLIDING + "SlidingTokenLifetime=1s\n")
def an_expired_sliding_token_buys_nothing(d):
    token = sliding(d)
    time.sleep(1.1)
    assert slide(d, token) == d.whoami(token) == "expired"


@with_issuer(SLIDING + "SlidingTokenLifetime=1h\n[Session]\nAbsoluteLifetime=60s\n")
def no_sliding_token_outlives_its_session(d):
    token = sliding(d)
    c = claims(slide(d, token))
    assert c["exp"] <= claims(token)["iat"] + 60 >= c["refresh_exp"], c


@with_issuer(SLIDING + "[Session]\nAccountCacheTime=0\n")
def logout_and_the_account_bind_sliding_tokens(d):
    token, other = sliding(d), sliding(d)
    assert d.ask(LOGOUT, token, SOURCE)[0] == "ok" and d.revoked() == [sid(token)]
    assert slide(d, token) == d.verify(token) == d.whoami(token) == "blacklisted"
    d.login.accounts[b"alice"] = "inactive"
    assert slide(d, other) == "inactive"
    d.login.accounts.clear()
    d.login.stamp = b"1" * 16
    assert slide(d, other) == "password_changed" and sid(other) in d.revoked()


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
