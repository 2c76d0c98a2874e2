"""`jwtctl revoke` of root while jwtd-issuer's socket for jwtd and jwtd itself are flooded.
Started by ./run under tests/http/with-users. Prints the times of jwtctl, with its start, idle and under each flood."""

import os
import socket
import subprocess
import sys
import threading
import time

from beside import Bench, middle
from daemons import ALICE, CAROL, Daemons, payload, request_bytes
from wire import VERIFY, message

TIMES = int(os.environ.get("ROUNDS", "30"))
GOAL = 100  # ms
CONNECTIONS = 1200  # more than jwtd-issuer accepts
SETTINGS = "[Http]\nFailuresPerSource=0\n[Session]\nFailuresPerUser=0\nLoginsPerUser=0\n"


class Flood:
    """Threads that repeat an attack until the end of the block."""

    def __init__(self, attack, threads):
        self.over = False
        self.sent = 0
        self.threads = [threading.Thread(target=self.work, args=(attack,)) for _ in range(threads)]

    def work(self, attack):
        while not self.over:
            try:
                attack()
            except OSError:
                time.sleep(0.001)
            self.sent += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()


def connect(path, packet=None):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(0.2)
    client.connect(path)
    if packet:
        client.send(packet)
    return client


def revoke(d, jwtctl, pair):
    """The time of one revocation, in ms."""
    before = time.monotonic()
    said = subprocess.run([jwtctl, "revoke", payload(pair["access"])["sid"], "--socket=" + d.path("admin.sock")],
                          capture_output=True, text=True, check=False)
    spent = (time.monotonic() - before) * 1000
    assert said.returncode == 0 and "1 session revoked" in said.stdout, said
    return spent


def main(build):
    bench, d, jwtctl = Bench(build), Daemons(build, SETTINGS), build + "/jwtctl/jwtctl"
    access = d.obtain()["access"].encode()
    idle = []

    def fill():
        if len(idle) >= CONNECTIONS:
            time.sleep(0.01)
        else:
            idle.append(connect(d.path("issuer.sock")))

    def verify():
        connect(d.path("issuer.sock"), message(VERIFY, access)).close()

    def log_in():
        d.raw(request_bytes("POST", "/api/token/", dict(ALICE, password="wrong")))

    for name, attack, threads in (("idle", None, 0), ("verify requests, replies not read", verify, 4),
                                  ("32 parallel wrong logins over HTTP", log_in, 32),
                                  ("connections without a request", fill, 1)):
        pairs = [d.obtain(CAROL) for _ in range(TIMES)]
        with Flood(attack, threads) as flood:
            times = [revoke(d, jwtctl, pair) for pair in pairs]
        print(f"# {name}: {flood.sent} sent, median {middle(times):.1f} ms, max {max(times):.1f} ms", flush=True)
        bench.verdict(f"jwtctl revoke, ms, {name}", middle(times), GOAL, False)
    for client in idle:
        client.close()
    d.stop()
    print("1..4")
    return bench.failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) > 0)
