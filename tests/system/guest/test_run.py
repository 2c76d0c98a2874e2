"""jwtctl run against a hostile sshd that has its own host key and records the passwords it gets: by whatever name it
is reached and through whatever program, what it records opens nothing but itself, once. And sudo, in other languages."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import time

import pytest
from files import write
from kit import (ALICE, CAROL, KEYBOARD_METHOD, PASSWORD_METHOD, by_ssh, journal, set_penalties, sh, sudo, systemctl, unb64)
from test_services import read_until

EVIL = "/root/evil"
LOG = EVIL + "/passwords"
RECORD = f"auth required pam_exec.so seteuid expose_authtok quiet {EVIL}/record\n"
REST = "account required pam_permit.so\nsession required pam_permit.so\n"
STACKS = {"opens": RECORD + "auth required pam_permit.so\n" + REST, "refuses": RECORD + "auth required pam_deny.so\n" + REST,
          "verifies": "auth required pam_jwt.so\n" + REST}
CONFIG = """Port 2200
HostKey /etc/ssh/ssh_host_ed25519_key
HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PidFile none
Subsystem sftp internal-sftp
"""
CLIENT = "Host trick\n HostName evil.example\n Port 2200\nHost *\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n"
HOME = "/home/alice"


def stack(name):
    """Changes the hostile host's stack, which is mounted as its /etc/pam.d/sshd, in place."""
    write(EVIL + "/pam", STACKS[name])


def recorded():
    """The passwords that the hostile host got since the last call."""
    with open(LOG, encoding="utf-8") as file:
        got = file.read().split("\n")[:-1]
    write(LOG, "")
    return got


def claims(token):
    return json.loads(unb64(token.split(".")[1]))


def fingerprint(directory):
    line = sh(f"ssh-keygen -l -f {directory}/ssh_host_ed25519_key.pub").stdout.split()[1]
    return line.removeprefix("SHA256:")[:22].replace("+", "-").replace("/", "_")


def make_evil():
    shutil.rmtree(EVIL, ignore_errors=True)
    os.makedirs(EVIL + "/ssh")
    sh(f"ssh-keygen -q -t ed25519 -N '' -f {EVIL}/ssh/ssh_host_ed25519_key; ssh-keygen -q -t ed25519 -N '' -f {EVIL}/ca; "
       f"ssh-keygen -q -s {EVIL}/ca -I evil -h -n evil.example {EVIL}/ssh/ssh_host_ed25519_key.pub")
    write(EVIL + "/ssh/sshd_config", CONFIG + ("PerSourcePenalties no\n" if set_penalties("no") else ""))
    write(EVIL + "/record", f"#!/bin/sh\n{{ tr -d '\\0'; echo; }} >>{LOG}\n", 0o755)
    write(LOG, "")
    stack("opens")
    sh(f"printf '127.0.0.1 evil.example\\n' >>/etc/hosts; printf '@cert-authority *.example %s\\n' \"$(cat {EVIL}/ca.pub)\" "
       f">{HOME}/ca")


@pytest.fixture(scope="module", autouse=True)
def evil():
    """The hostile host: an sshd with another /etc/ssh and another stack."""
    make_evil()
    sh("install -d -o alice -m 700 ~alice/.ssh; rm -f ~alice/.ssh/known_hosts ~alice/.ssh/authorized_keys")
    write(HOME + "/.ssh/config", CLIENT)
    mounts = f"mount --bind {EVIL}/ssh /etc/ssh && mount --bind {EVIL}/pam /etc/pam.d/sshd && exec /usr/sbin/sshd -D -e"
    with open(EVIL + "/sshd.log", "w", encoding="utf-8") as log, \
            subprocess.Popen(["unshare", "-m", "sh", "-c", mounts], stderr=log) as sshd:
        try:
            for _ in range(50):
                if sh("ssh-keyscan -p 2200 127.0.0.1").stdout:
                    break
                time.sleep(0.1)
            assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0
            yield
        finally:
            sshd.terminate()
            sh("rm -f ~alice/.ssh/config ~alice/.ssh/known_hosts; jwtctl logout", user="alice")


def run(command, timeout=60, user="alice"):
    return sh("jwtctl run -- " + command, user=user, timeout=timeout)


def audience():
    with open("/var/lib/jwt/issuer", encoding="utf-8") as file:
        return re.search(r"Audience=(\S+)", file.read()).group(1)


def is_bound_to_evil(token):
    got = claims(token)
    return (got["aud"] == audience() + "#" + fingerprint(EVIL + "/ssh") and got["scope"] == "pam:sshd"
            and got["one_time"] is True)


E = "-p 2200 evil.example"
REACHED = {
    "its name": f"ssh {E} true",
    "an alias": "ssh trick true",
    "its address": "ssh -p 2200 127.0.0.1 true",
    "an IPv6 address": "ssh -p 2200 ::1 true",
    "a certificate authority": f"ssh -o UserKnownHostsFile={HOME}/ca -o StrictHostKeyChecking=yes {E} true",
    "no known hosts": f"ssh -o UserKnownHostsFile=/dev/null {E} true",
    "a jump host that is honest": f"ssh -J localhost {E} true",
    "itself as a jump host": "ssh -J evil.example:2200 localhost true",
    "the password method": f"ssh {PASSWORD_METHOD} {E} true",
    "the keyboard-interactive method": f"ssh {KEYBOARD_METHOD} {E} true",
    "env": f"env ssh {E} true",
    "bash -c": f"bash -c 'true; ssh {E} true; true'",
    "nice": f"nice ssh {E} true",
    "make": "make -s -f /home/alice/Makefile",
    "git": "git ls-remote ssh://evil.example:2200/home/alice/repo",
    "rsync": "rsync -e 'ssh -p 2200' /etc/hostname evil.example:/tmp/evil-rsync",
    "scp": "scp -q -P 2200 /etc/hostname evil.example:/tmp/evil-scp",
    "sftp": "sftp -q -P 2200 evil.example:/etc/hostname /tmp/evil-sftp",
    "ansible": "ansible all -i evil.example, -e ansible_port=2200 -m raw -a true",
}
ANSIBLE = ("env ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_SSH_ARGS='-o ControlMaster=no -o PasswordAuthentication=yes -o "
           "PreferredAuthentications=keyboard-interactive,password' ")


@pytest.fixture(scope="module", name="files")
def make_files():
    write(HOME + "/Makefile", f"all:\n\tssh {E} true\n")
    out = sh("git init -q --bare ~/repo && git init -q ~/work && cd ~/work && git -c user.name=a -c user.email=a@b "
             "commit -q --allow-empty -m one && git push -q ~/repo HEAD:main", user="alice")
    assert out.returncode == 0, out


@pytest.mark.parametrize("way", REACHED)
def test_what_a_hostile_host_records_opens_nothing_else(way, files):
    recorded()
    stack("opens")
    command = (ANSIBLE if way == "ansible" else "") + REACHED[way]
    out = run(command)
    got = recorded()
    assert out.returncode == 0, (out, journal())
    assert len(got) == 1 and is_bound_to_evil(got[0]), (got, out)
    journal()
    assert not by_ssh(PASSWORD_METHOD)("alice", got[0])
    assert "reason=wrong_host_key" in journal()
    assert not sudo("alice", got[0])


def test_what_it_records_opens_itself_once():
    stack("opens")
    assert run(f"ssh {E} true").returncode == 0
    token, = recorded()
    stack("verifies")
    try:
        login = by_ssh(f"{PASSWORD_METHOD} -p 2200")
        assert login("alice", token)
        journal()
        assert not login("alice", token)
        assert run(f"ssh {E} id -un").stdout == "alice\n"
    finally:
        stack("opens")


def test_a_host_that_refuses_gets_one_token_of_each_ssh_and_no_empty_password():
    stack("refuses")
    try:
        for method in ("", PASSWORD_METHOD, KEYBOARD_METHOD):
            out = run(f"ssh {method} {E} true")
            got = recorded()
            assert out.returncode != 0 and len(got) == 1 and is_bound_to_evil(got[0]), (got, out)
            assert "no token: the process that asks has already received a token" in out.stderr, out
    finally:
        stack("opens")


def test_each_of_two_connections_gets_its_token():
    stack("verifies")
    try:
        assert run(f"bash -c 'ssh {E} id -un; ssh localhost id -un; ssh {E} id -un'").stdout == "alice\n" * 3
    finally:
        stack("opens")


def test_rsync_git_scp_sftp_and_ansible_work_with_two_connections(files):
    for command in ("bash -c 'rsync /etc/hostname localhost:/tmp/x1 && rsync localhost:/tmp/x1 /tmp/x2'",
                    "bash -c 'cd && rm -rf clone && git clone -q ssh://localhost/home/alice/repo clone -b main && cd clone && "
                    "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m two && git push -q origin HEAD:main'",
                    "bash -c 'scp -q /etc/hostname localhost:/tmp/x3 && scp -q localhost:/tmp/x3 /tmp/x4'",
                    "bash -c 'echo get /etc/hostname /tmp/x5 | sftp -q -o BatchMode=no -b - localhost'",
                    ANSIBLE + "ansible all -i localhost,web1 -c ssh -m raw -a 'id -un'"):
        out = run(command)
        assert out.returncode == 0, (command, out)


def test_another_user_s_login_gets_no_token():
    out = run("ssh carol@evil.example -p 2200 true")
    assert recorded() == [] and out.returncode != 0
    assert "no token: the login is as carol, and the session is of alice" in out.stderr


def test_an_ssh_that_reports_no_host_key_gets_no_token():
    out = run(f"/usr/bin/ssh {E} true")
    assert [x for x in recorded() if x] == [] and "neither sudo nor an ssh that jwtctl run has started" in out.stderr
    out = run(f"ssh -o KnownHostsCommand='/bin/true %H' {E} true")
    assert recorded() == [] and "ssh has a KnownHostsCommand in its configuration" in out.stderr
    write(HOME + "/.ssh/config", CLIENT + " KnownHostsCommand /usr/bin/touch /tmp/own-command-ran\n")
    try:
        out = run(f"ssh {E} true")
        assert recorded() == [] and "ssh has a KnownHostsCommand in its configuration" in out.stderr
        assert os.path.exists("/tmp/own-command-ran")
    finally:
        write(HOME + "/.ssh/config", CLIENT)


@contextlib.contextmanager
def on_terminal(command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("runuser", ["runuser", "-l", "alice", "--session-command", "jwtctl run -- " + command])
    try:
        yield terminal
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def test_the_reason_is_on_the_terminal_and_the_user_can_type():
    with on_terminal("ssh carol@localhost id -un") as terminal:
        shown = read_until(terminal, "Password: ", "password: ")
        assert "jwtctl: no token: the login is as carol, and the session is of alice\r\n" in shown, shown
        for _ in range(400):  # what is typed while the echo is on is discarded
            if not termios.tcgetattr(terminal)[3] & termios.ECHO:
                break
            time.sleep(0.05)
        os.write(terminal, CAROL.encode() + b"\n")
        assert "carol" in read_until(terminal, "carol\r\n")


def test_without_a_server_the_reason_names_it():
    units = ("jwtd.socket", "jwtd.service")
    systemctl("stop", *units)
    try:
        out = run(f"ssh {E} true")
        assert recorded() == [] and "no token: cannot connect to jwtd" in out.stderr, out
        out = run("sudo -A id -un")
        assert out.stdout == "" and "no token: cannot connect to jwtd" in out.stderr, out
    finally:
        systemctl("start", "jwtd.socket")


def test_the_whole_token_is_given_only_with_whole():
    whole = sh("jwtctl token", user="alice").stdout.strip()
    assert sh(f"jwtctl run --whole -- ssh {E} true", user="alice").returncode == 0
    assert recorded() == [whole]


LANGUAGES = {"C": "[sudo] password for alice: ", "de": "[sudo] Passwort für alice: ",
             "fr": "[sudo] Mot de passe de alice\u00a0: ", "ja": "[sudo] alice のパスワード:"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sudo_in_another_language_gets_a_token(language):
    # In C.UTF-8, glibc of Debian 13 does not read LANGUAGE.
    sh("cp -rT /usr/lib/locale/C.utf8 /usr/lib/locale/xx_XX.utf8")
    env = f"env LC_ALL=xx_XX.UTF-8 LANGUAGE={language}"
    write("/tmp/show", '#!/bin/sh\nprintf %s "$1" >&2\n', 0o755)
    shown = sh(f"SUDO_ASKPASS=/tmp/show {env} sudo -A true", user="alice").stderr
    assert LANGUAGES[language] in shown
    assert run(f"{env} sudo -A id -un").stdout == "root\n"


def test_sudo_with_another_prompt_gets_a_token():
    write("/etc/sudoers.d/prompt", 'Defaults passprompt="[%h] Kennwort for %p? "\n', 0o440)
    try:
        assert run("sudo -A id -un").stdout == "root\n"
    finally:
        os.remove("/etc/sudoers.d/prompt")
    assert run("sudo -A -p '%p@%h pw: ' id -un").stdout == "root\n"
    assert run("env SUDO_PROMPT='Password for %u: ' sudo -A id -un").stdout == "root\n"
    assert run("bash -c 'sudo -A id -un; sudo -A -i id -un; nice sudo -A id -un'").stdout == "root\n" * 3


def test_the_token_for_sudo_is_bound_to_this_host_and_to_one_use():
    with open("/etc/pam.d/sudo", encoding="utf-8") as file:
        before = file.read()
    write("/etc/pam.d/sudo", RECORD + before)
    recorded()
    try:
        assert run("sudo -A id -un").stdout == "root\n"
    finally:
        write("/etc/pam.d/sudo", before)
    token, = recorded()
    got = claims(token)
    assert (got["aud"], got["scope"], got["one_time"]) == (audience() + "#" + fingerprint("/etc/ssh"), "pam:sudo", True)
    assert not sudo("alice", token)


def test_a_script_between_sudo_and_askpass_gets_no_token():
    write("/tmp/between", '#!/bin/sh\n/usr/libexec/jwt/askpass "$1"\n', 0o755)
    out = run("env SUDO_ASKPASS=/tmp/between sudo -A id -un")
    assert out.stdout == "" and "neither sudo nor an ssh" in out.stderr, out


def test_sudo_below_ssh_gets_no_token():
    write("/tmp/proxy", "#!/bin/sh\nsudo -A id -un >/tmp/proxy.log 2>&1\n", 0o755)
    assert run(f"ssh -o ProxyCommand=/tmp/proxy {E} true").returncode != 0
    with open("/tmp/proxy.log", encoding="utf-8") as file:
        text = file.read()
    assert "no token: sudo was started by ssh" in text and "root" not in text, text


def test_where_proc_hides_sudo_the_known_prompts_decide():
    hide = "unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec runuser -l alice -c \"$0\"' "
    assert sh(hide + "'jwtctl run -- sudo -A id -un'").stdout == "root\n"
    out = sh(hide + "'jwtctl run -- sudo -A -p x: id -un'")
    assert out.stdout == "" and "no token: " in out.stderr, out


def test_an_ended_session_causes_no_failed_login():
    """OpenSSH 9.8 and later would refuse the address after four failed logins."""
    set_penalties("yes")
    try:
        assert sh("jwtctl revoke alice").returncode == 0
        journal()
        for _ in range(6):
            assert run("ssh localhost true").returncode != 0
        assert by_ssh(PASSWORD_METHOD)("alice", ALICE)
        said = journal()
        assert "Failed password" not in said and "penalty" not in said, said
    finally:
        set_penalties("no")
        assert sh("jwtctl login", ALICE + "\n", "alice").returncode == 0


def test_no_record_and_no_token_is_left():
    assert sh("ls ~/.local/state/jwt/run | wc -l", user="alice").stdout.strip() in ("0", "1", "2", "3")
    assert "eyJ" not in sh("cat ~/.local/state/jwt/run/* 2>/dev/null", user="alice").stdout
