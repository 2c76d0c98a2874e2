"""Removal after an installation from source. Nothing is left for further tests."""

import glob
import json
import os

import pytest
from blocks import take
from kit import ADMIN, ALICE, CAROL, good, read, script, ssh, sudo, write

OUT_OF_STACKS = take(ADMIN, "pam-auth-update --disable jwt")
UNINSTALL = take(ADMIN, "systemctl disable --now jwtd.socket")
DATA = take(ADMIN, "rm -rf /var/lib/jwtd-issuer /var/lib/jwt /var")
# Removes the files that meson installed, as ninja does in the build directory, which is not here.
NINJA = """#!/bin/bash
[ "$*" = "-C build/host uninstall" ] || exit 2
xargs -d '\\n' rm -f </root/installed
"""


@pytest.mark.keeps_nothing
def test_passwords_work_at_each_step_of_a_removal_and_nothing_is_left():
    with open("/root/installed.json", encoding="utf-8") as file:
        files = [path for path in json.load(file).values() if os.path.isfile(path)]
    assert len(files) > 25 and any("pam_jwt.so" in path for path in files)
    write("/root/installed", "".join(path + "\n" for path in files))
    write("/usr/local/bin/ninja", NINJA, 0o755)
    good("pam-auth-update --enable jwt")
    for block in (OUT_OF_STACKS, UNINSTALL, DATA):
        script(block)
        assert sudo(ALICE) and ssh(CAROL, "carol"), block
    left = [p for p in glob.glob("/**/*jwt*", recursive=True)
            if not p.startswith(("/proc", "/sys", "/root", "/tmp", "/home", "/io", "/dev", "/usr/share/doc"))]
    assert left == [], left
    assert "jwt" not in good("systemctl list-unit-files --no-legend; ls /run/systemd/units").replace("jwt-", "")
    assert not [n for n in os.listdir("/etc/pam.d") if "pam_jwt.so" in read("/etc/pam.d/" + n)]
