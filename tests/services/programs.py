"""Programs that load PAM modules: how each is started and answered. A login function takes the user and what is
typed at the prompt, and returns whether the login succeeded."""

import contextlib
import ftplib
import os
import pty
import pwd
import shutil
import signal
import socket
import subprocess
import termios
import time

from kit import KEYBOARD_METHOD, PASSWORD_METHOD, by_ssh, by_su, by_sudo, sh
from test_services import ACCOUNT, AUTH, LOCKER, add_lines, login, read_until

WHO = "echo I am $(id -un)"
FTP_PORT = 2121
POLKIT_RULES = """polkit.addAdminRule(function(action, subject) { return ["unix-user:" + subject.user]; });
polkit.addRule(function(action, subject) {
    if (action.id == "org.freedesktop.systemd1.manage-units") return polkit.Result.AUTH_ADMIN;
});
"""
SCREENRC = "/etc/screenrc.suite"
FTP_SETTINGS = f"""listen=YES
listen_port={FTP_PORT}
local_enable=YES
pam_service_name=vsftpd
seccomp_sandbox=NO
delay_failed_login=0
secure_chroot_dir=/var/empty-ftp
"""


@contextlib.contextmanager
def terminal_of(user, *argv):
    """The program on a new terminal, as started by the user."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chown(os.ttyname(0), pwd.getpwnam(user).pw_uid, -1)
        os.chdir(f"/home/{user}")
        os.execvp("runuser", ["runuser", "-u", user, "--", *argv])
    try:
        yield terminal
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def wait_for_hidden_input(terminal):
    """Some programs prompt first, and then switch echo off and discard what was typed before."""
    for _ in range(200):
        if not termios.tcgetattr(terminal)[3] & termios.ECHO:
            return
        time.sleep(0.05)
    raise AssertionError("the answer would be echoed")


def answer(terminal, typed, *ends):
    """Types the answer at the prompt; returns what the program prints up to one of the words, or its end."""
    read_until(terminal, "assword:")
    wait_for_hidden_input(terminal)
    os.write(terminal, typed.encode() + b"\n")
    return read_until(terminal, *ends)


def at_terminal(*argv, failed="try again"):
    def program(user, typed):
        with terminal_of(user, *argv) as terminal:
            return "I am root" in answer(terminal, typed, "I am root", failed)

    return program


# pkexec's own agent fails on a terminal: the helper answers with the user's uid, the agent has uid 0.
AGENT = f"exec 8< <(exec pkttyagent --process $$ --notify-fd 9 9>&1 >/dev/tty); read -u 8; pkexec sh -c '{WHO}'; exit"


def screen(user, typed):
    """The lock of screen(1) (C-a x), which runs as the user."""
    with terminal_of(user, "env", "TERM=vt100", f"SCREENDIR=/home/{user}/.screen", "screen", "-c", SCREENRC, "sh") as terminal:
        read_until(terminal, "$ ")
        os.write(terminal, b"\x01x")
        return "$ " in answer(terminal, typed, "$ ", "assword:")


def run0(user, typed):
    """In a session of logind: polkit finds the agent of run0 in it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/login", ["login", "-f", user])
    try:
        read_until(terminal, "$ ", pid=pid)
        os.write(terminal, f"exec run0 sh -c '{WHO}'\n".encode())
        return "I am root" in answer(terminal, typed, "I am root", "FAILED")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def vsftpd(user, typed):
    with ftplib.FTP() as client:
        client.connect("localhost", FTP_PORT, 20)
        try:
            client.login(user, typed)
        except (ftplib.Error, EOFError, OSError):
            return False
        return True


PROGRAMS = {
    "sshd, password": ("sshd", by_ssh(PASSWORD_METHOD)),
    "sshd, keyboard-interactive": ("sshd", by_ssh(KEYBOARD_METHOD)),
    "sudo": ("sudo", at_terminal("sudo", "-k", "-p", "Password: ", "sh", "-c", WHO)),
    "sudo -S": ("sudo", by_sudo("-S -p ''")),
    "sudo -A": ("sudo", by_sudo("-A")),
    "sudo -i": ("sudo-i", by_sudo("-S -p '' -i")),
    "sudo-rs": ("sudo", at_terminal("sudo-rs", "-k", "sh", "-c", WHO)),
    "sudo-rs -S": ("sudo", lambda user, typed: sh("sudo-rs -k -S id -un", typed + "\n", user).stdout == "root\n"),
    "su": ("su", by_su("su")),
    "login": ("login", login),
    "pkexec": ("polkit-1", at_terminal("bash", "-c", AGENT, failed="FAILED")),
    "run0": ("polkit-1", run0),
    "screen": ("screen", screen),
    "vsftpd": ("vsftpd", vsftpd),
}


def installed(name):
    return shutil.which(name.split(" ")[0].rstrip(","), path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


def stack(service):
    """The file of the service in /etc, which overrides the one in /usr/lib/pam.d that polkit has."""
    path = "/etc/pam.d/" + service
    if not os.path.exists(path):
        shutil.copy("/usr/lib/pam.d/" + service, path)
    return path


def wait_for_port(port):
    for _ in range(400):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 20).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


@contextlib.contextmanager
def every_program():
    """Adds the recommended stack to the services that ./setup leaves unchanged, and starts vsftpd."""
    for service in ("login", "polkit-1", "vsftpd"):
        stack(service)
        add_lines(service, "@include common-auth", AUTH)
        add_lines(service, "@include common-account", ACCOUNT)
    for service in ("screen", "locker"):
        with open("/etc/pam.d/" + service, "w", encoding="utf-8") as file:
            file.write(LOCKER)
    os.makedirs("/var/empty-ftp", exist_ok=True)
    os.makedirs("/etc/polkit-1/rules.d", exist_ok=True)
    with open("/etc/polkit-1/rules.d/00-suite.rules", "w", encoding="utf-8") as file:
        file.write(POLKIT_RULES)
    with open(SCREENRC, "w", encoding="utf-8") as file:
        file.write("autodetach off\n")
    for user in ("alice", "carol"):
        sh("mkdir -m 700 ~/.screen", user=user)
    with open("/root/vsftpd.conf", "w", encoding="utf-8") as file:
        file.write(FTP_SETTINGS)
    with subprocess.Popen(["vsftpd", "/root/vsftpd.conf"]) as ftp:
        try:
            wait_for_port(FTP_PORT)
            yield
        finally:
            ftp.terminate()
