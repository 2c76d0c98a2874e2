"""Refresh tokens: one successor, the grace period, reuse, expiry."""

import signal
import time

import pytest
from daemons import payload
from issuer_daemon import at_once, sid
from wire import CHECK


def test_a_lost_reply_is_repeated_with_the_same_bytes(issuer):
    refresh, _ = issuer.obtain()
    first = issuer.refresh(refresh)
    issuer.restart(signal.SIGKILL)
    assert first[0] == "ok" and issuer.refresh(refresh) == first
    one, two = payload(refresh.decode()), payload(first[2].decode())
    assert (one["gen"], two["gen"]) == (0, 1) and one["sid"] == two["sid"] == sid(first[1])


def test_a_hundred_uses_at_once_have_one_successor_and_one_check(issuer):
    refresh, _ = issuer.obtain()
    answers = set(at_once(100, lambda: issuer.refresh(refresh)))
    assert len(answers) == 1 and answers.pop()[0] == "ok"
    assert issuer.login.asked == [CHECK], issuer.login.asked


@pytest.mark.issuer("[Session]\nRotationGrace=0\n")
def test_without_grace_one_of_many_wins_and_the_session_ends(issuer):
    refresh, access = issuer.obtain()
    said = [a[0] for a in at_once(20, lambda: issuer.refresh(refresh))]
    assert sorted(said) == ["blacklisted"] * 19 + ["ok"], said
    issuer.all_say("blacklisted", refresh, access)
    assert sid(access) in issuer.revoked() and issuer.text("log").count("used again") == 1


def test_grace_never_covers_older_generations(issuer):
    refresh, access = issuer.obtain()
    second = issuer.refresh(refresh)
    third = issuer.refresh(second[2])
    assert issuer.verify(second[2]) == "blacklisted" and issuer.verify(third[2]) == "ok"
    assert issuer.refresh(refresh)[0] == "blacklisted"
    issuer.all_say("blacklisted", third[2], third[1])
    assert sid(access) in issuer.revoked()


@pytest.mark.issuer("[Session]\nRotateRefreshTokens=no\n")
def test_without_rotation_the_refresh_token_stays(issuer):
    refresh, _ = issuer.obtain()
    for _ in range(3):
        status, access, no_refresh = issuer.refresh(refresh)
        assert status == "ok" and no_refresh == b"" and issuer.whoami(access) == "ok"
    assert issuer.blacklist(refresh) == "ok" and issuer.verify(access) == "blacklisted"


@pytest.mark.issuer("[Session]\nBlacklistAfterRotation=no\nRotationGrace=0\n")
def test_without_blacklisting_old_refresh_tokens_stay_valid_until_logout(issuer):
    refresh, _ = issuer.obtain()
    second = issuer.refresh(refresh)
    assert issuer.verify(refresh) == issuer.refresh(refresh)[0] == issuer.refresh(second[2])[0] == "ok"
    assert issuer.blacklist(refresh) == "ok" and issuer.refresh(second[2])[0] == "blacklisted"


@pytest.mark.issuer("[Token]\nAccessTokenLifetime=1s\nRefreshTokenLifetime=5s\n[Session]\nAbsoluteLifetime=6s\n")
def test_no_refresh_token_outlives_its_session(issuer):
    refresh, access = issuer.obtain()
    start = payload(refresh.decode())["iat"]
    assert [payload(t.decode())["exp"] - start for t in (refresh, access)] == [5, 1]
    time.sleep(2.1)
    assert issuer.verify(access) == "expired" and issuer.whoami(access) == "expired"
    status, access, refresh = issuer.refresh(refresh)
    assert status == "ok" and payload(refresh.decode())["exp"] - start == 6
    time.sleep(4)
    issuer.all_say("expired", refresh, access)


@pytest.mark.issuer("[Session]\nIdleLifetime=5s\n")
def test_an_unused_session_expires_with_its_access_tokens(issuer):
    refresh, access = issuer.obtain()
    assert payload(access.decode())["exp"] - payload(access.decode())["iat"] == 5
    for _ in range(3):
        time.sleep(2)
        status, access, refresh = issuer.refresh(refresh)
        assert status == "ok"
    time.sleep(5.1)
    assert issuer.refresh(refresh)[0] == issuer.verify(access) == "expired"


def test_logout_ends_the_tokens_of_its_session_only(issuer):
    refresh, access = issuer.obtain()
    other = issuer.obtain()
    second = issuer.refresh(refresh)
    assert issuer.blacklist(refresh) == "ok", "an older refresh token ends its session too"
    assert issuer.revoked() == [sid(access)]
    issuer.all_say("blacklisted", second[2], second[1])
    assert issuer.blacklist(second[2]) == "blacklisted"
    assert issuer.refresh(other[0])[0] == "ok" and issuer.whoami(other[1]) == "ok"


@pytest.mark.issuer("[Session]\nMaxSessionsPerUser=3\n")
def test_the_oldest_sessions_make_room(issuer):
    pairs = [issuer.obtain() for _ in range(5)]
    other = issuer.obtain(b"carol")
    assert [issuer.verify(access) for _, access in pairs] == ["blacklisted"] * 2 + ["ok"] * 3
    assert issuer.published(2) == sorted(sid(access) for _, access in pairs[:2]) and issuer.verify(other[1]) == "ok"


@pytest.mark.issuer("[Token]\nRefreshTokenLifetime=1h\n")
def test_a_clock_set_back_revives_no_refresh_token_and_is_logged_once(issuer):
    refresh, access = issuer.obtain()
    issuer.end()
    issuer.in_store("UPDATE clock SET mark = mark + 2 * 3600")
    issuer.start()
    assert issuer.refresh(refresh)[0] == issuer.verify(refresh) == "expired"
    assert issuer.verify(access) == "ok", "access tokens are checked against the clock"
    issuer.ping()
    assert issuer.text("log").count("Clock is behind") == 1
