"""Shared by the tests of the system suite: logins at the services of the container, the HTTP API, tokens
signed by the test, the journal."""

import base64
import hashlib
import hmac
import json
import os
import re
import shlex
import subprocess
import time

HTTP = ["curl", "-sS", "--max-time", "60", "--unix-socket", "/run/jwtd/http.sock"]
ALICE, CAROL = "correct horse battery staple", "staple battery horse correct"
DAEMONS = ("jwtd", "jwtd-issuer", "jwtd-login")
SETTINGS = "/etc/jwt/jwt.conf.d/suite.conf"


def sh(command, text=None, user=None, timeout=120):
    argv = ["runuser", "-l", user, "-c", command] if user else ["bash", "-c", command]
    return subprocess.run(argv, input=text, stdin=None if text is not None else subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=timeout)


def systemctl(*words):
    out = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=90)
    return out.stdout.strip()


def api(path, body=None, token=None):
    """Status and JSON of one request, sent with curl."""
    argv = [*HTTP, "-w", "\n%{http_code}", "http://localhost" + path]
    if body is not None:
        argv += ["--json", "@-"]
    if token:
        argv += ["-H", "Authorization: Bearer " + token]
    out = subprocess.run(argv, input=json.dumps(body) if body is not None else "", capture_output=True,
                         text=True, check=False, timeout=90).stdout
    text, _, status = out.rpartition("\n")
    return int(status), json.loads(text) if text.startswith("{") else text


def obtain(user="alice", password=ALICE):
    status, pair = api("/api/token/", {"username": user, "password": password})
    assert status == 200, (status, pair)
    return pair


# Logins. Each takes the user and what is typed at the prompt, and returns whether it succeeded.

NO_ANSWER = None
SSH_QUIET = " -o LogLevel=ERROR"
SSH = "ssh -o StrictHostKeyChecking=accept-new -o NumberOfPasswordPrompts=1" + SSH_QUIET


def answering(typed):
    """A program that prints the answer, or kills its caller if there is none."""
    path = "/tmp/answer"
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nkill $PPID\n" if typed is NO_ANSWER else f"#!/bin/sh\ncat <<'TYPED'\n{typed}\nTYPED\n")
    os.chmod(path, 0o755)
    return path


def line(typed):
    return "" if typed is NO_ANSWER else typed + "\n"


def ssh(options, user, typed, command="id -un"):
    """The result of the command on the far side."""
    return sh(f"SSH_ASKPASS={answering(typed)} SSH_ASKPASS_REQUIRE=force {SSH.replace(SSH_QUIET, '') if 'LogLevel' in options else SSH} "
              f"{options} {user}@localhost "
              + shlex.quote(command))


def by_ssh(options):
    def login(user, typed):
        out = ssh(options, user, typed)
        return out.returncode == 0 and out.stdout.strip() == user

    return login


def by_sudo(options):
    def login(user, typed):
        out = sh(f"SUDO_ASKPASS={answering(typed)} sudo -k {options} id -un", line(typed), user)
        return out.returncode == 0 and out.stdout.strip() == "root"

    return login


def by_su(command):
    def login(user, typed):
        out = sh(f"{command} {user} -c 'id -un'", line(typed), "nobodyspecial")
        return out.returncode == 0 and out.stdout.strip() == user

    return login


PASSWORD_METHOD = "-o PreferredAuthentications=password"
KEYBOARD_METHOD = "-o PreferredAuthentications=keyboard-interactive"
sudo = by_sudo("-S -p ''")
su = by_su("su")
LOGINS = {"ssh by password": by_ssh(PASSWORD_METHOD), "ssh by keyboard-interactive": by_ssh(KEYBOARD_METHOD),
         "sudo -S": sudo, "su": su}


# Tokens that the test signs with the issuer's key.


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def issuer_key():
    """The signing key: after a rotation, the one whose thumbprint is at the start of the file `signer`."""
    directory = "/var/lib/jwtd-issuer/keys/"
    if os.path.exists(directory + "signer"):
        with open(directory + "signer", encoding="ascii") as file:
            name = file.read(8) + ".jwk"
    else:
        name, = os.listdir(directory)
    with open(directory + name, encoding="ascii") as file:
        return json.load(file)


def sign(text):
    der = bytes.fromhex("302e020100300506032b657004220420") + unb64(issuer_key()["d"])
    with open("/root/key.der", "wb") as file:
        file.write(der)
    with open("/root/input", "wb") as file:
        file.write(text.encode())
    return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", "/root/key.der",
                           "-in", "/root/input"], capture_output=True, check=True).stdout


def now():
    """The time that pam_jwt reads: CLOCK_REALTIME_COARSE, up to a tick behind time.time()."""
    return int(time.clock_gettime(5))


def mint(drop=(), header=None, signature=None, **claims):
    start = now()
    with open("/var/lib/jwt/issuer", encoding="utf-8") as file:
        issuer, audience = re.fullmatch(r"Issuer=(.*)\nAudience=(.*)\n", file.read()).groups()
    body = {"token_type": "access", "exp": start + 300, "iat": start, "jti": b64(os.urandom(16)), "sub": "alice",
            "iss": issuer, "aud": audience, "sid": b64(os.urandom(16)), **claims}
    body = {k: v for k, v in body.items() if k not in drop}
    head = {"alg": "EdDSA", "typ": "JWT", "kid": issuer_key()["kid"], **(header or {})}
    text = ".".join(b64(json.dumps(x, separators=(",", ":")).encode()) for x in (head, body))
    return text + "." + b64(sign(text) if signature is None else signature(text))


def flip(token, part):
    parts = token.split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1:]
    return ".".join(parts)


def refused_tokens():
    """Name -> user, token, and the reason in the log line. Other invalid tokens are in the unit tests, the pam
    suite and the table of services."""
    good = mint()
    public = unb64(issuer_key()["x"])
    mac = lambda text: hmac.new(public, text.encode(), hashlib.sha256).digest()
    return {
        "another user's": ("carol", good, "wrong_user"),
        "another iss": ("alice", mint(iss="https://elsewhere"), "wrong_issuer"),
        "no exp": ("alice", mint(drop=["exp"]), "missing_claim"),
        "a year's lifetime": ("alice", mint(exp=now() + 31536000), "lifetime_too_long"),
        "tampered payload": ("alice", flip(good, 1), "bad_signature"),
        "cut to a stump": ("alice", good[:100], "malformed"),
        "alg none": ("alice", mint(header={"alg": "none"}, signature=lambda _: b""), "bad_alg"),
        "HS256 with the public key": ("alice", mint(header={"alg": "HS256"}, signature=mac), "bad_alg"),
    }


CURSOR = "/root/cursor"


def journal(form="short"):
    """The journal since the last call. (With -n 0, journalctl would move the cursor by one entry alone.)"""
    return sh(f"journalctl --sync; journalctl -q --no-pager -o {form} --cursor-file={CURSOR}").stdout

def set_penalties(value):
    """Sets sshd's PerSourcePenalties, by which OpenSSH 9.8 and later refuse an address after some failed logins;
    False where sshd has no such option."""
    if "\npersourcepenalties " not in sh("/usr/sbin/sshd -G").stdout:
        return False
    with open("/etc/ssh/sshd_config.d/penalties.conf", "w", encoding="ascii") as file:
        file.write(f"PerSourcePenalties {value}\n")
    systemctl("restart", "ssh")
    return True


def prepare():
    """Adds a user and removes the delays after a failed login (pam_unix, login, su) and the penalties of sshd from the
    container."""
    set_penalties("no")
    sh("useradd -M -s /bin/sh nobodyspecial")
    sh("sed -i -E 's/pam_unix.so (nullok|obscure yescrypt)$/& nodelay/' /etc/pam.d/common-auth"
       " /etc/pam.d/common-password")
    sh("sed -i 's/^auth .*pam_faildelay.so/#&/' /etc/pam.d/login; echo FAIL_DELAY 0 >>/etc/default/su")
    os.makedirs(os.path.dirname(SETTINGS), exist_ok=True)
