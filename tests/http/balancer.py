"""nginx or haproxy in front of several issuers, with the configurations that docs/fleet.md shows: each issuer has its own
nginx, all with TLS. The names and paths there are replaced by ports and files of the test."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import textwrap

from daemons import until

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "login.example"
# Unpacked by ./test, or installed.
NGINX = shutil.which("nginx", path=os.path.join(HERE, "../../build/nginx/usr/sbin") + ":/usr/sbin")
HAPROXY = shutil.which("haproxy", path=os.path.join(HERE, "../../build/haproxy/usr/sbin") + ":/usr/sbin")
MAIN = """daemon off;
user nobody nogroup;
worker_processes 1;
pid DIR/nginx.pid;
events { worker_connections 256; }
http {
    access_log DIR/access.log;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi;
    scgi_temp_path DIR/scgi;
"""


def blocks(begins):
    """The block of the page that begins with this line, and those that follow it immediately."""
    with open(os.path.join(HERE, "../../docs/fleet.md"), encoding="utf-8") as file:
        text = file.read()
    at = text.index(f"\n    {begins}\n")
    return textwrap.dedent(re.match(r"(?:    .*\n|\n)+", text[at + 1:])[0])


def free_port(address):
    with socket.create_server((address, 0)) as probe:
        return probe.getsockname()[1]


def replaced(text, pairs):
    for old, new in pairs:
        assert old in text, (old, text)
        text = text.replace(old, new)
    return text


class Server:
    """One program with its files in a directory of its own."""

    def __init__(self, directory, argv):
        self.dir, self.argv, self.process = directory, argv, None

    def start(self, address):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def answers():
            assert self.process.poll() is None, self.text("log")
            with socket.socket() as client:
                return client.connect_ex(address) == 0

        until(answers)

    def text(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
        self.process = None


class Balanced:
    """The members of a fleet behind a balancer; kind: "nginx" or "haproxy"."""

    def __init__(self, directory, members, kind):
        self.dir = directory
        os.chmod(directory, 0o755)
        self.certificate = os.path.join(directory, "tls.pem")
        key = os.path.join(directory, "tls.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2", "-keyout", key,
                        "-out", self.certificate], check=True, capture_output=True)
        self.files = [("/etc/ssl/login.example.pem", self.certificate), ("/etc/ssl/private/login.example.key", key)]
        self.addresses = [(host, free_port(host)) for host in ("127.0.0.2", "127.0.0.3")]
        self.port = free_port("127.0.0.1")
        self.issuers = [self.issuer(member, address) for member, address in zip(members, self.addresses)]
        self.balancer = self.nginx("balancer", self.nginx_text()) if kind == "nginx" else self.haproxy()
        self.balancer.start(("127.0.0.1", self.port))
        self.tls = ssl.create_default_context(cafile=self.certificate)

    def make(self, name):
        directory = os.path.join(self.dir, name)
        os.mkdir(directory)
        return directory

    def nginx(self, name, text):
        directory = self.make(name)
        with open(os.path.join(directory, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(MAIN.replace("DIR", directory) + text + "}\n")
        return Server(directory, [NGINX, "-p", directory, "-e", directory + "/log", "-c", directory + "/nginx.conf"])

    def issuer(self, member, address):
        """The nginx of one issuer."""
        site = replaced(blocks("# /etc/nginx/conf.d/login.conf"), self.files + [
            ("listen 443 ssl", "listen {}:{} ssl".format(*address)),
            ("/run/jwtd/http.sock", member.path("http.sock"))])
        real_ip = re.sub(r"set_real_ip_from \S+;", "set_real_ip_from 127.0.0.1;", blocks("# /etc/nginx/conf.d/real-ip.conf"))
        server = self.nginx("issuer-" + address[0], real_ip + site)
        server.start(address)
        return server

    def servers(self):
        return [(f"{name}:443", "{}:{}".format(*address)) for name, address in zip(("web1", "web5"), self.addresses)]

    def nginx_text(self):
        return replaced(blocks("# /etc/nginx/conf.d/balancer.conf"), self.files + self.servers() + [
            ("/etc/ssl/certs/ca-certificates.crt", self.certificate),
            # Only for the test, which has one machine: its client plays many.
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl; set_real_ip_from 127.0.0.1; real_ip_header X-Test-Client;")])

    def haproxy(self):
        directory = self.make("balancer")
        both = os.path.join(directory, "both.pem")
        with open(both, "w", encoding="ascii") as file:
            for _, path in self.files:
                with open(path, encoding="ascii") as part:
                    file.write(part.read())
        text = replaced(blocks("frontend login"), self.servers() + [
            ("/etc/ssl/certs/ca-certificates.crt", self.certificate), ("/etc/haproxy/login.example.pem", both),
            ("bind :443", f"bind 127.0.0.1:{self.port}"),
            ("    http-request set-header", "    http-request set-src hdr(X-Test-Client) if { hdr(X-Test-Client) -m found }\n"
                                            "    http-request set-header")])
        path = os.path.join(directory, "haproxy.cfg")
        with open(path, "w", encoding="utf-8") as file:
            # The sections that Debian's package contains, as far as they are about connections.
            file.write("defaults\n    timeout connect 5s\n    timeout client 50s\n    timeout server 50s\n" + text)
        return Server(directory, [HAPROXY, "-db", "-f", path])

    def connect(self):
        connection = http.client.HTTPSConnection(NAME, self.port, timeout=70, context=self.tls)
        connection.sock = self.tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 70), server_hostname=NAME)
        return connection

    def request(self, method, path, body=None, client="192.0.2.1", token=None, connection=None, **headers):
        """(status, body, headers)."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.update({"X-Test-Client": client, "Host": NAME}, **({"Authorization": "Bearer " + token} if token else {}))
        if body is not None:
            headers["Content-Type"] = "application/json"
        here = connection or self.connect()
        here.request(method, path, json.dumps(body) if body is not None else None, headers)
        with here.getresponse() as reply:
            said = reply.status, reply.read(), reply.headers
        if not connection:
            here.close()
        return said

    def post(self, path, body, **more):
        status, text, headers = self.request("POST", path, body, **more)
        return status, json.loads(text) if headers["Content-Type"] == "application/json" else text

    def served(self):
        """The number of requests that each issuer's nginx got, without those for /healthz of haproxy."""
        return [sum('"GET /healthz' not in line for line in server.text("access.log").splitlines())
                for server in self.issuers]

    def stop(self):
        for server in [self.balancer, *self.issuers]:
            server.stop()
