"""The whole: databases, issuers, a load balancer, hosts and clients; started once for all tests."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time

import checker
import network
from cluster import DATABASE, ROLE, SLOW_PORT, Cluster, until
from cluster import PORT as DATABASE_PORT
from issuers import INTERVAL, LIMIT, SETTINGS, Balancer, HostNode, HostThread, IssuerNode, thumbprint, wait_until_answering
from journal import LOGOUT, OBTAIN, REFRESH, Access, Client, Journal, Poll, Token, downtime, requests, story, summary

CLIENTS = 12
WORK_WITHIN = 150  # seconds
_LONG = os.environ.get("FAILURES_LONG") or "0"
ROUNDS = {"0": 1, "1": 10}.get(_LONG) or int(_LONG)
CHANGES = (OBTAIN, REFRESH, LOGOUT)


class Rig:
    def __init__(self, build):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="failures.")
        os.chmod(self.directory, 0o755)
        network.create()
        self.cluster = Cluster(self.directory)
        self.create_database()
        self.issuers = [IssuerNode(number, build) for number in (1, 2)]
        wait_until_answering(self.issuers)
        self.thumbprints = [thumbprint(issuer) for issuer in self.issuers]
        for database in self.cluster.databases:
            database.slow = network.Relay(database.node, (database.node.address, SLOW_PORT),
                                          (database.node.address, DATABASE_PORT))
        self.configure()
        self.balancer = Balancer(self.issuers)
        self.hosts = [HostNode(number, target[1], self.thumbprints)
                      for number, target in ((1, self.balancer.target), (2, self.issuers[1].target))]

    def create_database(self):
        leader = self.cluster.leader()
        leader.sql(f"CREATE ROLE {ROLE} LOGIN")
        leader.sql(f"CREATE DATABASE {DATABASE}")
        owner = self.cluster.url().replace(ROLE, "postgres", 1)
        subprocess.run([self.build + "/jwtd/issuer/jwtd-issuer", f"--modules={self.build}/jwtd/issuer", "--migrate-store",
                        f"--database={owner}", f"--grant={ROLE}"], check=True, stdin=subprocess.DEVNULL)

    def configure(self, port=DATABASE_PORT, orders=(None, None)):
        """The settings of the issuers, with this port of the databases, and for each issuer their order."""
        for issuer, databases in zip(self.issuers, orders):
            url, issuers = self.cluster.url(port, databases), " ".join(self.thumbprints)
            issuer.configure(f"{SETTINGS}[Store]\nDatabase={url}\n[Fleet]\nIssuers={issuers}\n")
        wait_until_answering(self.issuers)
        # Each knows the other's keys.
        until(lambda: len({issuer.kids() for issuer in self.issuers}) == 1 and len(self.issuers[0].kids()) > 1, 60,
              "one key set")

    @contextlib.contextmanager
    def load(self, name):
        """Clients and hosts at work. At the end they stop, and what they saw is checked."""
        load = Load(self, name)
        load.start()
        try:
            yield load
        finally:
            load.end()
        load.check()

    def stop(self):
        for database in self.cluster.databases:
            database.power_off()
        self.cluster.etcd.kill()
        logs = "".join(issuer.stop() for issuer in self.issuers)
        for host in self.hosts:
            host.host.remove()
        shutil.rmtree(self.directory)
        return logs


class Load:
    def __init__(self, rig, name):
        self.rig, self.name = rig, name
        self.journal, self.stop = Journal(), threading.Event()
        targets = [*(issuer.target for issuer in rig.issuers), rig.balancer.target]
        self.clients = [Client(number, targets, self.journal, self.stop) for number in range(CLIENTS)]
        self.hosts = [HostThread(host, self.journal, self.stop, self.tokens) for host in rig.hosts]
        self.failures = []  # (what was done, when)

    def tokens(self):
        """The access tokens that the hosts decide about: some of ended sessions, and the newest of others."""
        found = [Token.read(access) for client in self.clients for _, access in list(client.over)[-2:]]
        live = [r.access for r in self.journal.since(time.time() - 3) if getattr(r, "access", None)]
        return found + live[-5:]

    def start(self):
        for thread in [*self.clients, *self.hosts]:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in [*self.clients, *self.hosts]:
            thread.join(300)

    def seen(self, since, *ops):
        return requests(self.journal.since(since), *ops)

    def successes(self, since):
        return [r for r in self.seen(since, *CHANGES) if r.succeeded()]

    def unavailable(self, since, node=None):
        """Answers 503 to changes."""
        return [r for r in self.seen(since, *CHANGES) if r.status == 503 and node in (None, r.node)]

    def work(self, clients=CLIENTS):
        """Waits until so many clients did something that they began after this call."""
        since = time.time()
        until(lambda: len({r.client for r in self.successes(since)}) >= clients or self.stopped(), WORK_WITHIN,
              f"a successful request of {clients} clients")

    def stopped(self):
        """A client that cannot go on is reported at the end."""
        return any(thread.failed for thread in [*self.clients, *self.hosts])

    def did(self, what):
        self.failures.append((what, time.time()))

    def access(self, host, accepted, since):
        return [r for r in self.journal.since(since) if isinstance(r, Access) and r.host == host.name
                and r.accepted == accepted]

    def polls(self, host, since):
        return [r for r in self.journal.since(since) if isinstance(r, Poll) and r.host == host.name and r.done]

    def check(self):
        records = self.journal.copy()
        print(f"# {self.name}: {summary(records)}")
        ends = [at for _, at in self.failures[1:]] + [None]
        for (what, at), end in zip(self.failures, ends):
            print(f"#   {what}: {downtime(records, at, end):.1f} s without a change of a session")
        found = checker.violations(records, INTERVAL, LIMIT)
        failed = [thread.failed for thread in [*self.clients, *self.hosts] if thread.failed]
        alive = [thread.name for thread in [*self.clients, *self.hosts] if thread.is_alive()]
        for sid in sorted(set(re.findall(r"sid='([^']*)'", " ".join(found))))[:3]:
            print(*("# " + line for line in (f"session {sid}", *story(records, sid))), sep="\n")
        assert not found and not failed and not alive, "\n".join([*found[:20], *failed, *alive])
        assert any(isinstance(r, Access) and r.accepted for r in records), "no host accepted a token"
