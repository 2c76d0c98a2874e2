"""The tokens of wire_cases.py. Both servers have the same secret, issuer, audience and user claim, so that a
modified token has the same fault at both."""

import base64
import hashlib
import hmac
import json

from daemons import ALICE, now, payload


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header_of(token):
    return json.loads(unb64(token.split(".")[0]))


def sign(header, claims, key, digest=hashlib.sha256):
    """claims: an object, or the bytes of the payload."""
    raw = claims if isinstance(claims, bytes) else json.dumps(claims, separators=(",", ":")).encode()
    text = b64(json.dumps(header, separators=(",", ":")).encode()) + "." + b64(raw)
    return text + "." + b64(hmac.new(key, text.encode(), digest).digest())


REMOVED = object()

# Name: the original token, changes of its claims (a number in a list: seconds from now), changes of its
# header.
MODIFIED = {
    "alg_hs512": ("access", {}, {"alg": "HS512"}),
    "no_kid": ("access", {}, {"kid": REMOVED}),
    "expired_access": ("access", {"exp": [-60], "iat": [-360]}, {}),
    "expired_refresh": ("refresh", {"exp": [-60], "iat": [-360]}, {}),
    "expires_now": ("access", {"exp": [0]}, {}),
    "no_exp": ("access", {"exp": REMOVED}, {}),
    "exp_text": ("access", {"exp": "tomorrow"}, {}),
    "exp_huge": ("access", {"exp": 10**18}, {}),
    "exp_fraction": ("access", {"exp": [1000.5]}, {}),
    "exp_null": ("access", {"exp": None}, {}),
    "no_jti": ("access", {"jti": REMOVED}, {}),
    "no_type": ("access", {"token_type": REMOVED}, {}),
    "type_unknown": ("access", {"token_type": "other"}, {}),
    "nbf_future": ("access", {"nbf": [3600]}, {}),
    "iat_future": ("access", {"iat": [3600], "exp": [7200]}, {}),
    "iss_wrong": ("access", {"iss": "https://other.example"}, {}),
    "no_iss": ("access", {"iss": REMOVED}, {}),
    "aud_wrong": ("access", {"aud": "other.example"}, {}),
    "no_aud": ("access", {"aud": REMOVED}, {}),
    "no_user": ("access", {"user_id": REMOVED}, {}),
    "user_unknown": ("access", {"user_id": "nobodyknows", "sid": REMOVED}, {}),
    "user_inactive": ("access", {"user_id": "bob", "sid": REMOVED}, {}),
    "user_number": ("access", {"user_id": 5, "sid": REMOVED}, {}),
    "typ_other": ("access", {}, {"typ": "dpop+jwt"}),
    "crit": ("access", {}, {"crit": ["exp"]}),
    "refresh_without_jti": ("refresh", {"jti": REMOVED}, {}),
    "refresh_without_exp": ("refresh", {"exp": REMOVED}, {}),
    "sliding_refresh_over": ("sliding", {"refresh_exp": [-60]}, {}),
    "sliding_no_refresh_exp": ("sliding", {"refresh_exp": REMOVED}, {}),
}


def modify(values, changes):
    out = dict(values)
    for name, value in changes.items():
        if value is REMOVED:
            out.pop(name, None)
        else:
            out[name] = int(now()) + value[0] if isinstance(value, list) and name != "crit" else value
    return out


# A request may use these up: they are made anew each time.
USED_UP = ("refresh", "used_refresh", "blacklisted_refresh")


class Tokens:
    """Tokens of one server by name, made on first use."""

    def __init__(self, server, key):
        self.server, self.key, self.made = server, key, {}

    def get(self, name):
        if name in USED_UP:
            return self.make(name)
        if name not in self.made:
            self.made[name] = self.make(name)
        return self.made[name]

    def ask(self, path, body):
        reply = self.server.post(path, body)
        assert reply.status == 200, (path, reply.raw)
        return reply.json()

    def make(self, name):
        if name in ("access", "refresh"):
            return self.ask("/api/token/", ALICE)[name]
        if name == "sliding":
            return self.ask("/api/token/sliding/", ALICE)["token"]
        if name == "used_refresh":
            return self.used("/api/token/refresh/")
        if name == "blacklisted_refresh":
            return self.used("/api/token/blacklist/")
        if name in MODIFIED:
            return self.modified(*MODIFIED[name])
        return self.broken(name)

    def used(self, path):
        token = self.ask("/api/token/", ALICE)["refresh"]
        self.ask(path, {"refresh": token})
        return token

    def modified(self, base, claims, header):
        token = self.get(base)
        header = modify(header_of(token), header)
        digest = hashlib.sha512 if header["alg"] == "HS512" else hashlib.sha256
        return sign(header, modify(payload(token), claims), self.key, digest)

    def broken(self, name):
        access = self.get("access")
        header, claims, signature = access.split(".")
        return {
            "garbage": lambda: "garbage",
            "two_parts": lambda: header + "." + claims,
            "four_parts": lambda: access + "." + signature,
            "no_signature": lambda: f"{header}.{claims}.",
            "wrong_signature": lambda: f"{header}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
            "other_key": lambda: sign(header_of(access), payload(access), b"k" * 32),
            "alg_none": lambda: b64(b'{"alg":"none","typ":"JWT"}') + f".{claims}.",
            "payload_no_json": lambda: sign(header_of(access), b"{x", self.key),
            "payload_list": lambda: sign(header_of(access), b"[]", self.key),
            "cut": lambda: access[:-2],
            "longer": lambda: access + "A",
        }[name]()
