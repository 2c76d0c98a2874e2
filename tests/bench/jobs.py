"""jobs.py before|after RESULT: ten everyday jobs on the hosts of tests/forward, typed at a terminal as the manual of the build
says. Writes characters and seconds to RESULT as JSON.

jobs.py DIRECTORY: prints the results in DIRECTORY as a table. Started by ./jobs."""

import base64
import hashlib
import hmac
import itertools
import json
import os
import pty
import re
import select
import statistics
import struct
import sys
import termios
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "fleet"), os.path.join(HERE, "..", "docs", "guest"), os.path.join(HERE, "..", "system", "guest")]
import files  # noqa: E402
import fleet  # noqa: E402

ROUNDS = 9
BEFORE, AFTER = "before", "after"
OTHER = "http://127.0.0.1:8598"
PASSWORD = (r"Password.*: ?$", fleet.ALICE)
KEY = b"12345678901234567890"
OTP_STACK = ("auth requisite pam_unix.so nodelay\n"
             "auth [success=ok user_unknown=ignore default=die] pam_oath.so usersfile=/var/lib/jwt-otp/users.oath window=100\n"
             "account required pam_unix.so\n")
OTP_UNIT = "[Service]\nReadWritePaths=-/var/lib/jwt-otp\nSystemCallFilter=@chown setfsuid setfsgid setfsuid32 setfsgid32\n"


def is_echoing(terminal):
    return termios.tcgetattr(terminal)[3] & termios.ECHO


def read_some(terminal, end):
    """Empty when all programs on the terminal have exited."""
    if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        raise TimeoutError("no prompt and no end in a minute")
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""


def converse(terminal, answers):
    """Answers each prompt; what was shown. A prompt switches the echo off, and then discards what was typed before."""
    shown, start, end = "", 0, time.monotonic() + 60
    while True:
        if answers and not answers[0][0]:
            os.write(terminal, answers.pop(0)[1].encode())
        part = read_some(terminal, end)
        if not part:
            return shown
        shown += part
        if answers and re.search(answers[0][0], shown[start:], re.IGNORECASE):
            while is_echoing(terminal):
                time.sleep(0.005)
            os.write(terminal, answers.pop(0)[1].encode())
            start = len(shown)


class Typist:
    """A user, or root, at a terminal of web1. Counts what is typed, and the texts that are pasted."""

    def __init__(self):
        self.characters, self.pasted, self.seconds = 0, 0, 0.0

    def type(self, command, *answers, user="alice", paste=(), may_fail=False):
        """Types a command, and at each prompt its answer; returns what is shown. Paste: a prompt and a text; a prompt that is
        empty is not waited for."""
        host = fleet.HOSTS["web1"]
        words = ["runuser", "-l", user, "--session-command", command] if user else ["bash", "-c", command]
        self.characters += len(command) + 1 + sum(len(text) + 1 for _, text in answers)
        self.pasted += len(paste)
        begin = time.monotonic()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(host.where[0], host.where + words)
        shown = converse(terminal, [(prompt, text + "\n") for prompt, text in answers] + list(paste))
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.seconds += time.monotonic() - begin
        assert may_fail or status == 0, f"{command}: {status}\n{shown}"
        return shown.replace("\r\n", "\n")

    def paste(self, command, token, prompt="assword"):
        """Types a command whose prompt is answered with a token from the clipboard."""
        return self.type(command, paste=[(prompt, token + "\n")])


COUNTER = itertools.count(1)


def hotp():
    """The next code of RFC 4226."""
    digest = hmac.new(KEY, struct.pack(">Q", next(COUNTER)), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7fffffff) % 1000000:06}"


# The jobs: each is typed as the manuals of its build say. None: the build cannot do it.

def log_in(typist, _):
    typist.type("jwtctl login", PASSWORD)


def command_by_ssh(typist, _):
    assert "web2" in typist.type("jwtctl run -- ssh web2 hostname")


def directory_by_rsync(typist, _):
    typist.type("jwtctl run -- rsync -a data/ web2:data/")


def sudo_here(typist, build):
    assert "root" in typist.type("jwtctl run -- sudo -A id -un" if build == BEFORE else "jwtctl run -- sudo id -un")


def sudo_there(typist, build):
    if build == AFTER:
        assert "root" in typist.type("jwtctl run --forward -- ssh web2 sudo -A id -un")
        return
    token = typist.type("jwtctl token --service=sudo --host=web2 --once").strip()
    assert "root" in typist.paste("jwtctl run -- ssh -t web2 sudo id -un", token, "password for alice")


def other_server_and_back(typist, build):
    if build == AFTER:
        typist.type("jwtctl use test")
        typist.type("jwtctl use local")
        return
    typist.type(f"jwtctl login --server={OTHER}", PASSWORD)
    typist.type("jwtctl login --server=/run/jwtd/http.sock", PASSWORD)


def lost_laptop(typist, build):
    """Before, all sessions had to be ended."""
    if build == AFTER:
        lost, = re.findall(r"^(\w\S{7}) +laptop ", typist.type("jwtctl sessions"), re.MULTILINE)
        typist.type(f"jwtctl sessions end {lost}")
        return
    typist.type("jwtctl logout --all")
    typist.type("jwtctl login", PASSWORD)


def log_in_with_a_code(typist, build):
    if build == BEFORE:
        return None
    return typist.type("jwtctl login --otp", PASSWORD, (r"code for alice: ?$", hotp()))


def why_sudo_refuses(typist, build):
    """The token is on the clipboard."""
    token = fleet.HOSTS["web1"].good("jwtctl token --service=sshd", "alice").strip()
    command = "cat | jwtctl verify --service=sudo" if build == BEFORE else "cat | jwtctl show --service=sudo"
    shown = typist.type(command, paste=[("", token + "\n\x04")], may_fail=True)
    assert "pam:sudo" in shown, shown


def token_for_a_timer(typist, build):
    if build == BEFORE:
        return None
    return typist.type("jwtctl issue --user=deploy --service=sudo --file=/run/deploy.token", user=None)


JOBS = {
    "log in": log_in,
    "a command on another host": command_by_ssh,
    "copy a directory with rsync": directory_by_rsync,
    "sudo on this host": sudo_here,
    "sudo on the other host": sudo_there,
    "to another server and back": other_server_and_back,
    "end the session of a lost laptop": lost_laptop,
    "why does sudo refuse this token": why_sudo_refuses,
    "a token for a timer of a deploy user": token_for_a_timer,
    "log in with a one-time code": log_in_with_a_code,
}


def second_factor():
    web1 = fleet.HOSTS["web1"]
    web1.write("/etc/pam.d/jwtd", OTP_STACK)
    web1.write("/etc/jwt/jwt.conf.d/otp.conf", "[Session]\nOtpPrompt=One-time password (OATH)\n")
    web1.good("install -d /etc/systemd/system/jwtd-login.service.d; install -d -o jwtd-login -g jwtd-login -m 700 /var/lib/jwt-otp")
    web1.write("/etc/systemd/system/jwtd-login.service.d/otp.conf", OTP_UNIT)
    web1.write("/var/lib/jwt-otp/users.oath", f"HOTP alice - {KEY.hex()}\n", 0o600)
    web1.good("chown jwtd-login: /var/lib/jwt-otp/users.oath; systemctl daemon-reload; systemctl restart jwtd jwtd-issuer jwtd-login")


def prepare(build):
    """The other host accepts the tokens of web1, which has a second address; deploy has a password that no one knows."""
    web1, web2 = fleet.HOSTS["web1"], fleet.HOSTS["web2"]
    web1.good("systemctl enable -q jwtd-tcp.socket && systemctl restart jwtd-tcp.socket")
    web1.good("useradd -m deploy && chpasswd", text=f"deploy:{base64.b64encode(os.urandom(20)).decode()}\n")
    web1.good("mkdir data && head -c 100000 /dev/urandom >data/file", "alice")
    web1.good("jwtctl login", "alice", text=fleet.ALICE + "\n")
    if build == AFTER:
        web1.good(f"jwtctl login --server={OTHER} --name=test && jwtctl use local", "alice", text=fleet.ALICE + "\n")
    for name in ("issuer", "jwks.json", "revoked"):
        files.write(web2.path(f"/var/lib/jwt/{name}"), web1.read(f"/var/lib/jwt/{name}"))
    files.until(lambda: web1.sh("jwtctl run -- ssh web2 true", "alice")[0] == 0)


def measure(job, build):
    """Characters, pasted texts, median and minimum of the seconds; None if the build cannot do it."""
    seconds = []
    for _ in range(ROUNDS):
        if job is lost_laptop:
            body = json.dumps({"username": "alice", "password": fleet.ALICE})
            fleet.HOSTS["web1"].good("curl -sSf -o /dev/null --unix-socket /run/jwtd/http.sock -A 'jwtctl/0.2 (laptop)' --json @- "
                                     "http://localhost/api/token/", text=body)
        typist = Typist()
        job(typist, build)
        if typist.characters == 0:
            return None
        seconds.append(typist.seconds)
    return {"characters": typist.characters, "pasted": typist.pasted, "seconds": statistics.median(seconds), "least": min(seconds)}


def cells(row):
    if row is None:
        return "not possible | -"
    pasted = " and a token pasted" if row["pasted"] else ""
    return f"{row['characters']}{pasted} | {row['seconds']:.2f} ({row['least']:.2f})"


def print_table(directory):
    results = [json.loads(files.read(f"{directory}/{name}")) for name in (BEFORE, AFTER) if os.path.exists(f"{directory}/{name}")]
    names = (BEFORE, AFTER)[-len(results):]
    print("| job | " + " | ".join(f"characters, {name} | seconds, {name}" for name in names) + " |")
    print("|---|" + "---|---|" * len(names))
    for job in JOBS:
        print(f"| {job} | " + " | ".join(cells(result[job]) for result in results) + " |")


def main():
    if len(sys.argv) == 2:
        print_table(sys.argv[1])
        return
    build, result = sys.argv[1:]
    prepare(build)
    measured = {}
    for name, job in JOBS.items():
        if job is log_in_with_a_code and build == AFTER:
            second_factor()
        measured[name] = measure(job, build)
        print(f"# {build}: {name}: {measured[name]}", file=sys.stderr, flush=True)
    files.write(result, json.dumps(measured))


if __name__ == "__main__":
    main()
