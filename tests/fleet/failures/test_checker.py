"""The checker finds a violation of each kind, which is planted here in a journal without one."""

import dataclasses

import checker
import pytest
from journal import (LOGOUT, NO_ANSWER, OBTAIN, REFRESH, VERIFY, Access, Poll, Request, Token,
                     applied_without_success, downtime)

INTERVAL, LIMIT = 2, 10
NOW = 1000.0


class Story:
    """The journal of one client, which asks once a second."""

    def __init__(self, sid="s"):
        self.sid, self.records, self.at = sid, [], NOW

    def token(self, gen, name=""):
        return Token(f"{self.sid}{gen}{name}", self.sid, gen, int(self.at))

    def add(self, op, gen=None, status=200, detail="", after=1.0, **more):
        self.at += after
        token = None if op == OBTAIN else self.token(gen)
        self.records.append(Request(1, op, "issuer1", self.at, self.at + 0.1, status, detail, token, **more))
        return self

    def login(self):
        return self.add(OBTAIN, refresh=self.token(0), access=self.token(-1))

    def refresh(self, gen, name="", **more):
        return self.add(REFRESH, gen, refresh=self.token(gen + 1, name), access=self.token(-1, str(gen)), **more)

    def refused(self, op, gen, **more):
        return self.add(op, gen, 401, "Token is blacklisted", **more)

    def unavailable(self, op, gen, status=503, **more):
        return self.add(op, gen, status, **more)

    def logout(self, gen):
        return self.add(LOGOUT, gen)

    def decides(self, accepted, after=1.0):
        self.at += after
        self.records.append(Access("host1", self.at, self.at, accepted, self.token(-1)))
        return self

    def polls(self, *revoked, after=1.0, done=True):
        self.at += after
        self.records.append(Poll("host1", self.at, self.at, done, int(self.at), frozenset(revoked)))
        return self

    def names(self):
        return {v.partition(":")[0] for v in checker.violations(self.records, INTERVAL, LIMIT)}


def story():
    return Story().login().refresh(0)


GOOD = {
    "a session": lambda: story().refresh(1).logout(2).refused(REFRESH, 2).refused(VERIFY, -1),
    "a lost reply is repeated": lambda: story().unavailable(REFRESH, 1).unavailable(REFRESH, 1, NO_ANSWER).refresh(1),
    "a reply that is late": lambda: story().unavailable(REFRESH, 1).refresh(1).unavailable(REFRESH, 1, late=True),
    "a login whose reply is late": lambda: Story().add(OBTAIN, refresh=Token("s0", "s", 0, 0), late=True),
    "the previous token within grace": lambda: story().refresh(1).refresh(0).refresh(1).refresh(2),
    "a reused token ends the session": lambda: story().refresh(1).refresh(2).refused(REFRESH, 0).refused(REFRESH, 3),
    "a logout whose reply was lost": lambda: story().unavailable(LOGOUT, 1).refused(LOGOUT, 1).refused(REFRESH, 1),
    "a refresh that races with a logout": lambda: story().logout(1).refused(REFRESH, 1, after=0.05),
    "access until the limit": lambda: story().decides(True).logout(1).decides(True, LIMIT - 1).decides(False, 2),
    "a list before and after": lambda: story().polls().logout(1).polls().polls(after=20, done=False).polls("s"),
    "an issuer that lags within the interval": lambda: story().logout(1).add(VERIFY, -1).refused(VERIFY, -1),
}

PLANTED = {
    "two answers to one token": (checker.DOUBLED, lambda: story().refresh(1).refresh(1, "other")),
    "a successor of another session":
        (checker.DOUBLED, lambda: Story().login().add(REFRESH, 0, refresh=Token("t1", "t", 1, 0))),
    "a skipped generation":
        (checker.DOUBLED, lambda: Story().login().add(REFRESH, 0, refresh=Token("s2", "s", 2, 0))),
    "the newest token is refused": (checker.LOST, lambda: story().refused(REFRESH, 1)),
    "a login is lost": (checker.LOST, lambda: Story().login().refused(REFRESH, 0)),
    "the previous token is refused before the next is used": (checker.LOST, lambda: story().refused(REFRESH, 0)),
    "the newest token is unknown": (checker.LOST, lambda: story().add(REFRESH, 1, 401, "Token is invalid")),
    "a repeated request is refused": (checker.LOST_REPLY, lambda: story().unavailable(REFRESH, 1).refused(REFRESH, 1)),
    "a refresh after the logout": (checker.ALIVE, lambda: story().logout(1).refresh(1)),
    "a refresh after a repeated logout":
        (checker.ALIVE, lambda: story().unavailable(LOGOUT, 1).refused(LOGOUT, 1).refresh(1)),
    "a refresh after reuse":
        (checker.ALIVE, lambda: story().refresh(1).refresh(2).refused(REFRESH, 0).refresh(3)),
    "verify after the logout": (checker.ALIVE, lambda: story().logout(1).add(VERIFY, -1, after=INTERVAL + 1.0)),
    "a host accepts after the limit": (checker.ACCESS, lambda: story().logout(1).decides(True, LIMIT + 1.0)),
    "a bundle signed after a logout that is not on its list":
        (checker.LIST, lambda: story().logout(1).polls(after=INTERVAL + 2.0)),
    "a line that vanishes": (checker.LIST, lambda: story().logout(1).polls("s", after=5.0).polls()),
    "a client that gives up": (checker.UNRESOLVED, lambda: story().unavailable(REFRESH, 1)),
    "an internal error": (checker.UNEXPECTED, lambda: story().add(REFRESH, 1, 500).refresh(1)),
    "a login is refused": (checker.UNEXPECTED, lambda: story().add(OBTAIN, status=401)),
}


@pytest.mark.parametrize("name", GOOD)
def test_no_violation_is_reported(name):
    assert GOOD[name]().names() == set()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_reported(name):
    expected, planted = PLANTED[name]
    assert planted().names() == {expected}


def test_each_kind_is_planted():
    kinds = {getattr(checker, name) for name in dir(checker) if name.isupper() and name != "ANSWERS"
             and isinstance(getattr(checker, name), str)} - {LOGOUT, OBTAIN, REFRESH, VERIFY}
    assert {expected for expected, _ in PLANTED.values()} == kinds


def test_a_commit_that_was_applied_without_success_is_counted_only_with_proof():
    def counts(first, made, op=REFRESH):
        s = story()
        s.unavailable(op, 1, first)  # at NOW + 3
        if op == LOGOUT:
            return applied_without_success(s.refused(op, 1).records)
        successor = dataclasses.replace(s.token(2), iat=made)
        return applied_without_success(s.add(op, 1, refresh=successor, after=5).records)

    assert counts(503, NOW + 3) == (1, 0)
    assert counts(NO_ANSWER, NOW + 3) == (0, 1)
    assert counts(503, NOW + 8) == (0, 0), "made by the request that was answered"
    assert counts(503, NOW + 6) == (0, 0), "made by none that is known"
    assert counts(503, None, LOGOUT) == (1, 0)


def test_the_downtime_is_the_longest_time_without_success():
    s = story().refresh(1).unavailable(REFRESH, 2).refresh(2, after=6).refresh(3)
    assert round(downtime(s.records, NOW + 3.5), 3) == 7
    assert downtime(s.records, NOW + 20) == 0
