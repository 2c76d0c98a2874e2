"""A hostile server: no control character, separator or change of direction reaches the terminal."""

import json
import os
import pty
import unicodedata

from harness import JWTCTL, claims, environment, log_in, run, server, sign, stored, wait_for_silence

# Sets a window title, and makes "evil" look like part of another line.
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b2J\x85\x7f\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029\u061c\ufeff\U000e0041\r\nevil"
VISIBLE = "é漢\u0301"


def harmless(*texts):
    for text in texts:
        bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"]
        assert not bad, (bad, text)
        assert "\nevil" not in text, text


def hostile(*args, stdin=""):
    code, out, err = run(*args, stdin=stdin)
    harmless(out, err)
    return code, out, err


# Every command that shows a reply, and the path it asks.
COMMANDS = ((("token", "--service=sudo"), "/api/token/narrow/"), (("sessions",), "/api/sessions/"),
            (("status", "--socket=/nowhere"), "/api/user/"), (("logout",), "/api/token/blacklist/"),
            (("logout", "--all"), "/api/logout/all/"))


def test_error_details_are_shown_without_control_characters():
    with server() as s:
        for status in (400, 401, 403, 503):
            for body in ({"detail": VISIBLE + ESCAPES}, {ESCAPES: [ESCAPES]}, {"non_field_errors": [ESCAPES]}):
                for args, route in COMMANDS:
                    s.answer[route] = (status, body, {})
                    code, _, err = hostile(*args)
                    s.answer.clear()
                    assert (args, code) == (args, 1 if status != 401 or args != ("logout",) else 0)
                    assert status != 403 or "detail" not in body or VISIBLE in err, err
                    if args == ("logout",):
                        log_in(s)
                s.answer["/api/token/"] = (status, body, {})
                assert hostile("login", "alice", f"--server={s.socket_path}", stdin="x\n")[0] == 1
                s.answer.clear()


def test_a_refused_refresh_is_shown_without_control_characters():
    with server(lifetime=-1) as s:
        s.answer["/api/token/refresh/"] = (401, {"detail": ESCAPES}, {})
        assert hostile("token")[0] == 1


def test_lists_and_names_are_shown_without_control_characters():
    with server() as s:
        row = {name: ESCAPES for name in ("sid", "source", "client", "user", "created")}
        s.answer["/api/sessions/"] = (200, [row], {})
        s.answer["/api/user/"] = (200, {"username": ESCAPES}, {})
        s.answer["/api/logout/all/"] = (200, {"ended": ESCAPES}, {})
        assert hostile("sessions")[0] == 0
        assert hostile("status", "--socket=/nowhere")[0] == 0
        assert json.loads(hostile("status", "--json", "--socket=/nowhere")[1])["login"]["user"] == ESCAPES
        assert json.loads(hostile("sessions", "--json")[1]) == [row], "escapes in JSON mean the same text"
        assert hostile("logout", "--all")[0] == 0


def test_only_what_has_the_form_of_a_token_is_printed_as_one():
    with server() as s:
        for text in (ESCAPES, "a.b." + ESCAPES, "eyJ.eyJ\x1b.x", "a.b", "", "a.b.\u202e"):
            s.answer["/api/token/narrow/"] = (200, {"access": text}, {})
            assert hostile("token", "--once")[:2] == (1, "")
    with server(lifetime=30) as s:
        before = stored()
        for text in (ESCAPES, "a.b." + ESCAPES, "eyJ.eyJ\x1b.x"):
            s.answer["/api/token/refresh/"] = (200, {"access": text, "refresh": text}, {})
            assert hostile("token")[:2] == (1, "")
            assert stored() == before


def test_claims_are_shown_without_control_characters():
    token = sign(json.dumps(claims(**{ESCAPES: ESCAPES, "iss": "https://" + ESCAPES}), ensure_ascii=False))
    assert hostile("show", stdin=token)[0] == 0
    assert json.loads(hostile("show", "--json", stdin=token)[1])["claims"][ESCAPES] == ESCAPES
    assert hostile("verify", stdin=token)[0] != 0


def test_a_prompt_is_shown_without_control_characters():
    with server():
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(JWTCTL, [JWTCTL, "askpass", VISIBLE + ESCAPES.replace("\n", "") + ": "], environment())
        wait_for_silence(fd)
        shown = b""
        while VISIBLE.encode() not in shown or not shown.endswith(b": "):
            shown += os.read(fd, 1000)
        shown = shown.decode()
        os.write(fd, b"x\n")
        assert os.waitpid(pid, 0)[1] == 0
        os.close(fd)
    harmless(shown.replace("\r\n", "\n", 1))  # the line with the reason
    assert VISIBLE in shown
