"""Minimal roots of the Debian releases, in which profiles are read and the daemons observed."""

import os
import platform
import subprocess

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
# For the daemons, the client, observe, and the profiles.
PACKAGES = ("libcurl4", "libjson-c5", "libsqlite3-0", "libpq5", "libssl3", "openssh-client", "procps", "strace", "systemd",
            "apparmor")

# Runs a command in a root, below which /mnt is packaging/ of this tree. Nothing is written to the root.
INSIDE = """
work=$(mktemp -d) && mount -t tmpfs tmpfs "$work" && mkdir "$work/upper" "$work/work" "$work/root" &&
mount -t overlay overlay -o "lowerdir=$1,upperdir=$work/upper,workdir=$work/work" "$work/root" &&
cp -r "$2/." "$work/root/mnt/" && shift 2 && chroot "$work/root" "$@"
status=$?
umount -l "$work" && rmdir "$work"
exit $status
"""


class Release:
    def __init__(self, name):
        self.name = name
        # The last line is the directory.
        self.root = subprocess.run(
            ["bash", "-c", '. "$0/tests/system/lib.sh"; release_root "$@"', TOP, name, *PACKAGES],
            stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]

    def run(self, *command, text=""):
        return subprocess.run(["unshare", "-m", "sh", "-c", INSIDE, "sh", self.root, f"{TOP}/packaging", *command],
                              input=text, capture_output=True, text=True, check=False)


def debian_12_and_13():
    """Programs that were built in Debian 13 do not run in Debian 12."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME")
    return [Release(name) for name in (["trixie"] if own == "trixie" else ["bookworm", "trixie"])]
