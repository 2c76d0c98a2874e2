"""The API with all three daemons: obtain, refresh, blacklist, the user view."""

import json
import re
import socket
import subprocess
import time

import pytest
from daemons import ALICE, CAROL, PAM_SERVICE, QUICK, now, payload
from replies import GET_ONLY, NO_ACCOUNT, is_answer, token_error
from users import changed_shadow


# Obtain


SLOW = QUICK.replace("FailureTime=300ms", "FailureTime=1s")


def at_a_multiple_of_failure_time(took):
    """With FailureTime=1s. A check takes less; on a busy machine the reply may be late, but never early."""
    return took > 0.99 and (took % 1 < 0.8 or took % 1 > 0.99)


@pytest.mark.daemons(SLOW.replace("[Http]\n", "[Token]\nIssuer=https://here\nAudience=here\n[Http]\n"))
def test_a_token_is_no_password_whatever_the_pam_service(d):
    """With a stack that accepts tokens in place of passwords."""
    options = f"issuer=https://here audience=here keys={d.path('public/jwks.json')} revoked={d.path('public/revoked')}"
    d.write("pam/sshd", f"auth sufficient {d.build}/pam_jwt/pam_jwt.so {options}\n" + PAM_SERVICE)
    d.login.argv.append("--service=sshd")
    pair = d.obtain()
    opened = subprocess.run([d.build + "/tests/http/pam_login", d.path("pam"), "sshd", "alice"],
                            input=pair["access"].encode(), stdout=subprocess.PIPE, check=True)
    assert opened.stdout == b"0\n", "the stack accepts the token"
    assert d.post("/api/token/", dict(ALICE, password=pair["access"])).status == 401
    assert 'user=alice source="uid 0" reason="the password has the form of a token"' in d.read_log()
    wrong = d.post("/api/token/", dict(ALICE, password="no such secret"))
    for password in (pair["access"], pair["refresh"], " Bearer " + pair["access"], "eyJhbGciOiJub25lIn0.e30."):
        for name in ("alice", "nobodyhere"):
            start = time.monotonic()
            reply = d.post("/api/token/", {"username": name, "password": password})
            assert (reply.status, reply.body) == (401, wrong.body), reply.raw
            assert at_a_multiple_of_failure_time(time.monotonic() - start)
    assert d.post("/api/token/", ALICE).status == 200


def test_a_password_obtains_a_pair_in_simplejwts_form(d):
    before = int(now())
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
    assert before <= access["iat"] <= now()
    assert len(pair["access"]) <= 511 and len(pair["refresh"]) <= 511


def test_a_login_works_without_the_last_slash_with_a_query_and_with_a_stale_header(d):
    for path in ("/api/token", "/api/token/?next=/x", "/api/token?x"):
        reply = d.post(path, ALICE, ["Authorization: Bearer stale.stale.stale"])
        assert reply.status == 200, reply.raw


@pytest.mark.daemons(SLOW)
def test_every_failed_login_looks_the_same_and_takes_the_same_time(d):
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
    assert all(map(at_a_multiple_of_failure_time, times.values())), times
    assert "nobodyknows" not in d.read_log() and "alice; id" not in d.read_log()


# Refresh


@pytest.mark.daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=10s"))
def test_refresh_rotates_and_grace_gives_the_same_successor_again(d):
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


def test_reuse_after_the_grace_period_ends_that_session_only(d):
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


@pytest.mark.daemons(QUICK.replace("RotationGrace=1s", "RotationGrace=0"))
def test_without_grace_a_second_use_ends_the_session(d):
    first = d.obtain()
    second = d.post("/api/token/refresh/", {"refresh": first["refresh"]}).json()
    assert d.post("/api/token/refresh/", {"refresh": first["refresh"]}).status == 401
    assert d.post("/api/token/refresh/", {"refresh": second["refresh"]}).status == 401


def test_a_token_beyond_every_length_is_invalid(d):
    for path in ("/api/token/refresh/", "/api/token/blacklist/"):
        is_answer(d.post(path, {"refresh": "a" * 9000}), 401, token_error("Token is invalid"))


def test_a_locked_or_expired_account_cannot_refresh(d):
    gone = b'{"detail":"No active account found for the given token."}'
    for change in (lambda x: x.replace("alice:$", "alice:!$"), lambda x: x[:-1] + "1:"):
        pair = d.obtain()
        with changed_shadow(change):
            is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401, gone)
            is_answer(d.post("/api/token/", ALICE), 401, NO_ACCOUNT)


def test_a_changed_password_ends_the_session(d):
    pair = d.obtain()
    with changed_shadow(lambda x: x.replace(":19000:", ":19001:")):
        is_answer(d.post("/api/token/refresh/", {"refresh": pair["refresh"]}), 401,
                  b'{"detail":"The user\'s password has been changed."}')
        assert payload(pair["access"])["sid"] in d.revoked()


# Blacklist, user


def test_blacklist_ends_the_session_before_it_replies(d):
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


def test_the_user_view_returns_the_user_and_the_claims(d):
    pair = d.obtain()
    claims = payload(pair["access"])
    reply = d.get("/api/user/", pair["access"])
    want = {"username": "alice", **{k: claims[k] for k in ("sid", "exp", "iss", "aud")}}
    is_answer(reply, 200, json.dumps(want, separators=(",", ":")).encode(), GET_ONLY)
    assert d.request("GET", "/api/user", headers=["authorization: bearer " + pair["access"]]).status == 200
