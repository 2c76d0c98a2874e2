"""jwtd-postgresql on a host whose issuer has SQLite: what it opens, and that a removal closes it again."""

import glob
import json

from files import until
from kit import obtain, sh, systemctl
from packages import OLD, active, apt, debs

ISSUER = "jwtd-issuer.service"
OPENED = {"PrivateNetwork=", "RestrictAddressFamilies=~AF_(INET|INET6)", "IPAddressDeny="}


def exposed():
    """What systemd-analyze finds open: name -> points."""
    rows = json.loads(sh(f"systemd-analyze security --json=short {ISSUER}").stdout)
    return {row["name"]: row["exposure"] for row in rows if row["exposure"]}


def level():
    return sh(f"systemd-analyze security {ISSUER} | tail -n 1").stdout.strip()


def test_the_package_opens_the_network_and_nothing_else():
    before = exposed(), level()
    pid = systemctl("show", "-P", "MainPID", ISSUER)
    apt("install", *debs(OLD, "jwtd-postgresql"))
    after = exposed()
    print(f"# before: {before[1]}; with jwtd-postgresql: {level()}")
    assert set(after) - set(before[0]) == OPENED and not set(before[0]) - set(after), (before, after)
    assert systemctl("show", "-P", "MainPID", ISSUER) != pid or pid == "0"
    assert "/run/postgresql" in systemctl("show", "-P", "BindReadOnlyPaths", ISSUER)
    obtain()


def test_the_issuer_starts_with_its_socket():
    systemctl("stop", "jwtd.socket", "jwtd-issuer.socket", "jwtd-issuer-admin.socket", ISSUER)
    assert active([ISSUER]) == []
    systemctl("start", "jwtd.socket")
    until(lambda: active([ISSUER]) == [ISSUER], 30)
    obtain()


def test_a_removal_closes_the_sandbox():
    before = exposed()
    apt("remove", "jwtd-postgresql")
    assert set(before) - set(exposed()) == OPENED
    assert systemctl("show", "-P", "PrivateNetwork", ISSUER) == "yes"
    obtain()
    apt("purge", "jwtd-postgresql")
    assert not glob.glob("/etc/apparmor.d/jwtd-issuer.d") + glob.glob("/usr/lib/*/jwt")
