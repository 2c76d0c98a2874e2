"""Browsers: AllowedOrigins (CORS), compared with simplejwt and django-cors-headers, and requests that a page of another
site makes a browser send."""

import importlib.util
import signal
import time

import pytest
import wire
from daemons import ALICE, QUICK, Reply, request_bytes
from replies import SID, bearer, whoami

APP, OTHER = "https://app.example", "https://evil.example"
ALLOWED = QUICK.replace("[Http]\n", f"[Http]\nAllowedOrigins={APP} http://localhost:3000\n")
FORBIDDEN = {"detail": "Requests from this origin are not allowed; see AllowedOrigins in jwt.conf(5).",
             "code": "origin_not_allowed"}
PREFLIGHT = "Access-Control-Request-Method: POST"
WRITES = [("POST", path) for path in (
    "/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/blacklist/", "/api/token/sliding/",
    "/api/token/narrow/", "/api/logout/", "/api/logout/all/", "/none/")] + [("DELETE", f"/api/sessions/{SID}/")]


def origin(value):
    return [f"Origin: {value}"]


def cors(reply):
    """The header fields of CORS, and Vary."""
    return {name: reply.header(name) for name in reply.headers if name.startswith("access-control-") or name == "vary"}


def allow(reply):
    return reply.header("Access-Control-Allow-Origin")


def send(d, method, path, headers):
    return d.request(method, path, b"{}" if method == "POST" else None, headers)


# Requests from other sites


def test_a_post_or_delete_of_another_origin_is_403_and_no_password_is_checked(d, scripted):
    for method, path in WRITES:
        for headers in (origin(OTHER), origin("null"), origin(""), origin("https://localhost:1"),
                        origin("http://localhost.evil"), origin("http://127.0.0.1"), origin("capacitor://localhost"),
                        origin("http://localhost") + origin("http://localhost"), ["Sec-Fetch-Site: cross-site"],
                        origin(OTHER) + ["Sec-Fetch-Site: same-origin"]):
            reply = d.request(method, path, ALICE if method == "POST" else None, bearer() + headers)
            assert (reply.status, reply.json()) == (403, FORBIDDEN), (path, headers, reply.raw)
            assert cors(reply) == {"vary": "Origin"}
    assert not scripted.asked


def test_the_refusal_comes_before_the_body(d, scripted):
    head = request_bytes("POST", "/api/token/", None, [*origin(OTHER), "Content-Length: 99", "Expect: 100-continue"])
    with d.connect() as client:
        client.sendall(head)
        raw = client.recv(65536)
    assert Reply(raw).status == 403, raw
    assert not scripted.asked


def test_pages_of_this_server_and_programs_are_served(d, scripted):
    scripted.says(wire.OBTAIN, "ok", b"r.r.r", b"a.a.a")
    for headers in ([], origin("http://localhost"), origin("https://localhost"), origin("https://LOCALHOST"),
                    ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: none"],
                    origin("http://localhost") + ["Sec-Fetch-Site: cross-site"]):
        reply = d.post("/api/token/", ALICE, headers)
        assert reply.status == 200 and cors(reply) == {"vary": "Accept"}, (headers, reply.raw)


@pytest.mark.daemons(QUICK.replace("[Http]\n", "[Http]\nAllowedHosts=login.example\n") +
                     "[Token]\nIssuer=https://sso.example:8443/realm\n")
def test_the_host_with_its_port_or_the_issuer_makes_an_origin_this_servers(d, scripted):
    scripted.says(wire.VERIFY, "ok")

    def status(host, page):
        request = request_bytes("POST", "/api/token/verify/", {"token": "t"}, origin(page))
        return Reply(d.raw(request.replace(b"Host: localhost", b"Host: " + host.encode()))).status

    for host, page, want in (("login.example", "https://login.example", 200),
                             ("login.example", "https://login.example:8443", 403),
                             ("login.example:8443", "https://login.example:8443", 200),
                             ("login.example:8443", "https://login.example", 403),
                             ("localhost", "https://login.example", 403),
                             ("localhost", "https://sso.example:8443", 200),
                             ("localhost", "http://sso.example:8443", 403),
                             ("localhost", "https://sso.example", 403),
                             ("localhost:8598", "http://localhost:3000", 403),
                             ("evil.example", "https://evil.example", 400)):
        assert status(host, page) == want, (host, page)


def test_reads_of_another_origin_are_answered_without_cors(d, scripted):
    scripted.says(wire.WHOAMI, *whoami())
    for path, status in (("/api/user/", 200), ("/api/auth/", 204), ("/.well-known/jwks.json", 200), ("/none", 404)):
        for headers in (origin(OTHER), origin("null"), ["Sec-Fetch-Site: cross-site"]):
            reply = d.request("GET", path, headers=bearer() + headers)
            assert reply.status == status and "origin" not in reply.header("Vary").lower(), reply.raw
            assert not [name for name in reply.headers if name.startswith("access-control-")], reply.raw
    described = d.request("OPTIONS", "/api/token/", headers=origin(OTHER) + [PREFLIGHT])
    assert described.status == 200 and "name" in described.json() and allow(described) == "", described.raw


# AllowedOrigins


@pytest.mark.daemons(ALLOWED)
def test_an_allowed_origin_may_read_every_reply_and_no_other_may(d, scripted):
    scripted.says(wire.OBTAIN, "ok", b"r.r.r", b"a.a.a")
    scripted.says(wire.REFRESH, "expired")
    scripted.says(wire.WHOAMI, *whoami())
    scripted.says(wire.SESSION_END, "ok")
    cases = [("POST", "/api/token/", ALICE, [], 200), ("POST", "/api/token/", {}, [], 400),
             ("POST", "/api/token/", b"{", [], 400),
             ("POST", "/api/token/", b"x", ["Content-Type: text/plain"], 415),
             ("POST", "/api/token/", b"x", ["Content-Type: text/plain; charset=latin1"], 415),
             ("POST", "/api/token/", None, ["Content-Length: 99999"], 413),
             ("POST", "/api/token/", None, [], 411),
             ("POST", "/api/token/refresh/", {"refresh": "a.b.c"}, [], 401),
             ("POST", "/api/user/", {}, [], 405), ("POST", "/none/", {}, [], 404),
             ("GET", "/api/user/", None, [], 401), ("GET", "/api/user/", None, bearer(), 200),
             ("GET", "/api/user/", None, ["Accept: text/html"], 406), ("HEAD", "/api/user/", None, bearer(), 200),
             ("GET", "/api/auth/", None, bearer(), 204), ("DELETE", f"/api/sessions/{SID}/", None, bearer(), 204),
             ("OPTIONS", "/api/token/", None, [], 200)]
    for method, path, body, headers, status in cases:
        for page in (APP, "http://localhost:3000"):
            reply = d.request(method, path, body, origin(page) + headers)
            assert (reply.status, allow(reply)) == (status, page), reply.raw
            assert reply.header("Vary") == ("Accept, Origin" if reply.header("Allow") else "Origin"), reply.raw
            assert set(cors(reply)) == {"access-control-allow-origin", "vary"}, reply.raw
        for page in (OTHER, "null", "https://app.example:443", "https://app.example/", "https://APP.example",
                     "http://app.example", "https://app.example.evil", f"{APP} {APP}", "http://localhost:3001"):
            reply = d.request(method, path, body, origin(page) + headers)
            assert "access-control-allow-origin" not in reply.headers, reply.raw
            assert "Origin" in reply.header("Vary"), reply.raw
            assert method not in ("POST", "DELETE") or reply.status in (403, 411, 413, 415), reply.raw
    twice = d.post("/api/token/", ALICE, origin(APP) + origin(APP))
    assert twice.status == 403 and allow(twice) == "", twice.raw


@pytest.mark.daemons(ALLOWED)
def test_a_preflight_of_an_allowed_origin_is_answered_for_every_path(d, scripted):
    for path in ("/api/token/", "/api/user/", f"/api/sessions/{SID}/", "/none/"):
        reply = d.request("OPTIONS", path, headers=origin(APP) + [PREFLIGHT, "Accept: text/html"])
        assert (reply.status, reply.body, allow(reply)) == (200, b"", APP), reply.raw
        assert "POST" in reply.header("Access-Control-Allow-Methods").split(", ")
        assert "DELETE" in reply.header("Access-Control-Allow-Methods").split(", ")
        fields = reply.header("Access-Control-Allow-Headers").lower().split(", ")
        assert {"authorization", "content-type"} <= set(fields) and "*" not in fields
        assert (reply.header("Access-Control-Max-Age"), reply.header("Vary")) == ("86400", "Origin")
        assert reply.header("Access-Control-Allow-Credentials") == ""
        refused = d.request("OPTIONS", path, headers=origin(OTHER) + [PREFLIGHT])
        assert refused.status == 200 and cors(refused) == {"vary": "Origin"}, refused.raw
    assert not scripted.asked


@pytest.mark.daemons(ALLOWED.replace("[Http]\n", "[Http]\nAuthHeaderName=X-Token\n"))
def test_a_preflight_allows_the_field_that_auth_header_name_names(d, scripted):
    assert not scripted.asked
    reply = d.request("OPTIONS", "/api/user/", headers=origin(APP) + [PREFLIGHT])
    fields = reply.header("Access-Control-Allow-Headers").split(", ")
    assert "X-Token" in fields and "authorization" not in fields, fields


@pytest.mark.daemons(ALLOWED)
def test_a_reload_changes_the_allowed_origins(d, scripted):
    scripted.says(wire.VERIFY, "ok")
    post = lambda page: d.post("/api/token/verify/", {"token": "t"}, origin(page))
    assert (post(APP).status, post(OTHER).status) == (200, 403)
    d.write("jwt.conf", ALLOWED.replace(APP, OTHER))
    d.http.process.send_signal(signal.SIGHUP)
    while "Configuration reloaded" not in d.read_log():
        time.sleep(0.05)
    assert (post(APP).status, post(OTHER).status, allow(post(OTHER))) == (403, 200, OTHER)


@pytest.mark.skipif(not importlib.util.find_spec("corsheaders"), reason="needs python3-django-cors-headers")
@pytest.mark.daemons(ALLOWED)
def test_a_front_end_gets_the_header_fields_of_simplejwt_with_django_cors_headers(d):
    from django_site import DjangoSite
    site = DjangoSite({}, origins=[APP, "http://localhost:3000"])
    try:
        for method, path, body, headers in (
                ("OPTIONS", "/api/token/", None, [PREFLIGHT, "Access-Control-Request-Headers: content-type"]),
                ("OPTIONS", "/api/user/", None, ["Access-Control-Request-Method: GET",
                                                 "Access-Control-Request-Headers: authorization"]),
                ("OPTIONS", "/none/", None, [PREFLIGHT]),
                ("POST", "/api/token/", dict(ALICE, password="no such secret"), []),
                ("POST", "/api/token/", {}, []), ("POST", "/api/token/", b"{", []),
                ("POST", "/api/token/refresh/", {"refresh": "a.b.c"}, []), ("POST", "/api/user/", {}, bearer()),
                ("GET", "/api/user/", None, []), ("GET", "/api/user/", None, bearer())):
            for page in (APP, "http://localhost:3000", OTHER, None):
                if method == "POST" and page == OTHER:
                    continue  # theirs is executed, ours is 403
                sent = headers + (origin(page) if page else [])
                if method == "OPTIONS" and not page:
                    continue  # no browser sends it
                theirs, ours = (server.request(method, path, body, sent) for server in (site, d))
                same_cors(theirs, ours, (method, path, page))
                if path != "/api/user/" or method != "POST":  # order-of-checks: 401 there, 405 here
                    assert theirs.status == ours.status, (method, path, page, theirs.raw, ours.raw)
    finally:
        site.stop()


def same_cors(theirs, ours, case):
    want, got = cors(theirs), cors(ours)
    for name in ("access-control-allow-headers", "access-control-allow-methods"):
        assert (name in want) == (name in got), (case, want, got)
        missing = words(want.pop(name, "")) - words(got.pop(name, ""))
        assert missing <= {"put", "patch"}, (case, missing)
    want["vary"], got["vary"] = words(want["vary"]), words(got["vary"])
    assert want == got, (case, theirs.raw, ours.raw)


def words(text):
    return {word.strip().lower() for word in text.split(",")}
