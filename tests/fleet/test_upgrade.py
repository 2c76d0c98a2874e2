"""The upgrade of issuers that docs/fleet.md has, after test_issuers.py."""

import glob
import re

import fleet
import issuers
import pytest
from blocks import take
from fleet import ALICE, HOSTS, PAGE, Client, run
from kit import CAROL

UPGRADE = "Upgrade"
STOP = take(PAGE, "systemctl stop jwtd.socket", UPGRADE)
CHECK = take(PAGE, "jwtctl doctor | sed", UPGRADE)
START = take(PAGE, "systemctl start jwtd.socket", UPGRADE)
BOTH = [HOSTS[name] for name in issuers.ISSUERS if name in HOSTS]


def other_version(host):
    """(path of the module, its bytes, those of one that another version has installed)."""
    path, = glob.glob(host.path("/usr/lib/*/jwt/postgresql.so"))
    with open(path, "rb") as file:
        content = file.read()
    version = re.match(r"jwtctl (\S+)", host.good("jwtctl --version"))[1].encode()
    assert b"\0" + version + b"\0" in content
    return path, content, content.replace(b"\0" + version + b"\0", b"\0" + b"9" * len(version) + b"\0")


def install(path, content):
    with open(path, "wb") as file:
        file.write(content)


def sql(statements, host):
    return host.good(f"runuser -l postgres -c 'psql -At --set=ON_ERROR_STOP=1 jwt' <<'END'\n{statements}\nEND")


def answers(host):
    return host.sh("curl -fsS --unix-socket /run/jwtd/http.sock http://localhost/healthz")[0] == 0


def test_one_issuer_after_the_other_is_upgraded_while_the_other_answers(grown):
    fleet.until(lambda: HOSTS["web2"].sh("jwtctl sync")[0] == 0)
    alice = Client("web2", "alice", ALICE)
    used = lambda host: alice.refresh() and issuers.signed_by(host, alice)
    for host in BOTH:
        fleet.until(lambda host=host: used(host))
    for host in BOTH:
        path, own, other = other_version(host)
        run(host, STOP.run())
        install(path, other)
        assert "install the package jwtd-postgresql of this version" in run(host, CHECK.run())
        install(path, own)
        assert run(host, CHECK.run()) == "" and alice.refresh()
        run(host, START.run())
        # The load balancer uses it again.
        fleet.until(lambda host=host: used(host))


@pytest.fixture
def stopped(grown):
    for host in BOTH:
        run(host, STOP.run())


def test_issuers_refuse_tables_of_another_version_and_say_so_until_they_are_migrated(stopped):
    primary = HOSTS[issuers.leader()]
    schema = int(sql("SELECT version FROM schema_version", primary))
    rows = "".join(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t;\n"
                   for table in ("session", "revoked", "counter", "issuer", "bundle", "clock"))
    for version, remedy in ((schema + 1, "install the newer release again"), (schema - 1, "run jwtctl store migrate")):
        before = sql(f"UPDATE schema_version SET version = {version};\n{rows}", primary)
        for host in BOTH:
            said = run(host, CHECK.run())
            assert f"schema version {version}" in said and remedy in said, said
            run(host, START.run())
            assert not answers(host)
            log = host.good(f"journalctl --sync; journalctl -q --no-pager -o cat -u jwtd-issuer -g 'schema version {version}'")
            assert remedy in log, log
            run(host, STOP.run())
        assert "UPDATE 1\n" + sql(rows, primary) == before
    # Tables of before the first version.
    sql("ALTER SCHEMA public RENAME TO before; CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC",
        primary)
    assert all("run jwtctl store migrate" in run(host, CHECK.run()) for host in BOTH)
    run(BOTH[1], issuers.MIGRATE.run())
    for host in BOTH:
        assert run(host, CHECK.run()) == ""
        run(host, START.run())
    fleet.until(lambda: all(answers(host) for host in BOTH) and HOSTS["web2"].sh("jwtctl sync")[0] == 0)
    carol = Client("web3", "carol", CAROL)
    assert carol.refresh()
    fleet.fetch()
    assert all(host.sudo(carol.pair["access"], "carol") for host in fleet.others())
