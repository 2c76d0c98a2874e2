"""What an account means for its sessions, and what guesses at a password meet."""

import struct
import sys
import time

from daemons import run
from issuers import SOURCE, NO_CACHE, at_once, sid, with_issuer
from wire import OBTAIN, CHECK, ACCOUNT


@with_issuer(NO_CACHE)
def an_account_that_is_not_usable_can_not_refresh_but_may_again(d):
    refresh, access = d.obtain()
    for status, said in (("not_found", "not_found"), ("inactive", "inactive"), ("denied", "inactive"),
                         ("busy", "busy"), ("unavailable", "unavailable")):
        d.login.accounts[b"alice"] = status
        assert (d.refresh(refresh)[0], d.whoami(access)) == (said, said), status
    d.login.accounts.clear()
    assert d.refresh(refresh)[0] == "ok"


@with_issuer(NO_CACHE + "CheckAccount=no\n")
def check_account_no_asks_for_the_stamp_alone(d):
    refresh, _ = d.obtain()
    d.login.accounts[b"alice"] = "inactive"
    status, _, refresh = d.refresh(refresh)
    assert status == "ok"
    d.login.accounts.clear()
    d.login.stamp = b"1" * 16
    assert d.refresh(refresh)[0] == "password_changed"


@with_issuer(NO_CACHE)
def another_password_ends_the_session(d):
    refresh, access = d.obtain()
    d.login.stamp = b""
    status, access, refresh = d.refresh(refresh)
    assert status == "ok", "no stamp says nothing"
    d.login.stamp = b"1" * 16
    assert d.refresh(refresh)[0] == "password_changed"
    d.all_say("blacklisted", refresh, access)
    assert sid(access) in d.revoked()


@with_issuer("[Session]\nAccountCacheTime=3s\n")
def an_account_is_asked_about_once_in_account_cache_time(d):
    refresh, _ = d.obtain()
    time.sleep(3.1)
    for _ in range(5):
        _, _, refresh = d.refresh(refresh)
    assert d.login.asked == [CHECK, ACCOUNT], d.login.asked


@with_issuer(NO_CACHE)
def questions_about_one_account_at_once_are_one(d):
    pairs = [d.obtain() for _ in range(10)]
    d.login.delay = 0.5
    assert at_once(10, lambda: d.refresh(pairs.pop()[0])[0]) == ["ok"] * 10
    assert d.login.asked.count(ACCOUNT) == 1, d.login.asked


@with_issuer()
def guesses_at_one_name_are_limited_even_at_once(d):
    said = at_once(40, lambda: d.guess(b"mallory"))
    assert sorted(said) == ["denied"] * 10 + ["throttled"] * 30, said
    status, wait = d.ask(OBTAIN, b"mallory", b"wrong", SOURCE)
    assert status == "throttled" and 50 <= struct.unpack("<Q", wait[0])[0] <= 60, wait
    assert d.obtain(b"alice") and len([q for q in d.login.asked if q == CHECK]) == 11


@with_issuer()
def guesses_at_a_name_keep_its_owner_from_new_logins_alone(d):
    refresh, access = d.obtain()
    assert [d.guess() for _ in range(11)] == ["denied"] * 10 + ["throttled"]
    assert d.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "throttled"
    assert d.verify(access) == d.whoami(access) == d.refresh(refresh)[0] == "ok"
    assert d.obtain(b"carol")


@with_issuer()
def a_password_that_was_not_looked_at_is_no_failure(d):
    for word in ("busy", "unavailable"):
        d.login.check = word
        assert {d.guess() for _ in range(20)} == {word}
    d.login.check = None
    assert [d.guess() for _ in range(9)] == ["denied"] * 9 and d.obtain()


@with_issuer()
def right_passwords_at_once_are_never_throttled(d):
    assert len({sid(pair[0]) for pair in at_once(40, d.obtain)}) == 40


@with_issuer()
def a_name_is_logged_only_where_it_is_an_account(d):
    assert d.guess(b"mallory") == d.guess(b"alice") == "denied"
    assert "user=" not in d.text("log")
    d.obtain()
    d.guess()
    assert d.text("log").splitlines()[-1].count("user=alice") == 1


@with_issuer()
def names_no_token_can_carry_are_denied_unasked(d):
    for name in (b"a b", b"-a", b"a\\b", b"12", b".."):
        assert d.guess(name) == "denied"
    assert d.login.asked == []


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
