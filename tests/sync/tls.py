"""A certificate authority and an HTTPS server of the tests."""

import datetime
import http.server
import os
import shutil
import ssl
import subprocess
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from issuer import Replies


def name_of(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    """Issues certificates; `certs` is a directory of hashed certificates like /etc/ssl/certs."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sync-ca-")
        os.chmod(self.dir, 0o755)
        self.certs = self.dir + "/certs"
        os.mkdir(self.certs)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.own = self.build("Test CA", self.key, x509.BasicConstraints(True, None))
        self.write("certs/ca.pem", self.own.public_bytes(serialization.Encoding.PEM))
        subprocess.run(["openssl", "rehash", self.certs], check=True, capture_output=True)

    def remove(self):
        shutil.rmtree(self.dir)

    def write(self, name, data):
        with open(f"{self.dir}/{name}", "wb") as f:
            f.write(data)
        return f.name

    def build(self, name, key, extension, days=30):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(name_of(name)).issuer_name(name_of("Test CA"))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(now + datetime.timedelta(days=days))
                .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
                .sign(self.key, hashes.SHA256()))

    def context(self, host="localhost", days=30):
        """The server side of TLS, with a certificate for this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self.build(host, key, x509.SubjectAlternativeName([x509.DNSName(host)]), days)
        pem = cert.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write("server.pem", pem))
        return context


class TlsServer(http.server.ThreadingHTTPServer):
    """Serves `pages` (path to body, to (status, headers, body), or to a function of the handler) on localhost."""

    daemon_threads = True

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), TlsHandler)
        self.context, self.pages, self.asked = context, {}, []
        self.url = f"https://localhost:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def finish_request(self, request, client_address):
        with self.context.wrap_socket(request, server_side=True) as tls:
            super().finish_request(tls, client_address)

    def handle_error(self, request, client_address):
        pass

    def stop(self):
        self.shutdown()
        self.server_close()


class TlsHandler(Replies):
    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path, (404, {}, b"not here"))
        if callable(page):
            page(self)
            return
        self.reply(*(page if isinstance(page, tuple) else (200, {}, page)))
