"""Two issuers behind nginx and behind haproxy, as docs/fleet.md configures them."""

import contextlib
import os
import socket
import subprocess
import threading
import time

import pytest
from balancer import HAPROXY, NAME, NGINX, Balanced
from daemons import ALICE, QUICK, payload, until

PROXIED = QUICK.replace("[Http]\n", "[Http]\nTrustedProxies=nobody\nAllowedHosts=login.example\n").replace(
    "RotationGrace=1s", "RotationGrace=1min").replace("FailureTime=300ms", "FailureTime=100ms")
LIMITED = PROXIED.replace("FailuresPerSource=0", "FailuresPerSource=4/h")
pytestmark = [pytest.mark.fleet(PROXIED),
              pytest.mark.skipif(not NGINX, reason="needs nginx: ./test fetches it")]
WRONG = dict(ALICE, password="no such secret")
REFRESH = "/api/token/refresh/"


@pytest.fixture(params=["nginx", "haproxy"])
def kind(request):
    if request.param == "haproxy" and not HAPROXY:
        pytest.skip("needs haproxy: ./test fetches it")
    return request.param


@pytest.fixture
def b(fleet, kind, tmp_path_factory):
    balanced = Balanced(str(tmp_path_factory.mktemp("balanced")), fleet, kind)
    os.chmod(os.path.dirname(balanced.dir), 0o755)
    yield balanced
    balanced.stop()


def test_every_request_is_answered_by_either_issuer(b):
    status, pair = b.post("/api/token/", ALICE)
    assert status == 200, pair
    for _ in range(6):
        old = pair["refresh"]
        status, pair = b.post(REFRESH, {"refresh": old})
        assert status == 200, pair
        status, again = b.post(REFRESH, {"refresh": old})
        assert status == 200 and payload(again["refresh"])["jti"] == payload(pair["refresh"])["jti"], again
        assert b.request("GET", "/api/user/", token=again["access"])[0] == 200
    assert b.request("GET", "/healthz")[0] == 200 and b.request("GET", "/metrics")[0] == 404
    assert all(n >= 3 for n in b.served()), b.served()
    assert b.post("/api/token/blacklist/", {"refresh": pair["refresh"]})[0] == 200
    assert [b.post(REFRESH, {"refresh": pair["refresh"]})[0] for _ in range(4)] == [401] * 4


def test_a_client_can_send_many_requests_on_one_connection(b):
    pair = b.post("/api/token/", ALICE)[1]
    connection = b.connect()
    for _ in range(10):
        assert b.request("GET", "/api/user/", token=pair["access"], connection=connection)[0] == 200
        status, pair = b.post(REFRESH, {"refresh": pair["refresh"]}, connection=connection)
        assert status == 200, pair
    connection.close()
    assert all(b.served()), b.served()


@pytest.mark.fleet(LIMITED)
def test_failures_of_a_client_are_counted_by_its_address_at_both_issuers_together(b):
    said = [b.request("POST", "/api/token/", WRONG, "192.0.2.7", X_Forwarded_For=f"198.51.100.{i}") for i in range(8)]
    assert [status for status, _, _ in said] == [401] * 4 + [429] * 4, said
    assert 3000 < int(said[-1][2]["Retry-After"]) <= 3600, said[-1]
    assert b.request("POST", "/api/token/", ALICE, "192.0.2.7")[0] == 429
    assert b.request("POST", "/api/token/", ALICE, "192.0.2.8")[0] == 200
    assert b.request("POST", "/api/token/", ALICE, "192.0.2.9", X_Forwarded_For="192.0.2.7")[0] == 200
    assert all(b.served()), b.served()


# Repeated requests

class Faulty:
    """Replaces the jwtd of both issuers: the first of them that gets a request meets it with a fault, all further
    requests get a reply. Or, with the fault "busy", both answer 503 to each request with the header X-Busy."""

    def __init__(self, fleet, fault):
        self.fault, self.got, self.lock, self.ends = fault, [], threading.Lock(), threading.Event()
        self.listeners = []
        for number, member in enumerate(fleet):
            member.hold(member.http)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(member.path("http.sock"))
            os.chmod(member.path("http.sock"), 0o666)
            listener.listen(64)
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(listener, number), daemon=True).start()

    def accept(self, listener, number):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self.serve, args=(client, number), daemon=True).start()

    def serve(self, client, number):
        with client, contextlib.suppress(OSError):
            raw = b""
            while b"\r\n\r\n" not in raw:
                piece = client.recv(65536)
                if not piece:
                    return
                raw += piece
            health = raw.startswith(b"GET /healthz")
            with self.lock:
                first = b"x-busy" in raw.lower() if self.fault == "busy" else not self.got and not health
                if not health:
                    self.got.append(number)
            if first and self.fault == "closes":
                return
            if first and self.fault == "hangs":
                self.ends.wait(120)
                return
            status = b"503 Service Unavailable" if first else b"200 OK"
            client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                           b"Connection: close\r\n\r\n{}")

    def stop(self):
        """The members' own jwtd stay stopped."""
        self.ends.set()
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@contextlib.contextmanager
def faulty(fleet, fault):
    servers = Faulty(fleet, fault)
    try:
        yield servers
    finally:
        servers.stop()


@pytest.mark.parametrize("path, fault", [("refresh", "closes"), ("refresh", "503"), ("refresh", "hangs"),
                                         ("verify", "503"), ("blacklist", "closes")])
def test_a_refresh_a_verification_and_a_logout_are_repeated_at_the_other_issuer(b, fleet, path, fault):
    with faulty(fleet, fault) as servers:
        begun = time.monotonic()
        assert b.request("POST", f"/api/token/{path}/", {"refresh": "a"})[0] == 200
        assert len(servers.got) == 2, servers.got
        assert fault != "hangs" or time.monotonic() - begun > 4


@pytest.mark.parametrize("path, fault", [("token/", "closes"), ("token/", "503"), ("token/exchange/", "closes"),
                                         ("logout/all/", "503")])
def test_what_must_happen_once_is_never_repeated(b, fleet, path, fault):
    with faulty(fleet, fault) as servers:
        assert b.request("POST", "/api/" + path, WRONG)[0] in (502, 503)
        assert len(servers.got) == 1, servers.got


def test_the_503_of_one_user_takes_no_issuer_out_for_others(b, fleet):
    with faulty(fleet, "busy") as servers:
        def answered_by(path):
            servers.got.clear()
            assert [b.request("POST", path, WRONG)[0] for _ in range(4)] == [200] * 4
            return sorted(servers.got)

        until(lambda: answered_by(REFRESH) == [0, 0, 1, 1])  # haproxy has found both healthy
        for _ in range(4):
            assert b.request("POST", REFRESH, {"refresh": "a"}, X_Busy="1")[0] == 503
            assert answered_by("/api/token/") == answered_by(REFRESH) == [0, 0, 1, 1]


def test_while_one_machine_is_down_the_other_answers_everything(b):
    pair = b.post("/api/token/", ALICE)[1]
    for i, down in enumerate(b.issuers):
        down.stop()
        for _ in range(4):
            status, pair = b.post(REFRESH, {"refresh": pair["refresh"]})
            assert status == 200, pair
            assert b.post("/api/token/", ALICE)[0] == 200, "nothing was sent: it goes to the other one"
        down.start(b.addresses[i])
        before = b.served()[i]
        until(lambda: b.request("GET", "/api/user/", token=pair["access"])[0] == 200 and b.served()[i] > before)


@pytest.mark.parametrize("kind", ["haproxy"])  # nginx has no health checks of its own
def test_an_issuer_that_is_not_healthy_gets_no_logins_from_haproxy(b, fleet):
    with fleet[0].down(fleet[0].issuer):
        until(lambda: [b.post("/api/token/", ALICE)[0] for _ in range(3)] == [200] * 3)
        before = b.served()[0]
        assert [b.post("/api/token/", ALICE)[0] for _ in range(6)] == [200] * 6
        assert b.served()[0] == before
    until(lambda: b.post("/api/token/", ALICE)[0] == 200 and b.served()[0] > before)


# jwtctl

@contextlib.contextmanager
def hosts_file(line, directory):
    """/etc/hosts with one line more, in this mount namespace."""
    path = os.path.join(directory, "hosts")
    with open("/etc/hosts", encoding="utf-8") as file, open(path, "w", encoding="utf-8") as copy:
        copy.write(file.read() + "\n" + line + "\n")
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "/etc/hosts"], check=True)


def test_jwtctl_uses_the_balancers_address_as_a_users_server(b, build):
    url = f"https://{NAME}:{b.port}"

    def jwtctl(*words, text=""):
        done = subprocess.run([f"{build}/jwtctl/jwtctl", *words], input=text, capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": b.dir, "SSL_CERT_FILE": b.certificate})
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    with hosts_file(f"127.0.0.1 {NAME}", b.dir):
        jwtctl("login", "alice", "--server=" + url, text=ALICE["password"] + "\n")
        tokens = {jwtctl("token", "--once", "--server=" + url) for _ in range(4)}
        assert len(tokens) == 4 and all(payload(token)["sub"] == "alice" for token in tokens)
        assert jwtctl("sessions", "--server=" + url)
        jwtctl("logout", "--server=" + url)
    assert all(b.served()), b.served()
    assert {b.post("/api/token/verify/", {"token": token})[0] for token in tokens} == {401}
