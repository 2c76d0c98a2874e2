"""Each test begins with the settings, stacks and users of the fresh container, and with working daemons."""

import os
import shutil

import files
import kit
import pytest

KEPT = ["/etc/pam.d", "/etc/jwt", "/etc/ssh/sshd_config.d", "/etc/sudoers.d", "/etc/nginx/conf.d"]
SAVED = "/root/saved-files"


def pytest_sessionstart():
    if os.path.exists("/io") and not os.path.exists(SAVED):
        for path in KEPT:
            if os.path.exists(path):
                shutil.copytree(path, SAVED + path, symlinks=True)
        kit.good("useradd -M -s /bin/sh nobodyspecial")
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"


def same(a, b):
    return kit.sh(f"diff -r {a} {b}")[0] == 0


@pytest.fixture(autouse=True)
def fresh(request):
    yield
    if "keeps_nothing" in request.keywords or not os.path.exists("/io"):
        return
    changed = [path for path in KEPT if os.path.exists(SAVED + path) and not same(path, SAVED + path)]
    for path in changed:
        shutil.rmtree(path)
        shutil.copytree(SAVED + path, path, symlinks=True)
    if "/etc/ssh/sshd_config.d" in changed:
        kit.good("systemctl reload ssh")
    kit.sh("usermod --unlock --expiredate '' alice; systemctl daemon-reload; systemctl stop jwtd jwtd-issuer jwtd-login;"
           " systemctl start jwtd.socket jwtd-tcp.socket")
    files.until(kit.healthy)
    kit.good("jwtctl revoke --all")
