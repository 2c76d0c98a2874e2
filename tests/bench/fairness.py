"""One user floods jwtd with logins; how long do the requests of another user take?
Started by ./run under tests/http/with-users. Both users have Debian's default password hash.

Limits on failures and logins are off, so that the flood is not stopped by them: only the queue of password checks
is measured. Each client of the flood sends its next login when the last was answered, and after a refusal when
Retry-After is over; in the last row it ignores Retry-After. ROUNDS=3 makes a short run."""

import json
import os
import subprocess
import sys
import time

from beside import HASH, Bench, middle
from daemons import ALICE, CAROL, Daemons, Reply, request_bytes

ROUNDS = int(os.environ.get("ROUNDS", "15"))
LOGIN_GOAL, OTHER_GOAL = 3, 2

SETTINGS = """[Http]
TrustedProxies=root
FailuresPerSource=0
MaxConnections=1024
[Session]
MaxSessionsPerUser=1000
AccountCacheTime=0
FailuresPerUser=0
LoginsPerUser=0
"""

# clients, password, sources, whether Retry-After is obeyed
FLOODS = [(clients, password, sources, True) for clients in (32, 64) for password in ("right", "wrong")
          for sources in (1, clients)] + [(64, "right", 64, False)]


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
        self.times, self.statuses = {}, []
        self.pair = None

    def request(self, name, method, path, body=None, token=None):
        headers = ["X-Forwarded-For: 192.0.2.1"] + ([f"Authorization: Bearer {token}"] if token else [])
        begun = time.monotonic()
        reply = Reply(self.daemons.raw(request_bytes(method, path, body, headers)))
        self.times.setdefault(name, []).append((time.monotonic() - begun) * 1000)
        self.statuses.append(reply.status)
        return reply.json() if reply.status == 200 and reply.body else {}

    def round(self):
        self.pair = self.request("login", "POST", "/api/token/", CAROL) or self.pair
        for _ in range(5):
            self.pair = dict(self.pair, **self.request("refresh", "POST", "/api/token/refresh/",
                                                       {"refresh": self.pair["refresh"]}))
            self.request("narrow", "POST", "/api/token/narrow/", {"scope": "pam:sudo"}, self.pair["access"])
            self.request("/api/auth/", "GET", "/api/auth/", None, self.pair["access"])

    def measure(self):
        """The median times in ms by request, and the number of replies with 503 and with another error."""
        self.times, self.statuses = {}, []
        for _ in range(ROUNDS):
            self.round()
        bad = [status for status in self.statuses if status not in (200, 204)]
        return {name: middle(times) for name, times in self.times.items()}, bad.count(503), len(bad)


def flood(bench, daemons, clients, password, sources, obeys):
    """Starts it; it is ended by the caller."""
    secret = ALICE["password"] if password == "right" else "no such secret"
    process = subprocess.Popen(
        [bench.load_program, daemons.path("http.sock"), "/api/token/", "body", str(clients), "3600", str(sources),
         "1" if obeys else "0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write((json.dumps(dict(ALICE, password=secret)) + "\n").encode() * clients)
    process.stdin.close()
    time.sleep(1)
    return process


def shown(medians, idle):
    return ", ".join(f"{name} {time:.1f} ms ({time / idle[name]:.1f} x)" for name, time in medians.items())


def main(build):
    give_yescrypt("carol", CAROL["password"])
    bench = Bench(os.path.abspath(build))
    daemons = Daemons(build, SETTINGS)
    victim = Victim(daemons)
    try:
        victim.round()
        idle, _, _ = victim.measure()
        print("# idle: " + ", ".join(f"{name} {time:.1f} ms" for name, time in idle.items()), flush=True)
        for clients, password, sources, obeys in FLOODS:
            process = flood(bench, daemons, clients, password, sources, obeys)
            medians, full, bad = victim.measure()
            process.terminate()
            process.wait()
            what = f"{clients} logins, {password} password, {sources} sources" + ("" if obeys else ", no Retry-After")
            print(f"# {what}: {shown(medians, idle)}; {full} replies 503, {bad - full} other errors", flush=True)
            if obeys:
                bench.verdict(what + ": login, times idle", medians["login"] / idle["login"], LOGIN_GOAL, False)
                bench.verdict(what + ": slowest other request, times idle",
                              max(medians[name] / idle[name] for name in medians if name != "login"), OTHER_GOAL, False)
                bench.verdict(what + ": replies other than 200 and 204", bad, 0, False)
            time.sleep(2)
    finally:
        daemons.stop()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
