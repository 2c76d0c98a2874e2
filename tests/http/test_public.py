"""Endpoints without a token: the public keys and the metrics."""

import os
import re
import time

import pytest
import wire
from daemons import ALICE, QUICK
from replies import BUSY, FORBIDDEN, GET_ONLY, NOT_FOUND, bearer, is_answer, whoami

KEYS = "/.well-known/jwks.json"
# Prometheus text format, version 0.0.4.
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? [0-9]+')


# Keys


def test_keys_are_sent_again_only_if_they_changed(d):
    first = d.get(KEYS)
    assert first.status == 200 and first.header("Cache-Control") == "public, max-age=300", first.raw
    tag = first.header("ETag")
    assert re.fullmatch(r'"[0-9a-f]{16}"', tag), tag
    for value in (tag, "W/" + tag, f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            reply = d.request(method, KEYS, headers=[f"If-None-Match: {value}"])
            assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", tag), (value, reply.raw)
            assert reply.header("Cache-Control") == "public, max-age=300"
            assert "content-length" not in reply.headers and "content-type" not in reply.headers, reply.raw
    for value in ('"other"', tag[1:-1], tag + "x", ""):
        reply = d.request("GET", KEYS, headers=[f"If-None-Match: {value}"])
        assert (reply.status, reply.body) == (200, first.body), (value, reply.raw)
    with open(d.path("public/jwks.json"), "r+b") as file:
        file.write(first.body.replace(b"{", b"{ ", 1))
    changed = d.request("GET", KEYS, headers=[f"If-None-Match: {tag}"])
    assert changed.status == 200 and changed.header("ETag") not in ("", tag), changed.raw
    os.remove(d.path("public/jwks.json"))
    is_answer(d.get(KEYS), 503, BUSY, GET_ONLY)


# Metrics


def metrics(d):
    """{name and labels: number}; checks the format of each line."""
    reply = d.request("GET", "/metrics")
    assert reply.status == 200, reply.raw
    assert reply.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.header("Cache-Control") == "no-store"
    lines = reply.body.decode("ascii").splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert reply.body.endswith(b"\n") and all(LINE.fullmatch(line) for line in samples), lines
    found = dict(line.rsplit(" ", 1) for line in samples)
    assert len(found) == len(samples), "a sample is there twice"
    for name in {re.match("[a-z_]+", sample)[0] for sample in samples}:
        assert sum(line.startswith(f"# TYPE {name} ") for line in lines) == 1, name
        assert sum(line.startswith(f"# HELP {name} ") for line in lines) == 1, name
    return {name: int(number) for name, number in found.items()}


def requests(found):
    return {k.split("{", 1)[1][:-1]: v for k, v in found.items() if k.startswith("jwtd_requests_total")}


@pytest.mark.daemons(QUICK.replace("FailuresPerSource=0", "FailuresPerSource=3/min"))
def test_metrics_count_routes_statuses_and_throttled_logins(d, scripted):
    assert requests(metrics(d)) == {}
    scripted.says(wire.OBTAIN, "denied")
    assert [d.post("/api/token/", ALICE).status for _ in range(5)] == [401] * 3 + [429] * 2
    scripted.says(wire.WHOAMI, *whoami())
    assert d.request("GET", "/api/user", headers=bearer()).status == 200
    scripted.answers[wire.VERIFY] = None
    assert d.post("/api/token/verify/", {"token": "a"}).status == 503
    scripted.says(wire.SESSION_END, "no_session")
    for sid in ("AZqwEjRWeJCrze8SNFZ4kA", "AZqwEjRWeJCrze8SNFZ4kQ"):
        assert d.request("DELETE", f"/api/sessions/{sid}/", headers=bearer()).status == 404
    assert d.get("/secret-path?name=value").status == 404
    assert d.raw(b"JUNK\r\n").startswith(b"HTTP/1.1 400 ")
    found = metrics(d)
    assert requests(found) == {
        'route="/api/token/",status="401"': 3, 'route="/api/token/",status="429"': 2,
        'route="/api/user/",status="200"': 1, 'route="/api/token/verify/",status="503"': 1,
        'route="/api/sessions/{sid}/",status="404"': 2, 'route="none",status="404"': 1,
        'route="none",status="400"': 1, 'route="/metrics",status="200"': 1}, requests(found)
    assert found['jwtd_answers_total{verdict="denied"}'] == 3
    assert found['jwtd_answers_total{verdict="ok"}'] == 1
    assert found['jwtd_answers_total{verdict="no-session"}'] == 2
    assert (found["jwtd_throttled_total"], found["jwtd_issuer_errors_total"]) == (2, 1)
    assert found["jwtd_connections"] == 1 and found["jwtd_connections_total"] == 13, found


@pytest.mark.daemons("[Http]\nMaxConnections=3\nMaxConnectionsPerSource=2\n")
def test_metrics_count_refused_connections(d, scripted):
    assert not scripted.asked
    held = [d.connect() for _ in range(2)]
    for client in held:
        client.sendall(b"GET ")
    time.sleep(0.2)
    found = metrics(d)
    assert found['jwtd_connections_refused_total{limit="MaxConnectionsPerSource"}'] == 1, found
    assert found['jwtd_connections_refused_total{limit="MaxConnections"}'] == 0, found


def test_labels_are_bounded_for_any_request(d, scripted):
    assert not scripted.asked
    for i in range(300):
        d.request(("GET", "PUT", "HEAD")[i % 3], f"/x{i}/?y={i}", headers=[f"Host: h{i}.example", f"X-{i}: {i}"])
    found = d.request("GET", "/metrics").body.decode()
    assert len(found) < 8192 and "example" not in found and "/x" not in found, found


def test_the_manual_names_each_metric_and_no_other(d, scripted):
    assert not scripted.asked
    with open(os.path.join(os.path.dirname(__file__), "../../jwtd/jwtd.8"), encoding="utf-8") as file:
        named = set(re.findall(r"jwtd_[a-z_]+", file.read()))
    found = d.request("GET", "/metrics").body.decode()
    assert named == set(re.findall(r"# TYPE (jwtd_[a-z_]+) ", found)), named


def test_metrics_are_refused_to_forwarded_requests(d, scripted):
    assert not scripted.asked
    for value in ("192.0.2.1", "junk", ""):
        reply = d.request("GET", "/metrics", headers=[f"X-Forwarded-For: {value}"])
        is_answer(reply, 403, FORBIDDEN, GET_ONLY)
    assert d.request("HEAD", "/metrics", headers=["X-Forwarded-For: a"]).status == 403
    assert d.request("GET", "/metrics").status == 200


@pytest.mark.daemons(QUICK.replace("[Http]\n", "[Http]\nTrustedProxies=root\n"))
def test_metrics_are_refused_to_a_trusted_proxy(d, scripted):
    assert not scripted.asked
    for headers in ([], ["X-Forwarded-For: 192.0.2.1"], ["X-Forwarded-For: 127.0.0.1"]):
        is_answer(d.request("GET", "/metrics", headers=headers), 403, FORBIDDEN, GET_ONLY)
    reply = d.get("/metrics/x")
    assert (reply.status, reply.body) == (404, NOT_FOUND), reply.raw
