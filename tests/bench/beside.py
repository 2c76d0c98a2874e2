"""jwtd compared with simplejwt under gunicorn with 2 workers and SQLite: same client, same machine, one run.
Started by ./run under tests/http/with-users, with Debian's default password hash."""

import json
import os
import re
import resource
import subprocess
import sys
import time

from daemons import ALICE, Daemons
from django_site import DjangoSite

SECONDS = 2
ROUNDS = 3
LOGINS = 25
HASH = os.environ["USER_HASH"]

SETTINGS = """[Token]
Algorithm=%s
[Http]
MaxConnectionsPerSource=128
[Session]
MaxSessionsPerUser=1000
"""

ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}


class Bench:
    def __init__(self, build):
        self.load_program = build + "/tests/bench/load"
        self.pam_program = build + "/tests/http/pam_login"
        self.failed = 0

    def verdict(self, what, value, goal, at_least):
        good = value >= goal if at_least else value <= goal
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {what}: {value:.2f}, goal "
              f"{'at least' if at_least else 'at most'} {goal}", flush=True)

    def run(self, *words, lines=""):
        done = subprocess.run([self.load_program, *map(str, words)], input=lines.encode(),
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def load(self, server, path, field, tokens, seconds=SECONDS):
        before = spent(processes(server))
        measured = self.run(server.path("http.sock"), path, field, len(tokens), seconds,
                        lines="".join(t + "\n" for t in tokens))
        measured["cpu"] = (spent(processes(server)) - before) / measured["requests"] * 1e6
        assert measured["failed"] <= measured["requests"] // 100, (path, measured)
        measured["rate"] = measured["requests"] / measured["seconds"]
        return measured

    def row(self, what, ours, theirs):
        for name, measured in (("jwtd", ours), ("simplejwt", theirs)):
            print(f"# {what}, {name}: {measured['rate']:.0f}/s, p50 {measured['p50'] / 1000:.2f} ms, p99 "
                  f"{measured['p99'] / 1000:.2f} ms, max {measured['max'] / 1000:.1f} ms; {measured['failed']} of "
                  f"{measured['requests']} failed; processor: {measured['cpu']:.0f} us a request, the client itself "
                  f"{measured['own_cpu'] / measured['requests'] * 1e6:.0f} us", flush=True)
        return ours["rate"] / theirs["rate"]


def processes(server):
    """The processes of a server."""
    if isinstance(server, Daemons):
        return [daemon.process.pid for daemon in server.all]
    pid = server.process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [pid, *map(int, file.read().split())]


def spent(pids):
    """Processor seconds of these processes and their exited children."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def pss(pids):
    """Proportional set size of these processes, in MB."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)[1])
    return total / 1024


def tokens_of(server, count):
    pairs = []
    for _ in range(count):
        reply = server.post("/api/token/", ALICE)
        assert reply.status == 200, reply.raw
        pairs.append(reply.json())
    return pairs


def middle(values):
    return sorted(values)[len(values) // 2]


def compare(bench, what, servers, path, field, kind, clients):
    """Alternating rounds. Returns the median ratio and jwtd's median p99 in ms."""
    ratios, late = [], []
    for number in range(ROUNDS):
        measured = [bench.load(server, path, field, [pair[kind] for pair in tokens_of(server, clients)])
                for server in servers]
        ratios.append(bench.row(f"{what}, round {number + 1}", *measured))
        late.append(measured[0]["p99"] / 1000)
    print(f"# {what}: {', '.join(f'{r:.1f}' for r in ratios)} times simplejwt's rate", flush=True)
    return middle(ratios), middle(late)


def refresh(bench, algorithms, servers, numbers):
    for clients in numbers:
        what = f"refresh with rotation and blacklist, {algorithms}, {clients} clients"
        ratio, late = compare(bench, what, servers, "/api/token/refresh/", "refresh", "refresh", clients)
    bench.verdict(what + ", times simplejwt's rate", ratio, 40, True)
    bench.verdict(what + ", p99 in ms", late, 20, False)


def verify(bench, what, servers, goal):
    ratio, _ = compare(bench, what, servers, "/api/token/verify/", "token", "access", 4)
    bench.verdict(what + ", times simplejwt's rate", ratio, goal, True)


def obtain(bench, ours, theirs):
    """Logins in turn with the same login by PAM only, the hash only, and Django's PBKDF2. The goal is checked
    against processor time, which other load on the machine does not change."""
    times, costs = {}, {}

    def take(name, cost, call):
        before, began = cost(), time.monotonic()
        call()
        times.setdefault(name, []).append((time.monotonic() - began) * 1000)
        costs[name] = costs.get(name, 0) + (cost() - before) * 1000 / LOGINS

    def by_pam():
        done = subprocess.run([bench.pam_program, ours.path("pam"), "jwtd", ALICE["username"]],
                              input=ALICE["password"].encode(), stdout=subprocess.PIPE, check=True)
        assert done.stdout == b"0\n", done.stdout

    def children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    for _ in range(LOGINS):
        take("jwtd", lambda: spent(processes(ours)), ours.obtain)
        take("pam_unix", children, by_pam)
        take("hash", children, lambda: bench.run("hash", ALICE["password"], HASH, 1))
        take("simplejwt", lambda: spent(processes(theirs)), lambda: tokens_of(theirs, 1))
    for name, cost in costs.items():
        print(f"# obtain, {name}: processor {cost:.1f} ms, time {min(times[name]):.1f} at least, median "
              f"{middle(times[name]):.1f} ms", flush=True)
    bench.verdict("obtain, processor, times pam_unix alone", costs["jwtd"] / costs["pam_unix"], 1.10, False)


def memory(bench, ours, theirs):
    """After 10,000 requests each."""
    for server in (ours, theirs):
        token = tokens_of(server, 1)[0]
        done = 0
        while done < 10000:
            done += bench.load(server, "/api/token/verify/", "token", [token["access"]] * 4, 1)["requests"]
    here, there = pss(processes(ours)), pss(processes(theirs))
    print(f"# PSS of all processes: jwtd {here:.1f} MB, simplejwt {there:.1f} MB")
    bench.verdict("PSS of the three daemons after 10,000 requests, MB", here, 20, False)


def main(build):
    bench = Bench(os.path.abspath(build))
    settings = SETTINGS + "LoginsPerUser=0\n"
    ours, theirs = Daemons(build, settings % "EdDSA"), DjangoSite(ROTATING, workers=2, real_hasher=True)
    symmetric = Daemons(build, settings % "HS256")
    try:
        refresh(bench, "EdDSA here and HS256 there", (ours, theirs), (1, 4, 16))
        refresh(bench, "HS256 both", (symmetric, theirs), (16,))
        verify(bench, "verify, EdDSA here and HS256 there, 4 clients", (ours, theirs), 3)
        verify(bench, "verify, HS256 both, 4 clients", (symmetric, theirs), 5)
        obtain(bench, ours, theirs)
        memory(bench, ours, theirs)
    finally:
        theirs.stop()
        ours.stop()
        symmetric.stop()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
