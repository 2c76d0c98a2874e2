"""The limits of connections and of failures: one user, one address and one socket never shut out the others."""

import contextlib
import os
import re
import resource
import select
import socket
import threading
import time

import pytest
import wire
from daemons import ALICE, QUICK, Reply, request_bytes, until

UID = {"alice": 23001, "carol": 23002}
SUB = 100000  # the first subordinate uid in the tests
WRONG = dict(ALICE, password="no such secret")
HEALTH = request_bytes("GET", "/healthz")


def connect_as(d, uid, n=1):
    """n connections to the Unix socket whose peer has this uid."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(uid, uid, uid)
            fds = [d.connect().detach() for _ in range(n)]
            socket.send_fds(theirs, [b"x"], fds)
        finally:
            os._exit(0)
    with ours, theirs:
        os.waitpid(child, 0)
        fds = socket.recv_fds(ours, 1, n)[1]
    clients = [socket.socket(fileno=fd) for fd in fds]
    assert len(clients) == n
    for client in clients:
        client.settimeout(40)
    return clients


def connect_from(d, address):
    return socket.create_connection(("127.0.0.1", d.port), 40, (address, 0))


def answer(client, request=b""):
    """Sends a request and reads the reply to its end."""
    raw = b""
    with client:
        with contextlib.suppress(BrokenPipeError):  # a reply may be there
            client.sendall(request)
        while piece := client.recv(65536):
            raw += piece
    return Reply(raw)


def login_as(d, uid, who=None):
    return answer(connect_as(d, uid)[0], request_bytes("POST", "/api/token/", who or ALICE))


def login_from(d, address, who=None):
    return answer(connect_from(d, address), request_bytes("POST", "/api/token/", who or ALICE))


def in_parallel(calls):
    """Starts each call in a thread. Returns the threads and the list that gets the results."""
    results = []
    threads = [threading.Thread(target=lambda call=call: results.append(call())) for call in calls]
    for thread in threads:
        thread.start()
    return threads, results


def metric(d, name):
    text = d.request("GET", "/metrics").body.decode()
    return int(re.search(rf"^{re.escape(name)} (\d+)$", text, re.MULTILINE)[1])


class Checks:
    """Password checks of the scripted jwtd-issuer, each of which fails when the test ends it."""

    def __init__(self, scripted):
        self.running, self.over = 0, threading.Event()
        scripted.says(wire.PING, "ok")
        scripted.answers[wire.OBTAIN] = self.check

    def check(self, *_):
        over = self.over
        self.running += 1
        over.wait(60)
        return ("denied",)

    def start(self, *logins):
        """Starts logins. Returns when their passwords are being checked."""
        started = in_parallel(logins)
        until(lambda: self.running == len(logins))
        return started

    def end(self, threads):
        self.over.set()
        for thread in threads:
            thread.join()
        self.running, self.over = 0, threading.Event()


@pytest.fixture
def checks(scripted):
    return Checks(scripted)


def refused(d, clients):
    """Which of the connections were refused. jwtd has accepted them when it answers a later one."""
    assert answer(d.connect(), HEALTH).status == 200
    return [readable(client) for client in clients]


@pytest.fixture
def subuid():
    """A function that sets the lines of /etc/subuid."""
    if not os.path.ismount("/etc/subuid"):
        pytest.skip("needs /etc/subuid (package passwd or shadow-utils)")

    def write(text):
        with open("/etc/subuid", "w", encoding="utf-8") as file:
            file.write(text)

    yield write
    write("")
    os.chmod("/etc/subuid", 0o644)


# Connections


@pytest.mark.daemons("", tcp=True)
def test_idle_connections_from_loopback_addresses_shut_nobody_out(d):
    held = [connect_from(d, f"127.0.0.{n}") for n in range(1, 17) for _ in range(16)]
    held += [connect_from(d, f"127.1.0.{n}") for n in range(1, 17) for _ in range(4)]
    for uid in (0, UID["carol"]):
        assert login_as(d, uid).status == 200, uid
    for address in ("127.0.0.1", "127.0.0.99"):
        assert login_from(d, address).status == 200, address
    assert metric(d, "jwtd_connections") <= 257
    assert len(held) == 320


@pytest.mark.daemons("", tcp=True)
def test_idle_connections_from_subordinate_uids_shut_nobody_out(d, subuid):
    subuid(f"nobody-else:5000:10\nalice:{SUB}:65536\n")
    held = [client for n in range(16) for client in connect_as(d, SUB + n, 16)]
    for uid in (0, UID["carol"], UID["alice"], SUB + 99):
        assert login_as(d, uid).status == 200, uid
    assert login_from(d, "127.0.0.1").status == 200
    assert metric(d, "jwtd_connections") <= 17, "the uids of alice's range are one source"
    assert len(held) == 256


@pytest.mark.daemons("[Http]\nMaxConnections=8\n", tcp=True)
def test_users_who_fill_the_unix_socket_block_neither_root_nor_tcp(d):
    held = [client for n in range(4) for client in connect_as(d, 5000 + n, 4)]
    for uid in (0, 6000):
        assert login_as(d, uid).status == 200, uid
    assert login_from(d, "127.0.0.1").status == 200
    assert len(held) == 16


@pytest.mark.daemons("[Http]\nMaxConnections=4\n", tcp=True)
def test_a_slow_sender_loses_its_place_to_a_new_connection(d):
    for connect in (lambda: connect_from(d, "127.0.0.1"), lambda: connect_as(d, UID["alice"])[0]):
        slow = [connect() for _ in range(4)]
        for second in range(2):
            for client in slow:
                client.sendall(HEALTH[second:second + 1])
        assert answer(connect(), HEALTH).status == 200
        lost = answer(slow[0])
        assert (lost.status, lost.header("Retry-After")) == (503, "1"), lost.raw
        for client in slow[1:]:
            assert answer(client, HEALTH[2:]).status == 200, "one place was needed, one connection is closed"
    assert "Connection limit reached limit=MaxConnections" in d.read_log()


@pytest.mark.daemons("[Http]\nMaxConnectionsPerSource=2\nFailuresPerSource=0\nFailureTime=100ms\n")
def test_a_request_that_is_being_answered_is_never_closed_to_make_room(d, checks):
    threads, results = checks.start(*[lambda: login_as(d, UID["alice"], WRONG)] * 2)
    for _ in range(5):
        over = answer(connect_as(d, UID["alice"])[0], HEALTH)
        assert (over.status, over.header("Retry-After")) == (503, "1"), over.raw
    assert answer(connect_as(d, UID["carol"])[0], HEALTH).status == 200
    checks.end(threads)
    assert [reply.status for reply in results] == [401, 401]


@pytest.mark.daemons("[Http]\nMaxConnections=2\nFailuresPerSource=0\nFailureTime=100ms\nTrustedProxies=nobody\n", tcp=True)
def test_requests_being_answered_fill_only_the_limit_of_their_own_kind(d, checks):
    kinds = {"users": lambda request: answer(connect_as(d, UID["alice"])[0], request),
             "root": lambda request: answer(d.connect(), request),
             "proxy": lambda request: answer(connect_as(d, 65534)[0], request),
             "tcp": lambda request: answer(connect_from(d, "127.0.0.2"), request)}
    for kind, ask in kinds.items():
        threads, _ = checks.start(*[lambda ask=ask: ask(request_bytes("POST", "/api/token/", WRONG))] * 2)
        found = {name: other(HEALTH).status for name, other in kinds.items()}
        assert found == {name: 503 if name == kind else 200 for name in kinds}, kind
        checks.end(threads)


@pytest.mark.daemons("[Http]\nTrustedProxies=nobody\nMaxConnections=8\nMaxConnectionsPerSource=2\n")
def test_clients_of_a_proxy_fill_neither_the_unix_socket_nor_each_others_share(d):
    head = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n"
    held = connect_as(d, 65534, 20)
    for client in held[12:]:
        client.sendall(head % 1)
    until(lambda: sum(map(readable, held[12:])) == 6)
    assert refused(d, held[12:]).count(False) == 2, "one client has two places"
    assert answer(connect_as(d, UID["carol"])[0], HEALTH).status == 200
    assert answer(connect_as(d, 65534)[0], HEALTH).status == 200
    for n in range(2, 9):
        client = connect_as(d, 65534)[0]
        client.sendall(head % n)
        held.append(client)
    assert answer(connect_as(d, 65534)[0], HEALTH.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
                  ).status == 200


def readable(client):
    client.setblocking(False)
    try:
        client.recv(1, socket.MSG_PEEK)
        return True
    except BlockingIOError:
        return False
    finally:
        client.settimeout(40)


@pytest.mark.daemons("[Http]\nMaxConnectionsPerSource=2\n")
def test_a_line_added_to_subuid_applies_to_the_next_connection(d, subuid):
    held = connect_as(d, SUB, 2)
    assert refused(d, held) == [False, False]
    subuid(f"{UID['alice']}:{SUB}:1000\n")
    held += connect_as(d, SUB + 1, 1) + connect_as(d, SUB + 2, 1) + connect_as(d, UID["alice"], 1)
    assert refused(d, held) == [False, False, True, False, False]


@pytest.mark.daemons("[Http]\nMaxConnectionsPerSource=2\n")
def test_subordinate_uids_of_root_take_no_place_of_root(d, subuid):
    subuid(f"root:{SUB}:1000\n0:{SUB + 1000}:1000\nno-such-user:{SUB + 2000}:1000\n")
    for first in (SUB, SUB + 1000, SUB + 2000):
        held = [client for n in range(4) for client in connect_as(d, first + n, 1)]
        assert refused(d, held) == [True, True, False, False], "one source"
    mine = [d.connect(), d.connect()]
    assert answer(connect_as(d, UID["carol"])[0], HEALTH).status == 200
    assert not any(map(readable, mine))


@pytest.mark.daemons("[Http]\nMaxConnectionsPerSource=2\n")
def test_an_unusable_subuid_is_logged_and_the_previous_ranges_apply(d, subuid):
    subuid(f"alice:{SUB}:1000\n")
    assert answer(connect_as(d, SUB)[0], HEALTH).status == 200
    os.chmod("/etc/subuid", 0o666)
    subuid("")
    held = [client for n in range(3) for client in connect_as(d, SUB + n, 1)]
    assert refused(d, held) == [True, False, False]
    log = [line for line in d.read_log().split("\n") if "subordinate uids" in line]
    assert len(log) == 1 and "/etc/subuid: has mode 0666" in log[0], log


def test_without_descriptors_a_connection_waits_and_is_answered_later(d):
    assert d.get("/healthz").status == 200
    process = d.http.process.pid
    highest = max(int(fd) for fd in os.listdir(f"/proc/{process}/fd"))
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (highest + 1, hard))
    idle = [d.connect() for _ in range(20)]
    waiting = d.connect()
    waiting.sendall(request_bytes("GET", "/metrics"))  # needs no further descriptor
    assert not select.select([waiting], [], [], 0.3)[0]
    for client in idle:
        client.close()
    assert answer(waiting).status == 200
    resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))
    assert d.get("/healthz").status == 200


# Failures


@pytest.mark.daemons(QUICK.replace("FailureTime=300ms", "FailureTime=100ms").replace(
    "FailuresPerSource=0", "FailuresPerSource=3/min"), tcp=True)
def test_loopback_has_a_limit_of_60_failures_a_minute_in_all(d, scripted):
    scripted.says(wire.OBTAIN, "denied")
    assert [login_as(d, UID["alice"]).status for _ in range(4)] == [401] * 3 + [429]
    begin = time.monotonic()
    statuses = [login_from(d, f"127.0.{n % 2}.{1 + n % 3}").status for n in range(60)]
    assert statuses == [401] * 60, "FailuresPerSource does not apply"
    while time.monotonic() - begin < 30:
        if login_from(d, "127.9.9.9").status == 429:
            break
    else:
        raise AssertionError("no limit for loopback")
    assert login_as(d, UID["carol"]).status == 401, "the Unix socket is another source"
    assert "source=127.0.0.1" not in d.read_log() or "source=127.9" not in d.read_log()


@pytest.mark.daemons(QUICK.replace("FailureTime=300ms", "FailureTime=100ms"), tcp=True)
def test_without_failures_per_source_loopback_has_no_limit(d, scripted):
    scripted.says(wire.OBTAIN, "denied")
    threads, results = in_parallel([lambda: login_from(d, "127.0.0.1").status] * 100)
    for thread in threads:
        thread.join()
    assert results == [401] * 100


@pytest.mark.daemons(QUICK.replace("FailureTime=300ms", "FailureTime=100ms").replace(
    "FailuresPerUser=0", "FailuresPerUser=3/min").replace("FailuresPerSource=0", "FailuresPerSource=30/min"), tcp=True)
def test_failures_per_user_applies_to_loopback(d):
    assert [login_from(d, f"127.0.0.{n}", WRONG).status for n in range(1, 6)] == [401] * 3 + [429] * 2


@pytest.mark.daemons(QUICK.replace("FailureTime=300ms", "FailureTime=100ms").replace(
    "FailuresPerSource=0", "FailuresPerSource=3/min"))
def test_failures_of_subordinate_uids_count_as_their_owners(d, scripted, subuid):
    scripted.says(wire.OBTAIN, "denied")
    subuid(f"alice:{SUB}:65536\n")
    uids = (SUB, SUB + 1, SUB + 65535, SUB + 7, UID["alice"], SUB + 65536, UID["carol"])
    assert [login_as(d, uid).status for uid in uids] == [401, 401, 401, 429, 429, 401, 401]
    assert b"uid %d" % UID["alice"] in scripted.asked[0], scripted.asked[0]
