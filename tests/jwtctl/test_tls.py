"""Which certificates jwtctl accepts: --cacert, the environment, the system."""

import contextlib
import socket
import socketserver
import ssl
import subprocess

from harness import TMP, Server, environment, path, run


class TlsServer(Server):
    address_family = socket.AF_INET

    def __init__(self, certificate):
        self.certificate = certificate
        super().__init__("tls.sock")
        self.url = f"https://localhost:{self.server_address[1]}"

    def server_bind(self):
        self.server_address = ("127.0.0.1", 0)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        socketserver.TCPServer.server_bind(self)

    def stop(self):
        self.shutdown()
        self.server_close()


def certificate(name):
    """The path of a key and a certificate for localhost that it has signed itself."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", path(name + ".key"), "-out", path(name + ".crt"), "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    with open(path(name + ".key"), encoding="ascii") as key, open(path(name + ".crt"), encoding="ascii") as crt:
        return path(name + ".pem", key.read() + crt.read(), 0o600)


@contextlib.contextmanager
def tls_server():
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    s = TlsServer(certificate("good"))
    certificate("other")
    try:
        yield s
    finally:
        s.stop()


def log_in(s, *args, **env):
    code, _, err = run("login", "alice", "--server=" + s.url, *args, stdin="x\n", env=environment(**env))
    assert (code == 0) == (s.asked != []), "no request before the certificate is verified"
    s.asked.clear()
    return code, err


def test_an_unknown_authority_is_refused_with_the_remedy():
    with tls_server() as s:
        code, err = log_in(s)
        assert code == 1 and err.startswith(f"jwtctl: {s.url}: ") and err.endswith("jwtctl login --cacert=FILE\n"), err


def test_the_environment_counts_in_the_order_of_curl():
    good, other = path("good.crt"), path("other.crt")
    with tls_server() as s:
        for bundle, file, code in ((good, None, 0), (None, good, 0), (good, other, 0), (other, good, 1), ("", good, 0),
                                   (None, other, 1)):
            env = {"CURL_CA_BUNDLE": bundle, "SSL_CERT_FILE": file}
            assert log_in(s, **{k: v for k, v in env.items() if v is not None})[0] == code, env


def test_cacert_stands_before_the_environment_and_is_kept_for_the_server():
    with tls_server() as s:
        s.lifetime = -1
        assert log_in(s, f"--cacert={path('other.crt')}", CURL_CA_BUNDLE=path("good.crt"))[0] == 1
        assert log_in(s, f"--cacert={path('good.crt')}", CURL_CA_BUNDLE=path("other.crt")) == (0, "")
        s.lifetime = 900
        assert run("token")[0] == 0 and s.asked[0][0] == "/api/token/refresh/"
        assert run("logout")[0] == 0
        s.asked.clear()
        assert log_in(s) == (0, ""), "kept for the next login"
        assert run("logout", "--forget")[0] == 0
        s.asked.clear()
        assert log_in(s)[0] == 1


def test_a_file_that_cannot_be_read_or_holds_no_certificate_is_named():
    with tls_server() as s:
        code, err = log_in(s, "--cacert=/nowhere/ca.pem")
        assert code == 2 and "--cacert=/nowhere/ca.pem: No such file or directory\n" in err
        code, err = log_in(s, f"--cacert={path('not.pem', 'x')}")
        assert code == 1 and path("not.pem") in err, err
