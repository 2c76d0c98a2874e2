"""Removal after an installation from source. Nothing is left for further tests."""

import glob
import json
import os
import re

import pytest
from blocks import take
from files import read, write
from kit import ADMIN, ALICE, CAROL, good, script, ssh, sudo

OUT_OF_STACKS = take(ADMIN, "pam-auth-update --disable jwt")
UNINSTALL = take(ADMIN, "systemctl disable --now jwtd.socket")
DATA = take(ADMIN, "rm -rf /var/lib/jwtd-issuer /var/lib/jwt /var")
PLACES = ["/etc/*jwt*", "/etc/*/*jwt*", "/etc/systemd/system/*/*jwt*", "/var/lib/*jwt*", "/run/*jwt*"]
OF_THE_CONTAINER = ("/etc/systemd/system/jwt-", "/etc/ssh/")
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
    left = [path for pattern in PLACES for path in glob.glob(pattern) if not path.startswith(OF_THE_CONTAINER)]
    left += [path for path in files if os.path.exists(path)]
    assert left == [], left
    assert not re.search(r"^jwtd", good("systemctl list-unit-files --no-legend"), re.MULTILINE)
    assert not [n for n in os.listdir("/etc/pam.d") if "pam_jwt.so" in read("/etc/pam.d/" + n)]
