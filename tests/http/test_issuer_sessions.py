"""A user's requests to jwtd-issuer: list and end sessions, log out, narrow tokens, sliding tokens."""

import json
import struct
import time

import pytest
from daemons import now, payload, wait_for_tick
from issuer_daemon import SOURCE, sid
from wire import (LOGOUT, LOGOUT_ALL, NARROW, OBTAIN, SESSION_END, SESSIONS, SLIDING_OBTAIN,
                  SLIDING_REFRESH)

TWO_NAMES = "[Token]\nIssuer=https://one.example\nAudience=one.example two.example\n"
SLIDING = "[Token]\nSlidingTokens=yes\n"


def claims(token):
    return payload(token.decode())


def sessions(issuer, token):
    """All of them, page by page."""
    rows, after = [], b""
    while True:
        status, fields = issuer.ask(SESSIONS, token, after)
        if status != "ok":
            return status
        rows += json.loads(fields[0])
        after = fields[1]
        if not after:
            return rows


def narrow(issuer, token, scope=b"", aud=b"", lifetime=0, one_time=0, host_key=b""):
    status, fields = issuer.ask(NARROW, token, scope, aud, lifetime, one_time, host_key)
    return fields[0] if status == "ok" else status


def manages_nothing(issuer, token, verified="ok"):
    own = sid(token).encode()
    said = [issuer.ask(SESSIONS, token, b"")[0], issuer.ask(SESSION_END, token, own, SOURCE)[0],
            issuer.ask(LOGOUT, token, SOURCE)[0], issuer.ask(LOGOUT_ALL, token, SOURCE)[0], issuer.verify(token)]
    assert said == ["not_allowed"] * 4 + [verified], said


# Sessions


def test_sessions_are_listed_newest_first_with_their_own_marked(issuer):
    before = int(now())
    pairs = [issuer.obtain() for _ in range(3)]
    issuer.obtain(b"carol")
    refresh, access = pairs[1]
    assert issuer.refresh(refresh)[0] == "ok"
    rows = sessions(issuer, access)
    assert [r["sid"] for r in rows] == [sid(a) for _, a in reversed(pairs)], rows
    assert [r["current"] for r in rows] == [False, True, False], rows
    for row in rows:
        assert list(row) == ["sid", "created", "last_used", "expires", "source", "client", "method", "amr",
                             "current"], row
        assert before <= row["created"] <= row["last_used"] <= now(), row
        assert row["expires"] - row["last_used"] == 7 * 86400, row
        assert (row["source"], row["client"]) == ("uid 1000", ""), row


@pytest.mark.issuer("[Session]\nMaxSessionsPerUser=1000\nLoginsPerUser=0\n")
def test_a_long_list_comes_in_pages_with_each_session_once(issuer):
    source = b'"' * 64
    for _ in range(150):
        access = issuer.ask(OBTAIN, b"alice", b"secret one", source)[1][1]
    rows = sessions(issuer, access)
    assert len({r["sid"] for r in rows}) == len(rows) == 150
    assert {r["source"] for r in rows} == {'"' * 64}
    status, fields = issuer.ask(SESSIONS, access, b"")
    assert status == "ok" and len(fields[0]) <= 16384 and len(fields[1]) == 16
    assert issuer.ask(SESSIONS, access, b"short")[0] == "no_session"


def test_no_source_string_can_break_the_list(issuer):
    for source in (b"\xff\xfe\x80", b'","user":"root', b"\x01\n", b""):
        wait_for_tick()
        access = issuer.ask(OBTAIN, b"alice", b"secret one", source)[1][1]
    assert [r["source"] for r in sessions(issuer, access)] == ["", "??", '","user":"root', "???"]


def test_exactly_one_session_is_ended(issuer):
    (refresh, access), (gone_refresh, gone) = issuer.obtain(), issuer.obtain()
    assert issuer.ask(SESSION_END, access, sid(gone).encode(), SOURCE) == ("ok", [])
    assert issuer.revoked() == [sid(gone)]
    issuer.all_say("blacklisted", gone_refresh, gone)
    assert [r["sid"] for r in sessions(issuer, access)] == [sid(access)]
    assert issuer.ask(SESSION_END, access, sid(gone).encode(), SOURCE)[0] == "no_session", "it is over already"
    assert issuer.refresh(refresh)[0] == "ok"
    assert f"sid={sid(gone)}" in issuer.text("log")


def test_the_log_names_each_access_token_that_is_issued(issuer):
    refresh, access = issuer.obtain()
    _, later, _ = issuer.refresh(refresh)
    narrowed = issuer.ask(NARROW, later, b"pam:sudo", b"", 0, 1, b"")[1][0]
    log = issuer.text("log")
    for event, token in (("Login succeeded", access), ("Refresh token exchanged", later),
                         ("Narrowed token issued", narrowed)):
        line = next(x for x in log.splitlines() if event in x)
        assert f"sid={sid(access)} jti={claims(token)['jti']}" in line, line


def test_another_users_session_looks_like_a_missing_one(issuer):
    refresh, other = issuer.obtain(b"carol")
    _, access = issuer.obtain()
    for name in (sid(other).encode(), b"A" * 22, b"", b"x" * 64, sid(other).encode()[:21] + b"=", b"\xff" * 22):
        assert issuer.ask(SESSION_END, access, name, SOURCE) == ("no_session", []), name
    assert issuer.refresh(refresh)[0] == "ok" and issuer.revoked() == []


def test_logout_ends_the_session_of_its_token(issuer):
    (refresh, access), (kept, _) = issuer.obtain(), issuer.obtain()
    assert issuer.ask(LOGOUT, access, SOURCE) == ("ok", [])
    assert issuer.revoked() == [sid(access)]
    issuer.all_say("blacklisted", refresh, access)
    assert issuer.ask(LOGOUT, access, SOURCE)[0] == "blacklisted"
    assert issuer.refresh(kept)[0] == "ok"


def test_logout_all_ends_every_session_of_that_user_only(issuer):
    pairs = [issuer.obtain() for _ in range(3)]
    other, _ = issuer.obtain(b"carol")
    status, fields = issuer.ask(LOGOUT_ALL, pairs[0][1], SOURCE)
    assert (status, fields) == ("ok", [struct.pack("<Q", 3)])
    assert issuer.revoked() == sorted(sid(a) for _, a in pairs)
    for refresh, access in pairs:
        issuer.all_say("blacklisted", refresh, access)
    assert issuer.refresh(other)[0] == "ok"


@pytest.mark.issuer("[Session]\nAccountCacheTime=0\n")
def test_only_an_access_token_of_a_usable_account_manages_sessions(issuer):
    refresh, access = issuer.obtain()
    for op in (LOGOUT, LOGOUT_ALL):
        assert issuer.ask(op, refresh, SOURCE)[0] == "wrong_type"
        assert issuer.ask(op, b"alice", SOURCE)[0] == "invalid"
    issuer.login.accounts[b"alice"] = "inactive"
    assert sessions(issuer, access) == issuer.ask(LOGOUT_ALL, access, SOURCE)[0] == narrow(issuer, access) == "inactive"


def test_no_logout_all_succeeds_before_it_is_published(issuer):
    _, access = issuer.obtain()
    with open(issuer.path("public/revoked"), "w", encoding="ascii") as file:
        file.write("malformed")
    assert issuer.ask(LOGOUT_ALL, access, SOURCE)[0] == "unavailable"


# Narrower tokens


def test_a_narrower_token_has_the_scope_and_is_of_the_same_session(issuer):
    _, access = issuer.obtain()
    token = narrow(issuer, access, scope=b"pam:sudo  read")
    old, new = claims(access), claims(token)
    assert new["scope"] == "pam:sudo read" and new["token_type"] == "access", new
    assert (new["sid"], new["exp"], new["aud"], new["sub"]) == (old["sid"], old["exp"], old["aud"], "alice")
    assert new["jti"] != old["jti"] and "one_time" not in new
    assert list(new)[-1] == "scope"
    assert issuer.ask(LOGOUT, access, SOURCE)[0] == "ok"
    assert issuer.verify(token) == issuer.whoami(token) == narrow(issuer, token) == "blacklisted"


def test_a_scope_never_grows(issuer):
    _, access = issuer.obtain()
    token = narrow(issuer, access, scope=b"pam:sudo read")
    assert claims(narrow(issuer, token))["scope"] == "pam:sudo read"
    assert claims(narrow(issuer, token, scope=b"pam:sudo"))["scope"] == "pam:sudo"
    for wider in (b"pam:sshd", b"pam:*", b"pam:sudo write", b"read", b"pam:sudo \"", b"pam:sudo\xc3\xa9"):
        assert narrow(issuer, token, scope=wider) == "wider_scope", wider
    all_pam = narrow(issuer, access, scope=b"pam:*")
    assert claims(narrow(issuer, all_pam, scope=b"pam:sudo"))["scope"] == "pam:sudo"


@pytest.mark.issuer(TWO_NAMES)
def test_an_audience_never_grows(issuer):
    _, access = issuer.obtain()
    assert claims(access)["aud"] == ["one.example", "two.example"]
    token = narrow(issuer, access, aud=b"two.example")
    assert claims(token)["aud"] == "two.example"
    for wider in (b"one.example", b"one.example two.example", b"three.example", b"two.example,one.example"):
        assert narrow(issuer, token, aud=wider) == "wider_audience", wider
    assert claims(narrow(issuer, access, aud=b"two.example one.example two.example"))["aud"] == [
        "one.example", "two.example"]


def test_a_lifetime_never_grows(issuer):
    _, access = issuer.obtain()
    exp, before = claims(access)["exp"], int(now())
    for asked in (0, 900, 86400, 2 ** 63, 2 ** 64 - 1):
        assert claims(narrow(issuer, access, lifetime=asked))["exp"] == exp, asked
    token = narrow(issuer, access, lifetime=60)
    assert before + 60 <= claims(token)["exp"] <= now() + 60
    assert claims(narrow(issuer, token, lifetime=900))["exp"] == claims(token)["exp"]


@pytest.mark.issuer(TWO_NAMES)
def test_a_one_time_token_is_for_one_audience(issuer):
    _, access = issuer.obtain()
    assert narrow(issuer, access, one_time=1) == "bad_narrow"
    assert narrow(issuer, access, aud=b"one.example two.example", one_time=1) == "bad_narrow"
    assert narrow(issuer, access, aud=b"one.example", one_time=2) == "bad_narrow"
    token = narrow(issuer, access, aud=b"one.example", one_time=1)
    assert (claims(token)["aud"], claims(token)["one_time"]) == ("one.example", True)


@pytest.mark.issuer(TWO_NAMES)
def test_a_narrowed_token_manages_no_session_and_a_one_time_token_nothing(issuer):
    _, access = issuer.obtain()
    scoped = narrow(issuer, access, scope=b"pam:sudo")
    elsewhere = narrow(issuer, access, aud=b"two.example")
    once = narrow(issuer, access, aud=b"one.example", one_time=1)
    shorter = narrow(issuer, access, lifetime=60)
    manages_nothing(issuer, scoped, "invalid")
    for token in (elsewhere, once):
        manages_nothing(issuer, token)
    assert issuer.whoami(elsewhere) == "ok"
    assert issuer.whoami(once) == narrow(issuer, once) == "not_allowed"
    assert len(sessions(issuer, shorter)) == 1 and issuer.ask(LOGOUT, shorter, SOURCE)[0] == "ok"


@pytest.mark.issuer("[Token]\nIssuer=https://one.example\nAudience=one.example\nMaxTokenLength=400\n")
def test_a_narrower_token_over_max_token_length_is_refused(issuer):
    _, access = issuer.obtain()
    assert len(access) <= 400 and "MaxTokenLength" in issuer.text("log")
    assert narrow(issuer, access, scope=b"pam:" + b"a" * 40) == "too_long"
    assert narrow(issuer, access, scope=b"a" * 4096) == "too_long"


WITHOUT_GRACE = "[Session]\nRotationGrace=0\n[Token]\nIssuer=https://one.example\nAudience=one.example\n"


@pytest.mark.issuer(WITHOUT_GRACE)
def test_a_token_that_became_too_long_uses_no_refresh_token_up(issuer):
    refresh, access = issuer.obtain()
    for more, status in ((f"MaxTokenLength={len(access) - 1}\n", "too_long"), ("", "ok")):
        issuer.configure(WITHOUT_GRACE + more)
        issuer.restart()
        assert issuer.refresh(refresh)[0] == status


def test_a_token_for_pam_services_identifies_nobody_to_a_web_application(issuer):
    _, access = issuer.obtain()
    for scope in (b"pam:sudo", b"read pam:sshd", b"pam:*", b"pam:"):
        token = narrow(issuer, access, scope=scope)
        assert (issuer.whoami(token), issuer.verify(token)) == ("not_allowed", "invalid"), scope
    for scope in (b"read", b"xpam:sudo"):
        token = narrow(issuer, access, scope=scope)
        assert (issuer.whoami(token), issuer.verify(token)) == ("ok", "ok"), scope


HOST_KEY = b"AZjmXvZ0cKqkz1y9sUe3v-"
OTHER_KEY = b"BZjmXvZ0cKqkz1y9sUe3v_"


@pytest.mark.issuer(TWO_NAMES)
def test_an_audience_is_bound_to_a_host_key_and_never_unbound(issuer):
    _, access = issuer.obtain()
    one = narrow(issuer, access, aud=b"one.example")
    for token in (narrow(issuer, access, aud=b"one.example", host_key=HOST_KEY), narrow(issuer, one, host_key=HOST_KEY)):
        assert claims(token)["aud"] == "one.example#" + HOST_KEY.decode()
        for asked in ({}, {"aud": b"one.example"}, {"host_key": OTHER_KEY}, {"host_key": HOST_KEY},
                      {"aud": b"one.example#" + HOST_KEY}):
            assert narrow(issuer, token, **asked) == "invalid", asked
        assert issuer.whoami(token) == issuer.verify(token) == sessions(issuer, token) == "invalid"
    full = narrow(issuer, access, b"pam:sshd", b"two.example", 60, 1, HOST_KEY)
    assert {name: claims(full)[name] for name in ("aud", "scope", "one_time")} == {
        "aud": "two.example#" + HOST_KEY.decode(), "scope": "pam:sshd", "one_time": True}


@pytest.mark.issuer(TWO_NAMES)
def test_a_host_key_is_refused_unless_it_is_one_and_the_audience_too(issuer):
    _, access = issuer.obtain()
    for key in (HOST_KEY[:-1], b"A" * 21 + b"+", b"A" * 21 + b"/", b"A" * 21 + b"=", b"A" * 21 + b"#", b"A" * 21 + b'"',
                b"#" * 22):
        assert narrow(issuer, access, aud=b"one.example", host_key=key) == "bad_host_key", key
    assert narrow(issuer, access, host_key=HOST_KEY) == "bad_narrow"
    assert narrow(issuer, access, aud=b"three.example", host_key=HOST_KEY) == "wider_audience"
    assert narrow(issuer, access, aud=b"one.example#" + HOST_KEY) == "wider_audience"


@pytest.mark.issuer("[Token]\nIssuer=https://one.example\nAudience=one.example\nMaxTokenLength=400\n")
def test_only_a_token_for_sshd_alone_may_exceed_max_token_length(issuer):
    _, access = issuer.obtain()
    token = narrow(issuer, access, b"pam:sshd", one_time=1, host_key=HOST_KEY)
    assert 400 < len(token) <= 1023
    for scope in (b"pam:sudo", b"pam:sshd pam:sudo", b"pam:sshd read", b"pam:sshd2", b"pam:*", b""):
        assert narrow(issuer, access, scope, one_time=1, host_key=HOST_KEY) == "too_long", scope


@pytest.mark.issuer(f"[Token]\nIssuer=https://{'i' * 240}\nAudience={'a' * 255}\nMaxTokenLength=8192\n")
def test_no_token_for_sshd_is_longer_than_ssh_takes_unless_settings_allow_it(issuer):
    _, access = issuer.obtain()
    token = narrow(issuer, access, b"pam:sshd", one_time=1, host_key=HOST_KEY)
    assert 900 < len(token) < 8192, len(token)


def test_a_refresh_token_cannot_be_narrowed(issuer):
    refresh, _ = issuer.obtain()
    assert narrow(issuer, refresh) == "wrong_type" and narrow(issuer, b"junk") == "invalid"


# Sliding tokens


def slide(issuer, token):
    status, fields = issuer.ask(SLIDING_REFRESH, token, SOURCE)
    return fields[0] if status == "ok" else status


def sliding(issuer):
    status, fields = issuer.ask(SLIDING_OBTAIN, b"alice", b"secret one", SOURCE)
    assert status == "ok", status
    return fields[0]


def test_without_the_setting_there_are_no_sliding_tokens(issuer):
    assert issuer.ask(SLIDING_OBTAIN, b"alice", b"secret one", SOURCE) == ("no_session", [])
    assert issuer.login.asked == [], "no password is checked"
    assert slide(issuer, issuer.obtain()[1]) == "no_session"


@pytest.mark.issuer(SLIDING)
def test_a_sliding_token_has_two_lifetimes_and_authenticates_its_user(issuer):
    token = sliding(issuer)
    c = claims(token)
    assert list(c)[:6] == ["token_type", "exp", "iat", "jti", "refresh_exp", "sub"], c
    assert c["token_type"] == "sliding" and "gen" not in c
    assert (c["exp"] - c["iat"], c["refresh_exp"] - c["iat"]) == (900, 86400)
    assert issuer.verify(token) == issuer.whoami(token) == "ok"
    assert [r["current"] for r in sessions(issuer, token)] == [True]
    assert narrow(issuer, token) == issuer.refresh(token)[0] == issuer.blacklist(token) == "wrong_type"
    assert issuer.ask(SLIDING_OBTAIN, b"alice", b"wrong", SOURCE)[0] == "denied"


@pytest.mark.issuer(SLIDING)
def test_a_sliding_token_is_exchanged_for_itself_with_new_times(issuer):
    token = sliding(issuer)
    time.sleep(1.1)
    later = slide(issuer, token)
    old, new = claims(token), claims(later)
    assert new["exp"] > old["exp"] and new["iat"] > old["iat"]
    assert [new[n] for n in ("jti", "sid", "refresh_exp")] == [old[n] for n in ("jti", "sid", "refresh_exp")]
    assert slide(issuer, token) != "blacklisted", "simplejwt's goes on too, until its exp"
    refresh, access = issuer.obtain()
    assert slide(issuer, refresh) == slide(issuer, access) == "wrong_type" and slide(issuer, b"junk") == "invalid"


@pytest.mark.issuer(SLIDING + "SlidingTokenLifetime=10s\nSlidingTokenRefreshLifetime=1s\n")
def test_after_refresh_exp_a_sliding_token_is_valid_but_not_refreshed(issuer):
    token = sliding(issuer)
    time.sleep(1.1)
    assert slide(issuer, token) == "refresh_expired" and issuer.whoami(token) == "ok"


@pytest.mark.issuer(SLIDING + "SlidingTokenLifetime=1s\n")
def test_an_expired_sliding_token_is_refused(issuer):
    token = sliding(issuer)
    time.sleep(1.1)
    assert slide(issuer, token) == issuer.whoami(token) == "expired"


@pytest.mark.issuer(SLIDING + "SlidingTokenLifetime=1h\n[Session]\nAbsoluteLifetime=60s\n")
def test_no_sliding_token_outlives_its_session(issuer):
    token = sliding(issuer)
    c = claims(slide(issuer, token))
    assert c["exp"] <= claims(token)["iat"] + 60 >= c["refresh_exp"], c


@pytest.mark.issuer(SLIDING + "[Session]\nAccountCacheTime=0\n")
def test_logout_and_account_changes_apply_to_sliding_tokens(issuer):
    token, other = sliding(issuer), sliding(issuer)
    assert issuer.ask(LOGOUT, token, SOURCE)[0] == "ok" and issuer.revoked() == [sid(token)]
    assert slide(issuer, token) == issuer.verify(token) == issuer.whoami(token) == "blacklisted"
    issuer.login.accounts[b"alice"] = "inactive"
    assert slide(issuer, other) == "inactive"
    issuer.login.accounts.clear()
    issuer.login.stamp = b"1" * 16
    assert slide(issuer, other) == "password_changed" and sid(other) in issuer.revoked()
