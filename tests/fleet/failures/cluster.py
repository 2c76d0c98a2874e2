"""PostgreSQL on three nodes under Patroni, with etcd on a fourth, as docs/fleet.md requires: each commit is on a standby
before it is answered, and without a standby nothing is committed."""

import contextlib
import glob
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import network
import psycopg2

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
PORT, REST, SLOW_PORT = 5432, 8008, 6432
# Seconds. On a machine with a load these must be longer than the scheduler keeps a process waiting.
LOOP_WAIT = 1
TTL = int(os.environ.get("PATRONI_TTL", "8"))
HEALTHY_WITHIN = 180
DATABASE, ROLE = "jwt", "jwtd"


def until(holds, seconds, what):
    """The first true result of `holds`."""
    end = time.monotonic() + seconds
    while True:
        result = holds()
        if result:
            return result
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def get_json(url, timeout=3):
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=timeout) as reply:
        return json.load(reply)
    return None


class Etcd:
    """One member, whose loss is that of the majority of three."""

    def __init__(self, directory):
        self.node = network.Node("etcd", 2)
        self.log = f"{directory}/etcd.log"
        # Not on the machine's disk, whose speed is not under test.
        os.mkdir("/run/etcd")
        self.start()

    def start(self):
        url = f"http://{self.node.address}:2379"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.node.enter, "etcd", "--name=etcd", "--data-dir=/run/etcd/data", f"--listen-client-urls={url}",
                 f"--advertise-client-urls={url}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Database:
    """One database node."""

    def __init__(self, number, directory, etcd):
        self.name = f"db{number}"
        self.node = network.Node(self.name, 10 + number)
        self.directory = f"{directory}/{self.name}"
        os.mkdir(self.directory, 0o700)
        with open(self.directory + ".yml", "w", encoding="utf-8") as file:
            json.dump(self.configuration(etcd), file)  # which is YAML, too
        subprocess.run(["chown", "postgres:", self.directory, self.directory + ".yml"], check=True)
        self.process = None
        self.start()

    def configuration(self, etcd):
        address, hba = self.node.address, ["local all all trust", f"host all all {network.NET}0/24 trust",
                                           f"host replication all {network.NET}0/24 trust"]
        users = {kind: {"username": name} for kind, name in
                 (("superuser", "postgres"), ("replication", "replicator"))}
        parameters = {"fsync": "on", "synchronous_commit": "on", "wal_log_hints": "on", "shared_buffers": "32MB",
                      "max_connections": 60, "max_wal_senders": 6, "max_replication_slots": 6,
                      "wal_sender_timeout": "5s", "wal_receiver_timeout": "5s", "tcp_user_timeout": "5s",
                      "log_line_prefix": "%m [%p] "}
        return {
            "scope": "sessions", "name": self.name,
            "restapi": {"listen": f"{address}:{REST}", "connect_address": f"{address}:{REST}"},
            "etcd3": {"host": f"{etcd.node.address}:2379"},
            "watchdog": {"mode": "off"},  # a namespace has none
            "bootstrap": {
                "dcs": {"ttl": TTL, "loop_wait": LOOP_WAIT, "retry_timeout": 3,
                        "maximum_lag_on_failover": 1048576, "master_start_timeout": 0, "synchronous_mode": True,
                        "synchronous_mode_strict": True,
                        "postgresql": {"use_pg_rewind": True, "use_slots": True,
                                       "remove_data_directory_on_rewind_failure": True,
                                       "remove_data_directory_on_diverged_timelines": True,
                                       "parameters": parameters}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {"listen": f"{address}:{PORT}", "connect_address": f"{address}:{PORT}", "bin_dir": BIN,
                           "data_dir": self.directory + "/data", "authentication": users, "pg_hba": hba,
                           "parameters": {"unix_socket_directories": self.directory},
                           "basebackup": [{"checkpoint": "fast"}]},
        }

    def start(self):
        """Patroni, which starts PostgreSQL."""
        with open(self.directory + ".log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.node.enter, "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                 "/usr/bin/patroni", self.directory + ".yml"], cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={"PATH": f"{BIN}:/usr/bin:/bin", "LANG": "C.UTF-8"})

    def kill_patroni(self):
        self.process.kill()
        self.process.wait()

    def postgres(self):
        """The process ids: the postmaster and its children."""
        try:
            with open(self.directory + "/data/postmaster.pid", encoding="ascii") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [pid, *map(int, file.read().split())]
        except (OSError, ValueError):
            return []

    def kill_postgres(self, number=signal.SIGKILL):
        for pid in self.postgres():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def power_off(self):
        """All processes of the node at once."""
        self.process.kill()
        self.kill_postgres()
        self.process.wait()

    def connect(self, **more):
        return psycopg2.connect(host=self.node.address, port=PORT, user="postgres", connect_timeout=3,
                                options="-c statement_timeout=20s", **{"dbname": "postgres", **more})

    def sql(self, statement, dbname="postgres"):
        """The rows; each statement is a transaction."""
        with contextlib.closing(self.connect(dbname=dbname)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.etcd = Etcd(directory)
        self.databases = [Database(1, directory, self.etcd)]
        until(self.leader, HEALTHY_WITHIN, "a primary")
        self.databases += [Database(number, directory, self.etcd) for number in (2, 3)]
        self.wait_until_healthy()

    def members(self):
        """Patroni's view, by name, from the first node that answers."""
        for database in self.databases:
            found = get_json(f"http://{database.node.address}:{REST}/cluster")
            if found:
                return {member["name"]: member for member in found["members"]}
        return {}

    def leader(self):
        """The database node with the leader's lock that runs as a primary, or None."""
        for database in self.databases:
            status = get_json(f"http://{database.node.address}:{REST}/leader")
            if status and status.get("role") in ("master", "primary") and status.get("state") == "running":
                return database
        return None

    def standbys(self, leader=None):
        leader = leader or self.leader()
        return [database for database in self.databases if database is not leader]

    def synchronous(self):
        """The names of the standbys that a commit waits for."""
        return {name for name, member in self.members().items() if member["role"] == "sync_standby"}

    def is_healthy(self):
        members, leader = self.members(), self.leader()
        if not leader or len(members) < len(self.databases) or not self.synchronous():
            return False
        if any(m["state"] not in ("running", "streaming") for m in members.values()):
            return False
        if len({m.get("timeline") for m in members.values()}) != 1:
            return False
        with contextlib.suppress(psycopg2.Error):
            streaming = leader.sql("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
            return len(streaming) == len(self.databases) - 1 and ("sync",) in streaming
        return False

    def wait_until_healthy(self):
        until(self.is_healthy, HEALTHY_WITHIN, "a primary with all standbys")
        return self.leader()

    def wait_for_other_leader(self, old):
        def found():
            leader = self.leader()
            return leader if leader and leader is not old else None
        return until(found, HEALTHY_WITHIN, f"a primary other than {old.name}")

    def wait_for_other_synchronous(self, old):
        until(lambda: self.synchronous() - {old.name}, HEALTHY_WITHIN, f"a synchronous standby other than {old.name}")

    def url(self, port=PORT, databases=None):
        """An issuer tries these databases in this order."""
        hosts = ",".join(f"{database.node.address}:{port}" for database in databases or self.databases)
        return (f"postgresql://{ROLE}@{hosts}/{DATABASE}?target_session_attrs=read-write&connect_timeout=2"
                "&tcp_user_timeout=3000&keepalives_idle=1&keepalives_interval=1&keepalives_count=3")

    def waiting_commits(self):
        """The number of transactions that wait for a standby."""
        return self.leader().sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")[0][0]
