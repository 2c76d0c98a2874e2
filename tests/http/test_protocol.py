"""HTTP: public paths, hostile and slow requests, limits, throttling."""

import json
import re
import threading
import time

import pytest
from daemons import ALICE, CAROL, Reply


# Public


def test_keys_health_and_unknown_paths(d):
    reply = d.get("/.well-known/jwks.json")
    keys = reply.json()["keys"]
    assert reply.status == 200 and len(keys) == 1 and "d" not in keys[0], reply.raw
    assert reply.header("ETag") and "max-age" in reply.header("Cache-Control"), reply.headers
    assert (keys[0]["kty"], keys[0]["crv"], keys[0]["alg"], len(keys[0]["kid"])) == ("OKP", "Ed25519", "EdDSA", 8)
    assert d.get("/healthz").status == 200
    reply = d.get("/nothing")
    assert (reply.status, reply.body) == (404, b'{"detail":"Not found."}'), reply.raw


def test_hostile_requests_get_their_status_and_never_a_login(d):
    body = json.dumps(ALICE).encode()
    good = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    whole = good + length + b"\r\n" + body
    assert Reply(d.raw(whole)).status == 200
    assert Reply(d.raw(whole.replace(b"Host: localhost", b"Host: localhost.:80"))).status == 200
    cases = [
        (whole.replace(b"\r\n", b"\n", 1), 400), (whole.replace(b"POST ", b"POST  "), 400),
        (whole.replace(b"HTTP/1.1", b"HTTP/2.0"), (400, 505)), (whole.replace(b"POST", b"P\0ST"), 400),
        (whole.replace(b"/api/token/", b"http://localhost/api/token/"), 400),
        (whole.replace(b"/api/token/", b"/api/token/\0"), 400), (b"\0" + whole, 400), (b"\r\n" + whole, 400),
        (whole.replace(b"Host: localhost", b"Host : localhost"), 400),
        (whole.replace(b"Host: localhost\r\n", b"Host: localhost\r\n folded: x\r\n"), 400),
        (whole.replace(b"Host: localhost\r\n", b""), 400),
        (whole.replace(b"Host: localhost\r\n", b"Host: localhost\r\nHost: localhost\r\n"), 400),
        (whole.replace(b"localhost", b"evil.example"), 400), (whole.replace(b"localhost", b"localhost.."), 400), (whole.replace(b"localhost", b"local host"), 400),
        (whole.replace(b"Content-Length: ", b"Content-Length: +"), 400),
        (whole.replace(length, length + length), 400), (whole.replace(length, length + b"Content-Length: 5\r\n"), 400),
        (whole.replace(length, b"Content-Length: 99999999999999999999\r\n"), (400, 413)),
        (whole.replace(length, b"Content-Length: 16385\r\n"), 413), (whole.replace(length, b""), 411),
        (whole.replace(length, b"Transfer-Encoding: chunked\r\n"), 501),
        (whole.replace(length, length + b"Transfer-Encoding: identity\r\n"), 501),
        (whole.replace(length, length + b"Content-Encoding: gzip\r\n"), 415),
        (whole.replace(b"application/json", b"application/json; charset=latin-1"), 415),
        (whole.replace(length, length + b"Content-Type: application/json\r\n"), 400),
        (whole.replace(length, length + b"Expect: 200-ok\r\n"), 417),
        (whole.replace(length, length + b"X: a\x01b\r\n"), 400),
        (whole.replace(length, length + b"X: a\x7fb\r\n"), 400),
        (whole.replace(length, length + b"X: a\rb\r\n"), 400), (whole.replace(length, length + b": b\r\n"), 400),
        (whole.replace(length, length + b"no colon\r\n"), 400),
        (whole.replace(length, length + b"X: " + b"a" * 9000 + b"\r\n"), 431),
        (whole.replace(length, length + b"X: y\r\n" * 40), 431),
    ]
    for request, status in cases:
        reply = Reply(d.raw(request))
        statuses = status if isinstance(status, tuple) else (status,)
        assert reply.status in statuses, (request[:200], reply.raw, status)
        assert reply.header("Content-Type") == "application/json" and "detail" in reply.json(), reply.raw
    assert d.raw(b"", close_write=True) == b"" and d.raw(b"POST /api", close_write=True) == b""
    both = Reply(d.raw(whole.replace(length, length + b"Expect: 100-continue\r\n")).replace(
        b"HTTP/1.1 100 Continue\r\n\r\n", b""))
    assert both.status == 200, both.raw


def test_a_slow_request_is_closed_at_its_deadline(d):
    results = {}

    def slowly(name, head, wait):
        with d.connect() as client:
            before = time.monotonic()
            client.sendall(head)
            while time.monotonic() - before < wait + 3:
                time.sleep(0.5)
                try:
                    client.sendall(b"a")
                except (BrokenPipeError, ConnectionResetError):
                    break
                client.settimeout(0.01)
                try:
                    reply = client.recv(4096)
                except TimeoutError:
                    continue
                results[name] = (Reply(reply).status, time.monotonic() - before)
                break

    head = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    threads = [threading.Thread(target=slowly, args=("head", head + b"X: ", 5)),
               threading.Thread(target=slowly, args=("body", head + b"Content-Length: 9000\r\n\r\n", 10))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["head"][0] == 408 and 4.5 < results["head"][1] < 7, results
    assert results["body"][0] == 408 and 9.5 < results["body"][1] < 12, results


@pytest.mark.daemons("[Http]\nFailureTime=100ms\nFailuresPerSource=3/min\n[Session]\nFailuresPerUser=0\n")
def test_wrong_passwords_from_one_source_are_throttled_and_right_ones_do_not_count(d):
    for _ in range(6):
        d.obtain()
    statuses = [d.post("/api/token/", dict(ALICE, password="no such secret")).status for _ in range(5)]
    assert statuses[:3] == [401] * 3 and statuses[3:] == [429] * 2, statuses
    reply = d.post("/api/token/", ALICE)
    assert reply.status == 429 and int(reply.header("Retry-After")) > 0, reply.raw
    assert re.fullmatch(rb'\{"detail":"Request was throttled. Expected available in \d+ seconds?."\}',
                        reply.body), reply.body


@pytest.mark.daemons("[Http]\nFailureTime=100ms\nFailuresPerSource=0\n[Session]\nFailuresPerUser=3/min\n")
def test_wrong_passwords_of_one_user_are_throttled_and_another_user_is_not(d):
    statuses = [d.post("/api/token/", dict(ALICE, password="no such secret")).status for _ in range(5)]
    assert statuses[:3] == [401] * 3 and statuses[3:] == [429] * 2, statuses
    d.obtain(CAROL)
