"""jwtctl against the real jwtd and jwtd-issuer, beside a jwtd-login that says what a test wants: sessions,
status, narrowed tokens, and what root asks."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

from harness import BUILD, TMP, environment, equal, holds, path, payload, promise, run

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../http"))

# pylint: disable=wrong-import-position
from daemons import Daemon
from issuers import Issuer

AUDIENCE = "[Token]\nAudience=web1 web2\n"


class Machine:
    """The two daemons, and jwtctl as several people of one machine."""

    def __init__(self, settings):
        self.issuer = Issuer(BUILD, settings)
        self.http = self.issuer.path("http.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.http)
        listener.listen(64)
        self.jwtd = Daemon([BUILD + "/jwtd/http/jwtd", "--config=" + self.issuer.path("jwt.conf"),
                            "--issuer=" + self.socket(), "--public=" + self.issuer.path("public")],
                           [("http", listener)], self.issuer.log)
        self.jwtd.start()

    def socket(self):
        return self.issuer.path("socket")

    def run(self, *args, who="alice", stdin="", **more):
        env = environment(XDG_STATE_HOME=f"{TMP}/real-{who}", **more)
        return run(*args, stdin=stdin, env=env)

    def admin(self, *args, who="nobody"):
        return self.run(*args, f"--socket={self.socket()}", who=who)

    def log_in(self, user="alice", who=None):
        word = self.issuer.login.passwords[user.encode()].decode()
        status, out, err = self.run("login", user, f"--server={self.http}", who=who or user, stdin=word + "\n")
        equal((status, err), (0, ""))
        return out

    def status(self, who="alice"):
        code, out, err = self.run("status", "--json", f"--socket={self.issuer.path('none')}", who=who)
        equal(err, "")
        return code, json.loads(out)

    def whole(self, *args, who="alice"):
        """The answer in JSON of a command that must do well."""
        code, out, err = self.run(*args, "--json", who=who)
        equal((args, code, err), (args, 0, ""))
        return json.loads(out)

    def stop(self):
        self.jwtd.process.terminate()
        self.jwtd.process.wait(15)
        self.jwtd.sockets[0][1].close()
        self.issuer.stop()


@contextlib.contextmanager
def machine(settings=""):
    subprocess.run(f"rm -rf {TMP}/real-*", shell=True, check=True)
    m = Machine("[Http]\nFailuresPerSource=0\nFailureTime=100ms\n" + settings)
    try:
        yield m
    finally:
        m.stop()


def copy_sessions(m, n):
    """As many sessions more, each a second older than the one before."""
    rest = ("absolute_exp, idle_exp, gen, refresh_jti, access_jti, kid, rotated_at, issued_at, access_exp, refresh_exp,"
            " last_access_exp, purge_at, stamp, last_used")
    m.issuer.in_store("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < " + str(n) + ")"
                      f" INSERT INTO session (sid, user, source, client, created_at, {rest})"
                      f" SELECT randomblob(16), user, source, client, created_at - n, {rest} FROM session, i")


@promise
def sessions_are_listed_and_this_one_is_marked():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        m.log_in("carol")
        here, there = m.whole("sessions"), m.whole("sessions", who="elsewhere")
        equal(([s["current"] for s in here], [s["current"] for s in there]), ([False, True], [True, False]))
        equal({s["sid"] for s in here}, {s["sid"] for s in there})
        code, out, _ = m.run("sessions")
        lines = out.splitlines()
        equal((code, len(lines), lines[1].split()[0]), (0, 3, here[0]["sid"]))
        equal([line.endswith("uid 0  (this one)") for line in lines], [False, False, True])


@promise
def logout_of_all_ends_those_elsewhere_too():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        m.log_in("carol")
        equal(m.run("logout", "--all"), (0, "Logged out everywhere: 2 sessions ended\n", ""))
        code, _, err = m.run("sessions", who="elsewhere")
        equal(code, 1)
        holds(err, "the session is over")
        equal(m.status(who="carol")[0], 0)
        equal(len(m.issuer.revoked()), 2)


@promise
def status_tells_who_is_logged_in_and_whether_the_server_agrees():
    with machine() as m:
        equal(m.status()[0], 1)
        equal(m.status()[1]["login"], None)
        m.log_in()
        code, said = m.status()
        login = said["login"]
        equal((code, login["user"], login["server"], login["confirmed"], said["daemon"], "error" in said),
              (0, "alice", m.http, True, None, False))
        equal(login["session_expires"] > login["access_expires"] > time.time(), True)
        code, out, _ = m.run("status", f"--socket={m.issuer.path('none')}")
        equal(code, 0)
        holds(out, f"Logged in as alice at {m.http} until ")
        holds(out, "confirmed by the server")
        equal(m.admin("revoke", "alice")[0], 0)
        code, said = m.status()
        equal((code, said["login"]["confirmed"]), (1, False))
        holds(said["error"], "the session is over")
        os.rename(m.http, m.http + ".away")
        code, said = m.status()
        os.rename(m.http + ".away", m.http)
        equal((code, said["login"]["user"], said["login"]["confirmed"]), (1, "alice", False))
        holds(said["error"], "does not answer")


@promise
def status_tells_root_of_the_daemon():
    with machine(AUDIENCE) as m:
        m.log_in()
        code, out, _ = m.admin("status", "--json")
        said = json.loads(out)
        equal((code, said["login"], said["daemon"]["sessions"], said["daemon"]["audience"]),
              (0, None, {"live": 1, "more": False}, ["web1", "web2"]))
        code, out, _ = m.admin("status")
        equal(code, 0)
        holds(out, " for web1, web2\n  key ")
        holds(out, " EdDSA signs\n  1 live sessions, 0 on the list of ended ones\n  store sessions.db, ")
        m.issuer.end()
        os.rename(m.issuer.path("state/keys"), m.issuer.path("keys"))
        m.issuer.start()
        code, out, err = m.admin("status")
        os.rename(m.issuer.path("keys"), m.issuer.path("state/keys"))
        equal((code, out), (1, ""))
        holds(err, "journalctl -u jwtd-issuer")
        m.issuer.recovers()


@promise
def root_lists_the_sessions_of_a_user_and_of_all():
    with machine() as m:
        for _ in range(3):
            m.log_in()
        m.log_in("carol")
        equal([s["user"] for s in json.loads(m.admin("sessions", "--all", "--json")[1])], ["carol"] + ["alice"] * 3)
        equal(len(json.loads(m.admin("sessions", "--user=alice", "--json")[1])), 3)
        equal(m.admin("sessions", "--user=mallory", "--json"), (0, "[]\n", ""))
        code, out, _ = m.admin("sessions", "--user=carol")
        equal((code, out.splitlines()[0].split()[:2], out.splitlines()[1].split()[1]),
              (0, ["SESSION", "USER"], "carol"))
        for words in (("--all", "--user=alice"), ("--user=",), ("more",)):
            equal(m.admin("sessions", *words)[0], 2)


@promise
def a_thousand_sessions_are_listed_page_by_page():
    with machine("[Session]\nMaxSessionsPerUser=2000\n") as m:
        m.log_in()
        sid = m.status()[1]["login"]["sid"]
        copy_sessions(m, 1000)
        own, every = m.whole("sessions"), json.loads(m.admin("sessions", "--all", "--json")[1])
        equal((len(own), len(every), len({s["sid"] for s in own})), (1001, 1001, 1001))
        equal([s["sid"] for s in own if s["current"]], [sid])


@promise
def revoke_ends_a_users_sessions_or_one():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        sid = m.status(who="elsewhere")[1]["login"]["sid"]
        equal(m.admin("revoke", sid), (0, "1 session ended: the tokens open nothing from now on\n", ""))
        equal((m.status()[0], m.status(who="elsewhere")[0]), (0, 1))
        equal(m.admin("revoke", "alice", "--json"), (0, '{"ended":1}\n', ""))
        equal(m.status()[0], 1)
        equal(m.admin("revoke", "alice"), (0, "alice has no live session\n", ""))
        for what in ("mallory", "A" * 22, "a" * 300):
            code, out, err = m.admin("revoke", what)
            equal((code, out), (1, ""))
            equal(bool(err), True)
        equal((m.admin("revoke")[0], m.admin("revoke", "")[0], m.admin("revoke", "a", "b")[0]), (2, 2, 2))


@promise
def root_alone_asks_what_root_may():
    with machine() as m:
        os.chmod(m.socket(), 0o666)
        for command in (("revoke", "alice"), ("key", "rotate"), ("key", "retire"), ("sessions", "--all")):
            code, out, err = run(*command, f"--socket={m.socket()}", wrap=("setpriv", "--reuid=65534", "--clear-groups"))
            equal((command, code, out), (command, 1, ""))
            holds(err, "only root may ask this")


@promise
def a_missing_issuer_is_told_with_its_remedy():
    for command in (("revoke", "alice"), ("key", "rotate"), ("key", "retire"), ("sessions", "--all")):
        code, out, err = run(*command, f"--socket={path('nowhere')}")
        equal((command, code, out), (command, 1, ""))
        holds(err, "systemctl enable --now jwtd.socket")


@promise
def a_new_key_signs_and_nobody_logs_in_again():
    with machine() as m:
        m.log_in()
        old, = [k["kid"] for k in json.loads(m.admin("status", "--json")[1])["daemon"]["keys"]]
        code, out, _ = m.admin("key", "rotate", "--json")
        said = json.loads(out)
        equal((code, said["before"], said["signs"]), (0, old, True))
        equal(m.status()[0], 0)
        code, out, err = m.admin("key", "retire", old)
        equal((code, err), (1, ""))
        holds(out, f"{old} stays until ")
        equal(m.admin("key", "retire")[0], 0)
        code, _, err = m.admin("key", "retire", said["kid"])
        equal(code, 1)
        holds(err, "is the key that signs")
        equal(m.admin("key", "retire", said["kid"], "--json")[0], 1)
        for kid in ("nothere", "-nothere", "--nothe1", "-"):
            code, _, err = m.admin("key", "retire", kid)
            equal(code, 1)
            holds(err, f"there is no key {kid}")
        equal((m.admin("key", "retire", "-x")[0], m.admin("key", "retire", "-nothere", "x")[0]), (2, 2))
        code, out, _ = m.admin("key", "rotate")
        equal(code, 0)
        holds(out, f" signs; {said['kid']} stays published until its last token has expired")
        equal(m.status()[0], 0)
        m.log_in()
        equal(m.status()[0], 0)


@promise
def a_key_of_another_algorithm_is_told_to_wait_for_the_setting():
    with machine() as m:
        equal(json.loads(m.admin("key", "rotate", "--alg=ES256", "--json")[1])["signs"], False)
        holds(m.admin("key", "rotate", "--alg=ES384")[1], "it signs when Algorithm=ES384 is set")
        for name in ("HS256", "none"):
            code, out, err = m.admin("key", "rotate", "--alg=" + name)
            equal((code, out), (1, ""))
            holds(err, f"'{name}' is no algorithm")


@promise
def narrowed_tokens_are_what_they_say_and_never_wider():
    with machine(AUDIENCE) as m:
        m.log_in()
        code, out, _ = m.run("token", "--service=sudo", "--host=web1", "--once", "--lifetime=60s")
        claims = payload(out)
        equal((code, claims["scope"], claims["aud"], claims["one_time"]), (0, "pam:sudo", "web1", True))
        equal(claims["exp"] - claims["iat"], 60)
        equal(len(out.strip()) <= 511, True)
        code, out, err = m.run("token", "--once")
        equal((code, out), (1, ""))
        holds(err, "web1, web2")
        code, out, err = m.run("token", "--host=web3")
        equal((code, out), (1, ""))
        holds(err, "aud: ")
        whole = payload(m.run("token")[1])
        equal(payload(m.run("token", "--service=sshd", "--lifetime=7d")[1])["exp"] <= whole["exp"], True)


@promise
def askpass_makes_one_use_tokens_at_the_real_server():
    with machine(AUDIENCE) as m:
        m.log_in()
        words = {"JWT_ASKPASS_SERVICE": "sshd", "JWT_ASKPASS_HOST": "web2"}
        tokens = [payload(m.run("askpass", "alice@web2's password: ", **words)[1]) for _ in range(2)]
        equal([(t["aud"], t["scope"], t["one_time"]) for t in tokens], [("web2", "pam:sshd", True)] * 2)
        equal(tokens[0]["jti"] != tokens[1]["jti"], True)
        sudo = payload(m.run("askpass", "[sudo] password for alice: ", JWT_ASKPASS_SERVICE="sudo")[1])
        equal((sudo["scope"], sudo["aud"], sudo.get("one_time")), ("pam:sudo pam:sudo-i", ["web1", "web2"], None))
