"""A host stays safe and whole when sync-install is killed, or the disk is full, at any step."""

import base64
import json
import os
import signal
import subprocess

import pytest

from host import BUILD
from issuer import Issuer, Key


class Model:
    """What pam_jwt accepts: a session of a key in jwks.json that is not in `revoked`."""

    def __init__(self, host):
        self.kids = {key["kid"] for key in json.loads(host.read("var/lib/jwt/jwks.json"))["keys"]}
        self.revoked = {entry[:22] for entry in host.read("var/lib/jwt/revoked").splitlines()}
        assert len(host.read("var/lib/jwt/revoked")) % 34 == 0
        assert host.read("var/lib/jwt/issuer").endswith(b"\nAudience=web2\n")
        assert host.synced()["Bundle"]

    def accepts(self, key, sid):
        return key.kid in self.kids and sid not in self.revoked


def sid(issuer, number):
    other = Issuer()
    other.revoke(number)
    return other.revoked[:22]


def prepare(server, host, issuer, epoch):
    """Session 1 of the first key was revoked. Then key 2 signs, session 2 of it is revoked, and key 1 is gone."""
    issuer.epoch, issuer.revoked = 1, b""
    first, second = issuer.keys[0][0], Key()
    issuer.keys = [(first, "signing")]
    issuer.revoke(1)
    host.sync().ok()
    issuer.epoch = epoch
    if epoch > 1:
        issuer.revoked = b""
    issuer.keys = [(second, "signing")]
    issuer.revoke(2)
    host.fetch().ok()
    return first, second


def check_safe(host, first, second, issuer, newest):
    model = Model(host)
    assert not model.accepts(first, sid(issuer, 1)), "a session that was revoked before"
    assert not model.accepts(second, sid(issuer, 2)), "a session that the new list revokes"
    if second.kid in model.kids:
        assert f"\nSeq={newest}\n" in host.read("var/lib/jwt-sync/state").decode(), "an older bundle would be accepted"
    return model


@pytest.mark.parametrize("epoch", [1, 2])
def test_kill_at_each_step(server, host, issuer, epoch, tmp_path):
    first, second = prepare(server, host, issuer, epoch)
    payload = host.read("run/jwt-sync/bundle").split(b".")[1]
    newest = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))["seq"]
    subprocess.run(["cp", "-a", host.root, str(tmp_path / "saved")], check=True)
    done, step = False, 0
    while not done:
        step += 1
        for name in ("var", "run"):
            subprocess.run(["rm", "-rf", host.path(name)], check=True)
            subprocess.run(["cp", "-a", str(tmp_path / "saved" / name), host.root], check=True)
        (tmp_path / "kill-at").write_text(str(step))
        killed = host.install(env={"LD_PRELOAD": BUILD + "/tests/http/kill_at.so", "KILL_AT": str(tmp_path / "kill-at")})
        done = killed.status != -signal.SIGKILL
        check_safe(host, first, second, issuer, newest)
        host.install().ok()
        model = check_safe(host, first, second, issuer, newest)
        assert model.kids == {second.kid}
        assert host.synced()["Epoch"] == str(epoch)
        assert not [name for name in os.listdir(host.path("var/lib/jwt")) if name.startswith(".")]
        assert sorted(os.listdir(host.path("var/lib/jwt-sync"))) == ["state"]
    # An odd step is before a call, an even one after it: copy, list, state, keys, names, time, with three calls each.
    assert step > 2 * 3 * 5


@pytest.mark.parametrize("directory", ["var/lib/jwt", "var/lib/jwt-sync"])
def test_full_disk_leaves_the_old_files_whole(server, host, issuer, directory, tmp_path):
    """At each size of the file system, until there is room."""
    issuer.revoke(*range(10, 3000))
    first, second = prepare(server, host, issuer, 1)
    issuer.revoke(*range(10, 3000))
    host.fetch().ok()
    before = host.public()
    script = tmp_path / "small"
    script.write_text(f"""#!/bin/sh
cp -a {host.path(directory)} {tmp_path}/whole && mount -t tmpfs -o mode=0755,size=$SIZE tmpfs {host.path(directory)} &&
cp -a {tmp_path}/whole/. {host.path(directory)} && rm -r {tmp_path}/whole || exit 99
"$@"
status=$?
rm -rf {tmp_path}/after && cp -a {host.path(directory)} {tmp_path}/after
exit $status
""")
    script.chmod(0o755)
    statuses = []
    for pages in range(5, 120, 3):
        outcome = host.install(wrap=("unshare", "-m", str(script)), env={"SIZE": str(pages * 4096)})
        assert outcome.status in (0, 1), outcome.err
        statuses.append(outcome.status)
        after = {f"{directory}/{name}": (tmp_path / "after" / name).read_bytes()
                 for name in os.listdir(tmp_path / "after")}
        if outcome.status == 0:
            break
        outcome.refused("No space left on device")
        assert not [name for name in after if "/." in name]
        for name, text in after.items():
            assert text == before[name] or name != "var/lib/jwt/jwks.json", "the list comes first"
    assert statuses[0] == 1 and statuses[-1] == 0, statuses


def test_read_only_disk(server, host, issuer):
    first, second = prepare(server, host, issuer, 1)
    before = host.public()
    outcome = host.install(wrap=("unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && '
                                 'exec "$@"', host.path("var/lib/jwt")))
    outcome.refused("Read-only file system")
    assert host.public() == before


def test_remains_of_a_killed_fetcher_are_removed(server, host, issuer):
    with open(host.path("run/jwt-sync/.new-0123456789abcdef"), "wb") as f:
        f.write(bytes(1000))
    host.sync().ok()
    assert sorted(host.spooled()) == ["bundle", "revoked"]
