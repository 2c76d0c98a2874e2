"""Crashes of daemons, invalid settings, unusable stores, file modes, invalid messages, and jwtctl."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time

import pytest
from daemons import ALICE, QUICK, payload, until


# Faults


def test_a_killed_issuer_loses_no_session(d):
    pairs = [d.obtain() for _ in range(3)]
    for round_number in range(12):
        d.kill(d.issuer)
        i = round_number % 3
        reply = d.post("/api/token/refresh/", {"refresh": pairs[i]["refresh"]})
        assert reply.status == 200, (round_number, reply.raw)
        pairs[i] = reply.json()
    assert d.issuer.starts >= 12


def test_each_daemon_restarts_twenty_times_in_a_row(d):
    for _ in range(20):
        for daemon in d.all:
            d.kill(daemon)
        assert d.get("/healthz").status == 200
    d.obtain()


def test_an_unreachable_daemon_is_503_until_it_is_back(d):
    pair = d.obtain()
    d.hold(d.login)
    reply = d.post("/api/token/", ALICE)
    assert reply.status == 503 and reply.header("Retry-After"), reply.raw
    assert d.post("/api/token/verify/", {"token": pair["access"]}).status == 503
    d.release(d.login)
    d.obtain()
    d.hold(d.issuer)
    assert d.get("/healthz").status == 503 and d.post("/api/token/", ALICE).status == 503
    d.release(d.issuer)
    d.obtain()


def test_invalid_settings_are_503_with_one_log_line_and_are_reread(d):
    d.obtain()
    for daemon in d.all:
        d.kill(daemon)
    d.write("jwt.conf", QUICK + "[Token]\nAccessTokenLifetime=sometimes\n")
    for _ in range(5):
        assert d.post("/api/token/", ALICE).status == 503
    line = QUICK.count("\n") + 2
    said = [x for x in d.read_log().split("\n") if f"jwt.conf:{line}" in x]
    assert said and "AccessTokenLifetime" in said[0] and "15min" in said[0], d.read_log()
    assert len([x for x in said if "jwtd:" in x or x.startswith("jwtd ")]) <= 1, said
    d.write("jwt.conf", QUICK)
    time.sleep(1.2)
    d.obtain()


def test_an_unusable_store_or_key_is_503_and_no_new_key_is_made(d):
    d.obtain()
    d.kill(d.issuer)
    keys = d.path("state/keys")
    os.rename(keys, keys + ".away")
    assert d.post("/api/token/", ALICE).status == 503
    assert not os.path.exists(keys) or not os.listdir(keys)
    if os.path.exists(keys):
        os.rmdir(keys)
    os.rename(keys + ".away", keys)
    time.sleep(1.2)
    d.obtain()
    d.kill(d.issuer)
    database = d.path("state/sessions.db")
    for extra in ("-wal", "-shm"):
        if os.path.exists(database + extra):
            os.remove(database + extra)
    os.rename(database, database + ".away")
    with open(database, "wb") as file:
        file.write(b"this is no database" * 500)
    os.chmod(database, 0o600)
    assert d.post("/api/token/", ALICE).status == 503
    assert "sessions.db" in d.read_log()


def test_the_list_is_published_again_when_it_was_lost(d):
    pair, other = d.obtain(), d.obtain()
    assert d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
    d.kill(d.issuer)
    os.remove(d.path("public/revoked"))
    assert d.post("/api/token/refresh/", {"refresh": other["refresh"]}).status == 200
    assert d.revoked() == [payload(pair["access"])["sid"]]


@pytest.mark.daemons(QUICK + "[Daemon]\nIdleTimeout=1s\n")
def test_idle_daemons_exit_and_start_again(d):
    d.obtain()
    until(lambda: all(x.exits for x in d.all))
    assert [x.exits for x in d.all] == [[0]] * 3
    d.obtain()


# Files and the wire


def test_every_file_has_its_mode(d):
    d.obtain()
    key, = os.listdir(d.path("state/keys"))
    want = {"public/issuer": 0o644, "public/jwks.json": 0o644, "public/revoked": 0o644,
            "state/keys": 0o700, "state/keys/" + key: 0o600, "state/sessions.db": 0o600}
    for name, mode in want.items():
        assert stat.S_IMODE(os.stat(d.path(name)).st_mode) == mode, (name, oct(os.stat(d.path(name)).st_mode))
    host = socket.gethostname().lower()
    assert open(d.path("public/issuer"), encoding="utf-8").read() == f"Issuer=https://{host}\nAudience={host}\n"
    assert re.fullmatch(r"[\w-]{8}\.jwk", key), key


def test_the_wire_rejects_other_uids_and_malformed_messages(d):
    d.obtain()
    for name in ("issuer.sock", "login.sock"):
        for message in (b"", b"J", b"J\x01\x02\x03", b"J\x01\xff\x00", b"X" * 100, b"J\x02\x01\x00", os.urandom(19000)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.settimeout(5)
                client.connect(d.path(name))
                if message:
                    client.send(message)
                else:
                    client.shutdown(socket.SHUT_WR)
                assert client.recv(100) == b"", (name, message[:20])
        ask = ("import socket,sys,os\nos.setuid(65534)\n"
               "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\ns.settimeout(5)\n"
               f"s.connect({d.path(name)!r})\n"
               "try:\n s.send(b'J\\x01\\x01\\x00')\n print(s.recv(100))\nexcept OSError as e: print(b'')\n")
        out = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, timeout=20)
        assert out.stdout.strip() == b"b''", out
    assert d.get("/healthz").status == 200 and d.obtain()


@pytest.mark.daemons(tcp=True)
def test_jwtctl_logs_in_shows_and_logs_out(d):
    home = d.path("home")
    os.mkdir(home, 0o700)
    environment = {"HOME": home, "PATH": os.environ["PATH"]}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]

    def ctl(*argv, text="", status=0):
        out = subprocess.run([d.build + "/jwtctl/jwtctl", *argv], input=text, env=environment, text=True,
                             capture_output=True, check=False, timeout=60)
        assert out.returncode == status, (argv, out)
        return out.stdout

    server = f"--server=http://127.0.0.1:{d.port}"
    ctl("login", server, "alice", text="no such secret\n", status=1)
    said = ctl("login", server, "alice", text=ALICE["password"] + "\n")
    assert "eyJ" not in said and "alice" in said, said
    token = ctl("token").strip()
    assert payload(token)["sub"] == "alice"
    for folder, _, files in os.walk(home):
        for file in files:
            assert stat.S_IMODE(os.stat(os.path.join(folder, file)).st_mode) == 0o600, file
    assert "alice" in ctl("show")
    words = [f"keys={d.path('public/jwks.json')}", f"revoked={d.path('public/revoked')}",
             f"issuer={payload(token)['iss']}", f"audience={payload(token)['aud']}"]
    assert json.loads(ctl("verify", "--user=alice", *words, text=token))["valid"] is True
    assert json.loads(ctl("verify", "--user=carol", *words, text=token, status=1))["error"] == "wrong_user"
    ctl("logout")
    assert json.loads(ctl("verify", "--user=alice", *words, text=token, status=1))["error"] == "revoked"
    ctl("token", status=1)
