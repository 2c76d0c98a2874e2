"""SIGTERM, as sent by `systemctl restart`: a daemon answers the requests that it has accepted, and the next process
answers those that wait in the socket."""

import signal
import threading
import time

import pytest
from daemons import ALICE, CAROL, QUICK, request_bytes, until


def end(daemon):
    """Sends SIGTERM and returns the process, which exits later."""
    process = daemon.process
    process.send_signal(signal.SIGTERM)
    return process


def test_thirty_restarts_under_load_lose_no_request(d):
    bad, done, ends = [], [0], threading.Event()
    d.expected_exits.add(-signal.SIGTERM)  # of a process that was still starting

    def fails(reply):
        if reply.status != 200:
            bad.append(reply.raw)
        done[0] += 1
        return bad

    def refreshing():
        pair = d.obtain()
        while not ends.is_set():
            reply = d.post("/api/token/refresh/", {"refresh": pair["refresh"]})
            if fails(reply):
                return
            pair = reply.json()

    def obtaining():
        while not ends.is_set():
            # Another user: with too many sessions the oldest ends.
            if fails(d.post("/api/token/", CAROL)):
                return

    threads = [threading.Thread(target=each) for each in [refreshing] * 3 + [obtaining]]
    for thread in threads:
        thread.start()
    until(lambda: done[0] > 8 or bad)
    for _ in range(10):
        starts = [daemon.starts for daemon in d.all]
        for daemon in d.all:
            end(daemon)
        until(lambda: bad or all(daemon.starts > before for daemon, before in zip(d.all, starts)))
    ends.set()
    for thread in threads:
        thread.join()
    assert not bad, bad[:3]


def test_a_login_that_has_begun_gets_its_reply_from_a_daemon_that_was_ended(d):
    d.obtain()
    with d.connect() as client:
        request = request_bytes("POST", "/api/token/", ALICE)
        client.sendall(request[:40])
        d.obtain(CAROL)  # jwtd accepts in order: it has the connection above
        process = end(d.http)
        client.sendall(request[40:])
        assert b" 200 " in client.recv(4096)
    assert process.wait(10) == 0


@pytest.mark.daemons(QUICK.replace("FailureTime=300ms", "FailureTime=30s"))
def test_an_open_connection_delays_the_end_of_a_daemon_by_three_seconds(d):
    with d.connect() as client:
        client.sendall(request_bytes("POST", "/api/token/", {**ALICE, "password": "no such secret"}))
        until(lambda: "Login failed" in d.read_log())
        d.obtain()
        began = time.monotonic()
        assert end(d.http).wait(20) == 0
        assert time.monotonic() - began > 2.9
