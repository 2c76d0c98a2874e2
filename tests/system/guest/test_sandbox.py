"""The sandboxes of the units, tried from inside; jwtd-login without root, pam_faillock, and daemons that cannot
be started."""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from files import until, write
from kit import ALICE, CAROL, DAEMONS, api, journal, obtain, sh, systemctl

from test_daemons import LOGIN, WRONG, Settings

PROBE = "/usr/local/lib/jwt-probe"
STACK = "/etc/pam.d/jwtd"
DROP_IN = "/etc/systemd/system/jwtd-login.service.d/faillock.conf"
SHIPPED = "/usr/share/jwt/faillock.conf"
FAILLOCK = ("auth required pam_faillock.so preauth silent deny=5 unlock_time=600\n"
            "auth sufficient pam_unix.so nodelay\n"
            "auth [default=die] pam_faillock.so authfail deny=5 unlock_time=600\n"
            "account required pam_faillock.so\n"
            "account required pam_unix.so\n")


@contextlib.contextmanager
def replaced(path, text):
    with open(path, encoding="utf-8") as file:
        before = file.read()
    write(path, text)
    try:
        yield
    finally:
        write(path, before)


@contextlib.contextmanager
def drop_in(unit, text, name="suite"):
    path = f"/etc/systemd/system/{unit}.service.d/{name}.conf"
    write(path, text)
    systemctl("daemon-reload")
    systemctl("stop", *DAEMONS)
    try:
        yield
    finally:
        os.remove(path)
        systemctl("daemon-reload")
        systemctl("stop", *DAEMONS)


@contextlib.contextmanager
def faillock_drop_in():
    with open(SHIPPED, encoding="utf-8") as file, drop_in("jwtd-login", file.read(), "faillock"):
        yield


# What each sandbox allows, and why.
SHADOW = {"read /etc/shadow": "jwtd-login compares passwords with it"}
ALLOWED = {
    "jwtd": {"connect to /run/jwtd/issuer.sock": "jwtd's only peer"},
    "jwtd-issuer": {"connect to /run/jwtd/login.sock": "jwtd-issuer's only peer",
                    "read /var/lib/jwtd-issuer": "its keys and sessions",
                    "read /var/lib/jwtd-issuer/keys": "its keys", "read /var/lib/jwtd-issuer/sessions.db": "its sessions"},
    "jwtd-issuer-init": {"read /var/lib/jwtd-issuer": "makes the keys", "read /var/lib/jwtd-issuer/keys": "makes the keys",
                         "read /var/lib/jwtd-issuer/sessions.db": "beside the keys"},
    "jwtd-login": SHADOW,
    "jwtd-login with faillock.conf": {
        **SHADOW, "write to /run/faillock": "the tallies",
        "read /etc/ssh/ssh_host_ed25519_key": "CAP_DAC_OVERRIDE; written down in jwtd-login(8)"},
}


@contextlib.contextmanager
def victims(same_uid=None):
    """Processes outside the sandbox that must survive: root's, with and without capabilities, a user's, and
    one of the daemon's own uid."""
    users = {"a process of root": ["sleep", "600"],
             "a process of root without capabilities": ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "sleep", "600"],
             "a process of alice": ["setpriv", "--reuid=alice", "--clear-groups", "sleep", "600"]}
    if same_uid:
        users["a process of its uid"] = ["setpriv", "--reuid", same_uid, "--clear-groups", "sleep", "600"]
    running = {who: subprocess.Popen(argv) for who, argv in users.items()}
    listener = subprocess.Popen(["python3", "-c", "import socket, time\nwith socket.socket(socket.AF_UNIX) as s:\n"
                                 " s.bind('\\0jwt-probe'); s.listen(); time.sleep(600)"])
    write("/etc/jwt-probe.json", json.dumps({"PID 1": 1, **{who: p.pid for who, p in running.items()}}))
    try:
        time.sleep(0.3)
        yield
        time.sleep(1.5) # for a limit of processor time to act
        assert {who: p.poll() for who, p in running.items()} == {who: None for who in running}
    finally:
        for process in [*running.values(), listener]:
            process.kill()
            process.wait()


def probe_in_unit(unit):
    out = f"/var/lib/jwt-probe.{unit}"
    write(out, "", 0o666)
    with victims(), drop_in(unit, f"[Service]\nType=oneshot\nRestart=no\nExecStart=\nReadWritePaths={out}\n"
                                  f"ExecStart=/usr/bin/python3 -B {PROBE} {out}\n"):
        assert sh(f"systemctl start {unit}").returncode == 0, journal()
        with open(out, encoding="ascii") as file:
            return json.load(file)


def probe_in_check(uid):
    """In the place of a PAM module."""
    stack = f"auth optional pam_exec.so quiet {PROBE} /tmp/probe.out\n"
    with open(STACK, encoding="utf-8") as file:
        stack += file.read()
    with victims(uid), replaced(STACK, stack):
        systemctl("stop", *DAEMONS)
        obtain()
        path, = glob.glob("/tmp/systemd-private-*-jwtd-login.service-*/tmp/probe.out")
        with open(path, encoding="ascii") as file:
            return json.load(file)


def probe(name):
    if name == "jwtd-login":
        return probe_in_check("jwtd-login")
    if name == "jwtd-login with faillock.conf":
        with faillock_drop_in():
            return probe_in_check("root")
    return probe_in_unit(name)


@pytest.mark.parametrize("name", list(ALLOWED))
def test_nothing_outside_is_reached_from_inside_the_sandbox(name):
    shutil.copy("/root/probe.py", PROBE)
    os.chmod(PROBE, 0o755)
    obtain()
    results = probe(name)
    print(f"# {name}: tried from inside")
    for what, result in results.items():
        print(f"#   {what}: {ALLOWED[name].get(what, '') and 'allowed: '}{ALLOWED[name].get(what) or result}")
    assert {what for what, result in results.items() if result == "done"} <= set(ALLOWED[name]), results
    obtain()


def test_each_state_of_an_account_gives_what_it_gave_under_root():
    """As user jwtd-login, with pam_unix and its helper."""
    users = {"wrongpw": "", "lockedpw": "usermod -L", "expiredpw": "usermod -e 1", "mustpw": "chage -d 0",
             "agedpw": "chage -d 1 -M 10 -I 5", "rightpw": ""}
    for user, change in users.items():
        sh(f"useradd -M {user} && echo '{user}:secret of {user}' | chpasswd" + (f" && {change} {user}" if change else ""))
    try:
        with Settings("[Http]\nFailureTime=100ms\n"):
            for user in users:
                got = api("/api/token/", {"username": user, "password": "wrong" if user == "wrongpw" else f"secret of {user}"})
                assert got[0] == (200 if user == "rightpw" else 401), (user, got)
            with open(f"/proc/{systemctl('show', '-P', 'MainPID', 'jwtd-login')}/status", encoding="ascii") as file:
                state = dict(line.rstrip("\n").split(":\t", 1) for line in file)
            uid = sh("id -u jwtd-login").stdout.strip()
            assert state["Uid"].split() == [uid] * 4 and set(state["CapBnd"]) == {"0"}, state
    finally:
        for user in users:
            sh(f"userdel {user}")


def test_jwtd_is_no_way_around_pam_faillock():
    with replaced(STACK, FAILLOCK), Settings("[Http]\nFailureTime=100ms\n"):
        # Without root no tally can be written.
        journal()
        for who in (LOGIN, WRONG, {"username": "nobodyknows", "password": "x"}):
            assert api("/api/token/", who)[0] == 503, who
        said = [line for line in journal().splitlines() if "jwtd-login" in line and SHIPPED in line]
        assert len(said) == 1 and "pam_faillock" in said[0] and "nobodyknows" not in said[0], said
        checked = sh("jwtctl config check")
        assert checked.returncode == 3 and "pam_faillock" in checked.stderr and DROP_IN in checked.stderr, checked
        with faillock_drop_in():
            assert sh("jwtctl config check").returncode == 0
            assert api("/api/token/", LOGIN)[0] == 200
            for _ in range(5):
                assert api("/api/token/", WRONG)[0] == 401
            assert sh("faillock --user alice").stdout.count(" V\n") == 5, sh("faillock --user alice")
            refused = api("/api/token/", LOGIN)
            assert refused == api("/api/token/", WRONG) and refused[0] == 401, refused
            # The tally that a su of alice with a wrong password of carol leaves.
            sh("install -m 0660 -o carol -g alice /dev/null /run/faillock/carol")
            assert api("/api/token/", {"username": "carol", "password": CAROL})[0] == 200
            assert sh("faillock --user alice --reset").returncode == 0
            assert api("/api/token/", LOGIN)[0] == 200
            # A tally that pam_faillock could not write, and would ignore.
            assert api("/api/token/", WRONG)[0] == 401
            assert sh("rm /run/faillock/alice && mkdir /run/faillock/alice").returncode == 0
            assert api("/api/token/", LOGIN)[0] == 503
            assert sh("rmdir /run/faillock/alice").returncode == 0
            assert api("/api/token/", LOGIN)[0] == 200
    assert sh("jwtctl config check").returncode == 0


def test_includes_of_pam_faillock_are_found():
    for stack, files in (("@include suite-faillock\n", {"/etc/pam.d/suite-faillock": FAILLOCK}),
                         ("auth substack suite-faillock\naccount required pam_unix.so\n",
                          {"/usr/lib/pam.d/suite-faillock": FAILLOCK})):
        for path, text in files.items():
            write(path, text)
        try:
            with replaced(STACK, stack):
                assert api("/api/token/", LOGIN)[0] == 503, stack
                assert sh("jwtctl config check").returncode == 3, stack
        finally:
            for path in files:
                os.remove(path)
    assert api("/api/token/", LOGIN)[0] == 200


STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"  # SD_MESSAGE_UNIT_STARTING


def starts(unit, begin, end):
    out = sh(f"journalctl --sync; journalctl -q -o json MESSAGE_ID={STARTING} UNIT={unit}.service")
    times = [int(json.loads(x)["__REALTIME_TIMESTAMP"]) / 1e6 for x in out.stdout.splitlines()]
    return sum(begin <= x <= end for x in times)


@contextlib.contextmanager
def not_executable(unit):
    path = "/usr/sbin/" + unit
    os.chmod(path, 0o644)
    try:
        yield
    finally:
        os.chmod(path, 0o755)


@contextlib.contextmanager
def no_namespace(unit):
    """226/NAMESPACE. The drop-in is there before and after."""
    needed = "/var/lib/jwt-suite"
    os.makedirs(needed, exist_ok=True)
    with drop_in(unit, f"[Service]\nBindPaths={needed}\n"):
        obtain()
        systemctl("stop", unit)
        os.rmdir(needed)
        try:
            yield
        finally:
            os.makedirs(needed, exist_ok=True)
            until(lambda: api("/api/token/", LOGIN)[0] == 200, 10)


@pytest.mark.parametrize("unit,broken,seconds", [("jwtd-login", no_namespace, 60), ("jwtd-issuer", not_executable, 20),
                                                 ("jwtd", not_executable, 20)])
def test_a_daemon_that_cannot_start_is_tried_15_times_a_minute_and_recovers(unit, broken, seconds):
    """The clients get their reply, or give up; nothing has to be done when the cause is removed."""
    obtain()
    systemctl("stop", unit)
    longest = 0
    with broken(unit):
        begin = time.time()
        while time.time() < begin + seconds:
            before = time.monotonic()
            if unit == "jwtd":
                out = sh("jwtctl login", ALICE + "\n", "alice")
                assert out.returncode == 1 and "no reply from jwtd" in out.stderr and "10 s" in out.stderr, out
            else:
                assert api("/api/token/", LOGIN)[0] == 503
            longest = max(longest, time.monotonic() - before)
        n = starts(unit, begin, begin + seconds)
        assert systemctl("is-active", unit + ".socket") == "active"
    print(f"# {unit}: {n} starts in {seconds} s, longest wait of a client {longest:.1f} s")
    assert 3 < n <= seconds / 4, n
    assert longest < 20, longest
    until(lambda: api("/api/token/", LOGIN)[0] == 200, 10)
    assert systemctl("is-active", unit) == "active"


def test_a_stopped_daemon_does_not_hang_its_clients():
    """It accepts connections, by its socket, and reads nothing."""
    obtain()
    for unit in ("jwtd-login", "jwtd-issuer"):
        pid = int(systemctl("show", "-P", "MainPID", unit))
        os.kill(pid, signal.SIGSTOP)
        try:
            before = time.monotonic()
            assert api("/api/token/", LOGIN)[0] == 503
            assert time.monotonic() - before < 20, unit
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: api("/api/token/", LOGIN)[0] == 200)
