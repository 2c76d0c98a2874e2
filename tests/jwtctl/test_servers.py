"""Logins at several servers: which one a command is for, and that they are kept apart."""

import contextlib
import json
import os
import signal
import subprocess
import threading

import pytest
from harness import (BUILD, JWTCTL, TMP, Server, environment, exists, log_in, path, run, server, session_file, stored,
                     visible)

LOCAL = "/run/jwtd/http.sock"


@contextlib.contextmanager
def servers(*names):
    """One login at each, in this order."""
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    found = [Server(name + ".sock") for name in names]
    try:
        for s, name in zip(found, names):
            assert log_in(s, "--name=" + name)[0] == 0
            s.asked.clear()
        yield found
    finally:
        for s in found:
            s.stop()


def listed():
    """Name, user and server of each login; the one in use first."""
    rows = json.loads(run("servers", "--json")[1])
    assert [row["in_use"] for row in rows] == [True] * (len(rows) > 0) + [False] * (len(rows) - 1)
    return [(row["name"], row["user"], row["server"]) for row in rows]


def test_logins_are_listed_and_the_one_in_use_is_marked():
    with servers("work", "home") as (work, home):
        assert listed() == [("home", "alice", home.socket_path), ("work", "alice", work.socket_path)]
        code, out, err = run("servers")
        lines = out.splitlines()
        assert (code, err, len(lines)) == (0, "", 3)
        assert lines[0].split()[:2] == ["NAME", "USER"]
        assert [line[0] for line in lines] == [" ", "*", " "]
        starts = {line.index(word) for line, word in zip(lines, ("SERVER", home.socket_path, work.socket_path))}
        assert len(starts) == 1, "aligned"
        assert work.asked == home.asked == []
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    assert run("servers", "--json") == (0, "[]\n", "")
    assert "jwtctl login" in run("servers")[2] and not os.path.exists(TMP + "/state")


def test_each_command_is_for_the_server_that_is_named_or_in_use():
    with servers("work", "home") as (work, home):
        for args, env, chosen, other in (
                ((), {}, home, work), (("--server=work",), {}, work, home), ((), {"JWT_SERVER": "work"}, work, home),
                (("--server=home",), {"JWT_SERVER": "work"}, home, work), ((), {"JWT_SERVER": ""}, home, work),
                (("--server=" + work.socket_path,), {}, work, home)):
            for command in (("token", "--service=sudo"), ("sessions",), ("status", "--socket=" + path("none"))):
                run(*command, *args, env=environment(**env))
                assert (len(chosen.asked) > 0, other.asked) == (True, []), (command, args, env)
                chosen.asked.clear()
            assert run("token", *args, env=environment(**env))[1].strip() == stored(chosen.socket_path)["access"]
        assert run("use", "work") == (0, f"The login in use is work, at {work.socket_path}\n", "")
        assert run("token")[1].strip() == stored(work.socket_path)["access"]
        assert run("logout", "--server=home")[0] == 0
        assert (len(work.asked), [route for route, _, _ in home.asked]) == (0, ["/api/token/blacklist/"])
        assert run("token")[0] == 0 and run("token", "--server=home")[0] == 1
        assert run("login", stdin="x\n")[0] == 0, "at the server in use"
        assert [route for route, _, _ in work.asked] == ["/api/token/", "/api/token/blacklist/"]


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed():
    with servers("work", "home") as (work, home):
        before = listed()
        for command in (("token", "--server=wrok"), ("login", "--server=wrok"), ("use", "wrok"), ("logout", "--server=wrok")):
            code, out, err = run(*command, stdin="x\n")
            assert (code in (1, 2), out) == (True, "")
            assert "'wrok': no login has this name; " in err and err.rstrip().split("one of: ")[1].startswith(
                "local, home, work"), err
        assert "one of: local, home, work" in run("token", env=environment(JWT_SERVER="wrok"))[2]
        assert work.asked == home.asked == [] and listed() == before
        code, out, err = run("use", "https://never.example")
        assert (code, out) == (1, "") and "jwtctl login --server=https://never.example" in err
        assert run("use")[0] == 2


def test_the_server_of_this_machine_is_the_default_and_can_be_chosen_again():
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    code, _, err = run("token")
    assert code == 1 and err == f"jwtctl: not logged in at {LOCAL}; log in with: jwtctl login\n"
    with servers("work"):
        assert "log in with: jwtctl login --server=local" in run("token", "--server=local")[2]
        assert run("use", "local") == (0, f"The login in use is local, at {LOCAL}\n", "")
        assert run("token")[2] == f"jwtctl: not logged in at {LOCAL}; log in with: jwtctl login\n"
        assert run("use", "work")[0] == 0


def test_a_name_is_kept_until_it_is_forgotten():
    with servers("work") as (work,):
        assert run("logout") == (0, f"Session ended at {work.socket_path}; tokens removed here\n", "")
        assert stored() == {"server": work.socket_path, "name": "work"}
        assert "not logged in" in run("servers")[1]
        assert run("token")[2] == f"jwtctl: not logged in at {work.socket_path}; log in with: jwtctl login\n"
        assert run("show")[:2] == (1, "")
        assert run("login", "--server=work", stdin="x\n")[0] == 0
        assert run("show")[1].startswith("token:   of the session; for another: cat | jwtctl show\nheader:  ")
        assert stored()["name"] == "work"
        assert log_in(work, "--name=office")[0] == 0 and listed()[0][0] == "office"
        assert run("logout", "--forget")[0] == 0 and listed() == []
        # The same without a session, and for a session that the server has ended.
        assert log_in(work, "--name=work")[0] == 0
        work.lifetime = 10
        assert log_in(work)[0] == 0
        work.answer["/api/token/refresh/"] = (401, {"detail": "Token is blacklisted"}, {})
        assert run("token")[0] == 1
        assert stored() == {"server": work.socket_path, "name": "work"}
        assert run("logout", "--forget")[0] == 0 and listed() == []


@pytest.mark.parametrize("name", ["", "-x", ".x", "a/b", "a b", "n" * 33, "local", "work", "caf\u00e9", "a\tb"])
def test_a_name_that_misleads_is_refused(name):
    with servers("work"):
        other = Server("other.sock")
        try:
            code, out, err = log_in(other, "--name=" + name)
            assert (code, out, other.asked) == (2, "", [])
            assert "--name: '" in err
        finally:
            other.stop()


def test_one_server_has_one_login_however_it_is_spelled():
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    os.makedirs(TMP + "/state/jwt", 0o700)
    canonical = "https://login.example"
    with open(session_file(canonical), "w", encoding="utf-8") as f:
        json.dump({"server": canonical, "name": "work", "access": "a.b.c", "refresh": "a.b.c"}, f)
    os.chmod(session_file(canonical), 0o600)
    for spelling in (canonical, "https://LOGIN.Example/", "HTTPS://login.example:443", "https://login.example:443///", "work"):
        assert run("use", spelling)[1] == f"The login in use is work, at {canonical}\n", spelling
    for other in ("https://login.example:8443", "https://login.example/API", "https://login.example.org"):
        assert run("use", other)[0] == 1, other
    # A name in a file is not printed as it is.
    with open(session_file(canonical), "w", encoding="utf-8") as f:
        json.dump({"server": canonical, "name": "\u202eevil\x1b[2J", "access": "a.b.c", "refresh": "a.b.c"}, f)
    out = run("servers")[1]
    assert "\x1b" not in out and "\u202e" not in out and "?evil?[2J" in out


# The release before kept one session, in session.json.

def old_session(s, state=TMP + "/state"):
    """As jwtctl of commit 2c13d5e writes it."""
    subprocess.run(["rm", "-rf", state], check=True)
    os.makedirs(state + "/jwt", 0o700)
    kept = {"server": s.socket_path, **s.pair()}
    with open(state + "/jwt/session.json", "w", encoding="utf-8") as f:
        f.write(json.dumps(kept, separators=(",", ":")) + "\n")
    os.chmod(state + "/jwt/session.json", 0o600)
    return kept


@pytest.mark.parametrize("command", [("token",), ("status", "--socket=/none"), ("servers",), ("show",), ("sessions",),
                                     ("token", "--service=sudo"), ("run", "--", "true"), ("use", "local")])
def test_the_session_of_the_release_before_is_taken_over(command):
    with server(login=False) as s:
        kept = old_session(s)
        assert run(*command)[2] in ("", "jwtctl: expected a list of sessions in the reply\n")
        assert stored() == kept and not os.path.exists(TMP + "/state/jwt/session.json")
        assert oct(os.stat(session_file()).st_mode & 0o7777) == "0o600"
        assert run("token", "--server=" + s.socket_path) == (0, kept["access"] + "\n", "")
        # It stays in use when it has ended.
        if command[0] != "use":
            assert run("logout")[0] == 0
            assert run("login", stdin="x\n")[0] == 0 and stored()["server"] == s.socket_path


def test_takeover_by_many_commands_at_once_loses_nothing():
    with server(login=False) as s:
        kept = old_session(s)
        ps = [subprocess.Popen([JWTCTL, "token"], stdout=subprocess.PIPE, env=environment()) for _ in range(8)]
        assert {p.communicate(timeout=120)[0].decode().strip() for p in ps} == {kept["access"]}
        assert stored() == kept


def test_a_session_that_an_old_program_makes_later_is_taken_over_again():
    with servers("work", "home") as (work, home):
        kept = {"server": work.socket_path, **work.pair()}
        with open(TMP + "/state/jwt/session.json", "w", encoding="utf-8") as f:
            json.dump(kept, f)
        os.chmod(TMP + "/state/jwt/session.json", 0o600)
        assert run("token") == (0, kept["access"] + "\n", "")
        assert stored(home.socket_path)["name"] == "home"


def test_a_damaged_session_of_the_release_before_is_reported_and_removed_by_a_login():
    with server(login=False) as s:
        old_session(s)
        with open(TMP + "/state/jwt/session.json", "w", encoding="utf-8") as f:
            f.write("{")
        code, out, err = run("token")
        assert (code, out) == (1, "") and "session.json: expected an object" in err
        assert log_in(s)[0] == 0 and run("token")[0] == 0
        assert not os.path.exists(TMP + "/state/jwt/session.json")


# At once

def test_logins_at_two_servers_at_once_do_not_wait_for_each_other():
    """Each server answers when both have been asked."""
    with servers("work", "home") as (work, home):
        both = threading.Barrier(2, timeout=60)
        for s in (work, home):
            say = s.say
            s.say = lambda route, asked, say=say: (route == "/api/token/" and both.wait(), say(route, asked))[1]
        ps = [subprocess.Popen([JWTCTL, "login", "alice", "--server=" + name], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=environment()) for name in ("work", "home")]
        for p in ps:
            p.stdin.write(b"x\n")
            p.stdin.close()
        assert [p.wait(120) for p in ps] == [0, 0]
        assert {row[0] for row in listed()} == {"work", "home"}
        for s in (work, home):
            assert stored(s.socket_path)["name"] and run("token", "--server=" + s.socket_path)[0] == 0


def test_a_login_and_run_at_once_both_succeed():
    with servers("work") as (work,):
        for _ in range(5):
            login = subprocess.Popen([JWTCTL, "login", "alice"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     env=environment())
            runs = [subprocess.Popen([JWTCTL, "run", "--", "true"], env=environment()) for _ in range(3)]
            login.communicate(b"x\n", timeout=120)
            assert [p.wait(120) for p in (login, *runs)] == [0] * 4
        ended = [body["refresh"] for route, body, _ in work.asked if route == "/api/token/blacklist/"]
        assert len(ended) == len(set(ended)) == 5 and stored()["refresh"] not in ended


# kill -9 before and after each call that changes the disk

def killed_at(step, *args, stdin=""):
    """Runs a command that dies at this step; false: it has ended before."""
    with open(path("kill-at"), "w", encoding="utf-8") as f:
        f.write(str(step))
    env = environment(LD_PRELOAD=BUILD + "/tests/http/kill_at.so", KILL_AT=path("kill-at"),
                      ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
    return run(*args, stdin=stdin, env=env)[0] == -signal.SIGKILL


KILLED = {
    "login": ("login", "alice", "--server=work"),
    "refresh": ("token", "--server=work"),
    "use": ("use", "work"),
    "logout": ("logout", "--server=work"),
}


@pytest.mark.parametrize("name", list(KILLED))
def test_a_command_that_is_killed_at_any_step_leaves_each_login_whole(name):
    steps, step = 0, 0
    with servers("work", "home") as (work, home):
        while step == steps:
            step += 1
            assert log_in(work)[0] == 0 and run("use", "home")[0] == 0
            if name == "refresh":
                work.lifetime = 50
                assert log_in(work)[0] == 0
                work.lifetime = 900
            before, other = stored(work.socket_path), stored(home.socket_path)
            new = []
            say = work.say
            work.say = lambda route, asked, say=say, new=new: new.append(say(route, asked)) or new[-1]
            steps += killed_at(step, *KILLED[name], stdin="x\n")
            work.say = say
            assert stored(home.socket_path) == other
            now = stored(work.socket_path)
            assert now["name"] == "work"
            assert now.get("refresh") in {before["refresh"], *(pair.get("refresh") for pair in new)} | (
                {None} if name == "logout" else set()), (step, now)
            assert {row[0] for row in listed()} == {"work", "home"}
            # The next command of each kind works, and what the killed one left is gone.
            for command in KILLED.values():
                assert run(*command, stdin="x\n")[0] == 0, (step, command)
                assert command[0] != "logout" or log_in(work)[0] == 0
            assert not [file for file in visible() if file.endswith(".new")]
    assert steps >= 4, "a lock, a room and a rename at least"


def test_a_takeover_that_is_killed_at_any_step_loses_nothing():
    step, killed = 0, True
    with server(login=False) as s:
        while killed:
            step += 1
            kept = old_session(s)
            killed = killed_at(step, "token")
            assert run("token") == (0, kept["access"] + "\n", ""), step
            assert stored() == kept
    assert step > 2


def test_damage_of_one_login_does_not_touch_another():
    with servers("work", "home") as (work, _):
        with open(session_file(work.socket_path), "w", encoding="utf-8") as f:
            f.write("{")
        assert run("token")[::2] == (0, "")
        code, out, err = run("servers")
        assert (code, out.count("\n")) == (0, 2) and session_file(work.socket_path) in err
        with open(TMP + "/state/jwt/in-use.json", "w", encoding="utf-8") as f:
            f.write("{")
        assert run("token", "--server=home")[0] == 0
        assert log_in(work)[0] == 0 and exists(work.socket_path) and run("token")[0] == 0
