"""jwtd-issuer while its database does not do what it should: no answer is wrong, and it goes on by itself."""

import concurrent.futures
import contextlib
import os
import signal
import threading
import time

import pytest
from daemons import now, payload, preload, until
from fleet import ROLE, Database
from issuer_daemon import SOURCE
from wire import REFRESH, STATUS, VERIFY, message, read

ACTIVITY = "SELECT pid, wait_event_type, wait_event FROM pg_stat_activity WHERE datname = %s AND usename = %s"
BOUND = 25  # seconds within which each request has an answer


@pytest.fixture
def database(databases):
    new = Database(databases)
    yield new
    new.drop()


def backends(database):
    return database.sql(ACTIVITY, [(database.name, ROLE)])


def waits_for(database, event):
    until(lambda: any(event in row[1:] for row in backends(database)))


def terminate(database):
    for pid, *_ in backends(database):
        database.sql("SELECT pg_terminate_backend(%s)", [(pid,)])
    until(lambda: not backends(database))


@contextlib.contextmanager
def holding(database, statement, *values):
    """A transaction of another program, after this statement."""
    connection = database.databases.cluster.connect(database.databases.cluster.url_of("postgres", database.name))
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET deadlock_timeout = '1min'")
        cursor.execute(statement, values)
        yield cursor
        cursor.execute("ROLLBACK")


LOCK = "SELECT FROM session WHERE sid = %s FOR UPDATE"


def in_one_turn(issuer, tokens):
    """Connections on which these tokens are being exchanged: they arrive while the issuer does not run."""
    issuer.process.send_signal(signal.SIGSTOP)
    clients = [issuer.send(message(REFRESH, token, SOURCE)) for token in tokens]
    issuer.process.send_signal(signal.SIGCONT)
    return clients


def answer(client):
    with client:
        status, values = read(client.recv(65536))
    return STATUS[status], values


def refreshed(issuer, token):
    """The successors, as soon as the issuer answers again."""
    end = time.monotonic() + 30
    while True:
        status, *pair = issuer.refresh(token)
        if status == "ok":
            return pair
        assert status == "unavailable" and time.monotonic() < end, status
        time.sleep(0.1)


def two_sessions(issuer, database):
    """The tokens of two sessions, in the order of their sids. The account is known to the issuer."""
    tokens = [refreshed(issuer, issuer.obtain()[0])[1] for _ in range(2)]
    sids = [sid for sid, in database.sql("SELECT sid FROM session ORDER BY created_at, sid")]
    return tokens, sids


def test_a_deadlock_is_resolved_by_the_issuer_and_every_request_answered(issuer, database):
    tokens, sids = two_sessions(issuer, database)
    with holding(database, LOCK, sids[1]) as other:
        clients = in_one_turn(issuer, tokens)
        waits_for(database, "Lock")
        other.execute(LOCK, (sids[0],))
    assert [answer(client)[0] for client in clients] == ["ok", "ok"]
    assert database.sql("SELECT gen FROM session") == [(2,), (2,)]


def test_a_lock_that_is_never_released_delays_the_others_and_refuses_one(issuer, database):
    tokens, sids = two_sessions(issuer, database)
    with holding(database, LOCK, sids[0]):
        before = time.monotonic()
        clients = in_one_turn(issuer, tokens)
        assert [answer(client)[0] for client in clients] == ["unavailable", "ok"]
        assert time.monotonic() - before < BOUND
        assert "end the other transaction" in issuer.text("log")
    assert issuer.refresh(tokens[0])[0] == "ok", "the connection is as good as before"


@pytest.mark.fleet("[Session]\nAccountCacheTime=0\nRotationGrace=5min\n")
def test_rows_of_an_issuer_that_stops_in_a_transaction_are_free_after_ten_seconds(issuers):
    first, other = issuers
    tokens, sids = two_sessions(first, issuers)
    with holding(issuers, LOCK, sids[1]):
        clients = in_one_turn(first, tokens)
        waits_for(issuers, "Lock")
        first.process.send_signal(signal.SIGSTOP)
    try:
        before = time.monotonic()
        refreshed(other, tokens[0])
        assert time.monotonic() - before < BOUND
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert {answer(client)[0] for client in clients} <= {"ok", "unavailable"}
    for token in tokens:
        refreshed(first, token)


def test_after_five_seconds_of_waiting_for_locks_the_rest_of_a_turn_is_refused_untried(issuer, database):
    tokens = [refreshed(issuer, issuer.obtain()[0])[1] for _ in range(8)]
    waited = f"{ROLE}@{database.name} ERROR:  canceling statement due to lock timeout"
    with holding(database, "SELECT FROM session ORDER BY sid FOR UPDATE"):
        clients = in_one_turn(issuer, tokens)
        assert [answer(client)[0] for client in clients] == ["unavailable"] * len(tokens)
    # Two seconds each: all of them together, and then those that begin within five seconds.
    assert 1 < database.databases.cluster.text("log").count(waited) <= 1 + 3
    assert [issuer.refresh(token)[0] for token in tokens] == ["ok"] * len(tokens)


def test_a_single_refresh_is_one_message_to_the_database(issuer, database):
    """The database commits what it got before the issuer was stopped."""
    token = refreshed(issuer, issuer.obtain()[0])[1]
    (sid,), = database.sql("SELECT sid FROM session")
    with holding(database, LOCK, sid):
        client = in_one_turn(issuer, [token])[0]
        waits_for(database, "Lock")
        issuer.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: database.sql("SELECT gen FROM session") == [(2,)])
    finally:
        issuer.process.send_signal(signal.SIGCONT)
    assert answer(client)[0] == "ok"


def test_a_refresh_that_is_not_the_next_one_is_answered_without_a_warning_of_the_database(issuer, database):
    """The issuer sends a transaction for the next one first, which then changes nothing."""
    token, _ = issuer.obtain()
    pair = refreshed(issuer, token)
    assert refreshed(issuer, token) == pair
    refreshed(issuer, pair[1])
    assert issuer.refresh(token)[0] == "blacklisted"
    assert f"{ROLE}@{database.name} WARNING" not in database.databases.cluster.text("log")


@contextlib.contextmanager
def standby_is_gone(database):
    def configure(names):
        database.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        database.sql("SELECT pg_reload_conf()")
        until(lambda: database.sql("SHOW synchronous_standby_names") == [(names,)])

    configure("gone")
    try:
        yield
    finally:
        configure("")


def test_synchronous_commit_that_is_off_in_the_database_is_on_for_an_issuer(issuer, database):
    token, _ = issuer.obtain()
    database.sql(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    terminate(database)
    token = refreshed(issuer, token)[1]
    with standby_is_gone(database):
        client = in_one_turn(issuer, [token])[0]
        waits_for(database, "SyncRep")
    assert answer(client)[0] == "ok"


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_commit_whose_outcome_is_unknown_is_no_success_and_has_one_successor(issuer, database, function):
    token, _ = issuer.obtain()
    refreshed_once = refreshed(issuer, token)
    with standby_is_gone(database):
        client = in_one_turn(issuer, [refreshed_once[1]])[0]
        waits_for(database, "SyncRep")
        for pid, *_ in backends(database):
            database.sql(f"SELECT {function}(%s)", [(pid,)])
        assert answer(client)[0] == "unavailable"
    (gen, jti), = database.sql("SELECT gen, refresh_jti FROM session")
    pair = refreshed(issuer, refreshed_once[1])
    assert gen == 2 and database.sql("SELECT gen, refresh_jti FROM session") == [(2, jti)]
    assert refreshed(issuer, refreshed_once[1]) == pair


def test_a_trial_write_that_is_not_confirmed_is_logged_and_repeated(issuer, database):
    token, _ = issuer.obtain()
    with standby_is_gone(database):
        client = in_one_turn(issuer, [token])[0]
        waits_for(database, "SyncRep")
        terminate(database)
        assert answer(client)[0] == "unavailable"
        with concurrent.futures.ThreadPoolExecutor() as thread:
            ping = thread.submit(issuer.ping)
            while not ping.done():
                for pid, _, event in backends(database):
                    if event == "SyncRep":
                        database.sql("SELECT pg_cancel_backend(%s)", [(pid,)])
                time.sleep(0.02)
            assert ping.result() == "unavailable"
            assert "was not confirmed: check the standby" in issuer.text("log")
    refreshed(issuer, token)
    assert issuer.ping() == "ok"


def test_a_logout_that_is_repeated_waits_for_the_standby(issuer, database):
    refresh, _ = issuer.obtain()
    assert issuer.blacklist(refresh) == "ok"
    with standby_is_gone(database):
        client = in_one_turn(issuer, [refresh])[0]
        waits_for(database, "SyncRep")
    assert answer(client)[0] == "blacklisted"


def test_no_session_is_live_by_a_primary_that_its_standby_has_left(issuer, database):
    """It may have a successor, where the session has ended."""
    refresh, access = issuer.obtain()
    assert issuer.verify(access) == "ok"
    with standby_is_gone(database):
        time.sleep(1)  # an earlier answer of the same second was confirmed by the standby
        client = issuer.send(message(VERIFY, access))
        waits_for(database, "SyncRep")
        terminate(database)
        assert answer(client)[0] == "unavailable"
    until(lambda: issuer.verify(access) == "ok")


def test_expired_rows_are_deleted_also_when_each_second_begins_with_a_request_that_reads(issuer, database):
    refresh, access = issuer.obtain()
    database.sql("INSERT INTO spent (id, issuer, purge_at) VALUES (%s, %s, 1)", [(bytes(16), bytes(16))])
    time.sleep(2 - time.time() % 1)  # to the begin of the second but one, so that both are in it
    assert issuer.verify(access) == "ok" and issuer.refresh(refresh)[0] == "ok"
    assert database.sql("SELECT count(*) FROM spent") == [(0,)]


def test_a_closed_connection_is_opened_again(issuer, database):
    token, _ = issuer.obtain()
    for _ in range(2):
        terminate(database)
        token = refreshed(issuer, token)[1]


def test_a_server_that_stops_answering_is_left(issuer, database):
    token, _ = issuer.obtain()
    pid, = {row[0] for row in backends(database)}
    before = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert issuer.refresh(token)[0] == "unavailable" and time.monotonic() - before < BOUND
        assert refreshed(issuer, token), "by another connection"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "no answer in time" in issuer.text("log")


def test_a_stopped_server_is_one_log_line_and_the_issuer_goes_on_by_itself(issuer, database):
    token, _ = issuer.obtain()
    cluster = database.databases.cluster
    cluster.stop()
    try:
        for _ in range(5):
            before = time.monotonic()
            assert issuer.refresh(token)[0] == "unavailable" and time.monotonic() - before < BOUND
            time.sleep(0.4)
    finally:
        cluster.restart()
    refreshed(issuer, token)
    causes = [line for line in issuer.text("log").splitlines() if "postgresql://" in line]
    assert 1 <= len(causes) <= 2, causes


def test_a_missing_privilege_is_named_and_harms_no_request_that_does_not_need_it(issuer, database):
    token, access = issuer.obtain()
    database.sql(f"REVOKE UPDATE ON session FROM {ROLE}")
    assert [issuer.refresh(token)[0] for _ in range(3)] == ["unavailable"] * 3 and issuer.verify(access) == "ok"
    assert issuer.text("log").count("permission denied") == 1 and "grant SELECT, INSERT, UPDATE" in issuer.text("log")
    database.sql(f"GRANT UPDATE ON session TO {ROLE}")
    assert issuer.refresh(token)[0] == "ok"


def test_a_missing_table_is_named_with_the_remedy(issuer, database):
    token, _ = issuer.obtain()
    terminate(database)
    database.sql("ALTER TABLE session RENAME TO elsewhere")

    def is_logged():
        assert issuer.refresh(token)[0] == "unavailable"
        return "does not exist (42P01): run: jwtctl store migrate" in issuer.text("log")

    until(is_logged)
    database.sql("ALTER TABLE elsewhere RENAME TO session")
    refreshed(issuer, token)


@pytest.mark.parametrize("version, remedy", [(4, "jwtctl store migrate"), (99, "install the newer release")])
def test_another_schema_is_refused_with_a_sentence_and_nothing_is_written(issuer, database, version, remedy):
    token, _ = issuer.obtain()
    issuer.end()
    rows = database.sql("SELECT * FROM session")
    (own,), = database.sql("SELECT version FROM schema_version")
    database.sql("UPDATE schema_version SET version = %s", [(version,)])
    issuer.start()
    assert issuer.refresh(token)[0] == "unavailable"
    assert f"schema version {version}" in issuer.text("log") and remedy in issuer.text("log")
    assert database.sql("SELECT * FROM session") == rows
    database.sql("UPDATE schema_version SET version = %s", [(own,)])
    refreshed(issuer, token)


@pytest.mark.fleet("[Session]\nAccountCacheTime=0\n")
def test_issuers_whose_clocks_differ_by_four_minutes_have_the_time_of_the_database(issuers, build):
    for issuer, seconds in zip(issuers, (-120, 120)):
        issuer.write_file("off", str(seconds))
        issuer.environment = preload(build, "clock.so", CLOCK_OFF=issuer.path("off"))
        issuer.restart()
        issuer.recovers()
    token, _ = issuers[0].obtain()
    for i in (1, 0, 1):
        access, token = refreshed(issuers[i], token)
        for one in (access, token):
            claims = payload(one.decode())
            assert now() - 30 < claims["iat"] <= now() + 1 and claims["exp"] > now(), (claims, now())
        assert [issuer.verify(access) for issuer in issuers] == ["ok", "ok"]


@pytest.mark.issuer("[Session]\nAccountCacheTime=0\n")
def test_a_request_whose_time_ends_before_its_turn_ends_nothing_else(issuer, build):
    """Both happen while the issuer does not run, as when a commit waits for the standby."""
    issuer.write_file("off", "0")
    issuer.environment = preload(build, "clock.so", MONOTONIC_OFF=issuer.path("off"))
    issuer.restart()
    token, _ = issuer.obtain()
    asked, go_on = threading.Event(), threading.Event()
    issuer.login.before = lambda *_: asked.set() or go_on.wait(BOUND)
    with issuer.send(message(REFRESH, token, SOURCE)) as client:
        assert asked.wait(BOUND)
        issuer.process.send_signal(signal.SIGSTOP)
        go_on.set()
        until(lambda: len(issuer.login.answered) == len(issuer.login.asked))
        issuer.write_file("off", "41")
        issuer.process.send_signal(signal.SIGCONT)
        assert not client.recv(65536)
    assert issuer.refresh(token)[0] == "ok"
