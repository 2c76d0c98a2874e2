"""A million ended sessions: 34 MB, one rename, at most 64 MiB of memory."""

import ctypes
import os
import resource
import struct
import time

from host import FETCH, INSTALL, SPOOL_UID

LINES = 1000000
MEMORY = 64 << 20
IN_MOVED_TO = 0x80


def lines(first, exp):
    """Sessions in order: digits are letters of base64url, too."""
    return b"".join(b"%022d %010d\n" % (number, exp) for number in range(first, first + LINES))


def run(host, program, uid):
    """With at most MEMORY of address space. The processor time in seconds."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.execve(program, [program, "--root=" + host.root], {})
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime


def renamed(watch):
    """The names that files in the watched directory were renamed to."""
    data, names = os.read(watch, 65536), []
    while data:
        _, _, _, size = struct.unpack_from("iIII", data)
        names.append(data[16:16 + size].rstrip(b"\0").decode())
        data = data[16 + size:]
    return names


def test_a_million_sessions_that_end_and_a_million_more(server, host, issuer):
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    libc.inotify_add_watch(watch, host.path("var/lib/jwt").encode(), IN_MOVED_TO)
    soon = int(time.time()) + 900
    figures = []
    for first in (0, LINES // 2):
        issuer.revoked = lines(first, soon)
        bundle = issuer.bundle()
        server.answer["bundle"] = (200, {}, bundle)
        spent = run(host, FETCH, SPOOL_UID), run(host, INSTALL, 0)
        assert os.stat(host.path("run/jwt-sync/revoked")).st_size == 34 * LINES
        assert renamed(watch).count("revoked") == 1
        figures.append(f"fetch {spent[0]:.2f} s, install {spent[1]:.2f} s")
    assert os.stat(host.path("var/lib/jwt/revoked")).st_size == 34 * LINES * 3 // 2, "the unexpired lines are kept"
    server.answer.clear()
    issuer.bundle = lambda: bundle
    spent = run(host, FETCH, SPOOL_UID), run(host, INSTALL, 0)
    assert host.spooled() == ["bundle"]
    print(f"# {LINES} lines: " + "; again: ".join(figures) +
          f"; unchanged: fetch {spent[0] * 1000:.1f} ms, install {spent[1] * 1000:.1f} ms")
