"""What a wall clock that is set forward and back does to sessions: nothing."""

import sys
import time

from daemons import payload, run
from issuers import at_once, sid, with_issuer

DAY = 86400


def claims(token):
    return payload(token.decode())


def with_clock(settings=""):
    """A test gets an issuer whose clock it can set: d.clock(seconds)."""

    def wrap(test):
        def body(d):
            d.clock = lambda off: d.write_file("off", str(off))
            d.clock(0)
            d.preload("clock.so", CLOCK_OFF=d.path("off"))
            d.start()
            test(d)

        body.__name__ = test.__name__
        return with_issuer(settings, init=False)(body)

    return wrap


def of_now(*tokens):
    """Good for everybody who checks them by the true time."""
    for token in tokens:
        c = claims(token)
        assert c["iat"] <= time.time() < c["exp"], (c, time.time())


def exchanged(d, refresh):
    status, access, following = d.refresh(refresh)
    assert status == "ok", status
    return access, following


@with_clock()
def a_day_forward_and_back_loses_no_session_and_mints_no_token_of_the_future(d):
    before, _ = d.obtain()
    used, _ = d.obtain()
    d.clock(DAY)
    _, used = exchanged(d, used)
    during, _ = d.obtain()
    d.clock(0)
    for refresh in (before, used, during):
        assert d.verify(refresh) == "ok"
        for _ in range(2):
            access, refresh = exchanged(d, refresh)
            of_now(access, refresh)
            assert d.whoami(access) == "ok"
    of_now(*d.obtain())
    assert "clock is behind" not in d.text("log")


@with_clock()
def restarts_on_the_way_change_nothing(d):
    before, _ = d.obtain()
    d.clock(DAY)
    d.restart()
    during, _ = d.obtain()
    d.restart()
    _, before = exchanged(d, before)
    d.clock(0)
    d.restart()
    for refresh in (before, during):
        of_now(*exchanged(d, refresh))


@with_clock("[Token]\nRefreshTokenLifetime=2h\n[Session]\nIdleLifetime=2h\nAbsoluteLifetime=3h\n")
def what_expired_by_a_wrong_clock_lives_again_when_it_is_right(d):
    refresh, _ = d.obtain()
    d.clock(DAY)
    assert d.refresh(refresh)[0] == "expired"
    at_once(20, d.obtain)  # each purges some rows
    d.clock(0)
    of_now(*exchanged(d, refresh))


@with_clock("[Session]\nRotationGrace=2s\n")
def a_clock_set_back_lengthens_no_grace(d):
    d.obtain()
    d.clock(DAY)
    old, _ = d.obtain()
    _, new = exchanged(d, old)
    assert d.refresh(old)[2] == new
    d.clock(0)
    assert d.refresh(old)[0] == "blacklisted" and d.refresh(new)[0] == "blacklisted"


@with_clock()
def a_clock_set_forward_opens_no_session_that_was_ended(d):
    refresh, access = d.obtain()
    other, _ = d.obtain()
    assert d.blacklist(refresh) == "ok"
    d.clock(DAY)
    assert d.blacklist(other) == "ok"
    d.restart()
    assert sid(access) in d.revoked() and len(d.revoked()) == 2
    d.clock(0)
    d.all_say("blacklisted", refresh, access)


@with_clock()
def an_access_token_of_the_future_is_no_good(d):
    d.obtain()
    d.clock(DAY)
    _, access = d.obtain()
    d.clock(0)
    assert d.verify(access) == d.whoami(access) == "invalid"


@with_clock("[Session]\nIdleLifetime=2h\n")
def a_clock_that_stays_set_back_for_an_hour_is_believed(d):
    refresh, _ = d.obtain()
    d.clock(DAY)
    d.obtain()
    d.end()
    d.in_store("UPDATE clock SET odd_since = seen - 3600")
    d.start()
    d.obtain()
    d.clock(0)
    assert d.refresh(refresh)[0] == "expired" and "clock is behind" in d.text("log")
    d.obtain()
    d.end()
    d.in_store("UPDATE clock SET odd_since = seen - 3600")
    d.start()
    d.obtain()
    of_now(*exchanged(d, refresh))


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
