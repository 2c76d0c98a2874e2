"""Shared by the tests of the packages: apt, the state of a host, and users who never stop logging in."""

import glob
import os
import threading
import time

from files import read, until
from kit import ALICE, CAROL, api, sh, systemctl

NAMES = ("libpam-jwt", "jwtd", "jwtctl")
OLD, NEW = "/packages/old", "/packages/new"
PATHS = "/root/paths"  # paths() of the host without the packages
SERVICES = ("jwtd.service", "jwtd-issuer.service", "jwtd-login.service")
SOCKETS = ("jwtd.socket", "jwtd-issuer.socket", "jwtd-issuer-admin.socket", "jwtd-login.socket")


def apt(*words):
    """Without a terminal: dpkg keeps edited conffiles. There is no network; the dependencies were downloaded."""
    out = sh("DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef "
             + " ".join(words), timeout=300)
    assert out.returncode == 0, out
    return out.stdout + out.stderr


def debs(directory, *names):
    """jwtd-postgresql is in a directory of its own."""
    return [path for name in names or NAMES for path in glob.glob(f"{directory}/**/{name}_*.deb", recursive=True)]


def version(name):
    return sh("dpkg-query -W -f '${Status} ${Version}' " + name).stdout.replace("install ok installed ", "")


def active(units):
    return [unit for unit in units if systemctl("is-active", unit) == "active"]


def stacks():
    """Path -> text of each file in /etc/pam.d but jwtd's."""
    return {path: read(path) for path in glob.glob("/etc/pam.d/*") if path != "/etc/pam.d/jwtd"}


def programs():
    """The file that each running daemon executes; one that was replaced ends in " (deleted)"."""
    pids = [systemctl("show", "-P", "MainPID", unit) for unit in SERVICES]
    return [os.readlink(f"/proc/{pid}/exe") for pid in pids if pid != "0"]


def current(names):
    """True when the daemons of these packages run, and from the files that are installed."""
    found = programs()
    return "jwtd" not in names or len(found) == 3 and not any(path.endswith("(deleted)") for path in found)


def opening_times():
    return [systemctl("show", "-P", "ActiveEnterTimestampMonotonic", unit) for unit in SOCKETS]


def paths():
    """All paths with jwt in the last name but those of dpkg, apt, the log and the test."""
    out = sh("find / -xdev '(' -path /packages -o -path /root -o -path /tmp -o -path /var/cache -o -path /var/log ')' -prune"
             " -o -name '*jwt*' -print; find /run -maxdepth 1 -name '*jwt*'")
    return set(out.stdout.splitlines())


class Load:
    """Runs each of these functions repeatedly in a separate thread, at most five times a second. A function
    returns None, or what went wrong."""

    def __init__(self, *functions):
        self.counts = {function.__name__: 0 for function in functions}
        self.failures = []
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(function,)) for function in functions]

    def run(self, function):
        while not self.ends.is_set():
            began = time.monotonic()
            try:
                wrong = function()
            except Exception as error:
                wrong = repr(error)
            if wrong:
                self.failures.append((function.__name__, time.strftime("%T"), wrong))
            self.counts[function.__name__] += 1
            self.ends.wait(max(0, began + 0.2 - time.monotonic()))

    def more(self, times=3):
        """Waits until each has run this many times more."""
        before = dict(self.counts)
        until(lambda: all(self.counts[name] >= before[name] + times for name in before), 120)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.more()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def http_login():
    status, body = api("/api/token/", {"username": "carol", "password": CAROL})
    return None if status == 200 else (status, body)


class Refresher:
    """A session of alice whose refresh token is exchanged at each call."""

    def __init__(self):
        self.pair = None

    def __call__(self):
        path, body = "/api/token/", {"username": "alice", "password": ALICE}
        if self.pair:
            path, body = "/api/token/refresh/", {"refresh": self.pair["refresh"]}
        status, self.pair = api(path, body)
        return None if status == 200 else (status, self.pair)

    __name__ = "refresh"


def failed(out, expected):
    return None if (out.returncode, out.stdout.strip()) == (0, expected) else (out.returncode, out.stdout, out.stderr)
