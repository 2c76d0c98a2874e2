"""Everyday programs under `jwtctl run`, from web1 to web2, without typing. docs/admin.md has the table."""

import contextlib
import threading

import files
import pytest

HOME = "/home/alice"


def run(near, command, env="true"):
    return near.sh(f"{env}; jwtctl run -- {command}", "alice")


COMMANDS = {
    "scp": ("scp -q web2:/etc/hostname x && cat x && scp -q x web2:y && ssh web2 cat y", "web2\nweb2\n"),
    "scp -O": ("scp -O -q web2:/etc/hostname x && cat x", "web2\n"),
    "scp -3": ("scp -3 -q web2:/etc/hostname web2:z && ssh web2 cat z", "web2\n"),
    "sftp -b": ("printf 'get /etc/hostname x\\nput x y\\n' >b && sftp -q -b b web2 >/dev/null && cat x", "web2\n"),
    "rsync": ("rsync -a web2:/etc/hostname x && cat x && rsync -a x web2:y && ssh web2 cat y", "web2\nweb2\n"),
    "git": ("ssh web2 'rm -rf r; git init -q --bare r' && rm -rf w && git init -q w && cd w && "
            "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one && git push -q ssh://web2/home/alice/r HEAD:main && "
            "git push -q web2:r HEAD:two && git ls-remote web2:r | grep -c refs/heads", "2\n"),
    "tar": ("ssh web2 tar -C /etc -cf - hostname | tar -xOf -", "web2\n"),
    "what VS Code runs": ("printf 'id -un; exit 3\\n' | ssh -T -D 5556 -o ConnectTimeout=15 web2 bash || echo $?", "alice\n3\n"),
}


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_program_over_ssh_needs_no_typing(near, far, tool):
    command, output = COMMANDS[tool]
    near.write(f"{HOME}/script", f"set -e\ncd\n{command}\n")
    assert run(near, f"bash {HOME}/script") == (0, output)


def test_mosh_needs_no_typing(near, far):
    near.write(f"{HOME}/script", "mosh web2 -- sh -c 'id -un >who; hostname >>who'\n")
    far.good(f"rm -f {HOME}/who")
    near.good(f"TERM=xterm LC_ALL=C.UTF-8 script -qec 'stty rows 24 cols 80; jwtctl run -- sh {HOME}/script' /dev/null </dev/null", "alice")
    files.until(lambda: far.sh(f"cat {HOME}/who")[1] == "alice\nweb2\n")


# Ansible.

ANSIBLE = ("export ANSIBLE_NOCOLOR=1 ANSIBLE_SSH_ARGS='-o ControlMaster=no -o PasswordAuthentication=yes -o "
           "PreferredAuthentications=keyboard-interactive,password'")
WHO = "ansible all -i web2, -e ansible_python_interpreter=/usr/bin/python3 -a 'id -un'"


@contextlib.contextmanager
def watched(*hosts):
    """Fails when the arguments of a process on one of the hosts have the form of a token."""
    seen, over = [], threading.Event()

    def watch(host):
        while not over.is_set():
            over.wait(0.2)
            seen.append(host.sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'ey[J]hbGc' | head -n 1")[1])

    threads = [threading.Thread(target=watch, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {""}


def test_ansible_connects_without_typing(near, far):
    with watched(near, far):
        status, output = run(near, WHO, ANSIBLE)
    assert status == 0 and output.endswith("alice\n"), output


def test_ansible_becomes_root_by_the_socket_of_another_login(login, near, far):
    login()
    with watched(near, far):
        status, output = run(near, WHO + " -m raw -b -e ansible_become_flags=-A", ANSIBLE)
    assert status == 0 and output.split()[-1] == "root", output


def test_ansible_becomes_root_by_a_token_that_a_lookup_reads(near, far):
    lookup = "{{ lookup(\"pipe\", \"jwtctl token --service=sudo --host=web2\") }}"
    near.write(f"{HOME}/become.yml", f"ansible_become_password: '{lookup}'\n")
    with watched(near, far):
        status, output = run(near, WHO + f" -m raw -b -e @{HOME}/become.yml", ANSIBLE)
    assert status == 0 and output.split()[-1] == "root", output


# sudo without -A.

WITH_TOKEN = {
    "a command": ("sudo id -un", "root\n"),
    "options of the command": ("sudo grep -nA1 ^root: /etc/passwd | head -c 7", "1:root:"),
    "a user": ("sudo -u carol id -un", "carol\n"),
    "a user by a long option": ("sudo --user carol id -un", "carol\n"),
    "a variable": ("sudo A=b printenv A", "b\n"),
    "a prompt": ("sudo -p p: id -un", "root\n"),
    "a login shell": ("sudo -i id -un", "root\n"),
    "a shell": ("sudo -s id -un", "root\n"),
    "validate": ("sudo -v && echo valid", "valid\n"),
    "list": ("sudo -l | grep -c ALL$", "1\n"),
    "edit": ("EDITOR=cat sudo -e /etc/hostname 2>/dev/null", "web1\n"),
    "-A": ("sudo -A id -un", "root\n"),
    "below make": ("printf 'all:\\n\\t@sudo id -un\\n' | make -s -f -", "root\n"),
}
WITHOUT = {
    "-n": ("sudo -n id -un", "sudo: a password is required\n"),
    "--non-interactive": ("sudo --non-inter id -un", "sudo: a password is required\n"),
    "-k": ("sudo -k", ""),
    "-K": ("sudo -K", ""),
    "-V": ("sudo -V | head -n 1 | cut -d ' ' -f 1", "Sudo\n"),
    "-S": ("sudo -kSu carol -p '' id -un", "carol\n"),
    "--stdin": ("sudo -k --stdin -p '' id -un", "root\n"),
}


@pytest.mark.parametrize("way", WITH_TOKEN)
def test_sudo_without_A_gets_a_token(near, way):
    command, output = WITH_TOKEN[way]
    near.write(f"{HOME}/script", command + "\n")
    assert run(near, f"sh {HOME}/script") == (0, output)


@pytest.mark.parametrize("way", WITHOUT)
def test_sudo_that_is_told_how_to_ask_is_left_alone(near, way):
    command, output = WITHOUT[way]
    near.write(f"{HOME}/script", command + "\n")
    assert run(near, f"sh {HOME}/script")[1] == output


def test_a_sudo_that_has_no_A_is_left_alone(near):
    """As sudo-rs before 0.2.11, whose usage has no --askpass."""
    near.write("/usr/local/bin/old/sudo", "#!/bin/sh\necho \"$*\"\n", 0o755)
    assert run(near, "sudo id -un", "PATH=/usr/local/bin/old:$PATH") == (0, "id -un\n")
    near.write("/usr/local/bin/new/sudo", "#!/bin/sh\necho \"$*\" | sed 's/--help/ -A, --askpass/'\n", 0o755)
    assert run(near, "sudo id -un", "PATH=/usr/local/bin/new:$PATH") == (0, "-A id -un\n")
    assert run(near, "env SUDO_ASKPASS=/bin/true sudo id -un", "PATH=/usr/local/bin/new:$PATH") == (0, "id -un\n")
    assert near.sh("PATH=/usr/local/bin/new:$PATH /usr/libexec/jwt/bin/sudo id -un", "alice") == (0, "id -un\n")


def test_sudo_asks_on_the_terminal_when_it_gets_no_token(near):
    near.write("/etc/jwt/disabled", "")
    try:
        status, output = run(near, "sudo id -un")
        assert status != 0 and "no terminal to prompt on" in output
    finally:
        near.good("rm /etc/jwt/disabled")
