"""The three daemons in a temporary directory, started as by systemd: with named listening sockets, on the first
connection, and again after a crash. And an HTTP client that returns every byte."""

import base64
import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ALICE = {"username": "alice", "password": "correct horse battery staple"}
CAROL = {"username": "carol", "password": "staple battery horse correct"}

PAM_SERVICE = """auth required pam_unix.so
account required pam_unix.so
"""

# The defaults, with short delays and without throttling.
QUICK = """[Http]
FailureTime=300ms
FailuresPerSource=0
MaxConnectionsPerSource=128
[Session]
RotationGrace=1s
AccountCacheTime=0
FailuresPerUser=0
LoginsPerUser=0
"""


def now():
    """The time of the daemons and of pam_jwt, which read CLOCK_REALTIME_COARSE: up to a tick behind time.time()."""
    return time.clock_gettime(5)


def wait_for_tick():
    """Until the daemons read another millisecond: sessions of the same one have no order."""
    before = int(now() * 1000)
    while int(now() * 1000) == before:
        time.sleep(0.001)


def until(condition, within=60):
    """Waits until the condition is true."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s"
        time.sleep(0.01)


class Reply:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.raw = raw
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), []).append(value.strip())

    def header(self, name):
        return ", ".join(self.headers.get(name.lower(), []))

    def json(self):
        return json.loads(self.body)


NO_TYPE = "Content-Type: none is sent"


def request_bytes(method, path, body=None, headers=None):
    """The bytes of a request. A body that is not bytes is sent as JSON."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(headers or [])]
    if body is not None:
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if not any(h.lower().startswith("content-type:") for h in lines):
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(body)}")
    lines = [line for line in lines if line != NO_TYPE]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def sent_at_once(clients, request):
    """The replies to one request on all these connections: the last byte of each is sent after all others."""
    for client in clients:
        client.sendall(request[:-1])
    for client in random.sample(clients, len(clients)):
        client.sendall(request[-1:])
    replies, left = {client: b"" for client in clients}, set(clients)
    while left:
        ready = select.select(list(left), [], [], 60)[0]
        assert ready, "no reply in 60 s"
        for client in ready:
            piece = client.recv(65536)
            replies[client] += piece
            if not piece:
                left.remove(client)
                client.close()
    return [Reply(raw) for raw in replies.values()]


def preload(build, name, **environment):
    """The environment of a daemon into which this module of BUILD/tests/http is preloaded."""
    module = f"{build}/tests/http/{name}"
    assert os.path.exists(module), module
    asan = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
    return dict(environment, LD_PRELOAD=module, ASAN_OPTIONS=asan)


class Daemon:
    """One daemon and its listening sockets."""

    def __init__(self, argv, sockets, log):
        self.argv, self.sockets, self.log = argv, sockets, log
        self.process = None
        self.starts = 0
        self.exits = []

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        listeners = [s for _, s in self.sockets]

        def give():
            high = [os.dup(s.fileno()) for s in listeners]
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(high)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)

        environment = dict(os.environ, LISTEN_FDS=str(len(listeners)),
                           LISTEN_FDNAMES=":".join(n for n, _ in self.sockets))
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *self.argv], env=environment,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=give,
            pass_fds=range(3, 3 + len(listeners)))
        self.starts += 1


class Daemons:
    def __init__(self, build, settings=QUICK, tcp=False, issuer=True, database=None):
        """tcp: True, or an address and a port. issuer: False for a test that replaces jwtd-issuer. database: a
        fleet.Database; None: the store is a file."""
        self.dir = tempfile.mkdtemp(prefix="jwt-http.")
        os.chmod(self.dir, 0o755)
        self.build = build
        for name in ("state", "public", "pam"):
            os.mkdir(self.path(name), 0o700 if name == "state" else 0o755)
        self.write("pam/jwtd", PAM_SERVICE)
        self.write("jwt.conf", settings)
        if database:
            database.write_settings(self.path("jwt.conf"))
        self.log = open(self.path("log"), "ab+", buffering=0)
        stream, packet = socket.SOCK_STREAM, socket.SOCK_SEQPACKET
        http = [("http", self.listen("http.sock", stream))]
        self.port = None
        if tcp:
            listener = socket.create_server(("127.0.0.1", 0) if tcp is True else tcp)
            self.port = listener.getsockname()[1]
            http.append(("tcp", listener))
        config = "--config=" + self.path("jwt.conf")
        self.http = Daemon([build + "/jwtd/http/jwtd", config, "--issuer=" + self.path("issuer.sock"),
                            "--public=" + self.path("public")], http, self.log)
        self.issuer = Daemon([build + "/jwtd/issuer/jwtd-issuer", config, "--asker=root",
                              "--state=" + self.path("state"), "--public=" + self.path("public"),
                              "--login=" + self.path("login.sock"), "--modules=" + build + "/jwtd/issuer"],
                             [("issuer", self.listen("issuer.sock", packet)),
                              ("admin", self.listen("admin.sock", packet))], self.log)
        self.login = Daemon([build + "/jwtd/login/jwtd-login", config, "--asker=root",
                             "--confdir=" + self.path("pam")],
                            [("login", self.listen("login.sock", packet))], self.log)
        self.all = [self.http, self.issuer, self.login]
        self.held = set() if issuer else {self.issuer}
        self.expected_exits = {0}
        self.stopping = False
        self.lock = threading.Lock()
        init = subprocess.run(self.issuer.argv + ["--init"], stdin=subprocess.DEVNULL,
                              stdout=self.log, stderr=self.log, check=False)
        self.init_status = init.returncode
        self.thread = threading.Thread(target=self.activate, daemon=True)
        self.thread.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def listen(self, name, kind):
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(self.path(name))
        os.chmod(self.path(name), 0o666)
        listener.listen(256)
        return listener

    def activate(self):
        """Starts a daemon that does not run if there is a connection at its socket."""
        while not self.stopping:
            with self.lock:
                for daemon in self.all:
                    if daemon.process is not None and daemon.process.poll() is not None:
                        daemon.exits.append(daemon.process.returncode)
                        daemon.process = None
                    listeners = [s for _, s in daemon.sockets]
                    if not daemon.alive() and daemon not in self.held and select.select(listeners, [], [], 0)[0]:
                        daemon.start()
            time.sleep(0.005)

    def kill(self, daemon, number=signal.SIGKILL):
        if number == signal.SIGKILL:
            self.expected_exits.add(-signal.SIGKILL)
        with self.lock:
            if daemon.alive():
                daemon.process.send_signal(number)
                daemon.process.wait(10)

    @contextlib.contextmanager
    def down(self, daemon):
        """Keeps the daemon stopped, also if an earlier connection is still pending."""
        self.held.add(daemon)
        self.kill(daemon)
        yield
        self.held.remove(daemon)

    def hold(self, daemon):
        """Keeps a daemon stopped and removes its sockets, as for a stopped unit."""
        self.held.add(daemon)
        self.kill(daemon)
        for _, listener in daemon.sockets:
            os.rename(listener.getsockname(), listener.getsockname() + ".held")

    def release(self, daemon):
        for _, listener in daemon.sockets:
            os.rename(listener.getsockname() + ".held", listener.getsockname())
        self.held.remove(daemon)

    def stop(self):
        self.stopping = True
        self.thread.join()
        for daemon in self.all:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.process.terminate()
                try:
                    daemon.exits.append(daemon.process.wait(15))
                except subprocess.TimeoutExpired:
                    daemon.process.kill()
                    daemon.exits.append("did not end on SIGTERM")
            for _, listener in daemon.sockets:
                listener.close()
        log = self.read_log()
        self.log.close()
        shutil.rmtree(self.dir)
        return log

    def read_log(self):
        with open(self.path("log"), "rb") as file:
            return file.read().decode("utf-8", "replace")

    # The client

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(40)
        client.connect(self.path("http.sock"))
        return client

    def raw(self, request, close_write=False):
        """Sends these bytes and returns all that is received until the end."""
        with self.connect() as client:
            try:
                client.sendall(request)
                if close_write:
                    client.shutdown(socket.SHUT_WR)
            except BrokenPipeError:
                pass
            reply = b""
            while True:
                piece = client.recv(65536)
                if not piece:
                    break
                reply += piece
        # A daemon may answer before the thread that started it has noted its process.
        with self.lock:
            return reply

    def request(self, method, path, body=None, headers=None):
        return Reply(self.raw(request_bytes(method, path, body, headers)))

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)

    def get(self, path, token=None):
        return self.request("GET", path, headers=[f"Authorization: Bearer {token}"] if token else None)

    def obtain(self, who=None):
        reply = self.post("/api/token/", who or ALICE)
        assert reply.status == 200, reply.raw
        return reply.json()

    def revoked(self):
        with open(self.path("public/revoked"), encoding="ascii") as file:
            return [line.split(" ")[0] for line in file]


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
