"""Several issuers of docs/fleet.md: the second part of ./demo fleet, and what the page says about them."""

import contextlib
import glob
import io

import fleet
import issuers
import pytest
import tour
from blocks import take
from fleet import ALICE, HOSTS, PAGE, Client
from kit import CAROL

WAITING = take(PAGE, 'runuser -l postgres -c "psql -At"', "Watching it")
DUMP = take(PAGE, "runuser -l postgres -c 'pg_dump", "Backup and restore of the database")
STOP = take(PAGE, "systemctl stop jwtd.socket", "Backup and restore of the database")
RESTORE = take(PAGE, "runuser -l postgres -c 'pg_restore", "Backup and restore of the database")
RESTART = take(PAGE, "systemctl start jwtd.socket", "Backup and restore of the database")
RELOAD = take(PAGE, "jwtctl config check", "Another issuer, or one fewer")
BOTH = [HOSTS[name] for name in issuers.ISSUERS if name in HOSTS]


def type_on(host, block):
    return host.good("set -e\n" + block.run())


@pytest.fixture(scope="module")
def grown(ready):
    if not glob.glob(BOTH[0].path("/usr/lib/*/jwt/postgresql.so")):
        pytest.skip("the build has no PostgreSQL module (libpq-dev)")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        alice = tour.grow()
    assert all(passed for _, passed in tour.RESULTS), printed.getvalue()
    return alice


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


def test_the_keys_of_an_issuer_that_is_no_longer_listed_leave_every_host(grown):
    web1, web5 = BOTH
    kid = web5.good("ls /var/lib/jwtd-issuer/keys/*.jwk").split("/")[-1][:8]
    known = lambda: [host for host in fleet.others() if f'"{kid}"' in host.read("/var/lib/jwt/jwks.json")]
    fleet.fetch()
    assert known() == fleet.others()
    web5.good("systemctl stop jwtd.socket jwtd-issuer.socket jwtd-issuer-admin.socket jwtd jwtd-issuer")
    web1.good(f"sed -i 's/^Issuers=.*/Issuers={issuers.thumbprint(web1)}/' /etc/jwt/jwt.conf.d/database.conf")
    type_on(web1, RELOAD)
    fleet.until(lambda: not known())
