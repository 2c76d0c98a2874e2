"""What a client of the HTTP API may rely on, against the three real daemons."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time

from daemons import ALICE, CAROL, QUICK, Daemons, Reply, payload, run

NO_ACCOUNT = b'{"detail":"No active account found with the given credentials"}'


def token_error(message):
    return ('{"detail":"%s","code":"token_not_valid"}' % message).encode()


def with_daemons(settings=QUICK, **more):
    """A test gets fresh daemons; afterwards their log must hold no token and no password, and each
    process must have ended as it should."""

    def wrap(test):
        def body(build):
            daemons = Daemons(build, settings, **more)
            expected = {0}
            try:
                expected |= test(daemons) or set()
            except Exception as error:
                raise AssertionError(f"{error}\n{daemons.read_log()[-1500:]}") from error
            finally:
                log = daemons.stop()
            assert not re.search(r"eyJ|correct horse|staple battery|no such secret", log), "leaked:\n" + log
            assert "Sanitizer" not in log and "runtime error" not in log, log
            for daemon in daemons.all:
                assert set(daemon.exits) <= expected, (daemon.argv[0], daemon.exits, log)

        body.__name__ = test.__name__
        return body

    return wrap


def is_answer(reply, status, body, allow="POST, OPTIONS"):
    assert (reply.status, reply.body) == (status, body), (reply.status, reply.body, status, body)
    assert reply.header("Content-Type") == "application/json", reply.headers
    assert reply.header("Vary") == "Accept", reply.headers
    assert reply.header("Allow") == allow, reply.headers
    assert reply.header("Connection") == "close", reply.headers
    assert reply.header("Content-Length") == str(len(body)), reply.headers
    challenge = 'Bearer realm="api"' if status == 401 else ""
    assert reply.header("WWW-Authenticate") == challenge, reply.headers


# Obtain


@with_daemons()
def a_password_buys_a_pair_in_simplejwts_shape(d):
    reply = d.post("/api/token/", ALICE)
    is_answer(reply, 200, reply.body)
    assert re.fullmatch(rb'\{"refresh":"[\w.-]+","access":"[\w.-]+"\}', reply.body), reply.body
    pair = reply.json()
    access, refresh = payload(pair["access"]), payload(pair["refresh"])
    assert list(access) == ["token_type", "exp", "iat", "jti", "sub", "iss", "aud", "sid"], access
    assert list(refresh) == [*access, "gen"], refresh
    assert (access["token_type"], refresh["token_type"]) == ("access", "refresh")
    assert access["exp"] - access["iat"] == 900 and refresh["exp"] - refresh["iat"] == 7 * 86400
    assert access["sub"] == "alice" and access["sid"] == refresh["sid"] and access["jti"] != refresh["jti"]
    host = socket.gethostname().lower()
    assert (access["iss"], access["aud"]) == ("https://" + host, host), access
    assert abs(access["iat"] - time.time()) < 5
    assert len(pair["access"]) <= 511 and len(pair["refresh"]) <= 511


@with_daemons()
def a_pair_is_bought_without_the_last_slash_with_a_query_and_with_a_stale_header(d):
    for path in ("/api/token", "/api/token/?next=/x", "/api/token?x"):
        reply = d.post(path, ALICE, ["Authorization: Bearer stale.stale.stale"])
        assert reply.status == 200, reply.raw


@with_daemons()
def every_failed_login_looks_the_same_and_takes_the_same_time(d):
    seen, times = set(), {}
    cases = {
        "wrong password": dict(ALICE, password="no such secret"),
        "unknown user": {"username": "nobodyknows", "password": "no such secret"},
        "expired and locked": {"username": "bob", "password": CAROL["password"]},
        "root": {"username": "root", "password": "no such secret"},
        "uid 0 by another name": {"username": "toor", "password": CAROL["password"]},
        "no portable name": {"username": "alice; id", "password": "no such secret"},
        "long name": {"username": "a" * 300, "password": "no such secret"},
        "long password": {"username": "alice", "password": "no such secret" * 60},
        "a token as the password": {"username": "alice", "password": d.obtain()["access"]},
    }
    for name, who in cases.items():
        before = time.monotonic()
        reply = d.post("/api/token/", who)
        times[name] = time.monotonic() - before
        is_answer(reply, 401, NO_ACCOUNT)
        seen.add(re.sub(rb"Date: [^\r]*", b"", reply.raw))
    assert len(seen) == 1, seen
    for name, took in times.items():
        late = took % 0.3
        assert took > 0.29 and (late < 0.12 or late > 0.29), (name, times)
    assert "nobodyknows" not in d.read_log() and "alice; id" not in d.read_log()


@with_daemons()
def all_bad_fields_are_told_at_once_in_drfs_words(d):
    required, blank = '["This field is required."]', '["This field may not be blank."]'
    null, text = '["This field may not be null."]', '["Not a valid string."]'
    both = '{"username":%s,"password":%s}'
    surrogate = '["Surrogate characters are not allowed: U+D800."]'
    cases = [
        (b"{}", both % (required, required)),
        (b'{"username":"","password":null}', both % (blank, null)),
        (b'{"username":[1],"password":true}', both % (text, text)),
        (b'{"username":{},"password":""}', both % (text, blank)),
        (b'{"username":"alice"}', '{"password":%s}' % required),
        (b'{"username":"a\\u0000b","password":"x\\u0000"}', both %
         (('["Null characters are not allowed."]',) * 2)),
        (b'{"username":"alice","password":"\\ud800"}', '{"password":%s}' % surrogate),
        (b"[]", '{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}'),
        (b'"x"', '{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}'),
        (b"5", '{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}'),
        (b"null", '{"non_field_errors":["No data provided"]}'),
    ]
    for body, want in cases:
        is_answer(d.post("/api/token/", body), 400, want.encode())
    for body in (b"{", b'{"a":1,}', b"\xff", b'{"username":"x"} x', b"{'a':1}", b'{"a":NaN}',
                 b'{"username":"alice","username":"carol","password":"x"}'):
        reply = d.post("/api/token/", body)
        is_answer(reply, 400, reply.body)
        assert reply.body.startswith(b'{"detail":"JSON parse error - '), reply.body
    is_answer(d.post("/api/token/refresh/", {}), 400, b'{"refresh":["This field is required."]}')
    is_answer(d.post("/api/token/verify/", {}), 400, b'{"token":["This field is required."]}')
    is_answer(d.post("/api/token/blacklist/", {}), 400, b'{"refresh":["This field is required."]}')
    is_answer(d.post("/api/token/refresh/", {"refresh": 5}), 401, token_error("Token is invalid"))


# Refresh


@with_daemons()
def refresh_rotates_and_grace_gives_the_same_successor_again(d):
    first = d.obtain()
    reply = d.post("/api/token/refresh/", {"refresh": first["refresh"]})
    is_answer(reply, 200, reply.body)
    assert list(reply.json()) == ["access", "refresh"], reply.body
    again = d.post("/api/token/refresh/", {"refresh": first["refresh"]})
    assert again.body == reply.body, (again.body, reply.body)
    third = d.post("/api/token/refresh/", {"refresh": reply.json()["refresh"]})
    assert third.status == 200 and third.body != reply.body
    one, two = payload(first["refresh"]), payload(third.json()["refresh"])
    assert (one["sid"], one["gen"] + 2) == (two["sid"], two["gen"])


@with_daemons()
def a_refresh_token_used_after_its_grace_ends_its_session_and_no_other(d):
    first, other = d.obtain(), d.obtain()
    second = d.post("/api/token/refresh/", {"refresh": first["refresh"]}).json()
    time.sleep(1.2)
    is_answer(d.post("/api/token/refresh/", {"refresh": first["refresh"]}), 401,
              token_error("Token is blacklisted"))
    assert payload(first["access"])["sid"] in d.revoked()
    is_answer(d.post("/api/token/refresh/", {"refresh": second["refresh"]}), 401,
              token_error("Token is blacklisted"))
    assert d.post("/api/token/verify/", {"token": second["access"]}).status == 401
    assert d.get("/api/user/", second["access"]).status == 401
    assert d.post("/api/token/refresh/", {"refresh": other["refresh"]}).status == 200
    assert "again" in d.read_log() or "reuse" in d.read_log(), d.read_log()


@with_daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=0"))
def without_grace_a_second_use_ends_the_session(d):
    first = d.obtain()
    second = d.post("/api/token/refresh/", {"refresh": first["refresh"]}).json()
    assert d.post("/api/token/refresh/", {"refresh": first["refresh"]}).status == 401
    assert d.post("/api/token/refresh/", {"refresh": second["refresh"]}).status == 401


@with_daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=10s"))
def one_refresh_token_sent_32_times_at_once_has_one_successor(d):
    token = d.obtain()["refresh"]
    for _ in range(5):
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(
            d.post("/api/token/refresh/", {"refresh": token}))) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [r.status for r in replies] == [200] * 32, [r.status for r in replies]
        assert len({r.body for r in replies}) == 1
        token = replies[0].json()["refresh"]


@with_daemons()
def refresh_refuses_what_is_no_refresh_token(d):
    pair = d.obtain()
    for token, message in ((pair["access"], "Token has wrong type"), ("junk", "Token is invalid"),
                           (pair["refresh"][:-2], "Token is invalid"),
                           (pair["refresh"] + "A", "Token is invalid"), ("a" * 9000, "Token is invalid")):
        for path in ("/api/token/refresh/", "/api/token/blacklist/"):
            is_answer(d.post(path, {"refresh": token}), 401, token_error(message))


@with_daemons(QUICK + "[Token]\nAccessTokenLifetime=1s\nRefreshTokenLifetime=2s\n")
def expired_tokens_are_told_as_expired(d):
    pair = d.obtain()
    time.sleep(2.1)
    expired = token_error("Token is expired")
    is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401, expired)
    is_answer(d.post("/api/token/verify/", {"token": pair["access"]}), 401, expired)
    reply = d.get("/api/user/", pair["access"])
    is_answer(reply, 401, b'{"detail":"Given token not valid for any token type","code":"token_not_valid",'
              b'"messages":[{"token_class":"AccessToken","token_type":"access",'
              b'"message":"Token is expired"}]}', "GET, HEAD, OPTIONS")


def set_shadow(line):
    """Replaces alice's line of the shadow file, which is this test's own copy."""
    with open("/etc/shadow", encoding="utf-8") as file:
        lines = file.read().split("\n")
    old = next(x for x in lines if x.startswith("alice:"))
    with open("/etc/shadow", "w", encoding="utf-8") as file:
        file.write("\n".join(line(x) if x.startswith("alice:") else x for x in lines))
    return lambda: set_shadow(lambda _: old)


@with_daemons()
def an_account_that_was_locked_or_expired_can_not_refresh(d):
    gone = b'{"detail":"No active account found for the given token."}'
    for change in (lambda x: x.replace("alice:$", "alice:!$"), lambda x: x[:-1] + "1:"):
        pair = d.obtain()
        undo = set_shadow(change)
        try:
            is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401, gone)
            is_answer(d.post("/api/token/", ALICE), 401, NO_ACCOUNT)
        finally:
            undo()


@with_daemons()
def a_changed_password_ends_the_session(d):
    pair = d.obtain()
    undo = set_shadow(lambda x: x.replace(":19000:", ":19001:"))
    try:
        is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401,
                  b'{"detail":"The user\'s password has been changed."}')
        assert payload(pair["access"])["sid"] in d.revoked()
    finally:
        undo()


# Verify, blacklist, user


@with_daemons()
def verify_takes_both_types_and_refuses_a_changed_byte(d):
    pair = d.obtain()
    for token in pair.values():
        is_answer(d.post("/api/token/verify/", {"token": token}), 200, b"{}")
        head, body, signature = token.split(".")
        other = "B" if signature[10] == "A" else "A"
        for bad in (f"{head}.{body}.{signature[:10]}{other}{signature[11:]}", f"{head}.{body}.",
                    f"{head}.{body[:-1]}.{signature}", token + ".", "Bearer " + token, token[1:]):
            is_answer(d.post("/api/token/verify/", {"token": bad}), 401, token_error("Token is invalid"))
        # DRF trims its text fields, all but passwords.
        is_answer(d.post("/api/token/verify/", {"token": f" {token}\n"}), 200, b"{}")


@with_daemons()
def blacklist_ends_the_session_before_its_reply_leaves(d):
    for _ in range(10):
        pair, other = d.obtain(), d.obtain()
        is_answer(d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}), 200, b"{}")
        assert payload(pair["access"])["sid"] in d.revoked()
    blacklisted = token_error("Token is blacklisted")
    is_answer(d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}), 401, blacklisted)
    is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401, blacklisted)
    assert payload(other["access"])["sid"] not in d.revoked()
    assert d.post("/api/token/refresh/", {"refresh": other["refresh"]}).status == 200
    lines = open(d.path("public/revoked"), encoding="ascii").read().splitlines(keepends=True)
    assert lines == sorted(lines) and {len(x) for x in lines} == {34}, lines


@with_daemons()
def the_user_view_tells_whose_the_token_is(d):
    pair = d.obtain()
    claims = payload(pair["access"])
    reply = d.get("/api/user/", pair["access"])
    want = {"username": "alice", **{k: claims[k] for k in ("sid", "exp", "iss", "aud")}}
    is_answer(reply, 200, json.dumps(want, separators=(",", ":")).encode(), "GET, HEAD, OPTIONS")
    assert d.request("GET", "/api/user", headers=["authorization: bearer " + pair["access"]]).status == 200
    none = b'{"detail":"Authentication credentials were not provided."}'
    for header in ([], ["Authorization: "], ["Authorization: Basic YTpi"]):
        is_answer(d.request("GET", "/api/user/", headers=header), 401, none, "GET, HEAD, OPTIONS")
    two = (b'{"detail":"Authorization header must contain two space-delimited values",'
           b'"code":"bad_authorization_header"}')
    for header in ("Authorization: Bearer", "Authorization: Bearer a b"):
        is_answer(d.request("GET", "/api/user/", headers=[header]), 401, two, "GET, HEAD, OPTIONS")
    for token, message in ((pair["refresh"], b"Token has wrong type"), ("junk", b"Token is invalid")):
        reply = d.get("/api/user/", token)
        assert reply.status == 401 and b'"message":"' + message in reply.body, reply.raw


# Public


@with_daemons()
def keys_health_and_unknown_paths(d):
    reply = d.get("/.well-known/jwks.json")
    keys = reply.json()["keys"]
    assert reply.status == 200 and len(keys) == 1 and "d" not in keys[0], reply.raw
    assert reply.header("ETag") and "max-age" in reply.header("Cache-Control"), reply.headers
    assert (keys[0]["kty"], keys[0]["crv"], keys[0]["alg"], len(keys[0]["kid"])) == ("OKP", "Ed25519", "EdDSA", 8)
    assert d.get("/healthz").status == 200
    reply = d.get("/nothing")
    assert (reply.status, reply.body) == (404, b'{"detail":"Not found."}'), reply.raw
    head = d.request("HEAD", "/healthz")
    assert head.status == 200 and head.body == b"", head.raw
    for path in ("/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/blacklist/"):
        is_answer(d.get(path), 405, b'{"detail":"Method \\"GET\\" not allowed."}')
    is_answer(d.post("/api/token/", b"x", ["Content-Type: text/plain"]), 415,
              b'{"detail":"Unsupported media type \\"text/plain\\" in request."}')
    is_answer(d.post("/api/token/", ALICE, ["Accept: text/html"]), 406,
              b'{"detail":"Could not satisfy the request Accept header."}')
    assert d.post("/api/token/", ALICE, ["Accept: */*"]).status == 200


@with_daemons()
def hostile_requests_get_their_status_and_never_a_login(d):
    body = json.dumps(ALICE).encode()
    good = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    whole = good + length + b"\r\n" + body
    assert Reply(d.raw(whole)).status == 200
    cases = [
        (whole.replace(b"\r\n", b"\n", 1), 400), (whole.replace(b"POST ", b"POST  "), 400),
        (whole.replace(b"HTTP/1.1", b"HTTP/2.0"), (400, 505)), (whole.replace(b"POST", b"P\0ST"), 400),
        (whole.replace(b"/api/token/", b"http://localhost/api/token/"), 400),
        (whole.replace(b"/api/token/", b"/api/token/\0"), 400), (b"\0" + whole, 400), (b"\r\n" + whole, 400),
        (whole.replace(b"Host: localhost", b"Host : localhost"), 400),
        (whole.replace(b"Host: localhost\r\n", b"Host: localhost\r\n folded: x\r\n"), 400),
        (whole.replace(b"Host: localhost\r\n", b""), 400),
        (whole.replace(b"Host: localhost\r\n", b"Host: localhost\r\nHost: localhost\r\n"), 400),
        (whole.replace(b"localhost", b"evil.example"), 400), (whole.replace(b"localhost", b"local host"), 400),
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
        (whole.replace(length, length + b"X: a\x01b\r\n"), 400), (whole.replace(length, length + b"X: a\x7fb\r\n"), 400),
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


@with_daemons()
def a_slow_request_is_ended_at_its_deadline(d):
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


@with_daemons("[Http]\nMaxConnections=4\nMaxConnectionsPerSource=2\n")
def over_the_limit_of_connections_the_answer_is_503_with_retry_after(d):
    held = [d.connect() for _ in range(2)]
    for client in held:
        client.sendall(b"POST ")
    time.sleep(0.2)
    reply = d.get("/healthz")
    assert (reply.status, reply.header("Retry-After")) == (503, "1"), reply.raw
    for client in held:
        client.close()
    time.sleep(0.2)
    assert d.get("/healthz").status == 200


@with_daemons("[Http]\nFailureTime=100ms\nFailuresPerSource=3/min\n[Session]\nFailuresPerUser=0\n")
def wrong_passwords_from_one_source_are_throttled_and_right_ones_do_not_count(d):
    for _ in range(6):
        d.obtain()
    statuses = [d.post("/api/token/", dict(ALICE, password="no such secret")).status for _ in range(5)]
    assert statuses[:3] == [401] * 3 and statuses[3:] == [429] * 2, statuses
    reply = d.post("/api/token/", ALICE)
    assert reply.status == 429 and int(reply.header("Retry-After")) > 0, reply.raw
    assert re.fullmatch(rb'\{"detail":"Request was throttled. Expected available in \d+ seconds?."\}',
                        reply.body), reply.body


@with_daemons("[Http]\nFailureTime=100ms\nFailuresPerSource=0\n[Session]\nFailuresPerUser=3/min\n")
def wrong_passwords_of_one_user_are_throttled_and_another_user_is_not(d):
    statuses = [d.post("/api/token/", dict(ALICE, password="no such secret")).status for _ in range(5)]
    assert statuses[:3] == [401] * 3 and statuses[3:] == [429] * 2, statuses
    d.obtain(CAROL)


# Faults


@with_daemons()
def a_killed_issuer_loses_no_session(d):
    pairs = [d.obtain() for _ in range(3)]
    for round_number in range(12):
        d.kill(d.issuer)
        i = round_number % 3
        reply = d.post("/api/token/refresh/", {"refresh": pairs[i]["refresh"]})
        assert reply.status == 200, (round_number, reply.raw)
        pairs[i] = reply.json()
    assert d.issuer.starts >= 12
    return {-9}


@with_daemons()
def each_daemon_is_started_again_twenty_times_in_ten_seconds(d):
    before = time.monotonic()
    for _ in range(20):
        for daemon in d.all:
            d.kill(daemon)
        assert d.get("/healthz").status == 200
    assert time.monotonic() - before < 10
    d.obtain()
    return {-9}


@with_daemons()
def what_is_out_of_reach_is_503_and_comes_back(d):
    pair = d.obtain()
    d.hold(d.login)
    reply = d.post("/api/token/", ALICE)
    assert reply.status == 503 and reply.header("Retry-After"), reply.raw
    assert d.post("/api/token/verify/", {"token": pair["access"]}).status == 200
    d.release(d.login)
    d.obtain()
    d.hold(d.issuer)
    assert d.get("/healthz").status == 503 and d.post("/api/token/", ALICE).status == 503
    d.release(d.issuer)
    d.obtain()
    return {-9}


@with_daemons()
def wrong_settings_are_503_one_line_and_mended_by_itself(d):
    d.obtain()
    for daemon in d.all:
        d.kill(daemon)
    d.write("jwt.conf", QUICK + "[Token]\nAccessTokenLifetime=sometimes\n")
    for _ in range(5):
        assert d.post("/api/token/", ALICE).status == 503
    line = QUICK.count("\n") + 2
    said = [x for x in d.read_log().split("\n") if f"jwt.conf:{line}" in x]
    assert said and "AccessTokenLifetime" in said[0] and "15min" in said[0], d.read_log()
    assert len([x for x in said if "jwtd:" in x or x.startswith("jwtd ")]) <= 1, said
    d.write("jwt.conf", QUICK)
    time.sleep(1.2)
    d.obtain()
    return {-9}


@with_daemons()
def a_store_or_key_that_can_not_be_used_is_503_and_never_a_new_key(d):
    d.obtain()
    d.kill(d.issuer)
    keys = d.path("state/keys")
    os.rename(keys, keys + ".away")
    assert d.post("/api/token/", ALICE).status == 503
    assert not os.path.exists(keys) or not os.listdir(keys)
    if os.path.exists(keys):
        os.rmdir(keys)
    os.rename(keys + ".away", keys)
    time.sleep(1.2)
    d.obtain()
    d.kill(d.issuer)
    database = d.path("state/sessions.db")
    for extra in ("-wal", "-shm"):
        if os.path.exists(database + extra):
            os.remove(database + extra)
    os.rename(database, database + ".away")
    with open(database, "wb") as file:
        file.write(b"this is no database" * 500)
    os.chmod(database, 0o600)
    assert d.post("/api/token/", ALICE).status == 503
    assert "sessions.db" in d.read_log()
    return {-9}


@with_daemons()
def the_list_is_published_again_when_it_was_lost(d):
    pair, other = d.obtain(), d.obtain()
    assert d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
    d.kill(d.issuer)
    os.remove(d.path("public/revoked"))
    assert d.post("/api/token/refresh/", {"refresh": other["refresh"]}).status == 200
    assert d.revoked() == [payload(pair["access"])["sid"]]
    return {-9}


@with_daemons(QUICK + "[Daemon]\nIdleTimeout=1s\n")
def idle_daemons_leave_and_come_back(d):
    d.obtain()
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline and any(x.alive() for x in d.all):
        time.sleep(0.1)
    assert not any(x.alive() for x in d.all)
    time.sleep(0.1)
    assert all(x.exits == [0] for x in d.all), [x.exits for x in d.all]
    d.obtain()


# Files and the wire


@with_daemons()
def every_file_has_its_mode(d):
    d.obtain()
    key, = os.listdir(d.path("state/keys"))
    want = {"public/issuer": 0o644, "public/jwks.json": 0o644, "public/revoked": 0o644,
            "state/keys": 0o700, "state/keys/" + key: 0o600, "state/sessions.db": 0o600}
    for name, mode in want.items():
        assert stat.S_IMODE(os.stat(d.path(name)).st_mode) == mode, (name, oct(os.stat(d.path(name)).st_mode))
    host = socket.gethostname().lower()
    assert open(d.path("public/issuer"), encoding="utf-8").read() == f"Issuer=https://{host}\nAudience={host}\n"
    assert re.fullmatch(r"[\w-]{8}\.jwk", key), key


@with_daemons()
def the_wire_takes_no_stranger_and_no_broken_message(d):
    d.obtain()
    for name in ("issuer.sock", "login.sock"):
        for message in (b"", b"J", b"J\x01\x02\x03", b"J\x01\xff\x00", b"X" * 100, b"J\x02\x01\x00", os.urandom(19000)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.settimeout(5)
                client.connect(d.path(name))
                if message:
                    client.send(message)
                else:
                    client.shutdown(socket.SHUT_WR)
                assert client.recv(100) == b"", (name, message[:20])
        ask = ("import socket,sys,os\nos.setuid(65534)\n"
               "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\ns.settimeout(5)\n"
               f"s.connect({d.path(name)!r})\n"
               "try:\n s.send(b'J\\x01\\x01\\x00')\n print(s.recv(100))\nexcept OSError as e: print(b'')\n")
        out = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, timeout=20)
        assert out.stdout.strip() == b"b''", out
    assert d.get("/healthz").status == 200 and d.obtain()


@with_daemons(tcp=True)
def jwtctl_logs_in_shows_and_logs_out(d):
    home = d.path("home")
    os.mkdir(home, 0o700)
    environment = {"HOME": home, "PATH": os.environ["PATH"]}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]

    def ctl(*argv, text="", status=0):
        out = subprocess.run([d.build + "/jwtctl/jwtctl", *argv], input=text, env=environment, text=True,
                             capture_output=True, check=False, timeout=60)
        assert out.returncode == status, (argv, out)
        return out.stdout

    server = f"--server=http://127.0.0.1:{d.port}"
    ctl("login", server, "alice", text="no such secret\n", status=1)
    said = ctl("login", server, "alice", text=ALICE["password"] + "\n")
    assert "eyJ" not in said and "alice" in said, said
    token = ctl("token").strip()
    assert payload(token)["sub"] == "alice"
    for folder, _, files in os.walk(home):
        for file in files:
            assert stat.S_IMODE(os.stat(os.path.join(folder, file)).st_mode) == 0o600, file
    assert "alice" in ctl("show")
    words = [f"keys={d.path('public/jwks.json')}", f"revoked={d.path('public/revoked')}",
             f"issuer={payload(token)['iss']}", f"audience={payload(token)['aud']}"]
    assert json.loads(ctl("verify", "--user=alice", *words, text=token))["valid"] is True
    assert json.loads(ctl("verify", "--user=carol", *words, text=token, status=1))["error"] == "wrong_user"
    ctl("logout")
    assert json.loads(ctl("verify", "--user=alice", *words, text=token, status=1))["error"] == "revoked"
    ctl("token", status=1)


TESTS = [value for value in list(globals().values())
         if callable(value) and getattr(value, "__module__", "") == __name__ and
         getattr(value, "__qualname__", "").endswith("body")]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
