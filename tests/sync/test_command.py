"""jwtctl sync: the command. Below another root directory, where it starts no unit."""

import os
import subprocess

import pytest

from host import JWTCTL
from issuer import Key


def jwtctl(host, *args, root=True, user=None):
    wrap = ("setpriv", f"--reuid={user}", "--clear-groups") if user else ()
    done = subprocess.run([*wrap, JWTCTL, "sync", *args, *([f"--root={host.root}"] if root else [])], capture_output=True,
                          text=True, timeout=60, env={"PATH": os.environ["PATH"], "TZ": "UTC"})
    return done.returncode, done.stdout, done.stderr


def drop_in(host):
    return host.read("etc/jwt/jwt.conf.d/sync.conf")


def test_add_writes_the_settings(host):
    trust = [Key().thumbprint, Key().thumbprint]
    assert jwtctl(host, "--add=https://login.example", "--trust", trust[0], "--trust=" + trust[1],
                  "--audience=web2") == (0, "", "")
    assert drop_in(host).decode().splitlines()[1:] == [
        "[Sync]", "URL=https://login.example", f"Trust={trust[0]} {trust[1]}", "Audience=web2", "[Token]",
        "RevokedMaxAge=1h"]
    assert os.stat(host.path("etc/jwt/jwt.conf.d/sync.conf")).st_mode & 0o777 == 0o644
    assert host.read("var/lib/jwt-sync/reset") is None


def test_add_again_replaces_trust_and_name_but_not_the_issuer(host):
    new = Key().thumbprint
    assert jwtctl(host, "--add=https://login.example", "--trust=" + Key().thumbprint)[0] == 0
    assert jwtctl(host, "--add=https://login.example", "--trust=" + new, "--audience=a", "--audience=b", "--reset")[0] == 0
    assert f"Trust={new}\nAudience=a b\n" in drop_in(host).decode()
    assert host.read("var/lib/jwt-sync/reset") == b""
    status, _, err = jwtctl(host, "--add=https://other.example", "--trust=" + new)
    assert status == 1 and "this host is synchronised with https://login.example" in err
    assert "jwtctl sync --remove" in err and b"URL=https://login.example\n" in drop_in(host)


@pytest.mark.parametrize("args, message", [
    (["--add=http://login.example", "--trust=GOOD"], "expected https://HOST"),
    (["--add=login.example", "--trust=GOOD"], "expected https://HOST"),
    (["--add=https://h/?x", "--trust=GOOD"], "expected https://HOST"),
    (["--add=https://h"], "expected --trust=THUMBPRINT"),
    (["--add=https://h", "--trust=wcI-iM51"], "expected thumbprints of 43 base64url letters"),
    (["--add=https://h", "--trust=GOOD", "--audience=a#b"], "expected 1 to 255 bytes"),
    (["--trust=GOOD"], "expected --add=URL"),
    (["--list", "--remove"], "expected one of"),
    (["--list", "--reset"], "expected one of"),
    (["x"], "unexpected argument 'x'"),
])
def test_wrong_command_lines(host, args, message):
    status, out, err = jwtctl(host, *[arg.replace("GOOD", Key().thumbprint) for arg in args])
    assert (status, out) == (2, "") and message in err
    assert drop_in(host) is None


def test_an_issuing_host_is_refused(host):
    os.makedirs(host.path("var/lib/jwtd-issuer/keys"))
    with open(host.path("var/lib/jwt/jwks.json"), "w", encoding="utf-8"):
        pass
    for args in (["--add=https://h", "--trust=" + Key().thumbprint], ["--remove"]):
        status, _, err = jwtctl(host, *args)
        assert status == 3 and "this host is an issuer" in err
    assert drop_in(host) is None and host.read("var/lib/jwt/jwks.json") == b""


def test_only_root_changes_the_issuer(host):
    for args in (["--add=https://h", "--trust=" + Key().thumbprint], ["--remove"], ["--reset"], []):
        status, _, err = jwtctl(host, *args, user=SPOOL)
        assert status == 1 and "must be run as root" in err


SPOOL = 65533


def test_list_shows_the_issuer_and_the_last_bundle(server, host, issuer):
    status, out, _ = jwtctl(host, "--list")
    assert (status, out) == (0, server.url + "\n  not synchronised yet; see: journalctl -u jwt-sync-fetch -u "
                             "jwt-sync-install\n")
    host.sync().ok()
    status, out, _ = jwtctl(host, "--list", user=SPOOL)
    assert status == 0 and f"epoch 1, issuer {issuer.iss}\n  bundle key {issuer.chain[0].thumbprint}\n" in out


def test_without_an_issuer(host):
    for args in ([], ["--list"], ["--reset"]):
        status, _, err = jwtctl(host, *args)
        assert status == 3 and "no issuer is set" in err
    assert jwtctl(host, "--remove") == (0, "This host is synchronised with no issuer\n", "")


def test_remove_leaves_nothing(server, host):
    host.sync().ok()
    host.reset()
    with open(host.path("etc/jwt/jwt.conf.d/site.conf"), "w", encoding="utf-8") as f:
        f.write("[Daemon]\nIdleTimeout=5min\n")
    assert jwtctl(host, "--remove") == (0, "", "")
    assert host.public() == {} and host.spooled() == []
    assert os.listdir(host.path("etc/jwt/jwt.conf.d")) == ["site.conf"]


def test_remove_that_failed_can_be_repeated(server, host):
    host.sync().ok()
    keys = host.path("var/lib/jwt/jwks.json")
    os.unlink(keys)
    os.mkdir(keys)
    status, _, err = jwtctl(host, "--remove")
    assert status == 1 and "jwks.json: cannot remove" in err
    assert drop_in(host) and host.read("var/lib/jwt/revoked") is None
    os.rmdir(keys)
    assert jwtctl(host, "--remove") == (0, "", "") and drop_in(host) is None


def test_files_of_root_are_not_removed_without_sync(host):
    with open(host.path("var/lib/jwt/jwks.json"), "w", encoding="utf-8"):
        pass
    assert jwtctl(host, "--remove")[0] == 0
    assert host.read("var/lib/jwt/jwks.json") == b""
