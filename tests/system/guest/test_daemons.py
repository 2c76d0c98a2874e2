"""The daemons under systemd: reload, crashes, faults, the journal and its catalog, and what the user jwtd cannot
do."""

import json
import os
import re
import threading
import time

from files import until
from kit import ALICE, CAROL, DAEMONS, SETTINGS, api, journal, obtain, sh, systemctl, unb64

LOGIN = {"username": "alice", "password": ALICE}
WRONG = {"username": "alice", "password": "no such secret"}


class Settings:
    """A drop-in that the daemons read, removed at the end."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.write(self.text)
        self.fresh()
        return self

    def __exit__(self, *_):
        os.remove(SETTINGS)
        self.fresh()

    @staticmethod
    def write(text):
        with open(SETTINGS + ".next", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(SETTINGS + ".next", SETTINGS)

    @staticmethod
    def fresh():
        systemctl("stop", *DAEMONS)


def pids():
    return [systemctl("show", "-P", "MainPID", name) for name in DAEMONS]


def status(name):
    return systemctl("show", "-P", "StatusText", name)


def lifetime(pair):
    body = json.loads(unb64(pair["access"].split(".")[1]))
    return body["exp"] - body["iat"]


def test_reloads_under_load_lose_no_request_and_no_daemon():
    with Settings("[Token]\nAccessTokenLifetime=7min\n") as settings:
        obtain()
        before, bad, done, ends = pids(), [], [0], threading.Event()

        def ask():
            pair = obtain("carol", CAROL)
            while not ends.is_set():
                code, body = api("/api/token/refresh/", {"refresh": pair["refresh"]})
                if code != 200:
                    bad.append((code, body))
                    return
                pair = body
                done[0] += 1

        clients = [threading.Thread(target=ask) for _ in range(2)]
        for client in clients:
            client.start()
        # tests/http/test_reload.py does fifty; this tests systemctl reload.
        for number in range(8):
            settings.write(f"[Token]\nAccessTokenLifetime={6 + number % 5}min\n")
            out = sh("systemctl reload " + " ".join(DAEMONS))
            assert out.returncode == 0, out
        ends.set()
        for client in clients:
            client.join()
        assert not bad and done[0] > 4, (bad, done)
        assert pids() == before and [systemctl("is-active", name) for name in DAEMONS] == ["active"] * 3
        # kill -HUP returns before the daemon has read the signal.
        until(lambda: lifetime(obtain()) == (6 + 7 % 5) * 60)
        for name in DAEMONS:
            assert status(name) == "Ready", (name, status(name))


def test_a_reload_of_invalid_settings_fails_with_one_log_line_and_changes_nothing():
    with Settings("[Token]\nAccessTokenLifetime=7min\n") as settings:
        obtain()
        before = pids()
        settings.write("[Token]\nAccessTokenLifetime=sometimes\n")
        for name in DAEMONS:
            for command in (f"systemctl reload {name}", f"systemctl kill -s HUP --kill-who=main {name}"):
                journal()
                # With Type=notify-reload both the daemon and --check-config of ExecReload= read the settings.
                lines = 1 + ("reload" in command and systemctl("show", "-P", "Type", name) == "notify-reload")
                out = sh(command)
                assert (out.returncode == 0) == ("kill" in command), out
                said = []

                def logged_lines():
                    said.extend(x for x in journal().split("\n") if "sometimes" in x)
                    return len(said) >= lines

                until(logged_lines)
                assert len(said) == lines and all(SETTINGS + ":2" in x and "15min" in x for x in said), said
        assert pids() == before and lifetime(obtain()) == 420, (pids(), before)
        assert "sometimes" in status("jwtd"), status("jwtd")
        settings.write("[Token]\nAccessTokenLifetime=8min\n")
        assert sh("systemctl reload " + " ".join(DAEMONS)).returncode == 0
        until(lambda: lifetime(obtain()) == 480)
        assert status("jwtd") == "Ready", status("jwtd")


def test_a_killed_issuer_starts_again_and_publishes_ended_sessions():
    pair = obtain()
    assert api("/api/token/blacklist/", {"refresh": pair["refresh"]}) == (200, {})
    with open("/var/lib/jwt/revoked", encoding="ascii") as file:
        whole = file.read()
    for _ in range(3):
        before = systemctl("show", "-P", "MainPID", "jwtd-issuer")
        # The state after a crash between the end of the session and its publication.
        with open("/var/lib/jwt/revoked", "w", encoding="ascii"):
            pass
        os.kill(int(before), 9)
        until(lambda: systemctl("show", "-P", "MainPID", "jwtd-issuer") not in ("0", before) and
              systemctl("is-active", "jwtd-issuer") == "active", 30)
        with open("/var/lib/jwt/revoked", encoding="ascii") as file:
            assert file.read() == whole
    obtain()


def fault(break_it, repair, names):
    """503 to the client, one log line that names the file, and automatic recovery."""
    obtain()
    systemctl("stop", "jwtd-issuer")
    journal()
    assert sh(break_it).returncode == 0, break_it
    try:
        statuses = [api("/api/token/", LOGIN)[0] for _ in range(2)]
        time.sleep(1.1)
        statuses.append(api("/api/token/", LOGIN)[0])
        said = [x for x in journal().split("\n") if "jwtd-issuer" in x and "cause=" in x]
    finally:
        out = sh(repair)
        assert out.returncode == 0, out
    assert statuses == [503] * 3, (break_it, statuses)
    assert len(said) == 1 and names in said[0], (break_it, said)
    until(lambda: api("/api/token/", LOGIN)[0] == 200)
    assert status("jwtd-issuer") == "Ready", status("jwtd-issuer")


def test_an_unusable_key_or_store_is_503_with_one_log_line_and_recovers():
    state = "/var/lib/jwtd-issuer"
    key, = os.listdir(state + "/keys")
    key = f"{state}/keys/{key}"
    fault(f"chmod 0 {state}/keys", f"chmod 0700 {state}/keys", state + "/keys")
    fault(f"chmod 0 {key}", f"chmod 0600 {key}", key)
    fault(f"chmod 0 {state}/sessions.db", f"chmod 0600 {state}/sessions.db", state + "/sessions.db")
    fault("chown root /var/lib/jwt && mv /var/lib/jwt/issuer /root && chmod 0755 /var/lib/jwt",
          "chown jwtd-issuer /var/lib/jwt && mv /root/issuer /var/lib/jwt", "/var/lib/jwt")


def test_journalctl_explains_each_line():
    assert sh("journalctl --update-catalog").returncode == 0
    obtain()
    api("/api/token/", WRONG)
    sh("journalctl --sync")
    with open("/usr/lib/systemd/catalog/jwtd.catalog", encoding="utf-8") as file:
        entries = dict(re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.*)", file.read(), re.M))
    assert len(entries) > 15
    for number, subject in entries.items():
        assert subject in sh(f"journalctl --dump-catalog {number}").stdout, subject
    for number in ("423f79fc476b48d68931c95710e1ed37", "6e041b53dcea41119b57d7e2bd0d6507"):
        shown = sh(f"journalctl -q --no-pager -x -n 1 MESSAGE_ID={number}").stdout
        assert "Subject: " + entries[number] in shown and "man:jwtd-" in shown, shown
    fields = json.loads(sh("journalctl -q -o json -n 1 MESSAGE_ID=423f79fc476b48d68931c95710e1ed37").stdout)
    assert fields["JWT_USER"] == "alice" and fields["JWT_SOURCE"] == "uid 0" and len(fields["JWT_SID"]) == 22, fields


def issuer_lines(what):
    """The fields of each message that jwtd-issuer logs during the call."""
    journal()
    what()
    lines = [json.loads(x) for x in journal("json").splitlines()]
    return [x for x in lines if x.get("SYSLOG_IDENTIFIER") == "jwtd-issuer"]


DECISIONS = {
    "login": "423f79fc476b48d68931c95710e1ed37", "login denied": "732051d5e8994c42986e85c0030e39f5",
    "refreshed": "490d0a0cbbab4c92b1c6af5790b726f4", "refresh denied": "c24dc1f1e29848efa5051f15f8dc7ba0",
    "reuse": "055e9d1f6c6941a8baa6a6af72a0598c", "logout": "6b8b8292f52c479994781d75753b8463",
    "narrowed": "f70cf8249b3f438892ebb6444e6c17a4",
}


def forget_limits():
    """The issuer limits lines of refused requests by their source; it starts with no count."""
    assert sh("systemctl restart jwtd-issuer").returncode == 0


def test_each_decision_is_one_log_line_with_its_message_id_and_fields():
    with Settings("[Http]\nFailureTime=100ms\n[Session]\nRotationGrace=0\n"):
        pair = obtain()
        other = obtain()

        def one_line(name, what, user="alice"):
            found = issuer_lines(what)
            assert [x.get("MESSAGE_ID") for x in found] == [DECISIONS[name]], (name, found)
            # A NARROW request has no source.
            source = None if name == "narrowed" else "uid 0"
            assert (found[0].get("JWT_USER"), found[0].get("JWT_SOURCE")) == (user, source), found
            assert ("JWT_JTI" in found[0]) == (name in ("login", "refreshed", "narrowed")), found
            assert "eyJ" not in json.dumps(found), name

        def refresh(token):
            return api("/api/token/refresh/", {"refresh": token})

        one_line("login", obtain)
        one_line("login denied", lambda: api("/api/token/", WRONG))
        forget_limits()
        one_line("login denied", lambda: api("/api/token/", {"username": "nobodyknows", "password": "x"}), None)
        one_line("refreshed", lambda: refresh(pair["refresh"]))
        one_line("reuse", lambda: refresh(pair["refresh"]))
        one_line("refresh denied", lambda: refresh(pair["refresh"]))
        forget_limits()
        one_line("refresh denied", lambda: refresh("junk"), None)
        one_line("narrowed", lambda: api("/api/token/narrow/", {"scope": "pam:sudo"}, other["access"]))
        one_line("logout", lambda: api("/api/token/blacklist/", {"refresh": other["refresh"]}))
        third = obtain()["access"]
        one_line("logout", lambda: api("/api/logout/", {}, third))


AS_JWTD = r"""
import socket
def ask(path, message):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(20)
        try:
            client.connect(path)
            client.send(message)
            return client.recv(65536)
        except PermissionError:
            return "no permission"
        except ConnectionResetError:
            return b""
def message(op, *fields):
    return b"J\1" + bytes([op, len(fields)]) + b"".join(len(f).to_bytes(2, "little") + f for f in fields)
issuer, admin, login = (f"/run/jwtd/{name}.sock" for name in ("issuer", "admin", "login"))
assert ask(issuer, message(1)) == b"J\1\0\0"
assert ask(login, message(16, b"alice", b"x", b"")) == "no permission"
assert ask(admin, message(37)) == "no permission"
for op, fields in ((16, (b"alice", b"x", b"")), (17, (b"alice",)), (32, ()), (33, (b"", b"")), (34, (b"alice",)),
                   (35, (b"",)), (36, (b"",)), (37, ())):
    assert ask(issuer, message(op, *fields)) == b"", op
for path in ("/var/lib/jwtd-issuer/sessions.db", "/var/lib/jwtd-issuer/keys", "/etc/shadow"):
    try:
        open(path)
    except PermissionError:
        continue
    raise AssertionError(path)
print("held")
"""


def test_the_user_jwtd_can_send_only_its_own_requests():
    pair = obtain()
    with open("/tmp/as_jwtd", "w", encoding="utf-8") as file:
        file.write(AS_JWTD)
    out = sh("runuser -u jwtd -- python3 /tmp/as_jwtd")
    assert out.stdout == "held\n", out
    assert api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 200
