"""jwtctl key: new, export, import and list for every kind, and a key file that changes during a batch."""

import base64
import json
import os
import subprocess

import pytest

from harness import AUD, ISS, JWTCTL, NOW, claims, environment, make_key, path, refused, run, sign, accepted, verify

ALGS = ("EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256",
        "HS384", "HS512")


def made_key(alg):
    """The path and kid of a new private key."""
    full = path(f"{alg}.jwk")
    if os.path.exists(full):
        os.unlink(full)
    status, kid, err = run("key", "new", f"--alg={alg}", full)
    assert (status, err) == (0, "")
    assert os.stat(full).st_mode & 0o7777 == 0o600
    return full, kid.strip()


@pytest.mark.parametrize("alg", ALGS)
def test_a_key_of_every_kind_is_made_and_verifies_as_jwk_and_pem(alg):
    full, kid = made_key(alg)
    header = json.dumps({"alg": alg, "typ": "JWT", "kid": kid})
    token = sign(claims(), header, key=f"{alg}.jwk")
    use = (f"issuer={ISS}", f"audience={AUD}")
    if alg.startswith("HS"):
        assert run("key", "export", full)[0] == 3
        accepted(token, use=(*use, f"keys={full}", f"algorithms={alg}"))
        assert verify(token, use=(*use, f"keys={full}"))[0] == 3
        os.chmod(full, 0o640)
        assert verify(token, use=(*use, f"keys={full}", f"algorithms={alg}"))[0] == 3
        return
    public = path("public", run("key", "export", full)[1])
    pem = path("public.pem", run("key", "export", "--pem", full)[1])
    for word in (f"keys={public}", f"keys={pem}"):
        accepted(token, use=(*use, word, f"algorithms={alg}"))
        refused(token[:-8] + "AAAAAAAA", "bad_signature", use=(*use, word, f"algorithms={alg}"))
    accepted(token, use=(*use, f"keys={public}"))
    accepted(token, use=(*use, f"keys={pem}"))
    assert verify(token, use=(*use, f"keys={full}"))[0] == 3  # a private key instead of a public one
    assert run("key", "import", f"--alg={alg}", pem)[1] == run("key", "export", full)[1]
    assert f"\n-  {alg}  {kid}" in run("key", "list", f"--alg={alg}", pem)[1]


def test_a_key_is_never_overwritten():
    full, _ = made_key("ES256")
    with open(full, encoding="utf-8") as f:
        before = f.read()
    assert run("key", "new", full)[0] == 3
    with open(full, encoding="utf-8") as f:
        assert f.read() == before


def test_pem_of_openssl_is_imported_and_other_pem_refused_with_a_reason():
    def openssl(*args):
        return subprocess.run(["openssl", *args], capture_output=True, check=True).stdout
    rsa, ec = ("genrsa", "2048"), ("ecparam", "-genkey", "-name", "prime256v1")
    for text, alg in ((openssl("genrsa", "-traditional", "2048"), "PS384"), (openssl(*rsa), "RS256"),
                      (openssl(*ec, "-noout"), "ES256"), (openssl("genpkey", "-algorithm", "ed25519"), "EdDSA")):
        status, jwk, err = run("key", "import", f"--alg={alg}", stdin=text)
        assert (status, err, json.loads(jwk)["alg"]) == (0, "", alg)
        assert run("key", "import", "--alg=HS256", stdin=text)[0] == 3
        assert run("key", "import", f"--alg={alg}", stdin=b"# text\n" + text + b"# text\n")[1] == jwk
        assert run("key", "import", f"--alg={alg}", stdin=text + text)[0] == 3
    status, jwk, err = run("key", "import", stdin=openssl(*ec))  # EC PARAMETERS, then the key
    assert (status, err, json.loads(jwk)["alg"]) == (0, "", "ES256")
    for text, word in ((openssl("genrsa", "-aes128", "-passout", "pass:x", "2048"), "passphrase"),
                       (openssl("genrsa", "-aes128", "-passout", "pass:x", "-traditional", "2048"), "passphrase"),
                       (openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj",
                                "/CN=x"), "CERTIFICATE is not a key"),
                       (openssl("ecparam", "-name", "prime256v1"), "EC PARAMETERS is not a key"),
                       (openssl("genrsa", "1024"), "1024 bits"),
                       (openssl(*ec, "-noout", "-param_enc", "explicit"), "not supported"),
                       (openssl("ecparam", "-genkey", "-noout", "-name", "secp256k1"), "not supported"),
                       (openssl("genpkey", "-algorithm", "ed448"), "not supported"), (b"", "expected a JWK or PEM")):
        for alg in ("RS256", "ES256"):
            status, out, err = run("key", "import", f"--alg={alg}", stdin=text)
            assert (word, status, out) == (word, 3, "")
            if word != "1024 bits" or alg == "RS256":
                assert word in err


def raw_file(data):
    name = path("raw.key")
    with open(name, "wb") as f:
        f.write(data)
    return name


@pytest.mark.parametrize("data, alg, secret", (
    (bytes(range(32)), None, None), (b"\xff" * 31 + b"\n", None, None), (b"\0" * 64, "HS512", None),
    (b"django-insecure-" + b"k" * 34, None, None), (b"django-insecure-" + b"k" * 34 + b"\n", None, -1),
    ("s\u00e4cret ".encode() * 6 + b"\r\n", "HS384", -2), (b"k" * 32 + b"\n\n", None, None),
    (b"two\n" * 16, None, None), (b"\x1b" + b"k" * 40 + b"\n", None, None)))
def test_a_secret_is_imported_byte_for_byte_but_for_the_newline_of_an_editor(data, alg, secret):
    words = [f"--alg={alg}"] if alg else []
    status, jwk, err = run("key", "import", "--raw", *words, raw_file(data))
    assert run("key", "import", "--raw", *words, stdin=data) == (status, jwk, err)
    key = json.loads(jwk)
    assert (status, key["kty"], key["alg"]) == (0, "oct", alg or "HS256")
    assert base64.urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4)) == data[:secret]
    assert ("newline" in err) == (secret is not None)
    kept = path("raw.jwk", jwk, 0o600)
    token = sign(claims(), json.dumps({"alg": key["alg"], "typ": "JWT"}), key="raw.jwk")
    accepted(token, use=(f"issuer={ISS}", f"audience={AUD}", f"keys={kept}", f"algorithms={key['alg']}"))


def test_what_is_no_secret_is_never_imported_as_one():
    public = run("key", "export", made_key("RS256")[0])[1]
    pem = run("key", "export", "--pem", made_key("RS256")[0])[1]
    for data, word in ((public.encode(), "expected a secret"), (pem.encode(), "expected a secret"),
                       (b"\n  " + pem.encode(), "expected a secret"), (b"\n" + public.encode(), "expected a secret"),
                       (b"", "0 bytes; expected 32"),
                       (b"k" * 31, "31 bytes; expected 32"), (b"k" * 4097, "4097 bytes; expected 32")):
        status, out, err = run("key", "import", "--raw", raw_file(data))
        assert (status, out) == (3, "")
        assert word in err and "kkk" not in err
    for alg in ("RS256", "EdDSA"):
        assert run("key", "import", "--raw", f"--alg={alg}", stdin=b"k" * 40)[0] == 2


def test_keys_that_are_not_used_are_listed_with_the_reason():
    good = json.loads(run("key", "export", made_key("ES256")[0])[1])
    rsa = json.loads(run("key", "export", made_key("RS256")[0])[1])
    name = path("mixed.jwks", json.dumps({"keys": [
        dict(good, kid="enc\u202e\u001b", use="enc"), dict(good, kid="enc", use="enc"), None,
        {k: v for k, v in rsa.items() if k != "alg"}]}))
    kid = rsa["kid"]
    status, out, err = run("key", "list", name)
    assert (status, err) == (0, "")
    assert f"\n{kid}  RS256,RS384,RS512,PS256,PS384,PS512  " in out
    assert '\nnot used: key 2: use: expected "sig" (kid enc)\nnot used: key 3: ' in out
    assert "\u202e" not in out and "\x1b" not in out
    rows = json.loads(run("key", "list", "--json", name)[1])
    assert [("skipped" in row) for row in rows] == [False, True, True, True]
    assert "  RS256  " in run("key", "list", "--alg=RS256", name)[1]
    conf = path("sets.conf", f"[Issuer https://id.example]\nKeys={name}\nAudience=a\n")
    status, out, err = run("config", "check", f"--config={conf}")
    assert f'note: {name}: not used: key 2: use: expected "sig" (kid enc)\n' in out
    assert f"{conf}: ok\n" in out if status == 0 else "writable" in err


def test_a_batch_follows_the_key_file():
    name = path("turns.jwks")
    for n in ("one", "two"):
        make_key(n)
    lines = {n: (sign(claims(), key=n) + "\n").encode() for n in ("one", "two")}
    os.replace(path("one.jwks"), name)
    with subprocess.Popen([JWTCTL, "verify", "--batch", f"--now={NOW}", f"keys={name}", f"issuer={ISS}",
                           f"audience={AUD}"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, bufsize=0) as p:
        def ask(n):
            p.stdin.write(lines[n])
            return json.loads(p.stdout.readline())
        assert (ask("one")["valid"], ask("two")["error"]) == (True, "unknown_key")
        os.replace(path("two.jwks"), name)
        assert (ask("one")["error"], ask("two")["valid"]) == ("unknown_key", True)
        os.unlink(name)
        assert ask("two")["error"] == "keys"
        p.stdin.close()
        assert p.wait(60) == 3
