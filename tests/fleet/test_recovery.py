"""The recoveries of docs/fleet.md: each fault is made, its effect is seen, and the commands of the page make every host
right again. A host that is right shows the issuer's bundle key, accepts a new login and learns of its end (check_all)."""

import fleet
import pytest
import thief
from blocks import take
from fleet import HOSTS, PAGE, issuer, others
from kit import ADMIN, CAROL

BACKUP = take(ADMIN, "apt install sqlite3")
RESTORE = take(ADMIN, "systemctl stop jwtd.socket", "Backup and restore")
RESTORED = take(PAGE, "jwtctl sync --add=", "The issuing host was restored")
REBUILT = take(PAGE, "jwtctl sync --add=", "The issuing host was rebuilt")
RETIRE_NOW = take(PAGE, "jwtctl key retire --now", "A token-signing key was stolen")
STOLEN_BUNDLE = take(PAGE, "jwtctl key rotate --bundle", "A bundle key was stolen")
NEW_TRUST = take(PAGE, "jwtctl sync --add=", "A bundle key was stolen")
WHOSE_KEYS = take(PAGE, "# journalctl", "A bundle key was stolen")
ROTATE = take(PAGE, "# jwtctl key rotate\n", "Rotation")
RETIRE = take(PAGE, "# jwtctl key retire\n", "Rotation")
ROTATE_BUNDLE = take(PAGE, "# jwtctl key rotate --bundle", "Rotation")
RETIRE_BUNDLE = take(PAGE, "jwtctl key retire --bundle", "Rotation")
STATE = "/var/lib/jwtd-issuer"
SETTINGS = "/etc/jwt/jwt.conf.d/fleet.conf"

RIGHT = [True]  # empty: the last test left the hosts as they were

pytestmark = pytest.mark.usefixtures("ready")


@pytest.fixture(autouse=True)
def all_right():
    """What each recovery ends with; and what the next one begins with, after one that failed."""
    if not RIGHT:
        fleet.repair()
    fleet.stop_polling()
    RIGHT.clear()
    yield
    fleet.check_all()
    fleet.start_polling()
    RIGHT.append(True)


def without_apt(block):
    return "set -e\n" + "".join(line + "\n" for line in block.run().splitlines() if not line.startswith("apt install"))


def back_up():
    issuer().good("rm -rf /root/jwt-backup")
    issuer().good(without_apt(BACKUP))


def restore():
    issuer().good(without_apt(RESTORE))


def set_propagation(span):
    issuer().good(f"sed -i 's/^KeyPropagation=.*/KeyPropagation={span}/' {SETTINGS} && systemctl try-reload-or-restart jwtd-issuer")


@pytest.fixture
def signs_at_once():
    """A new key signs at once: the tests cannot wait for the hour of the page."""
    set_propagation("0")
    yield
    set_propagation("1h")


def accepted(access, user="alice"):
    return [host.name for host in others() if host.sudo(access, user)]


EVERYWHERE = [host.name for host in others()]


def test_a_rotated_key_is_published_before_it_signs_and_a_token_of_the_old_one_stays_valid():
    fleet.login()
    access, kid = fleet.token(), thief.kid_of(fleet.token())
    issuer().session(ROTATE)
    fleet.fetch()
    assert all(host.read("/var/lib/jwt/jwks.json").count('"kid"') == 2 for host in others())
    fleet.login("carol", CAROL)  # another login of alice would end her session
    assert thief.kid_of(fleet.token("carol")) == kid
    assert accepted(access) == accepted(fleet.token("carol"), "carol") == EVERYWHERE
    issuer().good("jwtctl logout", "carol")
    issuer().session(RETIRE)
    assert accepted(access) == EVERYWHERE


def test_hosts_follow_a_rotated_bundle_key():
    old = thief.bundle_kids()
    first = fleet.thumbprint()
    issuer().session(ROTATE_BUNDLE)
    assert fleet.thumbprint() != first
    fleet.fetch()
    issuer().script(RETIRE_BUNDLE, kid=old[-1])
    fleet.fetch()


def test_a_restored_issuer_does_not_bring_back_sessions_that_were_revoked_since(signs_at_once):
    fleet.login()
    access = fleet.token()
    back_up()
    issuer().good("jwtctl key rotate")
    fleet.login()
    newer = fleet.token()
    fleet.fetch()
    assert accepted(newer) == EVERYWHERE
    issuer().good("jwtctl revoke alice")
    fleet.fetch()
    assert accepted(access) == []
    restore()
    fleet.fetch()
    assert accepted(access) == accepted(newer) == []


def test_a_restored_issuer_of_an_older_bundle_key_and_epoch_is_accepted_after_a_reset():
    back_up()
    issuer().good("jwtctl key rotate --bundle; jwtctl key new-epoch")
    fleet.fetch()
    restore()
    assert all(host.sh("jwtctl sync")[0] != 0 for host in others())
    for host in others():
        host.script(RESTORED)


def test_a_rebuilt_issuer_is_refused_until_its_thumbprint_is_given():
    fleet.login()
    access = fleet.token()
    issuer().good("systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-issuer-admin.socket jwtd jwtd-issuer;"
                  f" rm -rf {STATE} /var/lib/jwt/*; systemctl start jwtd.socket; jwtctl key list")
    for host in others():
        status, output = host.sh("jwtctl sync")
        assert status != 0 and "bundle key" in output, output
        assert host.sudo(access)
    for host in others():
        host.script(REBUILT)
        assert not host.sudo(access)


def test_tokens_of_a_stolen_signing_key_are_refused_everywhere_with_the_next_fetch():
    fleet.login()
    mine = fleet.token()
    stolen = thief.steal_signing_key()
    fleet.start_polling()
    forged = thief.forge(stolen)
    assert accepted(forged) == EVERYWHERE
    waited = fleet.seconds_until_refused(forged, lambda: issuer().script(RETIRE_NOW, kid=stolen["kid"]))
    print(f"# refused on all hosts {waited:.1f} s after retire --now; the interval is {fleet.INTERVAL} s")
    assert not issuer().sudo(forged)
    assert accepted(mine) == accepted(thief.forge(stolen)) == []


def test_a_thief_of_the_bundle_key_is_thrown_out_with_what_his_bundle_brought():
    victim = HOSTS["web3"]
    fleet.login()
    key = thief.steal_bundle_key()
    with thief.in_place_of_the_issuer(victim, HOSTS["web4"], key) as forged:
        assert victim.sudo(forged) and not HOSTS["web2"].sudo(forged)
    old = thief.bundle_kids()
    assert victim.sh("jwtctl sync")[0] != 0
    issuer().script(STOLEN_BUNDLE, kid=old[-1])
    for host in others():
        host.script(NEW_TRUST)
    assert not victim.sudo(forged)
    victim.session(WHOSE_KEYS)
    # The stolen key is of no use any more.
    with thief.in_place_of_the_issuer(victim, HOSTS["web4"], key, may_fail=True) as forged:
        assert not victim.sudo(forged)


def test_a_host_that_was_off_during_two_rotations_and_a_retired_key_needs_nothing(signs_at_once):
    host = HOSTS["web4"]
    fleet.login()
    access = fleet.token()
    kid = thief.kid_of(access)
    fleet.start_polling()
    host.good("systemctl stop jwt-sync.timer; ip link set eth0 down")
    issuer().good(f"jwtctl key rotate && jwtctl key rotate && jwtctl key retire --now {kid}")
    fleet.until(lambda: not HOSTS["web2"].sudo(access))
    assert host.sudo(access)
    host.good("ip link set eth0 up; systemctl start jwt-sync.timer")
    fleet.until(lambda: not host.sudo(access))
    fleet.login()
    assert host.accepts(fleet.token())
