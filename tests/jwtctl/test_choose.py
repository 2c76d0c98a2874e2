"""jwtctl run with logins at several servers: which of them askpass uses."""

import contextlib
import subprocess

import pytest
from harness import TMP, Server, environment, log_in, needs_root, run
from test_run import SSH, SUDO, jwtctl, ssh, sudo, tokens


@contextlib.contextmanager
def logins(**audiences):
    """A login for each of these names with tokens for its audiences; the last is in use."""
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    found = {}
    try:
        for name, aud in audiences.items():
            found[name] = Server(name + ".sock")
            found[name].aud = aud
            assert log_in(found[name], "--name=" + name)[0] == 0
            found[name].asked.clear()
        yield found
    finally:
        for s in found.values():
            s.stop()


def asked(servers):
    """The audiences of the tokens that each server was asked for."""
    return {name: [body["aud"] for route, body, _ in s.asked if route == "/api/token/narrow/"]
            for name, s in servers.items() if s.asked}


@pytest.mark.parametrize("host, audiences, used", [
    ("db", {"work": ["db", "web1"], "home": ["nas", "pi"]}, {"work": ["db"]}),
    ("pi", {"work": ["db", "web1"], "home": ["nas", "pi"]}, {"home": ["pi"]}),
    ("db", {"work": ["db.example", "web1"], "home": ["nas", "pi"]}, {"work": ["db.example"]}),
    # The name before the short name before the only audience.
    ("db", {"work": ["db", "web1"], "home": ["db.example", "pi"]}, {"work": ["db"]}),
    ("db", {"work": ["db.example", "web1"], "home": "fleet"}, {"work": ["db.example"]}),
    ("db", {"work": "fleet", "home": ["nas", "pi"]}, {"work": ["fleet"]}),
    # Several fit: the one in use.
    ("db", {"work": ["db", "web1"], "home": ["db", "pi"]}, {"home": ["db"]}),
    ("db", {"work": "fleet", "home": "other"}, {"home": ["other"]}),
    ("db", {"a": ["db", "x"], "work": ["db", "y"], "home": ["z", "pi"]}, {}),
    ("db", {"work": ["x", "web1"], "home": ["nas", "pi"]}, {})])
def test_the_login_whose_tokens_are_for_the_host_is_used(host, audiences, used):
    with logins(**audiences) as servers:
        code, out, err = ssh(PROMPT=SSH, HOST=host, NAME=host)
        assert (code == 0, asked(servers), len(tokens(out))) == (used != {}, used, len(used)), err
        if "a" in audiences:
            assert "no token: several logins are for this host (a, work); choose one with: jwtctl use" in err
        elif not used:
            assert f"no token: the session has no audience for {host}; it has: nas, pi" in err


def test_the_user_can_name_the_login_for_run():
    with logins(work="fleet", home="other") as servers:
        assert len(tokens(jwtctl("run", "--server=work", "--", "ssh", "db", PROMPT=SSH, HOST="db", NAME="db")[1])) == 1
        assert asked(servers) == {"work": ["fleet"]}
        servers["work"].asked.clear()
        assert len(tokens(ssh(PROMPT=SSH, JWT_SERVER="work")[1])) == 1
        assert asked(servers) == {"work": ["fleet"]}
        servers["work"].asked.clear()
        code, out, err = jwtctl("run", "--server=nowhere", "--", "true")
        assert (code, out) == (1, "") and "one of: local, home, work" in err
    with logins(work=["db", "x"], home=["db", "y"]) as servers:
        # A named login is used also where another one fits better.
        assert run("use", "work")[0] == 0
        assert "no audience for y; it has: db, x" in ssh(PROMPT=SSH, JWT_SERVER="work", HOST="y", NAME="y")[2]
        assert asked(servers) == {}


def test_run_starts_while_any_login_is_valid():
    with logins(work=["db", "x"], home=["nas", "y"]) as servers:
        assert run("logout")[0] == 0
        servers["home"].asked.clear()
        assert len(tokens(ssh(PROMPT=SSH, HOST="db", NAME="db")[1])) == 1
        assert asked(servers) == {"work": ["db"]}
        assert run("logout", "--server=work")[0] == 0
        code, out, err = ssh("true")
        assert (code, out) == (1, "") and "not logged in at " + servers["home"].socket_path in err


def test_an_ended_login_that_fits_is_the_reason_and_no_other_is_used():
    with logins(work=["db", "x"], home=["nas", "y"]) as servers:
        servers["work"].lifetime = 10
        assert log_in(servers["work"])[0] == 0 and run("use", "home")[0] == 0
        servers["work"].answer["/api/token/refresh/"] = (401, {"detail": "Token is blacklisted"}, {})
        servers["work"].asked.clear()
        _, out, err = ssh(PROMPT=SSH, HOST="db", NAME="db")
        assert tokens(out) == [] and asked(servers) == {"work": []}
        assert "the session is no longer valid (Token is blacklisted); log in with: jwtctl login --server=work" in err


def test_whole_gives_the_token_of_the_login_in_use():
    with logins(work=["web1", "x"], home=["nas", "y"]):
        home = run("token")[1].strip()
        assert tokens(jwtctl("run", "--whole", "--", "ssh", "web1", PROMPT=SSH)[1]) == [home]


@needs_root
def test_sudo_uses_the_login_that_this_host_accepts():
    with logins(work=["here", "x"], home=["nas", "y"]) as servers:
        out, err = sudo(SUDO)
        assert (len(tokens(out)), asked(servers)) == (1, {"work": ["here"]}), err
    with logins(work=["here", "x"], home=["here", "y"]) as servers:
        out, err = sudo(SUDO)
        assert (len(tokens(out)), asked(servers)) == (1, {"home": ["here"]}), err
        assert run("use", "local")[0] == 0
        servers["home"].asked.clear()
        out, err = sudo(SUDO)
        assert (tokens(out), asked(servers)) == ([], {}) and "several logins are for this host (home, work)" in err


def test_the_environment_of_run_has_no_server_unless_it_is_named():
    with logins(work="fleet", home="other") as servers:
        assert "JWT_SERVER" not in run("run", "--", "env")[1]
        assert f"JWT_SERVER={servers['work'].socket_path}\n" in run("run", "--server=work", "--", "env")[1]
        assert run("run", "--", "true", env=environment(JWT_SERVER="work"))[0] == 0
