"""A fresh host: one apt command installs the three packages, and three more lead to sudo by a token."""

import os
import time

import pytest
from kit import ALICE, by_ssh, PASSWORD_METHOD, obtain, sh, su, systemctl
from packages import OLD, PATHS, SERVICES, SOCKETS, active, paths, stacks

MINUTES = {}


def timed(name, command, text=None, user=None):
    began = time.monotonic()
    out = sh(command, text, user, timeout=300)
    MINUTES[name] = time.monotonic() - began
    assert out.returncode == 0, (command, out)
    return out.stdout


@pytest.fixture(scope="module")
def before():
    """The PAM stacks before the installation."""
    stacks_before = stacks()
    with open(PATHS, "w", encoding="utf-8") as file:
        file.write("\n".join(paths()))
    timed("apt install ./*.deb", f"cd {OLD} && DEBIAN_FRONTEND=noninteractive apt-get install -q -y ./*.deb")
    return stacks_before


def test_an_installation_starts_the_sockets_and_no_daemon(before):
    assert active(SOCKETS) == list(SOCKETS)
    assert systemctl("is-enabled", "jwtd.socket") == "enabled"
    assert active(SERVICES) == []
    for name in ("ActiveEnterTimestamp", "ExecMainStartTimestamp"):
        assert [systemctl("show", "-P", name, unit) for unit in SERVICES] == [""] * 3
    init = systemctl("show", "-P", "Result", "jwtd-issuer-init"), systemctl("show", "-P", "ExecMainStatus",
                                                                            "jwtd-issuer-init")
    assert init == ("success", "0") and systemctl("show", "-P", "ExecMainExitTimestamp", "jwtd-issuer-init")
    for name in ("issuer", "jwks.json", "revoked"):
        assert os.stat("/var/lib/jwt/" + name).st_mode & 0o777 == 0o644
    # What the TCP port needs is a decision of the administrator.
    assert (systemctl("is-active", "jwtd-tcp.socket"), systemctl("is-enabled", "jwtd-tcp.socket")) == (
        "inactive", "disabled")
    assert sh("systemctl --failed --plain --no-legend 'jwtd*'").stdout == ""


def test_an_installation_changes_no_pam_stack(before):
    assert stacks() == before
    assert not su("alice", obtain()["access"]) and su("alice", ALICE)


def test_four_commands_lead_to_sudo_by_a_token(before):
    timed("pam-auth-update --enable jwt", "pam-auth-update --enable jwt")
    timed("jwtctl login", "jwtctl login", ALICE + "\n", "alice")
    assert timed("jwtctl run -- sudo -A id -un", "jwtctl run -- sudo -A id -un", user="alice") == "root\n"
    release = sh(". /etc/os-release; echo $VERSION_CODENAME").stdout.strip()
    print(f"# {release}, to the first sudo by a token: {sum(MINUTES.values()):.1f} s = "
          + " + ".join(f"{seconds:.1f} ({command})" for command, seconds in MINUTES.items()))
    assert len(MINUTES) == 4


def test_ssh_accepts_token_and_password(before):
    for typed in (obtain()["access"], ALICE):
        assert by_ssh(PASSWORD_METHOD)("alice", typed)
