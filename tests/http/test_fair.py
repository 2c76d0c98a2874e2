"""Password checks are shared fairly: who is checked next, who waits, and who is refused."""

import os
import socket
import struct
import threading
import time

import pytest
from daemons import ALICE as ALICE_BODY, until
from daemons import CAROL as CAROL_BODY
from daemons import request_bytes
from issuer_daemon import at_once
from login_daemon import ALICE, SECRET, SOURCE
from wire import CHECK, OBTAIN, REFRESH, STATUS, message, read

SLOTS = len(os.sched_getaffinity(0)) + 1
PER_USER = 1 if SLOTS <= 3 else 2
PLACES = 16
QUEUE = 128
NO_LIMITS = "[Http]\nFailuresPerSource=0\n[Session]\nFailuresPerUser=0\nLoginsPerUser=0\n"
OWN = b"uid 23001"  # alice's


class Gate:
    """Holds the password checks of the scripted jwtd-login, and records them in the order in which they start."""

    def __init__(self, issuer):
        self.changed = threading.Condition()
        self.started, self.held, self.closed = [], [], True
        issuer.login.before = self.hold

    def hold(self, op, fields):
        if op != CHECK:
            return
        with self.changed:
            check = (fields[2], fields[0], object())
            self.started.append(check[:2])
            if self.closed:
                self.held.append(check)
            self.changed.notify_all()
            self.changed.wait_for(lambda: check not in self.held)

    def end(self, user=None):
        """Ends the oldest check, or the oldest one of this user."""
        with self.changed:
            self.held.remove(next(check for check in self.held if user in (None, check[1])))
            self.changed.notify_all()

    def open(self):
        with self.changed:
            self.closed = False
            self.held.clear()
            self.changed.notify_all()

    def starts(self, n):
        """The checks so far, when n of them have started and no further one does."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.started) >= n, 60), (n, self.started)
            self.changed.wait(0.05)
            assert len(self.started) == n, (n, self.started)
            return self.started

    def next(self, n):
        """The users of the next n checks, each of which is started by the end of another."""
        before = len(self.started)
        for i in range(n):
            self.end()
            self.starts(before + i + 1)
        return [user for _, user in self.started[before:]]


@pytest.fixture
def gate(issuer):
    gate = Gate(issuer)
    yield gate
    gate.open()


def arrive(issuer, source, user, password=b"wrong"):
    """A login that is checked or waits when this returns."""
    client = issuer.send(message(OBTAIN, user, password, source))
    issuer.ping()
    return client


def status(client):
    packet = client.recv(65536)
    client.close()
    return STATUS[read(packet)[0]] if packet else "closed"


def address(n):
    return b"198.51.%d.%d" % divmod(n, 256)


def fill(issuer, gate):
    """Takes all slots, each for another user of another source."""
    clients = [arrive(issuer, address(60000 + i), b"busy%d" % i) for i in range(SLOTS)]
    gate.starts(SLOTS)
    return clients


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


# Slots

@pytest.mark.issuer(NO_LIMITS)
def test_one_user_has_one_or_two_checks_and_all_have_processors_plus_one(issuer, gate):
    clients = [arrive(issuer, address(i), b"alice") for i in range(10)]
    assert {user for _, user in gate.starts(PER_USER)} == {b"alice"}
    clients += [arrive(issuer, address(100), b"user%d" % i) for i in range(SLOTS)]
    gate.starts(SLOTS)
    gate.open()
    assert {status(client) for client in clients} == {"denied"}


@pytest.mark.parametrize("password, said", [(b"secret one", "ok"), (b"wrong", "denied")])
@pytest.mark.issuer(NO_LIMITS)
def test_parallel_logins_of_one_user_delay_no_other(issuer, password, said):
    """In 0.1, 4 to 8 parallel logins of one user made those of all others fail."""
    refresh, access = issuer.obtain(b"carol")
    gate = Gate(issuer)
    flood = [arrive(issuer, OWN, b"alice", password) for _ in range(64)]
    gate.starts(PER_USER)
    other = arrive(issuer, b"uid 23002", b"carol", b"secret two")
    gate.starts(PER_USER + 1)
    gate.end(b"carol")
    assert status(other) == "ok"
    assert issuer.refresh(refresh)[0] == "ok" and issuer.whoami(access) == "ok"
    gate.open()
    answers = [status(client) for client in flood]
    assert answers.count(said) == PER_USER + PLACES and answers.count("throttled") == 64 - PER_USER - PLACES, answers


@pytest.mark.issuer("[Session]\nAccountCacheTime=0\nFailuresPerUser=0\n")
def test_password_checks_never_delay_account_checks(issuer):
    refresh, access = issuer.obtain(b"carol")
    gate = Gate(issuer)
    waiting = fill(issuer, gate)
    waiting += [arrive(issuer, address(i), b"user%d" % i) for i in range(QUEUE)]
    for _ in range(10):
        status_, access, refresh = issuer.refresh(refresh)
        assert status_ == "ok" and issuer.whoami(access) == "ok"
    gate.starts(SLOTS)
    gate.open()
    assert {status(client) for client in waiting} == {"denied"}


@pytest.mark.issuer("[Session]\nAccountCacheTime=0\nMaxSessionsPerUser=1000\n")
def test_more_accounts_than_jwtd_login_checks_at_once_wait_and_are_never_busy(issuer):
    users = [b"user%d" % i for i in range(60)]
    issuer.login.passwords.update((user, b"secret") for user in users)
    tokens = [issuer.obtain(user)[0] for user in users]
    running, most, changed = [0], [0], threading.Condition()

    def count(*_):
        with changed:
            running[0] += 1
            most[0] = max(most[0], running[0])
            changed.notify_all()
            changed.wait_for(lambda: most[0] >= 16, 10)
        time.sleep(0.05)  # for one that is too many
        with changed:
            running[0] -= 1

    issuer.login.before = count
    assert at_once(60, lambda: issuer.refresh(tokens.pop())[0]) == ["ok"] * 60
    assert most[0] == 16, most


# The queue

@pytest.mark.issuer(NO_LIMITS)
def test_sources_take_turns_and_then_users(issuer, gate):
    clients = fill(issuer, gate)
    clients += [arrive(issuer, b"192.0.2.1", user) for user in (b"u1", b"u1", b"u2", b"u3")]
    clients += [arrive(issuer, b"192.0.2.%d" % n, user) for n, user in ((2, b"v1"), (2, b"v1"), (3, b"w1"))]
    assert gate.next(7) == [b"u1", b"v1", b"w1", b"u2", b"v1", b"u3", b"u1"]


@pytest.mark.issuer(NO_LIMITS)
def test_a_flood_of_unknown_names_delays_another_source_by_one_check(issuer, gate):
    flood = [arrive(issuer, b"192.0.2.1", b"no%d" % i) for i in range(100)]
    gate.starts(SLOTS)
    other = arrive(issuer, b"192.0.2.2", b"carol", b"secret two")
    assert b"carol" in gate.next(2)
    gate.open()
    assert status(other) == "ok" and {status(client) for client in flood} == {"denied"}


@pytest.mark.issuer(NO_LIMITS)
def test_a_user_of_the_unix_socket_who_logs_in_as_himself_is_checked_first(issuer, gate):
    clients = fill(issuer, gate) + [arrive(issuer, address(i), b"alice") for i in range(50)]
    clients += [arrive(issuer, source, b"alice") for source in (b"uid 23002", b"uid 23001x", b"uid 0")]
    own = arrive(issuer, OWN, b"alice", b"secret one")
    assert gate.next(1) == [b"alice"] and gate.started[-1][0] == OWN
    gate.open()
    assert status(own) == "ok" and {status(client) for client in clients} == {"denied"}


@pytest.mark.issuer(NO_LIMITS)
def test_a_full_queue_refuses_the_largest_source_and_no_other(issuer, gate):
    busy = fill(issuer, gate)
    flood = [arrive(issuer, b"192.0.2.1", b"no%d" % i) for i in range(200)]
    others = [arrive(issuer, address(i), b"user%d" % i) for i in range(40)]
    gate.open()
    assert {status(client) for client in busy + others} == {"denied"}
    answers = [status(client) for client in flood]
    assert answers == ["denied"] * (QUEUE - 40) + ["busy"] * (72 + 40), answers


@pytest.mark.issuer(NO_LIMITS)
def test_a_full_queue_refuses_the_largest_user_and_no_other(issuer, gate):
    """One user's logins from many sources: each source has one place."""
    flood = [arrive(issuer, address(i), b"alice") for i in range(200)]
    others = [arrive(issuer, address(1000 + i), b"user%d" % i) for i in range(20)]
    gate.open()
    assert {status(client) for client in others} == {"denied"}
    answers = [status(client) for client in flood]
    assert answers.count("busy") == 200 + 20 - QUEUE - SLOTS, answers


@pytest.mark.issuer(NO_LIMITS)
def test_ten_thousand_waiting_logins_need_no_more_memory(issuer, gate):
    slow = "asan" in issuer.program
    clients = fill(issuer, gate)
    clients += [arrive(issuer, address(i), b"user%d" % i, b"x" * 512) for i in range(QUEUE)]
    before, sent, said = memory(issuer.process.pid), [], []
    for i in range(QUEUE, 2000 if slow else 10000):
        sent.append(issuer.send(message(OBTAIN, b"user%d" % i, b"x" * 512, address(i))))
        if len(sent) > 500:
            said.append(status(sent.pop(0)))
    own = arrive(issuer, OWN, b"alice", b"secret one")
    assert slow or memory(issuer.process.pid) - before <= 1024
    assert gate.next(1) == [b"alice"]
    gate.open()
    assert status(own) == "ok" and set(said) == {"busy"}
    assert 1 <= issuer.text("log").count("Too many logins wait") <= 5, "once in 10 s"


@pytest.mark.issuer(NO_LIMITS)
def test_a_login_that_waits_for_8_s_is_answered_busy(issuer, gate):
    busy = fill(issuer, gate)
    begun = time.monotonic()
    assert status(arrive(issuer, b"192.0.2.1", b"carol")) == "busy"
    assert 7.5 < time.monotonic() - begun < 20
    gate.open()
    assert {status(client) for client in busy} == {"denied"}
    assert len(gate.started) == SLOTS


@pytest.mark.issuer(NO_LIMITS)
def test_a_client_that_has_gone_is_not_checked(issuer, gate):
    clients = fill(issuer, gate)
    gone = [arrive(issuer, b"192.0.2.1", b"carol") for _ in range(PLACES)]
    for client in gone:
        client.close()
    issuer.ping()
    time.sleep(0.05)
    clients.append(arrive(issuer, b"192.0.2.1", b"carol"))
    later = arrive(issuer, b"192.0.2.1", b"alice", b"secret one")
    assert gate.next(2) == [b"carol", b"alice"]
    gate.open()
    assert status(later) == "ok" and len(gate.started) == SLOTS + 2
    assert {status(client) for client in clients} == {"denied"}
    assert "Too many logins" not in issuer.text("log")


# Limits

@pytest.mark.issuer("[Session]\nFailuresPerUser=10/min\n")
def test_guesses_from_many_sources_at_once_are_limited_by_user(issuer):
    numbers = iter(range(60))
    said = at_once(60, lambda: status(issuer.send(message(OBTAIN, b"mallory", b"wrong", address(next(numbers))))))
    assert sorted(said) == ["denied"] * 10 + ["throttled"] * 50, said
    assert issuer.login.asked == [CHECK] * 10


@pytest.mark.issuer("[Session]\nLoginsPerUser=3/min\n")
def test_logins_per_user_limits_successful_logins_alone(issuer):
    refresh, _ = issuer.obtain()
    assert issuer.guess() == "denied" and issuer.guess() == "denied"
    issuer.obtain()
    issuer.obtain()
    said, wait = issuer.ask(OBTAIN, b"alice", b"secret one", b"uid 2000")  # whose first line it is
    assert said == "throttled" and 50 <= struct.unpack("<Q", wait[0])[0] <= 60, wait
    assert issuer.login.asked.count(CHECK) == 5, "a password was checked beyond the limit"
    assert issuer.text("log").splitlines()[-1].count("reason=LoginsPerUser") == 1
    assert issuer.refresh(refresh)[0] == "ok" and issuer.obtain(b"carol")


@pytest.mark.issuer("[Session]\nLoginsPerUser=3/min\n")
def test_logins_at_once_are_limited_too(issuer):
    said = at_once(16, lambda: issuer.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0])
    assert sorted(said) == ["ok"] * 3 + ["throttled"] * 13, said


# jwtd-login

@pytest.mark.login(service="hangs")
def test_account_checks_have_slots_of_their_own(login):
    clients = [login.connect() for _ in range(SLOTS)]
    for client in clients:
        client.send(message(CHECK, ALICE, SECRET, SOURCE))
    until(lambda: len(login.children()) == SLOTS)
    assert login.check(b"carol", SECRET) == ("busy", b"")
    assert {login.account(ALICE)[0] for _ in range(50)} == {"ok"}
    for client in clients:
        client.close()


def timed(call):
    begun = time.monotonic()
    result = call()
    return result, time.monotonic() - begun


@pytest.mark.login(service="slow")
def test_a_check_of_an_unknown_name_takes_as_long_as_one_of_a_known_name(login):
    assert timed(lambda: login.check(b"n0body", b"pw"))[1] >= 0.1, "before the first wrong password"
    known = [timed(lambda: login.check(ALICE, b"pw")) for _ in range(3)]
    assert {result for result, _ in known} == {("denied", b"")} and min(took for _, took in known) >= 0.5
    result, unknown = timed(lambda: login.check(b"n0body", b"pw"))
    # Their median; the machine may be busy during this one alone.
    assert result == ("denied", b"") and 0.5 <= unknown < max(took for _, took in known) + 2, (unknown, known)


@pytest.mark.login(service="slow")
def test_an_unknown_name_keeps_its_slot_without_a_process(login):
    assert login.check(ALICE, b"pw") == ("denied", b"")
    clients = [login.connect() for _ in range(SLOTS)]
    for client in clients:
        client.send(message(CHECK, b"n0body", SECRET, SOURCE))
    time.sleep(0.3)
    assert not login.children(), "a process runs for an unknown name"
    assert login.check(b"carol", b"pw") == ("busy", b"")
    assert {status(client) for client in clients} == {"denied"}
    assert login.check(b"carol", b"pw") == ("denied", b"")


# Through HTTP

GATE = """auth required pam_exec.so quiet DIR/gate
account required pam_permit.so
"""


def close_gate(d, stack=GATE):
    """PAM: writes the name of the user, and ends when the file "open" exists."""
    d.write("gate", f"#!/bin/sh\necho $PAM_USER >>{d.dir}/order\n"
                    f"while [ ! -e {d.dir}/open ]; do sleep 0.05; done\n")
    os.chmod(d.path("gate"), 0o755)
    d.write("pam/jwtd", stack.replace("DIR", d.dir))
    d.write("order", "")


def order(d):
    with open(d.path("order"), encoding="ascii") as file:
        return file.read().split()


def send(d, body):
    client = d.connect()
    client.sendall(request_bytes("POST", "/api/token/", body))
    return client


def received(client):
    reply = b""
    while piece := client.recv(65536):
        reply += piece
    return reply


def test_over_http_one_user_is_refused_with_retry_after_and_others_are_served(d):
    first = d.obtain(CAROL_BODY)
    close_gate(d)
    flood = [send(d, ALICE_BODY) for _ in range(64)]
    until(lambda: order(d) == ["alice"] * PER_USER)
    until(lambda: d.get("/metrics").body.count(b'verdict="throttled"} %d' % (64 - PER_USER - PLACES)))
    assert d.post("/api/token/refresh/", {"refresh": first["refresh"]}).status == 200
    assert d.get("/api/user/", first["access"]).status == 200
    other = send(d, CAROL_BODY)
    until(lambda: order(d) == ["alice"] * PER_USER + ["carol"])
    d.write("open", "")
    assert received(other).startswith(b"HTTP/1.1 200 ")
    replies = [received(client) for client in flood]
    assert sum(r.startswith(b"HTTP/1.1 200 ") for r in replies) == PER_USER + PLACES, replies
    for reply in replies:
        assert b"200 OK" in reply or (b" 429 " in reply and b"Retry-After: 1\r\n" in reply), reply
    assert order(d) == ["alice"] * PER_USER + ["carol"] + ["alice"] * PLACES


def test_over_http_a_client_that_has_gone_leaves_the_queue(d):
    close_gate(d)
    waiting = [send(d, ALICE_BODY) for _ in range(6)]
    until(lambda: order(d) == ["alice"] * PER_USER)
    begun = time.monotonic()
    for client in waiting[PER_USER:]:
        client.close()
    until(lambda: d.get("/metrics").body.count(b'verdict="busy"} %d' % (6 - PER_USER)))
    assert time.monotonic() - begun < 5, "they left because their time was over"
    d.write("open", "")
    assert [b" 200 OK" in received(client) for client in waiting[:PER_USER]] == [True] * PER_USER
    assert order(d) == ["alice"] * PER_USER


@pytest.mark.daemons("[Http]\nFailureTime=100ms\nFailuresPerSource=1/min\n[Session]\nFailuresPerUser=0\n")
def test_over_http_closing_during_a_check_does_not_avoid_the_count(d):
    close_gate(d, GATE.replace("account", "auth required pam_deny.so\naccount"))
    client = send(d, ALICE_BODY)
    until(lambda: len(order(d)) == 1)
    client.close()
    d.write("open", "")
    until(lambda: d.get("/metrics").body.count(b'verdict="denied"} 1'))
    assert d.post("/api/token/", ALICE_BODY).status == 429
    assert len(order(d)) == 1


@pytest.mark.daemons("[Session]\nLoginsPerUser=2/min\n")
def test_over_http_logins_per_user_is_a_429_as_in_simplejwt(d):
    d.obtain()
    d.obtain()
    reply = d.post("/api/token/", ALICE_BODY)
    seconds = int(reply.header("retry-after"))
    assert reply.status == 429 and 50 <= seconds <= 60, reply.raw
    assert reply.json() == {"detail": f"Request was throttled. Expected available in {seconds} seconds."}
    d.obtain(CAROL_BODY)


@pytest.mark.issuer(settings=NO_LIMITS + "AccountCacheTime=0\n")
def test_a_request_that_jwtd_login_does_not_read_is_unavailable_in_5_s(issuer):
    """Checks that have a slot, logins that wait for their turn, account checks."""
    pair = issuer.obtain()
    os.rename(issuer.path("login"), issuer.path("login.away"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.bind(issuer.path("login"))
        silent.listen(64)
        start = time.monotonic()
        clients = [issuer.send(message(OBTAIN, user, b"x", SOURCE)) for user in (b"alice", b"carol") * 4]
        clients.append(issuer.send(message(REFRESH, pair[0], SOURCE)))
        for client in clients:
            with client:
                assert STATUS[client.recv(65536)[2]] == "unavailable"
        assert 4 < time.monotonic() - start < 10, "a wait for each would take longer"
    os.rename(issuer.path("login.away"), issuer.path("login"))
    issuer.obtain()
