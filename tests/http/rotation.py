"""What refresh tokens promise: one successor, a grace, reuse caught, ends that hold."""

import signal
import sys
import time

from daemons import payload, run
from issuers import at_once, sid, with_issuer
from wire import CHECK


@with_issuer()
def a_lost_answer_is_given_again_with_the_same_bytes(d):
    refresh, _ = d.obtain()
    first = d.refresh(refresh)
    d.restart(signal.SIGKILL)
    assert first[0] == "ok" and d.refresh(refresh) == first
    one, two = payload(refresh.decode()), payload(first[2].decode())
    assert (one["gen"], two["gen"]) == (0, 1) and one["sid"] == two["sid"] == sid(first[1])


@with_issuer()
def a_hundred_uses_at_once_have_one_successor_and_one_check(d):
    refresh, _ = d.obtain()
    answers = set(at_once(100, lambda: d.refresh(refresh)))
    assert len(answers) == 1 and answers.pop()[0] == "ok"
    assert d.login.asked == [CHECK], d.login.asked


@with_issuer("[Session]\nRotationGrace=0\n")
def without_grace_one_of_many_wins_and_the_session_ends(d):
    refresh, access = d.obtain()
    said = [a[0] for a in at_once(20, lambda: d.refresh(refresh))]
    assert sorted(said) == ["blacklisted"] * 19 + ["ok"], said
    d.all_say("blacklisted", refresh, access)
    assert sid(access) in d.revoked() and d.text("log").count("used again") == 1


@with_issuer()
def grace_never_covers_older_generations(d):
    refresh, access = d.obtain()
    second = d.refresh(refresh)
    third = d.refresh(second[2])
    assert d.verify(second[2]) == "blacklisted" and d.verify(third[2]) == "ok"
    assert d.refresh(refresh)[0] == "blacklisted"
    d.all_say("blacklisted", third[2], third[1])
    assert sid(access) in d.revoked()


@with_issuer("[Session]\nRotateRefreshTokens=no\n")
def without_rotation_the_refresh_token_stays(d):
    refresh, _ = d.obtain()
    for _ in range(3):
        status, access, no_refresh = d.refresh(refresh)
        assert status == "ok" and no_refresh == b"" and d.whoami(access) == "ok"
    assert d.blacklist(refresh) == "ok" and d.verify(access) == "blacklisted"


@with_issuer("[Session]\nBlacklistAfterRotation=no\nRotationGrace=0\n")
def without_a_blacklist_old_refresh_tokens_go_on_until_logout(d):
    refresh, _ = d.obtain()
    second = d.refresh(refresh)
    assert d.verify(refresh) == "ok" and d.refresh(refresh)[0] == "ok" and d.refresh(second[2])[0] == "ok"
    assert d.blacklist(refresh) == "ok" and d.refresh(second[2])[0] == "blacklisted"


@with_issuer("[Token]\nAccessTokenLifetime=1s\nRefreshTokenLifetime=5s\n[Session]\nAbsoluteLifetime=6s\n")
def no_refresh_token_outlives_its_session(d):
    refresh, access = d.obtain()
    start = payload(refresh.decode())["iat"]
    assert [payload(t.decode())["exp"] - start for t in (refresh, access)] == [5, 1]
    time.sleep(2.1)
    assert d.verify(access) == "expired" and d.whoami(access) == "expired"
    status, access, refresh = d.refresh(refresh)
    assert status == "ok" and payload(refresh.decode())["exp"] - start == 6
    time.sleep(4)
    d.all_say("expired", refresh, access)


@with_issuer("[Session]\nIdleLifetime=3s\n")
def a_session_that_is_not_used_expires_and_its_access_tokens_with_it(d):
    refresh, access = d.obtain()
    assert payload(access.decode())["exp"] - payload(access.decode())["iat"] == 3
    for _ in range(3):
        time.sleep(1.2)
        status, access, refresh = d.refresh(refresh)
        assert status == "ok"
    time.sleep(3.1)
    assert d.refresh(refresh)[0] == d.verify(access) == "expired"


@with_issuer()
def logout_ends_all_tokens_of_its_session_alone(d):
    refresh, access = d.obtain()
    other = d.obtain()
    second = d.refresh(refresh)
    assert d.blacklist(refresh) == "ok", "an older refresh token ends its session too"
    assert d.revoked() == [sid(access)]
    d.all_say("blacklisted", second[2], second[1])
    assert d.blacklist(second[2]) == "blacklisted"
    assert d.refresh(other[0])[0] == "ok" and d.whoami(other[1]) == "ok"


@with_issuer("[Session]\nMaxSessionsPerUser=3\n")
def the_oldest_sessions_make_room(d):
    pairs = [(d.obtain(), time.sleep(0.01))[0] for _ in range(5)]
    other = d.obtain(b"carol")
    assert [d.verify(access) for _, access in pairs] == ["blacklisted"] * 2 + ["ok"] * 3
    assert d.revoked() == sorted(sid(access) for _, access in pairs[:2]) and d.verify(other[1]) == "ok"


@with_issuer("[Token]\nRefreshTokenLifetime=1h\n")
def a_clock_set_back_revives_no_refresh_token_and_alarms_once(d):
    refresh, access = d.obtain()
    d.end()
    d.in_store("UPDATE clock SET mark = mark + 2 * 3600")
    d.start()
    assert d.refresh(refresh)[0] == d.verify(refresh) == "expired"
    assert d.verify(access) == "ok", "access tokens are judged by the clock"
    d.ping()
    assert d.text("log").count("clock is behind") == 1


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
