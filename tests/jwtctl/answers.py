"""jwtctl run and askpass: who gets the token, and who is asked instead."""

import os
import pty
import select
import subprocess
import termios
import time

from harness import BUILD, JWTCTL, environment, equal, holds, kept, path, promise, run, server


@promise
def run_sets_the_askpass_variables_and_no_token():
    with server():
        code, out, _ = run("run", "--", "env")
        equal(code, 0)
        env = dict(line.split("=", 1) for line in out.splitlines())
        equal((env["SSH_ASKPASS"], env["SSH_ASKPASS_REQUIRE"], env["SUDO_ASKPASS"]),
              ("/usr/libexec/jwt/askpass", "force", "/usr/libexec/jwt/askpass"))
        equal("eyJ" in out, False)


@promise
def run_has_the_commands_status():
    with server():
        equal(run("run", "--", "sh", "-c", "exit 7")[0], 7)
        equal(run("run", "sh", "-c", "exit 7")[0], 7)
        equal(run("run", "--", "/nowhere/command")[0], 127)
        equal(run("run", "--", "/etc/passwd")[0], 126)
        equal(run("run")[0], 2)


@promise
def run_refreshes_before_it_starts():
    with server(lifetime=10) as s:
        equal(run("run", "--", "true")[0], 0)
        equal(len(s.asked), 1)


PASSWORD_PROMPTS = ("Password: ", "(alice@host) Password: ", "alice@host's password: ",
                    "alice@::1's password: ", "[sudo] password for alice: ")
OTHER_PROMPTS = (
    "", "Password", "Password:", "Password: \n", " Password: ", "password: ", "Old Password: ",
    "New password: ", "Retype new password: ", "One-time password: ", "One-time password (OATH) for `alice': ",
    "Verification code: ", "Enter passphrase for key '/home/alice/.ssh/id_ed25519': ",
    "Enter PIN for ED25519-SK key /x: ", "(alice@host) Verification code: ", "(alice@host) New Password: ",
    "(alice@host) (bob@host) Password: ", "(@host) Password: ", "(alice@) Password: ", "alice's password: ",
    "(alice@host) alice@other's password: ", "[sudo] password for : ", "[sudo] password for alice smith: ",
    "[sudo] password for alice: again: ", "Are you sure (yes/no/[fingerprint])? alice@host's password: ",
    "The authenticity of host 'h' can't be established.\nAre you sure you want to continue connecting "
    "(yes/no/[fingerprint])? ", "alice@host's password: alice@host's password: ", "LDAP Password: ",
    "alice@host\n's password: ", "(al\nice@host) Password: ", "(alice@host) Password:  ")


@promise
def askpass_answers_password_prompts_by_either_name():
    with server():
        link = path("askpass")
        if not os.path.islink(link):
            os.symlink(BUILD + "/jwtctl/jwtctl", link)
        for prompt in PASSWORD_PROMPTS:
            equal((prompt, run("askpass", prompt)), (prompt, (0, kept()["access"] + "\n", "")))
        p = subprocess.run([link, PASSWORD_PROMPTS[0]], capture_output=True, env=environment(), check=True)
        equal(p.stdout.decode(), kept()["access"] + "\n")
        for args in ((), ("a", "b")):
            equal(subprocess.run([link, *args], capture_output=True, env=environment(), check=False).returncode, 2)


@promise
def askpass_gives_no_other_prompt_the_token():
    with server():
        for prompt in OTHER_PROMPTS:
            code, out, err = run("askpass", "--", prompt)
            equal((prompt, code, out), (prompt, 1, ""))
            holds(err, "no terminal")
        env = environment(SSH_ASKPASS_PROMPT="confirm")
        equal(run("askpass", "Password: ", env=env)[:2], (1, ""))


def on_terminal(args, answer, env=None, **more):
    """Runs with a terminal of its own; answers when asked. Status, what the terminal showed."""
    pid, fd = pty.fork()
    if pid == 0:
        if more.get("stdout"):
            os.dup2(os.open(more["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.execvpe(JWTCTL[0], [*JWTCTL, *args], env or environment())
    shown, sent, deadline = b"", False, time.time() + 60
    while time.time() < deadline:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        shown += got
        if not sent and shown.rstrip().endswith((b":", b"?")):
            time.sleep(0.3 if len(JWTCTL) == 1 else 3)
            more.get("before", lambda fd: None)(fd)
            os.write(fd, answer)
            sent = True
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return status, shown.decode()


@promise
def askpass_asks_a_person_on_the_terminal():
    with server():
        out = path("answer")
        status, shown = on_terminal(("askpass", "Enter passphrase for key 'k\033[2J': "), b"secret\n", stdout=out)
        with open(out, encoding="utf-8") as f:
            equal((status, f.read()), (0, "secret\n"))
        holds(shown, "Enter passphrase for key 'k?[2J': ")
        equal("secret" in shown, False)
        status, shown = on_terminal(("askpass", "Continue (yes/no)? "), b"yes\n", stdout=out)
        with open(out, encoding="utf-8") as f:
            equal((status, f.read()), (0, "yes\n"))
        holds(shown, "yes")


@promise
def login_asks_on_the_terminal_without_echo():
    with server(login=False) as s:
        status, shown = on_terminal(("login", "alice", f"--server={s.socket_path}"), b"correct horse\n")
        equal((status, s.asked[0][1]["password"]), (0, "correct horse"))
        holds(shown, "Password for alice: ")
        equal("correct horse" in shown, False)


@promise
def an_interrupted_question_leaves_the_echo_on():
    states = []

    def watch(fd):
        states.append(bool(termios.tcgetattr(fd)[3] & termios.ECHO))

    # The terminal ends with its last process: a shell in front keeps it, and is asked afterwards.
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("sh", ["sh", "-c", 'trap "" INT; (trap - INT; exec "$@"); stty -a; exit 0', "sh", *JWTCTL,
                          "login", "alice", f"--server={path('none.sock')}"], environment())
    shown, sent = b"", False
    while True:
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        shown += got
        if not sent and b": " in shown:
            time.sleep(0.3 if len(JWTCTL) == 1 else 3)
            watch(fd)
            os.write(fd, b"\x03")
            sent = True
    os.waitpid(pid, 0)
    os.close(fd)
    equal(states, [False])
    holds(shown.decode(), " echo ")
