"""What docs/fleet.md says about another issuer, and one fewer, is typed after test_issuers.py."""

import contextlib

import files
import fleet
import issuers
import pytest
from blocks import take
from fleet import ALICE, HOSTS, PAGE, Client, run
from issuers import kid_of, signed_by
from kit import CAROL

MORE, COMPROMISED = "Another issuer, or one fewer", "An issuer is compromised"
SYNC = "jwtctl sync --add=https://login.example --trust=LCe6Dgl7hsPoj8Zk8bKPL9w5tcnXBCyo4xYqA0CNTTs --trust="
TRUST = take(PAGE, SYNC + "KCx7", MORE)
RELOAD = take(PAGE, "jwtctl config check && systemctl reload", MORE)
JOIN = take(PAGE, "jwtctl config check && systemctl restart", MORE)
NGINX = take(PAGE, "sed -i '/server web5/{p;s/web5/web6/g}' /etc/nginx", MORE)
HAPROXY = take(PAGE, "sed -i '/server web5/{p;s/web5/web6/g}' /etc/haproxy", MORE)
STOP = take(PAGE, "systemctl mask", MORE)
TRUST_FEWER = take(PAGE, SYNC + "Nzb", MORE)
CLOSE = take(PAGE, "runuser -l postgres", COMPROMISED)
PASSWORD = take(PAGE, "echo", COMPROMISED)
END_ALL = take(PAGE, "jwtctl revoke --all", COMPROMISED)
RESET = take(PAGE, SYNC + "Nzb", COMPROMISED)
DELETE = "sed -i '/server web5/d'"
assert f"`{DELETE}`" in files.read(f"{fleet.HERE}/../../docs/fleet.md")


@contextlib.contextmanager
def asking(target):
    """login.example is this issuer, without the load balancer."""
    fleet.move_name(target)
    try:
        yield
    finally:
        fleet.move_name(HOSTS[issuers.BALANCER])


@contextlib.contextmanager
def stopped(*hosts):
    for host in hosts:
        host.good("systemctl stop nginx jwtd.socket jwtd-issuer.socket jwtd-issuer-admin.socket jwtd jwtd-issuer")
    try:
        yield
    finally:
        for host in hosts:
            host.good("systemctl start jwtd.socket nginx")


def list_issuers(host, prints):
    host.good(f"sed -i 's/^Issuers=.*/Issuers={' '.join(prints)}/' /etc/jwt/jwt.conf.d/database.conf")


def refused(host, token, user):
    return not host.sudo(token, user)


@pytest.fixture
def hosts(grown):
    """Each fetches when a test says so."""
    fleet.stop_polling()
    yield
    fleet.start_polling()


def add(web6):
    """The commands of the page, without the load balancer; web4 does not trust the bundle key yet."""
    issuers.set_up_issuing_host(web6)
    issuers.install(web6, run)
    issuers.trust_balancer(web6)
    web6.good("systemctl reload-or-restart nginx")
    prints = [issuers.thumbprint(HOSTS[name]) for name in (*issuers.ISSUERS, issuers.ANOTHER)]
    for name in ("web2", "web3"):
        run(HOSTS[name], issuers.typed(TRUST, prints))
    for name in issuers.ISSUERS:
        list_issuers(HOSTS[name], prints)
        run(HOSTS[name], RELOAD.run())
    web6.write(issuers.SETTINGS.text.splitlines()[0][2:], HOSTS["web1"].read("/etc/jwt/jwt.conf.d/database.conf"))
    run(web6, JOIN.run())
    return prints


def test_an_issuer_is_added_and_its_tokens_and_bundles_are_accepted_where_its_key_is_trusted(hosts):
    web1, web5, web6 = (HOSTS[name] for name in (*issuers.ISSUERS, issuers.ANOTHER))
    alice, balancer = Client("web2", "alice", ALICE), HOSTS[issuers.BALANCER]
    prints = add(web6)
    balancer.good("systemctl stop haproxy")
    run(balancer, "systemctl start nginx\n" + NGINX.run())
    with stopped(web1, web5):
        # Alone behind the load balancer.
        fleet.until(alice.refresh)
        assert signed_by(web6, alice)
        with asking(web6):
            carol = Client("web3", "carol", CAROL)
            carol.log_out()
            for name in ("web2", "web3"):
                HOSTS[name].good("jwtctl sync")
                assert refused(HOSTS[name], carol.pair["access"], "carol") and HOSTS[name].sudo(alice.pair["access"])
            status, said = HOSTS["web4"].sh("jwtctl sync; journalctl --sync; journalctl -q --no-pager -o cat -u jwt-sync-install -n 9")
            assert "none of its bundle keys is trusted here" in said, said
            run(HOSTS["web4"], issuers.typed(TRUST, prints))
            assert refused(HOSTS["web4"], carol.pair["access"], "carol") and HOSTS["web4"].sudo(alice.pair["access"])
    for host in (web1, web5):
        fleet.until(lambda host=host: kid_of(web6) in host.read("/var/lib/jwt/jwks.json"))
    assert alice.refresh()


def test_the_keys_of_an_issuer_that_is_no_longer_listed_leave_every_host(hosts):
    web1, web5, web6 = (HOSTS[name] for name in (*issuers.ISSUERS, issuers.ANOTHER))
    balancer, prints = HOSTS[issuers.BALANCER], [issuers.thumbprint(host) for host in (web1, web5, web6)]
    with asking(web5):
        idle, used = Client("web2", "carol", CAROL), Client("web3", "carol", CAROL)
        assert signed_by(web5, idle) and signed_by(web5, used)
    issuers.use_haproxy()
    run(balancer, HAPROXY.run())
    fleet.until(lambda: "/healthz" in web6.read("/var/log/nginx/access.log"))
    run(balancer, f"{DELETE} /etc/haproxy/haproxy.cfg\n" + HAPROXY.run().splitlines()[1])
    run(web5, STOP.run())

    # A week before the end.
    assert used.refresh() and not signed_by(web5, used)
    fleet.fetch()
    assert all(host.sudo(client.pair["access"], "carol") for host in fleet.others() for client in (idle, used))

    for host in (web1, web6):
        list_issuers(host, [prints[0], prints[2]])
        run(host, RELOAD.run())
    kid = kid_of(web5)
    for host in (web1, web6):
        fleet.until(lambda host=host: kid not in host.read("/var/lib/jwt/jwks.json"))
    fleet.fetch()
    assert not idle.refresh() and used.refresh()
    for host in (web1, web6, *fleet.others()):
        assert refused(host, idle.pair["access"], "carol") and host.sudo(used.pair["access"], "carol"), host.name
    for host in fleet.others():
        run(host, issuers.typed(TRUST_FEWER, prints))
        listed = host.good("jwtctl sync --list")
        assert prints[1] not in listed and prints[0] in listed and prints[2] in listed, listed


def test_an_issuer_that_is_compromised_is_shut_out_of_the_database_and_of_every_host(hosts):
    """web6 is the one of the page, and stays connected; web1 is the only one left."""
    web1, web6 = HOSTS["web1"], HOSTS[issuers.ANOTHER]
    prints, thief = [issuers.thumbprint(web1), "", ""], issuers.thumbprint(web6)
    with asking(web6):
        stolen = Client("web2", "carol", CAROL)
        assert signed_by(web6, stolen)
    run(HOSTS[issuers.BALANCER], DELETE.replace("web5", "web6") + " /etc/haproxy/haproxy.cfg\n" + HAPROXY.run().splitlines()[1])
    run(HOSTS[issuers.leader()], CLOSE.run())
    list_issuers(web1, prints[:1])
    for line in PASSWORD.run(), END_ALL.run():
        run(web1, line)
    for host in fleet.others():
        run(host, issuers.typed(RESET, prints).replace("--trust= ", ""))
        assert refused(host, stolen.pair["access"], "carol"), host.name
        assert thief not in host.good("jwtctl sync --list")
    with asking(web6):
        assert not stolen.refresh()
        assert "password authentication failed" in web6.sh("jwtctl doctor")[1]
        fleet.until(lambda: HOSTS["web2"].sh("jwtctl sync")[0] != 0)
    with asking(web1):
        again = Client("web3", "carol", CAROL)
        assert again.refresh() and not stolen.refresh()
        fleet.fetch()
        assert all(host.sudo(again.pair["access"], "carol") for host in fleet.others())
