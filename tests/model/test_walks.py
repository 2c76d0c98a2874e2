"""Random walks of session.pml, replayed against one jwtd-issuer with SQLite, and against two with one PostgreSQL: the model and
the issuers must give the same replies, and one pair of the model must be one pair of tokens."""

import base64
import os
import random
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "http")]
import postgresql  # noqa: E402
from daemons import payload  # noqa: E402
from fleet import Databases, Fleet  # noqa: E402
from issuer_daemon import Issuer, sid  # noqa: E402
from wire import ADMIN_REVOKE_ALL  # noqa: E402

STORES = os.environ.get("STORE", "sqlite postgresql").split()
WALKS = int(os.environ.get("WALKS", "1000")) // len(STORES)
SETTINGS = "[Session]\nRotationGrace=5min\nLoginsPerUser=0\nMaxSessionsPerUser=100000\n"
TABLES = ("session", "revoked")


class Sqlite:
    """An issuer, and its store as the tests reach it."""

    def __init__(self, build):
        self.issuers = [Issuer(build, SETTINGS)]
        self.sql = self.issuers[0].in_store
        self.bytes, self.parameter = "x'{}'", "?"

    def stop(self):
        self.issuers[0].stop()


class Postgresql:
    """Two issuers, and their store."""

    def __init__(self, build):
        self.databases = Databases(build)
        self.fleet = Fleet(build, SETTINGS, 2, databases=self.databases, of=Issuer)
        self.issuers = self.fleet[:]
        self.connection = self.databases.cluster.connect(self.databases.cluster.url_of(database=self.fleet.name))
        self.bytes, self.parameter = "'\\x{}'", "%s"

    def sql(self, statement, rows=(None,)):
        with self.connection.cursor() as cursor:
            for row in rows:
                cursor.execute(statement, row)
            return cursor.fetchall() if cursor.description else []

    def stop(self):
        self.connection.close()
        for issuer in self.issuers:
            issuer.stop()
        self.databases.cluster.remove()


class Replay:
    """One walk, and the session it is about."""

    def __init__(self, store):
        self.store = store
        self.issuers = list(store.issuers)
        refresh, _ = self.issuers[0].obtain()
        self.pairs = {1: refresh}  # the refresh token of each pair
        self.row = "sid = " + store.bytes.format(base64.urlsafe_b64decode(sid(refresh) + "==").hex())
        self.saved = None

    def other_issuer(self):
        """If there is one."""
        self.issuers.append(self.issuers.pop(0))

    def refresh(self, token, expected, pair=None):
        status, _, successor = self.issuers[0].refresh(self.pairs[int(token)])
        assert status == expected
        if status == "ok":
            known = self.pairs.setdefault(int(pair), successor)
            assert claims(known) == claims(successor), "the pair is another one than before"
            assert len({claims(token)["jti"] for token in self.pairs.values()}) == len(self.pairs), "two pairs have the same token"

    def logout(self, token, state):
        expected = "ok" if state == "LIVE" else "blacklisted"
        assert self.issuers[0].blacklist(self.pairs[int(token)]) == expected

    def grace_ends(self):
        self.store.sql(f"UPDATE session SET rotated_at = rotated_at - 7200 WHERE {self.row}")

    def backup(self):
        self.saved = {table: self.store.sql(f"SELECT * FROM {table} WHERE {self.row}") for table in TABLES}

    def restore(self):
        for table in TABLES:
            self.store.sql(f"DELETE FROM {table} WHERE {self.row}")
        for table, rows in self.saved.items():
            for row in rows:
                self.store.sql(f"INSERT INTO {table} VALUES ({','.join([self.store.parameter] * len(row))})", [row])

    def revoke_all(self):
        assert self.issuers[0].ask(ADMIN_REVOKE_ALL)[0] == "ok"


def claims(token):
    """Each issuer signs with a key of its own."""
    return payload(token.decode())


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
    yield store
    store.stop()


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_the_issuers_answer_as_the_model_in_random_walks(store):
    seed = random.randrange(1 << 30)
    all_walks = walks(seed)
    assert len(all_walks) == WALKS
    for number, steps in enumerate(all_walks):
        replay = Replay(store)
        for at, (name, *values) in enumerate(steps):
            try:
                getattr(replay, name)(*values)
            except AssertionError as error:
                raise AssertionError(f"spin -n{seed}, walk {number}, step {at + 1} of {steps[:at + 1]}: {error}") from error
    print(f"# spin -n{seed}: {WALKS} walks, {sum(map(len, all_walks))} steps, {len(store.issuers)} issuers, no difference")
