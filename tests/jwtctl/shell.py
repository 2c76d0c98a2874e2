"""Interactive shells on a terminal."""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import time

import pytest

from harness import TMP


def need(shell, *files):
    if not shutil.which(shell) or not all(map(os.path.exists, files)):
        pytest.skip(f"needs {shell} {' '.join(files)}")


class Shell:
    def __init__(self, env, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # A job in the background ignores them, and an interactive shell would leave it so.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            os.chdir(TMP)
            os.execvpe(argv[0], argv, env)

    def wait_for(self, pattern):
        out, end = b"", time.monotonic() + 60
        while not (found := re.search(pattern, out, re.DOTALL)):
            assert time.monotonic() < end and select.select([self.fd], [], [], 60)[0], out
            out += os.read(self.fd, 65536)
        return found

    def do(self, line, pattern=None):
        """Waits for what the line prints; by default for its end."""
        os.write(self.fd, (line if pattern else line + "; echo DO''NE").encode() + b"\r")
        return self.wait_for(pattern or b"DONE")


@contextlib.contextmanager
def shell(env, *argv):
    s = Shell(env, *argv)
    try:
        yield s
    finally:
        os.close(s.fd)
        os.waitpid(s.pid, 0)
