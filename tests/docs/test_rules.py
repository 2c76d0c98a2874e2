"""The alert rules of docs/admin.md, checked with promtool. Needs no container."""

import os
import shutil
import subprocess

import pytest
from blocks import TOP, take

RULES = take("admin.md", "groups:")
SCRAPE = take("admin.md", "scrape_configs:")


@pytest.fixture
def promtool():
    unpacked = f"{TOP}/build/prometheus/usr/bin/promtool"
    path = unpacked if os.path.exists(unpacked) else shutil.which("promtool")
    return path or pytest.skip("needs promtool (Debian package prometheus)")


@pytest.mark.parametrize("block, kind", [(RULES, "rules"), (SCRAPE, "config")])
def test_promtool_accepts(promtool, tmp_path, block, kind):
    (tmp_path / "file").write_text(block.run())
    done = subprocess.run([promtool, "check", kind, str(tmp_path / "file")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
