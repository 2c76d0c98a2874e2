"""jwtctl login, token, logout: requests to the server and the stored session."""

import json
import os
import pwd
import socket
import subprocess
import time

import pytest

from harness import (JWTCTL, TMP, claims, environment, exists, stored, log_in, now, needs_root, path, payload, run,
                     server, session_file, sign, visible)


def test_login_stores_the_pair_privately_and_prints_no_token():
    with server(login=False) as s:
        status, out, err = log_in(s, password='a "quoted\\ pass\tword\n')
        assert (status, err) == (0, "")
        assert "Logged in as alice until " in out
        assert "(access token valid for 15 min, refreshed when needed)" in out
        assert "eyJ" not in out
        route, body, headers = s.asked[0]
        assert (route, body) == ("/api/token/", {"username": "alice", "password": 'a "quoted\\ pass\tword'})
        assert (headers["Content-Type"], headers["Host"]) == ("application/json", "localhost")
        assert oct(os.stat(TMP + "/state/jwt").st_mode & 0o7777) == "0o700"
        for name in os.listdir(TMP + "/state/jwt"):
            assert oct(os.stat(TMP + "/state/jwt/" + name).st_mode & 0o7777) == "0o600"
        assert [TMP + "/state/jwt/" + name for name in visible()] == [TMP + "/state/jwt/in-use.json",
                                                                     session_file(s.socket_path)]
        answer = json.loads(log_in(s, "--json")[1])
        assert (answer["user"], answer["session_expires"] > answer["access_expires"]) == ("alice", True)


def test_a_server_that_does_not_read_is_given_up_after_10_s():
    """As jwtd's socket while jwtd cannot be started: systemd accepts the connection."""
    where = path("silent.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(where)
        listener.listen(4)
        before = time.monotonic()
        status, out, err = run("login", "alice", f"--server={where}", stdin="x\n")
        assert 9 < time.monotonic() - before < 20
        assert (status, out) == (1, "") and f"no reply from jwtd at {where} within 10 s; see: journalctl" in err, err
    os.unlink(where)


def test_a_login_that_the_server_has_read_may_take_longer():
    """jwtd answers after the check of the password, which may wait and be slow."""
    with server(login=False) as s:
        say = s.say
        s.say = lambda *args: (time.sleep(12), say(*args))[1]
        assert log_in(s)[0] == 0


def test_login_without_a_name_is_the_callers():
    with server(login=False) as s:
        assert run("login", f"--server={s.socket_path}", stdin="x\n")[0] == 0
        assert s.asked[0][1]["username"] == pwd.getpwuid(os.getuid()).pw_name


def test_a_refused_login_gives_the_reason_and_stores_nothing():
    with server(login=False) as s:
        for status, detail, headers, part in (
                (401, "No active account found with the given credentials", {}, "wrong password"),
                (429, "Request was throttled.", {"Retry-After": "37"}, "37 s"),
                (503, "Unavailable", {"Retry-After": "1"}, "journalctl"),
                (400, "JSON parse error - x", {}, "JSON parse error")):
            s.answer["/api/token/"] = (status, {"detail": detail}, headers)
            code, out, err = log_in(s)
            assert (code, out, exists()) == (1, "", False)
            assert part in err
        s.answer["/api/token/"] = (200, {"access": "x", "refresh": "y"}, {})
        assert (log_in(s)[0], exists()) == (1, False)
        s.answer.clear()
        assert log_in(s, password="")[0] == 1
        assert len(s.asked) == 5


def test_a_reply_that_is_no_strict_json_holds_no_tokens():
    with server(login=False) as s:
        pair = json.dumps(s.pair()).encode()
        for text in (pair[:-1] + b',"access":"x"}', pair[:-1] + b',"x":"\xff"}', pair[:-1] + b',"x":NaN}',
                     pair.replace(b'"access"', b"'access'"), pair + b"x", pair + b"\0", b"[" * 64 + b"]" * 64, b""):
            s.answer["/api/token/"] = (200, text, {})
            code, out, err = log_in(s)
            assert (code, out, exists()) == (1, "", False), text
            assert "expected an access and a refresh token" in err


def test_a_reply_may_have_any_character_and_any_number():
    with server(login=False) as s:
        pair = json.dumps({"x": "Zo\u00eb \u20ac \U0001f600", "n": 10**30, **s.pair()}, ensure_ascii=False)
        s.answer["/api/token/"] = (200, pair.encode(), {})
        code, _, err = log_in(s)
        assert (code, exists()) == (0, True), err


def test_the_stored_session_is_one_compact_line():
    with server() as s:
        with open(session_file(), encoding="utf-8") as f:
            text = f.read()
        assert list(stored()) == ["server", "access", "refresh"]
        assert text == json.dumps(stored(), separators=(",", ":")) + "\n"
        assert stored()["server"] == s.socket_path
        access = stored()["access"]
        expires = int(json.loads(run("token", "--json")[1])["expires"])
        assert run("token", "--json") == (0, f'{{"access":"{access}","expires":{expires}}}\n', "")


def test_a_missing_daemon_is_reported_with_socket_and_remedy():
    code, _, err = run("login", "alice", f"--server={path('none.sock')}", stdin="x\n")
    assert code == 1
    assert path("none.sock") in err
    assert "systemctl enable --now jwtd.socket" in err


@pytest.mark.parametrize("url", [
    "http://example.org/", "http://localhost.example.org/", "http://127.0.0.1.example/", "http://[::2]/",
    "ftp://localhost/", "file:///etc/passwd", "example.org", "https://alice:secret@localhost/",
    "https://localhost/?q", "relative.sock", ""])
def test_a_password_never_travels_in_clear(url):
    code, _, err = run("login", f"--server={url}", stdin="x\n")
    assert code == 2
    assert "--server" in err


def test_a_password_may_travel_in_clear_to_this_machine():
    assert run("login", "--server=http://127.0.0.1:1/", stdin="x\n")[0] == 1


def test_token_prints_the_valid_access_token():
    with server() as s:
        assert run("token") == (0, stored()["access"] + "\n", "")
        assert s.asked == []
        answer = json.loads(run("token", "--json")[1])
        assert answer["access"] == stored()["access"]


def test_token_is_refreshed_with_under_a_minute_left():
    with server(lifetime=59) as s:
        before = stored()
        s.lifetime = 900
        status, out, _ = run("token")
        assert (status, out.strip()) == (0, stored()["access"])
        assert [(a[0], a[1]) for a in s.asked] == [("/api/token/refresh/", {"refresh": before["refresh"]})]
        assert stored()["refresh"] != before["refresh"]
        assert run("token")[1] == out
        assert len(s.asked) == 1


def test_without_rotation_the_refresh_token_stays():
    with server(lifetime=1) as s:
        before = stored()
        s.answer["/api/token/refresh/"] = (200, {"access": sign(claims(exp=now() + 900))}, {})
        assert run("token")[0] == 0
        assert stored()["refresh"] == before["refresh"]
        assert stored()["access"] != before["access"]


def test_many_processes_make_one_refresh():
    with server(lifetime=10) as s:
        s.lifetime, s.delay = 900, 0.3
        ps = [subprocess.Popen([JWTCTL, "token"], stdout=subprocess.PIPE, env=environment()) for _ in range(8)]
        outs = {p.communicate(timeout=120)[0] for p in ps}
        assert (len(outs), len(s.asked)) == (1, 1)
        assert [p.returncode for p in ps] == [0] * 8


def test_an_ended_session_is_removed():
    with server(lifetime=10) as s:
        s.answer["/api/token/refresh/"] = (401, {"detail": "Token is blacklisted", "code": "token_not_valid"}, {})
        code, out, err = run("token")
        assert (code, out, exists()) == (1, "", False)
        assert "Token is blacklisted" in err
        assert "jwtctl login" in err
        code, _, err = run("token")
        assert (code, len(s.asked)) == (1, 1)
        assert "jwtctl login" in err


def test_the_tokens_of_a_locked_account_are_kept_for_when_it_is_unlocked():
    with server(lifetime=-1) as s:
        s.answer["/api/token/refresh/"] = (401, {"detail": "No active account found for the given token."}, {})
        for _ in range(2):
            code, out, err = run("token")
            assert (code, out, exists()) == (1, "", True)
            assert "the account is locked, expired or not allowed to log in" in err and "jwtctl login" not in err
        s.answer.clear()
        s.lifetime = 900
        assert run("token")[0] == 0


def test_a_valid_token_is_used_while_the_server_is_unreachable():
    with server(lifetime=50) as s:
        for status in (503, 429, 500):
            s.answer["/api/token/refresh/"] = (status, {"detail": "no"}, {})
            assert run("token") == (0, stored()["access"] + "\n", "")
    assert run("token") == (0, stored()["access"] + "\n", "")
    with server(lifetime=-1) as s:
        s.answer["/api/token/refresh/"] = (503, {"detail": "no"}, {})
        code, out, _ = run("token")
        assert (code, out, exists()) == (1, "", True)
    code, out, err = run("token")
    assert (code, out, exists()) == (1, "", True)
    assert "jwtd.socket" in err


def test_logout_all_ends_every_session_and_removes_this_one():
    with server() as s:
        access = stored()["access"]
        s.answer["/api/logout/all/"] = (200, {"ended": 3}, {})
        assert run("logout", "--all") == (0, f"3 sessions ended at {s.socket_path}; tokens removed here\n", "")
        (route, body, headers), = s.asked
        assert (route, body, headers["Authorization"]) == ("/api/logout/all/", None, "Bearer " + access)
        assert not exists()
        assert run("logout", "--all")[0] == 1


def test_logout_all_keeps_the_tokens_if_it_is_refused():
    with server() as s:
        for status, detail, part in ((503, "no", "journalctl"), (404, "Not found.", "not jwtd"),
                                     (401, "Token is blacklisted", "Token is blacklisted"),
                                     (403, "You do not have permission to perform this action.", "permission")):
            s.answer["/api/logout/all/"] = (status, {"detail": detail}, {})
            code, out, err = run("logout", "--all")
            assert (code, out, exists()) == (1, "", True)
            assert part in err
    code, out, err = run("logout", "--all")
    assert (code, out, exists()) == (1, "", True)


def test_a_new_login_ends_the_session_that_it_replaces():
    with server() as s:
        before = stored()
        s.asked.clear()
        seen = []
        say = s.say
        s.say = lambda route, asked: (seen.append(stored()["refresh"]), say(route, asked))[1]
        assert log_in(s)[0] == 0
        assert [(route, body.get("refresh")) for route, body, _ in s.asked] == [
            ("/api/token/", None), ("/api/token/blacklist/", before["refresh"])]
        # The new tokens were stored before the old session was ended.
        assert seen == [before["refresh"], stored()["refresh"]] and seen[0] != seen[1]


def test_a_session_that_cannot_be_ended_is_reported_and_the_login_stays():
    with server() as s:
        for status, part in ((503, "journalctl"), (500, "status 500")):
            s.answer["/api/token/blacklist/"] = (status, {"detail": "no"}, {})
            code, out, err = log_in(s)
            assert (code, "Logged in as alice" in out) == (0, True)
            assert "warning: the session that this login replaces was not revoked: " in err and part in err
        s.answer["/api/token/blacklist/"] = (401, {"detail": "Token is blacklisted"}, {})
        assert log_in(s)[::2] == (0, "")


def test_logout_ends_the_session_and_removes_the_tokens():
    with server() as s:
        refresh = stored()["refresh"]
        assert run("logout") == (0, f"Session ended at {s.socket_path}; tokens removed here\n", "")
        assert [(a[0], a[1]) for a in s.asked] == [("/api/token/blacklist/", {"refresh": refresh})]
        assert not exists()
        assert run("logout") == (0, f"Not logged in at {s.socket_path}\n", "")
        assert len(s.asked) == 1


def test_logout_of_a_session_that_the_server_ended_removes_it():
    with server() as s:
        s.answer["/api/token/blacklist/"] = (401, {"detail": "Token is blacklisted"}, {})
        assert run("logout") == (0, f"The session at {s.socket_path} had already ended; tokens removed here\n", "")
        assert not exists()


def test_logout_without_the_server_removes_the_tokens_and_says_how_long_the_session_lives():
    with server() as s:
        s.answer["/api/token/blacklist/"] = (503, {"detail": "no"}, {})
        until = time.strftime("%a %Y-%m-%d %H:%M", time.gmtime(payload(stored()["refresh"])["exp"]))
        words = f"jwtctl: tokens removed here; the session was not ended and lasts until {until}\n"
        code, out, err = run("logout")
        assert (code, out, exists()) == (1, "", False)
        assert "journalctl" in err and err.endswith(words)
        assert log_in(s)[0] == 0
    code, out, err = run("logout")
    assert (code, out, exists()) == (1, "", False)
    assert "cannot connect" in err and "tokens removed here" in err


def test_a_cache_behind_a_link_or_open_to_others_is_not_read():
    with server():
        file = session_file()
        os.chmod(file, 0o644)
        assert run("token")[:2] == (1, "")
        os.chmod(file, 0o600)
        os.rename(file, TMP + "/elsewhere")
        os.symlink(TMP + "/elsewhere", file)
        assert run("token")[:2] == (1, "")
        os.unlink(file)
        os.rename(TMP + "/state/jwt", TMP + "/state/other")
        os.rename(TMP + "/elsewhere", file.replace("/jwt/", "/other/"))
        os.symlink(TMP + "/state/other", TMP + "/state/jwt")
        assert run("token")[:2] == (1, "")
        os.unlink(TMP + "/state/jwt")
        os.rename(TMP + "/state/other", TMP + "/state/jwt")
        assert run("token")[0] == 0


@needs_root
def test_a_cache_of_another_user_is_not_read():
    with server():
        os.chown(TMP + "/state/jwt", 65534, 65534)
        code, _, err = run("token")
        assert code == 1
        assert "65534" in err


def test_a_damaged_session_file_is_reported_and_replaced_by_a_login():
    with server() as s:
        good, file = json.dumps(stored()), session_file()
        for text in ("", "[]", '{"server":"/x","access":1}', good + "x", good[:-1] + ',"server":"/x"}'):
            with open(file, "w", encoding="utf-8") as f:
                f.write(text)
            code, out, err = run("token")
            assert (code, out) == (1, ""), text
            assert err.count("\n") == 1 and f"{file}: expected an object" in err
        assert (log_in(s)[0], run("token")[0]) == (0, 0)


def test_a_missing_login_is_reported_with_the_remedy():
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    for command in (("token",), ("run", "--", "true")):
        code, out, err = run(*command)
        assert (code, out) == (1, "")
        assert "jwtctl login" in err
    assert run("askpass", "Password: ")[:2] == (1, "")
    assert not os.path.exists(TMP + "/state")


def test_the_cache_is_in_the_home_without_xdg_state_home():
    home = path("home")
    os.makedirs(home, exist_ok=True)
    with server(login=False) as s:
        for state in ("", "relative"):
            env = environment(HOME=home, XDG_STATE_HOME=state)
            assert run("login", f"--server={s.socket_path}", stdin="x\n", env=env)[0] == 0
            assert visible(home + "/.local/state")[0] == "in-use.json"
            assert stored(s.socket_path, home + "/.local/state")["server"] == s.socket_path
