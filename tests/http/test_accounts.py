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


@pytest.mark.issuer(NO_CACHE)
def test_a_token_of_an_account_that_is_gone_is_not_valid_until_the_account_is_back(issuer):
    refresh, access = issuer.obtain()
    for status in ("not_found", "inactive"):
        issuer.login.accounts[b"alice"] = status
        assert issuer.verify(access) == issuer.verify(refresh) == "invalid"
        assert (issuer.whoami(access), issuer.refresh(refresh)[0]) == (status, status)
    issuer.login.accounts.clear()
    assert issuer.verify(access) == issuer.whoami(access) == issuer.refresh(refresh)[0] == "ok"
    assert issuer.revoked() == []


@pytest.mark.issuer(NO_CACHE)
def test_an_account_that_was_made_again_for_another_uid_gets_nothing_of_the_old_one(issuer):
    for use, word in ((lambda pair: issuer.refresh(pair[0])[0], "not_found"),
                      (lambda pair: issuer.whoami(pair[1]), "not_found"),
                      (lambda pair: issuer.verify(pair[1]), "invalid"),
                      (lambda pair: issuer.verify(pair[0]), "invalid")):
        issuer.login.uid = 1000
        pair = issuer.obtain()
        issuer.login.uid = 4321
        assert use(pair) == word
        assert sid(pair[1]) in issuer.revoked(), "pam_jwt refuses it, too"
        issuer.login.uid = 1000
        issuer.all_say("blacklisted", *pair)
    assert issuer.text("log").count("Account has another uid, session revoked user=alice") == 4


@pytest.mark.issuer("[Session]\nCheckAccount=no\nEndOnPasswordChange=no\nAccountCacheTime=0\n")
def test_no_setting_accepts_an_account_that_is_gone_or_another(issuer):
    refresh, access = issuer.obtain()
    issuer.login.stamp = b"1" * 16
    status, access, refresh = issuer.refresh(refresh)
    assert status == issuer.verify(access) == "ok", "EndOnPasswordChange=no"
    issuer.login.accounts[b"alice"] = "not_found"
    assert (issuer.refresh(refresh)[0], issuer.verify(access)) == ("not_found", "invalid")
    issuer.login.accounts.clear()
    issuer.login.uid = 0
    assert issuer.refresh(refresh)[0] == "not_found" and sid(access) in issuer.revoked()


@pytest.mark.issuer(NO_CACHE)
def test_a_session_without_a_uid_is_bound_to_that_of_its_first_use(issuer):
    refresh, access = issuer.obtain()
    issuer.end()
    issuer.in_store("UPDATE session SET uid = -1")
    issuer.start()
    status, access, refresh = issuer.refresh(refresh)
    assert status == "ok" and issuer.in_store("SELECT uid FROM session") == [(1000,)]
    issuer.login.uid = 4321
    assert issuer.refresh(refresh)[0] == "not_found" and sid(access) in issuer.revoked()


@pytest.mark.issuer(NO_CACHE)
def test_a_login_to_an_account_that_was_made_again_ends_the_sessions_of_the_old_one(issuer):
    old, other = issuer.obtain(), issuer.obtain(b"carol")
    issuer.login.uid = 4321
    new = issuer.obtain()
    assert issuer.revoked() == [sid(old[1])], "before the reply"
    issuer.login.stamp = b"1" * 16
    newest = issuer.obtain()
    assert issuer.revoked() == sorted([sid(old[1]), sid(new[1])]), "another password"
    assert issuer.verify(newest[1]) == "ok" and sid(other[1]) not in issuer.revoked()


@pytest.mark.issuer(NO_CACHE + "EndOnPasswordChange=no\n")
def test_end_on_password_change_no_keeps_the_sessions_at_a_login(issuer):
    _, access = issuer.obtain()
    issuer.login.stamp = b"1" * 16
    issuer.obtain()
    assert issuer.verify(access) == "ok"


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
    for name in (b"a b", b"-a", b"a/b", b"a:b", b"..", b"a\xe2\x80\x8bb", b"a\xe2\x80\xaeb"):
        assert issuer.guess(name) == "denied"
    assert issuer.login.asked == []
    # The name may be a password.
    assert 'reason="not a valid user name, see USER NAMES in jwt.conf(5)"' in issuer.text("log")
    assert "user=" not in issuer.text("log")
    for name in (b"alice@corp.example", b"CORP\\alice", b"123456", b"j\xc3\xbcrgen", b"x+y"):
        issuer.guess(name)
    assert issuer.login.asked == [CHECK] * 5
