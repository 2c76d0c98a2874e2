#!/usr/bin/python3 -B
"""probe.py OUTPUT

Runs inside the sandbox of a daemon and tries what nothing there may do. Writes what happened as a JSON object:
what was tried -> the error, or "done". /etc/jwt-probe.json names the processes to attack."""

import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
TRIES = {}
F_SETSIG = 10


def tries(what):
    def add(function):
        TRIES[what] = function
        return function

    return add


def raise_errno(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def connect(path, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_UNIX, kind) as client:
        client.settimeout(3)
        client.connect(path)


def run(*argv):
    out = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    if out.returncode != 0:
        raise RuntimeError((out.stderr.strip().splitlines() or ["status %d" % out.returncode])[-1])


SOCKETS = {"PID 1": "/run/systemd/private", "PID 1 (varlink)": "/run/systemd/io.system.ManagedOOM",
           "D-Bus": "/run/dbus/system_bus_socket", "journald's control socket": "/run/systemd/journal/io.systemd.journal"}
for name, at in SOCKETS.items():
    TRIES[f"connect to {name}, {at}"] = lambda at=at: connect(at)
for name in ("issuer", "login", "admin"):
    TRIES[f"connect to /run/jwtd/{name}.sock"] = \
        lambda name=name: connect(f"/run/jwtd/{name}.sock", socket.SOCK_SEQPACKET)


@tries("connect to an abstract socket of the host")
def _():
    connect("\0jwt-probe")


@tries("connect to sshd, 127.0.0.1:22")
def _():
    socket.create_connection(("127.0.0.1", 22), 3).close()


@tries("open a netlink socket")
def _():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()


@tries("ask PID 1 to read the signing key (systemd-run)")
def _():
    run("systemd-run", "--pipe", "--wait", "-q", "sh", "-c", "cat /var/lib/jwtd-issuer/keys/*")


@tries("ask PID 1 to start a unit (systemctl)")
def _():
    run("systemctl", "start", "emergency.target")


@tries("ask logind to reboot (busctl)")
def _():
    run("busctl", "call", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
        "Reboot", "b", "false")


def read(path):
    if os.path.isdir(path):
        if not os.listdir(path):
            raise RuntimeError("an empty directory in its place")
        return
    with open(path, "rb") as file:
        file.read(1)


for at in ("/var/lib/jwtd-issuer", "/var/lib/jwtd-issuer/keys", "/var/lib/jwtd-issuer/sessions.db", "/etc/shadow",
           "/etc/ssh/ssh_host_ed25519_key", "/root", "/home/alice", "/dev/kmsg"):
    TRIES[f"read {at}"] = lambda at=at: read(at)


def create(path):
    with open(path, "w", encoding="ascii"):
        pass


for at in ("/etc", "/usr/bin", "/var/lib", "/run", "/run/jwtd", "/run/faillock", "/dev/shm", "/proc/sys/kernel"):
    TRIES[f"write to {at}"] = lambda at=at: create(at + "/jwt-probe")


@tries("become root (setuid)")
def _():
    if os.getuid() == 0:
        raise RuntimeError("uid 0 without capabilities")
    os.setuid(0)


@tries("run a set-user-ID program")
def _():
    with open("/proc/self/status", encoding="ascii") as file:
        if "NoNewPrivs:\t1" in file.read():
            raise PermissionError(errno.EPERM, "")


@tries("make a user namespace")
def _():
    raise_errno(libc.unshare(0x10000000))


@tries("mount a file system")
def _():
    raise_errno(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None))


@tries("map memory that is writable and executable")
def _():
    libc.mmap.restype = ctypes.c_void_p
    if libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0)) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "")


def by_pidfd(pid):
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)


def by_proc(pid):
    signal.pidfd_send_signal(os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY), signal.SIGKILL)


def by_owner(pid):
    ours, other = socket.socketpair()
    fcntl.fcntl(ours, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(ours, fcntl.F_SETOWN, pid)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")
    raise RuntimeError("no error, and no effect")


def by_ioctl(pid):
    ours, other = socket.socketpair()
    fcntl.fcntl(ours, F_SETSIG, signal.SIGKILL)
    fcntl.ioctl(ours, 0x8901, pid.to_bytes(4, sys.byteorder))
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")
    raise RuntimeError("no error, and no effect")


def read_memory(pid):
    buf = ctypes.create_string_buffer(8)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buf), 8)
    remote = (ctypes.c_void_p * 2)(ctypes.addressof(buf), 8)
    raise_errno(libc.process_vm_readv(pid, local, 1, remote, 1, 0))


KILLS = {"kill": lambda pid: os.kill(pid, signal.SIGKILL),
         "tkill": lambda pid: raise_errno(libc.syscall(TKILL, pid, 9)), "sigqueue": lambda pid: raise_errno(libc.sigqueue(pid, 9, None)),
         "a pidfd": by_pidfd, "a pidfd from /proc": by_proc, "F_SETOWN and F_SETSIG": by_owner,
         "FIOSETOWN and F_SETSIG": by_ioctl,
         "a limit of processor time": lambda pid: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)),
         "its memory": read_memory}
TKILL = 200 if ctypes.sizeof(ctypes.c_void_p) == 8 else 238


def attempt(function, *args):
    try:
        function(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except (RuntimeError, subprocess.SubprocessError) as error:
        return str(error) or repr(error)
    return "done"


def main():
    with open("/etc/jwt-probe.json", encoding="ascii") as file:
        victims = json.load(file)
    results = {what: attempt(function) for what, function in TRIES.items()}
    for who, pid in victims.items():
        for how, function in KILLS.items():
            results[f"attack {who} by {how}"] = attempt(function, pid)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        json.dump(results, file)


main()
