"""Changes of users. /etc/passwd and /etc/shadow are copies in this mount namespace."""

import contextlib
import subprocess


@contextlib.contextmanager
def changed(path, change):
    """Changes the text of the file, and restores it at the end."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert change(text) != text
    with open(path, "w", encoding="utf-8") as file:
        file.write(change(text))
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def changed_shadow(change):
    """Changes alice's line of the shadow file."""
    return changed("/etc/shadow", lambda text: "\n".join(
        change(line) if line.startswith("alice:") else line for line in text.split("\n")))


def add_user(name, shadow):
    """shadow: the fields from the password on, PW for a hash; None: no entry."""
    password = subprocess.run(["openssl", "passwd", "-6", "pw"], capture_output=True, text=True,
                              check=True).stdout.strip()
    with open("/etc/passwd", "a", encoding="utf-8") as file:
        file.write(f"{name}:x:23100:100::/nonexistent:/bin/sh\n")
    if shadow is not None:
        with open("/etc/shadow", "a", encoding="utf-8") as file:
            file.write(f"{name}:{shadow.replace('PW', password)}\n")
