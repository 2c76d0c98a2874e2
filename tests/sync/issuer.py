"""An issuer without jwtd: bundle and token keys, bundles, lists, and an HTTP server for them."""

import base64
import hashlib
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def letters(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Key:
    """An Ed25519 key; its kid is the start of its thumbprint (RFC 7638)."""

    def __init__(self):
        self.private = Ed25519PrivateKey.generate()
        x = letters(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.thumbprint = letters(hashlib.sha256(compact({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())
        self.kid = self.thumbprint[:8]
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}

    def sign(self, header, payload):
        text = letters(compact(header)) + "." + letters(compact(payload))
        return text + "." + letters(self.private.sign(text.encode()))


def line(number, exp):
    """A line of the list: the session of this number."""
    return f"{letters(number.to_bytes(16, 'big'))} {exp:010d}\n".encode()


class Issuer:
    """What an issuer publishes. Members may be changed before bundle() is called."""

    def __init__(self, iss="https://login.example"):
        self.iss = iss
        self.chain = [Key()]
        self.keys = [(Key(), "signing")]
        self.epoch = 1
        self.revoked = b""
        self.pruned_until = 1000
        self.clock = time.time

    def payload(self, **changes):
        now = self.clock()
        links = [{"jwk": self.chain[0].jwk}]
        for before, key in zip(self.chain, self.chain[1:]):
            text = f"jwt-bundle-key {self.iss} {key.thumbprint}".encode()
            links.append({"jwk": key.jwk, "by": before.kid, "signature": letters(before.private.sign(text))})
        kept = [entry for entry in self.revoked.splitlines(True) if int(entry[23:33]) > self.pruned_until]
        payload = {"iss": self.iss, "iat": int(now), "exp": int(now) + 3600, "epoch": self.epoch,
                   "seq": int(now * 1000000), "keys": [{**key.jwk, "state": state} for key, state in self.keys],
                   "bundle_keys": links,
                   "revoked": {"sha256": letters(hashlib.sha256(b"".join(kept)).digest()), "count": len(kept),
                               "pruned_until": self.pruned_until}}
        payload.update(changes)
        return payload

    def bundle(self, by=None, typ="jwt-bundle", **changes):
        key = by or self.chain[-1]
        return key.sign({"alg": "EdDSA", "typ": typ, "kid": key.kid}, self.payload(**changes)).encode()

    def revoke(self, *numbers, exp=None):
        entries = {entry[:22]: entry for entry in self.revoked.splitlines(True)}
        for number in numbers:
            entry = line(number, exp or int(time.time()) + 900)
            entries[entry[:22]] = entry
        self.revoked = b"".join(entries[sid] for sid in sorted(entries))


class Server(http.server.ThreadingHTTPServer):
    """Serves the bundle and list of an issuer on 127.0.0.1. `answer` maps a path to (status, headers, body) or to a
    function of the handler that answers itself."""

    daemon_threads = True

    def __init__(self, issuer, secure=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer, self.answer, self.asked, self.peers = issuer, {}, [], []
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self.server_address[1]}"
        if secure:
            self.socket = secure.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that does not trust the certificate, or has heard enough."""

    def stop(self):
        self.shutdown()
        self.server_close()

    def count(self, name):
        return sum(path == "/.well-known/jwt-" + name for path in self.asked)


class Replies(http.server.BaseHTTPRequestHandler):
    def reply(self, status, headers, body):
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Handler(Replies):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        server.peers.append(self.client_address)
        name = self.path.rpartition("/jwt-")[2]
        answer = server.answer.get(name)
        if callable(answer):
            answer = answer(self)
            if answer is None:
                return
        if answer is None:
            body = server.issuer.bundle() if name == "bundle" else server.issuer.revoked
            answer = (200, {}, body)
        self.reply(*answer)

    def address_string(self):
        return "local"
