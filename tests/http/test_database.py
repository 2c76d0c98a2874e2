"""The database of [Store] Database=: its tables, the role of the issuers, copies of an SQLite store, passwords and TLS."""

import contextlib
import datetime
import hashlib
import itertools
import os
import sqlite3
import subprocess
import time
import urllib.parse

import pytest
from fleet import postgresql
from issuer_daemon import Issuer

OWNER, ROLE = "jwtd_owner", "jwtd_issuer"
PASSWORD = "a secret of the database"
NUMBERS = itertools.count()
COLUMNS = {"session": "sid user source client created_at absolute_exp idle_exp gen refresh_jti previous_jti access_jti kid rotated_at "
                      "issued_at access_exp refresh_exp last_access_exp purge_at stamp last_used uid method amr".split(),
           "revoked": ["sid", "last_access_exp", "purge_at"], "user": ["name"], "spent": ["id", "issuer", "purge_at"]}


class Database:
    """An empty database of its owner in the cluster of this file."""

    def __init__(self, cluster, build, name, directory):
        self.cluster, self.name, self.dir = cluster, name, directory
        self.program, self.modules = build + "/jwtd/issuer/jwtd-issuer", build + "/jwtd/issuer"
        cluster.psql(f"CREATE DATABASE {name} OWNER {OWNER}", database="postgres")

    def url(self, role=ROLE):
        return self.cluster.url_of(role, self.name)

    def psql(self, statement, user="postgres"):
        return self.cluster.psql(statement, user=user, database=self.name)

    def popen(self, *words, **environment):
        """jwtd-issuer; not as root, which would become the user jwtd-issuer."""
        user = self.cluster.user
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        return subprocess.Popen([self.program, f"--modules={self.modules}", *words], text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "HOME": "/nonexistent", **environment},
                                cwd="/", **who)

    def run(self, *words, **environment):
        """(exit status, what was printed)."""
        process = self.popen(*words, **environment)
        out = process.communicate(timeout=300)[0]
        return process.returncode, out

    def migrate(self):
        assert self.run("--migrate-store", f"--database={self.url(OWNER)}", f"--grant={ROLE}") == (0, "before 0\nversion 5\n")

    def check(self, url=None, **environment):
        return self.run("--check-store", f"--database={url or self.url()}", **environment)

    def tables(self):
        return [name for name, in self.psql("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                                            " WHERE nspname = 'public' AND relkind = 'r' ORDER BY 1")]

    def digest(self, tables=None):
        """Of all rows."""
        rows = [(table, sorted(map(repr, self.psql(f'SELECT * FROM "{table}"')))) for table in tables or self.tables()]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def copy(self, path):
        return self.run(f"--copy-store={path}", f"--database={self.url()}")


@pytest.fixture(scope="module")
def cluster():
    if postgresql.missing():
        pytest.skip(postgresql.missing())
    cluster = postgresql.start()
    cluster.psql(f"CREATE ROLE {OWNER} LOGIN")
    cluster.psql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    yield cluster
    cluster.remove()


@pytest.fixture
def database(cluster, build, tmp_path):
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    return Database(cluster, build, f"database_{next(NUMBERS)}", tmp_path)


@pytest.fixture
def tables(database):
    database.migrate()
    return database


def test_the_issuers_role_reads_and_writes_rows_and_nothing_else(tables):
    assert len(tables.tables()) > 5
    for table in tables.tables():
        given = tables.psql("SELECT privilege_type FROM information_schema.role_table_grants"
                            f" WHERE grantee = '{ROLE}' AND table_name = '{table}' ORDER BY 1")
        expected = ["SELECT"] if table == "schema_version" else ["DELETE", "INSERT", "SELECT", "UPDATE"]
        assert [name for name, in given] == expected, (table, given)
    import psycopg2
    for statement in ("CREATE TABLE x (n int)", "DROP TABLE session", "TRUNCATE session", "ALTER TABLE session ADD COLUMN x int",
                      "CREATE SCHEMA x", "CREATE DATABASE x", "DROP TRIGGER session_revoked ON revoked", "CREATE ROLE x",
                      "CREATE OR REPLACE FUNCTION delete_revoked() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                      "UPDATE schema_version SET version = 1", "COPY session TO PROGRAM 'true'", "SET ROLE " + OWNER):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            tables.psql(statement, user=ROLE)
    assert tables.check() == (0, f"{tables.url()}: no error found\n")


def test_migrations_at_once_make_the_tables_once(database):
    words = ["--migrate-store", f"--database={database.url(OWNER)}", f"--grant={ROLE}"]
    running = [database.popen(*words) for _ in range(4)]
    said = sorted((process.communicate()[0], process.returncode) for process in running)
    assert said == [("before 0\nversion 5\n", 0), *[("before 5\nversion 5\n", 0)] * 3]


def test_a_module_of_another_version_is_refused_with_the_remedy(tables, build):
    modules = tables.dir / "modules"
    modules.mkdir()
    module = modules / "postgresql.so"
    with open(build + "/jwtd/issuer/postgresql.so", "rb") as file:
        content = file.read()
    version = subprocess.run([build + "/jwtctl/jwtctl", "--version"], check=True, stdout=subprocess.PIPE).stdout.split()[1]
    is_there = b"\0" + version + b"\0" in content
    assert is_there
    module.write_bytes(content.replace(b"\0" + version + b"\0", b"\0" + b"9" * len(version) + b"\0"))
    tables.modules = str(modules)
    status, said = tables.check()
    assert status == 1 and f"{module}: version {'9' * len(version)}, expected {version.decode()}: " in said, said
    assert "install the package jwtd-postgresql of this version" in said
    module.unlink()
    assert "install the package jwtd-postgresql" in tables.check()[1]


def test_a_failed_migration_leaves_nothing(database):
    assert database.run("--migrate-store", f"--database={database.url(OWNER)}", "--grant=missing") == (
        1, f'{database.url(OWNER).split("?")[0]}: role "missing" does not exist (42704): create the role, or correct Database=\n')
    assert database.tables() == []
    status, said = database.run("--migrate-store", f"--database={database.url()}")
    assert status == 1 and "permission denied" in said


@pytest.mark.parametrize("version,remedy", [("6", "of a newer release, expected 5: install the newer release again"),
                                            ("4", "expected 5: run jwtctl store migrate")])
def test_tables_of_another_release_are_refused_and_nothing_is_written(tables, build, version, remedy):
    tables.psql(f"UPDATE schema_version SET version = {version}")
    before = tables.digest()
    for words in (["--migrate-store", f"--database={tables.url(OWNER)}"], ["--check-store", f"--database={tables.url()}"]):
        status, said = tables.run(*words)
        assert status == 1 and f"schema version {version}" in said and remedy in said, said
    issuer = Issuer(build, f"[Store]\nDatabase={tables.url()}\n")
    try:
        assert issuer.ping() == "unavailable" and issuer.ping() == "unavailable"
        lines = [line for line in issuer.text("log").splitlines() if "schema version" in line]
        assert len(lines) == 1 and remedy in lines[0], lines
        assert tables.digest() == before
        tables.psql("UPDATE schema_version SET version = 5")
        issuer.recovers()
    finally:
        issuer.stop()


def test_a_database_without_tables_is_not_touched_by_an_issuer(database, build):
    issuer = Issuer(build, f"[Store]\nDatabase={database.url()}\n")
    try:
        assert issuer.ping() == "unavailable"
        assert "(no tables), expected 5: run jwtctl store migrate" in issuer.text("log")
        assert database.tables() == []
        database.migrate()
        issuer.recovers()
    finally:
        issuer.stop()


def test_what_an_administrator_should_change_is_reported(tables):
    for role in (OWNER, "postgres"):
        status, said = tables.check(tables.url(role))
        assert status == 0 and said.startswith("warning: the role of Database= can change"), said
    tables.psql(f"GRANT TRUNCATE ON session TO {ROLE}")
    assert tables.check()[1].startswith("warning: the role")
    try:
        tables.psql("ALTER SYSTEM SET fsync = off")
        tables.cluster.restart()
        assert "warning: the database has fsync=off" in tables.check()[1]
    finally:
        tables.psql("ALTER SYSTEM RESET fsync")
        tables.cluster.restart()


@contextlib.contextmanager
def sqlite_store(database, sessions):
    """An SQLite store with that many sessions, half of them refreshed, and others that are revoked; as an issuer makes it."""
    issuer = Issuer(os.path.dirname(os.path.dirname(database.modules)))
    issuer.ping()
    issuer.end()
    path = issuer.path("state/sessions.db")
    rows = []
    for n in range(sessions):
        ids = {name: hashlib.md5(f"{name} {n}".encode()).digest() for name in ("sid", "refresh_jti", "access_jti", "previous_jti")}
        row = {"user": f"user {n % 999} \u00e4", "source": "192.0.2.1", "client": "ssh", "kid": "wcI-iM51", "stamp": b"\0" * (n % 17),
               "method": "login", "amr": "pwd otp", **ids}
        row["previous_jti"] = ids["previous_jti"] if n % 2 else None
        rows.append([row.get(name, 2000000000 + 1000 * n + i) for i, name in enumerate(COLUMNS["session"])])
    issuer.in_store(f"INSERT INTO session ({', '.join(COLUMNS['session'])}) VALUES ({', '.join('?' * len(COLUMNS['session']))})", rows)
    digests = [hashlib.md5(f"other {n}".encode()).digest() for n in range(sessions // 100 + 2)]
    issuer.in_store("INSERT INTO revoked (sid, last_access_exp, purge_at) VALUES (?, ?, ?)", [(d, 2000000000, 2000000001) for d in digests])
    issuer.in_store("INSERT INTO spent VALUES (?, ?, ?)", [(d, digests[0], 2000000000) for d in digests])
    issuer.in_store("INSERT INTO user VALUES (?)", [(f"user {n} \u00e4",) for n in range(999)])
    issuer.in_store("UPDATE clock SET mark = 1900000000")
    if database.cluster.user:
        for base, _, names in os.walk(issuer.dir):
            for file in (base, *(os.path.join(base, name) for name in names)):
                os.chown(file, database.cluster.user.pw_uid, -1)
    try:
        yield path
    finally:
        issuer.stop()


def sqlite_rows(path, table):
    with sqlite3.connect(path) as store:
        rows = store.execute(f"SELECT {', '.join(COLUMNS[table])} FROM {table}").fetchall()
    store.close()
    return sorted(rows, key=repr)


def counts(database):
    return [database.psql(f'SELECT count(*) FROM "{table}"')[0][0] for table in COLUMNS]


def test_a_copy_of_100000_sessions_loses_none(tables):
    with sqlite_store(tables, 100000) as path:
        began = time.monotonic()
        assert tables.copy(path) == (0, "session 100000\nrevoked 1002\nuser 999\nspent 1002\n")
        print(f"# 100,000 sessions in {time.monotonic() - began:.1f} s")
        for table, names in COLUMNS.items():
            copied = tables.psql("SELECT " + ", ".join(f'"{name}"' for name in names) + f' FROM "{table}"')
            assert hashlib.sha256(repr(sorted(copied, key=repr)).encode()).hexdigest() == hashlib.sha256(
                repr(sqlite_rows(path, table)).encode()).hexdigest(), table
        assert tables.psql("SELECT mark FROM clock") == [(1900000000,)]
        # Issuers that run see the revoked sessions as a change.
        assert tables.psql("SELECT DISTINCT change FROM revoked") == tables.psql(
            "SELECT value FROM counter WHERE name = 'revocations'") == [(1,)]
        status, said = tables.copy(path)
        assert status == 1 and "table session has 100000 rows: a store is copied into an empty database only" in said, said


def test_a_copy_makes_printable_what_clients_said_of_themselves(tables):
    with sqlite_store(tables, 2) as path:
        with sqlite3.connect(path) as store:
            store.execute("UPDATE session SET client = CAST(x'63e97c01' AS TEXT)")
        store.close()
        status, said = tables.copy(path)
        assert status == 0, said
        assert tables.psql("SELECT DISTINCT client FROM session") == [("c?|?",)]


def test_an_interrupted_copy_leaves_nothing(tables):
    with sqlite_store(tables, 20000) as path:
        before = tables.digest()
        process = tables.popen(f"--copy-store={path}", f"--database={tables.url()}")
        # What it has written, nobody sees yet.
        while tables.psql("SELECT pg_relation_size('session')") == [(0,)]:
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        while tables.psql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'jwtd-issuer' AND datname = current_database()"):
            time.sleep(0.05)
        assert counts(tables) == [0, 0, 0, 0] and tables.digest() == before
        assert len(sqlite_rows(path, "session")) == 20000
        assert tables.copy(path)[0] == 0 and counts(tables)[0] == 20000


def test_the_store_of_a_running_issuer_is_not_copied(tables, build):
    issuer = Issuer(build)
    try:
        issuer.obtain()
        if tables.cluster.user:
            for name in ("", "-wal", "-shm"):
                os.chown(issuer.path("state/sessions.db") + name, tables.cluster.user.pw_uid, -1)
            for path in (issuer.dir, issuer.path("state")):
                os.chmod(path, 0o777)
        status, said = tables.copy(issuer.path("state/sessions.db"))
        assert status == 1 and "the issuer must be stopped: systemctl stop" in said, said
        assert counts(tables) == [0, 0, 0, 0]
        issuer.end()
        assert tables.copy(issuer.path("state/sessions.db"))[1].startswith("session 1\n")
        assert tables.copy(issuer.path("state/missing.db")) == (1, f"{issuer.path('state/missing.db')}: No such file or directory\n")
    finally:
        issuer.stop()


# Passwords and TLS: by TCP.


def tcp_url(database, **options):
    options = {"port": database.cluster.port, "hostaddr": "127.0.0.1", "host": "localhost", **options}
    return f"postgresql://{ROLE}@/{database.name}?{urllib.parse.urlencode(options)}"


def put(database, name, text):
    """A file that the process may read and others may not."""
    path = database.dir / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    if database.cluster.user:
        os.chown(path, database.cluster.user.pw_uid, -1)
        os.chown(path.parent, database.cluster.user.pw_uid, -1)
    return str(path)


def test_the_password_is_a_credential_or_in_a_file(tables):
    url = tcp_url(tables, sslmode="disable")
    status, said = tables.check(url)
    assert status == 1 and "no password supplied" in said, said
    put(tables, "postgresql-password", PASSWORD + "\n")
    assert tables.check(url, CREDENTIALS_DIRECTORY=str(tables.dir))[0] == 0
    passfile = put(tables, "pgpass", f"localhost:{tables.cluster.port}:*:{ROLE}:{PASSWORD}\n")
    assert tables.check(url + "&passfile=" + passfile)[0] == 0
    put(tables, "postgresql-password", "another secret")
    status, said = tables.check(url, CREDENTIALS_DIRECTORY=str(tables.dir))
    assert status == 1 and "password authentication failed" in said and "secret" not in said, said


def test_an_issuer_with_a_wrong_password_logs_one_line_and_recovers_when_it_is_corrected(tables, build):
    issuer = Issuer(build, f"[Store]\nDatabase={tcp_url(tables, sslmode='disable')}\n", init=False)
    issuer.environment["CREDENTIALS_DIRECTORY"] = str(tables.dir)
    secret = tables.dir / "postgresql-password"
    secret.write_text("a wrong secret", encoding="utf-8")
    try:
        issuer.start()
        for _ in range(4):
            assert issuer.ping() == "unavailable"
            time.sleep(1.1) # it tries again each second
        log = issuer.text("log")
        assert log.count("password authentication failed") == 1 and "secret" not in log, log
        secret.write_text(PASSWORD, encoding="utf-8")
        issuer.recovers()
        assert "secret" not in issuer.text("log")
    finally:
        issuer.stop()


class Authority:
    """A private CA."""

    def __init__(self, name):
        from cryptography.hazmat.primitives.asymmetric import ec
        self.new_key = lambda: ec.generate_private_key(ec.SECP256R1())
        self.name, self.key = name, self.new_key()
        self.pem = self.sign(name, self.key, days=30, ca=True)

    def sign(self, name, key, days, ca=False):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        title = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
        now = datetime.datetime.utcnow()
        more = x509.BasicConstraints(True, None) if ca else x509.SubjectAlternativeName([x509.DNSName(name)])
        made = (x509.CertificateBuilder().subject_name(title(name)).issuer_name(title(self.name)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=60))
                .not_valid_after(now + datetime.timedelta(days=days)).add_extension(more, critical=ca).sign(self.key, hashes.SHA256()))
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def certificate(self, name, days=30):
        """(certificate, key) in PEM."""
        from cryptography.hazmat.primitives import serialization
        key = self.new_key()
        return self.sign(name, key, days), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@pytest.fixture
def with_tls(tables):
    """The function gives the server a certificate."""
    pytest.importorskip("cryptography")
    cluster = tables.cluster

    def serve(certificate, key):
        for name, text in (("server.crt", certificate), ("server.key", key)):
            path = cluster.path("data/" + name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o600)
            if cluster.user:
                os.chown(path, cluster.user.pw_uid, cluster.user.pw_gid)
        cluster.psql("ALTER SYSTEM SET ssl = on", database="postgres")
        cluster.restart()

    yield serve
    cluster.psql("ALTER SYSTEM SET ssl = off", database="postgres")
    cluster.restart()


def test_the_server_is_verified_with_a_private_ca(tables, with_tls):
    ca, other = Authority("CA of the test"), Authority("another CA")
    put(tables, "postgresql-password", PASSWORD)
    options = {"sslmode": "verify-full", "sslrootcert": put(tables, "ca.pem", ca.pem)}
    check = lambda **more: tables.check(tcp_url(tables, **options, **more), CREDENTIALS_DIRECTORY=str(tables.dir))
    with_tls(*ca.certificate("localhost"))
    assert check() == (0, f"{tcp_url(tables, **options)}: no error found\n")
    status, said = check(host="db.example")
    assert status == 1 and 'server certificate for "localhost" does not match host name "db.example"' in said, said
    with_tls(*other.certificate("localhost"))
    status, said = check()
    fault = "certificate verify failed: check sslrootcert= and the dates of the server's certificate"
    assert status == 1 and fault in said, said
    # libpq 15 does not say which.
    with_tls(*ca.certificate("localhost", days=-1))
    status, said = check()
    assert status == 1 and fault in said, said
    assert PASSWORD not in said
