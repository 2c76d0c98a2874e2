"""jwtctl with the real jwtd and jwtd-issuer and a scripted jwtd-login: sessions, status, narrowed tokens, admin
commands."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

from harness import BUILD, TMP, environment, installed, needs_root, path, payload, run

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../http"))

# pylint: disable=wrong-import-position
from daemons import Daemon
from issuer_daemon import Issuer

pytestmark = needs_root

AUDIENCE = "[Token]\nAudience=web1 web2\n"


class Machine:
    """The two daemons, and jwtctl as several users."""

    def __init__(self, settings):
        self.issuer = Issuer(BUILD, settings)
        self.http = self.issuer.path("http.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.http)
        listener.listen(64)
        self.jwtd = Daemon([BUILD + "/jwtd/http/jwtd", "--config=" + self.issuer.path("jwt.conf"),
                            "--issuer=" + self.issuer.path("socket"), "--public=" + self.issuer.path("public")],
                           [("http", listener)], self.issuer.log)
        self.jwtd.start()

    def socket(self):
        return self.issuer.path("admin")

    def run(self, *args, who="alice", stdin="", **more):
        env = environment(XDG_STATE_HOME=f"{TMP}/real-{who}", **more)
        return run(*args, stdin=stdin, env=env)

    def admin(self, *args, who="nobody"):
        return self.run(*args, f"--socket={self.socket()}", who=who)

    def log_in(self, user="alice", who=None):
        word = self.issuer.login.passwords[user.encode()].decode()
        status, out, err = self.run("login", user, f"--server={self.http}", who=who or user, stdin=word + "\n")
        assert (status, err) == (0, "")
        return out

    def status(self, who="alice"):
        code, out, err = self.run("status", "--json", f"--socket={self.issuer.path('none')}", who=who)
        assert err == ""
        return code, json.loads(out)

    def whole(self, *args, who="alice"):
        """The JSON output of a command that must succeed."""
        code, out, err = self.run(*args, "--json", who=who)
        assert (args, code, err) == (args, 0, "")
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
    """Adds n sessions, each a second older than the one before."""
    rest = ("absolute_exp, idle_exp, gen, refresh_jti, access_jti, kid, rotated_at, issued_at, access_exp, refresh_exp,"
            " last_access_exp, purge_at, stamp, last_used")
    m.issuer.in_store("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < " + str(n) + ")"
                      f" INSERT INTO session (sid, user, source, client, created_at, {rest})"
                      f" SELECT randomblob(16), user, source, client, created_at - n, {rest} FROM session, i")


def test_sessions_are_listed_and_this_one_is_marked():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        m.log_in("carol")
        here, there = m.whole("sessions"), m.whole("sessions", who="elsewhere")
        assert ([s["current"] for s in here], [s["current"] for s in there]) == ([False, True], [True, False])
        assert {s["sid"] for s in here} == {s["sid"] for s in there}
        code, out, _ = m.run("sessions")
        lines = out.splitlines()
        assert (code, len(lines), lines[0].split()) == (
            0, 3, ["SESSION", "DEVICE", "PROGRAM", "IDLE", "ENDS", "IN", "BY", "FROM"])
        for line, session in zip(lines[1:], here):
            mark = "*" if session["current"] else ""
            words = line.split()
            assert session["sid"].startswith(words[0].rstrip("*")) and words[0].endswith(mark) and len(words[0]) >= 8
            assert line.endswith("uid 0") and re.search(" [67] days ", line) and " pwd " in line and " s  " in line, line


def test_the_list_shows_device_program_and_address_and_hostile_text_is_harmless():
    with machine() as m:
        m.log_in()
        version = run("--version")[1].split()[1]
        agent = f"jwtctl/{version} ({socket.gethostname()})"
        assert m.whole("sessions")[0]["client"] == agent[:64]
        rows = {"Mozilla/5.0 (X11; Linux x86_64) Gecko": "192.0.2.1", "\x1b[2J\u202e\u00e9(\t": "2001:db8::/64",
                "curl/7.88.1": "uid 4294967295", "": "x" * 64, "(" * 64: "198.51.100.200"}
        copy_sessions(m, len(rows))
        copies = m.issuer.in_store("SELECT sid FROM session WHERE client != ''  ORDER BY created_at LIMIT " + str(len(rows)))
        m.issuer.in_store("UPDATE session SET client = ?, source = ? WHERE sid = ?",
                          [(*row, sid) for row, (sid,) in zip(rows.items(), copies)])
        out = m.run("sessions")[1]
        assert "\x1b" not in out and "\u202e" not in out and "\t" not in out
        lines = out.splitlines()
        assert len(lines) == 2 + len(rows)
        device = lines[0].index("DEVICE")
        assert {line[device:].split("  ")[0] for line in lines} >= {"DEVICE", "X11", "-"}
        assert {line.split()[2] for line in lines if "X11" in line} == {"Mozilla/5.0"}
        column = lines[0].index("FROM")
        assert all(line[column - 2:column] == "  " and line[column] != " " for line in lines), out
        assert max(len(line) for line in lines if "xxx" not in line and ":" not in line) <= 80, out


def test_sessions_end_ends_those_that_are_named_by_their_first_letters():
    with machine() as m:
        for who in ("alice", "second", "third", "fourth"):
            m.log_in(who=who)
        m.log_in("carol")
        sids = {who: m.status(who=who)[1]["login"]["sid"] for who in ("alice", "second", "third", "fourth", "carol")}
        for wrong, part in ((sids["alice"], "is this session; end it with: jwtctl logout"), (sids["carol"], "no session"),
                            (sids["second"][:1], "several sessions"), ("", "no session"), ("%", "no session"),
                            (sids["second"] + "A", "no session"), ("../" + sids["second"], "no session")):
            code, out, err = m.run("sessions", "end", sids["third"], wrong)
            assert (code, out) == (1, "") and f"'{wrong}'" in err and part in err, err
        assert len(m.whole("sessions")) == 4, "nothing was ended"
        assert (m.run("sessions", "end")[0], m.run("sessions", "end", "--others", "x")[0]) == (2, 2)
        shown = [line.split()[0] for line in m.run("sessions")[1].splitlines()[1:]]
        third, = [word for word in shown if sids["third"].startswith(word)]
        assert m.run("sessions", "end", third) == (0, f"1 session ended at {m.http}\n", "")
        assert [m.status(who=who)[0] for who in ("alice", "second", "third", "fourth")] == [0, 0, 1, 0]
        assert m.run("sessions", "end", "--others", "-o", "json") == (0, '{"ended":2}\n', "")
        assert [m.status(who=who)[0] for who in ("alice", "second", "fourth", "carol")] == [0, 1, 1, 0]
        assert m.run("sessions", "end", "--others") == (0, f"0 sessions ended at {m.http}\n", "")


def test_logout_all_ends_sessions_elsewhere_too():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        m.log_in("carol")
        assert m.run("logout", "--all") == (0, f"2 sessions ended at {m.http}; tokens removed here\n", "")
        code, _, err = m.run("sessions", who="elsewhere")
        assert code == 1
        assert "the session is no longer valid" in err
        assert m.status(who="carol")[0] == 0
        assert len(m.issuer.revoked()) == 2


def test_status_shows_the_login_and_whether_the_server_confirms_it():
    with machine() as m:
        assert m.status()[0] == 1
        assert m.status()[1]["login"] is None
        m.log_in()
        code, said = m.status()
        login = said["login"]
        assert (code, login["user"], login["server"], login["confirmed"]) == (0, "alice", m.http, True)
        assert said["daemon"] is None and "error" not in said
        assert login["session_expires"] > login["access_expires"] > time.time()
        code, out, _ = m.run("status", f"--socket={m.issuer.path('none')}")
        assert code == 0
        assert f"Logged in as alice at {m.http} until " in out
        assert "confirmed by the server" in out
        assert m.admin("revoke", "alice")[0] == 0
        code, said = m.status()
        assert (code, said["login"]) == (1, None)
        assert "the session is no longer valid" in said["error"]
        code, out, err = m.run("status", f"--socket={m.issuer.path('none')}")
        assert (code, out) == (1, "") and "not logged in" in err


def test_status_says_what_it_could_not_check():
    with machine() as m:
        m.log_in()
        os.rename(m.http, m.http + ".away")
        code, said = m.status()
        text = m.run("status", f"--socket={m.issuer.path('none')}")
        os.rename(m.http + ".away", m.http)
        assert (code, said["login"]["user"], said["login"]["confirmed"]) == (1, "alice", False)
        assert "cannot connect to jwtd" in said["error"]
        assert text[0] == 1 and "Logged in" not in text[1]
        assert f"Tokens of alice at {m.http}, not expired until " in text[1]
        assert "the server could not be asked whether they are valid" in text[1] and "cannot connect" in text[2]


def test_status_of_a_revoked_session_says_only_that_it_is_over():
    with machine() as m:
        m.log_in()
        assert m.admin("revoke", "alice")[0] == 0
        code, out, err = m.run("status", f"--socket={m.issuer.path('none')}")
        assert (code, out) == (1, "")
        assert "the session is no longer valid (" in err and err.count("\n") == 1


def test_a_locked_account_is_said_to_be_locked_and_its_session_stays():
    with machine("[Session]\nAccountCacheTime=0\n") as m:
        m.log_in()
        m.issuer.login.accounts[b"alice"] = "inactive"
        for command in (("status", f"--socket={m.issuer.path('none')}"), ("sessions",), ("token", "--service=sudo")):
            code, out, err = m.run(*command)
            assert (command, code, out) == (command, 1, "")
            assert "the account is locked, expired or not allowed to log in" in err, err
        m.issuer.login.accounts.clear()
        assert m.status()[0] == 0


def test_status_shows_the_daemon_to_root():
    with machine(AUDIENCE) as m:
        m.log_in()
        code, out, _ = m.admin("status", "--json")
        said = json.loads(out)
        assert (code, said["login"], said["daemon"]["audience"]) == (0, None, ["web1", "web2"])
        assert said["daemon"]["sessions"] == {"live": 1, "more": False}
        code, out, _ = m.admin("status")
        assert code == 0
        assert ", audience web1, web2\n  key " in out
        assert " EdDSA, signing\n  bundle epoch 1, not requested since the daemon started\n  1 live session, 0 revoked\n" \
               "  store sessions.db, " in out
        m.issuer.end()
        os.rename(m.issuer.path("state/keys"), m.issuer.path("keys"))
        m.issuer.start()
        code, out, err = m.admin("status")
        os.rename(m.issuer.path("keys"), m.issuer.path("state/keys"))
        assert (code, out) == (1, "")
        assert "journalctl -u jwtd-issuer" in err
        m.issuer.recovers()


def test_root_lists_the_sessions_of_a_user_and_of_all():
    with machine() as m:
        for who in ("alice", "elsewhere", "third"):
            m.log_in(who=who)
        m.log_in("carol")
        assert [s["user"] for s in json.loads(m.admin("sessions", "--all", "--json")[1])] == ["carol"] + ["alice"] * 3
        assert len(json.loads(m.admin("sessions", "--user=alice", "--json")[1])) == 3
        assert m.admin("sessions", "--user=mallory", "--json") == (0, "[]\n", "")
        code, out, _ = m.admin("sessions", "--user=carol")
        header, row = (line.split() for line in out.splitlines())
        assert (code, header[:2], row[1]) == (0, ["SESSION", "USER"], "carol")
        assert m.admin("revoke", row[0])[0] == 0, "the id is whole"
        for words in (("--all", "--user=alice"), ("--user=",), ("more",)):
            assert m.admin("sessions", *words)[0] == 2


def test_a_thousand_sessions_are_listed_page_by_page():
    with machine("[Session]\nMaxSessionsPerUser=2000\n") as m:
        m.log_in()
        sid = m.status()[1]["login"]["sid"]
        copy_sessions(m, 1000)
        own, every = m.whole("sessions"), json.loads(m.admin("sessions", "--all", "--json")[1])
        assert (len(own), len(every), len({s["sid"] for s in own})) == (1001, 1001, 1001)
        assert [s["sid"] for s in own if s["current"]] == [sid]


def test_revoke_ends_a_users_sessions_or_one():
    with machine() as m:
        m.log_in()
        m.log_in(who="elsewhere")
        sid = m.status(who="elsewhere")[1]["login"]["sid"]
        assert m.admin("revoke", sid) == (0, "1 session revoked; the tokens are no longer accepted\n", "")
        assert (m.status()[0], m.status(who="elsewhere")[0]) == (0, 1)
        assert m.admin("revoke", "alice", "--json") == (0, '{"ended":1}\n', "")
        assert m.status()[0] == 1
        assert m.admin("revoke", "alice") == (0, "alice: no live session; the tokens are not accepted\n", "")
        assert m.admin("revoke", sid) == (0, f"{sid}: no live session; the tokens are not accepted\n", ""), "it had ended"
        for what in ("mallory", "A" * 22, "a" * 300):
            code, out, err = m.admin("revoke", what)
            assert (code, out) == (1, "")
            assert bool(err)
        assert (m.admin("revoke")[0], m.admin("revoke", "")[0], m.admin("revoke", "a", "b")[0]) == (2, 2, 2)


def test_revoke_all_ends_every_session_of_every_user():
    with machine() as m:
        m.log_in()
        m.log_in("carol", who="elsewhere")
        assert m.admin("revoke", "--all") == (0, "2 sessions revoked; the tokens are no longer accepted\n", "")
        assert (m.status()[0], m.status(who="elsewhere")[0]) == (1, 1)
        assert m.admin("revoke", "--all") == (0, "No user has a live session\n", "")
        assert m.admin("revoke", "--all", "--json") == (0, '{"ended":0}\n', "")
        assert m.admin("revoke", "--all", "alice")[0] == 2


def test_admin_commands_need_root():
    with machine() as m:
        os.chmod(m.socket(), 0o666)
        for command in (("revoke", "alice"), ("key", "rotate"), ("key", "retire"), ("sessions", "--all")):
            code, out, err = run(*command, f"--socket={m.socket()}",
                                 wrap=("setpriv", "--reuid=65534", "--clear-groups"))
            assert (command, code, out) == (command, 1, "")
            assert "must be run as root" in err


def test_a_missing_issuer_is_reported_with_its_remedy():
    for command in (("revoke", "alice"), ("key", "rotate"), ("key", "retire"), ("sessions", "--all")):
        code, out, err = run(*command, f"--socket={path('nowhere')}")
        assert (command, code, out) == (command, 1, "")
        assert "systemctl enable --now jwtd.socket" in err


def test_a_new_key_signs_without_a_new_login():
    with machine() as m:
        m.log_in()
        old, = [k["kid"] for k in json.loads(m.admin("status", "--json")[1])["daemon"]["keys"]]
        code, out, _ = m.admin("key", "rotate", "--json")
        said = json.loads(out)
        assert (code, said["before"], said["signs"]) == (0, old, True)
        assert m.status()[0] == 0
        code, out, err = m.admin("key", "retire", old)
        assert (code, err) == (1, "")
        assert f"{old} stays published until " in out
        assert m.admin("key", "retire")[0] == 0
        code, _, err = m.admin("key", "retire", said["kid"])
        assert code == 1
        assert f"{said['kid']} signs; to replace it: jwtctl key rotate" in err
        assert m.admin("key", "retire", said["kid"], "--json")[0] == 1
        for kid in ("nothere", "-nothere", "--nothe1", "-"):
            code, _, err = m.admin("key", "retire", kid)
            assert code == 1
            assert f"no such key: {kid}" in err
        assert (m.admin("key", "retire", "-x")[0], m.admin("key", "retire", "-nothere", "x")[0]) == (2, 2)
        code, out, _ = m.admin("key", "rotate")
        assert code == 0
        assert f" signs now; {said['kid']} stays published until its last token has expired" in out
        assert m.status()[0] == 0
        m.log_in()
        assert m.status()[0] == 0


def test_a_key_of_another_algorithm_waits_for_the_setting():
    with machine() as m:
        assert not json.loads(m.admin("key", "rotate", "--alg=ES256", "--json")[1])["signs"]
        assert "it will sign when Algorithm=ES384 is set" in m.admin("key", "rotate", "--alg=ES384")[1]
        for name in ("HS256", "none"):
            code, out, err = m.admin("key", "rotate", "--alg=" + name)
            assert (code, out) == (1, "")
            assert f"algorithm {name}: expected one" in err


def test_narrowed_tokens_have_the_given_claims_and_are_never_wider():
    with machine(AUDIENCE) as m:
        m.log_in()
        code, out, _ = m.run("token", "--service=sudo", "--host=web1", "--once", "--lifetime=60s")
        claims = payload(out)
        assert (code, claims["scope"], claims["aud"], claims["one_time"]) == (0, "pam:sudo", "web1", True)
        assert claims["exp"] - claims["iat"] == 60
        assert len(out.strip()) <= 511
        code, out, err = m.run("token", "--once")
        assert (code, out) == (1, "")
        assert "web1, web2" in err
        code, out, err = m.run("token", "--host=web3")
        assert (code, out) == (1, "")
        assert "aud: " in err
        key = "SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y"
        code, out, _ = m.run("token", "--service=sudo", "--host=web2", "--once", "--host-key=" + key)
        assert (code, payload(out)["aud"]) == (0, "web2#zE20i-QHEaHF6j2iZIvaor")
        assert m.run("token", "--host-key=" + key)[:2] == (1, "")
        whole = payload(m.run("token")[1])
        assert payload(m.run("token", "--service=sshd", "--lifetime=7d")[1])["exp"] <= whole["exp"]


def test_askpass_gets_a_bound_one_time_token_from_the_real_server():
    """The shell is ssh for askpass, because it runs the helper of ssh."""
    script = ("$0/hostkey SHA256:rVWF0XYY8VdYnGdcftaePg9Nb8wKfZ6AsG/nTxAS0zQ web2 web2 22 alice HOSTNAME; "
              "$0/askpass \"alice@web2's password: \"; true")
    with machine(AUDIENCE) as m:
        m.log_in()
        code, out, err = m.run("run", "--", "sh", "-c", script, installed() + "/libexec/jwt")
        assert (code, err) == (0, "")
        token = payload(out)
        assert (token["aud"], token["scope"], token["one_time"]) == ("web2#rVWF0XYY8VdYnGdcftaePg", "pam:sshd", True)


def bundle_rows(m):
    rows = json.loads(m.admin("key", "list", m.issuer.path("public/jwks.json"), "--json")[1])
    return [row for row in rows if row.get("use") == "bundle"]


def test_bundle_keys_are_listed_replaced_and_retired():
    with machine() as m:
        assert "bundle epoch 1, not requested" in m.admin("status")[1]
        first, = bundle_rows(m)
        assert first["signs"] and len(first["thumbprint"]) == 43
        code, out, _ = m.admin("key", "list", m.issuer.path("public/jwks.json"))
        assert code == 0
        assert f"{first['kid']}  EdDSA  {first['thumbprint']}  bundle\n" in out
        code, out, _ = m.admin("key", "rotate", "--bundle")
        assert (code, out.split()[2:4]) == (0, ["signs", "bundles"])
        assert f"hosts that trust {first['kid']} accept it" in out
        new = out.split()[1]
        code, out, _ = m.admin("key", "list", m.issuer.path("public/jwks.json"))
        assert f"{first['kid']}  EdDSA  {first['thumbprint']}  bundle, old\n" in out
        code, out, err = m.admin("key", "retire", "--bundle", new)
        assert (code, out) == (1, "")
        assert f"{new} signs; to replace it: jwtctl key rotate --bundle" in err
        assert m.admin("key", "retire", "--bundle", first["kid"]) == (0, f"{first['kid']} retired\n", "")
        assert [row["kid"] for row in bundle_rows(m)] == [new]
        assert m.admin("key", "new-epoch") == (0, "Epoch 2\n", "")
        assert "bundle epoch 2, " in m.admin("status")[1]
        assert m.admin("key", "rotate", "--bundle", "--alg=ES256")[0] == 2
        for wrong in (("--now",), ("--bundle",), ("--now", "--bundle", new)):
            code, out, err = m.admin("key", "retire", *wrong)
            assert (code, out) == (2, ""), err


def test_a_key_is_retired_at_once():
    with machine() as m:
        m.log_in()
        old, = [k["kid"] for k in json.loads(m.admin("status", "--json")[1])["daemon"]["keys"]]
        code, out, err = m.admin("key", "retire", "--now", old)
        assert (code, out, err) == (0, f"{old} retired\n", "")
        assert m.status()[0] == 1  # the tokens are refused
        m.log_in()
        assert m.status()[0] == 0


def test_a_new_key_waits_for_its_time():
    with machine("[Token]\nKeyPropagation=1h\n") as m:
        code, out, _ = m.admin("key", "rotate")
        assert code == 0
        assert " is published; it signs from " in out
        new = out.split()[1]
        said = json.loads(m.admin("key", "rotate", "--json")[1])
        assert not said["signs"] and said["from"] > time.time() + 3500
        assert f"\n  key {new} EdDSA, signs from " in m.admin("status")[1]
        code, out, _ = m.admin("key", "retire")
        assert code == 0
        assert f"{new} signs from " in out
