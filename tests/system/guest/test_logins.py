"""Logins at sshd, sudo and su, and the daemons under systemd: the same cases at each service. Each refusal logs
one line with its reason."""

import json
import os
import pwd
import re
import stat
import subprocess
import time

import pytest
from kit import (ALICE, CAROL, DAEMONS, KEYBOARD_METHOD, LOGINS, PASSWORD_METHOD, SETTINGS, api, journal, mint, now, obtain,
                 refused_tokens, sh, ssh, su, sudo, systemctl)


def test_nothing_runs_before_the_first_request():
    for name in DAEMONS:
        assert systemctl("is-active", name + ".service") == "inactive", systemctl("status", name)
        assert systemctl("is-active", name + ".socket") == "active", systemctl("status", name + ".socket")


def test_every_file_and_socket_has_its_owner_and_mode():
    obtain()
    want = {
        "/etc/jwt/jwt.conf": "root 644", "/var/lib/jwt": "jwtd-issuer 755", "/var/lib/jwt-issuers": "root 755",
        "/var/lib/jwt/issuer": "jwtd-issuer 644", "/var/lib/jwt/jwks.json": "jwtd-issuer 644",
        "/var/lib/jwt/revoked": "jwtd-issuer 644", "/var/lib/jwtd-issuer": "jwtd-issuer 700",
        "/var/lib/jwtd-issuer/keys": "jwtd-issuer 700", "/var/lib/jwtd-issuer/sessions.db": "jwtd-issuer 600",
        "/run/jwt/used": "root 700", "/run/jwt/since": "root 644", "/run/jwtd/http.sock": "root 666",
        "/run/jwtd/issuer.sock": "jwtd 600", "/run/jwtd/admin.sock": "root 600",
        "/run/jwtd/login.sock": "jwtd-issuer 600", "/run/jwtd": "root 755",
    }
    for name in os.listdir("/var/lib/jwtd-issuer/keys"):
        want["/var/lib/jwtd-issuer/keys/" + name] = "jwtd-issuer 600"
    for path, owner_mode in want.items():
        found = os.stat(path)
        got = f"{pwd.getpwuid(found.st_uid).pw_name} {stat.S_IMODE(found.st_mode):o}"
        assert got == owner_mode, (path, got, owner_mode)
    for name in ("jwtd", "jwtd-issuer"):
        pid = systemctl("show", "-P", "MainPID", name)
        user = sh(f"ps -o user:20= -p {pid}").stdout.strip()
        assert user == name, (name, user)


def test_every_service_accepts_the_token_and_the_password():
    token = obtain()["access"]
    for name, login in LOGINS.items():
        assert login("alice", token), name + " with the token\n" + journal()
        assert login("alice", ALICE), name + " with the password\n" + journal()
    assert LOGINS["ssh by password"]("carol", CAROL)


def test_every_service_accepts_a_token_signed_by_the_test():
    for name, login in LOGINS.items():
        assert login("alice", mint()), name


@pytest.mark.parametrize("login", LOGINS)
def test_each_invalid_token_is_refused_with_one_log_line(login):
    for case, (user, token, reason) in refused_tokens().items():
        if login == "sudo -S" and user != "alice":
            user = "carol"
        journal()
        assert not LOGINS[login](user, token), case
        # sudo prompts again and reads the end of its input, which libpam logs.
        lines = [x for x in journal().split("\n") if "pam_jwt" in x and "conversation failed" not in x]
        assert len(lines) == 1, (case, lines)
        assert reason in lines[0] and "eyJ" not in lines[0], (case, reason, lines)


WHY = {"expired": (lambda: mint(iat=now() - 600, exp=now() - 60), "the token has expired", "the token expired"),
       "for another service": (lambda: mint(scope="pam:vsftpd"), "scope does not include this service",
                               'expected "pam:%s", got "pam:vsftpd"')}


@pytest.mark.parametrize("fault", WHY)
def test_the_user_of_a_refused_token_finds_out_why(fault):
    make, shown, reason = WHY[fault]
    token = make()
    # sudo suppresses messages; Debian 12's release has no setting for that.
    loud = sh("echo 'Defaults !pam_silent' >/root/loud && visudo -c -f /root/loud && install -m 0440 /root/loud /etc/sudoers.d/loud")
    for service, attempt, tells in (
            ("su", lambda: sh("su alice -c id", token + "\n", "nobodyspecial"), True),
            ("sudo", lambda: sh("sudo -k -S -p '' id", token + "\n", "alice"), loud.returncode == 0),
            ("sshd", lambda: ssh("-o LogLevel=INFO " + KEYBOARD_METHOD, "alice", token), True),
            ("sshd", lambda: ssh("-o LogLevel=INFO " + PASSWORD_METHOD, "alice", token), False)):
        out = attempt()
        assert out.returncode != 0 and (shown in out.stdout + out.stderr) == tells, out
        told = sh(f"jwtctl show --service={service}", token, "alice")
        assert "result: refused: " in told.stdout and reason.replace("%s", service) in told.stdout, told
    sh("rm -f /etc/sudoers.d/loud")
    for stranger in ("", "x.y.z", token[:-2]):
        assert reason.split("%s")[0] not in sh("jwtctl show --service=sshd", stranger, "carol").stdout


def test_a_token_for_an_expired_account_and_for_root_is_refused():
    for name in ("ssh by password", "ssh by keyboard-interactive", "su"):
        journal()
        assert not LOGINS[name]("bob", mint(sub="bob")), name
        text = journal()
        assert re.search(r"account bob has expired|pam_jwt.*bob", text), text
    journal()
    assert not su("root", mint(sub="root"))
    assert "root_refused" in journal()
    status, answer = api("/api/token/", {"username": "bob", "password": "bobpw"})
    assert (status, answer) == (401, {"detail": "No active account found with the given credentials"})


def test_no_sudo_timestamp_is_cached():
    assert sudo("alice", obtain()["access"])
    assert sh("sudo -n true", user="alice").returncode != 0


def test_jwtctl_run_needs_no_typing():
    assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0
    journal()
    out = sh("jwtctl run -- ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR localhost id -un", user="alice")
    assert out.stdout == "alice\n", (out, journal())
    out = sh("jwtctl run -- sudo -A id -un", user="alice")
    assert out.stdout == "root\n", out
    out = sh("rm -f ~/.ssh/known_hosts; jwtctl run -- timeout 10 ssh -o LogLevel=ERROR localhost id", user="alice")
    assert out.returncode not in (0, 124), out
    old = sh("jwtctl token", user="alice").stdout.strip()
    assert sh("jwtctl logout", user="alice").returncode == 0
    assert not sudo("alice", old)


def test_logout_takes_effect_at_once_and_leaves_other_sessions():
    one, two = obtain(), obtain()
    assert sudo("alice", one["access"])
    assert api("/api/token/blacklist/", {"refresh": one["refresh"]}) == (200, {})
    for name, login in LOGINS.items():
        journal()
        assert not login("alice", one["access"]), name
        assert "revoked" in journal(), name
        assert login("alice", two["access"]), name


def test_refresh_works_and_reuse_after_the_grace_ends_the_session():
    first = obtain()
    status, second = api("/api/token/refresh/", {"refresh": first["refresh"]})
    assert status == 200 and sudo("alice", second["access"])
    time.sleep(10.5)
    status, answer = api("/api/token/refresh/", {"refresh": first["refresh"]})
    assert status == 401 and answer["code"] == "token_not_valid", answer
    assert not sudo("alice", second["access"]) and not sudo("alice", first["access"])
    assert api("/api/token/refresh/", {"refresh": second["refresh"]})[0] == 401


def test_tokens_are_accepted_while_the_daemons_are_stopped():
    token = obtain()["access"]
    systemctl("stop", "jwtd.socket", "jwtd-tcp.socket", "jwtd-issuer.socket", "jwtd-login.socket",
              *(n + ".service" for n in DAEMONS))
    try:
        for name, login in LOGINS.items():
            assert login("alice", token), name
            assert login("alice", ALICE), name
    finally:
        systemctl("start", "jwtd.socket", "jwtd-tcp.socket")
    obtain()


def test_the_tcp_listener_works():
    out = sh("curl -sS http://127.0.0.1:8598/healthz")
    assert json.loads(out.stdout) == {"status": "ok"}, out


def test_killed_daemons_start_again_six_times_in_a_row():
    """With systemd's default limits a socket would fail at the sixth start. RestartSec= is 4 s."""
    obtain()
    pids = set()
    for _ in range(6):
        pids |= {systemctl("show", "-P", "MainPID", name) for name in DAEMONS}
        systemctl("kill", "-s", "KILL", *DAEMONS)
        before = time.monotonic()
        obtain()
        assert time.monotonic() - before < 20
    assert len(pids - {"0"}) == 18, pids
    assert [systemctl("is-active", name + ".socket") for name in DAEMONS] == ["active"] * 3


def test_memory_after_a_thousand_requests_is_bounded():
    pair = obtain()
    config = "".join(f'url = "http://localhost/api/token/verify/"\njson = "{{\\"token\\":\\"{pair["access"]}\\"}}"\n'
                     'output = "/dev/null"\nnext\n' for _ in range(500))
    config += 'url = "http://localhost/.well-known/jwks.json"\noutput = "/dev/null"\nnext\n' * 480
    config = config.replace("next\n", "next\nunix-socket = \"/run/jwtd/http.sock\"\nsilent\n")
    subprocess.run(["curl", "-sS", "--unix-socket", "/run/jwtd/http.sock", "-K", "-"], input=config.removesuffix(
        'next\nunix-socket = "/run/jwtd/http.sock"\nsilent\n'), text=True, check=True, timeout=120)
    for _ in range(10):
        status, pair = api("/api/token/refresh/", {"refresh": pair["refresh"]})
        assert status == 200
        obtain()
    for name, limit in zip(DAEMONS, (8, 12, 8)):
        pid = systemctl("show", "-P", "MainPID", name)
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            rss = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024
        print(f"# {name}: {rss:.1f} MiB of at most {limit}")
        assert rss <= limit, (name, rss)


def test_the_sandbox_is_tight():
    obtain()
    for name, limit in zip(DAEMONS, (0.4, 0.4, 0.5)):
        out = sh(f"systemd-analyze security --no-pager {name}.service | tail -n 2").stdout
        level = float(re.search(r"(\d+\.\d)", out).group(1))
        print(f"# {name}: exposure {level} of at most {limit}")
        assert level <= limit, out
        pid = systemctl("show", "-P", "MainPID", name)
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            text = file.read()
        assert "NoNewPrivs:\t1" in text and "Seccomp:\t2" in text, text
        effective = int(re.search(r"CapEff:\s+(\w+)", text).group(1), 16)
        assert effective == 0, (name, hex(effective))


def test_the_units_have_the_keys_of_this_systemd_and_no_others():
    """Unknown keys would be lines of the journal at each daemon-reload."""
    out = sh("systemd-analyze verify --man=no /usr/lib/systemd/system/jwtd*.{service,socket}")
    assert "jwtd" not in out.stderr, out
    version = int(sh("systemctl --version").stdout.split()[1])
    for name in DAEMONS:
        assert systemctl("show", "-P", "Type", name) == ("notify-reload" if version >= 253 else "notify"), name


def test_an_invalid_setting_is_reported_by_check_and_by_503():
    with open(SETTINGS, "w", encoding="utf-8") as file:
        file.write("[Token]\nAccessTokenLifetime=sometimes\n")
    try:
        out = sh("jwtctl config check")
        said = out.stdout + out.stderr
        assert out.returncode == 3 and SETTINGS in said and "15min" in said and ":2" in said, out
        for name in DAEMONS:
            systemctl("stop", name)
        assert api("/api/token/", {"username": "alice", "password": ALICE})[0] == 503
    finally:
        os.remove(SETTINGS)
    assert sh("jwtctl config check").returncode == 0
    time.sleep(1.1)
    obtain()


def test_idle_daemons_exit_and_their_sockets_stay():
    with open(SETTINGS, "w", encoding="utf-8") as file:
        file.write("[Daemon]\nIdleTimeout=1s\n")
    try:
        for name in DAEMONS:
            systemctl("stop", name)
        obtain()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and any(systemctl("is-active", n) != "inactive" for n in DAEMONS):
            time.sleep(0.2)
        for name in DAEMONS:
            assert systemctl("is-active", name + ".service") == "inactive", systemctl("status", name)
            assert systemctl("show", "-P", "Result", name) == "success"
    finally:
        os.remove(SETTINGS)
    obtain()


def test_after_wrong_passwords_the_right_one_is_accepted():
    for _ in range(3):
        assert api("/api/token/", {"username": "alice", "password": "no such secret"})[0] == 401
    obtain()
