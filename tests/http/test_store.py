"""The store of jwtd-issuer after crashes, with a full disk, and restored from a backup."""

import base64
import contextlib
import glob
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from issuer_daemon import SOURCE, sid
from wire import ADMIN_STATUS, REFRESH, STATUS, message, read


def test_sixty_kills_between_and_within_requests_lose_no_session(issuer):
    refresh, _ = issuer.obtain()
    for _ in range(60):
        with issuer.send(message(REFRESH, refresh, SOURCE)) as client:
            time.sleep(random.random() * 0.03)
            issuer.restart(signal.SIGKILL)
            try:
                answer = client.recv(65536)
            except ConnectionResetError:
                answer = b""
        if answer:
            status, values = STATUS[read(answer)[0]], read(answer)[1]
        else:
            status, *values = issuer.refresh(refresh)
        assert status == "ok", status
        refresh = values[1]
    assert issuer.refresh(refresh)[0] == "ok"


def test_a_session_ended_before_a_crash_is_published_at_the_next_start(issuer):
    refresh, access = issuer.obtain()
    assert issuer.blacklist(refresh) == "ok"
    issuer.end(signal.SIGKILL)
    with open(issuer.path("public/revoked"), "w", encoding="ascii"):
        pass
    issuer.start()
    assert issuer.ping() == "ok" and issuer.revoked() == [sid(access)]


LIMIT = "[Session]\nMaxSessionsPerUser=2\nLoginsPerUser=0\n"


@pytest.mark.sqlite  # with a database each transaction publishes what was revoked before it
@pytest.mark.issuer(LIMIT)
def test_sessions_ended_by_the_limit_are_published_together_without_another_request(issuer):
    pairs, files, before = [], set(), time.monotonic()
    for _ in range(100):
        pairs.append(issuer.obtain())
        files.add(os.stat(issuer.path("public/revoked")).st_ctime_ns)
    assert issuer.verify(pairs[0][1]) == "blacklisted", "the issuer knows it at once"
    assert len(files) <= 1 + (time.monotonic() - before) / 0.5
    assert issuer.published(98) == sorted(sid(access) for _, access in pairs[:98])
    issuer.obtain()
    assert len(issuer.published(99)) == 99


@pytest.mark.issuer(LIMIT)
def test_sessions_ended_by_the_limit_are_published_when_the_issuer_stops_or_crashes(issuer):
    for number, start in ((signal.SIGTERM, False), (signal.SIGKILL, True)):
        pairs = [issuer.obtain() for _ in range(3)]
        issuer.end(number)
        if start:
            issuer.start()
            issuer.recovers()
        assert sid(pairs[0][1]) in issuer.revoked(), number
        if not start:
            issuer.start()


@pytest.mark.issuer(LIMIT)
def test_a_logout_publishes_at_once_what_the_limit_ended(issuer):
    pairs = [issuer.obtain() for _ in range(3)]
    assert issuer.blacklist(pairs[2][0]) == "ok"
    assert issuer.revoked() == sorted(sid(pairs[i][1]) for i in (0, 2))


@pytest.mark.issuer(LIMIT)
def test_an_ended_session_is_a_small_row_and_its_refresh_token_stays_blacklisted(issuer):
    pairs = [issuer.obtain() for _ in range(3)]
    assert issuer.in_store("SELECT count(*) FROM session") == [(2,)]
    assert [len(row) for row in issuer.in_store("SELECT * FROM revoked")] == [4]
    for _ in range(2):
        assert issuer.refresh(pairs[0][0])[0] == issuer.blacklist(pairs[0][0]) == "blacklisted"
        issuer.restart()
        issuer.recovers()
    assert "newer than the store" not in issuer.text("log")


def test_no_logout_succeeds_before_it_is_published(issuer):
    refresh, access = issuer.obtain()
    os.rename(issuer.path("public"), issuer.path("elsewhere"))
    assert issuer.blacklist(refresh) == "unavailable" and issuer.verify(access) == "unavailable"
    os.rename(issuer.path("elsewhere"), issuer.path("public"))
    for _ in range(40):
        if issuer.revoked():
            break
        time.sleep(0.1)
    assert issuer.revoked() == [sid(access)], "it is published without another request"
    assert issuer.blacklist(refresh) == "blacklisted"


def test_a_malformed_list_is_never_overwritten(issuer):
    issuer.ping()
    issuer.end()
    with open(issuer.path("public/revoked"), "a", encoding="ascii") as file:
        file.write("x")
    issuer.start()
    assert issuer.ping() == "unavailable" and issuer.text("public/revoked") == "x"
    os.unlink(issuer.path("public/revoked"))
    issuer.recovers()


@pytest.mark.sqlite
def test_a_full_disk_is_unavailable_without_partial_writes(issuer):
    refresh, _ = issuer.obtain()
    limit = ["prlimit", f"--pid={issuer.process.pid}"]
    subprocess.run(limit + ["--fsize=4096:unlimited"], check=True)
    assert [issuer.refresh(refresh)[0] for _ in range(3)] == ["unavailable"] * 3
    subprocess.run(limit + ["--fsize=unlimited:unlimited"], check=True)
    issuer.recovers()
    assert issuer.refresh(refresh)[0] == "ok"


@pytest.mark.sqlite
def test_after_a_failed_write_the_issuer_is_unhealthy_until_one_succeeds(issuer):
    refresh, _ = issuer.obtain()
    with contextlib.closing(sqlite3.connect(issuer.path("state/sessions.db"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert issuer.refresh(refresh)[0] == "unavailable"
        for _ in range(2):
            assert issuer.ping() == "unavailable" and issuer.ask(ADMIN_STATUS)[0] == "unavailable"
        other.execute("ROLLBACK")
    issuer.recovers()
    assert issuer.ask(ADMIN_STATUS)[0] == "ok" and issuer.refresh(refresh)[0] == "ok"


@pytest.mark.sqlite
def test_a_restored_backup_is_detected_and_its_sessions_end(issuer):
    refresh, _ = issuer.obtain()
    issuer.end()
    shutil.copytree(issuer.path("state"), issuer.path("backup"))
    issuer.start()
    _, access, newer = issuer.refresh(refresh)
    unknown = issuer.obtain()
    issuer.end()
    shutil.rmtree(issuer.path("state"))
    os.rename(issuer.path("backup"), issuer.path("state"))
    issuer.start()
    assert issuer.refresh(newer)[0] == "blacklisted" and issuer.refresh(refresh)[0] == "blacklisted"
    issuer.all_say("blacklisted", *unknown)
    assert issuer.revoked() == sorted([sid(access), sid(unknown[1])])
    assert issuer.text("log").count("newer than the store") == 2


def test_a_session_missing_from_the_store_can_be_logged_out(issuer):
    refresh, access = issuer.obtain()
    issuer.in_store("DELETE FROM session")
    assert issuer.blacklist(refresh) == "ok" and issuer.revoked() == [sid(access)]
    assert issuer.blacklist(refresh) == "blacklisted"


@pytest.mark.sqlite
def test_the_store_holds_no_token_and_no_password(issuer):
    refresh, access = issuer.obtain()
    _, *pair = issuer.refresh(refresh)
    issuer.end()
    store = b"".join(open(path, "rb").read() for path in glob.glob(issuer.path("state/sessions.db*")))
    assert base64.urlsafe_b64decode(sid(access) + "==") in store, "the session is there"
    assert issuer.login.passwords[b"alice"] not in store
    for token in (refresh, access, *pair):
        signature = token.rsplit(b".", 1)[1]
        assert signature not in store and base64.urlsafe_b64decode(signature + b"==") not in store


def test_the_list_keeps_what_a_restored_store_lost(issuer):
    refresh, access = issuer.obtain()
    issuer.blacklist(refresh)
    issuer.end()
    issuer.in_store("DELETE FROM session")
    issuer.start()
    other = issuer.obtain()
    issuer.blacklist(other[0])
    assert issuer.revoked() == sorted([sid(access), sid(other[1])])
