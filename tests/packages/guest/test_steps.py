"""debian/tests/control, as autopkgtest runs it: each test as root, in the directory of the source."""

import re

from files import read
from kit import sh

SOURCE = "/packages/source"


def test_the_steps_of_the_demo_work_on_the_installed_packages():
    names = re.search(r"^Tests: (.*)$", read(SOURCE + "/debian/tests/control"), re.M).group(1).split()
    assert names == ["demo"]
    out = sh(f"cd {SOURCE} && debian/tests/demo", timeout=300)
    assert out.returncode == 0 and " NO\n" not in out.stdout, out.stdout + out.stderr
    assert len(re.findall(r" yes$", out.stdout, re.M)) > 20
