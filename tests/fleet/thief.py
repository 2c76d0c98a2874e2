"""What a thief of the issuer's keys makes: tokens of a signing key, a bundle of a bundle key, and a web server in the
issuer's place."""

import base64
import contextlib
import json
import os
import subprocess
import tempfile
import time

import fleet
from fleet import issuer

KEYS, BUNDLE_KEYS = "/var/lib/jwtd-issuer/keys", "/var/lib/jwtd-issuer/bundle"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dump(value):
    return b64(json.dumps(value, separators=(",", ":")).encode())


def kid_of(token):
    return json.loads(unb64(token.split(".")[0]))["kid"]


def sid_of(token):
    return json.loads(unb64(token.split(".")[1]))["sid"]


def private_key(directory, host=None):
    """The key of this directory that signs, on the issuing host or another one."""
    host = host or issuer()
    signer = host.path(f"{directory}/signer")
    names = [name for name in os.listdir(host.path(directory)) if name.endswith(".jwk")]
    name = fleet.files.read(signer)[:8] + ".jwk" if os.path.exists(signer) else names[0]
    return json.loads(host.read(f"{directory}/{name}"))


def steal_signing_key():
    return private_key(KEYS)


def steal_bundle_key():
    return private_key(BUNDLE_KEYS)


def bundle_kids():
    return [private_key(BUNDLE_KEYS)["kid"]]


def sign(key, header, payload):
    text = dump(header) + "." + dump(payload)
    with tempfile.TemporaryDirectory() as directory:
        der = bytes.fromhex("302e020100300506032b657004220420") + unb64(key["d"])
        for name, data in (("key", der), ("input", text.encode())):
            with open(f"{directory}/{name}", "wb") as file:
                file.write(data)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", f"{directory}/key",
                                    "-in", f"{directory}/input"], capture_output=True, check=True).stdout
    return f"{text}.{b64(signature)}"


def forge(key, user="alice"):
    """A token for the user, of a session that never was."""
    now = int(time.clock_gettime(5))
    return sign(key, {"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]},
                {"token_type": "access", "exp": now + 300, "iat": now, "jti": b64(os.urandom(16)), "sub": user,
                 "iss": fleet.URL, "aud": "site.example", "sid": b64(os.urandom(16))})


def new_key():
    """An Ed25519 key of the thief."""
    der = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=der, capture_output=True,
                            check=True).stdout
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public[-32:]), "d": b64(der[-32:]), "kid": "thiefkey", "alg": "EdDSA",
            "use": "sig"}


def public_part(key):
    return {name: value for name, value in key.items() if name != "d"}


def forged_bundle(bundle_key, token_key):
    """The issuer's own bundle with one more key, in the next epoch."""
    text = issuer().good(f"curl -sS {fleet.URL}/.well-known/jwt-bundle").strip()
    payload = json.loads(unb64(text.split(".")[1]))
    now = time.time()
    payload.update(iat=int(now), exp=int(now) + 3600, seq=int(now * 1000000), epoch=payload["epoch"] + 1)
    payload["keys"].append({**public_part(token_key), "state": "old"})
    payload["bundle_keys"] = [{"jwk": public_part(bundle_key)}]
    return sign(bundle_key, json.loads(unb64(text.split(".")[0])) | {"kid": bundle_key["kid"]}, payload)


@contextlib.contextmanager
def in_place_of_the_issuer(victim, server, bundle_key, may_fail=False):
    """The victim asks another web server, which even has a valid certificate. Yields a token of the thief's key."""
    key = new_key()
    site = "/var/www/thief/.well-known"
    server.write(f"{site}/jwt-bundle", forged_bundle(bundle_key, key))
    server.write(f"{site}/jwt-revoked", issuer().read("/var/lib/jwt/revoked"))
    server.write("/etc/nginx/conf.d/thief.conf", """server {
        listen 443 ssl;
        server_name login.example;
        ssl_certificate /etc/ssl/login.example.pem;
        ssl_certificate_key /etc/ssl/private/login.example.key;
        root /var/www/thief;
    }
""")
    server.good("systemctl reload-or-restart nginx")
    names = victim.read("/etc/hosts")
    victim.write("/etc/hosts", names.replace(" login.example", "").replace(f" {server.name}", f" {server.name} login.example"))
    try:
        status, output = victim.sh("jwtctl sync")
        assert may_fail or status == 0, output
        yield forge(key)
    finally:
        victim.write("/etc/hosts", names)
        server.good("rm /etc/nginx/conf.d/thief.conf; systemctl stop nginx")
