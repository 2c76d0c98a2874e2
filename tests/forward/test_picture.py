"""The picture of README.md shows what the commands print: docs/terminal-light.svg and docs/terminal-dark.svg.

To make it again: JWT_PICTURE=write tests/forward/run BUILD test_picture.py"""

import os
import re

import fleet
import picture

DOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "docs")
COMMANDS = ("jwtctl login", "jwtctl run --forward -- ssh web2", "sudo -A id -un", "exit", "jwtctl run -- sudo -A id -un",
            "jwtctl logout")


def same(lines):
    """What differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", "*", "\n".join(lines))
    return re.sub(r"[\w-]{22,}", "*", text)


def test_the_picture_shows_what_the_commands_print(near, far):
    near.sh("jwtctl logout; touch .hushlogin", "alice")
    far.sh("touch /home/alice/.hushlogin")
    argv = [*near.where, "TERM=dumb", "runuser", "-l", "alice"]
    lines = picture.record(argv, fleet.ALICE, COMMANDS)
    print("\n".join(lines))
    for theme in picture.THEMES:
        path = os.path.join(DOCS, f"terminal-{theme}.svg")
        if os.environ.get("JWT_PICTURE") == "write":
            with open(path, "w", encoding="utf-8") as file:
                file.write(picture.svg(lines, theme))
        with open(path, encoding="utf-8") as file:
            assert same(picture.svg(lines, theme).splitlines()) == same(file.read().splitlines())
