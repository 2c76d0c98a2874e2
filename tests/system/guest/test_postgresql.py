"""Sessions in PostgreSQL: the section of docs/admin.md, passwords, TLS and a database that is down, under systemd."""

import contextlib
import json
import os
import pwd
import re

import pytest
from blocks import take
from files import read, until, write
from kit import ALICE, DAEMONS, api, journal, obtain, sh, systemctl

HEADING = "Sessions in PostgreSQL"
ROLES, SETTINGS, CREDENTIAL, MIGRATE, COPY, ADDRESSES = (take("admin.md", start, HEADING) for start in (
    "runuser -u postgres", "# /etc/jwt/jwt.conf.d/database.conf", "install -d -m 0700 /etc/credstore", "read -rsp 'Password of jwtd_owner",
    "systemctl stop jwtd.socket", "# /etc/systemd/system/jwtd-issuer.service.d/database.conf"))
# jwtd-issuer(8), POSTGRESQL.
FROM_SOURCE = """install -D -m 0644 /usr/share/jwt/postgresql.conf \
    /etc/systemd/system/jwtd-issuer.service.d/postgresql.conf
systemctl daemon-reload
systemctl add-wants jwtd-issuer.socket jwtd-issuer.service
"""
PASSWORD, SECRET = "choose another", "/etc/credstore/jwtd-issuer.postgresql-password"
CONF, CA = "/etc/jwt/jwt.conf.d/database.conf", "/etc/ssl/jwt-db.pem"
ISSUER = "jwtd-issuer.service"
LOGIN = {"username": "alice", "password": ALICE}


def must(command, text=None):
    out = sh("set -e\n" + command, text)
    assert out.returncode == 0, (command, out, journal()[-3000:])
    return out.stdout


def psql(statement, database="jwt"):
    return must(f"runuser -u postgres -- psql -AtX {database}", statement).strip()


def exposed():
    rows = json.loads(sh(f"systemd-analyze security --json=short {ISSUER}").stdout)
    return {row["name"] for row in rows if row["exposure"]}


def certificate(name, ca, days=30):
    """A key and certificate of the server for this name, by a CA of this name, which is made."""
    must(f"""cd /etc/ssl
[ -e {ca}.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout {ca}.key -out {ca}.pem -subj /CN={ca} -days 30
openssl req -newkey rsa:2048 -nodes -keyout jwt-server.key -out jwt-server.csr -subj /CN={name}
printf 'subjectAltName=DNS:{name}' >jwt-server.ext
openssl x509 -req -in jwt-server.csr -CA {ca}.pem -CAkey {ca}.key -CAcreateserial -extfile jwt-server.ext -days {days} -out jwt-server.pem
install -o postgres -m 0600 jwt-server.key jwt-server.pem "$(dirname {cluster_conf()})"
systemctl restart postgresql""")


def cluster_conf():
    return sh("echo /etc/postgresql/*/main/postgresql.conf").stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def server():
    """A server as db1 with a certificate, and the drop-ins of an installation from source."""
    systemctl("disable", "--now", "jwtd-tcp.socket")
    if not os.path.exists(cluster_conf()):
        must("pg_createcluster $(ls /usr/lib/postgresql | tail -n 1) main")
    write("/etc/hosts", read("/etc/hosts") + "127.0.0.1 db1\n127.0.0.1 db2\n")
    directory = os.path.dirname(cluster_conf())
    write(f"{directory}/conf.d/test.conf", f"ssl = on\nport = 5432\nssl_cert_file = '{directory}/jwt-server.pem'\n"
                                           f"ssl_key_file = '{directory}/jwt-server.key'\n")
    certificate("db1", "jwt-db")
    until(lambda: sh("runuser -u postgres -- psql -c ''").returncode == 0)


@pytest.fixture(scope="module")
def moved(server):
    """The steps of the page. A refresh token from before."""
    before = obtain()["refresh"]
    closed = exposed()
    must(FROM_SOURCE)
    print("# opened by the drop-in:", sorted(exposed() - closed))
    assert exposed() - closed == {"PrivateNetwork=", "RestrictAddressFamilies=~AF_(INET|INET6)", "IPAddressDeny="}
    must(ROLES.run())
    write(CONF, SETTINGS.run())
    must(CREDENTIAL.run(), PASSWORD + "\n")
    assert os.stat(SECRET).st_mode & 0o777 == 0o600
    must(MIGRATE.run(), "choose one\n")
    steps = sh(COPY.run())
    assert "Copied: 1 sessions" in steps.stdout, (steps, journal()[-3000:])
    assert not [line for line in steps.stdout.splitlines() if re.match(r"(warning|error) +(store|units|issuer|keys) ", line)], steps
    return before


@contextlib.contextmanager
def database(url):
    """Another Database=."""
    before = read(CONF)
    write(CONF, f"[Store]\nDatabase={url}\n")
    systemctl("restart", ISSUER)
    try:
        yield
    finally:
        write(CONF, before)
        systemctl("restart", ISSUER)
        until(works)


def works():
    return api("/api/token/", LOGIN)[0] == 200


def failures(pattern):
    return [line for line in journal().splitlines() if "jwtd-issuer[" in line and re.search(pattern, line)]


def test_a_session_is_copied_and_goes_on(moved):
    status, pair = api("/api/token/refresh/", {"refresh": moved})
    assert status == 200 and psql("SELECT count(*) FROM session") == "1"
    assert api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 200
    state = json.loads(must("jwtctl status -o json || true"))["daemon"]["store"]
    assert state == {"path": SETTINGS.text.partition("Database=")[2].strip()}
    assert "sslmode=verify-full" in must("jwtctl status || true")
    assert psql("SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE usename = 'jwtd_issuer' AND NOT ssl") == "0"


def test_a_second_copy_and_one_beside_a_running_issuer_are_refused(moved):
    out = sh("jwtctl store copy")
    assert out.returncode == 1 and "into an empty database only" in out.stderr, out


def test_the_issuer_runs_without_a_request_and_does_not_exit(moved):
    write("/etc/jwt/jwt.conf.d/idle.conf", "[Daemon]\nIdleTimeout=1s\n")
    try:
        systemctl("stop", "jwtd.socket", "jwtd-issuer.socket", "jwtd-issuer-admin.socket", *DAEMONS)
        systemctl("start", "jwtd.socket")
        until(lambda: systemctl("is-active", ISSUER) == "active")
        pid = systemctl("show", "-P", "MainPID", ISSUER)
        # It answers a poll each second; the front end would have exited.
        assert sh("sleep 4").returncode == 0
        assert systemctl("show", "-P", "MainPID", ISSUER) == pid
    finally:
        os.unlink("/etc/jwt/jwt.conf.d/idle.conf")
        systemctl("restart", ISSUER)


def test_a_wrong_password_is_logged_once_and_a_corrected_one_works(moved):
    journal()
    psql("ALTER ROLE jwtd_issuer PASSWORD 'something else'")
    systemctl("restart", ISSUER)
    for _ in range(3):
        assert api("/api/token/", LOGIN)[0] == 503
        sh("sleep 1.1")
    said = failures("password authentication failed")
    assert len(said) == 1 and PASSWORD not in said[0], said
    # Corrected in the database: the daemon tries again.
    psql(f"ALTER ROLE jwtd_issuer PASSWORD '{PASSWORD}'")
    until(works)
    # Corrected in the credential: at the next start.
    write(SECRET, "wrong\n", 0o600)
    systemctl("restart", ISSUER)
    assert api("/api/token/", LOGIN)[0] == 503
    doctor = sh("jwtctl doctor").stdout
    assert re.search(r"error +store .*password authentication failed", doctor), doctor
    write(SECRET, PASSWORD + "\n", 0o600)
    systemctl("restart", ISSUER)
    until(works)
    assert PASSWORD not in sh("journalctl -q --no-pager -b").stdout


def test_a_password_file_and_peer_authentication_work_in_the_sandbox(moved):
    os.rename(SECRET, SECRET + ".away")
    try:
        passfile = "/var/lib/jwtd-issuer/pgpass"
        write(passfile, f"db1:5432:*:jwtd_issuer:{PASSWORD}\n", 0o600)
        os.chown(passfile, pwd.getpwnam("jwtd-issuer").pw_uid, -1)
        with database(SETTINGS.text.partition("Database=")[2].strip() + "&passfile=" + passfile):
            until(works)
            psql('CREATE ROLE "jwtd-issuer" LOGIN')
            must("PGPASSWORD='choose one' jwtctl store migrate --grant=jwtd-issuer --database='postgresql://jwtd_owner@db1/jwt'")
            write(CONF, "[Store]\nDatabase=postgresql://jwtd-issuer@/jwt?host=/run/postgresql\n")
            systemctl("restart", ISSUER)
            until(works)
            assert sh("jwtctl doctor").stdout.count("the database of the sessions is reachable") == 1
            os.rename(SECRET + ".away", SECRET)
    finally:
        if os.path.exists(SECRET + ".away"):
            os.rename(SECRET + ".away", SECRET)


@pytest.mark.parametrize("made, fault", [(("db2", "jwt-db"), 'does not match host name'),
                                         (("db1", "other-ca"), "certificate verify failed")])
def test_a_server_that_is_not_verified_gets_no_connection(moved, made, fault):
    journal()
    certificate(*made)
    try:
        until(lambda: api("/api/token/", LOGIN)[0] == 503)
        until(lambda: fault in journal())
    finally:
        certificate("db1", "jwt-db")
        until(works)


def test_a_database_that_is_down_costs_503_and_nothing_else(moved):
    pair = obtain()
    journal()
    systemctl("stop", "postgresql")
    try:
        until(lambda: api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 503)
        # A start of the host while it is down.
        systemctl("restart", "jwtd-issuer-init.service", ISSUER)
        assert systemctl("is-active", ISSUER) == "active" and systemctl("show", "-P", "Result", "jwtd-issuer-init") == "success"
        assert api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 503
    finally:
        systemctl("start", "postgresql")
    until(lambda: api("/api/token/refresh/", {"refresh": pair["refresh"]})[0] == 200)
    assert systemctl("show", "-P", "NRestarts", ISSUER) == "0"


def test_tables_of_another_release_are_named(moved):
    psql("UPDATE schema_version SET version = 4")
    try:
        systemctl("restart", ISSUER)
        assert api("/api/token/", LOGIN)[0] == 503
        assert "run jwtctl store migrate" in sh("jwtctl doctor").stdout
    finally:
        psql("UPDATE schema_version SET version = 5")
        until(works)


def test_addresses_can_be_limited(moved):
    path = "/etc/systemd/system/jwtd-issuer.service.d/database.conf"
    write(path, ADDRESSES.run())
    try:
        must(f"systemctl daemon-reload && systemctl restart {ISSUER}")
        until(works)
    finally:
        os.unlink(path)
        must(f"systemctl daemon-reload && systemctl restart {ISSUER}")
