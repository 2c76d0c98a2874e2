"""An issuer with its sessions in PostgreSQL: an upgrade of its packages, a module of another version, and no module."""

import pytest
from files import read, until, write
from kit import ALICE, api, journal, obtain, sh, systemctl
from packages import NAMES, NEW, OLD, SOCKETS, Load, active, apt, current, debs, opening_times, version

CONF, ISSUER, MODULE = "/etc/jwt/jwt.conf.d/database.conf", "jwtd-issuer.service", "jwtd-postgresql"
LOCAL = "@/jwt?host=/run/postgresql"
# "Upgrade" in docs/fleet.md.
STOP = "systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-issuer-admin.socket jwtd.service jwtd-issuer.service"


def must(command, text=None):
    out = sh(command, text)
    assert out.returncode == 0, out
    return out.stdout.strip()


def psql(statement):
    return must("cd / && runuser -u postgres -- psql -AtX --set=ON_ERROR_STOP=1 jwt", statement)


def loaded():
    """The module in the running issuer; one whose file was replaced ends in " (deleted)"."""
    lines = read(f"/proc/{systemctl('show', '-P', 'MainPID', ISSUER)}/maps").splitlines()
    return {line.split(None, 5)[5] for line in lines if "postgresql.so" in line}


def installed():
    return [version(name) for name in (*NAMES, MODULE)]


def works():
    return api("/api/token/", {"username": "alice", "password": ALICE})[0] == 200


def refreshed(pair):
    """Exchanges the refresh token, if there is an answer: on a busy machine, a daemon that ends may give none (0)."""
    status, new = api("/api/token/refresh/", {"refresh": pair["refresh"]})
    assert status in (0, 200, 503), (status, new)
    if status == 200:
        pair.update(new)
    return status == 200


@pytest.fixture(scope="module", autouse=True)
def database():
    """The old packages with a database on this host; at the end the issuer has its own file again."""
    apt("--no-install-recommends --allow-downgrades install postgresql", *debs(OLD, *NAMES, MODULE))
    must("cd / && runuser -u postgres -- createdb jwt")
    psql('CREATE ROLE root LOGIN; CREATE ROLE "jwtd-issuer" LOGIN; ALTER DATABASE jwt OWNER TO root')
    must(f"jwtctl store migrate --grant=jwtd-issuer --database='postgresql://root{LOCAL}'")
    write(CONF, f"[Store]\nDatabase=postgresql://jwtd-issuer{LOCAL}\n[Session]\nRotationGrace=1min\nLoginsPerUser=0\n")
    systemctl("restart", ISSUER)
    until(works)
    yield
    must(f"rm {CONF}")
    must(f"dpkg --purge {MODULE}")
    obtain()


def test_an_upgrade_of_the_packages_ends_no_session_and_needs_no_restart_by_hand():
    old, new = (must(f"dpkg-deb -f {debs(directory, 'jwtd')[0]} Version") for directory in (OLD, NEW))
    assert installed() == [old] * 4 and old != new
    tables, opened, pair = psql("SELECT version FROM schema_version"), opening_times(), obtain()

    def requests():
        refreshed(pair)
        works()  # jwtd-login runs

    journal()
    with Load(requests) as load:
        apt("install", *debs(NEW, *NAMES, MODULE))
        until(lambda: current(NAMES), 120)
        load.more()
    assert installed() == [new] * 4
    assert load.failures == [] and opening_times() == opened
    until(lambda: refreshed(pair))
    assert loaded() and not any(path.endswith("(deleted)") for path in loaded())
    # No issuer of one version has met the module of the other.
    assert "Cannot answer requests" not in journal()
    assert psql("SELECT version FROM schema_version") == tables


def test_an_upgrade_without_the_module_would_remove_it():
    """Thus docs/admin.md has both in one command."""
    said = must("apt-get -s --allow-downgrades install " + " ".join(debs(OLD)))
    assert f"Remv {MODULE}" in said, said


def test_the_packages_start_an_issuer_that_was_stopped_for_an_upgrade():
    must(STOP)
    assert active(SOCKETS[:3]) == []
    must(f"dpkg -i {debs(NEW, 'jwtd')[0]}")
    assert active(SOCKETS) == list(SOCKETS)
    until(works)


def test_an_issuer_keeps_its_module_until_it_is_restarted_and_then_names_the_package_that_it_needs():
    pair = obtain()
    must(f"dpkg --unpack {debs(OLD, MODULE)[0]}")
    # It connects again with the module that it has.
    psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'jwtd-issuer'")
    until(lambda: refreshed(pair))
    assert all(path.endswith("(deleted)") for path in loaded())
    journal()
    systemctl("kill", "-s", "KILL", ISSUER)
    said = ""
    while "Cannot answer requests" not in said:
        said += journal()
    assert "expected 0.2+1: install the package jwtd-postgresql of this version" in said, said
    assert not refreshed(pair)
    must(f"dpkg -i {debs(NEW, MODULE)[0]}")
    until(lambda: refreshed(pair))


@pytest.mark.parametrize("how", ["remove", "purge"])
def test_a_removal_of_the_module_alone_says_what_is_missing_until_it_is_installed_again(how):
    pair = obtain()
    journal()
    missing = "postgresql.so: cannot open shared object file: No such file or directory: install the package jwtd-postgresql"
    out = apt(how, MODULE)
    assert missing in out, out
    assert missing in journal() and missing in systemctl("show", "-P", "StatusText", ISSUER)
    assert missing in sh("jwtctl doctor").stdout
    assert not refreshed(pair)
    apt("install", *debs(NEW, MODULE))
    until(lambda: refreshed(pair))
