"""An unusable store, key or settings file: 503 to the client, one log line with the file and the remedy, and
automatic recovery. The test mounts file systems in its mount namespace."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

from daemons import ALICE, QUICK, Reply

SMALL = "size=4m,mode=0700"


def mount(*words):
    subprocess.run(["mount", *words], check=True)


@contextlib.contextmanager
def small_disk(d, name):
    """Puts the directory on a small file system of its own."""
    folder = d.path(name)
    with d.down(d.issuer):
        os.rename(folder, folder + ".before")
        os.mkdir(folder)
        mount("-t", "tmpfs", "-o", SMALL if name == "state" else "size=2m,mode=0755", "tmpfs", folder)
        shutil.copytree(folder + ".before", folder, dirs_exist_ok=True)
    try:
        yield folder
    finally:
        d.hold(d.issuer)
        subprocess.run(["umount", folder], check=True)
        d.release(d.issuer)


def fill(folder):
    fd = os.open(folder + "/filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except OSError:
        os.close(fd)


def causes(d, since):
    return [x for x in d.read_log()[since:].split("\n") if "cause=" in x]


def is_logged_once(d, since, *words):
    said = causes(d, since)
    assert len(said) == 1 and all(word in said[0] for word in words), said


def refresh(d, pair):
    return d.post("/api/token/refresh/", {"refresh": pair["refresh"]})


def is_unavailable(d, pair):
    """503 for a refresh, a login and /healthz."""
    for reply in (refresh(d, pair), d.post("/api/token/", ALICE), d.get("/healthz")):
        assert reply.status == 503 and reply.header("Retry-After"), reply.raw
        assert b"detail" in reply.body and b"state" not in reply.body, reply.body


def recovers(d, pair):
    """Within 5 s, with the same session."""
    end = time.monotonic() + 5
    while refresh(d, pair).status != 200:
        assert time.monotonic() < end, "is not well again\n" + d.read_log()[-500:]
        time.sleep(0.1)


def test_a_full_disk_is_logged_and_the_store_recovers_without_a_restart(d):
    pair = d.obtain()
    with small_disk(d, "state") as folder:
        pair = refresh(d, pair).json()
        fill(folder)
        since, statuses = len(d.read_log()), []
        while len(statuses) < 400 and 503 not in statuses:
            reply = refresh(d, pair)
            statuses.append(reply.status)
            pair = reply.json() if reply.status == 200 else pair
        assert statuses[-1] == 503 and set(statuses) <= {200, 503}, statuses
        is_logged_once(d, since, "state/sessions.db", "full", "free space")
        os.remove(folder + "/filler")
        recovers(d, pair)


def test_a_full_disk_is_unhealthy_until_there_is_space_again(d):
    """Though requests that write nothing are answered, and after a restart."""
    pair = d.obtain()
    with small_disk(d, "state") as folder:
        assert d.get("/healthz").status == 200
        fill(folder)
        since = len(d.read_log())
        for _ in range(2):
            assert d.post("/api/token/verify/", {"token": pair["access"]}).status == 200
            assert d.get("/healthz").status == 503
        is_logged_once(d, since, "state", "less than 1 MiB")
        d.kill(d.issuer)
        assert d.get("/healthz").status == 503
        os.remove(folder + "/filler")
        assert d.get("/healthz").status == 200
        recovers(d, pair)


def test_a_read_only_store_is_logged_and_recovers_automatically(d):
    pair = d.obtain()
    with small_disk(d, "state") as folder:
        mount("-o", "remount,ro," + SMALL, folder)
        since = len(d.read_log())
        is_unavailable(d, pair)
        time.sleep(1.1)
        is_unavailable(d, pair)
        is_logged_once(d, since, "state/sessions.db", "Read-only", "mode 0600")
        mount("-o", "remount,rw," + SMALL, folder)
        recovers(d, pair)


def test_a_damaged_store_is_logged_and_never_replaced(d):
    pair = d.obtain()
    database = d.path("state/sessions.db")
    with d.down(d.issuer):
        # Move the write-ahead log into the database file.
        subprocess.run([sys.executable, "-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
                        "c.execute('PRAGMA wal_checkpoint(TRUNCATE)'); c.close()", database], check=True)
        shutil.copy2(database, database + ".backup")
        with open(database, "r+b") as file:
            file.write(b"this is no database" * 500)
        damaged = open(database, "rb").read()
        since = len(d.read_log())
    is_unavailable(d, pair)
    is_logged_once(d, since, "state/sessions.db", "backup")
    assert open(database, "rb").read() == damaged
    os.rename(database + ".backup", database)
    recovers(d, pair)


def test_a_full_public_directory_is_logged_and_no_logout_succeeds_before_it_is_published(d):
    pair, other = d.obtain(), d.obtain()
    with small_disk(d, "public") as folder:
        other = refresh(d, other).json()
        fill(folder)
        since = len(d.read_log())
        assert d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 503
        is_unavailable(d, other)
        time.sleep(1.1)
        is_unavailable(d, other)
        is_logged_once(d, since, "public/revoked", "No space left")
        os.remove(folder + "/filler")
        recovers(d, other)
        assert len(d.revoked()) == 1


def test_a_damaged_key_is_logged_and_never_replaced(d):
    pair = d.obtain()
    name, = os.listdir(d.path("state/keys"))
    path = d.path("state/keys/" + name)
    with open(path, "rb") as file:
        whole = file.read()
    for text in (b"", b"{", b"{}", whole[:-5], whole.replace(b'"d":"', b'"d":"A'), b"\0" * 200):
        with d.down(d.issuer):
            with open(path, "wb") as file:
                file.write(text)
            since = len(d.read_log())
        is_unavailable(d, pair)
        is_logged_once(d, since, "state/keys/" + name)
        assert os.listdir(d.path("state/keys")) == [name]
    with open(path, "wb") as file:
        file.write(whole)
    recovers(d, pair)


def test_invalid_settings_at_start_are_logged_once_and_reread(d):
    pair = d.obtain()
    for daemon in d.all:
        d.kill(daemon)
    d.write("jwt.conf", QUICK + "[Token]\nLeeway=never\n")
    since = len(d.read_log())
    is_unavailable(d, pair)
    time.sleep(1.1)
    is_unavailable(d, pair)
    # jwtd replies without a request to the other daemons.
    is_logged_once(d, since, f"jwt.conf:{QUICK.count(chr(10)) + 2}", "Leeway=")
    d.write("jwt.conf", QUICK)
    recovers(d, pair)


def test_a_missing_public_file_affects_only_the_keys_endpoint(d):
    pair = d.obtain()
    os.rename(d.path("public/jwks.json"), d.path("public/away"))
    since = len(d.read_log())
    for _ in range(2):
        reply = Reply(d.raw(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        assert reply.status == 503, reply.raw
    is_logged_once(d, since, "public/jwks.json")
    assert refresh(d, pair).status == 200
    os.rename(d.path("public/away"), d.path("public/jwks.json"))
    assert d.get("/.well-known/jwks.json").status == 200
