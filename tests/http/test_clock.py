"""A wall clock that is set forward and back does not affect sessions."""

import pytest
from daemons import now, payload, preload
from issuer_daemon import at_once, sid

DAY = 86400
pytestmark = pytest.mark.issuer(init=False)


def claims(token):
    return payload(token.decode())


@pytest.fixture
def clock(issuer, build):
    """A function that offsets the issuer's clock by so many seconds."""

    def set_off(seconds):
        issuer.write_file("off", str(seconds))

    set_off(0)
    issuer.environment = preload(build, "clock.so", CLOCK_OFF=issuer.path("off"))
    issuer.start()
    return set_off


def of_now(*tokens):
    """Valid at the true time."""
    for token in tokens:
        c = claims(token)
        assert c["iat"] <= now() < c["exp"], (c, now())


def exchanged(issuer, refresh):
    status, access, following = issuer.refresh(refresh)
    assert status == "ok", status
    return access, following


def test_a_clock_one_day_ahead_and_back_loses_no_session_and_issues_no_future_token(issuer, clock):
    before, _ = issuer.obtain()
    used, _ = issuer.obtain()
    clock(DAY)
    _, used = exchanged(issuer, used)
    during, _ = issuer.obtain()
    clock(0)
    for refresh in (before, used, during):
        assert issuer.verify(refresh) == "ok"
        for _ in range(2):
            access, refresh = exchanged(issuer, refresh)
            of_now(access, refresh)
            assert issuer.whoami(access) == "ok"
    of_now(*issuer.obtain())
    assert "Clock is behind" not in issuer.text("log")


def test_restarts_during_a_clock_change_change_nothing(issuer, clock):
    before, _ = issuer.obtain()
    clock(DAY)
    issuer.restart()
    during, _ = issuer.obtain()
    issuer.restart()
    _, before = exchanged(issuer, before)
    clock(0)
    issuer.restart()
    for refresh in (before, during):
        of_now(*exchanged(issuer, refresh))


@pytest.mark.issuer("[Token]\nRefreshTokenLifetime=2h\n[Session]\nIdleLifetime=2h\nAbsoluteLifetime=3h\n", init=False)
@pytest.mark.sqlite
def test_what_expired_by_a_wrong_clock_is_valid_again_when_it_is_right(issuer, clock):
    refresh, _ = issuer.obtain()
    clock(DAY)
    assert issuer.refresh(refresh)[0] == "expired"
    at_once(20, issuer.obtain)  # each login removes some expired rows
    clock(0)
    of_now(*exchanged(issuer, refresh))


@pytest.mark.issuer("[Session]\nRotationGrace=10s\n", init=False)
@pytest.mark.sqlite
def test_a_clock_set_back_does_not_extend_the_grace_period(issuer, clock):
    issuer.obtain()
    clock(DAY)
    old, _ = issuer.obtain()
    _, new = exchanged(issuer, old)
    assert issuer.refresh(old)[2] == new
    clock(0)
    assert issuer.refresh(old)[0] == "blacklisted" and issuer.refresh(new)[0] == "blacklisted"


def test_a_clock_set_forward_does_not_revive_a_revoked_session(issuer, clock):
    refresh, access = issuer.obtain()
    other, _ = issuer.obtain()
    assert issuer.blacklist(refresh) == "ok"
    clock(DAY)
    assert issuer.blacklist(other) == "ok"
    issuer.restart()
    assert sid(access) in issuer.revoked() and len(issuer.revoked()) == 2
    clock(0)
    issuer.all_say("blacklisted", refresh, access)


@pytest.mark.sqlite
def test_an_access_token_from_the_future_is_invalid(issuer, clock):
    issuer.obtain()
    clock(DAY)
    _, access = issuer.obtain()
    clock(0)
    assert issuer.verify(access) == issuer.whoami(access) == "invalid"


@pytest.mark.issuer("[Session]\nIdleLifetime=2h\n", init=False)
@pytest.mark.sqlite
def test_a_clock_that_stays_set_back_for_an_hour_is_accepted(issuer, clock):
    refresh, _ = issuer.obtain()
    clock(DAY)
    issuer.obtain()
    issuer.end()
    issuer.in_store("UPDATE clock SET odd_since = seen - 3600")
    issuer.start()
    issuer.obtain()
    clock(0)
    assert issuer.refresh(refresh)[0] == "expired" and "Clock is behind" in issuer.text("log")
    issuer.obtain()
    issuer.end()
    issuer.in_store("UPDATE clock SET odd_since = seen - 3600")
    issuer.start()
    issuer.obtain()
    issuer.restart()
    of_now(*exchanged(issuer, refresh))
