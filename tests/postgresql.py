"""A PostgreSQL server for one test, as root or as any user: a new cluster in a directory of its own, on a Unix socket and a
port of 127.0.0.1. As root the server runs as the user postgres, or nobody.

    cluster = postgresql.start()
    cluster.psql("SELECT 1")
    cluster.remove()

postgresql.py COMMAND...: runs COMMAND with the URL of such a cluster in PGURL."""

import contextlib
import ctypes
import glob
import importlib.util
import os
import pwd
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PASSWORD = "only for this test"
SETTINGS = """listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
shared_buffers = 32MB
max_connections = 60
log_line_prefix = '%m [%p] %u@%d '
"""
# Only root and the server's user reach the socket.
ACCESS = """local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


def programs():
    """The directory of the newest initdb and postgres, or None. PostgreSQL's Debian packages leave it out of PATH."""
    version = re.compile(r"\d+")
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(version.search(path)[0]))
    found = found or glob.glob("/usr/bin/postgres")
    return os.path.dirname(found[-1]) if found else None


def missing():
    """Why there can be no server here, or None."""
    if not programs():
        return "needs a PostgreSQL server (Debian package postgresql)"
    return None if importlib.util.find_spec("psycopg2") else "needs psycopg2 (Debian package python3-psycopg2)"


def server_user():
    """postgres refuses to run as root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no user postgres and no user nobody")


def free_port():
    """Not one that the kernel gives to a client while the server is stopped (ip_local_port_range)."""
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", random.randrange(20000, 32000))) as server:
            return server.getsockname()[1]


def end_with_parent():
    """A test that is killed leaves no server."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Cluster:
    """Its files are in `dir`: data, sockets and log. The superuser is postgres, the database is jwt."""

    def __init__(self, directory, settings):
        self.dir = directory
        self.port = free_port()
        self.user = server_user() if os.getuid() == 0 else None
        self.process = None
        os.chmod(self.dir, 0o755)
        for name in ("data", "sockets"):
            os.mkdir(self.path(name), 0o700)
            if self.user:
                os.chown(self.path(name), self.user.pw_uid, self.user.pw_gid)
        self.log = open(self.path("log"), "ab", buffering=0)
        self.init(settings)
        self.restart()
        self.psql("CREATE DATABASE jwt", database="postgres")
        self.psql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")

    def path(self, name):
        return os.path.join(self.dir, name)

    def popen(self, program, *words, **more):
        """Starts a program of PostgreSQL as the user of the server."""
        if self.user:
            more.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[])
        return subprocess.Popen([os.path.join(programs(), program), *words], cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=self.log, stderr=self.log, **more)

    def init(self, settings):
        made = self.popen("initdb", "--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust",
                          "-D", self.path("data")).wait()
        assert made == 0, self.text("log")
        with open(self.path("data/postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(port=self.port, sockets=self.path("sockets")) + settings)
        with open(self.path("data/pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write(ACCESS)

    def text(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def url_of(self, user="postgres", database="jwt"):
        """By the Unix socket, which asks for no password."""
        query = urllib.parse.urlencode({"host": self.path("sockets"), "port": self.port})
        return f"postgresql://{user}@/{database}?{query}"

    @property
    def url(self):
        return self.url_of()

    def connect(self, url=None):
        """In autocommit mode."""
        import psycopg2  # pylint: disable=import-outside-toplevel
        connection = psycopg2.connect(url or self.url)
        connection.autocommit = True
        return connection

    def psql(self, statement, rows=None, user="postgres", database="jwt"):
        """The rows that a statement returns, bytea as bytes; with rows, it is executed for each of them (%s)."""
        with contextlib.closing(self.connect(self.url_of(user, database))) as connection, connection.cursor() as cursor:
            for row in rows or [None]:
                cursor.execute(statement, row)
            if not cursor.description:
                return []
            return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in cursor]

    def processes(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [pid, *map(int, file.read().split())]

    def stop(self):
        """Stops the server as an administrator does; open transactions are rolled back."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            status = self.process.wait(60)
            self.process = None
            assert status == 0, self.text("log")

    def kill9(self):
        """Kills all processes of the server at once, as a power failure does; what the kernel has, it keeps."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        all_of_them = [os.pidfd_open(pid) for pid in self.processes()]
        for pidfd in all_of_them:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for pidfd in all_of_them:
            select.select([pidfd], [], [])  # it has exited and has let go of the shared memory
            os.close(pidfd)
        self.process.wait()
        self.process = None

    def restart(self):
        """Starts the server, which is stopped first if it runs; returns when it accepts connections."""
        self.stop()
        main = threading.current_thread() is threading.main_thread()  # of another, the end would be the parent's death
        self.process = self.popen("postgres", "-D", self.path("data"), preexec_fn=end_with_parent if main else None)
        while subprocess.run([os.path.join(programs(), "pg_isready"), "-q", "-h", self.path("sockets"), "-p", str(self.port)],
                             check=False).returncode != 0:
            assert self.process.poll() is None, self.text("log")
            time.sleep(0.05)

    def remove(self):
        self.stop()
        self.log.close()
        shutil.rmtree(self.dir)


def start(directory=None, settings=""):
    """A new cluster in a directory that does not exist yet, below one that all users may search (default: a new one in
    TMPDIR), with these additional lines of postgresql.conf."""
    if directory:
        os.mkdir(directory)
    return Cluster(directory or tempfile.mkdtemp(prefix="jwt-postgresql."), settings)


def main():
    cluster = start()
    try:
        return subprocess.run(sys.argv[1:], env=dict(os.environ, PGURL=cluster.url), check=False).returncode
    finally:
        cluster.remove()


if __name__ == "__main__":
    sys.exit(main())
