"""Several issuers on one PostgreSQL: each has its own keys, public files, sockets and processes, as on a machine of its
own. The members are Daemons (HTTP, real logins) or Issuers (scripted logins)."""

import base64
import glob
import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys

from daemons import QUICK, Daemons
from issuer_daemon import Issuer

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgresql  # noqa: E402 pylint: disable=wrong-import-position

NAMES = "[Token]\nIssuer=https://login.example\nAudience=site.example\n"
# An issuer that has just started may take longer than a second on a busy machine.
SETTINGS = QUICK.replace("RotationGrace=1s", "RotationGrace=5min")
ROLE = "issuer"  # what jwtd-issuer connects as


def thumbprint(state):
    """Of the bundle key in this state directory (RFC 7638)."""
    path, = glob.glob(os.path.join(state, "bundle", "*.jwk"))
    with open(path, encoding="utf-8") as file:
        key = json.load(file)
    text = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def merged(text, more):
    """The settings of both; a section appears once in a file."""
    for section in re.findall(r"(?m)^(\[.*\]\n)([^\[]*)", more):
        if section[0] in text:
            text = text.replace(section[0], "".join(section))
        else:
            text += "\n" + "".join(section)
    return text


class Databases:
    """A PostgreSQL cluster whose databases are made from one that has the tables."""

    def __init__(self, build, settings="fsync = off\nmax_connections = 200\n"):
        self.cluster = postgresql.start(settings=settings)
        self.names = (f"jwt_{n}" for n in itertools.count())
        self.cluster.psql(f"CREATE ROLE {ROLE} LOGIN")
        subprocess.run([f"{build}/jwtd/issuer/jwtd-issuer", "--migrate-store", f"--database={self.cluster.url}",
                        f"--grant={ROLE}", f"--modules={build}/jwtd/issuer"], check=True, stdout=subprocess.DEVNULL)

    def create(self):
        name = next(self.names)
        self.cluster.psql(f"CREATE DATABASE {name} TEMPLATE jwt", database="postgres")
        return name

    def drop(self, name):
        self.cluster.psql(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")


class Database:
    """One of them."""

    def __init__(self, databases):
        self.databases, self.name = databases, databases.create()
        self.url = databases.cluster.url_of(ROLE, self.name)

    def sql(self, statement, rows=None):
        """As the superuser."""
        return self.databases.cluster.psql(statement, rows, database=self.name)

    def write_settings(self, file):
        """A drop-in that sets Database=, for these settings."""
        os.mkdir(file + ".d")
        with open(file + ".d/store.conf", "w", encoding="utf-8") as drop_in:
            drop_in.write(f"[Store]\nDatabase={self.url}\n")

    def drop(self):
        self.databases.drop(self.name)


class Fleet:
    def __init__(self, build, settings=SETTINGS, n=2, *, databases, of=Daemons):
        self.databases, self.cluster = databases, databases.cluster
        self.name = databases.create()
        self.url = self.cluster.url_of(ROLE, self.name)
        self.shared = f"{NAMES}[Store]\nDatabase={self.url}\n"  # in the settings of all members
        more = {"init": False} if of is Issuer else {}
        self.members = [of(build, merged(settings, self.shared), **more) for _ in range(n)]
        for member in self.members:
            if of is Issuer:
                assert member.init().wait() == 0, member.text("log")
            else:
                assert member.init_status == 0, member.read_log()
        self.thumbprints = [thumbprint(member.path("state")) for member in self.members]
        self.shared += f"[Fleet]\nIssuers={' '.join(self.thumbprints)}\n"
        self.write_settings(settings, self.members)
        for member in self.members:
            if of is Issuer:
                member.start()

    def __getitem__(self, i):
        return self.members[i]

    def __len__(self):
        return len(self.members)

    def write_settings(self, settings, members):
        for member in members:
            with open(member.path("jwt.conf"), "w", encoding="utf-8") as file:
                file.write(merged(settings, self.shared))

    def configure(self, settings, members=None):
        """Replaces the settings of all or of these members, and reloads them."""
        self.write_settings(settings, members or self.members)
        for member in members or self.members:
            daemons = [member.issuer, member.http] if isinstance(member, Daemons) else [member]
            for daemon in daemons:
                if daemon.process and daemon.process.poll() is None:
                    daemon.process.send_signal(signal.SIGHUP)

    def sql(self, statement, rows=None):
        """In the database of the members, as its superuser."""
        return self.cluster.psql(statement, rows, database=self.name)

    def end(self):
        """After all members have stopped."""
        self.databases.drop(self.name)
