"""jwtctl as root: keys rotated during logins, sessions revoked; and the tokens that `jwtctl run -- ssh`
presents."""

import json
import os
import stat
import threading
import time

from kit import ALICE, LOGINS, api, journal, obtain, sh, systemctl

KEYS = "/var/lib/jwtd-issuer/keys"


def accepted_by(user, token):
    """The names of the services that accept the token."""
    return [name for name, login in LOGINS.items() if login(user, token)]


def test_a_rotation_under_logins_refuses_none_of_them():
    before = obtain()
    refused, opened, over = [], [], threading.Event()

    def keep_logging_in():
        while not over.is_set():
            status, fresh = api("/api/token/", {"username": "alice", "password": ALICE})
            for pair in (before, fresh) if status == 200 else (before,):
                (opened if LOGINS["sudo -S"]("alice", pair["access"]) else refused).append(pair)
            if status not in (200, 503):  # in progress when the issuer was killed
                refused.append(fresh)

    thread = threading.Thread(target=keep_logging_in)
    thread.start()
    kids = []
    try:
        for _ in range(3):
            out = sh("jwtctl key rotate --json")
            assert out.returncode == 0, out
            kids.append(json.loads(out.stdout))
            systemctl("kill", "-s", "SIGKILL", "jwtd-issuer")
            time.sleep(0.7)
    finally:
        over.set()
        thread.join()
    assert not refused and len(opened) > 2, (len(refused), len(opened))
    assert [k["before"] for k in kids[1:]] == [k["kid"] for k in kids[:-1]], kids
    after = obtain()
    for token in (before["access"], after["access"]):
        assert accepted_by("alice", token) == list(LOGINS)
    assert api("/api/token/refresh/", {"refresh": before["refresh"]})[0] == 200
    for name in os.listdir(KEYS):
        info = os.stat(f"{KEYS}/{name}")
        assert stat.S_IMODE(info.st_mode) == 0o600 and info.st_uid == os.stat(KEYS).st_uid, name
    assert len(json.loads(sh("jwtctl key list --json", user="alice").stdout)) == 4


def test_an_old_key_is_not_retired_while_its_tokens_live():
    old = json.loads(sh("jwtctl key rotate --json").stdout)["before"]
    out = sh(f"jwtctl key retire {old}")
    assert out.returncode == 1 and f"{old} stays published until " in out.stdout, out
    out = sh("jwtctl key retire --json")
    assert out.returncode == 0 and json.loads(out.stdout)["retired"] == [], out
    assert old in [k["kid"] for k in json.loads(sh("jwtctl status --json").stdout)["daemon"]["keys"]]


def test_revoke_takes_effect_at_every_service():
    pair = obtain()
    assert accepted_by("alice", pair["access"]) == list(LOGINS)
    out = sh("jwtctl revoke alice")
    assert out.returncode == 0 and "revoked" in out.stdout, out
    assert accepted_by("alice", pair["access"]) == []
    assert api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 401
    assert accepted_by("alice", obtain()["access"]) == list(LOGINS)
    out = sh("jwtctl revoke carol", user="alice")
    assert out.returncode == 1 and "must be run as root" in out.stderr, out


def asked(service, prompt):
    """The token that askpass prints. The shell is ssh for it, because it runs the helper of ssh."""
    helper = ("/usr/libexec/jwt/hostkey $(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2) "
              "localhost localhost 22 alice HOSTNAME; " if service == "sshd" else "")
    out = sh(f"export JWT_ASKPASS_SERVICE={service}; {helper}/usr/libexec/jwt/askpass \"{prompt}\"; exit $?",
             user="alice")
    assert out.returncode == 0, out
    return out.stdout.strip()


def test_the_token_given_to_ssh_is_accepted_once_by_sshd_only():
    assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0
    try:
        for name in ("ssh by password", "ssh by keyboard-interactive"):
            token = asked("sshd", "alice@localhost's password: ")
            assert not LOGINS["sudo -S"]("alice", token) and not LOGINS["su"]("alice", token)
            assert api("/api/user/", token=token)[0] in (401, 403)
            journal()
            assert LOGINS[name]("alice", token), journal()
            assert not LOGINS[name]("alice", token)
            assert "spent" in journal()
        token = asked("sudo", "[sudo] password for alice: ")
        assert LOGINS["sudo -S"]("alice", token) and not LOGINS["ssh by password"]("alice", token)
        for _ in range(2):
            out = sh("jwtctl run -- ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR localhost id -un",
                     user="alice")
            assert out.stdout == "alice\n", out
        out = sh("jwtctl run -- scp -q -o StrictHostKeyChecking=accept-new localhost:/etc/hostname /tmp/copied",
                 user="alice")
        assert out.returncode == 0 and os.path.getsize("/tmp/copied") > 0, out
    finally:
        sh("jwtctl logout", user="alice")


def test_status_and_sessions_show_a_users_login():
    assert sh("jwtctl status", user="alice").returncode == 1
    assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0
    login = json.loads(sh("jwtctl status --json", user="alice").stdout)["login"]
    mine = json.loads(sh("jwtctl sessions --json", user="alice").stdout)
    assert login["confirmed"] and [s["sid"] for s in mine if s["current"]] == [login["sid"]], (login, mine)
    assert len([s for s in json.loads(sh("jwtctl sessions --user=alice --json").stdout)]) == len(mine)
    out = sh("jwtctl logout --all", user="alice")
    assert out.returncode == 0 and f"{len(mine)} session" in out.stdout, out
    assert json.loads(sh("jwtctl sessions --user=alice --json").stdout) == []
