"""A user's sessions over HTTP with all three daemons: list, end, logout, narrow."""

import json
import re

import pytest
from daemons import ALICE, CAROL, QUICK, now, payload
from replies import FORBIDDEN, GET_ONLY, NOT_FOUND, bearer, in_view, is_answer, token_error
from users import changed, changed_shadow


def sid(pair):
    return payload(pair["access"])["sid"]


def sessions(d, access):
    reply = d.get("/api/sessions/", access)
    assert reply.status == 200, reply.raw
    return reply.json()


def end(d, name, access):
    return d.request("DELETE", f"/api/sessions/{name}/", headers=bearer(access))


def post(d, path, access, body=None):
    return d.post(path, {} if body is None else body, bearer(access))


def narrow(d, access, **fields):
    reply = post(d, "/api/token/narrow/", access, fields)
    assert reply.status == 200, reply.raw
    return reply.json()["access"]


def all_are_over(d, pair):
    """Neither token is accepted, and the session is on the revoked list."""
    over = token_error("Token is blacklisted")
    is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401, over)
    is_answer(d.post("/api/token/verify/", {"token": pair["access"]}), 401, over)
    is_answer(d.get("/api/user/", pair["access"]), 401, in_view("Token is blacklisted"), GET_ONLY)
    assert sid(pair) in d.revoked()


def test_the_list_has_each_live_session_of_this_user_only(d):
    before = int(now())
    pairs = [d.obtain() for _ in range(3)]
    d.obtain(CAROL)
    listed = sessions(d, pairs[1]["access"])
    assert {x["sid"] for x in listed} == {sid(p) for p in pairs}, listed
    assert [x["sid"] for x in listed if x["current"]] == [sid(pairs[1])], listed
    for x in listed:
        assert set(x) == {"sid", "created", "last_used", "expires", "source", "client", "method", "amr",
                          "current"}, x
        assert before <= x["created"] <= x["last_used"] <= now() < x["expires"], x
        assert (x["source"], x["method"], x["amr"]) == ("uid 0", "login", ["pwd"]), x


def test_the_list_has_what_each_client_says_that_it_is(d):
    agents = [None, "jwtctl/0.2 (laptop)", "x" * 65, '"},{"sid":"x', "caf\u00e9"]
    pairs = []
    for agent in agents:
        reply = d.post("/api/token/", ALICE, headers=[f"User-Agent: {agent}"] if agent else None)
        assert reply.status == 200, reply.raw
        pairs.append(reply.json())
    listed = {x["sid"]: x["client"] for x in sessions(d, pairs[0]["access"])}
    assert [listed[sid(p)] for p in pairs] == ["", "jwtctl/0.2 (laptop)", "x" * 64, '"},{"sid":"x', "caf?"], listed


@pytest.mark.daemons(QUICK + "MaxSessionsPerUser=300\n")
def test_a_long_list_is_complete(d):
    first = d.obtain()
    for _ in range(150):
        last = d.obtain()
    listed = sessions(d, first["access"])
    assert len({x["sid"] for x in listed}) == 151 == len(listed), len(listed)
    assert len(json.dumps(listed)) > 16384, "more than one page"
    assert {sid(first), sid(last)} <= {x["sid"] for x in listed}


def test_a_session_is_ended_only_by_its_user(d):
    mine, other, carols = d.obtain(), d.obtain(), d.obtain(CAROL)
    for name in (sid(mine), sid(other)):
        is_answer(end(d, name, carols["access"]), 404, NOT_FOUND, "DELETE, OPTIONS")
    assert sid(mine) not in d.revoked() and sid(other) not in d.revoked()
    reply = end(d, sid(other), mine["access"])
    assert (reply.status, reply.body) == (204, b""), reply.raw
    all_are_over(d, other)
    is_answer(end(d, sid(other), mine["access"]), 404, NOT_FOUND, "DELETE, OPTIONS")
    assert [x["sid"] for x in sessions(d, mine["access"])] == [sid(mine)]
    assert end(d, sid(mine), mine["access"]).status == 204, "its own too"
    all_are_over(d, mine)
    assert d.get("/api/user/", carols["access"]).status == 200


def test_logout_ends_its_session_and_logout_all_the_rest(d):
    first, second, third, carols = d.obtain(), d.obtain(), d.obtain(), d.obtain(CAROL)
    is_answer(post(d, "/api/logout/", first["access"]), 200, b"{}")
    all_are_over(d, first)
    assert d.get("/api/user/", second["access"]).status == 200
    is_answer(post(d, "/api/logout/", first["access"]), 401, in_view("Token is blacklisted"))
    is_answer(post(d, "/api/logout/all/", second["access"]), 200, b'{"ended":2}')
    all_are_over(d, second)
    all_are_over(d, third)
    assert d.get("/api/user/", carols["access"]).status == 200
    assert d.obtain()["access"], "the next login is a new session"


@pytest.mark.daemons(QUICK + "[Token]\nAudience=box site\n")
def test_a_narrowed_token_is_never_wider_or_longer(d):
    pair = d.obtain()
    whole = payload(pair["access"])
    before = now()
    less = narrow(d, pair["access"], scope="pam:sudo pam:sshd", aud="box", lifetime="60s")
    claims = payload(less)
    assert (claims["scope"], claims["aud"], claims["sid"]) == ("pam:sudo pam:sshd", "box", whole["sid"]), claims
    assert int(before) + 60 <= claims["exp"] <= now() + 60 and claims["jti"] != whole["jti"], claims
    assert payload(narrow(d, pair["access"], lifetime=10 ** 9))["exp"] <= whole["exp"]
    assert payload(narrow(d, less, scope="pam:sudo"))["scope"] == "pam:sudo"
    reply = post(d, "/api/token/narrow/", less, {"scope": "pam:su"})
    assert reply.status == 400 and set(reply.json()) == {"scope"}, reply.raw
    for path in ("/api/user/", "/api/auth/"):
        is_answer(d.get(path, less), 403, FORBIDDEN, GET_ONLY)
    is_answer(d.post("/api/token/verify/", {"token": less}), 401, token_error("Token is invalid"))
    free = narrow(d, pair["access"], scope="mail")
    assert d.get("/api/user/", free).json()["scope"] == "mail" and d.get("/api/auth/", free).status == 204
    assert d.get("/api/auth/", pair["access"]).status == 204


@pytest.mark.daemons(QUICK + "[Token]\nAudience=box site\n")
def test_a_token_bound_to_a_host_key_is_for_no_other_verifier(d):
    access, key = d.obtain()["access"], "AZjmXvZ0cKqkz1y9sUe3v-"
    bound = narrow(d, access, aud="box", host_key=f" {key} ")
    assert payload(bound)["aud"] == f"box#{key}"
    for path in ("/api/user/", "/api/auth/", "/api/sessions/"):
        is_answer(d.get(path, bound), 401, in_view("Token is invalid"), GET_ONLY)
    for path in ("/api/logout/", "/api/logout/all/", "/api/token/narrow/"):
        is_answer(post(d, path, bound), 401, in_view("Token is invalid"))
    is_answer(d.post("/api/token/verify/", {"token": bound}), 401, token_error("Token is invalid"))
    for bad in (key[:-1], key + "A", key[:-1] + "+", "SHA256:" + key, "x" * 4000):
        is_answer(post(d, "/api/token/narrow/", access, {"aud": "box", "host_key": bad}), 400,
                  b'{"host_key":["Expected the first 22 characters of an SSH key\'s SHA-256 fingerprint, '
                  b'with - and _ in place of + and /."]}')


def test_a_protected_view_refuses_an_account_that_became_unusable(d):
    pair = d.obtain()
    inactive = b'{"detail":"User is inactive","code":"user_inactive"}'
    changed = b'{"detail":"The user\'s password has been changed.","code":"password_changed"}'
    for change, text in ((lambda x: x.replace("alice:$", "alice:!$"), inactive), (lambda x: x[:-1] + "1:", inactive),
                         (lambda x: x.replace(":19000:", ":19001:"), changed)):
        with changed_shadow(change):
            is_answer(d.get("/api/user/", pair["access"]), 401, text, GET_ONLY)


def test_a_protected_view_refuses_an_account_that_was_removed(d):
    pair = d.obtain()
    with changed("/etc/passwd", lambda text: text.replace("\nalice:", "\nalicia:")):
        gone = b'{"detail":"User not found","code":"user_not_found"}'
        is_answer(d.get("/api/user/", pair["access"]), 401, gone, GET_ONLY)
        is_answer(d.get("/api/auth/", pair["access"]), 401, gone, GET_ONLY)
        is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401,
                  b'{"detail":"No active account found for the given token."}')
        is_answer(d.post("/api/token/verify/", {"token": pair["access"]}), 401,
                  b'{"detail":"Token is invalid","code":"token_not_valid"}')
    assert d.post("/api/token/verify/", {"token": pair["access"]}).status == 200


def test_an_account_that_was_deleted_and_made_again_opens_nothing_with_the_old_tokens(d):
    pair = d.obtain()
    with changed("/etc/passwd", lambda text: re.sub(r"(?m)^alice:x:\d+:", "alice:x:4321:", text)):
        assert d.post("/api/token/verify/", {"token": pair["access"]}).status == 401
        assert sid(pair) in d.revoked(), "pam_jwt refuses it, too"
        assert d.get("/api/auth/", pair["access"]).status == 401
        assert d.post("/api/token/refresh/", {"refresh": pair["refresh"]}).status == 401
        assert d.obtain()
