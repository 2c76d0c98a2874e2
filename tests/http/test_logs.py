"""Log lines of requests that anyone can send: one per source and minute, sixty in all, and counts."""

import re
import signal

import pytest
from daemons import ALICE, CAROL, QUICK

PROXIED = QUICK.replace("[Http]\n", "[Http]\nTrustedProxies=root\n").replace("FailureTime=300ms", "FailureTime=100ms")
GARBAGE = {"refresh": "eyJhbGciOiJFZERTQSJ9.e30.AAAA"}


def lines(d, text):
    """The lines so far, and those that stopping the daemons adds. None is a token's or password's."""
    before = [line for line in d.read_log().splitlines() if text in line]
    for daemon in d.all:
        d.kill(daemon, signal.SIGTERM)
    after = [line for line in d.read_log().splitlines() if text in line]
    return before, after[len(before):]


def count(line):
    return int((re.search(r" count=(\d+)", line) or ("", "1"))[1])


def test_invalid_tokens_of_a_source_write_a_line_and_a_count(d):
    for _ in range(200):
        assert d.post("/api/token/refresh/", GARBAGE).status == 401
    before, after = lines(d, "Refresh token refused")
    assert len(before) == 1 and len(after) == 1, (before, after)
    assert before[0].endswith('jwtd-issuer: Refresh token refused source="uid 0" reason=invalid'), before
    assert after[0].endswith(' source="uid 0" reason=invalid count=199'), after


@pytest.mark.daemons(PROXIED)
def test_invalid_tokens_of_many_sources_write_sixty_lines(d):
    for i in range(300):
        reply = d.post("/api/token/refresh/", GARBAGE, [f"X-Forwarded-For: 10.0.{i % 150}.1"])
        assert reply.status == 401, reply.raw
    log = "Refresh token refused|Refused requests of further sources"
    found = [line for line in d.read_log().splitlines() if re.search(log, line)]
    assert len(found) == 60 and [line for line in found if "further" in line] == found[-1:], found
    lines(d, "")
    found = [line for line in d.read_log().splitlines() if re.search(log, line)]
    assert sum(map(count, found)) == 300, found


def test_wrong_passwords_write_the_users_name_and_a_count(d):
    d.obtain()  # jwtd-issuer logs names that have logged in before
    for who in [ALICE] * 5 + [CAROL]:
        assert d.post("/api/token/", dict(who, password="no such secret")).status == 401
    assert d.post("/api/token/", {"username": "nobodyknows", "password": "no such secret"}).status == 401
    log = d.read_log()
    before, after = lines(d, "Login failed")
    assert [line.split(": ", 1)[1] for line in before] == ['Login failed user=alice source="uid 0"'], before
    assert [line.split(": ", 1)[1] for line in after] == ['Login failed source="uid 0" count=6'], after
    assert log.count("Password or account check failed") == 1 and "reason=" in log, log
    assert "nobodyknows" not in d.read_log()


def test_malformed_requests_write_a_line_and_a_count(d):
    for _ in range(50):
        assert d.raw(b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400")
    before, after = lines(d, "jwtd: Request refused")
    assert (len(before), list(map(count, after))) == (1, [49]), (before, after)


def test_what_a_user_does_more_than_300_times_a_minute_is_counted(d):
    """One user with a valid token cannot push the lines of others over the limit either."""
    alice, carol = d.obtain(), d.obtain(CAROL)
    for who, times in ((alice, 340), (carol, 10)):
        for _ in range(times):
            reply = d.request("POST", "/api/token/narrow/", {"scope": "pam:sudo"},
                              [f"Authorization: Bearer {who['access']}"])
            assert reply.status == 200, reply.raw
    before, after = lines(d, "Narrowed token issued")
    assert len([line for line in before if "user=alice" in line]) == 301, len(before)
    assert len([line for line in before if "user=carol" in line]) == 10, len(before)
    assert list(map(count, after)) == [39] and "user=alice" in after[0], after


def test_every_login_and_logout_has_a_line_while_others_are_counted(d):
    for _ in range(20):
        for _ in range(10):
            assert d.post("/api/token/refresh/", GARBAGE).status == 401
        pair = d.obtain(CAROL)
        assert d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
    assert len(lines(d, "Login succeeded user=carol")[0]) == 20
    assert len(lines(d, "Session revoked by its user user=carol")[0]) == 20
