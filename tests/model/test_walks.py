"""Random walks of session.pml, replayed against jwtd-issuer: the model and the issuer must give the same replies, and one
pair of the model must be one pair of tokens."""

import base64
import os
import random
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "http"))
from issuer_daemon import Issuer, sid  # noqa: E402
from wire import ADMIN_REVOKE_ALL  # noqa: E402

WALKS = int(os.environ.get("WALKS", "1000"))
SETTINGS = "[Session]\nRotationGrace=5min\nLoginsPerUser=0\nMaxSessionsPerUser=100000\n"
TABLES = ("session", "revoked")


class Replay:
    """One walk, and the session it is about."""

    def __init__(self, issuer):
        self.issuer = issuer
        refresh, _ = issuer.obtain()
        self.pairs = {1: refresh}  # the refresh token of each pair
        text = sid(refresh)
        self.sid = base64.urlsafe_b64decode(text + "==").hex()
        self.saved = None

    def rows(self, table):
        return self.issuer.in_store(f"SELECT * FROM {table} WHERE sid = x'{self.sid}'")

    def refresh(self, token, expected, pair=None):
        status, _, successor = self.issuer.refresh(self.pairs[int(token)])
        assert status == expected
        if status == "ok":
            known = self.pairs.setdefault(int(pair), successor)
            assert known == successor, "the pair is another one than before"
            assert len(set(self.pairs.values())) == len(self.pairs), "two pairs have the same token"

    def logout(self, token, state):
        expected = "ok" if state == "LIVE" else "blacklisted"
        assert self.issuer.blacklist(self.pairs[int(token)]) == expected

    def grace_ends(self):
        self.issuer.in_store(f"UPDATE session SET rotated_at = rotated_at - 7200 WHERE sid = x'{self.sid}'")

    def backup(self):
        self.saved = {table: self.rows(table) for table in TABLES}

    def restore(self):
        for table in TABLES:
            self.issuer.in_store(f"DELETE FROM {table} WHERE sid = x'{self.sid}'")
        for table, rows in self.saved.items():
            for row in rows:
                self.issuer.in_store(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", [row])

    def revoke_all(self):
        assert self.issuer.ask(ADMIN_REVOKE_ALL)[0] == "ok"


def walks(seed):
    """Each is a list of steps."""
    command = ["spin", f"-n{seed}", "-T", "-B", "-DWALK", "-DSTEPS=30", "-DPAIRS=20", f"-DWALKS={WALKS}",
               os.path.join(HERE, "session.pml")]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="ascii").stdout
    steps = [line.split() for line in printed.splitlines() if line.strip()]
    starts = [i for i, step in enumerate(steps) if step == ["login"]]
    return [steps[a + 1:b] for a, b in zip(starts, starts[1:] + [len(steps)])]


@pytest.fixture(name="issuer")
def fixture_issuer():
    issuer = Issuer(os.environ["BUILD"], SETTINGS)
    yield issuer
    issuer.stop()


def test_the_issuer_answers_as_the_model_in_random_walks(issuer):
    seed = random.randrange(1 << 30)
    all_walks = walks(seed)
    assert len(all_walks) == WALKS
    for number, steps in enumerate(all_walks):
        replay = Replay(issuer)
        for at, (name, *values) in enumerate(steps):
            try:
                getattr(replay, name)(*values)
            except AssertionError as error:
                raise AssertionError(f"spin -n{seed}, walk {number}, step {at + 1} of {steps[:at + 1]}: {error}") from error
    print(f"# spin -n{seed}: {WALKS} walks, {sum(map(len, all_walks))} steps, no difference")
