"""KeysUrl=: the key sets of other issuers."""

import json
import os
import subprocess
import time

import pytest

from host import BUILD, SPOOL_UID, Host, Outcome
from issuer import Key
from tls import Authority, TlsServer

FILE = "var/lib/jwt-keys/idp.jwks"
SPOOLED, TRIED = "run/jwt-sync/keys-idp.jwks", "run/jwt-sync/tried-idp.jwks"


@pytest.fixture(scope="module")
def authority():
    a = Authority()
    yield a
    a.remove()


class KeysHost(Host):
    """A host with the certificates of an authority, and with one other issuer."""

    def __init__(self, authority):
        super().__init__()
        self.certs = authority.certs
        os.mkdir(self.path("var/lib/jwt-keys"))

    def issuer(self, url, keys_url, more="", name="jwt.conf"):
        with open(self.path("etc/jwt/" + name), "w", encoding="utf-8") as f:
            f.write(f"[Issuer {url}]\nKeys=/{FILE}\nKeysUrl={keys_url}\n{more}")

    def fetch(self, **more):
        """sync-keys-fetch, as if the last attempt were long ago."""
        if os.path.exists(self.path(TRIED)) and not more.pop("again", False):
            os.utime(self.path(TRIED), (1, 1))
        script = f'mount --bind {self.certs} /etc/ssl/certs && exec "$@"'
        return Outcome(self, self.run(
            BUILD + "/jwtctl/sync/sync-keys-fetch",
            wrap=("unshare", "-m", "sh", "-c", script, "sh", "setpriv", f"--reuid={SPOOL_UID}",
                  f"--regid={SPOOL_UID}", "--clear-groups")))

    def install(self, **more):
        return Outcome(self, self.run(BUILD + "/jwtctl/sync/sync-keys-install"))

    def kids(self):
        """Of the installed set, which has public members alone."""
        keys = json.loads(self.read(FILE))["keys"]
        for key in keys:
            assert set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}, key
        return [key["kid"] for key in keys]


@pytest.fixture
def host(authority):
    h = KeysHost(authority)
    yield h
    h.remove()


@pytest.fixture
def idp(authority, host):
    """A server with a set of one key at /keys, which the host uses."""
    server = TlsServer(authority.context())
    server.key = Key()
    server.pages["/keys"] = jwks(server.key.jwk)
    host.issuer(server.url, server.url + "/keys")
    yield server
    server.stop()


def jwks(*keys):
    return json.dumps({"keys": keys}).encode()


def good(host, idp):
    """The first set, installed."""
    host.fetch().ok()
    host.install().ok()
    assert host.kids() == [idp.key.kid]
    return host.read(FILE)


def test_the_set_is_fetched_and_its_public_keys_are_installed(host, idp):
    other = Key()
    idp.pages["/keys"] = jwks({**idp.key.jwk, "x5c": ["AAAA"], "comment": "<script>"}, other.jwk)
    host.fetch().ok()
    done = host.install().ok()
    assert host.kids() == [idp.key.kid, other.kid]
    assert done.err == f"keys replaced: issuer={idp.url} keys=2\n"
    assert os.stat(host.path(FILE)).st_mode & 0o777 == 0o644
    assert host.install().ok().err == ""
    os.utime(host.path(FILE), (1, 1))
    host.install().ok()
    assert os.stat(host.path(FILE)).st_mtime > time.time() - 60, "the time of the file is that of the last success"


def test_jwtctl_verify_accepts_the_installed_set(host, idp):
    good(host, idp)
    token = idp.key.sign({"alg": "EdDSA", "kid": idp.key.kid},
                         {"iss": idp.url, "aud": "host", "sub": "alice", "iat": 1700000000, "exp": 1700000900,
                          "token_type": "access"})
    args = [f"keys={host.path(FILE)}", f"issuer={idp.url}", "audience=host"]
    done = subprocess.run([BUILD + "/jwtctl/jwtctl", "verify", "--now=1700000000", *args], input=token, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_keys_follow_the_issuer(host, idp):
    good(host, idp)
    new = Key()
    idp.pages["/keys"] = jwks(idp.key.jwk, new.jwk)
    host.fetch().ok()
    host.install().ok()
    assert host.kids() == [idp.key.kid, new.kid]
    idp.pages["/keys"] = jwks(new.jwk)
    host.fetch().ok()
    host.install().ok()
    assert host.kids() == [new.kid]


def test_no_two_attempts_within_five_minutes_whatever_the_server_says(host, idp):
    good(host, idp)
    idp.pages["/keys"] = (200, {"Cache-Control": "max-age=0, no-cache", "Expires": "0"}, jwks(Key().jwk))
    for _ in range(3):
        host.fetch(again=True).ok()
    assert idp.asked == ["/keys"]
    os.utime(host.path(TRIED), (time.time() - 290,) * 2)
    host.fetch(again=True).ok()
    assert len(idp.asked) == 1
    os.utime(host.path(TRIED), (time.time() - 310,) * 2)
    host.fetch(again=True).ok()
    assert len(idp.asked) == 2
    os.utime(host.path(TRIED), (time.time() + 1000,) * 2)  # a clock that was ahead
    host.fetch(again=True).ok()
    assert len(idp.asked) == 3
    # A failure counts as an attempt; another URL is tried at once.
    idp.pages.clear()
    host.fetch().refused("status 404")
    host.fetch(again=True).ok()
    assert len(idp.asked) == 4
    host.issuer(idp.url, idp.url + "/kexs")
    host.fetch(again=True).refused("/kexs: status 404")


def redirect_to(location):
    return lambda idp: (302, {"Location": location or idp.url + "/other"}, b"")


def slow(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.2)
    except OSError:
        pass


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


@pytest.mark.parametrize("page, reason", [
    ((404, {}, b"no"), "status 404; expected 200"), ((500, {}, b"no"), "status 500"),
    ((204, {}, b""), "status 204"),
    ((301, {"Location": "http://localhost/keys"}, b""), "status 301; expected 200: redirects are not followed"),
    ((302, {"Location": "/other"}, b""), "status 302"), ((307, {"Location": "file:///etc/passwd"}, b""), "status 307"),
    ((200, {}, b" " * (256 * 1024 + 1)), "more than 262144 bytes"), (endless, "more than 262144 bytes"),
    (slow, "/keys: "), ((200, {"Content-Length": "5"}, b"{}"), "/keys: ")])
def test_an_answer_that_is_no_set_of_keys_is_not_stored(host, idp, page, reason):
    before = good(host, idp)
    idp.pages["/keys"] = page
    idp.pages["/other"] = jwks(Key().jwk)
    host.fetch().refused(reason)
    assert host.read(SPOOLED) is None and "/other" not in idp.asked
    host.install().ok()
    assert host.read(FILE) == before


def test_only_a_verified_server_is_asked(host, idp, authority):
    before = good(host, idp)
    idp.asked.clear()
    stranger = Authority()
    for context in (stranger.context(), authority.context("other.example"), authority.context(days=-1)):
        idp.context = context
        host.fetch().refused("certificate|SSL")
        assert idp.asked == [] and host.read(SPOOLED) is None
    stranger.remove()
    host.install().ok()
    assert host.read(FILE) == before


PRIVATE = {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}


@pytest.mark.parametrize("text", [
    b"", b"{}", b"[]", b"null", b"<html>no</html>", b'{"keys":[]}', b'{"keys":{}}', b'{"keys":[{}]}', b'{"keys":["x"]}',
    b'{"keys":[],"keys":[]}', jwks({"kty": "oct", "k": "A" * 43, "alg": "HS256"}),
    jwks({"kty": "oct", "k": "A" * 43}), b"\xff", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
    jwks({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})])
def test_a_set_without_a_usable_key_replaces_nothing(host, idp, text):
    before = good(host, idp)
    idp.pages["/keys"] = text
    host.fetch().ok()
    host.install().refused(f"{idp.url}: the fetched key set is not used: ")
    assert host.read(FILE) == before


def test_duplicate_members_are_refused(host, idp):
    before = good(host, idp)
    evil = Key()
    idp.pages["/keys"] = b'{"keys":[%s],"keys":[%s]}' % (json.dumps(idp.key.jwk).encode(), json.dumps(evil.jwk).encode())
    host.fetch().ok()
    host.install().refused("duplicate member")
    assert host.read(FILE) == before


@pytest.mark.parametrize("bad", [
    {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, {"kty": "oct", "k": "A" * 43, "alg": "HS256"},
    {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "new"}, {"kty": "OKP", "crv": "Ed25519", "x": 5}, 7, None])
def test_one_bad_key_does_not_spoil_the_set(host, idp, bad):
    idp.pages["/keys"] = jwks(bad, idp.key.jwk)
    good(host, idp)
    assert b"oct" not in host.read(FILE)


def test_a_published_private_key_is_not_used(host, idp):
    leaked = Key()
    idp.pages["/keys"] = jwks({**leaked.jwk, **PRIVATE}, idp.key.jwk)
    good(host, idp)
    before = host.read(FILE)
    idp.pages["/keys"] = jwks({**idp.key.jwk, **PRIVATE})
    host.fetch().ok()
    host.install().refused("the fetched key set is not used")
    assert host.read(FILE) == before


def test_discovery_finds_the_set(host, idp):
    for slash in ("", "/"):
        host.issuer(idp.url + slash, "discover")
        idp.pages["/.well-known/openid-configuration"] = json.dumps(
            {"issuer": idp.url + slash, "jwks_uri": idp.url + "/keys",
             **{f"member_{i}": [i] for i in range(100)}}).encode()
        good(host, idp)
        os.unlink(host.path(FILE))
    idp.asked.clear()
    host.issuer(idp.url + "/realms/corp", "discover")
    idp.pages["/realms/corp/.well-known/openid-configuration"] = json.dumps(
        {"issuer": idp.url + "/realms/corp", "jwks_uri": idp.url + "/keys"}).encode()
    good(host, idp)
    assert idp.asked == ["/realms/corp/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize("change, reason", [
    ({"issuer": "https://other.example"}, '"issuer" is not https://localhost'), ({"issuer": None}, '"issuer" is not'),
    ({"issuer": "/"}, '"issuer" is not'), ({"jwks_uri": None}, '"jwks_uri": expected https://'),
    ({"jwks_uri": "http://localhost/keys"}, '"jwks_uri": expected https://'),
    ({"jwks_uri": "file:///etc/passwd"}, '"jwks_uri"'), ({"jwks_uri": "https://u:p@localhost/keys"}, '"jwks_uri"'),
    ({"jwks_uri": "https://localhost/keys\n"}, '"jwks_uri"'), ({"jwks_uri": ["x"]}, '"jwks_uri"'),
    ({"jwks_uri": "https://localhost/" + "a" * 300}, '"jwks_uri"')])
def test_discovery_of_another_issuer_or_of_a_bad_address_is_refused(host, idp, change, reason):
    before = good(host, idp)
    host.issuer(idp.url, "discover")
    document = {"issuer": idp.url, "jwks_uri": idp.url + "/keys", **change}
    if change.get("issuer") == "/":
        document["issuer"] = idp.url + "/"
    idp.pages["/.well-known/openid-configuration"] = json.dumps(
        {k: v for k, v in document.items() if v is not None}).encode()
    idp.asked.clear()
    host.fetch().refused(reason)
    assert idp.asked == ["/.well-known/openid-configuration"]
    host.install().ok()
    assert host.read(FILE) == before


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"issuer":"a","issuer":"b"}', b" " * 65537])
def test_discovery_is_a_strict_json_object_of_limited_size(host, idp, text):
    host.issuer(idp.url, "discover")
    idp.pages["/.well-known/openid-configuration"] = text
    host.fetch().refused("expected a JSON object|more than 65536 bytes")
    assert host.read(SPOOLED) is None


def test_discovery_has_a_limit_of_64_kib(host, idp):
    host.issuer(idp.url, "discover")
    document = json.dumps({"issuer": idp.url, "jwks_uri": idp.url + "/keys"}).encode()
    idp.pages["/.well-known/openid-configuration"] = document.ljust(65537)
    host.fetch().refused("more than 65536 bytes")
    idp.pages["/.well-known/openid-configuration"] = document.ljust(65536)
    good(host, idp)


def test_one_issuer_that_fails_does_not_keep_others_from_their_keys(host, idp):
    host.issuer(idp.url, idp.url + "/nothing")
    with open(host.path("etc/jwt/jwt.conf.d/more.conf"), "w", encoding="utf-8") as f:
        for name in ("b", "c"):
            f.write(f"[Issuer https://{name}.example]\nKeys=/var/lib/jwt-keys/{name}\nKeysUrl={idp.url}/keys\n")
    host.fetch().refused("/nothing: status 404")
    host.install().ok()
    for name in ("b", "c"):
        assert idp.key.kid.encode() in host.read("var/lib/jwt-keys/" + name)
    assert host.read(FILE) is None


@pytest.mark.parametrize("spoil", ["link", "fifo", "directory", "owner", "hard link", "huge"])
def test_a_hostile_spool_replaces_nothing(host, idp, spoil):
    before = good(host, idp)
    path, evil = host.path(SPOOLED), host.path("run/evil")
    with open(evil, "wb") as f:
        f.write(jwks(Key().jwk))
    os.unlink(path)
    if spoil == "link":
        os.symlink(evil, path)
    elif spoil == "fifo":
        os.mkfifo(path)
    elif spoil == "directory":
        os.mkdir(path)
    elif spoil == "owner":
        os.rename(evil, path)
        os.chown(path, 0, 0)
    elif spoil == "hard link":
        os.link(evil, path)
        os.chown(path, SPOOL_UID, SPOOL_UID)
    else:
        with open(path, "wb") as f:
            f.write(jwks(Key().jwk) + b" " * (256 * 1024))
        os.chown(path, SPOOL_UID, SPOOL_UID)
    if spoil in ("link", "fifo"):
        os.chown(path, SPOOL_UID, SPOOL_UID, follow_symlinks=False)
    host.install().refused("keys-idp.jwks")
    assert host.read(FILE) == before


def test_nothing_is_done_without_keys_url(host):
    with open(host.path("etc/jwt/jwt.conf"), "w", encoding="utf-8") as f:
        f.write("[Issuer https://a.example]\nKeys=/var/lib/jwt-issuers/a\n")
    assert host.fetch().ok().err == host.install().ok().err == ""
    assert os.listdir(host.path("run/jwt-sync")) == []
