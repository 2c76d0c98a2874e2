"""What sync-fetch and sync-install do when nothing is wrong."""

import json
import os
import re
import time

from issuer import Issuer, Key, line


def kids(host):
    return [key["kid"] for key in json.loads(host.read("var/lib/jwt/jwks.json"))["keys"]]


def test_first_run_makes_the_files_that_pam_jwt_reads(server, host, issuer):
    issuer.revoke(1, 2)
    host.sync().ok()
    assert host.read("var/lib/jwt/issuer") == b"Issuer=https://login.example\nAudience=web2\n"
    assert kids(host) == [issuer.keys[0][0].kid]
    assert host.read("var/lib/jwt/revoked") == issuer.revoked
    synced = host.synced()
    assert abs(int(synced["Bundle"]) - time.time()) < 60
    assert (synced["Epoch"], synced["Issuer"]) == ("1", issuer.iss)
    for name in ("issuer", "jwks.json", "revoked", "synced"):
        assert os.stat(host.path("var/lib/jwt/" + name)).st_mode & 0o777 == 0o644


def test_unchanged_poll_fetches_one_bundle_and_no_list(server, host, issuer):
    issuer.revoke(1)
    host.sync().ok()
    assert (server.count("bundle"), server.count("revoked")) == (1, 1)
    before = host.synced(), os.stat(host.path("var/lib/jwt/revoked")).st_ino
    server.asked.clear()
    host.sync().ok()
    assert server.asked == ["/.well-known/jwt-bundle"]
    assert os.stat(host.path("var/lib/jwt/revoked")).st_ino == before[1]
    assert int(host.synced()["Seq"]) > int(before[0]["Seq"])
    assert os.listdir(host.path("run/jwt-sync")) == ["bundle"], "the list takes memory in /run"


def test_a_list_that_was_put_back_from_a_copy_is_replaced(server, host, issuer):
    host.sync().ok()
    old = host.read("var/lib/jwt/revoked")
    issuer.revoke(7)
    host.sync().ok()
    path = host.path("var/lib/jwt/revoked")
    times = os.stat(path)
    with open(path, "wb") as f:
        f.write(old)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == issuer.revoked


def test_logout_arrives_with_the_next_poll(server, host, issuer):
    host.sync().ok()
    issuer.revoke(7)
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == issuer.revoked


def test_expired_lines_cause_no_fetch(server, host, issuer):
    issuer.revoke(1, exp=2000)
    issuer.revoke(2, exp=3000)
    host.sync().ok()
    server.asked.clear()
    issuer.pruned_until = 2000
    host.sync().ok()
    assert server.count("revoked") == 0
    issuer.revoke(3)
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == b"".join(issuer.revoked.splitlines(True)[1:])


def test_keys_are_replaced_by_those_of_the_bundle(server, host, issuer):
    host.sync().ok()
    old, new = issuer.keys[0][0], Key()
    issuer.keys = [(old, "old"), (new, "signing")]
    outcome = host.sync().ok()
    assert kids(host) == [old.kid, new.kid]
    assert "keys or names replaced: issuer=https://login.example epoch=1" in outcome.err
    issuer.keys = [(new, "signing")]
    host.sync().ok()
    assert kids(host) == [new.kid]


def test_removed_files_are_made_again(server, host, issuer):
    issuer.revoke(1)
    host.sync().ok()
    before = host.public()
    for name in ("issuer", "jwks.json", "revoked"):
        os.unlink(host.path("var/lib/jwt/" + name))
        host.sync().ok()
        assert host.read("var/lib/jwt/" + name) == before["var/lib/jwt/" + name]


def test_audience_is_the_host_name_unless_set(server, host, issuer):
    with open(host.path("etc/jwt/jwt.conf.d/sync.conf"), "w", encoding="utf-8") as f:
        f.write(f"[Sync]\nURL={server.url}/\nTrust={issuer.chain[0].thumbprint}\n")
    host.fetch().ok()
    host.install(wrap=("unshare", "--uts", "sh", "-c", 'hostname WEB2.Example && exec "$@"', "sh")).ok()
    assert host.read("var/lib/jwt/issuer").decode() == f"Issuer={issuer.iss}\nAudience=web2.example\n"


def test_two_audiences(server, host, issuer):
    host.set(server.url, issuer.chain[0].thumbprint, audience="web2 web2.example")
    host.sync().ok()
    assert b"\nAudience=web2 web2.example\n" in host.read("var/lib/jwt/issuer")


def test_a_host_follows_the_rotation_of_the_bundle_key(server, host, issuer):
    host.sync().ok()
    for _ in range(3):
        issuer.chain.append(Key())
        host.sync().ok()
    assert b"Key=" + issuer.chain[-1].thumbprint.encode() in host.read("var/lib/jwt-sync/state")
    issuer.chain = issuer.chain[-1:]
    host.sync().ok()


def test_a_host_that_was_off_during_two_rotations(server, host, issuer):
    host.sync().ok()
    issuer.chain += [Key(), Key()]
    issuer.keys = [(Key(), "old"), (Key(), "signing")]
    issuer.epoch = 2
    host.sync().ok()
    assert kids(host) == [key.kid for key, _ in issuer.keys]


def test_lines_of_the_same_epoch_are_kept_until_they_expire(server, host, issuer):
    """The store of the issuer was restored from a backup."""
    issuer.revoke(1, exp=2000)
    issuer.revoke(2)
    host.sync().ok()
    kept = line(2, int(issuer.revoked[34 + 23:34 + 33]))
    issuer.revoked = b""
    issuer.revoke(3)
    issuer.pruned_until = 2000
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == kept + issuer.revoked


def test_the_later_time_of_two_lines_of_a_session_is_kept(server, host, issuer):
    issuer.revoke(1, exp=5000000000)
    host.sync().ok()
    issuer.revoke(1, exp=4000000000)
    issuer.revoke(2)
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked").startswith(line(1, 5000000000))


def test_lines_of_an_older_epoch_are_dropped(server, host, issuer):
    issuer.revoke(1)
    host.sync().ok()
    issuer.epoch, issuer.revoked = 2, b""
    issuer.revoke(2)
    host.sync().ok()
    assert host.read("var/lib/jwt/revoked") == issuer.revoked


def test_reset_accepts_the_next_epoch_seq_and_issuer_once(server, host, issuer):
    issuer.epoch = 5
    host.sync().ok()
    issuer.epoch, issuer.iss = 1, "https://rebuilt.example"
    host.sync().refused("issuer https://rebuilt.example, expected https://login.example")
    host.reset()
    issuer.clock = lambda: time.time() - 600
    host.sync().ok()
    assert host.synced()["Epoch"] == "1"
    issuer.clock = lambda: time.time() - 900
    host.sync().refused("older than the one installed before")


def test_reset_trusts_the_keys_of_the_settings_again_for_an_issuer_that_was_restored(server, host, issuer):
    host.sync().ok()
    old = issuer.chain[0]
    issuer.chain = [old, Key()]
    host.sync().ok()
    issuer.chain = [old]
    host.sync().refused("none of its bundle keys is trusted")
    host.reset()
    host.sync().ok()
    issuer.chain = [Key()]
    host.reset()
    host.sync().refused("none of its bundle keys is trusted")


def test_a_changed_trust_is_used_at_once(server, host, issuer):
    host.sync().ok()
    rebuilt = Key()
    issuer.chain = [rebuilt]
    host.sync().refused("none of its bundle keys is trusted")
    host.set(server.url, rebuilt.thumbprint)
    host.sync().ok()
    host.set(server.url, Key().thumbprint)
    host.sync().refused("none of its bundle keys is trusted")


def trusted(host):
    return dict(entry.split("=", 1) for entry in host.read("var/lib/jwt-sync/state").decode().splitlines()[1:])["Key"].split()


def test_bundles_of_two_issuers_are_accepted_in_turns_and_the_keys_of_each_are_followed(server, host, issuer):
    other = Issuer()
    other.keys = issuer.keys
    host.set(server.url, issuer.chain[0].thumbprint, other.chain[0].thumbprint)
    for _ in range(3):
        for signs in (issuer, other):
            server.issuer = signs
            host.sync().ok()
            assert trusted(host) == [issuer.chain[-1].thumbprint, other.chain[-1].thumbprint]
            signs.chain.append(Key())
            host.sync().ok()
            assert trusted(host) == [issuer.chain[-1].thumbprint, other.chain[-1].thumbprint]


def test_a_state_with_one_key_trusts_this_key_alone(server, host, issuer):
    """As an earlier version wrote it: with two thumbprints of one issuer, or of two."""
    unused = Key()
    issuer.chain.append(Key())
    host.set(server.url, issuer.chain[0].thumbprint, unused.thumbprint)
    host.sync().ok()
    state = host.read("var/lib/jwt-sync/state").decode()
    old = re.sub("Key=.*", "Key=" + issuer.chain[1].thumbprint, state)
    with open(host.path("var/lib/jwt-sync/state"), "w", encoding="utf-8") as f:
        f.write(old)
    host.sync().ok()
    chain = issuer.chain
    for refused in (chain[:1], [unused]):
        issuer.chain = refused
        host.sync().refused("none of its bundle keys is trusted")
    issuer.chain = [*chain, Key()]
    host.sync().ok()
    assert set(trusted(host)) == {issuer.chain[-1].thumbprint}
