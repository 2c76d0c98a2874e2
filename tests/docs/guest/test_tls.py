"""The web servers of docs/admin.md: nginx and haproxy pass requests on, with the client's address."""

import os

import pytest
from blocks import take
from files import read, until
from kit import ADMIN, good, journal, place, script, session, sh

LOGIN = take(ADMIN, "$ jwtctl login --server=")
NGINX = [take(ADMIN, start) for start in ("# /etc/jwt/jwt.conf.d/nginx.conf", "# /etc/nginx/conf.d/login.conf")]
NGINX_LOAD = take(ADMIN, "jwtctl config check && systemctl try-reload-or-restart jwtd\nnginx -t")
HAPROXY = [take(ADMIN, start) for start in ("# /etc/systemd/system/haproxy.service.d/jwtd.conf",
                                            "# /etc/jwt/jwt.conf.d/haproxy.conf")]
HAPROXY_CFG = take(ADMIN, "frontend login")
HAPROXY_LOAD = take(ADMIN, "jwtctl config check && systemctl try-reload-or-restart jwtd\nhaproxy -c")
URL = "https://login.example"


@pytest.fixture(scope="module", autouse=True)
def certificate():
    """A certificate that the programs of the container trust."""
    good("echo '127.0.0.1 login.example' >>/etc/hosts; mkdir -p /etc/ssl/private; cd /etc/ssl;"
         " openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=login.example"
         " -addext subjectAltName=DNS:login.example -keyout private/login.example.key -out login.example.pem 2>/dev/null;"
         " mkdir -p certs; cat login.example.pem >>certs/ca-certificates.crt;"
         " mkdir -p /etc/haproxy; cat login.example.pem private/login.example.key >/etc/haproxy/login.example.pem")


def check_server():
    until(lambda: sh(f"curl -sS {URL}/healthz")[1] == '{"status":"ok"}')
    session(LOGIN)
    good("jwtctl run -- sudo -A true", "alice")
    assert good("jwtctl sessions", "alice").count("127.0.0.1") == 1
    # The address that the client invents is not believed.
    body = """--json '{"username":"alice","password":"wrong"}'"""
    assert "No active account" in good(f"curl -sS -H 'X-Forwarded-For: 192.0.2.7' {body} {URL}/api/token/")
    line = journal("Login failed").splitlines()[-1]
    assert "source=127.0.0.1" in line, line
    assert sh(f"curl -sS -o /dev/null -w '%{{http_code}}' {URL}/metrics")[1] == "404"
    good("jwtctl logout; jwtctl login --server=/run/jwtd/http.sock", "alice")


def test_nginx_serves_logins_by_tls():
    for block in NGINX:
        place(block)
    script(NGINX_LOAD)
    try:
        check_server()
    finally:
        good("systemctl stop nginx")


def test_haproxy_serves_logins_by_tls():
    for block in HAPROXY:
        place(block)
    with open("/etc/haproxy/haproxy.cfg", "a", encoding="utf-8") as file:
        file.write("\n" + HAPROXY_CFG.run())
    assert "chroot /var/lib/haproxy" in read("/etc/haproxy/haproxy.cfg")
    script(HAPROXY_LOAD)
    try:
        check_server()
    finally:
        good("systemctl stop haproxy")
    os.remove("/etc/systemd/system/haproxy.service.d/jwtd.conf")
