"""Eight ordinary users work while all attacks run at once. Started by ./run under tests/http/with-users.

No ordinary request may fail, and memory and descriptors of the three daemons must stay flat. The settings are the
defaults, but for a trusted proxy and a small MaxSessionsPerUser=. The users have Debian's default password hash. Six of
them use the Unix socket, two come through the proxy. JWT_SECONDS=600 is the full run; the default is 30.

Each attacker and each user is a process with a uid of its own:

    all_attacks.py BUILD                     starts and measures everything
    all_attacks.py --child ROLE UID DIR PORT SECONDS
"""

import collections
import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

from beside import HASH
from daemons import ALICE, CAROL, Daemons, Reply, request_bytes

SECONDS = float(os.environ.get("JWT_SECONDS", "30"))
WARM_UP = 15  # seconds that the attacks last before the users start
PROXY = 65534
SETTINGS = "[Http]\nTrustedProxies=nobody\n[Session]\nMaxSessionsPerUser=8\n"
PASSWORD = "correct horse battery staple"
USERS = {f"user{i}": 24001 + i for i in range(8)}
PROXIED = ("user6", "user7")
OTHERS = {"dave": 24101}  # logs in over MaxSessionsPerUser=
TIMEOUT = 40


class Peer:
    """The requests of one process."""

    def __init__(self, directory, port):
        self.path, self.port = directory + "/http.sock", port

    def unix(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(TIMEOUT)
        client.connect(self.path)
        return client

    def tcp(self):
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT)

    def raw(self, data, connect=None):
        with (connect or self.unix)() as client:
            with contextlib.suppress(BrokenPipeError):
                client.sendall(data)
            reply = b""
            while piece := client.recv(65536):
                reply += piece
            return reply

    def request(self, method, path, body=None, headers=None, connect=None):
        return Reply(self.raw(request_bytes(method, path, body, headers), connect))

    def login(self, user, password=PASSWORD, headers=None, connect=None):
        return self.request("POST", "/api/token/", {"username": user, "password": password}, headers, connect)


# The ordinary users


def ordinary(peer, name, end):
    """Prints a line of JSON for each request: its name, status and milliseconds."""
    forwarded = [f"X-Forwarded-For: 192.0.2.{USERS[name] - 24000}"] if name in PROXIED else []

    def ask(what, method, path, body=None, token=None):
        begun = time.monotonic()
        try:
            reply = peer.request(method, path, body, forwarded + ([f"Authorization: Bearer {token}"] if token else []))
            status, text = reply.status, reply.body
        except OSError as error:
            status, text = 0, str(error).encode()
        good = status in (200, 204)
        print(json.dumps([what, status, (time.monotonic() - begun) * 1000, "" if good else text.decode("latin-1")[:200]]),
              flush=True)
        time.sleep(random.uniform(0.2, 0.6))
        return json.loads(text) if status == 200 and text else {}

    while time.monotonic() < end:
        pair = ask("login", "POST", "/api/token/", {"username": name, "password": PASSWORD})
        if not pair:
            time.sleep(1)
            continue
        for _ in range(2):
            ask("verify", "POST", "/api/token/verify/", {"token": pair["access"]})
            ask("narrow", "POST", "/api/token/narrow/", {"scope": "pam:sudo"}, pair["access"])
            ask("/api/auth/", "GET", "/api/auth/", None, pair["access"])
            ask("sessions", "GET", "/api/sessions/", None, pair["access"])
            pair.update(ask("refresh", "POST", "/api/token/refresh/", {"refresh": pair["refresh"]}))
        ask("logout", "POST", "/api/token/blacklist/", {"refresh": pair["refresh"]})


# The attackers. Each runs until its process is ended.


def hold(connect, count, byte):
    """Keeps this many connections, which send nothing, or a byte of a request at a time."""
    head = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 4000
    clients = {}
    while True:
        with contextlib.suppress(OSError):
            if len(clients) < count:
                client = connect()
                client.setblocking(False)
                clients[client] = 0
        for client, sent in list(clients.items()):
            try:
                if byte and sent < len(head):
                    clients[client] += client.send(head[sent:sent + 1])
                if client.recv(4096, socket.MSG_DONTWAIT) == b"":
                    raise ConnectionError
            except BlockingIOError:
                continue
            except OSError:
                client.close()
                del clients[client]
        time.sleep(0.02 if len(clients) < count else 0.5)


def repeat(what, threads, pause):
    def work():
        while True:
            with contextlib.suppress(OSError):
                what()
            time.sleep(pause)

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    while True:
        time.sleep(60)


GARBAGE = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9." + "A" * 86
BAD_HTTP = (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /api/token/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0" * 100,
            request_bytes("POST", "/api/token/", b"[" * 5000), request_bytes("POST", "/api/token/", b"{}", ["Expect: x"]),
            request_bytes("GET", "/api/user/", None, ["Transfer-Encoding: chunked"]))


def garbage(peer):
    paths = (("/api/token/refresh/", "refresh"), ("/api/token/verify/", "token"), ("/api/token/blacklist/", "refresh"))
    path, field = random.choice(paths)
    peer.request("POST", path, {field: GARBAGE})
    peer.request("GET", "/api/user/", None, ["Authorization: Bearer " + GARBAGE])


def through_proxy(peer):
    """X-Forwarded-For that is no address, and wrong passwords of ever new addresses."""
    for value in ("evil", "1.2.3.4, ", "[::1", "999.1.1.1", "192.0.2.1; x", "'"):
        peer.login("alice", "wrong", ["X-Forwarded-For: " + value])
    address = f"198.51.100.{random.randrange(250)}"
    peer.login(random.choice(("alice", "bob", "n0body")), "wrong", ["X-Forwarded-For: " + address])


def cross_origin(peer):
    for origin in ("Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"):
        peer.login("alice", headers=[origin])
        peer.request("DELETE", "/api/sessions/AAAAAAAAAAAAAAAAAAAAAA/", None, [origin])


ATTACKS = {
    "idle connections, Unix": lambda p: hold(p.unix, 300, False),
    "idle connections, TCP": lambda p: hold(p.tcp, 300, False),
    "slow requests, Unix": lambda p: hold(p.unix, 50, True),
    "slow requests, TCP": lambda p: hold(p.tcp, 50, True),
    "invalid tokens": lambda p: repeat(lambda: garbage(p), 4, 0.05),
    "wrong passwords of one user": lambda p: repeat(lambda: p.login("carol", "wrong"), 8, 0.05),
    "wrong passwords of many users": lambda p: repeat(
        lambda: p.login(random.choice(("alice", "bob", "root", "toor", "daemon")), "wrong"), 8, 0.05),
    "wrong passwords, TCP": lambda p: repeat(lambda: p.login("bob", "wrong", connect=p.tcp), 8, 0.05),
    "unknown names": lambda p: repeat(lambda: p.login(f"n0body{random.randrange(10**6)}", "wrong"), 8, 0.05),
    "32 logins at once of one user": lambda p: repeat(lambda: p.login("alice"), 32, 0.05),
    "logins over MaxSessionsPerUser": lambda p: repeat(lambda: p.login("dave"), 2, 0.5),
    "malformed requests": lambda p: repeat(lambda: p.raw(random.choice(BAD_HTTP), random.choice((p.unix, p.tcp))), 4, 0.05),
    "X-Forwarded-For and failures of a proxy": lambda p: repeat(lambda: through_proxy(p), 4, 0.1),
    "requests of another origin": lambda p: repeat(lambda: cross_origin(p), 2, 0.1),
}


def child(role, uid, directory, port, seconds):
    os.setgroups([])
    os.setresgid(int(uid), int(uid), int(uid))
    os.setresuid(int(uid), int(uid), int(uid))
    peer = Peer(directory, int(port))
    if role in USERS:
        ordinary(peer, role, time.monotonic() + float(seconds))
    else:
        ATTACKS[role](peer)


# Measuring


def add_users():
    made = subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, HASH], capture_output=True, text=True,
                          check=True).stdout
    for name, uid in {**USERS, **OTHERS}.items():
        with open("/etc/passwd", "a", encoding="utf-8") as file:
            file.write(f"{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n")
        with open("/etc/shadow", "a", encoding="utf-8") as file:
            file.write(f"{name}:{made}:19000:0:99999:7:::\n")


def sample(daemons):
    """Name of the daemon -> memory in KiB (anonymous), descriptors."""
    found = {}
    for daemon in daemons.all:
        if not daemon.alive():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{daemon.process.pid}/smaps_rollup", encoding="ascii") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))
            found[os.path.basename(daemon.argv[0])] = (memory, len(os.listdir(f"/proc/{daemon.process.pid}/fd")))
    return found


def replies(daemons):
    counts = collections.Counter()
    for status, count in re.findall(r'^jwtd_requests_total\{.*status="(\d+)"\} (\d+)$',
                                    daemons.request("GET", "/metrics").body.decode(), re.MULTILINE):
        counts[status] += int(count)
    return ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))


def grows(values, slack):
    """True when the last quarter is above the second one by more than a tenth and the slack."""
    quarter = max(1, len(values) // 4)
    early, late = statistics.median(values[quarter:2 * quarter] or values), statistics.median(values[-quarter:])
    return late > early * 1.1 + slack


class Report:
    """TAP, and a table in its comments."""

    def __init__(self):
        self.number = self.failed = 0

    def verdict(self, name, good):
        self.number += 1
        self.failed += 0 if good else 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)

    def requests(self, lines):
        by_name = {}
        for what, status, took, text in lines:
            by_name.setdefault(what, []).append((status, took, text))
        for what, results in by_name.items():
            bad = [(status, text) for status, _, text in results if status not in (200, 204)]
            print(f"# {what}: {len(results) - len(bad)} ok, {len(bad)} failed, median "
                  f"{statistics.median(took for _, took, _ in results):.0f} ms, longest {max(r[1] for r in results):.0f} ms")
            for status, text in sorted(set(bad))[:5]:
                print(f"#   {bad.count((status, text))} x {status}: {text}")
        bad = sum(status not in (200, 204) for _, status, _, _ in lines)
        self.verdict(f"no ordinary request fails: {len(lines)} requests, {bad} failed", lines and bad == 0)

    def daemon(self, name, values):
        half = len(values) // 2
        for what, unit, column, slack in (("memory", " KiB", 0, 1024), ("descriptors", "", 1, 16)):
            series = [v[column] for v in values]
            print(f"# {name}: {what} at start {series[0]}{unit}, middle {series[half]}{unit}, end {series[-1]}{unit}, "
                  f"highest {max(series)}{unit}")
            self.verdict(f"{name}: {what} stays flat", not grows(series, slack))


def start(role, uid, daemons, seconds, **more):
    argv = [sys.executable, "-B", os.path.abspath(__file__), "--child", role, str(uid), daemons.dir, str(daemons.port),
            str(seconds)]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, **more)


def run_all(daemons):
    """Returns the lines of the users, and the samples by daemon."""
    attackers = [start(name, PROXY if "proxy" in name else 31001 + i, daemons, SECONDS, stderr=subprocess.DEVNULL)
                 for i, name in enumerate(ATTACKS)]
    users, samples = [], {}
    try:
        time.sleep(WARM_UP)
        users = [start(name, PROXY if name in PROXIED else uid, daemons, SECONDS, stdout=subprocess.PIPE, text=True)
                 for name, uid in USERS.items()]
        outputs = [[] for _ in users]
        readers = [threading.Thread(target=lambda u=user, o=output: o.extend(u.stdout)) for user, output in
                   zip(users, outputs)]
        for reader in readers:
            reader.start()
        while any(user.poll() is None for user in users):
            for name, values in sample(daemons).items():
                samples.setdefault(name, []).append(values)
            time.sleep(max(0.5, SECONDS / 200))
        for reader in readers:
            reader.join()
        dead = [name for name, process in zip(ATTACKS, attackers) if process.poll() is not None]
        assert not dead, f"attackers that ended: {dead}"
        assert [user.returncode for user in users] == [0] * len(users)
        return [json.loads(line) for output in outputs for line in output], samples
    finally:
        for process in attackers + [user for user in users if user.poll() is None]:
            process.terminate()
            process.wait()


def main(build):
    add_users()
    daemons = Daemons(build, SETTINGS, tcp=True)
    report = Report()
    try:
        daemons.obtain(dict(ALICE, password=PASSWORD))
        daemons.obtain(CAROL)
        print(f"1..{2 + 2 * len(daemons.all)}", flush=True)
        begun = time.monotonic()
        lines, samples = run_all(daemons)
        print(f"# {time.monotonic() - begun:.0f} s, {len(ATTACKS)} attacks at once, {len(USERS)} users")
        report.requests(lines)
        for name, values in samples.items():
            report.daemon(name, values)
        print("# replies by status, attackers' with users': " + replies(daemons))
        report.verdict("no daemon started twice", all(daemon.starts == 1 for daemon in daemons.all))
        log = daemons.read_log()
        print(f"# {len(log.splitlines())} log lines, {sum('Login succeeded' in line for line in log.splitlines())} of logins")
    finally:
        daemons.stop()
    return 1 if report.failed else 0


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
    else:
        sys.exit(main(os.path.abspath(sys.argv[1])))
