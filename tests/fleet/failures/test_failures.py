"""What fails while clients rotate sessions at two issuers on a replicated database. After each run the checker goes
through what every client and every host saw."""

import contextlib
import os
import shutil
import signal
import time

import network
import psycopg2
import pytest
from cluster import ROLE, SLOW_PORT, until
from issuers import LIMIT, MAX_AGE
from journal import ALICE, OBTAIN, applied_without_success
from rig import CLIENTS, ROUNDS


def nodes(databases):
    return [database.node for database in databases]


def test_kill_9_of_the_primary(rig):
    with rig.load("kill -9 of the primary") as load:
        for _ in range(ROUNDS):
            load.work()
            old = rig.cluster.leader()
            load.did(f"kill -9 of PostgreSQL on {old.name}")
            old.kill_postgres()
            rig.cluster.wait_for_other_leader(old)
            load.work()
            rig.cluster.wait_until_healthy()
            load.work()


def lose_power(rig, load, database, wait_for_other):
    load.work()
    load.did(f"kill -9 of all processes of {database.name}")
    database.power_off()
    wait_for_other(database)
    load.work()
    database.start()
    rig.cluster.wait_until_healthy()
    load.work()


def test_power_loss_of_the_primary(rig):
    with rig.load("power loss of the primary") as load:
        for _ in range(ROUNDS):
            lose_power(rig, load, rig.cluster.leader(), rig.cluster.wait_for_other_leader)


def test_power_loss_of_the_synchronous_standby(rig):
    """Patroni names the other standby; until then nothing is committed."""
    with rig.load("power loss of the synchronous standby") as load:
        for _ in range(ROUNDS):
            name, = rig.cluster.synchronous()
            old = next(database for database in rig.cluster.databases if database.name == name)
            lose_power(rig, load, old, rig.cluster.wait_for_other_synchronous)


def configure_for_two_primaries(rig):
    """One issuer stays with the old primary, and the other one leaves it. Returns the old primary."""
    old = rig.cluster.leader()
    others = rig.cluster.standbys(old)
    rig.configure(orders=([old, *others], [*others, old]))
    return old


def make_two_primaries(rig, old):
    """The old one runs on beside the new one until Patroni is started again: nothing stops it where there is no
    watchdog. It can't commit, as its standbys have left."""
    old.kill_patroni()
    rig.cluster.wait_for_other_leader(old)
    assert old.sql("SELECT NOT pg_is_in_recovery()") == [(True,)], "two primaries"


def test_kill_9_of_patroni_on_the_primary(rig):
    one, two = rig.issuers
    with rig.load("kill -9 of Patroni") as load:
        for _ in range(ROUNDS):
            old = configure_for_two_primaries(rig)
            load.work()
            load.did(f"kill -9 of Patroni on {old.name}")
            make_two_primaries(rig, old)
            since = time.time()
            until(lambda: {r.node for r in load.successes(since)} & {two.name}, 60, f"a success of {two.name}")
            until(lambda: load.unavailable(since, one.name), 60, f"503 by {one.name}")
            assert not [r for r in load.successes(since) if r.node == one.name]
            old.start()
            rig.cluster.wait_until_healthy()
            load.work()
    rig.configure()


def test_an_issuer_that_stays_with_an_old_primary_answers_nothing_from_it(rig):
    one, two = rig.issuers
    old = configure_for_two_primaries(rig)
    pair = two.daemons.post("/api/token/", ALICE).json()
    make_two_primaries(rig, old)
    two.kill()
    until(lambda: two.daemons.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200, 60, "a logout")
    assert one.daemons.post("/api/token/verify/", {"token": pair["access"]}).status == 503
    old.start()
    rig.cluster.wait_until_healthy()
    rig.configure()


def is_read_only(database):
    with contextlib.suppress(psycopg2.Error):
        return database.sql("SELECT pg_is_in_recovery()") == [(True,)]
    return False


def test_without_etcd_nothing_is_committed_and_nothing_lost(rig):
    """Patroni makes the primary read-only, because it can't keep its lock."""
    with rig.load("loss of etcd") as load:
        for _ in range(ROUNDS):
            load.work()
            old = rig.cluster.leader()
            load.did("kill -9 of etcd")
            rig.cluster.etcd.kill()
            until(lambda: is_read_only(old), 60, f"{old.name} is read-only")
            since = time.time()
            until(lambda: len(load.unavailable(since)) > CLIENTS, 60, "503 by the issuers")
            assert not load.successes(since)
            rig.cluster.etcd.start()
            rig.cluster.wait_until_healthy()
            load.work()


def test_kill_9_of_an_issuer(rig):
    with rig.load("kill -9 of an issuer") as load:
        for number in range(6 * ROUNDS):
            load.work(CLIENTS // 2)
            issuer = rig.issuers[number % 2]
            load.did(f"kill -9 of {issuer.name}")
            issuer.kill()
        load.work()


def test_partition_of_an_issuer_and_the_store(rig):
    one, two = rig.issuers
    with rig.load("partition of an issuer and the store") as load:
        for _ in range(ROUNDS):
            load.work()
            load.did(f"partition of {one.name} and the databases")
            network.cut(one.node, nodes(rig.cluster.databases))
            since = time.time()
            # The other issuer is not kept waiting by what the first one began.
            until(lambda: {r.node for r in load.successes(since)} & {two.name}, 60, f"a success of {two.name}")
            until(lambda: load.unavailable(since, one.name), 60, f"503 by {one.name}")
            network.join(one.node, nodes(rig.cluster.databases))
            since = time.time()
            until(lambda: {one.name, two.name} <= {r.node for r in load.successes(since)}, 60, "both issuers answer")


def test_the_server_ends_a_connection_that_was_cut(rig):
    one = rig.issuers[0]
    network.cut(one.node, nodes(rig.cluster.databases))
    until(lambda: not one.answers(), 60, f"503 by {one.name}")
    network.join(one.node, nodes(rig.cluster.databases))
    until(one.answers, 60, f"{one.name} answers")
    count = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{ROLE}'"
    until(lambda: rig.cluster.leader().sql(count) == [(len(rig.issuers),)], 60, "one connection of each issuer")


def send(databases, number):
    for database in databases:
        database.kill_postgres(number)


def lose_answers_to_commits(rig, load):
    """Commits wait for the standbys, then the issuers lose the primary, then the standbys have them: applied, and
    answered 503."""
    load.work()
    standbys = rig.cluster.standbys(rig.cluster.leader())
    send(standbys, signal.SIGSTOP)
    since = time.time()
    until(rig.cluster.waiting_commits, 60, "a commit waits for a standby")
    for issuer in rig.issuers:
        network.cut(issuer.node, nodes(rig.cluster.databases))
    load.did("commits wait; partition of both issuers and the databases")
    send(standbys, signal.SIGCONT)
    for issuer in rig.issuers:
        until(lambda node=issuer.name: load.unavailable(since, node), 60, f"503 by {issuer.name}")
    for issuer in rig.issuers:
        network.join(issuer.node, nodes(rig.cluster.databases))
    load.work()
    rig.cluster.wait_until_healthy()


def test_commits_whose_answer_is_lost_are_known_after_the_partition(rig):
    with rig.load("partition during commits") as load:
        for _ in range(ROUNDS):
            lose_answers_to_commits(rig, load)
        # A login is such a commit, too, and its answer proves nothing. Most rounds have one that a later answer proves.
        for _ in range(5):
            refused, _ = applied_without_success(load.journal.copy())
            if refused or load.stopped():
                break
            lose_answers_to_commits(rig, load)
        assert refused or load.stopped(), "no commit that was applied and answered 503"


def test_partition_of_a_host_and_the_issuers(rig):
    cut_off, other = rig.hosts
    everything = [network.CLIENTS, *(issuer.node for issuer in rig.issuers)]
    with rig.load("partition of a host and the issuers") as load:
        for _ in range(ROUNDS):
            load.work()
            since = time.time()
            until(lambda: load.access(cut_off, True, since), 60, f"{cut_off.name} accepts")
            network.cut(cut_off.node, everything)
            since = time.time()
            until(lambda: time.time() > since + LIMIT, 2 * LIMIT, "time passes")
            late = time.time()
            until(lambda: len(load.access(cut_off, False, late)) > 5 or load.stopped(), 60, "refused tokens")
            assert not load.access(cut_off, True, since + MAX_AGE + 2)
            assert load.polls(other, since) and load.access(other, True, since), f"{other.name} has updates"
            network.join(cut_off.node, everything)
            late = time.time()
            until(lambda: load.access(cut_off, True, late), 60, f"{cut_off.name} accepts again")


def test_partition_of_the_primary_and_its_standbys(rig):
    """Without a standby nothing is committed: writes stop, and nothing is lost."""
    with rig.load("partition of the primary and its standbys") as load:
        for _ in range(ROUNDS):
            load.work()
            primary = rig.cluster.leader()
            standbys = nodes(rig.cluster.standbys(primary))
            load.did(f"partition of {primary.name} and its standbys")
            network.cut(primary.node, standbys)
            since = time.time()
            until(lambda: len(load.unavailable(since)) > CLIENTS, 60, "503 by the issuers")
            early = [r for r in load.successes(since) if r.end < time.time()]
            stayed = rig.cluster.leader() is primary
            network.join(primary.node, standbys)
            assert not early or not stayed, early[:3]
            rig.cluster.wait_until_healthy()
            load.work()


def test_partition_of_the_primary_and_everything_else(rig):
    """Patroni fails over without it; when it is back it follows the new one."""
    with rig.load("partition of the primary and everything else") as load:
        for _ in range(ROUNDS):
            load.work()
            old = rig.cluster.leader()
            others = [*nodes(rig.cluster.standbys(old)), rig.cluster.etcd.node, *(i.node for i in rig.issuers)]
            load.did(f"partition of {old.name} and everything else")
            network.cut(old.node, others)
            rig.cluster.wait_for_other_leader(old)
            load.work()
            network.join(old.node, others)
            rig.cluster.wait_until_healthy()
            load.work()


def set_delay(rig, seconds):
    for database in rig.cluster.databases:
        database.slow.delay = seconds


def test_slow_store(rig):
    rig.configure(SLOW_PORT)
    with rig.load("slow store") as load:
        for _ in range(ROUNDS):
            load.work()
            load.did("50 ms more to the database and back")
            set_delay(rig, 0.025)
            load.work()
            load.did("the primary stops for 4 s")
            primary = rig.cluster.leader()
            primary.kill_postgres(signal.SIGSTOP)
            time.sleep(4)
            primary.kill_postgres(signal.SIGCONT)
            load.work()
            set_delay(rig, 0)
    rig.cluster.wait_until_healthy()
    rig.configure()


@pytest.fixture
def clocks(rig):
    def set_clocks(*seconds):
        for issuer, off in zip(rig.issuers, seconds):
            issuer.set_clock(off)

    yield set_clocks
    set_clocks(0, 0)


def test_clocks_two_minutes_apart(rig, clocks):
    """Time is that of the database: no token is from the future or expires early, and grace is the same at both."""
    with rig.load("clocks 2 minutes apart") as load:
        load.work()
        clocks(60, -60)
        since = time.time()
        for _ in range(ROUNDS):
            load.work()
            for issuer in rig.issuers:
                issuer.kill()
            load.work()
        made = [r for r in load.seen(since, OBTAIN) if r.succeeded()]
        off = [r for r in made if not r.start - 2 <= r.refresh.iat <= r.end + 1]
        assert made and not off, off[:3]


@pytest.fixture
def other_build(rig):
    """$UPGRADE_BUILD, a build directory of another version; else a copy of this one's programs."""
    given = os.environ.get("UPGRADE_BUILD")
    copy = f"{rig.directory}/build"
    if not given:
        os.makedirs(copy + "/jwtd/issuer")
        for name in os.listdir(rig.build + "/jwtd/issuer"):
            if name == "jwtd-issuer" or name.endswith(".so"):
                shutil.copy(f"{rig.build}/jwtd/issuer/{name}", copy + "/jwtd/issuer/")
    yield given or copy
    for issuer in rig.issuers:
        issuer.use(rig.build)


def test_rolling_upgrade(rig, other_build):
    with rig.load("rolling upgrade") as load:
        for number in range(ROUNDS):
            for issuer in rig.issuers:
                load.work()
                load.did(f"upgrade of {issuer.name}")
                issuer.use(rig.build if number % 2 else other_build)
                issuer.daemons.kill(issuer.daemons.issuer, signal.SIGTERM)
                load.work()
