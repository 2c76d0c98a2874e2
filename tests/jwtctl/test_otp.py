"""jwtctl login with a one-time code: from the terminal, from a command, and on demand of the server."""

import contextlib
import os
import pty

from harness import JWTCTL, environment, exists, log_in, path, run, server, wait_for_silence

REQUIRED = (401, {"detail": "A one-time code is required.", "code": "otp_required"}, {})
DENIED = (401, {"detail": "No active account found with the given credentials"}, {})
PASSWORD = "correct horse"


class Terminal:
    """jwtctl login on a terminal."""

    def __init__(self, s, *args):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(JWTCTL, [JWTCTL, "login", "alice", f"--server={s.socket_path}", *args], environment())

    def read(self):
        try:
            piece = os.read(self.fd, 4096)
        except OSError:  # it has ended
            piece = b""
        self.shown += piece
        return piece

    def answer(self, prompt, text):
        while not self.shown.endswith(prompt.encode()):
            assert self.read(), self.shown
        wait_for_silence(self.fd)
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        """Exit status and all that was shown."""
        with contextlib.closing(os.fdopen(self.fd, "rb", 0)):
            while self.read():
                pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), self.shown.decode()


def bodies(s):
    return [body for _, body, _ in s.asked]


def test_otp_asks_for_the_code_after_the_password_and_shows_neither():
    with server(login=False) as s:
        t = Terminal(s, "--otp")
        t.answer("Password for alice: ", PASSWORD)
        t.answer("One-time code for alice: ", "123456")
        status, shown = t.end()
        assert status == 0 and "Logged in as alice" in shown and exists()
        assert "123456" not in shown and PASSWORD not in shown
        assert bodies(s) == [{"username": "alice", "password": PASSWORD, "otp": "123456"}]


def test_a_code_that_the_server_requires_is_asked_for_and_the_password_is_not_asked_again():
    with server(login=False) as s:
        s.answer["/api/token/"] = REQUIRED
        t = Terminal(s)
        t.answer("Password for alice: ", PASSWORD)
        while b"One-time code for alice: " not in t.shown:
            assert t.read()
        # No prompt waits under the lock of the state directory.
        assert run("logout", stdin="")[0] == 0
        s.answer.clear()
        t.answer("One-time code for alice: ", "123456")
        status, shown = t.end()
        assert status == 0 and shown.count("Password") == 1 and "login failed" not in shown, shown
        sent = [body for route, body, _ in s.asked if route == "/api/token/"]
        assert sent == [{"username": "alice", "password": PASSWORD},
                        {"username": "alice", "password": PASSWORD, "otp": "123456"}]


def test_a_server_that_requires_a_code_again_is_asked_twice_at_most():
    with server(login=False) as s:
        s.answer["/api/token/"] = REQUIRED
        t = Terminal(s)
        t.answer("Password for alice: ", PASSWORD)
        t.answer("One-time code for alice: ", "123456")
        status, shown = t.end()
        assert status == 1 and "wrong password or one-time code" in shown and len(s.asked) == 2 and not exists()


def test_an_empty_code_is_not_sent():
    with server(login=False) as s:
        t = Terminal(s, "--otp")
        t.answer("Password for alice: ", PASSWORD)
        t.answer("One-time code for alice: ", "")
        assert t.end()[0] == 1 and not s.asked


def test_without_a_terminal_a_required_code_is_an_error_that_names_the_options():
    with server(login=False) as s:
        s.answer["/api/token/"] = REQUIRED
        status, out, err = log_in(s)
        assert (status, out) == (1, "") and len(s.asked) == 1
        assert "the server requires a one-time code; use --otp or --otp-command" in err, err
        status, _, err = log_in(s, "--otp")
        assert status == 1 and "no terminal" in err and len(s.asked) == 1, err


def test_a_wrong_code_is_one_of_the_reasons_shown():
    with server(login=False) as s:
        s.answer["/api/token/"] = DENIED
        status, _, err = log_in(s, "--otp-command=echo 654321")
        assert status == 1 and "wrong password or one-time code" in err and "654321" not in err
        assert "one-time" not in log_in(s)[2]


def test_a_command_prints_the_code_and_gets_nothing_of_the_login():
    with server(login=False) as s:
        seen = path("seen")
        command = (f"cat >{seen}; env >>{seen}; tr '\\0' ' ' </proc/$PPID/cmdline >>{seen}; printf '123 456\\nmore\\n'; "
                   f"exec python3 -c 'import os; open(\"{seen}.fds\", \"w\").write(str(len(os.listdir(\"/dev/fd\"))))'")
        assert log_in(s, f"--otp-command={command}", password=PASSWORD + "\nnext line\n")[0] == 0
        assert bodies(s) == [{"username": "alice", "password": PASSWORD, "otp": "123 456"}]
        with open(seen, encoding="utf-8") as file:
            text = file.read()
        assert PASSWORD not in text and "next line" not in text and "jwtctl login alice" in text
        with open(seen + ".fds", encoding="ascii") as file:
            assert file.read() == "5", "0, 1, 2, the file, the directory"


def test_a_caller_that_ignores_sigchld_changes_nothing():
    ignoring = ("env", "--ignore-signal=CHLD")
    with server(login=False) as s:
        code, out, err = run("login", "alice", f"--server={s.socket_path}", "--otp-command=echo 123456",
                             stdin=PASSWORD + "\n", wrap=ignoring)
        assert (code, err) == (0, "") and "Logged in as alice" in out
        assert run("login", "alice", f"--server={s.socket_path}", "--otp-command=exit 3", stdin=PASSWORD + "\n",
                   wrap=ignoring)[2] == "jwtctl: --otp-command: exited with status 3\n"


def test_a_command_that_fails_ends_the_login_before_a_request():
    with server(login=False) as s:
        for command, message in (("exit 3", "exited with status 3"), ("kill -9 $$", "ended by signal 9"),
                                 ("true", "expected a one-time code"), ("echo", "expected a one-time code"),
                                 ("echo 123456; false", "exited with status 1"), ("/nowhere/otp", "status 127")):
            status, out, err = log_in(s, f"--otp-command={command}")
            assert (status, out) == (1, "") and message in err, (command, err)
        assert not s.asked and not exists()


def test_one_of_both_options_is_expected():
    status, _, err = run("login", "--otp", "--otp-command=true")
    assert status == 2 and "expected one of them" in err
