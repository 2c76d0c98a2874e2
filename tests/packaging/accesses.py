"""Accesses to files in a trace of `strace -f -y`, as permissions of AppArmor."""

import os
import re

CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<(/[^>]*)>)?")
UNFINISHED = re.compile(r"^(\d+) +(\w+\(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
AT = r"(?:AT_FDCWD<(?P<cwd>[^>]*)>|\d+<(?P<dir>[^>]*)>), "


def whole_lines(lines):
    """Joins the two halves of calls that another process interrupted."""
    halves = {}
    for line in lines:
        if unfinished := UNFINISHED.match(line):
            halves[unfinished[1]] = unfinished[2]
        elif (resumed := RESUMED.match(line)) and resumed[1] in halves:
            yield f"{resumed[1]} {halves.pop(resumed[1])}{resumed[2]}"
        else:
            yield line


def paths_of(arguments):
    """The absolute paths in the arguments: each with the directory that it is relative to."""
    for found in re.finditer(rf'(?:{AT})?"((?:[^"\\]|\\.)*)"', arguments):
        base = found["cwd"] or found["dir"] or "/"
        yield os.path.normpath(os.path.join(base, found[3]))


def of_call(name, arguments, result):
    """(path, permissions) of a successful call."""
    if name in ("open", "openat", "creat"):
        if not result:
            return
        flags = re.search(r"O_[A-Z|_]+", re.sub(r'"(?:[^"\\]|\\.)*"|<[^>]*>', "", arguments))[0]
        if "O_PATH" in flags:
            return
        perms = {"O_RDONLY": "r", "O_WRONLY": "w", "O_RDWR": "rw"}[flags.split("|")[0]]
        yield result + ("/" if "O_DIRECTORY" in flags else ""), perms
    elif name in ("rename", "renameat", "renameat2"):
        old, new = paths_of(arguments)
        yield old, "rw"
        yield new, "w"
    elif name in ("mkdir", "mkdirat", "rmdir"):
        yield from ((path + "/", "w") for path in paths_of(arguments))
    elif name in ("unlink", "unlinkat", "chmod", "fchmodat", "truncate", "utimensat"):
        yield from ((path, "w") for path in paths_of(arguments) if path != "/")
    elif name in ("connect", "bind"):
        yield from ((path, "rw" if name == "connect" else "w") for path in
                    re.findall(r'sun_path="(/[^"]*)"', arguments))
    elif name == "mmap":
        mapped = re.search(r"PROT_EXEC.*\d+<(/[^>]*)>", arguments)
        if mapped:
            yield mapped[1], "m"
    elif name in ("flock", "fcntl") and (locked := re.match(r"\d+<(/[^>]*)>, .*(LOCK_EX|LOCK_SH|F_WRLCK|F_RDLCK)", arguments)):
        yield locked[1], "wk" if locked[2] in ("LOCK_EX", "F_WRLCK") else "k"
    elif name in ("execve", "execveat"):
        yield from ((path, "x") for path in list(paths_of(arguments))[:1])


def read(path, program):
    """Yields (path, permissions) of the successful calls after the start of the program."""
    with open(path, encoding="utf-8", errors="replace") as file:
        started = False
        for line in whole_lines(file):
            call = CALL.match(line)
            if not call or int(call[4]) < 0:
                continue
            if not started:
                # The kernel chose the profile by this one.
                started = call[2] == "execve" and call[3].startswith(f'"{program}"')
            elif call[2] != "mmap" or "PROT_EXEC" in call[3]:
                yield from of_call(call[2], call[3], call[5])
