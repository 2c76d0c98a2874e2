"""jwtd and simplejwt with each other's tokens, and one client with both."""

import json
import os
import subprocess
import tempfile

import client
import pytest
from daemons import ALICE, CAROL, Daemons, payload
from django_site import DjangoSite, private_key, public_key
from wire_differences import SINCE_5_4

SETTINGS = """[Token]
Algorithm=%s
UserIdClaim=user_id
Issuer=https://login.example
Audience=site.example
MaxTokenLength=1024
"""

SITE = {"USER_ID_FIELD": "username", "ISSUER": "https://login.example", "AUDIENCE": "site.example"}


def keys_url(daemons):
    return f"http://127.0.0.1:{daemons.port}/.well-known/jwks.json"


def takes_ours(daemons, site):
    """The site accepts jwtd's access tokens, and no refresh or modified token."""
    for who in (ALICE, CAROL):
        pair = daemons.obtain(who)
        reply = site.request("GET", "/api/user/", headers=["Authorization: Bearer " + pair["access"]])
        assert (reply.status, reply.json()) == (200, {"username": who["username"]}), reply.raw
        assert site.post("/api/token/verify/", {"token": pair["access"]}).status == 200
        head, claims, signature = pair["access"].split(".")
        changed = f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
        for token in (pair["refresh"], changed):
            reply = site.request("GET", "/api/user/", headers=["Authorization: Bearer " + token])
            assert (reply.status, reply.json()["code"]) == (401, "token_not_valid"), reply.raw


def takes_none_for_a_host_key(daemons, site):
    """With AUDIENCE set, the site accepts no token that a host received because it is bound to its key."""
    access = daemons.obtain(ALICE)["access"]
    reply = daemons.post("/api/token/narrow/", {"host_key": "A" * 22}, ["Authorization: Bearer " + access])
    assert reply.status == 200, reply.raw
    bound = reply.json()["access"]
    assert payload(bound)["aud"] == "site.example#" + "A" * 22
    reply = site.request("GET", "/api/user/", headers=["Authorization: Bearer " + bound])
    assert (reply.status, reply.json()["code"]) == (401, "token_not_valid"), reply.raw
    assert site.post("/api/token/verify/", {"token": bound}).status == 401


# simplejwt has EdDSA since 5.4.
WITH_EDDSA = [("EdDSA", "VERIFYING_KEY", public_key), ("EdDSA", "JWK_URL", keys_url)] if SINCE_5_4 else []


@pytest.mark.parametrize("algorithm, setting, key", [
    ("HS256", "SIGNING_KEY", private_key), ("RS256", "VERIFYING_KEY", public_key),
    ("ES256", "VERIFYING_KEY", public_key), ("ES256", "JWK_URL", keys_url), *WITH_EDDSA])
def test_a_django_site_takes_our_tokens(build, algorithm, setting, key):
    daemons = Daemons(build, SETTINGS % algorithm, tcp=True)
    try:
        site = DjangoSite(dict(SITE, ALGORITHM=algorithm, **{setting: key(daemons)}))
        try:
            takes_ours(daemons, site)
            takes_none_for_a_host_key(daemons, site)
        finally:
            site.stop()
    finally:
        daemons.stop()


# Tokens of a site at a login

SECTION = """[Issuer https://site.example]
Keys=%s
Algorithms=%s
Audience=login.example
UserClaim=user_id
Require=user_id aud exp iat
UserMap=%s
"""


class Host:
    """Settings, keys and a PAM service of a host that accepts a site's tokens."""

    def __init__(self, build, key, algorithm):
        self.build, self.algorithm = os.path.abspath(build), algorithm
        self.place = tempfile.TemporaryDirectory(prefix="jwt-interop.")
        self.dir = self.place.name
        os.chmod(self.dir, 0o755)
        self.write("key.jwk", json.dumps(key), 0o600 if key["kty"] == "oct" else 0o644)
        self.map("same")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)

    def map(self, user_map):
        self.write("jwt.conf", SECTION % (self.path("key.jwk"), self.algorithm, user_map))
        line = f"{self.build}/pam_jwt/pam_jwt.so config={self.path('jwt.conf')}"
        self.write("login", f"auth required {line}\naccount required {line}\n")

    def verify(self, token, user):
        """The result of jwtctl verify, which must be that of the module."""
        done = subprocess.run([self.build + "/jwtctl/jwtctl", "verify", "--user=" + user,
                               "config=" + self.path("jwt.conf")], input=token.encode(),
                              stdout=subprocess.PIPE, check=False)
        said = json.loads(done.stdout)
        done = subprocess.run([self.build + "/tests/http/pam_login", self.dir, "login", user],
                              input=token.encode(), stdout=subprocess.PIPE, check=True)
        assert (done.stdout == b"0\n") == said["valid"], (done.stdout, said)
        return "valid" if said["valid"] else said["error"]


def opens_logins(build, algorithm, keys, key):
    site = DjangoSite(dict(SITE, ISSUER="https://site.example", AUDIENCE="login.example",
                           ALGORITHM=algorithm, **keys))
    host = Host(build, key, algorithm)
    try:
        pair = site.post("/api/token/", ALICE).json()
        assert payload(pair["access"])["user_id"] == "alice"
        assert host.verify(pair["access"], "alice") == "valid"
        assert host.verify(pair["access"], "carol") == "wrong_user"
        assert host.verify(pair["refresh"], "alice") == "wrong_type"
        assert host.verify(pair["access"][:-3], "alice") != "valid"
        host.map("none")
        assert host.verify(pair["access"], "alice") != "valid"
    finally:
        site.stop()
        host.place.cleanup()


def key_of(build, algorithm):
    daemons = Daemons(build, SETTINGS % algorithm)
    try:
        private = private_key(daemons)
        return private, private if private["kty"] == "oct" else public_key(daemons)
    finally:
        daemons.stop()


def test_a_django_sites_hs256_tokens_are_accepted_at_a_login(build):
    private, _ = key_of(build, "HS256")
    opens_logins(build, "HS256", {"SIGNING_KEY": private}, private)


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"] if SINCE_5_4 else ["RS256"])
def test_a_django_sites_tokens_of_a_key_pair_are_accepted_at_a_login(build, algorithm):
    private, public = key_of(build, algorithm)
    opens_logins(build, algorithm, {"SIGNING_KEY": private, "VERIFYING_KEY": public}, public)


# One client


def test_one_client_runs_against_both_servers_unchanged(build):
    daemons = Daemons(build, "[Http]\nFailureTime=100ms\n", tcp=True)
    site = DjangoSite({"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True})
    try:
        for port in (site.port, daemons.port):
            client.main(f"http://127.0.0.1:{port}", ALICE["username"], ALICE["password"])
    finally:
        site.stop()
        daemons.stop()
