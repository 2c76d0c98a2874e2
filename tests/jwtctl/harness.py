"""jwtctl of $BUILD, tokens made by `mint`, and an HTTP server for the tests."""

import atexit
import base64
import contextlib
import glob
import hashlib
import http.server
import json
import os
import re
import shutil
import socketserver
import subprocess
import tempfile
import termios
import threading
import time

import pytest

BUILD = os.path.abspath(os.environ["BUILD"])
JWTCTL = BUILD + "/jwtctl/jwtctl"
MINT = BUILD + "/tests/jwtctl/mint"
TMP = tempfile.mkdtemp(prefix="jwtctl-")
atexit.register(shutil.rmtree, TMP)
ISS, AUD, NOW = "https://here", "here", 1700000000

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, as owner of the settings or to mount")


# An error names the program once.
TWICE = re.compile(r"^jwtctl[\w -]*: .*\bjwtctl[\w -]*: ", re.MULTILINE)


def environment(**more):
    env = {"PATH": os.environ["PATH"], "HOME": TMP, "XDG_STATE_HOME": TMP + "/state", "TZ": "UTC"}
    env.update(more)
    return env


def run(*args, stdin=b"", env=None, wrap=()):
    """Exit status, standard output, standard error."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    p = subprocess.run([*wrap, JWTCTL, *args], input=stdin, capture_output=True, timeout=120,
                       start_new_session=True, env=env or environment())
    out = p.stdout.decode()
    if "--json" in args or "json" in args:
        only_documented(args, out)
    assert not TWICE.search(p.stderr.decode()), p.stderr.decode()
    return p.returncode, out, p.stderr.decode()


def documented_members():
    """The names of members in the section JSON of jwtctl(1), by command."""
    with open(os.path.join(os.path.dirname(__file__), "../../jwtctl/jwtctl.1"), encoding="utf-8") as f:
        text = re.search(r"\n\.Sh JSON\n.*?\.Bd -literal\n(.*?)\.Ed", f.read(), re.DOTALL)[1]
    members, command = {}, None
    for line in text.splitlines():
        command = line[:15].strip() or command
        members.setdefault(command, set()).update(re.findall(r'"(\w+)"', line))
    return members


def only_documented(args, out):
    """Every member of an answer is in jwtctl(1); what a token holds is its issuer's."""
    members = documented_members()
    command = next((c for c in (" ".join(args[:2]), args[0]) if c in members), None)
    assert command, f"jwtctl(1) has no JSON of {args}"

    def check(value):
        for name, member in value.items() if isinstance(value, dict) else ():
            assert name in members[command], f"jwtctl(1): {command} has no member {name}"
            if name not in ("claims", "header", "verdict"):
                check(member)
        for element in value if isinstance(value, list) else ():
            check(element)

    for line in out.splitlines():
        check(json.loads(line))


def installed():
    """jwtctl and the programs that find it beside them, as `meson install` places them below /usr."""
    prefix = TMP + "/usr"
    if not os.path.exists(prefix):
        os.makedirs(prefix + "/bin")
        os.makedirs(prefix + "/libexec/jwt/bin")
        shutil.copy(JWTCTL, prefix + "/bin/jwtctl")
        for name in ("askpass", "hostkey"):
            os.symlink("../../bin/jwtctl", f"{prefix}/libexec/jwt/{name}")
        for name in ("ssh", "scp", "sftp"):
            os.symlink("../../../bin/jwtctl", f"{prefix}/libexec/jwt/bin/{name}")
        subprocess.run(["chmod", "-R", "go+rX", prefix], check=True)
    return prefix


def path(name, text=None, mode=0o644):
    full = f"{TMP}/{name}"
    if text is not None:
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(full, mode)
    return full


# Tokens

def now():
    """The time that jwtctl reads: CLOCK_REALTIME_COARSE, up to a tick behind time.time()."""
    return int(time.clock_gettime(5))


def claims(**changes):
    c = {"token_type": "access", "exp": NOW + 900, "iat": NOW, "jti": "A" * 22, "sub": "alice",
         "iss": ISS, "aud": AUD, "sid": "B" * 22}
    c.update(changes)
    return {k: v for k, v in c.items() if v is not None}


def sign(payload, *header, key="key"):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return subprocess.run([MINT, "sign", path(key), text, *header], capture_output=True, check=True,
                          text=True).stdout.strip()


def make_key(name):
    subprocess.run([MINT, "new", path(name), path(name + ".jwks")], check=True)


def words(*more):
    return (f"keys={path('key.jwks')}", f"issuer={ISS}", f"audience={AUD}", *more)


def verify(token, *args, now=NOW, use=None, wrap=()):
    status, out, err = run("verify", f"--now={now}", *(words() if use is None else use), *args,
                           stdin=token, wrap=wrap)
    return status, (json.loads(out) if out else None), err


def refused(token, error, *args, **more):
    status, answer, _ = verify(token, *args, **more)
    assert (status, answer["valid"], answer["error"]) == (1, False, error)


def accepted(token, *args, **more):
    status, answer, err = verify(token, *args, **more)
    assert status == 0, f"refused: {answer} {err}"
    assert answer["valid"]
    return answer


def section(url, *lines, name="jwt.conf"):
    return "config=" + path(name, f"[Issuer {url}]\n" + "\n".join(lines) + "\n")


@contextlib.contextmanager
def local_issuer(revoked="", synced=""):
    """A wrapper that runs a command with /var/lib/jwt as published by jwtd-issuer."""
    script = path("local-issuer", f"""#!/bin/sh
mount -t tmpfs tmpfs /var/lib && mkdir -m 755 /var/lib/jwt && cd /var/lib/jwt &&
printf 'Issuer={ISS}\\nAudience={AUD}\\n' >issuer && cp {path('key.jwks')} jwks.json &&
printf '{revoked}' >revoked && printf '{synced}' >synced && chmod 644 * && cd / && exec "$@"
""", 0o755)
    yield ("unshare", "-m", script)


@contextlib.contextmanager
def disabled_host():
    """A wrapper that runs a command with a copy of /etc that has /etc/jwt/disabled."""
    os.makedirs(path("host"), exist_ok=True)
    script = path("disabled-host", f"""#!/bin/sh
mount -t tmpfs tmpfs {path('host')} && cp -a /etc {path('host')}/etc && mkdir -p {path('host')}/etc/jwt &&
ln -s nowhere {path('host')}/etc/jwt/disabled && mount --bind {path('host')}/etc /etc && exec "$@"
""", 0o755)
    yield ("unshare", "-m", script)


# The session, and a server that records its requests.

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, name="http.sock"):
        self.socket_path = path(name)
        if os.path.exists(self.socket_path):
            os.unlink(self.socket_path)
        super().__init__(self.socket_path, Handler)
        self.asked, self.lifetime, self.generation = [], 900, 0
        self.answer = {}
        self.delay = 0
        self.aud, self.narrow_count = AUD, 0
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def pair(self):
        start = now()
        self.generation += 1
        return {"refresh": sign(claims(token_type="refresh", iat=start, exp=start + 7 * 86400, gen=self.generation)),
                "access": sign(claims(iat=start, exp=start + self.lifetime, aud=self.aud,
                                      jti=f"{self.generation:022d}"))}

    def narrowed(self, asked):
        changes = {"iat": now(), "exp": now() + asked.get("lifetime", 900), "scope": asked.get("scope"),
                   "aud": asked.get("aud", self.aud), "one_time": asked.get("one_time")}
        if "host_key" in asked:
            changes["aud"] += "#" + asked["host_key"]
        self.narrow_count += 1
        return {"access": sign(claims(jti=f"narrow{self.narrow_count:016d}", **changes))}

    def say(self, route, asked):
        if route == "/api/token/blacklist/":
            return {}
        return self.narrowed(asked) if route == "/api/token/narrow/" else self.pair()

    def stop(self):
        self.shutdown()
        self.server_close()
        os.unlink(self.socket_path)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append((self.path, json.loads(body or b"null"), dict(self.headers)))
        time.sleep(self.server.delay)
        status, answer, headers = self.server.answer.get(self.path, (200, None, {}))
        if answer is None:
            answer = self.server.say(self.path, self.server.asked[-1][1])
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(text),
                            "Connection": "close", **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass

    def address_string(self):
        return "local"


@contextlib.contextmanager
def server(login=True, lifetime=900, aud=AUD):
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    s = Server()
    s.lifetime, s.aud = lifetime, aud
    try:
        if login:
            assert log_in(s)[0] == 0
            s.asked.clear()
        yield s
    finally:
        s.stop()


def log_in(s, *args, password="correct horse\n"):
    return run("login", "alice", f"--server={s.socket_path}", *args, stdin=password)


def is_silent(terminal):
    """Whether the echo is off."""
    return not termios.tcgetattr(terminal)[3] & termios.ECHO


def wait_for_silence(terminal):
    """Waits until the program has turned echo off, which discards earlier input."""
    for _ in range(3000):
        if is_silent(terminal):
            return
        time.sleep(0.01)
    raise AssertionError("the echo stays on")


def session_file(at=None, state=TMP + "/state"):
    """Where the session at a server is kept; the only one, when none is named."""
    if at is None:
        files = glob.glob(state + "/jwt/session-*.json")
        assert len(files) <= 1, files
        return files[0] if files else state + "/jwt/none"
    digest = hashlib.sha256(at.encode()).digest()[:16]
    return f"{state}/jwt/session-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}.json"


def stored(at=None, state=TMP + "/state"):
    with open(session_file(at, state), encoding="utf-8") as f:
        return json.load(f)


def exists(at=None):
    return os.path.exists(session_file(at))


def visible(state=TMP + "/state"):
    """The files of the state directory but for locks."""
    return sorted(name for name in os.listdir(state + "/jwt") if not name.endswith(".lock"))


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
