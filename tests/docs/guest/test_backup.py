"""Backup and restore, key rotation."""

import os
import shutil

import pytest
from blocks import take
from files import read, until
from kit import ADMIN, good, healthy, journal, login, refresh, script, session, sudo, token

BACKUP = take(ADMIN, "apt install sqlite3")
RESTORE = take(ADMIN, "systemctl stop jwtd.socket", "Backup and restore")
OLD_STORE = take(ADMIN, "Refresh token is newer than the store")
ROTATE = take(ADMIN, "# jwtctl key rotate")
RETIRE = take(ADMIN, "# jwtctl key retire")
STATE = "/var/lib/jwtd-issuer"


@pytest.fixture
def backup():
    """A backup that was made while alice was logged in."""
    login()
    script(BACKUP)
    script(BACKUP)  # replaces the last one
    assert good(f"find {STATE} ! -user jwtd-issuer") == ""
    assert good("stat -c %a /root/jwt-backup") == "700\n"
    yield
    shutil.rmtree("/root/jwt-backup")


def keys():
    return good("jwtctl key list")


def test_a_restored_machine_has_the_old_keys_and_names_and_no_old_session(backup):
    before, names = keys(), read("/var/lib/jwt/issuer")
    access = token()
    good(f"systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-issuer-admin.socket jwtd jwtd-issuer;"
         f" rm -rf {STATE} /var/lib/jwt/*; hostname web9")
    try:
        # The new machine, as the packages leave it.
        good("systemctl start jwtd.socket")
        assert keys() != before and "web9" in read("/var/lib/jwt/issuer")
        assert script(RESTORE).startswith("1 session revoked")
        assert keys() == before and read("/var/lib/jwt/issuer") == names
        assert good(f"find {STATE} ! -user jwtd-issuer") == ""
        until(healthy)
        assert not sudo(access)
        login()
        assert sudo(token())
    finally:
        good("hostname web1; systemctl stop jwtd-issuer")


def test_an_old_store_is_noticed_by_the_first_token_that_is_newer(backup):
    good("jwtctl logout", "alice")
    login()
    stop, *rest = [line for line in RESTORE.run().splitlines() if "revoke --all" not in line]
    good("set -e\n" + "\n".join([stop, *rest]))
    assert "token_not_valid" in refresh()
    assert journal("newer than the store").startswith(OLD_STORE.run().strip())
    good("jwtctl revoke --all")


def test_a_list_of_revoked_sessions_survives_a_restore(backup):
    access = token()
    good("jwtctl revoke alice")
    good("set -e\n" + "\n".join(RESTORE.run().splitlines()[:-1]))
    until(healthy)
    assert not sudo(access)


def test_after_a_rotation_both_keys_are_published_until_the_old_one_is_retired():
    login()
    access = token()
    session(ROTATE)
    assert sudo(access)
    session(RETIRE)
    assert len(keys().splitlines()) >= 3 and sudo(access)
    assert os.path.exists(f"{STATE}/keys/signer")
