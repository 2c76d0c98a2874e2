"""What jwtd-issuer keeps when something breaks, is killed, or is put back from a backup."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

from daemons import run
from issuers import SOURCE, sid, with_issuer
from wire import REFRESH, STATUS, message, read


@with_issuer()
def sixty_kills_between_and_within_questions_lose_no_session(d):
    refresh, _ = d.obtain()
    for _ in range(60):
        with d.send(message(REFRESH, refresh, SOURCE)) as client:
            time.sleep(random.random() * 0.03)
            d.restart(signal.SIGKILL)
            try:
                answer = client.recv(65536)
            except ConnectionResetError:
                answer = b""
        if answer:
            status, values = STATUS[read(answer)[0]], read(answer)[1]
        else:
            status, *values = d.refresh(refresh)
        assert status == "ok", status
        refresh = values[1]
    assert d.refresh(refresh)[0] == "ok"


@with_issuer()
def what_was_ended_before_a_crash_is_published_at_the_next_start(d):
    refresh, access = d.obtain()
    assert d.blacklist(refresh) == "ok"
    d.end(signal.SIGKILL)
    with open(d.path("public/revoked"), "w", encoding="ascii"):
        pass
    d.start()
    assert d.ping() == "ok" and d.revoked() == [sid(access)]


@with_issuer()
def no_logout_is_answered_that_is_not_published(d):
    refresh, access = d.obtain()
    os.rename(d.path("public"), d.path("elsewhere"))
    assert d.blacklist(refresh) == "unavailable" and d.verify(access) == "unavailable"
    os.rename(d.path("elsewhere"), d.path("public"))
    for _ in range(40):
        if d.revoked():
            break
        time.sleep(0.1)
    assert d.revoked() == [sid(access)], "it is published without another question"
    assert d.blacklist(refresh) == "blacklisted"


@with_issuer()
def a_list_out_of_form_is_never_written_over(d):
    d.ping()
    d.end()
    with open(d.path("public/revoked"), "a", encoding="ascii") as file:
        file.write("x")
    d.start()
    assert d.ping() == "unavailable" and d.text("public/revoked") == "x"
    os.unlink(d.path("public/revoked"))
    d.recovers()


@with_issuer()
def a_full_disk_is_unavailable_and_nothing_is_half_done(d):
    refresh, _ = d.obtain()
    limit = ["prlimit", f"--pid={d.process.pid}"]
    subprocess.run(limit + ["--fsize=4096:unlimited"], check=True)
    assert [d.refresh(refresh)[0] for _ in range(3)] == ["unavailable"] * 3
    subprocess.run(limit + ["--fsize=unlimited:unlimited"], check=True)
    d.recovers()
    assert d.refresh(refresh)[0] == "ok"


@with_issuer()
def a_restored_backup_is_seen_and_its_sessions_end(d):
    refresh, _ = d.obtain()
    d.end()
    shutil.copytree(d.path("state"), d.path("backup"))
    d.start()
    _, access, newer = d.refresh(refresh)
    unknown = d.obtain()
    d.end()
    shutil.rmtree(d.path("state"))
    os.rename(d.path("backup"), d.path("state"))
    d.start()
    assert d.refresh(newer)[0] == "blacklisted" and d.refresh(refresh)[0] == "blacklisted"
    d.all_say("blacklisted", *unknown)
    assert d.revoked() == sorted([sid(access), sid(unknown[1])])
    assert d.text("log").count("newer than the store") == 2


@with_issuer()
def a_session_the_store_does_not_know_can_be_logged_out(d):
    refresh, access = d.obtain()
    d.in_store("DELETE FROM session")
    assert d.blacklist(refresh) == "ok" and d.revoked() == [sid(access)]
    assert d.blacklist(refresh) == "blacklisted"


@with_issuer()
def a_list_keeps_what_a_restored_store_forgot(d):
    refresh, access = d.obtain()
    d.blacklist(refresh)
    d.end()
    d.in_store("DELETE FROM session")
    d.start()
    other = d.obtain()
    d.blacklist(other[0])
    assert d.revoked() == sorted([sid(access), sid(other[1])])


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
