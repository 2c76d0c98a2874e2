#!/usr/bin/python3 -B
"""What sessions take in PostgreSQL: bytes of each table's row with its indexes, write-ahead log of a login, a rotation and a
logout, size after many rotations, memory of a connection. docs/scale.md has the results.

database.py BUILD; ROWS=100000 and ROUNDS=20 (rotations of each session) are the defaults."""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, f"{HERE}/..")

import postgresql  # noqa: E402

ROWS, ROUNDS = int(os.environ.get("ROWS", "100000")), int(os.environ.get("ROUNDS", "20"))
SESSION = """INSERT INTO session SELECT uuid_send(gen_random_uuid()), 'user' || n % 50000, '192.0.2.' || n % 250,
    'jwtctl/0.2', {at}, {at} + 30 * 86400, {at} + 7 * 86400, 0, uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()),
    uuid_send(gen_random_uuid()), 'abcdefgh', {at}, {at}, {at} + 900, {at} + 604800, {at} + 900, {at} + 604800 + n % 900,
    uuid_send(gen_random_uuid()), {at}, 1000 + n % 50000, 'login', 'pwd' FROM generate_series(1, {n}) n"""
# The columns that a rotation sets.
ROTATE = """UPDATE session SET gen = gen + 1, previous_jti = refresh_jti, refresh_jti = uuid_send(gen_random_uuid()),
    access_jti = uuid_send(gen_random_uuid()), kid = 'abcdefgh', rotated_at = rotated_at + 900, last_used = last_used + 900,
    issued_at = issued_at + 900, access_exp = access_exp + 900, refresh_exp = refresh_exp + 900,
    last_access_exp = last_access_exp + 900, idle_exp = idle_exp + 900, purge_at = purge_at + 900 WHERE sid = """
# Each session in turn, in transactions of 100, as busy issuers do.
ROTATE_ALL = f"""DO $$ DECLARE ids bytea[]; BEGIN
    ids := ARRAY(SELECT sid FROM session ORDER BY md5(sid));
    FOR i IN 1 .. array_length(ids, 1) LOOP
        {ROTATE} ids[i];
        IF i % 100 = 0 THEN COMMIT; END IF;
    END LOOP; END $$"""


class Database:
    def __init__(self, cluster):
        self.connection = cluster.connect()
        self.cursor = self.connection.cursor()

    def run(self, statement, values=None):
        self.cursor.execute(statement, values)
        return self.cursor.fetchall() if self.cursor.description else []

    def size(self, table):
        return self.run("SELECT pg_total_relation_size(%s)", (table,))[0][0]

    def log_bytes(self):
        """Of the write-ahead log so far."""
        return self.run("SELECT pg_current_wal_lsn() - '0/0'")[0][0]


def report(what, value, unit):
    print(f"# {what}: {value:,.0f} {unit}", flush=True)


def one_by_one(db, what, statement, rows):
    """The write-ahead log of single transactions. The first change of a page after a checkpoint, which logs the whole page,
    is not typical: 100 rows come before."""
    for row in rows[:100]:
        db.run(statement, row)
    before = db.log_bytes()
    for row in rows[100:]:
        db.run(statement, row)
    report(f"write-ahead log of {what}", (db.log_bytes() - before) / (len(rows) - 100), "bytes")


def memory(db, rows):
    """Of a connection that has done what an issuer's does."""
    for row in rows[:200]:
        db.run(ROTATE + "%s", row)
    pid, = db.run("SELECT pg_backend_pid()")[0]
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Private_Dirty: +(\d+)", file.read())[1])


def main():
    reason = postgresql.missing()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return
    cluster = postgresql.start()
    try:
        measure(cluster)
    finally:
        cluster.remove()
    print("1..0 # SKIP figures only")


def measure(cluster):
    issuer = f"{sys.argv[1]}/jwtd/issuer"
    subprocess.run([f"{issuer}/jwtd-issuer", f"--modules={issuer}", "--migrate-store", f"--database={cluster.url}"], check=True)
    db = Database(cluster)
    at = int(time.time())
    db.run(SESSION.format(at=at, n=ROWS))
    report("a new session, row and indexes", db.size("session") / ROWS, "bytes")
    begin = time.monotonic()
    for _ in range(ROUNDS):
        db.run(ROTATE_ALL)
    db.run("VACUUM session")
    report(f"a session after {ROUNDS} rotations", db.size("session") / ROWS, "bytes")
    hot, updates = db.run("SELECT n_tup_hot_upd, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'session'")[0]
    print(f"# {updates} rotations in {time.monotonic() - begin:.0f} s, {hot} of them without a change of an index")
    sids = db.run("SELECT sid FROM session LIMIT 2000")
    one_by_one(db, "a rotation", ROTATE + "%s", sids)
    db.run("CHECKPOINT")
    one_by_one(db, "a rotation after a checkpoint, with its pages", ROTATE + "%s",
               db.run("SELECT sid FROM session ORDER BY md5(sid) LIMIT 1000"))
    one_by_one(db, "a login", SESSION.format(at=at, n=1), [None] * 2000)
    one_by_one(db, "a logout", "INSERT INTO revoked SELECT sid, last_access_exp, purge_at, 1 FROM session WHERE sid = %s", sids)
    for table, statement in (
            ("revoked", f"INSERT INTO revoked SELECT uuid_send(gen_random_uuid()), {at}, {at} + n % 900, n FROM generate_series(1, {ROWS}) n"),
            ("spent", f"INSERT INTO spent SELECT uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()), {at} + n % 900 FROM generate_series(1, {ROWS}) n"),
            ("attempt", f"INSERT INTO attempt SELECT uuid_send(gen_random_uuid()), 1, {at} + n % 900 FROM generate_series(1, {ROWS}) n"),
            ('"user"', f"INSERT INTO \"user\" SELECT 'user' || n FROM generate_series(1, {ROWS}) n")):
        before = db.size(table)
        db.run(statement)
        report(f"a row of {table} with its indexes", (db.size(table) - before) / ROWS, "bytes")
    report("private memory of a connection", memory(Database(cluster), sids), "KiB")


if __name__ == "__main__":
    main()
