#!/usr/bin/env python3
"""million.py BUILD [ROWS]

The cost of a store with a million sessions: three jwtd-issuers, with a thousand live sessions, with a million,
and with a thousand live and a million expired ones, get requests in turn from one client, so that other load
affects them equally. Prints one line per figure, with ratios to the first."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../http"))
# pylint: disable=wrong-import-position
from issuer_daemon import SOURCE, Issuer  # noqa: E402
from wire import ADMIN_STATUS, LOGOUT_ALL, OBTAIN, REFRESH, SESSIONS, VERIFY  # noqa: E402

LIVE = 1000
DAY = 86400
COLUMNS = ("sid, user, source, client, created_at, absolute_exp, idle_exp, gen, refresh_jti, access_jti, kid,"
           " rotated_at, issued_at, access_exp, refresh_exp, last_access_exp, purge_at, stamp, last_used")


def sid_of(now, spread):
    """As the issuer makes them, spread over the existing ones, so that lookups are not at one end of the tree."""
    ms = int((now + random.uniform(*spread)) * 1000)
    return ms.to_bytes(6, "big") + bytes([0x70]) + random.randbytes(9)


def filler(n, now, spread, age):
    """Rows in sid order, of sessions last used `age` seconds ago."""
    sids = sorted(sid_of(now, spread) for _ in range(n))
    at = int(now) - age
    for i, name in enumerate(sids):
        yield (name, f"user{i % (n // 20 + 1)}", "192.0.2.1", "", at, at + 30 * DAY, at + 7 * DAY, 3,
               random.randbytes(16), random.randbytes(16), "abcdefgh", at, at, at + 900, at + 7 * DAY, at + 900,
               at + 7 * DAY, bytes(16), at)


def begin(build, rows, age):
    """An issuer with a thousand sessions and `rows` more; returns the tokens of the thousand."""
    d = Issuer(build, "[Session]\nFailuresPerUser=0\nLoginsPerUser=0\nAccountCacheTime=0\n[Daemon]\nIdleTimeout=1h\n")
    d.login.passwords.update({b"u%d" % i: b"secret one" for i in range(LIVE)})
    before = time.time()
    pairs = [d.obtain(b"u%d" % i) for i in range(LIVE)]
    spread = (0, time.time() - before)
    d.end()
    if rows:
        d.in_store(f"INSERT INTO session ({COLUMNS}) VALUES ({', '.join('?' * 19)})",
                   filler(rows, before, spread, age))
        d.in_store("PRAGMA wal_checkpoint(TRUNCATE)")
    started = time.monotonic()
    d.start()
    assert d.ping() == "ok"
    print(f"# start with {rows + LIVE} rows: {(time.monotonic() - started) * 1000:.0f} ms, store "
          f"{os.stat(d.path('state/sessions.db')).st_size / 1e6:.1f} MB", flush=True)
    return d, [r for r, _ in pairs], [a for _, a in pairs]


def timed(d, question, *fields):
    before = time.perf_counter()
    status, values = d.ask(question, *fields)
    spent = (time.perf_counter() - before) * 1000
    assert status == "ok", (question, status)
    return spent, values


def show(name, times, base):
    times, base = sorted(times), sorted(base)
    half = len(times) // 2
    print(f"{name}: median {times[half]:.2f} ms ({times[half] / base[half]:.2f} x), p99 "
          f"{times[len(times) * 99 // 100]:.1f} ms, max {times[-1]:.1f} ms", flush=True)


def used(d):
    """Processor time in ms and bytes written by an issuer, which other load does not change."""
    times = d.text(f"/proc/{d.process.pid}/stat").rsplit(")", 1)[1].split()
    wrote = next(x for x in d.text(f"/proc/{d.process.pid}/io").splitlines() if x.startswith("wchar"))
    return (int(times[11]) + int(times[12])) * 1000 / os.sysconf("SC_CLK_TCK"), int(wrote.split()[1])


def refresh_all(issuers, rounds):
    spent = [[] for _ in issuers]
    for _ in range(rounds):
        order = random.sample(range(LIVE), LIVE)
        for i in order:
            for times, (d, refresh, access) in zip(spent, issuers):
                t, (access[i], refresh[i]) = timed(d, REFRESH, refresh[i], SOURCE)
                times.append(t)
    return spent


def others(issuers):
    """Other requests: name -> one list of times for each issuer."""
    what = {}
    for i in range(200):
        for k, (d, _, access) in enumerate(issuers):
            for name, ask in (("login", (OBTAIN, b"u%d" % i, b"secret one", SOURCE)),
                              ("verify", (VERIFY, access[i])), ("list", (SESSIONS, access[i], b"")),
                              ("logout all", (LOGOUT_ALL, access[i], SOURCE)), ("status", (ADMIN_STATUS,))):
                what.setdefault(name, [[] for _ in issuers])[k].append(timed(d, *ask)[0])
    return what


def main():
    build, rows = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    names = (f"{LIVE} live", f"{rows} live", f"{rows} expired")
    issuers = [begin(build, n, age) for n, age in ((0, 0), (rows, 0), (rows, 8 * DAY))]
    try:
        before = [used(d) for d, _, _ in issuers]
        spent = refresh_all(issuers, 3)
        for name, times, (d, _, _), (cpu, wrote) in zip(names, spent, issuers, before):
            cpu, wrote = (now - then for now, then in zip(used(d), (cpu, wrote)))
            show(f"refresh, {name}", times, spent[0])
            print(f"    each: {cpu / len(times):.2f} ms of processor, {wrote / len(times) / 1024:.0f} KiB written")
        for what, all_times in others(issuers).items():
            for name, times in zip(names, all_times):
                show(f"{what}, {name}", times, all_times[0])
        left = issuers[2][0].in_store("SELECT count(*) FROM session WHERE idle_exp < unixepoch()")[0][0]
        print(f"# expired rows purged meanwhile: {rows - left}")
    finally:
        for d, _, _ in issuers:
            d.stop()


if __name__ == "__main__":
    main()
