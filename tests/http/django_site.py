"""A Django site with the real simplejwt, under gunicorn, in a temporary directory on a Unix socket."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
from daemons import Reply, request_bytes

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "simplejwt")
PYTHON = "/usr/bin/python3"  # has Debian's packages, unlike another python3 in PATH
START = 30  # seconds until the site must reply

for needed, package in (("rest_framework_simplejwt", "python3-djangorestframework-simplejwt"),
                        ("gunicorn", "gunicorn"), ("cryptography", "python3-cryptography")):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs Debian package {package}", allow_module_level=True)

_databases = {}

READS_CRIT = """
import jwt
token = jwt.encode({}, "k", algorithm="HS256", headers={"crit": ["exp"]})
try:
    jwt.decode(token, "k", algorithms=["HS256"])
except jwt.InvalidTokenError:
    print("yes")
"""


def reads_crit():
    """Whether PyJWT refuses unknown crit, as since the fix of CVE-2026-32597 (Debian 2.6.0-1+deb12u1)."""
    return subprocess.run([PYTHON, "-c", READS_CRIT], check=True, capture_output=True).stdout == b"yes\n"


def private_key(daemons):
    """The key that jwtd-issuer made, in the form of the site's settings."""
    directory = daemons.path("state/keys")
    (name,) = os.listdir(directory)
    with open(os.path.join(directory, name), encoding="ascii") as file:
        return json.load(file)


def public_key(daemons):
    with open(daemons.path("public/jwks.json"), encoding="ascii") as file:
        (key,) = json.load(file)["keys"]
    return key


class DjangoSite:
    """simple_jwt: the setting SIMPLE_JWT, with lifetimes in seconds. origins: CORS_ALLOWED_ORIGINS, by
    django-cors-headers."""

    def __init__(self, simple_jwt, workers=1, real_hasher=False, origins=None):
        self.dir = tempfile.mkdtemp(prefix="jwt-site.")
        self.config = {"database": self.path("site.db"), "real_hasher": real_hasher,
                       "simplejwt": simple_jwt, "origins": origins}
        with open(self.path("config"), "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        self.environment = dict(os.environ, SITE_CONFIG=self.path("config"),
                                DJANGO_SETTINGS_MODULE="settings", PYTHONDONTWRITEBYTECODE="1",
                                no_proxy="*")
        self.make_database(real_hasher)
        self.log = open(self.path("log"), "ab+", buffering=0)
        unix, tcp = socket.socket(socket.AF_UNIX), socket.create_server(("127.0.0.1", 0), backlog=1024)
        unix.bind(self.path("http.sock"))
        unix.listen(1024)
        self.port = tcp.getsockname()[1]
        self.process = subprocess.Popen(
            [PYTHON, "-m", "gunicorn", f"--bind=fd://{unix.fileno()}", f"--bind=fd://{tcp.fileno()}",
             f"--workers={workers}", "--worker-tmp-dir=" + self.dir,
             "django.core.wsgi:get_wsgi_application()"],
            cwd=HERE, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=[unix.fileno(), tcp.fileno()])
        unix.close()
        tcp.close()
        self.wait()

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_database(self, kind):
        """Migrations take a second: they run once for each password hasher, and the database is copied."""
        if kind not in _databases:
            subprocess.run([PYTHON, "make_site.py"], cwd=HERE, env=self.environment, check=True)
            with open(self.path("site.db"), "rb") as file:
                _databases[kind] = file.read()
            return
        with open(self.path("site.db"), "wb") as file:
            file.write(_databases[kind])

    def wait(self):
        end = time.monotonic() + START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.request("GET", "/api/user/").status == 401:
                    return
            except OSError:
                time.sleep(0.02)
        with open(self.path("log"), encoding="utf-8") as file:
            raise AssertionError("the site does not start: " + file.read()[-1500:])

    def stop(self):
        self.process.terminate()
        self.process.wait(15)
        self.log.close()
        shutil.rmtree(self.dir)

    def raw(self, request):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(40)
            client.connect(self.path("http.sock"))
            client.sendall(request)
            reply = b""
            while piece := client.recv(65536):
                reply += piece
            return reply

    def request(self, method, path, body=None, headers=None):
        return Reply(self.raw(request_bytes(method, path, body, ["Connection: close", *(headers or [])])))

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)
