"""stores.py BUILD [ROUNDS]: rotations with the session store in SQLite and in PostgreSQL, by one and by two issuers, in alternating
rounds of one run, on one file system, with fsync. The requests go to jwtd-issuer directly. Started by ./run.

What limits the rate is shown by rows in which something else does: commits that take longer, and issuers that have a
part of a processor each, as if each had a small machine of its own."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "http")]
# pylint: disable=wrong-import-position
import postgresql  # noqa: E402
from fleet import Databases, Fleet  # noqa: E402
from issuer_daemon import Issuer  # noqa: E402

SECONDS = 2
MANY = 16
SETTINGS = "[Session]\nFailuresPerUser=0\nLoginsPerUser=0\nMaxSessionsPerUser=100000\n[Daemon]\nIdleTimeout=1h\n"
NAMES = "[Token]\nIssuer=https://login.example\nAudience=site.example\n"
COMMIT_DELAY = 20000  # microseconds
SHARE = 0.15  # of a processor
TICK = os.sysconf("SC_CLK_TCK")


def stat_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline()


def spent(pids):
    """Processor seconds (utime and stime) of those processes that run."""
    seconds = {}
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            seconds[pid] = sum(map(int, stat_line(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13])) / TICK
    return seconds


def spent_since(before):
    return sum(seconds - before[pid] for pid, seconds in spent(before).items())


def machine():
    """Processor seconds that were used, and those that there were, of all processors."""
    ticks = list(map(int, stat_line("/proc/stat").split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / TICK, sum(ticks) / TICK


class Figures:
    """What one round of load measured."""

    def __init__(self, done, issuers, database, before):
        requests = sum(one["requests"] for one in done)
        assert not any(one["failed"] for one in done), done
        self.rate = sum(one["requests"] / one["seconds"] for one in done)
        self.p50 = max(one["p50"] for one in done)
        self.issuer = spent_since(issuers) / requests * 1e6  # microseconds of processor for a rotation
        self.database = spent_since(database) / requests * 1e6
        used, total = (now - then for now, then in zip(machine(), before))
        self.busy = used / total


def load(build, issuers, clients, cluster=None, seconds=SECONDS):
    """`clients` clients of each issuer rotate their own sessions."""
    tokens = [[issuer.obtain()[0].decode() for _ in range(clients)] for issuer in issuers]
    before = spent(issuer.process.pid for issuer in issuers), spent(cluster.processes() if cluster else []), machine()
    running = [subprocess.Popen([f"{build}/tests/bench/load", issuer.path("socket"), "wire", "refresh", str(clients), str(seconds)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE) for issuer in issuers]
    for client, lines in zip(running, tokens):
        client.stdin.write("".join(token + "\n" for token in lines).encode())
        client.stdin.close()
    done = [json.loads(client.stdout.read()) for client in running]
    assert [client.wait() for client in running] == [0] * len(running)
    return Figures(done, *before)


def pgbench(cluster, seconds):
    """The p50 of UPDATEs of a single row by one client, in microseconds."""
    with tempfile.TemporaryDirectory() as work:
        script = os.path.join(work, "script")
        with open(script, "w", encoding="ascii") as file:
            file.write("\\set aid random(1, 100000)\nUPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;\n")
        subprocess.run([os.path.join(postgresql.programs(), "pgbench"), "-n", "-M", "prepared", "-T", str(seconds), "-f", script,
                        "--log", f"--log-prefix={work}/log", cluster.url], check=True, stdout=subprocess.DEVNULL)
        name, = (name for name in os.listdir(work) if name.startswith("log"))
        with open(os.path.join(work, name), encoding="ascii") as file:
            return statistics.median(int(line.split()[2]) for line in file)


@contextlib.contextmanager
def longer_commits(cluster):
    """As with a synchronous standby far away, or a slow disk."""
    cluster.psql(f"ALTER SYSTEM SET commit_delay = {COMMIT_DELAY}")
    cluster.psql("ALTER SYSTEM SET commit_siblings = 0")
    cluster.psql("SELECT pg_reload_conf()")
    yield
    cluster.psql("ALTER SYSTEM RESET ALL")
    cluster.psql("SELECT pg_reload_conf()")


def limit_processor(directory, pid):
    """Puts a process into a new group of control group version 1 or 2, which gets SHARE of a processor."""
    os.mkdir(directory)
    quota = int(SHARE * 10000)
    files = {"cpu.cfs_period_us": "10000", "cpu.cfs_quota_us": str(quota)}
    if os.path.exists(os.path.join(directory, "cpu.max")):
        files = {"cpu.max": f"{quota} 10000"}
    for name, text in (*files.items(), ("cgroup.procs", str(pid))):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)


@contextlib.contextmanager
def small_machines(issuers):
    """Each issuer has SHARE of a processor."""
    root = next(path for path in ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup") if os.path.isdir(path))
    groups = [f"{root}/jwt-bench.{issuer.process.pid}" for issuer in issuers]
    for group, issuer in zip(groups, issuers):
        limit_processor(group, issuer.process.pid)
    yield
    for group, issuer in zip(groups, issuers):
        with open(f"{root}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(issuer.process.pid))
        os.rmdir(group)


def show(name, figures, clients):
    """The medians of the rounds; the range of the rate."""
    rates = [one.rate for one in figures]
    rest = {key: statistics.median(getattr(one, key) for one in figures) for key in ("p50", "issuer", "database", "busy")}
    print(f"# {name}, {clients} clients of each issuer: {statistics.median(rates):.0f}/s ({min(rates):.0f}-{max(rates):.0f}), "
          f"p50 {rest['p50'] / 1000:.2f} ms, processor for a rotation: issuer {rest['issuer']:.0f} us, PostgreSQL "
          f"{rest['database']:.0f} us; processors of the machine {rest['busy'] * 100:.0f} % busy", flush=True)


def ratio(above, below, key):
    """The median over the rounds, and the range."""
    ratios = [getattr(a, key) / getattr(b, key) for a, b in zip(above, below)]
    return statistics.median(ratios), f"({min(ratios):.2f}-{max(ratios):.2f})"


class Bench:
    def __init__(self, build, rounds, at_end):
        self.build, self.rounds, self.failed = build, rounds, 0
        directory = os.environ.get("TMPDIR", "/var/tmp")  # /tmp may be in memory
        tempfile.tempdir = "/dev/shm"
        self.memory = Issuer(build, SETTINGS + NAMES)
        at_end.callback(self.memory.stop)
        tempfile.tempdir = directory
        self.sqlite = Issuer(build, SETTINGS + NAMES)
        at_end.callback(self.sqlite.stop)
        self.databases = Databases(build, settings="")
        self.cluster = self.databases.cluster
        at_end.callback(self.cluster.remove)
        self.fleet = Fleet(build, SETTINGS, 2, databases=self.databases, of=Issuer)
        for issuer in self.fleet:
            at_end.callback(issuer.stop)
        self.places = {"SQLite": [self.sqlite], "PostgreSQL, 1 issuer": self.fleet[:1], "PostgreSQL, 2 issuers": self.fleet[:]}

    def verdict(self, what, value, goal, at_least, rest=""):
        good = value >= goal if at_least else value <= goal
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {what}: {value:.2f} {rest}, goal {'at least' if at_least else 'at most'} {goal}",
              flush=True)

    def compare(self, what, clients, places):
        """Figures of each round, by name of the place."""
        figures = {name: [] for name in places}
        for _ in range(self.rounds):
            for name, issuers in places.items():
                figures[name].append(load(self.build, issuers, clients, self.cluster if name != "SQLite" else None))
        for name in places:
            show(f"{what}: {name}", figures[name], clients)
        return figures

    def rates(self):
        for clients in (1, MANY):
            figures = self.compare("the machine as it is", clients, self.places)
            cost, span = ratio(figures["PostgreSQL, 1 issuer"], figures["SQLite"], "issuer")
            what = f"processor time of the issuer for a rotation, PostgreSQL / SQLite, {clients} clients"
            self.verdict(what, cost, 1.3, False, span)

    def limits(self):
        both = {name: self.places[name] for name in ("PostgreSQL, 1 issuer", "PostgreSQL, 2 issuers")}
        conditions = {f"each issuer has {SHARE * 100:.0f} % of a processor":
                      (small_machines([self.sqlite, *self.fleet]), self.places),
                      f"each commit takes {COMMIT_DELAY // 1000} ms longer": (longer_commits(self.cluster), both)}
        for what, (condition, places) in conditions.items():
            with condition:
                figures = self.compare(what, MANY, places)
            times, span = ratio(figures["PostgreSQL, 2 issuers"], figures["PostgreSQL, 1 issuer"], "rate")
            self.verdict(f"{what}: rate of two issuers / one", times, 1.5, True, span)

    def latency(self):
        """What PostgreSQL adds to a rotation: the difference to a store that waits for nothing."""
        subprocess.run([os.path.join(postgresql.programs(), "pgbench"), "-i", "-q", self.cluster.url], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        places = {"SQLite in memory": [self.memory], "SQLite": [self.sqlite], "PostgreSQL": self.fleet[:1]}
        times = {name: [] for name in (*places, "pgbench")}
        for _ in range(4 * self.rounds):
            for name, issuers in places.items():
                times[name].append(load(self.build, issuers, 1, seconds=1).p50)
            times["pgbench"].append(pgbench(self.cluster, 1))
        for name, all_times in times.items():
            print(f"# p50 of one client, {name}: {statistics.median(all_times) / 1000:.2f} ms "
                  f"({min(all_times) / 1000:.2f}-{max(all_times) / 1000:.2f})", flush=True)
        ratios = [(a - b) / c for a, b, c in zip(times["PostgreSQL"], times["SQLite in memory"], times["pgbench"])]
        self.verdict("p50 that PostgreSQL adds to a rotation / p50 of pgbench's UPDATE of a row", statistics.median(ratios), 1.2,
                     False, f"({min(ratios):.2f}-{max(ratios):.2f})")


def main(build, rounds=5):
    if postgresql.missing():
        print(f"1..0 # SKIP {postgresql.missing()}")
        return 0
    with contextlib.ExitStack() as at_end:
        bench = Bench(os.path.abspath(build), int(rounds), at_end)
        bench.latency()
        bench.rates()
        bench.limits()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
