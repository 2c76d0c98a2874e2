"""Issuer nodes with the three daemons, a load balancer, and hosts that accept the tokens."""

import base64
import hashlib
import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "http"), os.path.join(HERE, "..", "..", "sync")]
import network  # noqa: E402
from cluster import until  # noqa: E402
from daemons import Daemons, preload  # noqa: E402
from host import Host  # noqa: E402
from journal import Access, Poll  # noqa: E402

PORT = 8000
NAME, AUDIENCE = "https://login.example", "site.example"
MAX_AGE = 10   # seconds, RevokedMaxAge
INTERVAL = 3   # seconds until each issuer publishes what one of them revoked
LIMIT = MAX_AGE + INTERVAL + 1
SETTINGS = f"""[Token]
Issuer={NAME}
Audience={AUDIENCE}
[Http]
AllowedHosts={" ".join(network.NET + n for n in ("1", "21", "22"))}
FailureTime=300ms
FailuresPerSource=0
MaxConnectionsPerSource=128
[Session]
RotationGrace=5min
AccountCacheTime=0
FailuresPerUser=0
LoginsPerUser=0
MaxSessionsPerUser=100000
"""


class IssuerNode:
    def __init__(self, number, build):
        self.name = f"issuer{number}"
        self.node = network.Node(self.name, 20 + number)
        self.target = (self.name, (self.node.address, PORT))
        self.daemons = self.node.run_in(lambda: Daemons(build, SETTINGS, tcp=(self.node.address, PORT)))
        self.daemons.write("clock", "0")
        clock = preload(build, "clock.so", CLOCK_OFF=self.daemons.path("clock"))
        self.environment = ["env", *(f"{name}={value}" for name, value in clock.items())]
        self.use(build)

    def use(self, build):
        """The program of this build from the next start on."""
        issuer = self.daemons.issuer
        options = [word for word in issuer.argv if word.startswith("--") and not word.startswith("--modules=")]
        issuer.argv = [*self.environment, build + "/jwtd/issuer/jwtd-issuer", f"--modules={build}/jwtd/issuer", *options]

    def configure(self, settings):
        self.daemons.write("jwt.conf", settings)
        for daemon in (self.daemons.issuer, self.daemons.http):
            self.daemons.kill(daemon, 15)

    def set_clock(self, seconds):
        self.daemons.write("clock", str(seconds))

    def kill(self):
        """kill -9; systemd's sockets stay, and the next connection starts it again."""
        self.daemons.kill(self.daemons.issuer)

    def answers(self):
        """Whether the issuer and its store do."""
        return self.daemons.post("/api/token/verify/", {"token": "x"}).status == 401

    def kids(self):
        return frozenset(key["kid"] for key in self.daemons.get("/.well-known/jwks.json").json()["keys"])

    def stop(self):
        return self.daemons.stop()


class Balancer:
    """On the node of the clients. It repeats no request: a client must not be answered while its first request is still
    underway at an issuer."""

    def __init__(self, issuers):
        self.target = ("balancer", (network.CLIENTS.address, PORT))
        self.relay = network.Relay(network.CLIENTS, self.target[1], *(i.target[1] for i in issuers))


class HostNode:
    """A host on which `jwtctl sync` polls one issuer or the load balancer; it decides by the rules of pam_jwt: the key is
    known, the session is not on the list, and the bundle is younger than RevokedMaxAge."""

    def __init__(self, number, target, thumbprints):
        self.name = f"host{number}"
        self.node = network.Node(self.name, 30 + number)
        self.host = Host()
        # Without TLS, jwtctl sync fetches from localhost alone.
        here = ("127.0.0.1", PORT)
        self.relay = network.Relay(self.node, here, target)
        self.host.set("http://%s:%d" % here, *thumbprints, audience=AUDIENCE)

    def poll(self):
        start = time.time()
        done = self.host.fetch(before=self.node.enter).status == 0 and self.host.install().status == 0
        if not done:
            return Poll(self.name, start, time.time(), False)
        return Poll(self.name, start, time.time(), True, int(self.host.synced()["Bundle"]),
                    frozenset(line[:22].decode() for line in self.host.read("var/lib/jwt/revoked").splitlines()))

    def decide(self, token):
        start = time.time()
        synced = self.host.read("var/lib/jwt/synced")
        accepted = synced is not None
        if accepted:
            kids = {key["kid"] for key in json.loads(self.host.read("var/lib/jwt/jwks.json"))["keys"]}
            revoked = self.host.read("var/lib/jwt/revoked")
            accepted = (token.kid in kids and token.sid.encode() + b" " not in revoked
                        and time.time() - int(self.host.synced()["Bundle"]) <= MAX_AGE)
        return Access(self.name, start, time.time(), accepted, token)


class HostThread(threading.Thread):
    """Polls each second and records its decisions about tokens: of sessions that ended and of some that did not."""

    def __init__(self, host, journal, stop, tokens):
        """tokens: a function that returns the access tokens to decide about."""
        super().__init__(daemon=True)
        self.host, self.journal, self.stop, self.tokens = host, journal, stop, tokens
        self.failed = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.journal.add(self.host.poll())
                for token in self.tokens():
                    self.journal.add(self.host.decide(token))
                self.stop.wait(1)
        except Exception as error:  # pylint: disable=broad-except
            self.failed = f"{self.host.name}: {error!r}"
            raise


def thumbprint(node):
    """Of the bundle key."""
    bundle = node.daemons.get("/.well-known/jwt-bundle").body.decode()
    payload = bundle.split(".")[1]
    links = json.loads(base64.urlsafe_b64decode(payload + "=="))["bundle_keys"]
    needed = {name: links[-1]["jwk"][name] for name in ("crv", "kty", "x")}
    text = json.dumps(needed, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def wait_until_answering(issuers):
    for issuer in issuers:
        until(issuer.answers, 120, f"{issuer.name} answers")
