"""kill -9 of jwtd-issuer while clients rotate and end sessions. Each client records its requests and replies,
repeats requests without a reply, and checks invariants. $KILLS: number of kills (default 30; 1,000 for a long
run)."""

import json
import os
import random
import signal
import socket
import threading
import time

import pytest
from daemons import payload
from issuer_daemon import SOURCE
from wire import BLACKLIST, OBTAIN, REFRESH, STATUS, VERIFY, message, read

KILLS = int(os.environ.get("KILLS", "30"))
CLIENTS = 8
LINE = 34  # bytes per line of `revoked`: sid, blank, ten digits, newline
# With a database, a login whose issuer is killed stays counted as a failure.
BRIEF = """[Session]
MaxSessionsPerUser=100000
LoginsPerUser=0
FailuresPerUser=0
AccountCacheTime=0
"""


class Broken(Exception):
    """A violated invariant."""


class Client(threading.Thread):
    """Rotates one session, and sometimes ends it and starts another. Repeats a request with the same bytes until
    it gets a reply."""

    def __init__(self, d, ends):
        super().__init__(daemon=True)
        self.d, self.ends = d, ends
        self.successors = {}  # refresh token -> the replies
        self.over = {}        # sid -> tokens of sessions whose end was confirmed
        self.sent = self.replayed = 0
        self.error = None

    def ask(self, op, *fields):
        packet = message(op, *fields)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.sent += 1
            try:
                with self.d.send(packet) as client:
                    answer = client.recv(65536)
            except (ConnectionResetError, BrokenPipeError, socket.timeout):
                answer = b""
            if answer:
                status, values = read(answer)
                if STATUS[status] not in ("unavailable", "busy"):
                    return STATUS[status], values
            self.replayed += 1
            time.sleep(0.005)
        raise Broken("no answer for 30 s")

    def obtain(self):
        status, pair = self.ask(OBTAIN, b"alice", b"secret one", SOURCE)
        if status != "ok":
            raise Broken(f"a login was answered {status}")
        return pair

    def rotate(self, token):
        status, values = self.ask(REFRESH, token, SOURCE)
        if status != "ok":
            raise Broken(f"a session was lost: its newest token was answered {status}")
        said = self.successors.setdefault(token, values)
        if said != values:
            raise Broken("one token has two successors")
        return values[1], values[0]

    def end_session(self, refresh, access):
        status, _ = self.ask(BLACKLIST, refresh, SOURCE)
        # The first reply may be lost after the end of the session was on disk.
        if status not in ("ok", "blacklisted"):
            raise Broken(f"a logout was answered {status}")
        self.over[payload(access.decode())["sid"]] = (refresh, access)

    def stays_over(self, refresh, access):
        said = [self.ask(REFRESH, refresh, SOURCE)[0], self.ask(VERIFY, access)[0]]
        if said != ["blacklisted"] * 2:
            raise Broken(f"an ended session is alive: {said}")

    def turn(self, refresh, access):
        before = refresh
        refresh, access = self.rotate(refresh)
        chance = random.random()
        if chance < 0.2:
            self.rotate(before)
        elif chance < 0.3 and self.over:
            self.stays_over(*random.choice(list(self.over.values())))
        elif chance < 0.4:
            self.end_session(refresh, access)
            refresh, access = self.obtain()
        return refresh, access

    def run(self):
        try:
            refresh, access = self.obtain()
            while not self.ends.is_set():
                refresh, access = self.turn(refresh, access)
            self.rotate(refresh)
            for ended in self.over.values():
                self.stays_over(*ended)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error


def read_list(d):
    """`revoked` as pam_jwt reads it: complete lines, sorted."""
    with open(d.path("public/revoked"), "rb") as file:
        raw = file.read()
    if len(raw) % LINE:
        raise Broken("the list holds half a line")
    lines = [raw[i:i + LINE] for i in range(0, len(raw), LINE)]
    if lines != sorted(lines) or any(line[22:23] != b" " or line[-1:] != b"\n" for line in lines):
        raise Broken("the list is malformed")
    return {line[:22].decode() for line in lines}


def look(d, over):
    """While the issuer is stopped: each public file is complete, and the list has each session whose end was
    confirmed. No access token expires during the test, so no line may be missing."""
    missing = over - read_list(d)
    if missing:
        raise Broken(f"{len(missing)} ended sessions are not on the list")
    if not json.loads(d.text("public/jwks.json"))["keys"]:
        raise Broken("no key is published")
    if d.text("public/issuer").count("\n") != 2:
        raise Broken("half a name is published")


def exchanged(clients):
    return sum(len(client.successors) for client in clients)


def wait_for_work(clients):
    """Until a token was exchanged; a start with a sanitizer is slow."""
    before, end = exchanged(clients), time.monotonic() + 10
    while exchanged(clients) == before and time.monotonic() < end:
        time.sleep(0.002)


def hidden(d):
    return [name for folder in ("public", "state/keys") for name in os.listdir(d.path(folder))
            if name.startswith(".new-")]


def kill_under_load(issuer, clients):
    """Returns the number of half-written files that the kills left."""
    left = 0
    issuer.recovers()
    for client in clients:
        client.start()
    for number in range(KILLS):
        # Every other kill may be during the start.
        if number % 2:
            wait_for_work(clients)
        time.sleep(random.uniform(0.005, 0.06))
        over = {sid for client in clients for sid in list(client.over)}
        issuer.end(signal.SIGKILL)
        look(issuer, over)
        left += len(hidden(issuer))
        issuer.start()
    return left


@pytest.mark.issuer(BRIEF)
def test_kills_under_load_lose_no_session_and_give_no_token_two_successors(issuer):
    ends = threading.Event()
    clients = [Client(issuer, ends) for _ in range(CLIENTS)]
    before = time.monotonic()
    try:
        left = kill_under_load(issuer, clients)
    finally:
        ends.set()
    for client in clients:
        client.join(60)
        if client.error or client.is_alive():
            raise Broken(client.error or "a client did not come to its end")
    look(issuer, {sid for client in clients for sid in client.over})
    if hidden(issuer):
        raise Broken(f"half-written files stay behind: {hidden(issuer)}")
    print(f"# {KILLS} kills in {time.monotonic() - before:.0f} s: {sum(c.sent for c in clients)} requests, "
          f"{sum(c.replayed for c in clients)} replayed, {exchanged(clients)} tokens exchanged, "
          f"{sum(len(c.over) for c in clients)} sessions ended, {left} half-written files swept")
    assert exchanged(clients) >= KILLS // 2


def test_only_half_written_files_are_removed_at_start(issuer):
    issuer.recovers()
    issuer.end(signal.SIGKILL)
    for name in ("public/.new-0123456789abcdef", "state/keys/.new-fedcba9876543210", "public/.keep"):
        with open(issuer.path(name), "w", encoding="ascii") as file:
            file.write("half")
    issuer.init().wait(15)
    assert len(hidden(issuer)) == 2, "--init may run beside the service, and sweeps nothing"
    issuer.start()
    issuer.recovers()
    assert not hidden(issuer) and os.path.exists(issuer.path("public/.keep"))
