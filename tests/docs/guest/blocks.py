"""The command blocks of README.md and docs/: indented by four blanks, or fenced.

A test takes a block when its module is loaded, and runs its text: what the reader types is what is tested."""

import glob
import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.realpath(os.path.join(HERE, "..", "..", ".."))
# In the container the pages are beside this file.
PAGES = [f"{HERE}/*.md"] if os.path.exists(f"{HERE}/README.md") else [f"{TOP}/README.md", f"{TOP}/docs/*.md"]
FENCE = re.compile(r"^```")


class Block:
    def __init__(self, page, heading, text):
        self.page, self.heading, self.text = page, heading, text
        self.taken = self.ran = False

    def __str__(self):
        return f"{self.page}: {self.heading}: {self.text.splitlines()[0]}"

    def run(self):
        """The text, for the test that runs it."""
        self.ran = True
        return self.text


def blocks_of(name, text):
    """A block begins after an empty line and ends before the next line that is not indented."""
    found, heading, lines, fenced, before = [], "", [], False, ""

    def finish():
        if lines:
            found.append(Block(name, heading, "\n".join(lines).strip("\n") + "\n"))
        lines.clear()

    for line in [*text.splitlines(), "end"]:
        if FENCE.match(line):
            fenced = not fenced
            finish()
        elif fenced:
            lines.append(line)
        elif line.startswith("    ") and (lines or not before):
            lines.append(line[4:])
        elif not line.strip():
            if lines:
                lines.append("")
        else:
            finish()
            if line.startswith("#"):
                heading = line.lstrip("# ")
        before = line.strip()
    return found


def load():
    blocks = []
    for path in sorted(p for pattern in PAGES for p in glob.glob(pattern)):
        with open(path, encoding="utf-8") as file:
            blocks += blocks_of(os.path.basename(path), file.read())
    assert blocks, f"no blocks in {PAGES}"
    return blocks


BLOCKS = load()


def take(page, start, heading=None):
    """The one block of the page (below this heading) whose text begins so."""
    found = [b for b in BLOCKS if b.page == page and b.text.startswith(start) and heading in (None, b.heading)]
    assert len(found) == 1, f"{page}: {len(found)} blocks begin with: {start}"
    found[0].taken = True
    return found[0]
