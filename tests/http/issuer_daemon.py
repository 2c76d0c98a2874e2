"""A jwtd-issuer on its own socket, with a jwtd-login whose replies the test sets."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

from daemons import payload, until, wait_for_tick
from wire import ADMIN_STATUS, BLACKLIST, CHECK, OBTAIN, PING, REFRESH, STATUS, VERIFY, WHOAMI, ask, message, read, serve

SOURCE = b"uid 1000"


class ScriptedLogin:
    """Replaces jwtd-login."""

    def __init__(self, path):
        self.passwords = {b"alice": b"secret one", b"carol": b"secret two"}
        self.accounts = {}
        self.check = None  # if set, the reply to every password
        self.stamp = b"0" * 16
        self.uid = 1000
        self.asked, self.answered = [], []
        self.amr = 1
        self.delay = 0
        self.before = None  # if set, called with each request before it is answered
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        listener.listen(256)
        self.stop = serve(listener, self.answer)

    def answer(self, client):
        with client:
            try:
                packet = client.recv(65536)
                if not packet:
                    return
                op, fields = read(packet)
                self.asked.append(op)
                if self.before:
                    self.before(op, fields)
                time.sleep(self.delay)
                known = fields[0] in self.passwords
                if op == CHECK:
                    good = known and self.passwords[fields[0]] == fields[1]
                    status = self.check or ("ok" if good else "denied")
                else:
                    status = self.accounts.get(fields[0], "ok" if known else "not_found")
                good = [self.stamp, self.uid] + ([self.amr] if op == CHECK else [])
                client.send(message(STATUS.index(status), *(good if status == "ok" else [])))
                self.answered.append(op)
            except OSError:
                pass


class Issuer:
    def __init__(self, build, settings="", asker="root", init=True, database=None):
        self.dir = tempfile.mkdtemp(prefix="jwt-issuer.")
        self.modules = build + "/jwtd/issuer"
        self.program = self.modules + "/jwtd-issuer"
        self.asker = asker
        for name in ("state", "public"):
            os.mkdir(self.path(name), 0o700 if name == "state" else 0o755)
        self.configure(settings)
        self.database = database
        if database:
            database.write_settings(self.path("jwt.conf"))
        # First: accept() of the login reserves a number, and 3 and 4 must be open when the issuer is started.
        self.listeners = [self.listen("socket"), self.listen("admin")]
        self.login = ScriptedLogin(self.path("login"))
        self.log = open(self.path("log"), "ab+", buffering=0)
        self.process = None
        self.environment = {}
        self.host = None  # the name of the host
        if init:
            self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def listen(self, name):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self.path(name))
        listener.listen(512)
        return listener

    def write_file(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, settings):
        self.write_file("jwt.conf", settings)

    def text(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def argv(self):
        named = ["unshare", "-u", "/bin/sh", "-c", 'hostname "$0" && exec "$@"', self.host] if self.host else []
        return [*named, self.program, f"--config={self.path('jwt.conf')}", f"--state={self.path('state')}",
                f"--public={self.path('public')}", f"--login={self.path('login')}", f"--asker={self.asker}",
                f"--modules={self.modules}"]

    def start(self):
        def give():
            high = [os.dup2(listener.fileno(), 100 + i) for i, listener in enumerate(self.listeners)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)

        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *self.argv()], restore_signals=False,
            preexec_fn=give, pass_fds=[3, 4], stdin=subprocess.DEVNULL,
            env=dict(os.environ, LISTEN_FDS="2", LISTEN_FDNAMES="issuer:admin", **self.environment),
            stdout=self.log, stderr=self.log)

    def has_started(self):
        """Whether SIGTERM is a request to the process, and does not just kill it."""
        if self.process.poll() is not None:
            return True
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            blocked = next(line.split()[1] for line in file if line.startswith("SigBlk:"))
        return bool(int(blocked, 16) >> (signal.SIGTERM - 1) & 1)

    def end(self, number=signal.SIGTERM):
        if number == signal.SIGTERM:
            until(self.has_started)
        self.process.send_signal(number)
        status = self.process.wait(15)
        assert status == (0 if number == signal.SIGTERM else -number), status

    def restart(self, number=signal.SIGTERM):
        self.end(number)
        self.start()

    def init(self):
        return subprocess.Popen(self.argv() + ["--init"], stdin=subprocess.DEVNULL, stdout=self.log,
                                stderr=self.log)

    def connect(self, name="socket"):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(45)
        client.connect(self.path(name))
        return client

    def send(self, packet):
        client = self.connect()
        client.send(packet)
        return client

    def ask(self, op, *fields):
        """(status, fields), or ("closed", [])."""
        with self.connect("admin" if op >= ADMIN_STATUS else "socket") as client:
            return ask(client, message(op, *fields))

    def ping(self):
        return self.ask(PING)[0]

    def obtain(self, user=b"alice", password=None):
        """(refresh, access) of a successful login."""
        wait_for_tick()
        status, pair = self.ask(OBTAIN, user, password or self.login.passwords[user], SOURCE)
        assert status == "ok", status
        return pair

    def guess(self, user=b"alice"):
        return self.ask(OBTAIN, user, b"wrong", SOURCE)[0]

    def refresh(self, token):
        """(status, access, refresh)."""
        status, values = self.ask(REFRESH, token, SOURCE)
        return (status, *values) if values else (status, b"", b"")

    def verify(self, token):
        return self.ask(VERIFY, token)[0]

    def blacklist(self, token):
        return self.ask(BLACKLIST, token, SOURCE)[0]

    def whoami(self, token):
        return self.ask(WHOAMI, token)[0]

    def all_say(self, word, refresh, access):
        said = [self.refresh(refresh)[0], self.verify(refresh), self.verify(access), self.whoami(access)]
        assert said == [word] * 4, said

    def revoked(self):
        return [line[:22] for line in self.text("public/revoked").splitlines()]

    def published(self, n, within=10):
        """The list of revoked sessions as soon as it has n lines."""
        end = time.monotonic() + within
        while len(self.revoked()) != n and time.monotonic() < end:
            time.sleep(0.01)
        return self.revoked()

    def in_store(self, statement, rows=None):
        """The result of an SQL statement; with rows, it is executed for each of them."""
        if self.database:
            return self.database.sql(statement.replace("?", "%s"), rows)
        with sqlite3.connect(self.path("state/sessions.db"), timeout=10) as store:
            said = store.executemany(statement, rows) if rows else store.execute(statement)
            said = said.fetchall()
        store.close()
        return said

    def recovers(self):
        for _ in range(60):
            if self.ping() == "ok":
                return
            time.sleep(0.1)
        raise AssertionError("is not well again")

    def stop(self, front_lies=False):
        """front_lies: the sources in the log came from a hostile jwtd and may be anything."""
        if self.process and self.process.poll() is None:
            self.end()
        for listener in self.listeners:
            listener.close()
        self.login.stop()
        self.log.close()
        log = self.text("log")
        shutil.rmtree(self.dir)
        assert "Sanitizer" not in log and "runtime error" not in log, log
        if front_lies:
            log = re.sub(r'source=("[^"]*"|\S*)', "", log)
        assert "eyJhbGciOi" not in log and "secret" not in log and "mallory" not in log, log


def sid(token):
    return payload(token.decode())["sid"]


def at_once(n, what):
    results = [None] * n

    def work(i):
        results[i] = what()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


NO_CACHE = "[Session]\nAccountCacheTime=0\n"
