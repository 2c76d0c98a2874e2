"""The terminal picture of README.md: a login shell of alice in a pseudo-terminal, and what it shows as SVG."""

import html
import os
import pty
import re
import select
import time

PROMPT = re.compile(r"(?:^|\n)(\w+@\w+:~\$ )$")
QUESTION = re.compile(r"[Pp]assword[^\n]*: $")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")

THEMES = {"light": {"back": "#ffffff", "edge": "#d0d7de", "text": "#1f2328", "prompt": "#1a7f37", "note": "#59636e"},
          "dark": {"back": "#0d1117", "edge": "#3d444d", "text": "#e6edf3", "prompt": "#3fb950", "note": "#9198a1"}}
LINE, LETTER, MARGIN = 19, 8.43, 16


class Terminal:
    """A program in a pseudo-terminal of 100 columns."""

    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(argv[0], argv)
        self.screen = ""

    def read_until(self, pattern, seconds=60):
        """Reads until the end of the output matches; everything since the last call."""
        end, read = time.monotonic() + seconds, ""
        while not pattern.search(read):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern.pattern} in {self.screen + read!r}")
            read += ESCAPES.sub("", os.read(self.fd, 65536).decode())
        self.screen += read
        return read

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def record(argv, password, commands):
    """Types each command at a prompt, and the password at each question. The lines of the screen."""
    terminal = Terminal(argv)
    either = re.compile(PROMPT.pattern + "|" + QUESTION.pattern)
    terminal.read_until(PROMPT)
    terminal.screen = PROMPT.search(terminal.screen)[1]
    for command in commands:
        terminal.type(command)
        while not PROMPT.search(terminal.read_until(either)):
            terminal.type(password)
    terminal.end()
    return terminal.screen.rstrip("\n").splitlines()[:-1]


def svg_line(number, line):
    prompt = re.match(r"\w+@\w+:~\$ ", line)
    y = MARGIN + 14 + number * LINE
    words = html.escape(line[prompt.end():] if prompt else line)
    start = f'<tspan class="prompt">{html.escape(prompt[0])}</tspan>' if prompt else ""
    return f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{start}{words}</text>'


def svg(lines, theme):
    width = round(2 * MARGIN + LETTER * max(map(len, lines)))
    height = 2 * MARGIN + LINE * len(lines)
    color = THEMES[theme]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        "<title>" + html.escape("One login; ssh to another host and sudo there without typing; a logout") + "</title>",
        f"<style>text{{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:{color['text']}}}"
        f".prompt{{fill:{color['prompt']}}}</style>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{color["back"]}" stroke="{color["edge"]}"/>',
        *(svg_line(i, line) for i, line in enumerate(lines)),
        "</svg>", ""])
