"""Several issuers of docs/fleet.md: the second part of ./demo fleet, and what the page says about them."""

import concurrent.futures
import contextlib
import io
import re

import fleet
import issuers
import thief
import tour
from blocks import take
from fleet import ALICE, HOSTS, PAGE, Client
from kit import CAROL

BACKUP = "Backup and restore of the database"
WAITING = take(PAGE, 'runuser -l postgres -c "psql -At"', "Watching it")
DUMP = take(PAGE, "runuser -l postgres -c 'pg_dump", BACKUP)
STOP = take(PAGE, "systemctl stop jwtd.socket", BACKUP)
RESTORE = take(PAGE, "runuser -l postgres -c 'pg_restore", BACKUP)
RESTART = take(PAGE, "systemctl start jwtd.socket", BACKUP)
ARCHIVE = [take(PAGE, "install -d -o postgres", BACKUP), take(PAGE, "patronictl -c /etc/patroni/config.yml restart", BACKUP)]
COPY = take(PAGE, "rm -rf /srv/jwt-archive/base.new", BACKUP)
LAST = take(PAGE, """runuser -l postgres -c "psql -Atc 'SELECT pg_switch_wal()'""", BACKUP)
AWAY = take(PAGE, "systemctl stop patroni", BACKUP)
REPLAY = take(PAGE, "printf 'jwt", BACKUP)
REJOIN = take(PAGE, "sed -i '/^  method: archive", BACKUP)
TIME = "2026-11-30 12:00:00 UTC"
BOTH = [HOSTS[name] for name in issuers.ISSUERS if name in HOSTS]


def type_on(host, block):
    return host.good("set -e\n" + block.run())


def shows(step, alice):
    tour.RESULTS.clear()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        step(alice)
    assert tour.RESULTS and all(passed for _, passed in tour.RESULTS), printed.getvalue()
    print("".join(f"# {line}\n" for line in printed.getvalue().splitlines() if "without refreshes" in line), end="")


def test_sessions_of_sqlite_go_on_at_two_issuers(grown):
    assert grown.refresh()
    assert all("signing" in host.good("jwtctl status") for host in BOTH)


def test_everything_goes_on_when_an_issuer_is_lost(grown):
    shows(tour.lose_an_issuer, grown)


def test_everything_goes_on_when_the_primary_database_is_lost(grown):
    shows(tour.lose_the_primary, grown)
    fleet.until(issuers.standby, 120)
    assert type_on(HOSTS[issuers.leader()], WAITING) == ""


def test_haproxy_in_place_of_nginx(grown):
    issuers.use_haproxy()
    fleet.until(grown.refresh)
    shows(tour.lose_an_issuer, grown)


def test_a_restored_database_brings_no_ended_session_back(grown):
    primary = HOSTS[issuers.leader()]
    ended = Client("web3", "carol", CAROL)
    type_on(primary, DUMP)
    ended.log_out()
    newer = Client("web3", "alice", ALICE)
    fleet.fetch()
    for host in BOTH:
        type_on(host, STOP)
    type_on(primary, RESTORE)
    for host in BOTH:
        type_on(host, RESTART)
    assert not ended.refresh() and not newer.refresh() and not grown.refresh()
    again = Client("web3", "carol", CAROL)
    fleet.fetch()
    assert HOSTS["web4"].sudo(again.pair["access"], "carol") and not HOSTS["web4"].sudo(ended.pair["access"], "carol")


def on_each(hosts, block):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: type_on(host, block), hosts))


def replay(time):
    """The database is that of this time."""
    databases, first = [HOSTS[name] for name in issuers.DATABASES], HOSTS[issuers.leader()]
    type_on(first, LAST)
    on_each([host for host in databases if host is not first], AWAY)
    type_on(first, AWAY)
    assert TIME in REPLAY.run()
    first.good("set -e\n" + REPLAY.run().replace(TIME, time))
    fleet.until(lambda: issuers.leader() == first.name, 120)
    on_each(databases, REJOIN)
    fleet.until(issuers.standby, 120)


def test_a_database_of_an_earlier_time_brings_no_ended_session_back(grown):
    primary = HOSTS[issuers.leader()]
    on_each([HOSTS[name] for name in issuers.DATABASES], ARCHIVE[0])
    fleet.until(lambda: primary.good("patronictl -c /etc/patroni/config.yml list").count("*") == 3)
    type_on(primary, ARCHIVE[1])
    fleet.until(issuers.standby, 120)
    primary = HOSTS[issuers.leader()]
    type_on(primary, COPY)
    kept, refreshed, ended = Client("web2", "alice", ALICE), Client("web3", "carol", CAROL), Client("web3", "alice", ALICE)
    time = primary.good("sleep 0.1; date -u '+%F %T.%N UTC'").strip()
    newer = Client("web2", "carol", CAROL)
    assert refreshed.refresh()
    ended.log_out()
    fleet.fetch()
    for host in BOTH:
        type_on(host, STOP)
    replay(time)
    for host in BOTH:
        host.good(RESTART.text.splitlines()[0])

    # Hosts need nothing.
    fleet.until(lambda: HOSTS["web2"].sh("jwtctl sync")[0] == 0)
    fleet.fetch()
    assert all(host.sudo(kept.pair["access"]) and not host.sudo(ended.pair["access"]) for host in fleet.others())
    assert kept.refresh() and not refreshed.refresh() and not newer.refresh() and not ended.refresh()
    said = "".join(host.good("journalctl --sync; journalctl -q --no-pager -o cat -u jwtd-issuer") for host in BOTH)
    for client in (refreshed, newer):
        sid = thief.sid_of(client.pair["refresh"])
        assert re.search(rf"^Refresh token is newer than the store, session revoked: .* sid={sid}", said, re.MULTILINE), said
    assert "The store lacked sessions of the file revoked, revoked again" in said
    fleet.fetch()
    assert not any(host.sudo(client.pair["access"], "carol") for host in fleet.others() for client in (refreshed, newer))
    type_on(BOTH[0], RESTART)
    assert not kept.refresh() and Client("web3", "carol", CAROL).refresh()
