"""jwtctl issue and jwtctl login --token-file, against the daemons."""

import json
import os
import stat
import subprocess
import sys
import time

import pytest
from daemons import QUICK, payload

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from foreign import Issuer  # noqa: E402


class Client:
    """jwtctl with a home of its own."""

    def __init__(self, d):
        self.d = d
        os.mkdir(d.path("home"), 0o700)

    def run(self, *arguments, text=""):
        environment = {"HOME": self.d.path("home"), "PATH": os.environ["PATH"]}
        done = subprocess.run([self.d.build + "/jwtctl/jwtctl", *arguments], input=text, encoding="utf-8", env=environment,
                              capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout.rstrip("\n"), done.stderr.rstrip("\n")

    def admin(self, *arguments):
        return self.run(arguments[0], "--socket=" + self.d.path("admin.sock"), *arguments[1:])

    def issue(self, *arguments):
        status, out, error = self.admin("issue", "--user=alice", *arguments)
        assert (status, error) == (0, ""), error
        return out

    def login(self, token, *arguments):
        return self.run("login", "--server=" + self.d.path("http.sock"), "--token-file=-", *arguments, text=token)


@pytest.fixture
def client(d):
    return Client(d)


# jwtctl issue


def test_root_issues_a_token_of_a_user(client):
    token = client.issue()
    claims = payload(token)
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("alice", 900) and "scope" not in claims
    assert client.d.get("/api/user/", token).json()["username"] == "alice"
    row, = json.loads(client.admin("sessions", "--all", "-o", "json")[1])
    assert row["method"] == "issue" and row["sid"] == claims["sid"] and row["amr"] == []
    uid = int(open("/proc/self/loginuid", encoding="ascii").read())
    assert row["source"] == ("root without login uid" if uid == 2**32 - 1 else f"login uid {uid}")
    line, = (x for x in client.d.read_log().splitlines() if "Token issued by root" in x)
    assert f'user=alice source="{row["source"]}" sid={row["sid"]} jti={claims["jti"]}' in line
    assert client.admin("revoke", claims["sid"])[0] == 0
    assert client.d.get("/api/user/", token).status == 401 and claims["sid"] in client.d.revoked()


def test_options_restrict_it(client):
    host = payload(client.issue())["aud"]
    key = "k" * 22
    claims = payload(client.issue("--service=sudo", "--service=sshd", f"--host={host}", "--lifetime=5min", "--once",
                                  f"--host-key={key}"))
    assert (claims["scope"], claims["aud"], claims["one_time"]) == ("pam:sudo pam:sshd", f"{host}#{key}", True)
    assert claims["exp"] - claims["iat"] == 300
    out = json.loads(client.issue("--lifetime=1h", "-o", "json"))
    assert payload(out["access"])["exp"] == out["expires"] and out["expires"] - time.time() > 3500


def test_a_file_is_written_whole_and_for_its_owner_alone(client):
    path = client.d.path("token")
    with open(path, "w", encoding="ascii") as file:
        file.write("old")
    os.chmod(path, 0o644)
    assert client.issue(f"--file={path}") == ""
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="ascii") as file:
        assert payload(file.read())["sub"] == "alice"


@pytest.mark.daemons(QUICK + "DenyUsers=root carol\n[Token]\nIssueLifetime=2min\nAccessTokenLifetime=5min\nIssuer=https://i\n"
                     "Audience=web1 web2\n")
def test_what_is_not_issued(client):
    for arguments, status, words in (
            (("--user=nobodyknows",), 1, "nobodyknows: there is no such user"), (("--user=bob",), 1, "locked or expired"),
            (("--user=root",), 1, "may not log in"), (("--user=toor",), 1, "may not log in"),
            (("--user=carol",), 1, "DenyUsers="), (("--user=alice", "--lifetime=121s"), 1, "IssueLifetime="),
            (("--user=alice", "--host=web3"), 1, "--host=web3: expected an audience"),
            (("--user=alice", "--once"), 1, "expected --host=NAME"), ((), 2, "expected --user=USER"),
            (("--user=",), 2, "expected --user=USER"), (("--user=alice", "x"), 2, ""),
            (("--user=alice", "--file=/nonexistent/x"), 1, "/nonexistent/x"),
            (("--user=alice", "--file=/x", "-o", "json"), 2, "one of them")):
        said = client.admin("issue", *arguments)
        assert said[0] == status and said[1] == "" and words in said[2], said
    claims = payload(client.issue())
    assert claims["exp"] - claims["iat"] == 120, "IssueLifetime= is less than AccessTokenLifetime="
    assert claims["aud"] == ["web1", "web2"]


@pytest.mark.daemons(QUICK + "CheckAccount=no\n")
def test_no_token_is_issued_for_an_account_that_is_not_checked(client):
    assert "CheckAccount=no" in client.admin("issue", "--user=alice")[2]


# jwtctl login --token-file


def exchange(client, words=""):
    idp = Issuer("https://idp.example", "ES256")
    idp.write_keys(client.d.path("idp"))
    client.d.write("jwt.conf", QUICK + f"[Issuer {idp.url}]\nKeys={client.d.path('idp')}\nAudience=jwt-login\nType=\n"
                   f"UserMap=same\nExchange=yes\n{words}")
    return idp


def test_a_login_by_a_token_has_an_access_token_alone(client):
    idp = exchange(client)
    status, out, error = client.login("\n " + idp.token(lifetime=120) + " \n")
    assert (status, error) == (0, "") and out.startswith("Logged in as alice until ") and "cannot be refreshed" in out, out
    access = client.run("token")[1]
    assert client.d.get("/api/user/", access).json()["username"] == "alice"
    assert payload(client.run("token", "--service=sudo")[1])["scope"] == "pam:sudo"
    status, out, error = client.run("status")
    assert status == 0 and "Logged in as alice" in out, (out, error)
    assert client.run("logout")[0] == 0
    assert client.d.get("/api/user/", access).status == 401 and client.run("token")[0] == 1


def test_an_access_token_that_ended_says_how_to_log_in(client):
    idp = exchange(client)
    assert client.login(idp.token(lifetime=3))[0] == 0
    deadline = time.time() + 20
    while time.time() < deadline and client.run("token")[0] == 0:
        time.sleep(0.2)
    status, out, error = client.run("token")
    assert (status, out) == (1, "") and "cannot be refreshed; log in with: jwtctl login" in error, error


def test_with_a_session_the_login_is_refreshed_and_a_new_one_ends_it(client):
    idp = exchange(client, "Session=yes\n")
    status, out, _ = client.login(idp.token(lifetime=60))
    assert status == 0 and "refreshed when needed" in out, out
    first = client.run("token")[1]
    path = client.d.path("token")
    with open(path, "w", encoding="ascii") as file:
        file.write(idp.token())
    status, out, error = client.run("login", "--server=" + client.d.path("http.sock"), "--token-file=" + path, "-o", "json")
    assert (status, error) == (0, "") and json.loads(out)["user"] == "alice", (out, error)
    assert client.d.get("/api/user/", first).status == 401


def test_errors_say_what_is_wrong(client):
    idp = exchange(client)
    used = idp.token()
    assert client.login(used)[0] == 0
    assert "exchanged before" in client.login(used)[2]
    for text in ("", "x", "a b", "x" * 9000):
        status, _, error = client.login(text)
        assert status == 1 and "standard input: expected a token" in error, error
    assert client.login(used, "alice")[0] == 2 and client.login(used, "--otp")[0] == 2
    assert "/nonexistent: No such file" in client.run("login", "--token-file=/nonexistent")[2]
    client.d.write("jwt.conf", QUICK)
    client.d.kill(client.d.http, 15)
    assert "the server exchanges no tokens" in client.login(used)[2]
    assert client.run("token")[0] == 0, "a failed login keeps the one before"
