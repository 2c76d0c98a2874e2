"""Upgrades and downgrades while users log in, refresh and use their tokens."""

import sqlite3

import pytest
from files import read, until
from kit import ALICE, CAROL, PASSWORD_METHOD, SSH, api, by_ssh, journal, obtain, sh, systemctl
from packages import NAMES, NEW, OLD, SERVICES, Load, Refresher, apt, current, debs, failed, http_login, opening_times, version

CONF, STACK, STORE = "/etc/jwt/jwt.conf", "/etc/pam.d/jwtd", "/var/lib/jwtd-issuer/sessions.db"
RUN = f"jwtctl run -- {SSH} {PASSWORD_METHOD} localhost id -un"


@pytest.fixture(scope="module", autouse=True)
def edited():
    """The administrator has edited jwt.conf: here for a user who logs in more than once a second."""
    lines = read(CONF)
    assert "#LoginsPerUser=60/min\n" in lines
    with open(CONF, "w", encoding="utf-8") as file:
        file.write(lines.replace("#LoginsPerUser=60/min\n", "LoginsPerUser=0\n"))
    assert sh("jwtctl config check && systemctl try-reload-or-restart jwtd jwtd-issuer jwtd-login").returncode == 0
    assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0


def jwtctl_login():
    out = sh("jwtctl login", CAROL + "\n", "carol")
    return None if out.returncode == 0 else out


def jwtctl_run_ssh():
    return failed(sh(RUN, user="alice"), "alice")


def jwtctl_run_sudo():
    return failed(sh("jwtctl run -- sudo -A id -un", user="alice"), "root")


def ssh_by_access_token():
    return None if by_ssh(PASSWORD_METHOD)("alice", ssh_by_access_token.token) else journal()


def installed():
    return [version(name) for name in NAMES]


def test_upgrades_and_downgrades_make_no_login_no_refresh_and_no_ssh_fail():
    ssh_by_access_token.token = obtain()["access"]
    opened = opening_times()
    old, new = (sh(f"dpkg-deb -f {debs(directory)[0]} Version").stdout.strip() for directory in (OLD, NEW))
    assert installed() == [old] * 3 and old != new
    # All at once; then an older module with a newer issuer, and a newer module with an older issuer.
    steps = [({NEW: NAMES}, [new, new, new]), ({OLD: ["libpam-jwt"]}, [old, new, new]),
             ({NEW: ["libpam-jwt"], OLD: ["jwtd", "jwtctl"]}, [new, old, old]), ({NEW: NAMES}, [new, new, new])]
    with Load(http_login, jwtctl_login, Refresher(), jwtctl_run_ssh, jwtctl_run_sudo, ssh_by_access_token) as load:
        for files, expected in steps:
            paths = [path for directory, names in files.items() for path in debs(directory, *names)]
            apt("--allow-downgrades install", *paths)
            assert installed() == expected
            until(lambda: current([name for names in files.values() for name in names]), 120)
            load.more()
    print(f"# {len(steps)} times apt install, runs: {load.counts}, failed: {len(load.failures)}")
    assert load.failures == []
    assert opening_times() == opened


def test_an_edited_conffile_stays_and_another_is_replaced():
    assert "\nLoginsPerUser=0\n" in read(CONF) and "new version" not in read(CONF)
    assert "new version" in read(STACK)


def test_an_upgrade_keeps_the_profile_enabled():
    assert "pam_jwt.so" in read("/etc/pam.d/common-auth")
    assert systemctl("is-enabled", "jwtd.socket") == "enabled"


def set_schema(number):
    systemctl("stop", *SERVICES)
    with sqlite3.connect(STORE) as store:
        before = store.execute("PRAGMA user_version").fetchone()[0]
        store.execute(f"PRAGMA user_version = {number}")
    return before


def test_an_older_package_refuses_the_store_of_a_newer_one_and_names_the_cause():
    before = set_schema(99)
    journal()
    try:
        out = apt("--allow-downgrades install", *debs(OLD, "jwtd"))
        assert "jwtd: jwtd-issuer cannot use its keys or sessions" in out, out
        assert api("/api/token/", {"username": "alice", "password": ALICE})[0] == 503
        cause = f"{STORE}: schema version 99 of a newer release, expected at most {before}"
        assert cause in journal()
        assert cause in systemctl("show", "-P", "StatusText", "jwtd-issuer")
    finally:
        set_schema(before)
    assert "cannot use" not in apt("install", *debs(NEW, "jwtd"))
    assert obtain()
