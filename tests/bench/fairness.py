"""Others flood jwtd with logins; how long do the requests of one user take?
Started by ./run under tests/http/with-users. Both users have Debian's default password hash.

Limits on failures and logins are off and failures are answered early, so that nothing but the queue of password
checks slows the flood. Each client of the flood sends its next login when the last was answered, after 429 and 503
when Retry-After is over. Rows without a goal: Retry-After ignored, and names that do not exist from 64 sources, which
have 64 turns of a round. ROUNDS=3 makes a short run; a second build, of version 0.1 for example, is measured in place
of the first."""

import json
import os
import subprocess
import sys
import time

from beside import HASH, Bench, middle
from builds import started
from daemons import ALICE, CAROL, Reply, request_bytes

ROUNDS = int(os.environ.get("ROUNDS", "15"))
NAMES = ("login", "refresh", "narrow", "/api/auth/")
LOGIN_GOAL, OTHER_GOAL = 3, 2

SETTINGS = """[Http]
TrustedProxies=root
FailuresPerSource=0
FailureTime=100ms
MaxConnections=1024
[Session]
MaxSessionsPerUser=1000
AccountCacheTime=0
FailuresPerUser=0
"""

# clients, what they send, sources, whether Retry-After is obeyed, whether there are goals
FLOODS = [(clients, password, sources, True, True) for clients in (32, 64)
          for password in ("right password", "wrong password") for sources in (1, clients)] + [
    (64, "unknown names", 1, True, True), (64, "unknown names", 64, True, False),
    (64, "right password", 64, False, False), (64, "wrong password", 1, False, False)]


def give_yescrypt(user, password):
    """Gives this user of the test's namespace the kind of hash that alice has."""
    made = subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, HASH], capture_output=True,
                          text=True, check=True).stdout
    with open("/etc/shadow", encoding="utf-8") as file:
        lines = [line.split(":") for line in file.read().splitlines()]
    with open("/etc/shadow", "w", encoding="utf-8") as file:
        for fields in lines:
            if fields[0] == user:
                fields[1] = made
            file.write(":".join(fields) + "\n")


class Victim:
    """The other user, at an address of his own."""

    def __init__(self, daemons):
        self.daemons = daemons
        self.times, self.statuses = {name: [] for name in NAMES}, []
        self.pair = None

    def request(self, name, method, path, body=None, token=None):
        headers = ["X-Forwarded-For: 192.0.2.1"] + ([f"Authorization: Bearer {token}"] if token else [])
        begun = time.monotonic()
        reply = Reply(self.daemons.raw(request_bytes(method, path, body, headers)))
        self.statuses.append(reply.status)
        if reply.status in (200, 204):
            self.times[name].append((time.monotonic() - begun) * 1000)
        return reply.json() if reply.status == 200 and reply.body else {}

    def round(self):
        self.pair = self.request("login", "POST", "/api/token/", CAROL) or self.pair
        for _ in range(5):
            self.pair = dict(self.pair, **self.request("refresh", "POST", "/api/token/refresh/",
                                                       {"refresh": self.pair["refresh"]}))
            self.request("narrow", "POST", "/api/token/narrow/", {"scope": "pam:sudo"}, self.pair["access"])
            self.request("/api/auth/", "GET", "/api/auth/", None, self.pair["access"])

    def measure(self):
        """The median time in ms by request (infinite if none succeeded), and the number of replies with 503 and
        with any error."""
        self.times, self.statuses = {name: [] for name in NAMES}, []
        for _ in range(ROUNDS):
            self.round()
        bad = [status for status in self.statuses if status not in (200, 204)]
        medians = {name: middle(times) if times else float("inf") for name, times in self.times.items()}
        return medians, bad.count(503), len(bad)


def bodies(clients, what):
    for i in range(clients):
        if what == "unknown names":
            yield {"username": f"nobody{i}", "password": "no such secret"}
        else:
            yield ALICE if what == "right password" else dict(ALICE, password="no such secret")


def flood(bench, daemons, clients, what, sources, obeys):
    """Starts it; it is ended by the caller."""
    process = subprocess.Popen(
        [bench.load_program, daemons.path("http.sock"), "/api/token/", "body", str(clients), "3600", str(sources),
         "1" if obeys else "0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write("".join(json.dumps(body) + "\n" for body in bodies(clients, what)).encode())
    process.stdin.close()
    time.sleep(1)
    return process


def shown(medians, idle):
    return ", ".join(f"{name} {time:.1f} ms ({time / idle[name]:.1f} x)" for name, time in medians.items())


def main(build, measured):
    give_yescrypt("carol", CAROL["password"])
    bench = Bench(os.path.abspath(build))
    daemons = started(measured, SETTINGS)
    victim = Victim(daemons)
    try:
        victim.round()
        idle, _, _ = victim.measure()
        print("# idle: " + ", ".join(f"{name} {time:.1f} ms" for name, time in idle.items()), flush=True)
        for *which, has_goals in FLOODS:
            process = flood(bench, daemons, *which)
            medians, full, bad = victim.measure()
            process.terminate()
            process.wait()
            clients, kind, sources, obeys = which
            what = f"{clients} logins, {kind}, {sources} source{'s' * (sources > 1)}" + ", no pause" * (not obeys)
            print(f"# {what}: {shown(medians, idle)}; {full} replies 503, {bad - full} other errors", flush=True)
            if has_goals:
                bench.verdict(what + ": login, times idle", medians["login"] / idle["login"], LOGIN_GOAL, False)
                bench.verdict(what + ": slowest other request, times idle",
                              max(medians[name] / idle[name] for name in NAMES[1:]), OTHER_GOAL, False)
                bench.verdict(what + ": replies other than 200 and 204", bad, 0, False)
            time.sleep(2)
    finally:
        daemons.stop()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[-1]))
