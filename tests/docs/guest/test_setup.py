"""A first host, and the settings for more hosts, which tests/fleet sets up."""

import os
import re

from blocks import take
from files import read, write
from kit import ADMIN, ALICE, CAROL, good, login, place, script, session, sh, ssh, sudo, token

ENABLE = take(ADMIN, "pam-auth-update --enable jwt")
BY_HAND = take(ADMIN, "auth='auth ")
FIRST_LOGIN = take(ADMIN, "$ jwtctl login\nLogged in", "First host")
STATUS = take(ADMIN, "# jwtctl doctor", "First host")
OUT_OF_STACKS = take(ADMIN, "pam-auth-update --disable jwt")
RESCUE = take(ADMIN, "sed -i '/pam_jwt\\.so/d' /etc/pam.d/{common-auth")


def stacks():
    return {name: read("/etc/pam.d/" + name) for name in os.listdir("/etc/pam.d")}


def test_the_profile_and_the_lines_by_hand_let_users_log_in_and_leave_no_trace():
    script(OUT_OF_STACKS)
    assert not [n for n, text in stacks().items() if re.search(r"^[^#\n]*pam_jwt", text, re.MULTILINE)]
    assert sudo(ALICE)
    clean = stacks()
    assert script(ENABLE).endswith("ok\n")
    good("visudo -c")
    session(FIRST_LOGIN)
    assert sudo(token()) and sudo(ALICE) and ssh(token()) and ssh(CAROL, "carol")
    script(OUT_OF_STACKS)
    assert stacks() == clean
    login()
    assert not sudo(token()) and sudo(ALICE)

    script(BY_HAND)
    assert sudo(token()) and sudo(ALICE) and ssh(token()) and ssh(CAROL, "carol")
    for name in ("sshd", "sudo", "sudo-i", "su"):
        assert read("/etc/pam.d/" + name).count("pam_jwt.so") == 2
    for name in clean:
        assert name in ("sshd", "sudo", "sudo-i", "su", "su-l") or stacks()[name] == clean[name]
    good("jwtctl revoke --all")
    login()
    session(STATUS, may_fail=True)


def test_the_lines_by_hand_are_added_to_a_su_l_that_stands_alone():
    """As in Debian's sid."""
    alone = re.sub(r"^auth.*pam_jwt.*\n|^account.*pam_jwt.*\n", "", read("/etc/pam.d/su"), flags=re.MULTILINE)
    write("/etc/pam.d/su-l", alone)
    for name in ("sshd", "sudo", "sudo-i", "su"):
        good(f"sed -i '/pam_jwt/d' /etc/pam.d/{name}")
    os.remove("/etc/pam.d/sudo-i")
    script(BY_HAND)
    login()
    assert sh("su -l alice -c 'id -un'", "nobodyspecial", text=token() + "\n")[1].strip().endswith("alice")
    assert not os.path.exists("/etc/pam.d/sudo-i")


# More hosts.

SITE = take(ADMIN, "# /etc/jwt/jwt.conf.d/site.conf")
LOAD = take(ADMIN, "jwtctl config check\nsystemctl try-reload")
APPLY = take(ADMIN, "jwtctl config apply-names")


def test_the_names_of_a_fleet_take_effect_without_a_restart_and_older_tokens_are_refused():
    login()
    before = token()
    place(SITE)
    script(LOAD)
    assert sudo(before), "names in use do not change by a reload"
    script(APPLY)
    assert "site.example" in read("/var/lib/jwt/issuer") and not sudo(before)
    login()
    assert sudo(token())


def test_a_host_without_one_of_the_files_refuses_tokens_and_accepts_passwords():
    login()
    for name in ("issuer", "jwks.json", "revoked"):
        access = token()
        os.rename(f"/var/lib/jwt/{name}", "/root/saved")
        assert not sudo(access) and sudo(ALICE), name
        os.rename("/root/saved", f"/var/lib/jwt/{name}")
        assert sudo(token()), name
