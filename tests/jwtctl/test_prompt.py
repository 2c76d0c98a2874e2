"""The prompt for a password at a terminal with a real shell: signals, suspension, echo."""

import os

import pytest

from harness import JWTCTL, environment, exists, is_silent, server, stored
from shell import need, shell


@pytest.fixture(params=["bash --norc --noprofile", "zsh -f", "dash -i"])
def interactive(request):
    argv = request.param.split()
    need(argv[0])
    with shell(environment(TERM="dumb", PS1="prompt> "), *argv) as s:
        s.do("stty -a", b"echo")
        yield s


def ask(s, at):
    """Starts a login, up to the silent prompt."""
    s.do(f"{JWTCTL} login alice --server={at.socket_path}", b"Password for alice: ")
    assert is_silent(s.fd), "the prompt appears before the echo is off"


def press(s, keys):
    """Up to the prompt of the shell, which drops what is typed before it."""
    os.write(s.fd, keys)
    s.wait_for(b"prompt> ")


def echo_is_restored(s):
    """Asks a program: a shell that edits its line has settings of its own."""
    assert b" echo " in s.do("stty -a; echo DO''NE", b"speed.*DONE")[0]


def test_ctrl_c_restores_the_echo_and_exits_with_130(interactive):
    with server(login=False) as at:
        for key, status in ((b"\x03", b"130"), (b"\x1c", b"131")):
            ask(interactive, at)
            press(interactive, b"secr" + key)
            interactive.do("echo status$?end", b"status" + status + b"end")
            echo_is_restored(interactive)
        assert not exists() and at.asked == []


def test_ctrl_z_restores_the_echo_and_fg_prompts_again(interactive):
    with server(login=False) as at:
        ask(interactive, at)
        for _ in range(2):
            press(interactive, b"typed before\x1a")
            echo_is_restored(interactive)
            interactive.do("fg", b"Password for alice: ")
            assert is_silent(interactive.fd)
        os.write(interactive.fd, b"right password\r")
        interactive.wait_for(b"Logged in as alice")
        echo_is_restored(interactive)
        assert stored() and [body["password"] for _, body, _ in at.asked] == ["right password"]
