"""The effect of each setting of [Http] and [Token]."""

import re
import time

import pytest
import wire
from daemons import ALICE, QUICK, payload
from replies import GET_ONLY, is_answer, token_error

WRONG = dict(ALICE, password="no such secret")
NONE = b'{"detail":"Authentication credentials were not provided."}'


def http(lines):
    return QUICK.replace("[Http]\n", f"[Http]\n{lines}\n")


def token(lines):
    return f"{QUICK}[Token]\n{lines}\n"


def header(text):
    import base64
    import json
    part = text.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


# [Http]


@pytest.mark.daemons(http("AuthHeaderTypes=JWT Token"))
def test_auth_header_types_are_the_schemes_and_the_first_is_the_challenge(d):
    access = d.obtain()["access"]
    for scheme in ("JWT", "Token", "jwt"):
        assert d.request("GET", "/api/user/", headers=[f"Authorization: {scheme} {access}"]).status == 200, scheme
    reply = d.request("GET", "/api/user/", headers=[f"Authorization: Bearer {access}"])
    assert (reply.status, reply.body) == (401, NONE), reply.raw
    assert reply.header("WWW-Authenticate") == 'JWT realm="api"', reply.headers
    assert d.post("/api/token/", WRONG).header("WWW-Authenticate") == 'JWT realm="api"'


@pytest.mark.daemons(http("AuthHeaderName=X-Access-Token"))
def test_only_auth_header_name_is_read(d):
    access = d.obtain()["access"]
    assert d.request("GET", "/api/user/", headers=[f"x-access-token: Bearer {access}"]).status == 200
    is_answer(d.get("/api/user/", access), 401, NONE, GET_ONLY)
    both = [f"X-Access-Token: Bearer {access}"] * 2
    assert d.request("GET", "/api/user/", headers=both).status == 400


@pytest.mark.daemons(http("AllowedHosts=login.example [2001:db8::1]"))
def test_allowed_hosts_are_accepted_besides_the_own_names(d):
    def status(host):
        head = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        return int(d.raw(head).split(b" ")[1])

    for host in ("login.example", "LOGIN.example:8443", "[2001:db8::1]:80", "localhost", "127.0.0.1:8598", "[::1]"):
        assert status(host) == 200, host
    for host in ("example", "evil.login.example", "login.example.evil", "[2001:db8::2]", "192.0.2.1"):
        assert status(host) == 400, host


@pytest.mark.daemons(http("TrustedProxies=no-such-user root"))
def test_an_unknown_trusted_proxy_is_logged_and_the_others_apply(d):
    for address in ("192.0.2.1", "2001:db8::1"):
        reply = d.post("/api/token/", WRONG, [f"X-Forwarded-For: 198.51.100.1, {address}"])
        assert reply.status == 401
    assert d.post("/api/token/", WRONG).status == 401
    log = d.read_log()
    assert "TrustedProxies= names an unknown user" in log and "setting=no-such-user" in log, log
    assert "source=192.0.2.1" in log and "source=2001:db8::/64" in log and 'source="uid 0"' in log, log


@pytest.mark.daemons(QUICK)
def test_an_untrusted_proxy_forwards_no_address(d):
    for value in ("192.0.2.1", "no address"):
        assert d.post("/api/token/", WRONG, [f"X-Forwarded-For: {value}"]).status == 401
    assert "192.0.2.1" not in d.read_log()


@pytest.mark.daemons(http("TrustedProxies=root"))
def test_a_forwarded_address_may_have_a_port_and_anything_else_is_400_with_one_log_line(d, scripted):
    scripted.says(wire.OBTAIN, "denied")
    for value, source in (("192.0.2.1:8080", b"192.0.2.1"), ("junk, 192.0.2.2", b"192.0.2.2"),
                          ("[2001:db8::1]:443", b"2001:db8::/64"), ("192.0.2.9,[2001:db8:0:1::1]", b"2001:db8:0:1::/64"),
                          ("2001:db8:1:2:3:4:5:6:443", b"2001:db8:1:2::/64"), ("::1", b"127.0.0.1"),
                          ("x\r\nX-Forwarded-For: 192.0.2.3", b"192.0.2.3")):
        assert d.post("/api/token/", ALICE, [f"X-Forwarded-For: {value}"]).status == 401
        assert scripted.last()[3] == source, (value, scripted.last())
    n = len(scripted.asked)
    for value in ("no address", "", "192.0.2.1,", "192.0.2.1, unknown", "192.0.2.1:", "192.0.2.1:65536", "[192.0.2.1]",
                  "host.example:80", "for=192.0.2.1", "192.0.2.1\r\nX-Forwarded-For: x", "a" * 4000):
        for reply in (d.post("/api/token/", ALICE, [f"X-Forwarded-For: {value}"]),
                      d.request("GET", "/api/auth/", headers=[f"X-Forwarded-For: {value}"])):
            assert reply.status == 400, (value, reply.raw)
            assert reply.json() == {"detail": "The last element of X-Forwarded-For must be an address."}
    assert len(scripted.asked) == n
    log = [line for line in d.read_log().split("\n") if "X-Forwarded-For" in line]
    assert len(log) == 1 and 'source="uid 0"' in log[0] and 'value="no address"' in log[0], log


@pytest.mark.daemons(QUICK.replace("300ms", "100ms"))
def test_failure_time_delays_the_reply_to_a_failed_login(d):
    d.obtain()
    for least, most in ((0.1, 3), (3, 10)):
        d.write("jwt.conf", QUICK.replace("300ms", f"{round(least * 1000)}ms"))
        d.kill(d.http, 15)
        before = time.monotonic()
        assert d.post("/api/token/", WRONG).status == 401
        took = time.monotonic() - before
        assert least <= took < most, took


# [Token]


@pytest.mark.daemons(token("AccessTokenLifetime=2min\nRefreshTokenLifetime=3h"))
def test_lifetimes_are_those_of_the_tokens(d):
    for _ in range(2):
        pair = d.obtain()
        access, refresh = payload(pair["access"]), payload(pair["refresh"])
        assert (access["exp"] - access["iat"], refresh["exp"] - refresh["iat"]) == (120, 10800), pair


def algorithm(name, kty, crv=None, more=""):
    return pytest.param(name, kty, crv, id=name, marks=pytest.mark.daemons(token(f"Algorithm={name}\n{more}")))


@pytest.mark.parametrize("name, kty, crv", [
    algorithm("EdDSA", "OKP", "Ed25519"), algorithm("ES256", "EC", "P-256"), algorithm("ES384", "EC", "P-384"),
    algorithm("ES512", "EC", "P-521"), algorithm("RS256", "RSA", more="MaxTokenLength=1024"),
    algorithm("PS256", "RSA", more="MaxTokenLength=1024")])
def test_each_algorithm_signs_with_its_own_key(d, name, kty, crv):
    pair = d.obtain()
    key, = d.get("/.well-known/jwks.json").json()["keys"]
    assert header(pair["access"]) == {"alg": name, "typ": "JWT", "kid": key["kid"]}, pair
    assert (key["kty"], key.get("crv"), key["alg"]) == (kty, crv, name), key
    assert d.get("/api/user/", pair["access"]).status == 200


@pytest.mark.daemons(token("Algorithm=HS256"))
def test_algorithm_hs256_never_publishes_its_secret(d):
    pair = d.obtain()
    assert header(pair["access"])["alg"] == "HS256" and d.get("/api/user/", pair["access"]).status == 200
    assert d.get("/.well-known/jwks.json").json() == {"keys": []}


@pytest.mark.daemons(token("Issuer=https://sso.example/a\nAudience=one two"))
def test_issuer_and_audience_are_in_each_token(d):
    pair = d.obtain()
    for text in pair.values():
        claims = payload(text)
        assert (claims["iss"], claims["aud"]) == ("https://sso.example/a", ["one", "two"]), claims
    user = d.get("/api/user/", pair["access"]).json()
    assert (user["iss"], user["aud"]) == ("https://sso.example/a", ["one", "two"]), user
    head = b"GET /healthz HTTP/1.1\r\nHost: sso.example\r\n\r\n"
    assert d.raw(head).startswith(b"HTTP/1.1 200 "), "the host of Issuer= is accepted"


@pytest.mark.daemons(token("Audience=one"))
def test_one_audience_is_a_string(d):
    assert payload(d.obtain()["access"])["aud"] == "one"


@pytest.mark.daemons(token("Leeway=5s\nAccessTokenLifetime=1s"))
def test_leeway_extends_exp(d):
    access = d.obtain()["access"]
    time.sleep(1.2)
    assert d.post("/api/token/verify/", {"token": access}).status == 200
    assert d.get("/api/user/", access).status == 200
    time.sleep(5)
    is_answer(d.post("/api/token/verify/", {"token": access}), 401, token_error("Token is expired"))


@pytest.mark.daemons(token("UserIdClaim=user_id\nTokenTypeClaim=kind\nJtiClaim=id"))
def test_claims_have_the_names_that_are_set(d):
    pair = d.obtain()
    for kind, text in pair.items():
        claims = payload(text)
        assert claims["user_id"] == "alice" and claims["kind"] == kind and claims["id"], claims
        assert not {"sub", "token_type", "jti"} & set(claims), claims
    assert d.get("/api/user/", pair["access"]).json()["username"] == "alice"
    assert d.post("/api/token/refresh/", {"refresh": pair["refresh"]}).status == 200
    assert d.post("/api/token/refresh/", {"refresh": pair["access"]}).status == 401


@pytest.mark.daemons(token("MaxTokenLength=200"))
def test_max_token_length_has_its_own_error(d):
    is_answer(d.post("/api/token/", ALICE), 400,
              b'{"detail":"A token for this user would be longer than MaxTokenLength allows."}')
    assert re.search(r"MaxTokenLength", d.read_log()), "at start the settings are warned about"


@pytest.mark.daemons(token("SlidingTokens=yes\nSlidingTokenLifetime=2min\nSlidingTokenRefreshLifetime=3h"))
def test_sliding_tokens_have_their_two_lifetimes(d):
    first = d.post("/api/token/sliding/", ALICE).json()["token"]
    claims = payload(first)
    assert claims["token_type"] == "sliding", claims
    assert (claims["exp"] - claims["iat"], claims["refresh_exp"] - claims["iat"]) == (120, 10800), claims
    second = payload(d.post("/api/token/sliding/refresh/", {"token": first}).json()["token"])
    assert second["refresh_exp"] == claims["refresh_exp"] and second["exp"] - second["iat"] == 120, second


@pytest.mark.daemons(token("SlidingTokens=yes\nSlidingTokenLifetime=1s\nSlidingTokenRefreshLifetime=2s"))
def test_a_sliding_token_past_its_lifetimes_is_refused(d):
    first = d.post("/api/token/sliding/", ALICE).json()["token"]
    time.sleep(2.1)
    reply = d.post("/api/token/sliding/refresh/", {"token": first})
    assert reply.status == 401 and b"expired" in reply.body, reply.raw
