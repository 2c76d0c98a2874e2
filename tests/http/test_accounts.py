"""Account checks, and limits on password guesses."""

import struct
import time

import pytest
from issuer_daemon import SOURCE, NO_CACHE, at_once, sid
from wire import OBTAIN, CHECK, ACCOUNT


@pytest.mark.issuer(NO_CACHE)
def test_an_unusable_account_cannot_refresh_until_it_is_usable_again(issuer):
    refresh, access = issuer.obtain()
    for status, said in (("not_found", "not_found"), ("inactive", "inactive"), ("denied", "inactive"),
                         ("busy", "busy"), ("unavailable", "unavailable")):
        issuer.login.accounts[b"alice"] = status
        assert (issuer.refresh(refresh)[0], issuer.whoami(access)) == (said, said), status
    issuer.login.accounts.clear()
    assert issuer.refresh(refresh)[0] == "ok"


@pytest.mark.issuer(NO_CACHE + "CheckAccount=no\n")
def test_check_account_no_asks_for_the_stamp_alone(issuer):
    refresh, _ = issuer.obtain()
    issuer.login.accounts[b"alice"] = "inactive"
    status, _, refresh = issuer.refresh(refresh)
    assert status == "ok"
    issuer.login.accounts.clear()
    issuer.login.stamp = b"1" * 16
    assert issuer.refresh(refresh)[0] == "password_changed"


@pytest.mark.issuer(NO_CACHE)
def test_another_password_ends_the_session(issuer):
    refresh, access = issuer.obtain()
    issuer.login.stamp = b""
    status, access, refresh = issuer.refresh(refresh)
    assert status == "ok", "no stamp says nothing"
    issuer.login.stamp = b"1" * 16
    assert issuer.refresh(refresh)[0] == "password_changed"
    issuer.all_say("blacklisted", refresh, access)
    assert sid(access) in issuer.revoked()


@pytest.mark.issuer("[Session]\nAccountCacheTime=3s\n")
def test_an_account_is_checked_once_per_account_cache_time(issuer):
    refresh, _ = issuer.obtain()
    time.sleep(3.1)
    for _ in range(5):
        _, _, refresh = issuer.refresh(refresh)
    assert issuer.login.asked == [CHECK, ACCOUNT], issuer.login.asked


@pytest.mark.issuer(NO_CACHE)
def test_concurrent_requests_for_one_account_make_one_check(issuer):
    pairs = [issuer.obtain() for _ in range(10)]
    issuer.login.delay = 0.5
    assert at_once(10, lambda: issuer.refresh(pairs.pop()[0])[0]) == ["ok"] * 10
    assert issuer.login.asked.count(ACCOUNT) == 1, issuer.login.asked


def test_guesses_at_one_name_are_limited_even_at_once(issuer):
    said = at_once(40, lambda: issuer.guess(b"mallory"))
    assert sorted(said) == ["denied"] * 10 + ["throttled"] * 30, said
    status, wait = issuer.ask(OBTAIN, b"mallory", b"wrong", SOURCE)
    assert status == "throttled" and 50 <= struct.unpack("<Q", wait[0])[0] <= 60, wait
    assert issuer.obtain(b"alice") and len([q for q in issuer.login.asked if q == CHECK]) == 11


def test_guesses_at_a_name_block_only_new_logins_of_that_user(issuer):
    refresh, access = issuer.obtain()
    assert [issuer.guess() for _ in range(11)] == ["denied"] * 10 + ["throttled"]
    assert issuer.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "throttled"
    assert issuer.verify(access) == issuer.whoami(access) == issuer.refresh(refresh)[0] == "ok"
    assert issuer.obtain(b"carol")


def test_a_password_that_was_not_checked_does_not_count_as_a_failure(issuer):
    for word in ("busy", "unavailable"):
        issuer.login.check = word
        assert {issuer.guess() for _ in range(20)} == {word}
    issuer.login.check = None
    assert [issuer.guess() for _ in range(9)] == ["denied"] * 9 and issuer.obtain()


def test_right_passwords_at_once_are_never_throttled(issuer):
    assert len({sid(pair[0]) for pair in at_once(16, issuer.obtain)}) == 16


def test_a_name_is_logged_only_if_it_is_an_account(issuer):
    assert issuer.guess(b"mallory") == issuer.guess(b"alice") == "denied"
    assert "user=" not in issuer.text("log")
    issuer.obtain()
    issuer.guess()
    assert issuer.text("log").splitlines()[-1].count("user=alice") == 1


def test_names_that_no_token_can_hold_are_denied_without_a_check(issuer):
    for name in (b"a b", b"-a", b"a\\b", b"12", b".."):
        assert issuer.guess(name) == "denied"
    assert issuer.login.asked == []
