"""jwtctl run and askpass: which prompt gets the token, and which goes to the terminal."""

import os
import pty
import select
import subprocess
import time

import pytest

from harness import JWTCTL, environment, stored, path, run, server, wait_for_silence


def test_run_has_the_commands_status():
    with server():
        assert run("run", "--", "sh", "-c", "exit 7")[0] == 7
        assert run("run", "sh", "-c", "exit 7")[0] == 7
        assert run("run", "--", "/nowhere/command")[0] == 127
        assert run("run", "--", "/etc/passwd")[0] == 126
        assert run("run")[0] == 2


@pytest.mark.parametrize("args, message", [
    (("--forward", "--", "rsync", "a", "web1:"), "--forward: expected the command ssh"),
    (("--forward", "--whole", "--", "ssh", "web1"), "--forward: expected the command ssh, and no --whole"),
    (("--forward", "--", "/usr/bin/ssh", "web1"), "--forward: expected the command ssh"),
    (("--forward", "--", "ssh"), "--forward: expected a host after ssh"),
    (("--forward", "--", "ssh", "-v", "-p", "22"), "--forward: expected a host after ssh"),
    (("--forward", "--", "ssh", "-f", "web1"), "--forward does not support ssh -f"),
    (("--forward", "--", "ssh", "-vM", "web1"), "--forward does not support ssh -M"),
    (("--forward", "--", "ssh", "web1", "-W", "a:1"), "--forward does not support ssh -W"),
    (("--forward", "--", "ssh", "-S", "x", "web1"), "--forward does not support ssh -S"),
    (("--forward", "--", "ssh", "-:", "web1"), "--forward does not support ssh -:"),
    (("--confirm", "--", "ssh", "web1"), "--confirm: expected --forward, too"),
    (("--confirm-with=true", "--", "ssh", "web1"), "--confirm: expected --forward, too"),
])
def test_forward_refuses_what_it_cannot_do_before_anything_is_started(args, message):
    with server() as s:
        status, out, err = run("run", *args)
        assert (status, out, s.asked) == (2, "", []) and message in err, err


def test_run_refreshes_before_it_starts():
    with server(lifetime=10) as s:
        assert run("run", "--", "true")[0] == 0
        assert len(s.asked) == 1


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
WHOLE = {"JWT_ASKPASS_WHOLE": "1"}


@pytest.mark.parametrize("prompt", PASSWORD_PROMPTS)
def test_askpass_of_run_whole_answers_password_prompts(prompt):
    with server():
        assert run("askpass", prompt)[:2] == (1, "")
        assert run("askpass", prompt, env=environment(**WHOLE), wrap=("env",)) == (0, stored()["access"] + "\n", "")


def test_askpass_answers_by_its_own_name():
    with server():
        link = path("askpass")
        os.symlink(JWTCTL, link)
        p = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", link, PASSWORD_PROMPTS[0]], capture_output=True,
                           env=environment(**WHOLE), check=True)
        assert p.stdout.decode() == stored()["access"] + "\n"
        for args in ((), ("a", "b")):
            assert subprocess.run([link, *args], capture_output=True, env=environment(), check=False).returncode == 2


@pytest.mark.parametrize("prompt", OTHER_PROMPTS)
def test_askpass_gives_no_other_prompt_the_token(prompt):
    with server():
        code, out, err = run("askpass", "--", prompt, env=environment(**WHOLE))
        assert (code, out) == (1, "")
        assert "no terminal" in err


def test_askpass_gives_a_confirmation_no_token():
    with server():
        env = environment(SSH_ASKPASS_PROMPT="confirm", **WHOLE)
        assert run("askpass", "Password: ", env=env)[:2] == (1, "")


def on_terminal(args, answer, env=None, **more):
    """Runs on a new terminal and types the answer at the prompt. Returns the status and the output."""
    pid, fd = pty.fork()
    if pid == 0:
        if more.get("stdout"):
            os.dup2(os.open(more["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.execvpe(JWTCTL, [JWTCTL, *args], env or environment())
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
            if not more.get("echo"):
                wait_for_silence(fd)
            os.write(fd, answer)
            sent = True
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return status, shown.decode()


def test_askpass_asks_a_person_on_the_terminal():
    with server():
        out = path("answer")
        status, shown = on_terminal(("askpass", "Enter passphrase for key 'k\033[2J': "), b"secret\n", stdout=out)
        with open(out, encoding="utf-8") as f:
            assert (status, f.read()) == (0, "secret\n")
        assert shown.startswith("jwtctl: no token: the process that asks is neither sudo nor an ssh that jwtctl run has "
                                "started\r\nEnter passphrase for key 'k?[2J': ")
        assert "secret" not in shown
        status, shown = on_terminal(("askpass", "Continue (yes/no)? "), b"yes\n", stdout=out, echo=True)
        with open(out, encoding="utf-8") as f:
            assert (status, f.read()) == (0, "yes\n")
        assert "yes" in shown


def test_login_asks_on_the_terminal_without_echo():
    with server(login=False) as s:
        status, shown = on_terminal(("login", "alice", f"--server={s.socket_path}"), b"correct horse\n")
        assert (status, s.asked[0][1]["password"]) == (0, "correct horse")
        assert "Password for alice: " in shown
        assert "correct horse" not in shown
