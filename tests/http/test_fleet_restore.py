"""The database is restored from a backup while its issuers run: an administrator forgot to stop them."""

import subprocess
import threading

import pytest
from daemons import until
from fleet import Databases, Fleet
from fleet_rows import one_bundle
from issuer_daemon import Issuer, sid


class Dump:
    """pg_dump, and pg_restore as docs/fleet.md has it."""

    def __init__(self, fleet):
        self.cluster, self.url = fleet.cluster, fleet.cluster.url_of("postgres", fleet.name)
        self.run("pg_dump", "--format=custom", "--file=" + self.cluster.path("data/dump"))

    def run(self, name, *words):
        assert self.cluster.popen(name, "--dbname=" + self.url, *words).wait(60) == 0, self.cluster.text("log")

    def restore(self):
        self.run("pg_restore", "--clean", "--if-exists", self.cluster.path("data/dump"))


class Files:
    """The files of the database, of an earlier time."""

    def __init__(self, fleet):
        self.cluster = fleet.cluster
        self.replace("data.then", "data")

    def replace(self, there, here):
        self.cluster.stop()
        subprocess.run(["rm", "-rf", self.cluster.path(there)], check=True)
        subprocess.run(["cp", "-a", self.cluster.path(here), self.cluster.path(there)], check=True)
        self.cluster.restart()

    def restore(self):
        self.replace("data", "data.then")


@pytest.fixture(scope="module")
def own(build):
    """A server that is stopped by its test."""
    databases = Databases(build)
    yield databases
    databases.cluster.remove()


@pytest.fixture
def issuers(build, databases, own):
    fleet = Fleet(build, "[Session]\nRotationGrace=0\n", databases=own, of=Issuer)
    yield fleet
    for issuer in fleet:
        issuer.stop()
    fleet.end()


@pytest.mark.parametrize("backup", [Dump, Files])
def test_a_database_that_is_restored_under_running_issuers_brings_no_ended_session_back(issuers, backup):
    first, other = issuers
    kept, (refreshed, _), (ended, access) = first.obtain(), first.obtain(), first.obtain()
    then = backup(issuers)
    for issuer in issuers:
        until(lambda issuer=issuer: issuer.verify(kept[1]) == "ok")
    newer, of_newer = other.obtain()
    newest = other.refresh(refreshed)[2]
    assert first.blacklist(ended) == "ok" and other.published(1) == first.published(1) == [sid(access)]

    # Asked all the time, also while half of the database is there.
    said, done = set(), threading.Event()

    def ask(issuer):
        while not done.is_set():
            said.update({issuer.verify(ended), issuer.refresh(ended)[0]})

    threads = [threading.Thread(target=ask, args=(issuer,)) for issuer in issuers]
    for thread in threads:
        thread.start()
    then.restore()
    for issuer in issuers:
        until(lambda issuer=issuer: issuer.verify(kept[1]) == "ok")
    until(lambda: "blacklisted" in said)
    done.set()
    for thread in threads:
        thread.join()

    assert said <= {"blacklisted", "unavailable"} and "blacklisted" in said, said
    for issuer in issuers:
        issuer.all_say("blacklisted", ended, access)
        assert issuer.verify(kept[1]) == "ok"
    assert first.refresh(kept[0])[0] == "ok"
    assert "revoked again: was the database restored" in first.text("log") + other.text("log")
    # What is newer than the backup ends, and is in the list for hosts.
    assert first.refresh(newer)[0] != "ok" and other.refresh(newest)[0] != "ok" and first.refresh(newest)[0] != "ok"
    for issuer in issuers:
        assert issuer.verify(of_newer) != "ok"
        assert set(issuer.published(3)) == {sid(access), sid(of_newer), sid(refreshed)}
    logs = first.text("log") + other.text("log")
    assert logs.count("Refresh token is newer than the store, session revoked") == 2, logs
    one_bundle(issuers)
