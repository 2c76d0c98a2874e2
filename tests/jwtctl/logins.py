"""jwtctl login, token, logout: what is asked of the server, what is kept."""

import json
import os
import subprocess
import time

from harness import (JWTCTL, TMP, claims, environment, equal, exists, holds, kept, log_in, path,
                     promise, run, server, sign)


@promise
def login_keeps_the_pair_private_and_prints_no_token():
    with server(login=False) as s:
        status, out, err = log_in(s, password='a "quoted\\ pass\tword\n')
        equal((status, err), (0, ""))
        holds(out, "Logged in as alice until ")
        holds(out, "(access token 15 min, refreshed by itself)")
        equal("eyJ" in out, False)
        route, body, headers = s.asked[0]
        equal((route, body), ("/api/token/", {"username": "alice", "password": 'a "quoted\\ pass\tword'}))
        equal((headers["Content-Type"], headers["Host"]), ("application/json", "localhost"))
        equal(oct(os.stat(TMP + "/state/jwt").st_mode & 0o7777), "0o700")
        equal(oct(os.stat(TMP + "/state/jwt/session.json").st_mode & 0o7777), "0o600")
        equal(os.listdir(TMP + "/state/jwt"), ["session.json"])
        answer = json.loads(log_in(s, "--json")[1])
        equal((answer["user"], answer["session_expires"] > answer["access_expires"]), ("alice", True))


@promise
def login_without_a_name_is_the_callers():
    with server(login=False) as s:
        equal(run("login", f"--server={s.socket_path}", stdin="x\n")[0], 0)
        equal(s.asked[0][1]["username"], "root")


@promise
def a_login_that_is_refused_says_why_and_keeps_nothing():
    with server(login=False) as s:
        for status, detail, headers, part in (
                (401, "No active account found with the given credentials", {}, "wrong password"),
                (429, "Request was throttled.", {"Retry-After": "37"}, "37 s"),
                (503, "Unavailable", {"Retry-After": "1"}, "journalctl"),
                (400, "JSON parse error - x", {}, "JSON parse error")):
            s.answer["/api/token/"] = (status, {"detail": detail}, headers)
            code, out, err = log_in(s)
            equal((code, out, exists()), (1, "", False))
            holds(err, part)
        s.answer["/api/token/"] = (200, {"access": "x", "refresh": "y"}, {})
        equal((log_in(s)[0], exists()), (1, False))
        s.answer.clear()
        equal(log_in(s, password="")[0], 1)
        equal(len(s.asked), 5)


@promise
def a_missing_daemon_is_told_with_socket_and_remedy():
    code, _, err = run("login", "alice", f"--server={path('none.sock')}", stdin="x\n")
    equal(code, 1)
    holds(err, path("none.sock"))
    holds(err, "systemctl enable --now jwtd.socket")


@promise
def a_password_never_travels_in_clear():
    for url in ("http://example.org/", "http://localhost.example.org/", "http://127.0.0.1.example/",
                "http://[::2]/", "ftp://localhost/", "file:///etc/passwd", "example.org",
                "https://alice:secret@localhost/", "https://localhost/?q", "relative.sock", ""):
        code, _, err = run("login", f"--server={url}", stdin="x\n")
        equal((url, code), (url, 2))
        holds(err, "--server")
    equal(run("login", "--server=http://127.0.0.1:1/", stdin="x\n")[0], 1)


@promise
def token_prints_the_access_token_that_holds():
    with server() as s:
        equal(run("token"), (0, kept()["access"] + "\n", ""))
        equal(s.asked, [])
        answer = json.loads(run("token", "--json")[1])
        equal(answer["access"], kept()["access"])


@promise
def token_is_refreshed_with_under_a_minute_left():
    with server(lifetime=59) as s:
        before = kept()
        s.lifetime = 900
        status, out, _ = run("token")
        equal((status, out.strip()), (0, kept()["access"]))
        equal([(a[0], a[1]) for a in s.asked], [("/api/token/refresh/", {"refresh": before["refresh"]})])
        equal(kept()["refresh"] != before["refresh"], True)
        equal(run("token")[1], out)
        equal(len(s.asked), 1)


@promise
def without_rotation_the_refresh_token_stays():
    with server(lifetime=1) as s:
        before = kept()
        s.answer["/api/token/refresh/"] = (200, {"access": sign(claims(exp=int(time.time()) + 900))}, {})
        equal(run("token")[0], 0)
        equal(kept()["refresh"], before["refresh"])
        equal(kept()["access"] != before["access"], True)


@promise
def many_processes_make_one_refresh():
    with server(lifetime=10) as s:
        s.lifetime, s.delay = 900, 0.3
        ps = [subprocess.Popen([*JWTCTL, "token"], stdout=subprocess.PIPE, env=environment()) for _ in range(8)]
        outs = {p.communicate(timeout=120)[0] for p in ps}
        equal((len(outs), len(s.asked)), (1, 1))
        equal([p.returncode for p in ps], [0] * 8)


@promise
def a_session_that_was_ended_is_forgotten():
    with server(lifetime=10) as s:
        s.answer["/api/token/refresh/"] = (401, {"detail": "Token is blacklisted", "code": "token_not_valid"}, {})
        code, out, err = run("token")
        equal((code, out, exists()), (1, "", False))
        holds(err, "Token is blacklisted")
        holds(err, "jwtctl login")
        code, _, err = run("token")
        equal((code, len(s.asked)), (1, 1))
        holds(err, "jwtctl login")


@promise
def a_token_that_holds_is_used_while_the_server_is_away():
    with server(lifetime=50) as s:
        for status in (503, 429, 500):
            s.answer["/api/token/refresh/"] = (status, {"detail": "no"}, {})
            equal(run("token"), (0, kept()["access"] + "\n", ""))
    equal(run("token"), (0, kept()["access"] + "\n", ""))
    with server(lifetime=-1) as s:
        s.answer["/api/token/refresh/"] = (503, {"detail": "no"}, {})
        code, out, _ = run("token")
        equal((code, out, exists()), (1, "", True))
    code, out, err = run("token")
    equal((code, out, exists()), (1, "", True))
    holds(err, "jwtd.socket")


@promise
def logout_of_all_ends_every_session_and_forgets_this_one():
    with server() as s:
        access = kept()["access"]
        s.answer["/api/logout/all/"] = (200, {"ended": 3}, {})
        equal(run("logout", "--all"), (0, "Logged out everywhere: 3 sessions ended\n", ""))
        equal([(a[0], a[1], a[2]["Authorization"]) for a in s.asked],
              [("/api/logout/all/", None, "Bearer " + access)])
        equal(exists(), False)
        equal(run("logout", "--all")[0], 1)


@promise
def logout_of_all_keeps_the_tokens_when_it_is_refused():
    with server() as s:
        for status, detail, part in ((503, "no", "journalctl"), (404, "Not found.", "no jwtd"),
                                     (401, "Token is blacklisted", "Token is blacklisted"),
                                     (403, "You do not have permission to perform this action.", "permission")):
            s.answer["/api/logout/all/"] = (status, {"detail": detail}, {})
            code, out, err = run("logout", "--all")
            equal((code, out, exists()), (1, "", True))
            holds(err, part)
    code, out, err = run("logout", "--all")
    equal((code, out, exists()), (1, "", True))


@promise
def logout_ends_the_session_there_and_here():
    with server() as s:
        refresh = kept()["refresh"]
        equal(run("logout"), (0, "Logged out\n", ""))
        equal([(a[0], a[1]) for a in s.asked], [("/api/token/blacklist/", {"refresh": refresh})])
        equal(exists(), False)
        equal(run("logout")[0], 0)
        equal(len(s.asked), 1)


@promise
def logout_of_a_session_the_server_ended_forgets_it():
    with server() as s:
        s.answer["/api/token/blacklist/"] = (401, {"detail": "Token is blacklisted"}, {})
        equal((run("logout")[0], exists()), (0, False))


@promise
def logout_keeps_the_tokens_while_the_server_is_away():
    with server() as s:
        s.answer["/api/token/blacklist/"] = (503, {"detail": "no"}, {})
        equal((run("logout")[0], exists()), (1, True))
    code, out, err = run("logout")
    equal((code, out, exists()), (1, "", True))
    holds(err, "the tokens are kept")


@promise
def a_cache_behind_a_link_or_open_to_others_is_not_read():
    with server():
        file = TMP + "/state/jwt/session.json"
        os.chmod(file, 0o644)
        equal(run("token")[:2], (1, ""))
        os.chmod(file, 0o600)
        os.rename(file, TMP + "/elsewhere")
        os.symlink(TMP + "/elsewhere", file)
        equal(run("token")[:2], (1, ""))
        os.unlink(file)
        os.rename(TMP + "/state/jwt", TMP + "/state/other")
        os.rename(TMP + "/elsewhere", TMP + "/state/other/session.json")
        os.symlink(TMP + "/state/other", TMP + "/state/jwt")
        equal(run("token")[:2], (1, ""))
        os.unlink(TMP + "/state/jwt")
        os.rename(TMP + "/state/other", TMP + "/state/jwt")
        equal(run("token")[0], 0)
        os.chown(TMP + "/state/jwt", 65534, 65534)
        code, _, err = run("token")
        equal(code, 1)
        holds(err, "65534")


@promise
def a_damaged_cache_is_told():
    with server():
        with open(TMP + "/state/jwt/session.json", "w", encoding="utf-8") as f:
            f.write('{"server":"/x","access":1}')
        code, _, err = run("token")
        equal(code, 1)
        holds(err, "damaged")


@promise
def nobody_logged_in_is_told_with_the_remedy():
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    for command in (("token",), ("run", "--", "true"), ("askpass", "Password: ")):
        code, out, err = run(*command)
        equal((code, out), (1, ""))
        holds(err, "jwtctl login")
    equal(os.path.exists(TMP + "/state"), False)


@promise
def the_cache_is_in_the_home_without_xdg_state_home():
    home = path("home")
    os.makedirs(home, exist_ok=True)
    with server(login=False) as s:
        for state in ("", "relative"):
            env = environment(HOME=home, XDG_STATE_HOME=state)
            equal(run("login", f"--server={s.socket_path}", stdin="x\n", env=env)[0], 0)
            equal(os.listdir(home + "/.local/state/jwt"), ["session.json"])
