"""Removal and purge while users log in with their passwords."""

import os
import re
import shutil
import time

from files import read
from kit import ALICE, CAROL, PASSWORD_METHOD, SSH, by_ssh, journal, mint, obtain, sh, su, systemctl
from packages import NAMES, OLD, PATHS, SERVICES, SOCKETS, Load, active, apt, debs, failed, paths, stacks

AUTH = ("auth [success=done ignore=ignore module_unknown=ignore service_err=ignore default=die] pam_jwt.so "
        "ignore_non_token")
ACCOUNT = ("account [success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore service_err=ignore "
           "default=bad] pam_jwt.so")
PUBLIC, KEYS, SAVED = "/var/lib/jwt", "/var/lib/jwtd-issuer/keys", "/root/saved"


def lines_of_pam():
    return "\n".join(line for line in journal().splitlines() if "pam" in line or "sshd" in line)[-4000:]


def ssh_by_password():
    return failed(sh(f"SSH_ASKPASS=/root/password SSH_ASKPASS_REQUIRE=force {SSH} {PASSWORD_METHOD} alice@localhost id -un"),
                  "alice")


def sudo_by_password():
    return failed(sh("sudo -k -S -p '' id -un", CAROL + "\n", "carol"), "root")


def su_by_password():
    return failed(sh("su alice -c 'id -un'", ALICE + "\n", "nobodyspecial"), "alice")


def removes_without_a_failed_login(*words):
    with open("/root/password", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\necho '{ALICE}'\n")
    os.chmod("/root/password", 0o700)
    with Load(ssh_by_password, sudo_by_password, su_by_password) as load:
        said = apt(*words)
        load.more()
    print(f"# apt {' '.join(words)}, runs: {load.counts}, failed: {len(load.failures)}")
    assert load.failures == [], lines_of_pam()
    return said


def test_the_profile_leaves_the_stacks_before_the_module_is_removed():
    assert "pam_jwt.so" in read("/etc/pam.d/common-auth")
    token = obtain()["access"]
    assert su("alice", token)
    journal()
    removes_without_a_failed_login("remove libpam-jwt")
    # A stack with the module but without its file logs "unable to dlopen(pam_jwt.so)".
    assert "dlopen" not in journal()
    assert not [path for path, lines in stacks().items() if "pam_jwt" in lines]
    assert not su("alice", token)


def test_lines_by_hand_stay_and_passwords_work_without_the_module():
    apt("install", *debs(OLD, "libpam-jwt"))
    assert "pam_jwt.so" not in read("/etc/pam.d/common-auth")
    for service in ("sshd", "sudo", "su"):
        lines = read("/etc/pam.d/" + service)
        with open("/etc/pam.d/" + service, "w", encoding="utf-8") as file:
            file.write(lines.replace("@include common-auth\n", AUTH + "\n@include common-auth\n")
                       .replace("@include common-account\n", ACCOUNT + "\n@include common-account\n"))
    assert su("alice", obtain()["access"])
    said = removes_without_a_failed_login("remove libpam-jwt")
    assert re.search(r"libpam-jwt: .*pam_jwt.so.*:\n *\S*/sshd\n *\S*/su\n *\S*/sudo\n", said), said
    # A token is no password: the next module gets it and refuses.
    assert not su("alice", obtain()["access"])


def save():
    """What the tests of a host that only takes tokens need: the public files, and keys to sign with."""
    for path in (PUBLIC, KEYS):
        shutil.copytree(path, SAVED + path)


def test_a_removal_stops_the_daemons_and_a_purge_leaves_only_what_it_names():
    save()
    with open("/etc/jwt/jwt.conf.d/mine.conf", "w", encoding="utf-8") as file:
        file.write("[Token]\n")
    apt("remove", "jwtd", "jwtctl")
    assert active(SOCKETS + SERVICES) == []
    assert os.path.exists(KEYS) and os.path.exists("/etc/jwt/jwt.conf")
    said = removes_without_a_failed_login("purge", *NAMES)
    left = paths() - set(read(PATHS).splitlines())
    made_by_tests = {"/etc/sudoers.d/jwt", "/etc/ssh/sshd_config.d/jwt.conf"}
    homes = {f"/home/{user}/.local/state/jwt" for user in ("alice", "carol")}
    assert left - made_by_tests - homes == {"/etc/jwt", "/etc/jwt/jwt.conf.d"}, left
    for named in ("/etc/jwt/jwt.conf.d", ".local/state/jwt", "users jwtd, jwtd-issuer and jwtd-login"):
        assert named in said, said
    shutil.rmtree("/etc/jwt")
    assert sh("systemctl --failed --plain --no-legend").stdout == ""


def test_the_module_alone_needs_nothing_else_of_ours():
    for name in ("jwtd", "jwtd-issuer", "jwtd-login"):
        assert sh("userdel " + name).returncode == 0
    said = apt("--no-install-recommends install", *debs(OLD, "libpam-jwt"))
    assert "jwtd" not in sh("getent passwd; dpkg -l | grep ^ii; systemctl list-unit-files").stdout
    assert not [line for line in said.splitlines() if "jwt" in line and re.search("fail|unknown|cannot", line, re.I)]
    assert not su("alice", "x" * 20) and su("alice", ALICE)
    for name in ("issuer", "jwks.json", "revoked"):
        shutil.copy(SAVED + PUBLIC + "/" + name, PUBLIC)
    shutil.copytree(SAVED + KEYS, KEYS)
    # One-time tokens of the second in which /run/jwt was made are refused.
    time.sleep(max(0, os.stat("/run/jwt/since").st_mtime + 2 - time.time()))
    token, once = mint(), mint(one_time=True)
    shutil.rmtree("/var/lib/jwtd-issuer")
    login = by_ssh(PASSWORD_METHOD)
    assert login("alice", token) and login("alice", once), journal()
    assert not login("alice", once) and not login("carol", token)
    assert systemctl("show", "-P", "UnitFileState", "jwtd.socket") == ""
