"""jwtctl sync with its timer and services on a host of systemd. The issuer is the real one, which sees other directories
than the host: /srv/issuer/public as /var/lib/jwt, and /srv/issuer/state as /var/lib/jwtd-issuer."""

import hashlib
import json
import os
import re
import subprocess
import time

import pytest
from kit import CAROL, LOGINS, api, b64, obtain, sh, systemctl

URL = "http://127.0.0.1:8598"
UNITS = ("jwt-sync-fetch", "jwt-sync-install")
PUBLIC = "/var/lib/jwt"
DROP_IN = """[Service]
StateDirectory=
BindPaths=/srv/issuer/public:/var/lib/jwt /srv/issuer/state:/var/lib/jwtd-issuer
"""
# Tries what nothing in the sandbox may do: what was tried -> the error, or "done".
PROBE = r"""
import json, socket, sys
tried = {}
def attempt(name, function):
    try:
        function()
        tried[name] = "done"
    except OSError as error:
        tried[name] = error.strerror or str(error)
for path in ("/var/lib/jwt", "/var/lib/jwt-sync", "/etc/jwt", "/run", "/run/jwt-sync", "/tmp/..", "/usr", "/dev/shm"):
    attempt("write to " + path, lambda: open(path + "/probe", "w").close())
for path in ("/etc/shadow", "/etc/ssh/ssh_host_ed25519_key", "/root/kit.py", "/run/systemd/private"):
    attempt("read " + path, lambda: open(path).close())
attempt("connect", lambda: socket.create_connection(("127.0.0.1", 8598), 5).close())
attempt("Unix socket", lambda: socket.socket(socket.AF_UNIX).close())
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close())
json.dump(tried, open(sys.argv[1], "w"))
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(what)


@pytest.fixture(scope="module", autouse=True)
def issuer_elsewhere():
    """The issuer of the container moves; the host has none of its files."""
    systemctl("stop", "jwtd.socket", "jwtd-tcp.socket", "jwtd-issuer.socket", "jwtd-issuer-admin.socket", "jwtd.service",
              "jwtd-issuer.service", "jwtd-login.service")
    sh("mkdir /srv/issuer && mv /var/lib/jwt /srv/issuer/public && mv /var/lib/jwtd-issuer /srv/issuer/state && "
       "install -d -m 0755 /var/lib/jwt")
    for unit in ("jwtd", "jwtd-issuer", "jwtd-issuer-init"):
        write(f"/etc/systemd/system/{unit}.service.d/elsewhere.conf", DROP_IN)
    write("/etc/jwt/jwt.conf.d/interval.conf", "[Sync]\nInterval=2s\n")
    write("/etc/systemd/system/jwt-sync.timer.d/retry.conf",
          "[Timer]\nOnUnitInactiveSec=\nOnActiveSec=1s\nOnUnitInactiveSec=2s\nRandomizedDelaySec=0\n")
    systemctl("daemon-reload")
    systemctl("start", "jwtd.socket", "jwtd-tcp.socket")
    sh(f"curl -sS {URL}/healthz")
    assert os.listdir(PUBLIC) == []


def thumbprint():
    """Of the issuer's bundle key."""
    name, = [name for name in os.listdir("/srv/issuer/state/bundle") if name.endswith(".jwk")]
    x = json.loads(read("/srv/issuer/state/bundle/" + name))["x"]
    return b64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def synchronise():
    return sh("jwtctl sync").returncode


def stamp(unit, what):
    """When the program of a unit started or ended, in microseconds of the monotonic clock."""
    return int(systemctl("show", "--value", f"--property=ExecMain{what}TimestampMonotonic", unit) or 0)


def accepted(token):
    return LOGINS["ssh by password"]("alice", token)


def test_the_sandboxes_are_strict():
    for unit in UNITS:
        out = sh(f"systemd-analyze security --no-pager {unit}.service").stdout
        exposure = float(re.search(r"Overall exposure level for .*: ([0-9.]+)", out)[1])
        print(f"# {unit}: exposure {exposure}")
        assert exposure < (2 if unit == "jwt-sync-fetch" else 1), out


def test_add_with_a_wrong_thumbprint_shows_the_reason():
    out = sh(f"jwtctl sync --add={URL} --trust={'A' * 43}")
    assert out.returncode == 1 and "none of its bundle keys is trusted" in out.stderr, out
    assert os.listdir(PUBLIC) == []
    assert sh("jwtctl sync --remove").returncode == 0


def test_add_synchronises_the_host():
    out = sh(f"jwtctl sync --add={URL} --trust={thumbprint()}")
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")
    assert sorted(os.listdir(PUBLIC)) == ["issuer", "jwks.json", "revoked", "synced"]
    assert sh("stat -c '%U %a' /var/lib/jwt/* /var/lib/jwt").stdout.split("\n")[:-1] == [
        *["jwt-sync-install 644"] * 4, "jwt-sync-install 755"]
    assert systemctl("is-enabled", "jwt-sync.timer") == "enabled" and systemctl("is-active", "jwt-sync.timer") == "active"
    assert f"{URL}\n  last synchronised" in sh("jwtctl sync --list", user="alice").stdout


def test_a_logout_is_known_after_the_next_poll():
    pair = obtain()
    assert accepted(pair["access"])
    assert api("/api/logout/", {}, pair["access"])[0] == 200
    logout = time.monotonic_ns() // 1000
    until(lambda: logout < stamp("jwt-sync-install", "Exit"), "no poll within a minute")
    print(f"# from logout to the end of the next poll: {(time.monotonic_ns() // 1000 - logout) / 1e6:.1f} s, interval 2 s")
    assert '"error":"revoked"' in sh("jwtctl verify --user=alice --service=sshd", pair["access"]).stdout
    assert not accepted(pair["access"])


def test_a_new_key_is_known_after_the_next_poll():
    assert sh("jwtctl key rotate").returncode == 0
    assert synchronise() == 0
    assert accepted(obtain()["access"])


def test_sync_does_not_wait_for_a_run_that_began_before_it():
    path = "/etc/systemd/system/jwt-sync-fetch.service.d/slow.conf"
    write(path, "[Service]\nExecStartPre=/bin/sleep infinity\n")
    systemctl("daemon-reload")
    systemctl("restart", "--no-block", "jwt-sync-fetch.service")
    until(lambda: systemctl("is-active", "jwt-sync-fetch.service") == "activating", "not started")
    os.remove(path)
    systemctl("daemon-reload")
    before = stamp("jwt-sync-install", "Exit")
    assert synchronise() == 0 and stamp("jwt-sync-install", "Exit") > before


def fetcher():
    return systemctl("show", "--value", "--property=MainPID", "jwt-sync-fetch")


def test_one_process_polls_and_an_unchanged_bundle_is_installed_in_a_quarter_of_revoked_max_age():
    write("/etc/jwt/jwt.conf.d/zz.conf", "[Token]\nRevokedMaxAge=20s\n")
    assert synchronise() == 0
    pid, installed = fetcher(), [stamp("jwt-sync-install", "Start")]
    while len(installed) < 4:
        until(lambda: stamp("jwt-sync-install", "Start") > installed[-1], "the time of the bundle is not installed")
        installed.append(stamp("jwt-sync-install", "Start"))
    os.remove("/etc/jwt/jwt.conf.d/zz.conf")
    # The first may be a second start for what `jwtctl sync` fetched.
    assert installed[3] - installed[2] > 5_000_000, installed
    assert fetcher() == pid and synchronise() == 0


def test_a_fetcher_that_ends_is_started_again_and_polls_at_once():
    pid, before = fetcher(), stamp("jwt-sync-install", "Exit")
    systemctl("kill", "--signal=TERM", "jwt-sync-fetch")
    until(lambda: fetcher() not in (pid, "0") and stamp("jwt-sync-install", "Exit") > before, "not started again")


def test_the_cost_of_a_start_of_the_installer():
    """Information: systemd and all processes that it started."""
    def clocks():
        with open("/proc/1/stat", encoding="ascii") as file:
            return sum(int(ticks) for ticks in file.read().rpartition(")")[2].split()[11:15])
    runs, before = 20, clocks()
    for _ in range(runs):
        systemctl("start", "jwt-sync-install")
    print(f"# a start of jwt-sync-install: {(clocks() - before) * 1000 / os.sysconf('SC_CLK_TCK') / runs:.0f} ms of processor")


def test_other_users_cannot_change_what_was_fetched():
    for path in ("/run/jwt-sync/bundle", "/var/lib/jwt-sync/state", "/var/lib/jwt/revoked"):
        assert sh(f"echo x >>{path}", user="alice").returncode != 0


def test_a_failure_is_one_line_that_doctor_shows():
    token = obtain()["access"]
    sh("journalctl --rotate && journalctl --vacuum-time=1s")
    systemctl("stop", "jwt-sync.timer", "jwtd-tcp.socket", "jwtd.service")
    assert synchronise() != 0
    lines = sh("journalctl --sync; journalctl -q -o cat -t jwt-sync-fetch -t jwt-sync-install").stdout.splitlines()
    assert len(lines) == 1 and lines[0].startswith(URL + "/.well-known/jwt-bundle: "), lines
    rows = {(row["where"], row["status"]): row["message"] for row in json.loads(sh("jwtctl doctor --json").stdout)
            if row["check"] == "sync-units"}
    assert rows.keys() == {("jwt-sync.timer", "error"), ("jwt-sync-fetch.service", "error")}
    assert rows["jwt-sync-fetch.service", "error"] == "has failed: " + lines[0]
    assert "the last attempt failed" in sh("jwtctl sync --list", user="alice").stdout
    assert accepted(token), "a login does not need the issuer"
    systemctl("start", "jwtd-tcp.socket", "jwt-sync.timer")
    until(lambda: systemctl("is-active", "jwt-sync-fetch") == "active", "the timer does not start it again")
    assert "failed" not in sh("jwtctl sync --list", user="alice").stdout
    assert synchronise() == 0
    assert [row["status"] for row in json.loads(sh("jwtctl doctor --json").stdout) if row["check"] == "sync-units"] == ["ok"]


def test_a_fetcher_that_writes_without_end_is_stopped():
    write("/usr/local/lib/endless.sh", "while cp /run/jwt-sync/bundle /run/jwt-sync/new; do mv /run/jwt-sync/new /run/jwt-sync/bundle; done\n")
    # A busy machine does not reach 20 starts in ten seconds.
    limit = "/etc/systemd/system/jwt-sync-install.path.d/limit.conf"
    write(limit, "[Path]\nTriggerLimitIntervalSec=1h\n")
    systemctl("daemon-reload")
    with subprocess.Popen(["runuser", "-u", "jwt-sync", "--", "sh", "/usr/local/lib/endless.sh"]) as endless:
        until(lambda: systemctl("is-active", "jwt-sync-install.path") == "failed", "the installer is started without end")
        endless.terminate()
    os.remove(limit)
    systemctl("daemon-reload")
    assert "jwt-sync-install.path: is not active" in sh("jwtctl doctor").stdout
    # The path unit counts on for ten seconds.
    until(lambda: synchronise() == 0 and systemctl("is-active", "jwt-sync-install.path") == "active", "not started again")


def probe(unit, output):
    """Runs PROBE in the sandbox of a unit, in place of its program."""
    write("/usr/local/lib/sync-probe.py", PROBE)
    path = f"/etc/systemd/system/{unit}.service.d/probe.conf"
    write(path, f"[Service]\nType=oneshot\nRestart=no\nExecStartPre=\nExecStart=\nExecStart=/usr/bin/python3 /usr/local/lib/sync-probe.py {output}\n")
    systemctl("stop", "jwt-sync.timer")
    systemctl("daemon-reload")
    try:
        out = sh(f"systemctl start {unit}; journalctl -q -n 20 -u {unit}").stdout
        assert os.path.exists(output), out
        return {name for name, error in json.loads(read(output)).items() if error == "done"}
    finally:
        os.remove(path)
        sh(f"rm -f {output} {os.path.dirname(output)}/probe")
        systemctl("daemon-reload")
        systemctl("start", "jwt-sync.timer")


def test_the_fetcher_can_write_the_spool_only():
    assert probe("jwt-sync-fetch", "/run/jwt-sync/probe.json") == {"write to /run/jwt-sync", "connect", "Unix socket"}


def test_the_installer_has_no_network():
    assert probe("jwt-sync-install", "/var/lib/jwt-sync/probe.json") == {
        "write to /var/lib/jwt", "write to /var/lib/jwt-sync"}
    sh("rm -f /var/lib/jwt/probe")


def test_an_issuing_host_is_refused():
    sh("mkdir -p /var/lib/jwtd-issuer/keys")
    try:
        assert synchronise() != 0
        out = sh(f"jwtctl sync --add={URL} --trust={thumbprint()}")
        assert out.returncode == 3 and "this host is an issuer" in out.stderr
        assert sh("jwtctl sync --remove").returncode == 3
    finally:
        sh("rmdir /var/lib/jwtd-issuer/keys")


def test_after_removal_tokens_are_refused_and_passwords_accepted():
    token = obtain()["access"]
    assert synchronise() == 0 and accepted(token)
    out = sh("jwtctl sync --remove")
    assert (out.returncode, out.stderr) == (0, "")
    assert os.listdir(PUBLIC) == [] and systemctl("is-enabled", "jwt-sync.timer") == "disabled"
    for unit in ("jwt-sync.timer", "jwt-sync-install.path", *UNITS):
        assert systemctl("is-active", unit) == "inactive", unit
    assert not accepted(token)
    assert LOGINS["ssh by password"]("carol", CAROL)
