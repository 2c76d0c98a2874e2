"""Two builds of jwtd beside each other: the same client, the same machine, alternating rounds in one run.

    USER_HASH='$y$j9T$oneGrainOfSaltIsPlent1$' PYTHONPATH=tests/http tests/http/with-users \\
        /usr/bin/python3 -B tests/bench/builds.py OLD_BUILD NEW_BUILD [ROUNDS]

Prints, for refresh and verify with EdDSA and HS256, the new build's rate and processor time per request as
ratios of the old build's: the median over the rounds and their range."""

import os
import sys

from beside import SETTINGS, Bench, middle, tokens_of
from daemons import Daemons

CLIENTS = 4
SECONDS = 1
LEAST_RATE = 0.95
REQUESTS = (("refresh", "/api/token/refresh/", "refresh", "refresh"),
            ("verify", "/api/token/verify/", "token", "access"))


def ratios(bench, servers, path, field, kind, rounds):
    rates, times = [], []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        figures = [None, None]
        for i in order:
            tokens = [pair[kind] for pair in tokens_of(servers[i], CLIENTS)]
            figures[i] = bench.load(servers[i], path, field, tokens, SECONDS)
        rates.append(figures[1]["rate"] / figures[0]["rate"])
        times.append(figures[1]["cpu"] / figures[0]["cpu"])
    return rates, times


def shown(values):
    return f"{middle(values):.3f} ({min(values):.2f}-{max(values):.2f})"


def started(build, settings):
    """With LoginsPerUser=0, which version 0.1 does not know. The last section of the settings is [Session]."""
    daemons = Daemons(os.path.abspath(build), settings + "LoginsPerUser=0\n")
    if daemons.init_status == 0:
        return daemons
    daemons.stop()
    return Daemons(os.path.abspath(build), settings)


def main(old, new, rounds):
    bench = Bench(os.path.abspath(new))
    for algorithm in ("EdDSA", "HS256"):
        servers = [started(build, SETTINGS % algorithm) for build in (old, new)]
        try:
            for name, path, field, kind in REQUESTS:
                rates, times = ratios(bench, servers, path, field, kind, rounds)
                print(f"# {name}, {algorithm}: processor time per request, new / old: {shown(times)}")
                bench.verdict(f"{name}, {algorithm}: rate, new / old {shown(rates)}", middle(rates), LEAST_RATE, True)
        finally:
            for server in servers:
                server.stop()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10))
