"""Two issuers on PostgreSQL, set up by the commands of docs/fleet.md on the hosts that tests/fleet/boot has booted."""

import os
import re

import fleet
import thief
from blocks import take
from fleet import HOSTS, PAGE

DATABASES, ISSUERS, ANOTHER, BALANCER = ("db1", "db2", "db3"), ("web1", "web5"), "web6", "balancer"
DB_PAGE, ISSUERS_PAGE, BALANCER_PAGE = "The databases", "The issuers", "The load balancer"
SAMPLES = ("LCe6Dgl7hsPoj8Zk8bKPL9w5tcnXBCyo4xYqA0CNTTs", "KCx7Sw0B5cTzO2ofyhPSXIVz3aCJQPGzYTdkGj0xSdQ",
           "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")

DB_INSTALL = take(PAGE, "apt install postgresql", DB_PAGE)
DB_CLEAN = take(PAGE, "systemctl stop etcd", DB_PAGE)
ETCD = take(PAGE, "# /etc/default/etcd", DB_PAGE)
PATRONI = take(PAGE, "# /etc/patroni/config.yml", DB_PAGE)
START = take(PAGE, "chown postgres:", DB_PAGE)
MEMBERS = take(PAGE, "# patronictl", DB_PAGE)
ROLES = take(PAGE, "runuser -l postgres", DB_PAGE)
WAS_STANDBY = take(PAGE, "systemctl disable --now jwt-standby.timer", ISSUERS_PAGE)
INSTALL = take(PAGE, "apt install ./jwtd-postgresql", ISSUERS_PAGE)
SETTINGS = take(PAGE, "# /etc/jwt/jwt.conf.d/database.conf", ISSUERS_PAGE)
MIGRATE = take(PAGE, "(umask 077;", ISSUERS_PAGE)
COPY = take(PAGE, "systemctl stop jwtd.socket", ISSUERS_PAGE)
JOIN = take(PAGE, "systemctl restart jwtd ", ISSUERS_PAGE)
TRUST = take(PAGE, "jwtctl sync --add=", ISSUERS_PAGE)
NGINX = take(PAGE, "# /etc/nginx/conf.d/balancer.conf", BALANCER_PAGE)
HAPROXY = take(PAGE, "frontend login", BALANCER_PAGE)
REAL_IP = take(PAGE, "# /etc/nginx/conf.d/real-ip.conf", BALANCER_PAGE)
LOAD = take(PAGE, "nginx -t", BALANCER_PAGE)


def release(host):
    """Of PostgreSQL."""
    return max(os.listdir(host.path("/usr/lib/postgresql")), key=int)


def of_release(text, host):
    return text.replace("/postgresql/15/", f"/postgresql/{release(host)}/").replace("--stop 15 main", f"--stop {release(host)} main")


def of_host(block, name):
    """The file of the page for db1, for another database: its own name where it names itself."""
    text = block.run()
    if block is ETCD:
        head, end = text.split("ETCD_INITIAL_CLUSTER=")
        return head.replace("db1", name) + "ETCD_INITIAL_CLUSTER=" + end
    return re.sub(r"(name: |connect_address: )db1", rf"\g<1>{name}", text)


def place(host, block, text=None):
    path = host.place(block)
    if text:
        host.write(path, text)
    return path


def set_up_databases(run):
    DB_INSTALL.run()
    for name in DATABASES:
        host = HOSTS[name]
        # What the packages do when they are installed.
        host.good(f"pg_createcluster --start {release(host)} main && systemctl start etcd")
        run(host, of_release(DB_CLEAN.run(), host))
        place(host, ETCD, of_host(ETCD, name))
        path = place(host, PATRONI, of_release(of_host(PATRONI, name), host))
        if name == DATABASES[0]:
            run(host, f"cat {path}")
        run(host, START.run())
    fleet.until(lambda: leader() and standby(), 180)
    HOSTS[leader()].session(MEMBERS)
    run(HOSTS[leader()], MEMBERS.text.splitlines()[0][2:])
    run(HOSTS[leader()], ROLES.run())


def members():
    """Name -> role, as any database host that answers knows it."""
    for name in DATABASES:
        status, output = HOSTS[name].sh("patronictl -c /etc/patroni/config.yml list -f tsv", timeout=30)
        rows = [line.split("\t") for line in output.splitlines()[1:]]
        if status == 0 and rows and all(len(row) > 4 for row in rows):
            return {row[1]: (row[3], row[4]) for row in rows}
    return {}


def with_role(role):
    return next((name for name, (its, state) in members().items() if its == role and state in ("running", "streaming")), None)


def leader():
    return with_role("Leader")


def standby():
    return with_role("Sync Standby")


def thumbprint(host):
    """Of its bundle key, as `jwtctl key list` prints it there."""
    return re.search(r"^\S+ +\S+ +([\w-]{43}) +bundle$", host.good("jwtctl key list"), re.MULTILINE)[1]


def kid_of(host):
    """Of the key that signs tokens there."""
    return thief.private_key(thief.KEYS, host)["kid"]


def signed_by(host, client):
    return [thief.kid_of(client.pair[kind]) for kind in ("refresh", "access")] == [kid_of(host)] * 2


def typed(block, prints):
    text = block.run()
    for sample, thumbprint in zip(SAMPLES, prints):
        text = text.replace(sample, thumbprint)
    return text


def install(host, run):
    """The package, or from source what it has besides the module."""
    if not fleet.from_packages(host):
        host.good("install -D -m 0644 /usr/share/jwt/postgresql.conf /etc/systemd/system/jwtd-issuer.service.d/postgresql.conf &&"
                  " systemctl daemon-reload && systemctl add-wants jwtd-issuer.socket jwtd-issuer.service")
    run(host, fleet.commands(host, INSTALL))


def set_up_issuing_host(host):
    if host.sh("test -e /etc/jwt/jwt.conf.d/fleet.conf")[0] != 0:
        fleet.set_up_issuer(host, lambda host, command: host.good("set -e\n" + command, timeout=180))


def set_up_issuers(run):
    web1, web5 = (HOSTS[name] for name in ISSUERS)
    set_up_issuing_host(web5)
    if web5.sh("test -e /var/lib/jwt-standby")[0] == 0:
        run(web5, WAS_STANDBY.run())
    for host in (web1, web5):
        install(host, run)
    prints = [thumbprint(host) for host in (web1, web5)]
    for host in (web1, web5):
        path = place(host, SETTINGS, typed(SETTINGS, prints))
    run(web1, f"cat {path}")
    run(web1, MIGRATE.run())
    run(web1, COPY.run())
    run(web5, JOIN.run())
    for host in fleet.others():
        run(host, typed(TRUST, prints))


def set_up_balancer(run):
    balancer = HOSTS[BALANCER]
    run(balancer, "cat " + balancer.place(NGINX))
    for name in ISSUERS:
        trust_balancer(HOSTS[name])
    for name in (*ISSUERS, BALANCER):
        run(HOSTS[name], LOAD.run())
    fleet.move_name(balancer)


def trust_balancer(host):
    host.write(host.place(REAL_IP), REAL_IP.text.replace("192.0.2.9", address(HOSTS[BALANCER])))


def address(host):
    return re.search(rf"^(\S+) {host.name}\b", host.read("/etc/hosts"), re.MULTILINE)[1]


def use_haproxy():
    """In place of nginx on the load balancer."""
    host = HOSTS[BALANCER]
    host.good("systemctl stop nginx && install -m 0600 /etc/ssl/haproxy.pem /etc/haproxy/login.example.pem")
    text = host.read("/etc/haproxy/haproxy.cfg")
    if "frontend login" not in text:
        host.write("/etc/haproxy/haproxy.cfg", text + "\n" + HAPROXY.run())
    host.good("haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl restart haproxy")


def kill(host):
    """Without a word to the others: nothing reaches the host, and its processes are killed."""
    host.good("ip link set eth0 down")
    host.sh("systemctl kill --signal=KILL patroni etcd jwtd jwtd-issuer jwtd-login nginx")


def revive(host):
    # nginx is started by the set-up, and not enabled.
    units = [unit for unit in ("etcd", "patroni", "nginx", "jwtd.socket", "jwtd-issuer")
             if host.sh(f"systemctl -q is-enabled {unit} || systemctl -q is-failed {unit}")[0] == 0]
    host.good(f"ip link set eth0 up; systemctl reset-failed; systemctl restart --no-block {' '.join(units)}")


