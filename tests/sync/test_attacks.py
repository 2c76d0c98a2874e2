"""A server in the issuer's place changes nothing on the host: a front end, proxy or cache, another issuer, the
holder of a stolen key. Each attack ends with the files as before and one line with the reason."""

import base64
import datetime
import json
import os
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from issuer import Issuer, Key, Server, letters, line

DAY = 86400


@pytest.fixture
def installed(server, host, issuer):
    """A host that is synchronised, with one revoked session."""
    issuer.revoke(1)
    host.sync().ok()
    return host.public()


def attacked(host, server, reason, before, bundle=None, revoked=None):
    """The attack fails at the fetcher; when it comes through the spool, it fails at the installer as well."""
    if bundle is not None:
        server.answer["bundle"] = (200, {}, bundle)
    if revoked is not None:
        server.answer["revoked"] = (200, {}, revoked)
    host.fetch().refused(reason)
    assert host.public() == before
    host.spool(bundle=bundle, revoked=revoked)
    host.install().refused(reason if bundle is not None else "not the list that the bundle describes")
    assert host.public() == before


def altered(token, part, change):
    parts = token.decode().split(".")
    parts[part] = change(parts[part])
    return ".".join(parts).encode()


def with_payload(token, **changes):
    def change(text):
        payload = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        payload.update(changes)
        return letters(json.dumps(payload).encode())
    return altered(token, 1, change)


def flip(text):
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1:]


ALTERED = {
    "keys": lambda issuer: with_payload(issuer.bundle(), keys=[{**Key().jwk, "state": "signing"}]),
    "no revoked session": lambda issuer: with_payload(issuer.bundle(), revoked={
        "sha256": letters(bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        "count": 0, "pruned_until": 0}),
    "epoch": lambda issuer: with_payload(issuer.bundle(), epoch=2),
    "signature": lambda issuer: altered(issuer.bundle(), 2, flip),
    "kid": lambda issuer: altered(issuer.bundle(), 0, lambda text: letters(
        b'{"alg":"EdDSA","typ":"jwt-bundle","kid":"x"}')),
    "alg none": lambda issuer: altered(issuer.bundle(), 0, lambda text: letters(
        b'{"alg":"none","typ":"jwt-bundle","kid":"x"}')),
    "no signature": lambda issuer: altered(issuer.bundle(), 2, lambda text: ""),
    "cut": lambda issuer: issuer.bundle()[:-10],
    "empty": lambda issuer: b"",
    "html": lambda issuer: b"<html>502 Bad Gateway</html>",
}


@pytest.mark.parametrize("what", ALTERED)
def test_altered_bundle(server, host, issuer, installed, what):
    attacked(host, server, "bundle", installed, ALTERED[what](issuer))


def test_replayed_bundle_of_a_smaller_seq(server, host, issuer, installed):
    old = issuer.bundle(seq=int(host.synced()["Seq"]) - 1)
    server.answer["bundle"] = (200, {}, old)
    host.sync().refused("older than the one installed before: seq")
    assert host.public() == installed


def test_withheld_bundles_leave_the_last_one_and_its_time(server, host, issuer, installed):
    issuer.revoke(2)
    for answer in ((503, {}, b""), (404, {}, b"<html>not here" * 9999), (204, {}, b"")):
        server.answer["bundle"] = answer
        host.sync().refused(f"status {answer[0]}; expected 200")
        assert host.public() == installed
    server.stop()
    host.sync().refused("127.0.0.1")
    assert host.public() == installed


def test_redirect_is_not_followed(server, host, issuer, installed):
    other = type(server)(issuer)
    server.answer["bundle"] = (302, {"Location": other.url + "/.well-known/jwt-bundle"}, b"")
    host.sync().refused("status 302; expected 200")
    assert other.asked == [] and host.public() == installed
    other.stop()


def test_seq_far_ahead(server, host, issuer, installed):
    """It would make the host refuse every bundle until then."""
    attacked(host, server, "ahead of this host", installed,
             issuer.bundle(seq=int((time.time() + 400) * 1000000)))


@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_older_epoch_and_a_jump(server, host, issuer, epoch):
    issuer.epoch = 3
    host.sync().ok()
    before = host.public()
    issuer.epoch = epoch
    host.sync().refused(f"epoch {epoch}, expected 3 or 4")
    assert host.public() == before
    issuer.epoch = 4
    host.sync().ok()


def test_bundle_of_another_issuer(server, host, installed):
    attacked(host, server, "none of its bundle keys is trusted", installed, Issuer().bundle())


def test_bundle_of_another_issuer_with_our_key_in_its_chain(server, host, issuer, installed):
    """The chain must be signed, not only name the trusted key."""
    other = Issuer(issuer.iss)
    links = [{"jwk": issuer.chain[0].jwk},
             {"jwk": other.chain[0].jwk, "by": issuer.chain[0].kid, "signature": letters(bytes(64))}]
    attacked(host, server, "not signed by the one before", installed, other.bundle(bundle_keys=links))


def test_link_to_a_bundle_key_of_another_issuer(server, host, issuer, installed):
    """A bundle key that signs for two issuers: the signature names the issuer."""
    other = Issuer("https://other.example")
    other.chain = [issuer.chain[0], Key()]
    attacked(host, server, "", installed, other.bundle(iss=issuer.iss))


def test_renamed_issuer(server, host, issuer, installed):
    attacked(host, server, "issuer https://evil.example, expected", installed, issuer.bundle(iss="https://evil.example"))


def test_stolen_token_signing_key_signs_a_bundle(server, host, issuer, installed):
    stolen = issuer.keys[0][0]
    attacked(host, server, "not signed by the last", installed, issuer.bundle(by=stolen))
    attacked(host, server, "none of its bundle keys", installed,
             issuer.bundle(by=stolen, bundle_keys=[{"jwk": stolen.jwk}]))


def test_token_is_no_bundle(server, host, issuer, installed):
    """The bundle key signs nothing else, but even then the type differs."""
    attacked(host, server, "typ", installed, issuer.bundle(typ="JWT"))


def test_replaced_bundle_key_signs_no_more(server, host, issuer):
    old = issuer.chain[0]
    issuer.chain.append(Key())
    host.sync().ok()
    before = host.public()
    issuer.chain = [old]
    host.sync().refused("none of its bundle keys is trusted")
    issuer.chain = [old, Key()]
    host.sync().refused("none of its bundle keys is trusted")
    assert host.public() == before


@pytest.fixture
def two(server, host, issuer):
    """Two issuers on one database, with a bundle key each. The host trusts both and has seen a bundle of each; the first one
    has a new bundle key since, which the host has seen as well."""
    other = Issuer()
    other.keys = issuer.keys
    host.set(server.url, issuer.chain[0].thumbprint, other.chain[0].thumbprint)
    for signs in (issuer, other):
        server.issuer = signs
        host.sync().ok()
    issuer.chain.append(Key())
    server.issuer = issuer
    host.sync().ok()
    return issuer, other


def test_replaced_bundle_key_of_one_of_two_issuers_signs_no_more(server, host, two):
    first, other = two
    stolen = Issuer()
    stolen.chain = first.chain[:1]
    before = host.public()
    attacked(host, server, "none of its bundle keys is trusted", before, stolen.bundle())
    stolen.chain = [first.chain[0], Key()]
    attacked(host, server, "none of its bundle keys is trusted", before, stolen.bundle())
    # Nor does it become trusted again by a bundle of the other one, or with it in the chain.
    server.answer = {}
    server.issuer = other
    host.sync().ok()
    before = host.public()
    attacked(host, server, "none of its bundle keys is trusted", before, stolen.bundle())


def test_replaced_bundle_key_is_not_trusted_again_when_an_issuer_is_added(server, host, two):
    first, other = two
    host.set(server.url, first.chain[0].thumbprint, other.chain[0].thumbprint, Key().thumbprint)
    stolen = Issuer()
    stolen.chain = first.chain[:1]
    attacked(host, server, "none of its bundle keys is trusted", host.public(), stolen.bundle())
    server.answer = {}
    host.sync().ok()


def test_bundle_of_one_issuer_does_not_retire_the_key_of_another(server, host, two):
    """The other one names the first one's key as if it were its predecessor, without its signature or with one of a key that
    is trusted no more."""
    first, other = two
    retired, current = first.chain
    own = other.chain[0]
    by_retired = retired.private.sign(f"jwt-bundle-key {first.iss} {own.thumbprint}".encode())
    for links in ([{"jwk": current.jwk}, {"jwk": own.jwk}],
                  [{"jwk": current.jwk}, {"jwk": own.jwk, "by": current.kid, "signature": letters(bytes(64))}],
                  [{"jwk": current.jwk}, {"jwk": own.jwk, "by": retired.kid, "signature": letters(by_retired)}],
                  [{"jwk": retired.jwk}, {"jwk": current.jwk}, {"jwk": own.jwk}]):
        server.answer["bundle"] = (200, {}, other.bundle(bundle_keys=links))
        host.sync().ok()
        server.answer = {}
        server.issuer = first
        host.sync().ok()


def test_removed_thumbprint_is_trusted_no_more(server, host, two):
    first, other = two
    host.set(server.url, other.chain[0].thumbprint)
    attacked(host, server, "none of its bundle keys is trusted", host.public(), first.bundle())
    server.answer = {}
    server.issuer = other
    host.sync().ok()
    attacked(host, server, "none of its bundle keys is trusted", host.public(), first.bundle())


def test_clock_a_day_ahead(server, host, issuer, installed):
    """Of the host, so that the bundle is old to it; or of the issuer."""
    issuer.clock = lambda: time.time() - DAY
    attacked(host, server, "the bundle expired 8[0-9]{4} s ago.*clock", installed, issuer.bundle())
    issuer.clock = lambda: time.time() + DAY
    attacked(host, server, "ahead of this host.*a clock is wrong", installed, issuer.bundle())


def test_list_swapped(server, host, issuer, installed):
    other = Issuer()
    other.revoke(8)
    issuer.revoke(9)
    attacked(host, server, "not the list that the bundle describes", installed, issuer.bundle(), other.revoked)
    assert server.count("revoked") >= 3, "fetched once more before it is an error"


@pytest.mark.parametrize("change", ["cut", "cut in a line", "longer", "a line more", "unsorted", "old", "no list"])
def test_list_altered(server, host, issuer, installed, change):
    old = issuer.revoked
    issuer.revoke(2, 3)
    text = issuer.revoked
    lines = text.splitlines(True)
    text = {"cut": text[:-34], "cut in a line": text[:-7], "longer": text + b"x",
            "a line more": b"".join(sorted([*lines, line(77, 5000000000)])),
            "unsorted": b"".join(reversed(lines)), "old": old, "no list": b"<html>404</html>" * 10}[change]
    server.answer["revoked"] = (200, {}, text)
    host.fetch().refused("list")
    assert host.public() == installed
    host.spool(bundle=issuer.bundle(), revoked=text)
    host.install().refused("not the list that the bundle describes|size|bytes are not whole lines")
    assert host.public() == installed


def test_list_that_changes_between_the_requests_is_fetched_once_more(server, host, issuer, installed):
    issuer.revoke(2)
    first = (200, {}, issuer.bundle())
    issuer.revoke(3)
    server.answer["bundle"] = lambda handler: first if server.count("bundle") == 2 else (200, {}, issuer.bundle())
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == issuer.revoked
    assert (server.count("bundle"), server.count("revoked")) == (3, 3)


def test_list_withheld(server, host, issuer, installed):
    issuer.revoke(2)
    server.answer["revoked"] = (503, {}, b"<html>" + bytes(100))
    host.sync().refused("jwt-revoked: status 503")
    assert host.public() == installed


def endless(handler):
    """More than is accepted, and no end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    try:
        while True:
            handler.wfile.write(line(0, 5000000000) * 1000)
    except (BrokenPipeError, ConnectionResetError):
        pass


def test_endless_answers(server, host, issuer, installed):
    issuer.revoke(2)
    for name, reason in (("bundle", "too long"), ("revoked", "more lines than the bundle says")):
        server.answer = {name: endless}
        host.sync().refused(reason)
        assert host.public() == installed
        assert not [entry for entry in host.spooled() if entry.startswith(".new-")]


def test_silent_server_is_left_after_ten_seconds(server, host, issuer, installed):
    server.answer["bundle"] = lambda handler: time.sleep(30)
    begin = time.monotonic()
    host.sync().refused("")
    assert time.monotonic() - begin < 25 and host.public() == installed


def test_no_answer_in_another_protocol(host, issuer, server, installed):
    listener = socket.create_server(("127.0.0.1", 0))
    host.set(f"https://127.0.0.1:{listener.getsockname()[1]}", issuer.chain[0].thumbprint)
    listener.close()
    host.sync().refused("https://127.0.0.1")
    host.set("http://login.example", issuer.chain[0].thumbprint)
    host.sync().refused("expected https://HOST")
    assert host.public() == installed


def make_certificate(directory, name, days):
    """A certificate that signs itself, with its key, in one file for this server."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(1).not_valid_before(now - datetime.timedelta(days=3))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(key, hashes.SHA256()))
    (directory / "web.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (directory / "web.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize("name, trusted, days, reason", [
    ("localhost", True, 1, None),
    ("localhost", False, 1, "certificate"),
    ("login.example", True, 1, "certificate|SSL"),
    ("localhost", True, -1, "certificate"),
], ids=["right", "unknown authority", "another name", "expired"])
def test_certificate(host, issuer, tmp_path, name, trusted, days, reason):
    """Only the authorities of the host are trusted. They are in a private mount namespace."""
    make_certificate(tmp_path, name, days)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(tmp_path / "web.pem", tmp_path / "web.key")
    server = Server(issuer, secure)
    host.set(server.url.replace("127.0.0.1", "localhost"), issuer.chain[0].thumbprint)
    script = tmp_path / "trust"
    script.write_text(f"""#!/bin/sh
mount -t tmpfs -o mode=0755 tmpfs /etc/ssl/certs
{'cp' if trusted else ':'} {tmp_path}/web.pem /etc/ssl/certs/
chmod -f 0644 /etc/ssl/certs/*; openssl rehash /etc/ssl/certs
exec "$@"
""")
    script.chmod(0o755)
    fetched = host.fetch(before=("unshare", "-m", str(script)))
    server.stop()
    if reason:
        fetched.refused(reason)
        assert host.spooled() == [] and server.asked == []
    else:
        fetched.ok()


def test_issuing_host_is_refused(server, host, issuer):
    os.makedirs(host.path("var/lib/jwtd-issuer/keys"))
    host.fetch().refused("this host is an issuer")
    host.spool(bundle=issuer.bundle(), revoked=b"")
    host.install().refused("this host is an issuer")
    assert host.public() == {}
