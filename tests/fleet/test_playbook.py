"""The playbook of docs/fleet.md on a host that has no package of ours (tests/packages/fleet)."""

import re

import fleet
import pytest
from fleet import HOSTS

PACKAGES = ("libpam-jwt", "jwtctl")


def recap(said):
    """The counters of ansible for the host."""
    return {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", said.rpartition("PLAY RECAP")[2])}


def test_the_playbook_installs_the_packages_and_sets_the_host_up():
    host = HOSTS["web2"]
    if not fleet.from_packages(host):
        pytest.skip("there are no packages")
    host.good("jwtctl sync --remove && apt-get -y purge libpam-jwt jwtctl && rm -rf /etc/jwt /etc/sudoers.d/jwt")
    assert host.sh("dpkg-query -s libpam-jwt jwtctl")[0] != 0 and host.sh("command -v jwtctl")[0] != 0
    fleet.login()
    access = fleet.token()
    assert not host.sudo(access) and host.sudo(fleet.ALICE)
    first = recap(fleet.set_up_by_ansible(host))
    assert first["failed"] == first["skipped"] == 0 and first["changed"] == 7, first
    assert host.good(f"dpkg-query -W -f '${{Status}}\\n' {' '.join(PACKAGES)}").split("\n")[:-1] == ["install ok installed"] * 2
    assert host.accepts(access)


def test_the_playbook_may_be_repeated_with_the_packages():
    host = HOSTS["web2"]
    if not fleet.from_packages(host):
        pytest.skip("there are no packages")
    again = recap(fleet.set_up_by_ansible(host))
    # The three commands are always counted as changes.
    assert again["failed"] == 0 and again["changed"] == 3, again
    fleet.login()
    assert host.accepts(fleet.token())
