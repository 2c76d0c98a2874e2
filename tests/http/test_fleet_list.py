"""One list of revoked sessions, whichever of several issuers on one PostgreSQL is asked."""

import base64
import contextlib
import os
import subprocess
import time

import pytest
import wire
from daemons import preload, until
from fleet_rows import follow, in_the_row, no_record, one_bundle, own_key
from issuer_daemon import NO_CACHE, sid
from test_bundle import digest, fetch

LEEWAY = 300  # POLICY_LEEWAY_MAX


def test_a_logout_at_one_issuer_is_in_the_list_of_another_that_nobody_asks(issuers):
    a, b = issuers
    assert b.ping() == "ok"
    refresh, access = a.obtain()
    assert a.blacklist(refresh) == "ok"
    assert b.published(1, within=60) == [sid(access)]


def test_an_issuer_that_is_asked_anything_has_published_what_the_others_revoked(issuers):
    a, b = issuers
    for n in range(1, 11):
        refresh, access = a.obtain()
        assert a.blacklist(refresh) == "ok"
        assert b.verify(access) == "blacklisted" and len(b.revoked()) == n
        a, b = b, a


MANY = 50_000


def test_each_row_of_a_long_list_is_read_once(issuers):
    """Also before the server has statistics about the table. All have the same change, as after `revoke --all`."""
    a, b = issuers
    follow(a, b)

    def read():
        issuers.sql("SELECT pg_stat_force_next_flush()")
        return issuers.sql("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'revoked'")[0][0]

    issuers.sql("ALTER TABLE revoked SET (autovacuum_enabled = off)")
    issuers.sql("INSERT INTO revoked (change, sid, last_access_exp, purge_at)"
                " SELECT value + 1, decode(md5(n::text), 'hex'), 4000000000, 4000000000"
                f" FROM counter, generate_series(1, {MANY}) AS n WHERE name = 'revocations'")
    before = read()
    issuers.sql("UPDATE counter SET value = value + 1 WHERE name = 'revocations'")
    assert len(a.published(MANY)) == len(b.published(MANY)) == MANY
    until(lambda: read() - before >= 2 * MANY)
    assert read() - before < 3 * MANY


@pytest.mark.fleet(NO_CACHE + "[Daemon]\nIdleTimeout=1s\n")
def test_an_issuer_with_a_shared_store_does_not_exit_when_idle_and_ends_on_sigterm(issuers):
    a, b = issuers
    time.sleep(3)
    assert a.process.poll() is None and b.process.poll() is None
    b.end()


def test_what_was_revoked_while_the_store_was_unreachable_is_published_after_it(issuers):
    a, b = issuers
    refresh = a.obtain()[0]
    connected = "SELECT pid FROM pg_stat_activity WHERE usename = 'issuer' AND datname = current_database()"
    of_a = issuers.sql(connected)
    b.end()
    of_a = [pid for pid in of_a if pid in issuers.sql(connected)]
    b.start()
    until(lambda: len(issuers.sql(connected)) == 2)
    try:
        issuers.sql("ALTER ROLE issuer CONNECTION LIMIT 0")
        for pid, in set(issuers.sql(connected)) - set(of_a):
            issuers.sql(f"SELECT pg_terminate_backend({pid})")
        until(lambda: "Store failed" in b.text("log") or "Cannot answer" in b.text("log"))
        assert a.blacklist(refresh) == "ok" and b.revoked() == []
    finally:
        issuers.sql("ALTER ROLE issuer CONNECTION LIMIT -1")
    assert b.published(1, within=60) == [sid(refresh)]


def test_an_issuer_that_is_killed_between_commit_and_publication_leaves_the_list_to_the_others(issuers, build):
    a, b = issuers
    refresh, access = a.obtain()
    a.end()
    a.environment = preload(build, "kill_at.so", KILL_AT=a.path("kill_at"))
    a.start()
    assert a.verify(access) == "ok"
    a.write_file("kill_at", "1")  # before the first file is written
    assert a.ask(wire.BLACKLIST, refresh, b"uid 1000")[0] == "closed"
    a.process.wait(60)
    assert a.revoked() == []
    assert b.published(1, within=60) == [sid(access)] and b.verify(access) == "blacklisted"
    a.environment = {}
    a.start()
    assert a.published(1, within=60) == [sid(access)]


def test_lines_of_a_file_that_the_store_lacks_are_added_to_it(issuers):
    """The database was restored from a backup: what was revoked after that stays revoked."""
    a, b = issuers
    refresh, access = a.obtain()
    backup = {table: issuers.sql(f"SELECT * FROM {table}") for table in ("session", "counter")}
    assert a.blacklist(refresh) == "ok" and b.published(1, within=60)
    for issuer in issuers:
        issuer.end()
    issuers.sql("DELETE FROM revoked")
    for table, rows in backup.items():
        issuers.sql(f"DELETE FROM {table}")
        issuers.sql(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
    a.start()
    assert a.refresh(refresh)[0] == a.verify(access) == "blacklisted"
    assert [bytes(found) for found, in issuers.sql("SELECT sid FROM revoked")] == [
        base64.urlsafe_b64decode(sid(access) + "==")]
    assert issuers.sql("SELECT count(*) FROM session") == [(0,)]
    assert "revoked again: was the database restored" in a.text("log")
    b.start()
    assert b.refresh(refresh)[0] == "blacklisted" and "revoked again" not in b.text("log")
    one_bundle(issuers)


@contextlib.contextmanager
def read_only(directory):
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


def test_a_list_that_could_not_be_written_is_written_when_it_can_be(issuers):
    a, b = issuers
    refresh, access = a.obtain()
    assert b.verify(access) == "ok"
    with read_only(b.path("public")):
        assert a.blacklist(refresh) == "ok"
        until(lambda: "Read-only file system" in b.text("log"))
        assert b.ask(wire.BUNDLE)[0] == "unavailable" and b.revoked() == []
    assert b.published(1, within=60) == [sid(access)]
    one_bundle(issuers)


def with_an_expired_line(issuers):
    """All lists have one; when it expired."""
    expired = one_bundle(issuers)["revoked"]["pruned_until"] + 1
    issuers.sql(f"INSERT INTO revoked SELECT decode(repeat('ab', 16), 'hex'), {expired}, 4000000000, value + 1 FROM counter"
                f" WHERE name = 'revocations'; UPDATE counter SET value = value + 1 WHERE name = 'revocations'")
    assert [len(issuer.published(1, within=60)) for issuer in issuers] == [1] * len(issuers)
    issuers.sql("UPDATE clock SET mark = mark + 60")  # a minute passes before it is written
    until(lambda: time.time() - LEEWAY > expired + 1)
    return expired


def test_a_list_that_could_not_be_pruned_is_pruned_when_it_can_be(issuers):
    """Another issuer has pruned it, and signed a bundle that says so."""
    a, b = issuers
    expired = with_an_expired_line(issuers)
    with read_only(b.path("public")):
        in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
        assert b.ask(wire.BUNDLE)[0] == "unavailable"
    assert b.published(0, within=60) == []
    assert one_bundle(issuers)["revoked"]["count"] == 0


def test_no_line_is_pruned_before_it_is_recorded_that_it_will_be(issuers):
    a, b = issuers
    expired = with_an_expired_line(issuers)
    with no_record(b):
        in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
        assert b.ask(wire.BUNDLE)[0] == "unavailable" and len(b.revoked()) == 1
    in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
    until(lambda: b.ask(wire.BUNDLE)[0] == "ok")
    assert b.revoked() == []
    assert int(b.text("state/bundle/state").split()[2]) == expired


HOSTILE_LISTS = {
    "deleted": "DELETE FROM revoked",
    "shortened": "UPDATE revoked SET last_access_exp = 1",
    "unnoticed": "INSERT INTO revoked SELECT decode(repeat('ab', 16), 'hex'), 4000000000, 4000000000, 0",
    "counter set back": "UPDATE counter SET value = 0",
    "counter set forward": "UPDATE counter SET value = 1000000000000",
}


@pytest.mark.parametrize("name", HOSTILE_LISTS)
def test_a_database_user_makes_no_two_lists_and_ends_no_revocation(issuers, name):
    a, b = issuers
    assert b.ping() == "ok"  # it has started
    refresh, access = a.obtain()
    assert a.blacklist(refresh) == "ok" and b.published(1, within=60)
    issuers.sql(HOSTILE_LISTS[name])
    # An issuer that begins with an empty list, as on a new machine.
    b.end()
    os.unlink(b.path("public/revoked"))
    b.start()
    said = one_bundle(issuers)
    assert {sid(access)} <= set(a.revoked()) == set(b.revoked())
    assert said["revoked"]["count"] == (2 if name == "unnoticed" else 1)
    assert a.refresh(refresh)[0] == b.refresh(refresh)[0] == "blacklisted"
    refresh = a.obtain()[0]
    assert a.blacklist(refresh) == "ok"
    assert b.verify(refresh) == "blacklisted" and len(b.revoked()) == said["revoked"]["count"] + 1


def test_rows_that_no_issuer_writes_are_refused_by_the_tables(issuers):
    for values in ("'\\x00', 1, 1, 1", "decode(repeat('ab', 16), 'hex'), -1, 1, 1"):
        with pytest.raises(Exception, match="check constraint"):
            issuers.sql(f"INSERT INTO revoked VALUES ({values})")
