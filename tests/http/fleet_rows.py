"""The key documents and the bundle that several issuers have in their database, and what a hostile user of it writes there."""

import base64
import contextlib
import glob
import json
import os
import sys
import time

import wire
from daemons import payload, until
from test_bundle import describes_the_list, fetch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sync"))
from issuer import Key  # noqa: E402 pylint: disable=wrong-import-position

NOW, OF_BUNDLE = 1, 2
ISS = "https://login.example"
BUMP = "UPDATE counter SET value = value + 1 WHERE name = 'keys'"


def rotate(issuer, bundle=0):
    status, (new, old, _) = issuer.ask(wire.ADMIN_ROTATE, b"", bundle)
    assert status == "ok", status
    return new.decode(), old.decode()


def retire_now(issuer, which):
    status, _ = issuer.ask(wire.ADMIN_RETIRE, which.encode(), NOW)
    assert status == "ok", status


def kids(issuer):
    return {key["kid"] for key in json.loads(issuer.text("public/jwks.json"))["keys"]}


def follow(*issuers):
    """Each has read the database."""
    for issuer in issuers:
        assert issuer.verify(issuer.obtain()[1]) == "ok"


def documents(fleet):
    return dict(fleet.sql("SELECT thumbprint, document FROM issuer"))


def own_key(issuer, which="bundle"):
    """A private key of an issuer."""
    path, = glob.glob(issuer.path(f"state/{which}/*.jwk"))
    with open(path, encoding="utf-8") as file:
        jwk = json.load(file)
    key = Key()
    private = base64.urlsafe_b64decode(jwk["d"] + "=")
    key.private = type(key.private).from_private_bytes(private)
    key.jwk = {name: jwk[name] for name in ("kty", "crv", "x", "kid", "alg") if name in jwk}
    key.kid = jwk["kid"]
    return key


def document(signer, *keys, iss=ISS, chain=None, typ="jwt-issuer-keys", seq=None):
    """A key document of these keys."""
    links = chain or [{"jwk": signer.jwk}]
    content = {"iss": iss, "iat": int(time.time()), "seq": seq or int(time.time() * 1000000),
               "keys": [{**key.jwk, "state": "signing"} for key in keys], "bundle_keys": links}
    return signer.sign({"alg": "EdDSA", "typ": typ, "kid": signer.kid}, content)


def forged(key, token):
    """A token with the claims of this one, signed by another key."""
    return key.sign({"alg": "EdDSA", "typ": "JWT", "kid": key.kid}, payload(token.decode())).encode()


def refused_everywhere(fleet, key, refresh, access):
    """Tokens of this key: at each issuer, and by what hosts get."""
    for issuer in fleet:
        assert issuer.verify(forged(key, access)) == "invalid"
        assert issuer.whoami(forged(key, access)) == "invalid"
        assert issuer.refresh(forged(key, refresh))[0] == "invalid"
        assert key.kid not in kids(issuer)
        text = issuer.ask(wire.BUNDLE)[1][0].decode().split(".")[1]
        assert key.kid not in {k["kid"] for k in json.loads(base64.urlsafe_b64decode(text + "=="))["keys"]}


def ignored(issuer):
    return [line for line in issuer.text("log").splitlines() if "Key document in the database ignored" in line]


def row(issuers):
    return issuers.sql("SELECT seq, change, text FROM bundle")[0]


def one_bundle(issuers):
    """The payload of the bundle that all issuers serve; each has the list that it describes."""
    # Lists that differ are made equal, one issuer after the other.
    until(lambda: len({fetch(issuer)[0] for issuer in issuers}) == 1)
    text, said = fetch(issuers[0])
    for issuer in issuers:
        describes_the_list(issuer, said)
    assert row(issuers)[2].encode() == text
    return said


def in_the_row(issuers, key, said, **changes):
    """Puts a bundle with this content into the row, signed by a key without predecessors."""
    said = {**said, "seq": said["seq"] + 1, "bundle_keys": [{"jwk": key.jwk}], **changes}
    text = key.sign({"alg": "EdDSA", "typ": "jwt-bundle", "kid": key.kid}, said)
    issuers.sql("UPDATE bundle SET text = %s, seq = %s", [(text, said["seq"])])


@contextlib.contextmanager
def no_record(issuer):
    """Its numbers cannot be recorded."""
    state = issuer.path("state/bundle/state")
    os.rename(state, state + ".kept")
    os.mkdir(state)  # a file cannot replace it
    yield
    os.rmdir(state)
    os.rename(state + ".kept", state)
