"""jwtd with a scripted jwtd-issuer: each route, each status of the issuer, and the bytes of each refusal."""

import json

import pytest
import wire
from daemons import ALICE, QUICK
from replies import (BUSY, FORBIDDEN, GET_ONLY, NO_ACCOUNT, NOT_FOUND, SID, bearer, in_view, is_answer, token_error,
                     whoami)

PROTECTED = [("GET", "/api/user/", GET_ONLY, wire.WHOAMI),
             ("GET", "/api/auth/", GET_ONLY, wire.WHOAMI),
             ("GET", "/api/sessions/", GET_ONLY, wire.SESSIONS),
             ("DELETE", f"/api/sessions/{SID}/", "DELETE, OPTIONS", wire.SESSION_END),
             ("POST", "/api/logout/", "POST, OPTIONS", wire.LOGOUT),
             ("POST", "/api/logout/all/", "POST, OPTIONS", wire.LOGOUT_ALL),
             ("POST", "/api/token/narrow/", "POST, OPTIONS", wire.NARROW)]
SLIDING = QUICK + "[Token]\nSlidingTokens=yes\n"

# The messages of DRF and simplejwt for each status.
TOKEN = {"invalid": "Token is invalid", "expired": "Token is expired", "blacklisted": "Token is blacklisted",
         "no_exp": "Token has no 'exp' claim", "no_id": "Token has no id", "no_type": "Token has no type",
         "wrong_type": "Token has wrong type", "refresh_expired": "Token 'refresh_exp' claim has expired"}
GONE = b'{"detail":"No active account found for the given token."}'
CHANGED = b'{"detail":"The user\'s password has been changed."}'


def ask(d, method, path, headers=None, body=None):
    if method == "POST" and body is None:
        body = b""
    return d.request(method, path, body, headers)


# Open endpoints


@pytest.mark.daemons(SLIDING)
def test_each_status_at_an_endpoint_has_simplejwts_reply(d, scripted):
    endpoints = [("/api/token/refresh/", "refresh", wire.REFRESH), ("/api/token/verify/", "token", wire.VERIFY),
                 ("/api/token/blacklist/", "refresh", wire.BLACKLIST),
                 ("/api/token/sliding/refresh/", "token", wire.SLIDING_REFRESH)]
    verdicts = {word: (401, token_error(text)) for word, text in TOKEN.items()}
    verdicts |= {"no_user": (401, token_error("Token contained no recognizable user identification")),
                 "not_found": (401, GONE), "inactive": (401, GONE), "password_changed": (401, CHANGED),
                 "denied": (401, NO_ACCOUNT), "busy": (503, BUSY), "unavailable": (503, BUSY)}
    for path, field, op in endpoints:
        for word, (status, text) in verdicts.items():
            scripted.says(op, word)
            reply = d.post(path, {field: "a.b.c"})
            is_answer(reply, status, text)
            assert reply.header("Retry-After") == ("1" if status == 503 else ""), reply.headers
            assert scripted.last()[:2] == (op, b"a.b.c"), scripted.last()


def test_each_login_status_has_its_reply_and_a_denied_login_is_delayed(d, scripted):
    long = b'{"detail":"A token for this user would be longer than MaxTokenLength allows."}'
    throttled = b'{"detail":"Request was throttled. Expected available in %d second%s."}'
    for answer, status, text, wait in ((("denied",), 401, NO_ACCOUNT, ""), (("too_long",), 400, long, ""),
                                       (("busy",), 503, BUSY, "1"), (("unavailable",), 503, BUSY, "1"),
                                       (("throttled", 1), 429, throttled % (1, b""), "1"),
                                       (("throttled", 60), 429, throttled % (60, b"s"), "60")):
        scripted.says(wire.OBTAIN, *answer)
        reply = d.post("/api/token/", ALICE)
        is_answer(reply, status, text)
        assert reply.header("Retry-After") == wait, reply.headers
    assert scripted.last()[1:3] == (b"alice", ALICE["password"].encode()), "the name or the password changed"


def test_a_reply_with_tokens_is_never_cached(d, scripted):
    scripted.says(wire.OBTAIN, "ok", b"r.r.r", b"a.a.a")
    scripted.says(wire.REFRESH, "ok", b"a.a.a", b"r.r.r")
    pair = d.post("/api/token/", ALICE)
    is_answer(pair, 200, b'{"refresh":"r.r.r","access":"a.a.a"}')
    rotated = d.post("/api/token/refresh/", {"refresh": "r.r.q"})
    is_answer(rotated, 200, b'{"access":"a.a.a","refresh":"r.r.r"}')
    scripted.says(wire.REFRESH, "ok", b"a.a.a", b"")
    kept = d.post("/api/token/refresh/", {"refresh": "r.r.q"})
    is_answer(kept, 200, b'{"access":"a.a.a"}')
    assert {r.header("Cache-Control") for r in (pair, rotated, kept)} == {"no-store"}


@pytest.mark.daemons(SLIDING)
def test_a_stale_authorization_is_ignored_on_open_endpoints(d, scripted):
    for op in (wire.OBTAIN, wire.REFRESH):
        scripted.says(op, "ok", b"r.r.r", b"a.a.a")
    for op in (wire.SLIDING_OBTAIN, wire.SLIDING_REFRESH):
        scripted.says(op, "ok", b"s.s.s")
    for op in (wire.VERIFY, wire.BLACKLIST, wire.PING):
        scripted.says(op, "ok")
    for header in ("Bearer stale.old.token", "Bearer", "Bearer a b c", "Basic YTpi", ""):
        for path, fields in (("", ALICE), ("refresh/", {"refresh": "r"}), ("verify/", {"token": "t"}),
                             ("blacklist/", {"refresh": "r"}), ("sliding/", ALICE),
                             ("sliding/refresh/", {"token": "s"})):
            reply = d.post("/api/token/" + path, fields, [f"Authorization: {header}"])
            assert reply.status == 200, (path, header, reply.raw)
        for path in ("/.well-known/jwks.json", "/healthz"):
            assert d.request("GET", path, headers=[f"Authorization: {header}"]).status == 200, path


def test_sliding_endpoints_do_not_exist_by_default(d, scripted):
    scripted.says(wire.SLIDING_OBTAIN, "ok", b"s.s.s")
    for path in ("/api/token/sliding/", "/api/token/sliding/refresh/"):
        for method in ("POST", "GET", "OPTIONS"):
            reply = ask(d, method, path)
            assert (reply.status, reply.body, reply.header("Allow")) == (404, NOT_FOUND, ""), reply.raw
    assert not scripted.asked


@pytest.mark.daemons(SLIDING)
def test_sliding_tokens_are_obtained_and_refreshed(d, scripted):
    scripted.says(wire.SLIDING_OBTAIN, "ok", b"s.s.s")
    scripted.says(wire.SLIDING_REFRESH, "ok", b"s.s.t")
    is_answer(d.post("/api/token/sliding/", ALICE), 200, b'{"token":"s.s.s"}')
    is_answer(d.post("/api/token/sliding/refresh", {"token": "s.s.s"}), 200, b'{"token":"s.s.t"}')
    assert [q[0] for q in scripted.asked] == [wire.SLIDING_OBTAIN, wire.SLIDING_REFRESH]
    is_answer(d.post("/api/token/sliding/", {}), 400,
              b'{"username":["This field is required."],"password":["This field is required."]}')
    is_answer(d.post("/api/token/sliding/refresh/", {}), 400, b'{"token":["This field is required."]}')
    scripted.says(wire.SLIDING_OBTAIN, "denied")
    is_answer(d.post("/api/token/sliding/", ALICE), 401, NO_ACCOUNT)


# Protected views


def test_each_401_of_a_protected_view_is_simplejwts(d, scripted):
    verdicts = {word: in_view(text) for word, text in TOKEN.items()}
    verdicts |= {
        "no_user": b'{"detail":"Token contained no recognizable user identification","code":"token_not_valid"}',
        "not_found": b'{"detail":"User not found","code":"user_not_found"}',
        "inactive": b'{"detail":"User is inactive","code":"user_inactive"}',
        "password_changed": b'{"detail":"The user\'s password has been changed.","code":"password_changed"}'}
    for method, path, allow, op in PROTECTED:
        for word, text in verdicts.items():
            scripted.says(op, word)
            is_answer(ask(d, method, path, bearer()), 401, text, allow)
        for answer, status, text, wait in ((("not_allowed",), 403, FORBIDDEN, ""), (("unavailable",), 503, BUSY, "1")):
            scripted.says(op, *answer)
            reply = ask(d, method, path, bearer())
            is_answer(reply, status, text, allow)
            assert reply.header("Retry-After") == wait, reply.headers
        scripted.answers[op] = None
        is_answer(ask(d, method, path, bearer()), 503, BUSY, allow)


def test_missing_or_malformed_credentials_are_refused_without_a_request_to_the_issuer(d, scripted):
    none = b'{"detail":"Authentication credentials were not provided."}'
    two = (b'{"detail":"Authorization header must contain two space-delimited values",'
           b'"code":"bad_authorization_header"}')
    for method, path, allow, _ in PROTECTED:
        for headers in ([], ["Authorization: "], ["Authorization: Basic YTpi"], ["Authorization: Token a"],
                        ["Authorization: Bearertoken"], ["X-Authorization: Bearer a.b.c"]):
            is_answer(ask(d, method, path, headers), 401, none, allow)
        for value in ("Bearer", "Bearer a b", "bearer a b c"):
            is_answer(ask(d, method, path, [f"Authorization: {value}"]), 401, two, allow)
        is_answer(ask(d, method, path, bearer("a" * 8000)), 503, BUSY, allow)
    assert {q[1] for q in scripted.asked} == {b"a" * 8000}


# Each route's methods, Accept and Content-Type


@pytest.mark.daemons(SLIDING)
def test_each_route_refuses_other_methods_and_types_in_drfs_words(d, scripted):
    posts = ["/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/blacklist/",
             "/api/token/sliding/", "/api/token/sliding/refresh/", "/api/token/narrow/", "/api/logout/",
             "/api/logout/all/"]
    routes = ([(path, "POST", "POST, OPTIONS") for path in posts] +
              [(path, "GET", GET_ONLY)
               for path in ("/api/user/", "/api/auth/", "/api/sessions/", "/.well-known/jwks.json", "/healthz",
                            "/metrics")] + [(f"/api/sessions/{SID}/", "DELETE", "DELETE, OPTIONS")])
    for path, own, allow in routes:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            if method == own or (method == "HEAD" and own == "GET"):
                continue
            reply = ask(d, method, path, bearer())
            text = b'{"detail":"Method \\"%s\\" not allowed."}' % method.encode()
            assert (reply.status, reply.header("Allow")) == (405, allow), (path, method, reply.raw)
            assert reply.body == (b"" if method == "HEAD" else text), (path, method, reply.raw)
        described = d.request("OPTIONS", path)
        assert (described.status, described.header("Allow")) == (200, allow), described.raw
        assert set(described.json()) >= {"name", "description", "renders", "parses"}, described.body
        assert ("actions" in described.json()) == (own == "POST" and "logout" not in path), described.body
        if path in ("/api/auth/", "/.well-known/jwks.json", "/healthz", "/metrics"):
            continue
        reply = ask(d, own, path, bearer() + ["Accept: text/html, image/*;q=0.8"])
        is_answer(reply, 406, b'{"detail":"Could not satisfy the request Accept header."}', allow)
    for path in posts:
        reply = d.post(path, b"x", bearer() + ["Content-Type: text/plain"])
        is_answer(reply, 415, b'{"detail":"Unsupported media type \\"text/plain\\" in request."}')
        reply = d.post(path, b"{", bearer())
        assert reply.status == 400 and reply.json()["detail"].startswith("JSON parse error - "), reply.raw
        is_answer(d.post(path, b"[]", bearer()), 400,
                  b'{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}')
        is_answer(d.post(path, b"null", bearer()), 400, b'{"non_field_errors":["No data provided"]}')
    assert not scripted.asked, scripted.asked


def test_options_describes_the_fields_of_narrow(d, scripted):
    described = d.request("OPTIONS", "/api/token/narrow/").json()["actions"]["POST"]
    assert {name: (field["type"], field["required"]) for name, field in described.items()} == {
        "scope": ("string", False), "aud": ("field", False), "lifetime": ("integer", False),
        "one_time": ("boolean", False), "host_key": ("string", False)}, described
    described = d.request("OPTIONS", "/api/token/").json()
    assert described["actions"]["POST"]["password"] == {"type": "string", "required": True, "read_only": False,
                                                   "label": "Password"}, described
    assert not scripted.asked


def test_head_has_the_header_fields_of_get_and_no_body(d, scripted):
    scripted.says(wire.WHOAMI, *whoami())
    scripted.says(wire.SESSIONS, "ok", b"[]", b"")
    scripted.says(wire.PING, "ok")
    for path in ("/api/user/", "/api/sessions/", "/.well-known/jwks.json", "/healthz"):
        get, head = (d.request(method, path, headers=bearer()) for method in ("GET", "HEAD"))
        assert get.status == head.status == 200 and get.body and head.body == b"", head.raw
        for name in ("Content-Length", "Content-Type", "Allow", "ETag", "Cache-Control"):
            assert get.header(name) == head.header(name), (path, name)
    assert d.request("HEAD", "/api/user/").status == 401


# Auth


def test_auth_is_204_with_the_user_in_header_fields(d, scripted):
    scripted.says(wire.WHOAMI, *whoami(b"al-ice_1.x"))
    reply = d.get("/api/auth/", "a.b.c")
    assert (reply.status, reply.body) == (204, b""), reply.raw
    assert reply.header("X-Forwarded-User") == reply.header("X-Auth-Request-User") == "al-ice_1.x"
    assert reply.header("Cache-Control") == "no-store"
    assert "content-length" not in reply.headers and "content-type" not in reply.headers, reply.raw
    assert d.request("GET", "/api/auth", headers=bearer() + ["Accept: text/html"]).status == 204
    refused = d.get("/api/auth/")
    assert refused.status == 401 and refused.header("X-Forwarded-User") == "", refused.raw


def test_auth_refuses_invalid_names(d, scripted):
    for user in (b"", b"a\r\nX-Evil: 1", b"a b", b"-rf", b"a\xe2\x80\x8b", b"\xff"):
        scripted.says(wire.WHOAMI, *whoami(user))
        reply = d.get("/api/auth/", "a.b.c")
        assert reply.status == 503 and b"Evil" not in reply.raw, reply.raw
    scripted.says(wire.WHOAMI, *whoami(b"j\xc3\xbcrgen@corp.example"))
    assert b"X-Forwarded-User: j\xc3\xbcrgen@corp.example\r\n" in d.get("/api/auth/", "a.b.c").raw


# Sessions and logout


def test_the_list_of_sessions_is_one_array_of_all_pages(d, scripted):
    pages = {b"": (b'[{"sid":"a"},{"sid":"b"}]', b"1" * 16), b"1" * 16: (b"[]", b"2" * 16)}
    scripted.answers[wire.SESSIONS] = lambda token, after: ("ok", *pages[after])
    reply = d.get("/api/sessions/", "a.b.c")
    is_answer(reply, 200, b'[{"sid":"a"},{"sid":"b"}]', GET_ONLY)
    pages[b"1" * 16] = (b'[{"sid":"c"}]', b"2" * 16)
    pages[b"2" * 16] = (b'[{"sid":"d"}]', b"")
    reply = d.get("/api/sessions", "a.b.c")
    is_answer(reply, 200, b'[{"sid":"a"},{"sid":"b"},{"sid":"c"},{"sid":"d"}]', GET_ONLY)
    assert reply.header("Cache-Control") == "no-store"
    assert [q[2] for q in scripted.asked[-3:]] == [b"", b"1" * 16, b"2" * 16]
    assert {q[1] for q in scripted.asked} == {b"a.b.c"}
    pages[b""] = (b"[]", b"")
    is_answer(d.get("/api/sessions/", "a.b.c"), 200, b"[]", GET_ONLY)
    for junk in (b"", b"[", b"{}", b"[] ", b"[1,]", b"null"):
        pages[b""] = (junk, b"")
        is_answer(d.get("/api/sessions/", "a.b.c"), 503, BUSY, GET_ONLY)


def test_a_list_of_sessions_has_a_size_limit(d, scripted):
    page = b"[" + b",".join([b'{"sid":"' + b"x" * 300 + b'"}'] * 50) + b"]"
    scripted.says(wire.SESSIONS, "ok", page, b"n" * 16)
    reply = d.get("/api/sessions/", "a.b.c")
    assert reply.status == 200 and len(reply.json()) % 50 == 0 and 1000000 < len(reply.body) <= 1 << 20


def test_a_session_id_has_exactly_one_valid_spelling(d, scripted):
    scripted.says(wire.SESSION_END, "ok")
    for path in (f"/api/sessions/{SID}/", f"/api/sessions/{SID}", f"/api/sessions/{SID}/?x=y"):
        reply = ask(d, "DELETE", path, bearer())
        assert (reply.status, reply.body, reply.header("Allow")) == (204, b"", "DELETE, OPTIONS"), reply.raw
        assert scripted.last()[:3] == (wire.SESSION_END, b"a.b.c", SID.encode()), scripted.last()
    n = len(scripted.asked)
    for sid in (SID[:-1], SID + "A", SID[:-1] + "B", SID[:-1] + "=", "A" * 21 + "+", "A" * 21 + "%41", SID + "//",
                "/" + SID, SID + "/x", "..", "."):
        reply = ask(d, "DELETE", f"/api/sessions/{sid}", bearer())
        assert (reply.status, reply.body) == (404, NOT_FOUND), (sid, reply.raw)
    assert len(scripted.asked) == n
    scripted.says(wire.SESSION_END, "no_session")
    is_answer(ask(d, "DELETE", f"/api/sessions/{SID}/", bearer()), 404, NOT_FOUND, "DELETE, OPTIONS")


def test_logout_ends_one_session_and_logout_all_returns_a_count(d, scripted):
    scripted.says(wire.LOGOUT, "ok")
    scripted.says(wire.LOGOUT_ALL, "ok", 3)
    is_answer(ask(d, "POST", "/api/logout/", bearer()), 200, b"{}")
    assert scripted.last()[:2] == (wire.LOGOUT, b"a.b.c") and scripted.last()[2].startswith(b"uid "), scripted.last()
    is_answer(d.post("/api/logout/all/", {"ignored": 1}, bearer()), 200, b'{"ended":3}')


# Narrow


def test_narrow_requests_exactly_the_given_fields(d, scripted):
    scripted.says(wire.NARROW, "ok", b"n.n.n")
    number = lambda n: n.to_bytes(8, "little")
    for fields, want in (
            ({}, (b"", b"", 0, 0)), ({"host_key": " k-_k "}, (b"", b"", 0, 0, b"k-_k")),
            ({"scope": "pam:sudo", "aud": "box", "lifetime": 60, "one_time": True}, (b"pam:sudo", b"box", 60, 1)),
            ({"scope": " pam:sudo pam:sshd ", "aud": ["a", " b ", 7], "one_time": False},
             (b"pam:sudo pam:sshd", b"a b 7", 0, 0)),
            ({"lifetime": "60s"}, (b"", b"", 60, 0)), ({"lifetime": "1h 30min"}, (b"", b"", 5400, 0)),
            ({"lifetime": "90"}, (b"", b"", 90, 0)), ({"lifetime": 10 ** 30}, (b"", b"", 2 ** 31 - 1, 0)),
            ({"lifetime": "99999w"}, (b"", b"", 2 ** 31 - 1, 0)), ({"extra": [1]}, (b"", b"", 0, 0)),
            (b'{"aud":["\\u0061","b"]}', (b"", b"a b", 0, 0))):
        reply = d.post("/api/token/narrow/", fields, bearer())
        is_answer(reply, 200, b'{"access":"n.n.n"}')
        assert reply.header("Cache-Control") == "no-store"
        scope, aud, lifetime, once, key = want if len(want) == 5 else (*want, b"")
        assert scripted.last() == (wire.NARROW, b"a.b.c", scope, aud, number(lifetime), number(once), key), scripted.last()
    reply = d.post("/api/token/narrow/", b"scope=pam%3Asudo&aud=box&lifetime=60s&one_time=true",
                   bearer() + ["Content-Type: application/x-www-form-urlencoded"])
    assert reply.status == 200
    assert scripted.last()[2:] == (b"pam:sudo", b"box", number(60), number(1), b""), scripted.last()


def test_narrow_reports_all_invalid_fields_at_once_as_drf_does(d, scripted):
    string, null, blank = "Not a valid string.", "This field may not be null.", "This field may not be blank."
    integer, flag = "A valid integer is required.", "Must be a valid boolean."
    pattern, small = ("This value does not match the required pattern.",
                      "Ensure this value is greater than or equal to 1.")
    long = "Ensure this field has no more than 4096 characters."
    for value, scope, aud, lifetime, once in (
            (None, null, null, null, null), (True, string, string, integer, None), ({}, string, string, integer, flag),
            (-1, None, None, small, flag), (0, None, None, small, flag), (1.5, None, None, integer, flag),
            ("", blank, blank, blank, flag), ("no span", None, pattern, integer, flag), ("0s", None, None, small, flag),
            ("a  b", pattern, pattern, integer, flag), ('a"', pattern, None, integer, flag),
            ("\t", blank, blank, blank, flag), ("a\tb", pattern, pattern, integer, flag),
            ("\u00e4", pattern, None, integer, flag), ("yes", None, None, integer, flag),
            ("5us", None, None, small, flag),
            ([], string, "This list may not be empty.", integer, flag), ([None], string, null, integer, flag),
            ([""], string, blank, integer, flag), ([[]], string, string, integer, flag),
            (["a", True], string, string, integer, flag), (["a b"], string, pattern, integer, flag)):
        names = ("scope", "aud", "lifetime", "one_time")
        want = {name: [text] for name, text in zip(names, (scope, aud, lifetime, once)) if text}
        reply = d.post("/api/token/narrow/", dict.fromkeys(names, value), bearer())
        is_answer(reply, 400, json.dumps(want, separators=(",", ":")).encode())
    for fields in ({"scope": "a" * 4097}, {"aud": "a" * 4097}, {"aud": ["a" * 2048, "b" * 2048]}):
        is_answer(d.post("/api/token/narrow/", fields, bearer()), 400,
                  b'{"%s":["%s"]}' % (next(iter(fields)).encode(), long.encode()))
    assert not scripted.asked, scripted.asked


def test_a_refused_narrowing_is_reported_at_its_field(d, scripted):
    for word, text in (("wider_scope", b'{"scope":["The token shown has no such scope."]}'),
                       ("wider_audience", b'{"aud":["The token of the request does not have this audience."]}'),
                       ("bad_narrow", b'{"aud":["A token that is for one use or bound to a host key is for exactly one '
                                      b'audience."]}')):
        scripted.says(wire.NARROW, word)
        is_answer(d.post("/api/token/narrow/", {}, bearer()), 400, text)


# Secrets


def memory_of(pid):
    """The readable memory of the process, without ASan's shadow memory, one piece for each mapping."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1].startswith("r") and "[v" not in line and end - start < 1 << 30:
                memory.seek(start)
                yield memory.read(end - start)


def test_no_password_and_no_token_stays_in_memory_after_the_reply(d, scripted):
    refresh, access, shown, password = (word * 10 for word in ("REFRESH-TOKEN", "ACCESS-TOKEN", "SHOWN-TOKEN", "WORD"))
    scripted.says(wire.OBTAIN, "ok", refresh.encode(), access.encode())
    scripted.says(wire.REFRESH, "ok", access.encode(), refresh.encode())
    scripted.says(wire.NARROW, "ok", access.encode())
    scripted.says(wire.WHOAMI, *whoami())
    scripted.says(wire.SESSIONS, "ok", b'[{"sid":"a"}]', b"")
    form = f"username=alice&password={password}".encode()
    for _ in range(5):
        replies = [d.post("/api/token/", {"username": "alice", "password": password + "\u00e4"}),
                   d.request("POST", "/api/token/", form, ["Content-Type: application/x-www-form-urlencoded"]),
                   d.post("/api/token/refresh/", {"refresh": shown}), d.post("/api/token/narrow/", {}, bearer(shown)),
                   d.get("/api/user/", shown), d.get("/api/sessions/", shown)]
        assert {reply.status for reply in replies} == {200}
        d.raw(b'POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"password":"' +
              password.encode(), close_write=True)
    memory = b"".join(memory_of(d.all[0].process.pid))
    assert b"POST, OPTIONS" in memory
    for secret in (refresh, access, shown, password):
        assert secret[:12].encode() not in memory, secret
