"""The cold standby of docs/fleet.md: web5 takes over from web1 with the sessions of the last copy, and gives them back."""

import contextlib

import fleet
import pytest
from blocks import take
from fleet import ALICE, HOSTS, PAGE, Client, issuer
from kit import CAROL

COLD, TAKE_OVER, GO_BACK = "A cold standby", "Take over", "Go back"
MASK = take(PAGE, "systemctl mask", COLD)
SEND = take(PAGE, "# /usr/local/sbin/jwt-send-copy", COLD)
ALLOW = take(PAGE, "apt install sqlite3", COLD)
SERVICE = take(PAGE, "# /etc/systemd/system/jwt-standby.service", COLD)
TIMER = take(PAGE, "# /etc/systemd/system/jwt-standby.timer", COLD)
START = take(PAGE, "ssh -i", COLD)
TOO_OLD = take(PAGE, "find /var/lib/jwt-standby", COLD)
STARTED = take(PAGE, "systemctl disable --now jwt-standby.timer", TAKE_OVER)
STOP = take(PAGE, "systemctl mask", GO_BACK)
LAST_COPY = take(PAGE, "systemctl start jwt-standby", GO_BACK)
KEY = "ssh-ed25519 AAAA... root@web5"
NEWER = "Refresh token is newer than the store"


def exchanged(text, standby, active):
    """The text of the page for other machines than web5, which is the standby of web1."""
    return text.replace("web1", "ACTIVE").replace("web5", standby.name).replace("ACTIVE", active.name)


def type_on(host, text):
    return host.good("set -e\n" + "".join(line + "\n" for line in text.splitlines() if not line.startswith("apt install")))


def set_up_standby(standby, active):
    if standby.sh("test -e /etc/jwt/jwt.conf.d/fleet.conf")[0] != 0:
        standby.good(fleet.commands(standby, fleet.INSTALL[0]))
        for block in (fleet.SETTINGS, fleet.SITE):
            standby.place(block)
        standby.good("nginx -t && systemctl reload-or-restart nginx")
    public = type_on(standby, MASK.run()).splitlines()[-1]
    active.place(SEND)
    assert KEY in ALLOW.run()
    type_on(active, ALLOW.run().replace(KEY, public))
    for block in (SERVICE, TIMER):
        standby.write(standby.place(block), exchanged(block.text, standby, active))
    assert "sessions.db" in type_on(standby, exchanged(START.run(), standby, active)).split()
    standby.good("systemctl start jwt-standby.service")
    assert standby.good("stat -c '%U %a' /var/lib/jwt-standby/copy.tar") == "root 600\n"
    assert type_on(standby, TOO_OLD.run()) == ""


def take_over(standby):
    said = type_on(standby, STARTED.run())
    assert standby.good("find /var/lib/jwtd-issuer ! -user jwtd-issuer") == ""
    return said


@contextlib.contextmanager
def lost(host):
    """The daemons are killed, and nothing reaches the host."""
    host.good("ip link set eth0 down; systemctl kill --signal=KILL jwtd jwtd-issuer jwtd-login; true")
    yield
    host.good("ip link set eth0 up")


@pytest.fixture
def hosts(ready):
    """Each fetches when a test says so."""
    fleet.stop_polling()
    root = [HOSTS["web1"], HOSTS["web5"]]
    for host in root:
        host.good("install -d -m 0700 /root/.ssh; test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    HOSTS["web2"].write("/root/.ssh/authorized_keys", "".join(host.read("/root/.ssh/id_ed25519.pub") for host in root))
    yield
    fleet.start_polling()


def test_a_standby_takes_over_with_the_sessions_of_the_last_copy_and_gives_them_back(hosts):
    web1, web5 = HOSTS["web1"], HOSTS["web5"]
    keys = web1.good("jwtctl key list")
    set_up_standby(web5, web1)

    kept, refreshed, ended = Client("web2", "alice", ALICE), Client("web3", "carol", CAROL), Client("web3", "alice", ALICE)
    assert kept.refresh() and ended.refresh()
    web5.good("systemctl start jwt-standby.service")
    newer = Client("web2", "carol", CAROL)
    assert refreshed.refresh()
    ended.log_out()
    HOSTS["web2"].good("jwtctl sync")

    with lost(web1):
        assert web5.sh("jwtctl status")[0] != 0
        take_over(web5)
        fleet.move_name(web5)
        assert web5.good("jwtctl key list") == keys
        fleet.fetch()
        assert kept.refresh() and HOSTS["web2"].sudo(kept.pair["access"])
        assert not ended.refresh() and not HOSTS["web4"].sudo(ended.pair["access"])
        assert not newer.refresh() and not refreshed.refresh()
        said = web5.good(f"journalctl --sync; journalctl -q --no-pager -o cat -u jwtd-issuer -g '{NEWER}'")
        assert said.count(NEWER) >= 2, said
        web1.good("set -e\n" + MASK.text.splitlines()[0])

    # No session is lost on the way back.
    later = Client("web3", "carol", CAROL)
    set_up_standby(web1, web5)
    assert later.refresh()
    type_on(web5, STOP.run())
    type_on(web1, LAST_COPY.run())
    take_over(web1)
    fleet.move_name(web1)
    assert issuer().good("jwtctl key list") == keys
    fleet.fetch()
    assert later.refresh() and kept.refresh() and HOSTS["web4"].sudo(later.pair["access"], "carol")
    assert not ended.refresh()
    later.log_out()
