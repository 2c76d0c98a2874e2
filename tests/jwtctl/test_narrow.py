"""Narrowed tokens: `jwtctl token` with options."""

import json

from harness import claims, exists, payload, run, server, sign, stored

HOST_KEY = "zE20i-QHEaHF6j2iZIvaor"


def asked(s):
    """The requests to narrow; each must carry the session's access token."""
    for route, _, headers in s.asked:
        assert (route, headers["Authorization"]) == ("/api/token/narrow/", "Bearer " + stored()["access"])
    return [body for _, body, _ in s.asked]


def test_token_requests_exactly_what_its_options_say():
    cases = {
        ("--service=sudo",): {"scope": "pam:sudo"},
        ("--service=sudo", "--service=sudo-i"): {"scope": "pam:sudo pam:sudo-i"},
        ("--scope=read write", "--service=sshd"): {"scope": "read write pam:sshd"},
        ("--host=here",): {"aud": "here"},
        ("--lifetime=5min",): {"lifetime": 300},
        ("--lifetime=60",): {"lifetime": 60},
        ("--once",): {"aud": "here", "one_time": True},
        ("--host-key=" + HOST_KEY,): {"aud": "here", "host_key": HOST_KEY},
        ("--host-key=SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y", "--host=web1", "--once", "--service=sshd"):
            {"scope": "pam:sshd", "aud": "web1", "one_time": True, "host_key": HOST_KEY},
        ("--service", "sudo", "--host", "web1", "--once", "--lifetime", "60s"):
            {"scope": "pam:sudo", "aud": "web1", "lifetime": 60, "one_time": True},
    }
    with server() as s:
        for words, want in cases.items():
            s.asked.clear()
            code, out, err = run("token", *words)
            assert (words, code, err) == (words, 0, "")
            assert (words, asked(s)) == (words, [want])
            assert payload(out)["jti"][:6] == "narrow"
        answer = json.loads(run("token", "--service=sudo", "--lifetime=60", "--json")[1])
        assert (payload(answer["access"])["scope"], answer["expires"]) == ("pam:sudo", payload(answer["access"])["exp"])
        assert payload(stored()["access"]).get("scope") is None


def test_invalid_options_are_refused_before_a_request():
    with server() as s:
        for word in ("--lifetime=0", "--lifetime=x", "--lifetime=1month", "--lifetime=500ms", "--service=",
                     "--service=a b", "--once=1", "--host-key=", "--host-key=" + HOST_KEY[1:], "--host-key=" + HOST_KEY + "A",
                     "--host-key=SHA256:" + HOST_KEY, "--host-key=" + "#" * 22, "--nothing", "--host", "extra"):
            code, out, _ = run("token", word)
            assert (word, code, out, s.asked) == (word, 2, "", [])


def test_a_token_that_the_server_did_not_bind_to_the_host_key_is_not_printed():
    """A server of an older release ignores the field."""
    with server(aud=["web1", "web2"]) as s:
        assert run("token", "--host-key=" + HOST_KEY)[:2] == (1, "") and not s.asked
        for aud in ("web1", ["web1"], "web1#" + "A" * 22, ["web1#" + HOST_KEY, "web2"], "web1" + HOST_KEY):
            s.answer["/api/token/narrow/"] = (200, {"access": sign(claims(aud=aud))}, {})
            code, out, err = run("token", "--host=web1", "--host-key=" + HOST_KEY)
            assert (code, out) == (1, ""), aud
            assert "bound to the host key" in err and "jwtd 0.2 or later" in err


def test_a_refused_narrowing_names_the_field_and_the_reason():
    with server() as s:
        for status, body, part in (
                (400, {"scope": ["More than the token shown has."]}, "scope: More than the token shown has."),
                (400, {"detail": "no\ttab"}, "no?tab"),
                (403, {"detail": "You do not have permission to perform this action."}, "permission"),
                (404, {"detail": "Not found."}, "the server is not jwtd, or an older release"),
                (401, {"detail": "Token is blacklisted"}, "replied with status 401: Token is blacklisted"),
                (200, {"token": 1}, "expected an access token")):
            s.answer["/api/token/narrow/"] = (status, body, {})
            code, out, err = run("token", "--service=sudo")
            assert (code, out) == (1, "")
            assert part in err


def test_a_refused_access_token_is_refreshed_once_before_the_session_is_given_up():
    """As when the clock of the server is ahead."""
    with server() as s:
        old = stored()
        say = s.say
        s.say = lambda route, asked: ((s.answer.pop("/api/token/narrow/", None), say(route, asked))[1]
                                      if route == "/api/token/refresh/" else say(route, asked))
        s.answer["/api/token/narrow/"] = (401, {"detail": "Token is expired"}, {})
        code, out, err = run("token", "--service=sudo")
        assert (code, payload(out)["scope"], err) == (0, "pam:sudo", "")
        assert [route for route, _, _ in s.asked] == ["/api/token/narrow/", "/api/token/refresh/", "/api/token/narrow/"]
        assert [headers["Authorization"] for route, _, headers in s.asked if "narrow" in route] == [
            "Bearer " + old["access"], "Bearer " + stored()["access"]]
        # A token that another process has refreshed meanwhile is used.
        s.asked.clear()
        s.answer["/api/token/narrow/"] = (401, {"detail": "Token is expired"}, {})
        assert run("token", "--service=sudo")[0] == 0
        # The server alone ends a session, by refusing the refresh token.
        for detail, kept in (("No active account found for the given token.", True), ("Token is blacklisted", False)):
            s.answer["/api/token/narrow/"] = s.answer["/api/token/refresh/"] = (401, {"detail": detail}, {})
            code, out, err = run("token", "--service=sudo")
            assert (code, out, exists()) == (1, "", kept)
            assert ("locked" if kept else "no longer valid (Token is blacklisted); log in with: jwtctl login") in err
    with server() as s:
        s.answer["/api/token/narrow/"] = (401, {"detail": "Token is expired"}, {})
        s.answer["/api/token/refresh/"] = (503, {"detail": "no"}, {})
        code, out, err = run("token", "--service=sudo")
        assert (code, out, exists()) == (1, "", True) and "unavailable" in err


def test_a_token_for_one_use_names_its_host_where_there_are_several():
    with server(aud=["web1", "web2"]) as s:
        code, out, err = run("token", "--once")
        assert (code, out, s.asked) == (1, "", [])
        assert "web1, web2" in err
        assert run("token", "--once", "--host=web2")[0] == 0
        assert asked(s) == [{"aud": "web2", "one_time": True}]
