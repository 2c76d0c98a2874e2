"""Shared by the tests of the documents: runs blocks in the container, compares what they print."""

import base64
import hashlib
import json
import os
import re
import subprocess
import time

from files import read, until, write

ADMIN = "admin.md"
ALICE, CAROL = "correct horse battery staple", "staple battery horse correct"
DAEMONS = ["jwtd", "jwtd-issuer", "jwtd-login"]
SOCKETS = ["jwtd.socket", "jwtd-tcp.socket", "jwtd-issuer.socket", "jwtd-issuer-admin.socket", "jwtd-login.socket"]


def sh(command, user=None, text="", timeout=60, where=()):
    """A command in a shell: status and output, standard error included. As a user: in a login shell, by
    default with the password of alice on standard input."""
    argv = ["runuser", "-l", user, "-c", command] if user else ["bash", "-c", command]
    out = subprocess.run([*where, *argv], input=text or (ALICE + "\n" if user else ""), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False, timeout=timeout, cwd="/root",
                         env={k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"})
    return out.returncode, out.stdout


def good(command, user=None, **more):
    status, output = sh(command, user, **more)
    assert status == 0, f"{command}: {status}\n{output}"
    return output


def script(block, where=(), strict=True):
    """Runs a block without prompts as one script. If strict it stops at the first command that fails."""
    status, output = sh(("set -e\n" if strict else "") + block.run() + ("" if strict else "true\n"), where=where)
    assert status == 0, f"{block}: {status}\n{output}"
    return output


def place(block, path=None, mode=0o644):
    """Writes a block that is a configuration file. Its first line is a comment with the path."""
    text = block.run()
    named = re.match(r"# (/\S+)\n", text)
    assert path or named, f"{block}: no path"
    write(path or named[1], text, mode)
    return path or named[1]


# Values that differ from run to run, in the document and in the output.
SAME = [(r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d", "DATE"), (r"\b[\w-]{43}\b", "THUMBPRINT"),
        (r"\bAa[\w-]{20}\b", "SID"), (r"\b([Kk]ey) [\w-]{8} ", r"\1 KID "), (r"\d+ bytes", "N bytes"), (r"\d+ revoked", "N revoked"),
        (r"[\w-]{8} stays published", "KID stays published")]


def normal(text):
    for pattern, word in SAME:
        text = re.sub(pattern, word, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def matches(expected, printed):
    """`...` as a line stands for any lines, in a line for any text."""
    pattern = ""
    for line in normal(expected):
        pattern += r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in normal(printed)))


def commands(block):
    """The commands of a block with prompts, `# ` of root and `$ ` of alice, each with what it prints."""
    found = []
    for line in block.run().splitlines():
        if line[:2] in ("# ", "$ "):
            found.append([line[0] == "$", line[2:], ""])
        elif found and found[-1][1].endswith("\\"):
            found[-1][1] += "\n" + line
        else:
            assert found, f"{block}: begins without a prompt"
            found[-1][2] += line + "\n"
    return found


def session(block, may_fail=False, text="", **more):
    """Types the commands of the block and compares what they print."""
    result = ""
    for by_user, command, expected in commands(block):
        status, result = sh(command, "alice" if by_user else None, text=text, **more)
        assert may_fail or status == 0, f"{command}: {status}\n{result}"
        assert matches(expected, result), f"{block}\n{command}\nexpected:\n{expected}\nprinted:\n{result}"
    return result


def after_the_start():
    """Waits until a system that has just started accepts one-time tokens. pam_jwt rounds the time of the start up, by less
    than two seconds."""
    now = int(time.time())
    until(lambda: time.time() > now + 2.1)


def healthy():
    return '"ok"' in sh("curl -sS --unix-socket /run/jwtd/http.sock http://localhost/healthz")[1]


def login(user="alice", password=ALICE):
    good("jwtctl login", user, text=password + "\n")


def journal(word, unit="jwtd-issuer"):
    """The lines of a unit that contain the word."""
    return sh(f"journalctl --sync; journalctl -q --no-pager -o cat -u {unit} -g '{word}'")[1]


def saved(name, user="alice"):
    """A token from the file of jwtctl."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"/run/jwtd/http.sock").digest()[:16]).decode().rstrip("=")
    return json.loads(read(f"/home/{user}/.local/state/jwt/session-{digest}.json"))[name]


def refresh():
    """The reply to a refresh of alice's session, sent without jwtctl."""
    return sh("curl -sS --unix-socket /run/jwtd/http.sock http://localhost/api/token/refresh/ --json @-",
              text=json.dumps({"refresh": saved("refresh")}))[1]


def token(user="alice"):
    return good("jwtctl token", user).strip()


SSH = "ssh -o StrictHostKeyChecking=accept-new -o NumberOfPasswordPrompts=1 -o LogLevel=ERROR"


def answer(text):
    write("/tmp/answer", f"#!/bin/sh\ncat <<'TYPED'\n{text}\nTYPED\n", 0o755)
    return "SSH_ASKPASS=/tmp/answer SSH_ASKPASS_REQUIRE=force SUDO_ASKPASS=/tmp/answer"


def ssh(typed, user="alice", host="localhost"):
    """Whether a login with this answer succeeds."""
    return sh(f"{answer(typed)} {SSH} {user}@{host} id -un")[1].strip() == user


def sudo(typed, user="alice"):
    return sh("sudo -k -S -p '' id -un", user, text=typed + "\n")[1].strip().endswith("root")
