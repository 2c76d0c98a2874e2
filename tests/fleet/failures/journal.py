"""Clients that rotate sessions at the issuers and write a journal of each request, and what the journal shows."""

import base64
import collections
import contextlib
import dataclasses
import http.client
import json
import random
import threading
import time

OBTAIN, REFRESH, LOGOUT, VERIFY = "obtain", "refresh", "logout", "verify"
PATHS = {OBTAIN: "/api/token/", REFRESH: "/api/token/refresh/", LOGOUT: "/api/token/blacklist/",
         VERIFY: "/api/token/verify/"}
NO_ANSWER = 0
UNAVAILABLE = (NO_ANSWER, 502, 503, 504)  # the outcome is unknown: the same request is sent again
ENDED = "Token is blacklisted"
ALICE = {"username": "alice", "password": "correct horse battery staple"}
# Shorter than RotationGrace, within which a request must be repeated; longer than any failure of the tests.
PATIENCE = 240
ANSWER_WITHIN = 15


@dataclasses.dataclass(frozen=True)
class Token:
    """The claims that the checker needs, and not the token."""
    jti: str
    sid: str
    gen: int  # of a refresh token; -1 for an access token
    iat: int
    kid: str = ""

    @staticmethod
    def read(text):
        header, payload = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                           for part in text.split(".")[:2])
        return Token(payload["jti"], payload["sid"], payload.get("gen", -1), payload["iat"], header.get("kid", ""))


@dataclasses.dataclass(frozen=True)
class Request:
    client: int
    op: str
    node: str  # where it was sent
    start: float
    end: float
    status: int
    detail: str = ""
    token: Token = None   # the token that was sent
    refresh: Token = None  # the pair that was received
    access: Token = None
    late: bool = False  # the reply to a request that was recorded as unanswered before

    def succeeded(self):
        return self.status == 200

    def unavailable(self):
        return self.status in UNAVAILABLE

    def ended(self):
        """Whether the answer was that the session is revoked."""
        return self.status == 401 and self.detail == ENDED


@dataclasses.dataclass(frozen=True)
class Poll:
    """An attempt of a host to have the keys and the list, as jwtctl sync does."""
    host: str
    start: float
    end: float
    done: bool
    iat: int = 0
    revoked: frozenset = frozenset()


@dataclasses.dataclass(frozen=True)
class Access:
    """A host's decision about an access token."""
    host: str
    start: float
    end: float
    accepted: bool
    token: Token


class Journal:
    def __init__(self):
        self.lock = threading.Lock()
        self.records = []

    def add(self, record):
        with self.lock:
            self.records.append(record)

    def copy(self):
        with self.lock:
            return list(self.records)

    def since(self, start):
        """The records of what began then or later; they are in the order of their ends."""
        with self.lock:
            count = next((n for n, r in enumerate(reversed(self.records)) if r.end < start), len(self.records))
            return [r for r in self.records[len(self.records) - count:] if r.start >= start]


class Failed(Exception):
    """A client cannot go on; the checker says why."""


class Client(threading.Thread):
    """Rotates one session, sometimes logs out and in again. Asks the issuers in turn and repeats a request with the
    same token until it is answered. As tests/model/session.pml assumes, it does not use a new token while a request with
    an older one may be underway: it keeps the connection of an unanswered request and waits for its end first."""

    def __init__(self, number, targets, journal, stop):
        """targets: (name, (address, port)) of the issuers and of a load balancer."""
        super().__init__(daemon=True)
        self.number, self.targets, self.journal, self.stop = number, targets, journal, stop
        self.turn = number
        self.random = random.Random(number)
        self.connections = {}
        self.underway = []  # (what send() returned, the token) of requests without a reply so far
        self.over = collections.deque(maxlen=20)  # the pairs of ended sessions
        self.failed = None

    # One request

    def next_target(self):
        self.turn += 1
        return self.targets[self.turn % len(self.targets)]

    def send(self, target, op, body):
        name, address = target
        connection = self.connections.pop(name, None) or http.client.HTTPConnection(*address, timeout=ANSWER_WITHIN)
        started = time.time()
        try:
            connection.request("POST", PATHS[op], json.dumps(body), {"Content-Type": "application/json"})
        except OSError:
            connection.close()
            connection = None
        return op, name, started, connection

    def receive(self, sent, token, late=False):
        """The record and the object of the reply. Keeps the connection."""
        _, name, _, connection = sent
        if connection is None:
            return self.note(sent, token, NO_ANSWER), {}
        try:
            reply = connection.getresponse()
            body = reply.read()
        except TimeoutError:
            self.underway.append((sent, token))
            return self.note(sent, token, NO_ANSWER), {}
        except (OSError, http.client.HTTPException):
            connection.close()
            return None if late else self.note(sent, token, NO_ANSWER), {}
        said = {}
        with contextlib.suppress(ValueError):
            said = json.loads(body)
        if reply.will_close or name in self.connections:
            connection.close()
        else:
            connection.sock.settimeout(ANSWER_WITHIN)
            self.connections[name] = connection
        return self.note(sent, token, reply.status, said, late), said

    def finish_underway(self, token):
        """Waits for the end of the requests with other tokens."""
        waiting = [one for one in self.underway if one[1] != token]
        self.underway = [one for one in self.underway if one[1] == token]
        for sent, old in waiting:
            sent[3].sock.settimeout(PATIENCE)
            self.receive(sent, old, late=True)
        if any(one[1] != token for one in self.underway):
            raise Failed(f"client {self.number}: a request is underway for {PATIENCE} s")

    def note(self, sent, token, status, said=None, late=False):
        said = said if isinstance(said, dict) else {}
        pair = {kind: Token.read(said[kind]) for kind in ("refresh", "access") if status == 200 and said.get(kind)}
        record = Request(self.number, sent[0], sent[1], sent[2], time.time(), status, str(said.get("detail", "")),
                         Token.read(token) if token else None, late=late, **pair)
        self.journal.add(record)
        return record

    def attempt(self, op, body, token=None, lose=False):
        """The record and the object of one request. lose: its reply is not read."""
        sent = self.send(self.next_target(), op, body)
        if lose and sent[3]:
            self.underway.append((sent, token))
            return self.note(sent, token, NO_ANSWER), {}
        return self.receive(sent, token)

    def ask(self, op, token=None, lose=False):
        """Repeats the request until it is answered."""
        body = {"refresh" if op in (REFRESH, LOGOUT) else "token": token} if token else ALICE
        end = time.monotonic() + PATIENCE
        self.finish_underway(token)
        while time.monotonic() < end:
            record, said = self.attempt(op, body, token, lose)
            if not record.unavailable():
                return record, said
            lose = False
            time.sleep(0.05)
        raise Failed(f"client {self.number}: no answer to {op} for {PATIENCE} s")

    # What clients do

    def obtain(self):
        record, said = self.ask(OBTAIN)
        if not record.succeeded():
            raise Failed(f"client {self.number}: login answered {record.status} {record.detail}")
        return said["refresh"], said["access"]

    def rotate(self, refresh):
        record, said = self.ask(REFRESH, refresh, self.random.random() < 0.1)
        if not record.succeeded():
            raise Failed(f"client {self.number}: refresh answered {record.status} {record.detail}")
        return said["refresh"], said["access"]

    def rotate_at_once(self, refresh):
        """The same token to two issuers; both may answer. Then as usual."""
        self.finish_underway(refresh)
        for sent in [self.send(self.next_target(), REFRESH, {"refresh": refresh}) for _ in range(2)]:
            self.receive(sent, refresh)
        return self.rotate(refresh)

    def log_out(self, refresh, access):
        record, _ = self.ask(LOGOUT, refresh, self.random.random() < 0.1)
        if not record.succeeded() and not record.ended():
            raise Failed(f"client {self.number}: logout answered {record.status} {record.detail}")
        self.over.append((refresh, access))

    def step(self, refresh, access):
        """The next pair."""
        before = refresh
        chance = self.random.random()
        refresh, access = (self.rotate_at_once if chance > 0.9 else self.rotate)(refresh)
        if chance < 0.1:
            self.rotate(before)
        elif chance < 0.2 and self.over:
            old_refresh, old_access = self.random.choice(self.over)
            self.ask(REFRESH, old_refresh)
            self.ask(VERIFY, old_access)
        elif chance < 0.3:
            self.log_out(refresh, access)
            refresh, access = self.obtain()
        return refresh, access

    def run(self):
        try:
            refresh, access = self.obtain()
            while not self.stop.is_set():
                refresh, access = self.step(refresh, access)
            # What was answered last works after all that happened.
            self.rotate(refresh)
            for pair in self.over:
                self.ask(REFRESH, pair[0])
        except Failed as failed:
            self.failed = str(failed)
        finally:
            for connection in [*self.connections.values(), *(sent[3] for sent, _ in self.underway)]:
                connection.close()


# What a journal shows

def requests(records, *ops):
    return [r for r in records if isinstance(r, Request) and (not ops or r.op in ops)]


def attempts(records):
    """The requests with one token, by client, request and jti, in order."""
    found = collections.defaultdict(list)
    for r in sorted(requests(records, REFRESH, LOGOUT), key=lambda r: r.start):
        if not r.late:
            found[r.client, r.op, r.token.jti].append(r)
    return found.values()


def committed_before(r, earlier):
    """Those of the earlier requests that may have made what r was answered, if r did not: then a commit was applied
    and its request was not answered with success."""
    if r.op == LOGOUT:
        return earlier if r.ended() else []
    # Successors have the second in which they were made.
    made = r.refresh.iat if r.succeeded() and r.refresh else None
    if made is None or r.start < made + 1:
        return []
    return [e for e in earlier if e.start < made + 1 and e.end >= made]


def applied_without_success(records):
    """The number of commits that were applied although the answer was 503, and of those whose answer was lost. Only
    those of which a later answer gives proof."""
    refused = lost = 0
    for same in attempts(records):
        for at, r in enumerate(same):
            if not r.unavailable():
                causes = committed_before(r, same[:at])
                refused += bool(causes) and all(c.status != NO_ANSWER for c in causes)
                lost += bool(causes) and any(c.status == NO_ANSWER for c in causes)
                break
    return refused, lost


def downtime(records, since, until=None):
    """The longest time without a successful change of a session."""
    ends = sorted(r.end for r in requests(records, OBTAIN, REFRESH, LOGOUT) if r.succeeded())
    ends = [e for e in ends if e >= since - 2 and (until is None or e <= until)]
    return max((b - a for a, b in zip(ends, ends[1:]) if b > since), default=0.0)


def summary(records):
    all_requests = requests(records)
    refused, lost = applied_without_success(records)
    return (f"{len(all_requests)} requests, {sum(r.succeeded() for r in requests(records, REFRESH))} rotations, "
            f"{sum(r.succeeded() for r in requests(records, LOGOUT))} logouts, "
            f"{sum(r.status == 503 for r in all_requests)} answered 503, "
            f"{sum(r.status == NO_ANSWER for r in all_requests)} without an answer; applied although 503: {refused}, "
            f"although unanswered: {lost}")


def story(records, sid):
    """The requests of a session, one a line."""
    for r in sorted(requests(records), key=lambda r: r.start):
        if sid in (token.sid for token in (r.token, r.refresh) if token):
            tokens = " to ".join(f"{token.gen} {token.jti}" for token in (r.token, r.refresh) if token)
            yield (f"{r.start:.3f} {r.end:.3f} {r.op} {tokens}: {r.status} {r.detail} by {r.node}"
                   + (f", made at {r.refresh.iat}" if r.refresh else "") + (", late" if r.late else ""))
