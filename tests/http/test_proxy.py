"""nginx in front of jwtd, configured as in jwtd(8): TLS, TrustedProxies, auth_request."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from daemons import ALICE, CAROL, QUICK

HERE = os.path.dirname(os.path.abspath(__file__))
# Unpacked by ./test, or installed.
NGINX = shutil.which("nginx", path=os.path.join(HERE, "../../build/nginx/usr/sbin") + ":/usr/sbin")
SETTINGS = QUICK.replace("[Http]\n", "[Http]\nTrustedProxies=nobody\n").replace(
    "FailuresPerSource=0", "FailuresPerSource=3/min").replace("FailureTime=300ms", "FailureTime=100ms")
pytestmark = [pytest.mark.daemons(SETTINGS), pytest.mark.skipif(not NGINX, reason="needs nginx: ./test fetches it")]
WRONG = dict(ALICE, password="no such secret")


class Nginx:
    """nginx on a loopback port, with its files in the daemons' directory."""

    def __init__(self, daemons):
        self.d = daemons
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                        "-keyout", daemons.path("tls.key"), "-out", daemons.path("tls.pem")],
                       check=True, capture_output=True)
        os.mkdir(daemons.path("page"))
        daemons.write("page/index.html", "for users alone\n")
        with open(os.path.join(HERE, "nginx.conf"), encoding="utf-8") as file:
            text = file.read().replace("DIR", daemons.dir).replace("PORT", str(self.port))
        daemons.write("nginx.conf", text)
        self.process = subprocess.Popen([NGINX, "-p", daemons.dir, "-e", daemons.path("nginx.log"), "-c",
                                         daemons.path("nginx.conf")],
                                        stdin=subprocess.DEVNULL, stdout=daemons.log, stderr=daemons.log)
        self.tls = ssl.create_default_context(cafile=daemons.path("tls.pem"))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise AssertionError("nginx does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def request(self, method, path, body=None, client=None, **headers):
        """(status, body, headers) over HTTPS; client: the source address."""
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=40, context=self.tls)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if client:
            headers["X-Test-Client"] = client
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        with connection.getresponse() as reply:
            return reply.status, reply.read(), reply.headers

    def login(self, who=None, client=None, **headers):
        return self.request("POST", "/api/token/", who or ALICE, client, **headers)


@pytest.fixture
def n(d):
    nginx = Nginx(d)
    yield nginx
    nginx.stop()


def test_a_login_through_nginx_gets_the_same_reply(n):
    status, text, headers = n.login()
    pair = json.loads(text)
    assert status == 200 and set(pair) == {"refresh", "access"}, text
    assert (headers["Cache-Control"], headers["Vary"], headers["Allow"]) == ("no-store", "Accept", "POST, OPTIONS")
    assert n.d.get("/api/user/", pair["access"]).json()["username"] == "alice"
    status, text, _ = n.request("POST", "/api/token/refresh/", {"refresh": pair["refresh"]})
    assert status == 200, text
    status, text, headers = n.request("GET", "/api/user/")
    assert status == 401 and headers["WWW-Authenticate"] == 'Bearer realm="api"', text
    status, _, headers = n.request("GET", "/.well-known/jwks.json")
    assert status == 200
    assert n.request("GET", "/.well-known/jwks.json", If_None_Match=headers["ETag"])[0] == 304


def test_a_body_in_chunks_is_served_through_nginx_and_refused_with_a_reason_without(n):
    body = json.dumps(dict(ALICE, more="x" * 12000)).encode()  # does not fit the buffer of the header
    connection = http.client.HTTPSConnection("localhost", n.port, timeout=40, context=n.tls)
    connection.request("POST", "/api/token/", iter([body[:6000], body[6000:]]), {"Content-Type": "application/json"})
    with connection.getresponse() as reply:
        assert reply.status == 200 and "access" in json.loads(reply.read())
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:6000], body[6000:], b""))
    reply = n.d.raw(b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert reply.startswith(b"HTTP/1.1 501 ") and b"use Content-Length" in reply, reply


def test_each_forwarded_address_is_throttled_separately(n):
    assert [n.login(WRONG, "192.0.2.1")[0] for _ in range(4)] == [401, 401, 401, 429]
    status, text, headers = n.login(ALICE, "192.0.2.1")
    assert status == 429 and 0 < int(headers["Retry-After"]) <= 20, (text, headers)
    assert n.login(ALICE, "192.0.2.2")[0] == 200 and n.login(CAROL, "2001:db8::1")[0] == 200
    assert [n.login(WRONG, f"2001:db8:0:1::{i}")[0] for i in range(4)] == [401, 401, 401, 429], "a /64 is one source"
    assert n.d.post("/api/token/", ALICE).status == 200, "the socket's own users are another source"
    log = n.d.read_log()
    assert "source=192.0.2.1" in log and "source=2001:db8:0:1::/64" in log, log


def test_an_address_that_the_client_sends_is_ignored(n):
    statuses = [n.login(WRONG, "192.0.2.1", X_Forwarded_For=f"198.51.100.{i}")[0] for i in range(4)]
    assert statuses == [401, 401, 401, 429], statuses
    assert n.login(ALICE, "192.0.2.2", X_Forwarded_For="192.0.2.1")[0] == 200


@pytest.mark.daemons(SETTINGS.replace("TrustedProxies=nobody\n", ""))
def test_an_untrusted_proxy_is_one_source(n):
    assert [n.login(WRONG, f"192.0.2.{i}")[0] for i in range(4)] == [401, 401, 401, 429]
    assert n.request("GET", "/metrics")[0] == 403


def test_auth_request_guards_a_page(n):
    pair = json.loads(n.login()[1])
    good = f"Bearer {pair['access']}"
    status, text, headers = n.request("GET", "/page/index.html", Authorization=good)
    assert (status, text, headers["X-Page-User"]) == (200, b"for users alone\n", "alice"), (text, headers)
    for value in ("", "Bearer", "Bearer a.b.c", good[:-1], f"Bearer {pair['refresh']}", "Basic YTpi"):
        status, text, headers = n.request("GET", "/page/index.html", Authorization=value,
                                          X_Forwarded_User="alice")
        assert status == 401 and b"for users" not in text and not headers["X-Page-User"], (value, text)
        assert headers["WWW-Authenticate"] == 'Bearer realm="api"', headers
    assert n.request("POST", "/page/index.html", {"a": 1})[0] == 401, "a body is not passed on"
    assert n.request("GET", "/auth", Authorization=good)[0] == 404
    assert n.d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
    assert n.request("GET", "/page/index.html", Authorization=good)[0] == 401, "logout closes the page"


def test_auth_request_does_not_depend_on_the_origin_of_the_original_request(n):
    good = f"Bearer {json.loads(n.login()[1])['access']}"
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
                    {"Origin": "https://evil.example", "Access_Control_Request_Method": "GET"}):
        status, text, _ = n.request("GET", "/page/index.html", Authorization=good, **headers)
        assert (status, text) == (200, b"for users alone\n"), (headers, text)
        assert n.request("GET", "/page/index.html", **headers)[0] == 401
        # 405: nginx serves files to GET and HEAD alone, but only after the subrequest has allowed it.
        assert n.request("POST", "/page/index.html", {"a": 1}, Authorization=good, **headers)[0] == 405
        assert n.request("POST", "/page/index.html", {"a": 1}, **headers)[0] == 401


def test_a_page_of_the_proxys_host_may_log_in_and_a_foreign_one_may_not(n):
    assert n.login(Origin="https://localhost")[0] == 200
    status, text, _ = n.login(Origin="https://evil.example")
    assert (status, json.loads(text)["code"]) == (403, "origin_not_allowed")


def test_metrics_are_refused_through_nginx(n):
    for method in ("GET", "HEAD"):
        status, text, _ = n.request(method, "/metrics")
        assert status == 403 and b"jwtd_" not in text, text
    assert b"jwtd_requests_total" in n.d.request("GET", "/metrics").body


@pytest.mark.daemons(SETTINGS.replace("MaxConnectionsPerSource=128", "MaxConnectionsPerSource=2").replace(
    "FailureTime=100ms", "FailureTime=1s"))
def test_connections_are_counted_by_the_forwarded_address(n):
    def at_once(clients):
        statuses = []
        threads = [threading.Thread(target=lambda c=c: statuses.append(n.login(WRONG, c)[0])) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    assert at_once(f"192.0.2.{i}" for i in range(4)) == [401] * 4
    assert at_once(["192.0.2.99"] * 4) == [401] * 2 + [503] * 2
