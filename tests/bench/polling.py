"""The processor time and the memory that hosts cost an issuer: polls of the bundle through nginx at the rate of 300
and 3,000 hosts a minute, fetches of the list, and a million sessions that are revoked at once. Processor time is
that of the processes (/proc/PID/schedstat), so other load on the machine changes it little; nothing depends on
the time of the day. docs/scale.md has results and what follows from them for more hosts.
Started by ./run under tests/http/with-users. SECONDS=60 for a whole minute of polls."""

import http.client
import os
import random
import socket
import sqlite3
import sys
import time

from daemons import Daemons, payload
from test_proxy import Nginx
from wire import ADMIN_REVOKE_ALL, ask, message

SECONDS = float(os.environ.get("SECONDS", "20"))
BUNDLE, REVOKED = "/.well-known/jwt-bundle", "/.well-known/jwt-revoked"
SETTINGS = """[Http]
TrustedProxies=nobody
FailuresPerSource=0
[Session]
FailuresPerUser=0
LoginsPerUser=0
MaxSessionsPerUser=100000
[Daemon]
IdleTimeout=1h
"""
COLUMNS = ("sid, user, source, client, created_at, absolute_exp, idle_exp, gen, refresh_jti, access_jti, kid,"
           " rotated_at, issued_at, access_exp, refresh_exp, last_access_exp, purge_at, stamp, last_used")
DAY = 86400
failed = []


def check(what, found, most, unit):
    """A line of TAP."""
    good = found <= most
    failed.extend([] if good else [what])
    print(f"{'ok' if good else 'not ok'} - {what}: {found:.3g} {unit} (goal: at most {most:g})", flush=True)


def used(pid):
    """Milliseconds of processor."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e6


def peak(pid):
    """MiB that were resident at most."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Issuer:
    """The daemons and nginx, and what they have used since the last call."""

    def __init__(self, build):
        self.d = Daemons(build, SETTINGS)
        self.d.obtain()
        self.nginx = Nginx(self.d)
        self.pids = {"jwtd": self.d.http.process.pid, "issuer": self.d.issuer.process.pid}
        with open(f"/proc/{self.nginx.process.pid}/task/{self.nginx.process.pid}/children", encoding="ascii") as file:
            self.pids["nginx"] = int(file.read().split()[0])
        self.last = {}
        self.spent()

    def spent(self):
        now = {name: used(pid) for name, pid in self.pids.items()}
        since = {name: ms - self.last.get(name, 0) for name, ms in now.items()}
        self.last = now
        return since

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.nginx.port, timeout=60, context=self.nginx.tls)

    def get(self, path, host, kept=None):
        """The bytes of a body, over a new TLS connection or the kept one of the host."""
        client = kept or self.connect()
        client.request("GET", path, headers={"X-Test-Client": f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"})
        n = 0
        with client.getresponse() as reply:
            assert reply.status == 200, reply.status
            while chunk := reply.read(1 << 20):
                n += len(chunk)
        if not kept:
            client.close()
        return n

    def stop(self):
        self.nginx.stop()
        self.d.stop()


def poll(x, hosts):
    """Polls for SECONDS at the rate of so many hosts with an interval of a minute."""
    n, size, begin = max(1, int(hosts / 60 * SECONDS)), 0, time.monotonic()
    x.spent()
    for i in range(n):
        time.sleep(max(0.0, begin + i * SECONDS / n - time.monotonic()))
        size = max(size, x.get(BUNDLE, i))
    spent = x.spent()
    print(f"# {hosts} hosts: {n} polls in {time.monotonic() - begin:.0f} s; processor a poll: " +
          ", ".join(f"{name} {ms / n:.3f} ms" for name, ms in spent.items()), flush=True)
    each = (spent["jwtd"] + spent["issuer"]) / n
    check(f"bytes of an unchanged poll, {hosts} hosts", size, 2048, "bytes")
    check(f"processor of an unchanged poll, {hosts} hosts", each, 5, "ms")
    return each


def poll_kept(x, hosts=100, rounds=20):
    """Polls of hosts that keep their connection, as sync-fetch --poll does."""
    before = resident(x.pids["nginx"])
    kept = [x.connect() for _ in range(hosts)]
    for i, client in enumerate(kept):
        x.get(BUNDLE, i, client)
    memory = (resident(x.pids["nginx"]) - before) / hosts
    x.spent()
    for _ in range(rounds):
        for i, client in enumerate(kept):
            x.get(BUNDLE, i, client)
    spent = x.spent()
    print("# kept connections: processor a poll: " +
          ", ".join(f"{name} {ms / hosts / rounds:.3f} ms" for name, ms in spent.items()) +
          f"; {memory:.0f} KiB of nginx for a connection", flush=True)
    for client in kept:
        client.close()


def fetch(x, what):
    """Fetches of the list by ten hosts."""
    x.spent()
    sizes = {x.get(REVOKED, i) for i in range(10)}
    spent = x.spent()
    print(f"# list of {what}: {sizes} bytes; processor a fetch: " +
          ", ".join(f"{name} {ms / 10:.2f} ms" for name, ms in spent.items()), flush=True)
    return sizes


def fill(x, n):
    """n live sessions with an access token that has not expired."""
    at = int(time.time())

    def rows():
        for i in range(n):
            sid = (at * 1000 + i % 1000).to_bytes(6, "big") + bytes([0x70]) + random.randbytes(9)
            yield (sid, f"user{i % 50000}", "192.0.2.1", "", at, at + 30 * DAY, at + 7 * DAY, 0, random.randbytes(16),
                   random.randbytes(16), "abcdefgh", at, at, at + 900, at + 7 * DAY, at + 900, at + 7 * DAY, bytes(16), at)


    store = sqlite3.connect(x.d.path("state/sessions.db"), timeout=60)
    with store:
        store.executemany(f"INSERT INTO session ({COLUMNS}) VALUES ({', '.join('?' * 19)})", rows())
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def revoke_all(x, n):
    """Root revokes them all in one request."""

    x.spent()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(600)
        client.connect(x.d.path("admin.sock"))
        begin = time.monotonic()
        status, fields = ask(client, message(ADMIN_REVOKE_ALL))
        took = time.monotonic() - begin
    assert status == "ok", status
    print(f"# {int.from_bytes(fields[0], 'little')} sessions revoked at once: {took:.1f} s, processor of the issuer "
          f"{x.spent()['issuer']:.0f} ms", flush=True)
    assert int.from_bytes(fields[0], "little") >= n


def logout(x, what):
    access = x.d.obtain()["access"]
    x.spent()
    assert x.d.post("/api/logout/", {}, headers=[f"Authorization: Bearer {access}"]).status == 200
    print(f"# a logout with {what} in the list: processor of the issuer {x.spent()['issuer']:.1f} ms", flush=True)
    assert payload(access)["sid"] in x.d.revoked()


def main(build):
    x = Issuer(build)
    try:
        poll(x, 300)
        each = poll(x, 3000)
        poll_kept(x)
        check("processor of 3,000 hosts a minute, of one core", each * 3000 / 60000 * 100, 5, "%")
        logout(x, "no others")
        fill(x, 1000)
        revoke_all(x, 1000)
        fetch(x, "a thousand")
        logout(x, "a thousand")
        fill(x, 1000000)
        revoke_all(x, 1000000)
        sizes = fetch(x, "a million")
        assert len(sizes) == 1 and min(sizes) > 34000000, sizes
        x.get(BUNDLE, 1)
        logout(x, "a million")
        for name in ("jwtd", "issuer"):
            check(f"memory of {name} with a million revoked sessions", peak(x.pids[name]), 64, "MiB")
    finally:
        x.stop()
    print(f"1..{8 + 1}")
    return 1 if failed else 0


sys.exit(main(sys.argv[1]))
