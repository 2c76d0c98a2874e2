"""Random walks of session.pml, replayed against one jwtd-issuer with SQLite, and against two with one PostgreSQL: the model and
the issuers must give the same replies, and one pair of the model must be one pair of tokens."""

import base64
import itertools
import json
import os
import random
import select
import sqlite3
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "http")]
import postgresql  # noqa: E402
from fleet import Databases, Fleet  # noqa: E402
from issuer_daemon import SOURCE, Issuer  # noqa: E402
from wire import ADMIN_REVOKE_ALL, BLACKLIST, OBTAIN, REFRESH, STATUS, message, read  # noqa: E402

STORES = os.environ.get("STORE", "sqlite postgresql").split()
WALKS = int(os.environ.get("WALKS", "1000")) // len(STORES)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
# A third of the walks each: one at a time, 4, and 16. Requests that arrive together share a transaction.
TOGETHER = (1, 4, 16)
# What the walks do not need takes most of the time otherwise: the id of a login is slow with FailuresPerUser=.
SETTINGS = """[Token]
Algorithm=ES256
[Session]
RotationGrace=5min
FailuresPerUser=0
LoginsPerUser=0
MaxSessionsPerUser=100000
"""
TABLES = ("session", "revoked")
USERS = 100  # a login counts the sessions of its user
PASSWORD = b"secret one"


class Sqlite:
    """An issuer, and its store as the tests reach it."""

    def __init__(self, build):
        self.issuers = [Issuer(build, SETTINGS)]
        self.bytes, self.parameter = "x'{}'", "?"
        assert self.issuers[0].ping() == "ok"  # it has made the file
        self.connection = sqlite3.connect(self.issuers[0].path("state/sessions.db"), timeout=60, isolation_level=None)

    def sql(self, statement, row=()):
        return self.connection.execute(statement, row).fetchall()

    def stop(self):
        self.connection.close()
        self.issuers[0].stop()


class Postgresql:
    """Two issuers, and their store."""

    def __init__(self, build):
        self.databases = Databases(build)
        self.fleet = Fleet(build, SETTINGS, 2, databases=self.databases, of=Issuer)
        self.issuers = self.fleet[:]
        self.connection = self.databases.cluster.connect(self.databases.cluster.url_of(database=self.fleet.name))
        self.bytes, self.parameter = "'\\x{}'", "%s"

    def sql(self, statement, row=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, row)
            return cursor.fetchall() if cursor.description else []

    def stop(self):
        self.connection.close()
        for issuer in self.issuers:
            issuer.stop()
        self.databases.cluster.remove()


class Replay:
    """One walk, and the session it is about. run() yields the requests, and is sent the reply to each."""

    def __init__(self, store, number, steps):
        self.store, self.number, self.steps = store, number, steps
        self.done = 0  # steps, with the one that was begun last
        self.issuers = list(store.issuers)
        self.pairs, self.ids = {}, set()  # the tokens of each pair, and the jti of each refresh token
        self.row = self.saved = None

    def run(self):
        yield from self.login(b"user%d" % (self.number % USERS))
        for self.done, (name, *values) in enumerate(self.steps, 1):
            yield from getattr(self, name)(*values) or ()

    def ask(self, op, *fields):
        return (yield self.issuers[0], op, fields)

    def login(self, user):
        status, tokens = yield from self.ask(OBTAIN, user, PASSWORD, SOURCE)
        assert status == "ok", status
        self.pairs["1"] = tokens
        first = claims(tokens[0])
        self.ids.add(first["jti"])
        self.row = "sid = " + self.store.bytes.format(base64.urlsafe_b64decode(first["sid"] + "==").hex())

    def other_issuer(self):
        """If there is one."""
        self.issuers.append(self.issuers.pop(0))

    def refresh(self, token, standing, expected, pair=None):
        """standing: why the model expects this reply."""
        status, values = yield from self.ask(REFRESH, self.pairs[token][0], SOURCE)
        assert status == expected, f"expected {expected}, got {status}"
        if status != "ok":
            return
        access, refresh = values
        known = self.pairs.setdefault(pair, [refresh, access])
        assert signed(known) == signed([refresh, access]), "the pair is another one than before"
        self.ids.add(claims(refresh)["jti"])
        assert len(self.ids) == len(self.pairs), "two pairs have the same token"

    def logout(self, token, state):
        status, _ = yield from self.ask(BLACKLIST, self.pairs[token][0], SOURCE)
        expected = "ok" if state == "LIVE" else "blacklisted"
        assert status == expected, f"expected {expected}, got {status}"

    def grace_ends(self):
        self.store.sql(f"UPDATE session SET rotated_at = rotated_at - 7200 WHERE {self.row}")

    def backup(self):
        self.saved = {table: self.store.sql(f"SELECT * FROM {table} WHERE {self.row}") for table in TABLES}

    def restore(self):
        for table in TABLES:
            self.store.sql(f"DELETE FROM {table} WHERE {self.row}")
        for table, rows in self.saved.items():
            for row in rows:
                self.store.sql(f"INSERT INTO {table} VALUES ({','.join([self.store.parameter] * len(row))})", row)

    def revoke_all(self):
        status, _ = yield from self.ask(ADMIN_REVOKE_ALL)
        assert status == "ok", status


def signed(pair):
    """The claims of both tokens; each issuer signs with a key of its own."""
    return [token.split(b".")[1] for token in pair]


def claims(token):
    part = token.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(part + b"=="))


class Loop:
    """Runs replays, so many at a time."""

    def __init__(self, replays, together):
        self.coming, self.together = iter(replays), together
        self.poll = select.poll()
        self.asking = {}  # by the number of its connection: the connection, the replay, its run
        self.revoking = []  # a replay, its run, the issuer

    def go_on(self, replay, run, reply=None):
        """Until its next request."""
        try:
            issuer, op, fields = run.send(reply)
        except StopIteration:
            return
        except AssertionError as error:
            raise AssertionError(f"walk {replay.number}, step {replay.done} of {replay.steps[:replay.done]}: {error}") from error
        if op == ADMIN_REVOKE_ALL:
            self.revoking.append((replay, run, issuer))
            return
        connection = issuer.send(message(op, *fields))
        self.asking[connection.fileno()] = connection, replay, run
        self.poll.register(connection, select.POLLIN)

    def read_replies(self):
        ready = self.poll.poll(45000)
        assert ready, "no reply"
        for fd, _ in ready:
            connection, replay, run = self.asking.pop(fd)
            self.poll.unregister(fd)
            with connection:
                packet = connection.recv(65536)
            assert packet, "closed"
            status, values = read(packet)
            self.go_on(replay, run, (STATUS[status], values))

    def revoke_all(self):
        """When all replays want it or are over: it ends the sessions of all."""
        revoking, self.revoking = self.revoking, []
        reply = revoking[0][2].ask(ADMIN_REVOKE_ALL)
        for replay, run, _ in revoking:
            self.go_on(replay, run, reply)

    def run(self):
        while True:
            while len(self.asking) < self.together and not self.revoking and (replay := next(self.coming, None)):
                self.go_on(replay, replay.run())
            if self.asking:
                self.read_replies()
            elif self.revoking:
                self.revoke_all()
            else:
                return


def walks(seed):
    """Each is a list of steps."""
    command = ["spin", f"-n{seed}", "-T", "-B", "-DWALK", "-DSTEPS=30", "-DPAIRS=20", f"-DWALKS={WALKS}",
               os.path.join(HERE, "session.pml")]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="ascii").stdout
    steps = [line.split() for line in printed.splitlines() if line.strip()]
    starts = [i for i, step in enumerate(steps) if step == ["login"]]
    return [steps[a + 1:b] for a, b in zip(starts, starts[1:] + [len(steps)])]


@pytest.fixture(name="store")
def fixture_store(request):
    kinds = {"sqlite": Sqlite, "postgresql": Postgresql}
    if request.param == "postgresql" and postgresql.missing():
        pytest.skip(postgresql.missing())
    store = kinds[request.param](os.environ["BUILD"])
    for issuer in store.issuers:
        issuer.login.passwords = {b"user%d" % n: PASSWORD for n in range(USERS)}
    yield store
    store.stop()


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_the_issuers_answer_as_the_model_in_random_walks(store):
    all_walks = walks(SEED)
    assert len(all_walks) == WALKS
    standings = {steps[2] for steps in itertools.chain(*all_walks) if steps[0] == "refresh"}
    assert standings == {"CURRENT", "GRACE", "REUSED", "ROLLED_BACK", "ENDED"} or WALKS < 100
    replays = [Replay(store, number, steps) for number, steps in enumerate(all_walks)]
    try:
        for part, together in enumerate(TOGETHER):
            Loop(replays[part::len(TOGETHER)], together).run()
    except AssertionError as error:
        raise AssertionError(f"spin -n{SEED}, {error}") from error
    print(f"# spin -n{SEED}: {WALKS} walks, {sum(map(len, all_walks))} steps, {len(store.issuers)} issuers, no difference")
