"""jwtctl run --forward: sudo -A on a far host without typing; what the socket there gives to whom, and when it is gone."""

import base64
import json
import os
import re
import subprocess
import time

import files
import fleet
import pytest

HERE = os.path.dirname(os.path.realpath(__file__))
SUDO = "sudo -A id -un"
WARNING = "warning: sudo -A on the host will get no token: "


def run(near, command, options="", env="true"):
    return near.sh(f"{env}; jwtctl run --forward {options} -- {command}", "alice")


def runtime(host):
    return "/run/user/" + host.good("id -u alice").strip()


def sockets(far):
    """The names in the directory of the sockets."""
    return sorted(name for name in far.sh(f"ls {runtime(far)}/jwt")[1].split() if name.startswith("agent"))


def is_clean(near, far):
    return near.sh(f"ls -d {runtime(near)}/jwt-run.* /tmp/jwt-run.* 2>/dev/null")[1] == "" and sockets(far) == []


def take(far, user, *requests):
    """What this user's process gets from the far socket."""
    far.write("/usr/local/bin/take", files.read(f"{HERE}/take"), 0o755)
    words = " ".join(f"$'{request}'" for request in requests)
    return json.loads(far.good(f"take {runtime(far)}/jwt/agent {words}", user))


def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def fingerprint(host):
    line = host.good("ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    return line.removeprefix("SHA256:")[:22].replace("+", "-").replace("/", "_")


def far_sudo(far):
    """sudo -A of another process of alice."""
    return far.sh(f"XDG_RUNTIME_DIR={runtime(far)} {SUDO}", "alice")


# What works.

def test_sudo_on_the_far_host_needs_no_typing(near, far):
    assert run(near, f"ssh web2 '{SUDO}; sudo -A -i id -un; hostname'") == (0, "root\nroot\nweb2\n")
    assert run(near, "ssh -n -l alice -- web2 exit 7") == (7, "")
    assert run(near, f"ssh web2 -np22 -l alice {SUDO}") == (0, "root\n")
    assert run(near, f"ssh -tt web2 {SUDO}")[0] == 0
    files.until(lambda: is_clean(near, far))


def test_no_token_is_left_on_the_far_host(near, far):
    assert run(near, f"ssh web2 '{SUDO}; env; cat $XDG_RUNTIME_DIR/jwt/*; grep -rs eyJ ~ /tmp $XDG_RUNTIME_DIR'")[1].count("eyJ") == 0
    assert far.sh("jwtctl token", "alice")[0] != 0


@pytest.mark.parametrize("shell", ["/bin/sh", "/usr/bin/tcsh"])
def test_the_login_shell_on_the_far_host_may_be_another(near, far, shell):
    far.good(f"usermod -s {shell} alice")
    try:
        assert run(near, f"ssh web2 '{SUDO}'") == (0, "root\n")
    finally:
        far.good("usermod -s /bin/bash alice")
    files.until(lambda: is_clean(near, far))


def test_without_a_runtime_directory_the_socket_is_in_a_temporary_one(near, far, sshd):
    far.write("/usr/local/bin/bare", '#!/bin/sh\nunset XDG_RUNTIME_DIR\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n', 0o755)
    sshd("Match User alice\nForceCommand /usr/local/bin/bare\n")
    status, output = run(near, f"ssh web2 '{SUDO}; readlink -f .local/state/jwt/run/agent; stat -L -c \"%a %U\" .local/state/jwt/run/agent'")
    user, path, mode = output.split("\n")[:3]
    assert (status, user, mode) == (0, "root", "600 alice") and re.fullmatch(r"/tmp/tmp\.\w+/agent", path), output
    files.until(lambda: far.sh("ls ~alice/.local/state/jwt/run | grep agent; ls -d /tmp/tmp.*")[1].count("\n") == 1)


def test_a_tmux_on_the_far_host_that_is_older_uses_the_newest_socket(login, far):
    far.good("tmux -S /tmp/tmux new-session -d 'env XDG_RUNTIME_DIR=%s bash'" % runtime(far), "alice")
    try:
        for _ in range(2):
            login()
            far.good("rm -f /tmp/who; tmux -S /tmp/tmux send-keys 'sudo -A id -un >/tmp/who.new && mv /tmp/who.new /tmp/who' Enter",
                     "alice")
            files.until(lambda: far.sh("cat /tmp/who")[1] == "root\n")
    finally:
        far.good("tmux -S /tmp/tmux kill-server; rm -f /tmp/who", "alice")


def test_a_tmux_on_this_host_gives_tokens_on_the_far_one(near, far):
    near.good("tmux -S /tmp/tmux new-session -d \"jwtctl run --forward -- ssh -t web2 '" + SUDO + "' >/tmp/who\"", "alice")
    files.until(lambda: "root" in near.sh("cat /tmp/who")[1])


def test_the_user_s_own_shared_connection_is_neither_used_nor_ended(near, far):
    config = "Host web2\n ControlMaster auto\n ControlPath ~/own-%h\n ControlPersist 300\n RemoteCommand none\n ServerAliveInterval 5\n"
    near.write("/home/alice/.ssh/config", config)
    near.good("chown alice: ~alice/.ssh ~alice/.ssh/config", None)
    try:
        near.good("jwtctl run -- ssh web2 true", "alice")
        before = near.good("ssh -O check web2", "alice")
        assert run(near, f"ssh web2 {SUDO}") == (0, "root\n")
        assert near.good("ssh -O check web2; ssh web2 id -un", "alice") == before + "alice\n"
        near.good("ssh -O exit web2", "alice")
        assert run(near, f"ssh web2 {SUDO}") == (0, "root\n")
        assert near.sh("ssh -O check web2", "alice")[0] != 0
    finally:
        near.good("rm ~alice/.ssh/config")


def test_a_remote_command_and_forwards_of_the_configuration_work(login, near, far):
    near.write("/home/alice/.ssh/config", f"Host web2\n RemoteCommand {SUDO}\n LocalForward 5555 localhost:22\n RequestTTY yes\n")
    try:
        assert "root" in run(near, "ssh web2")[1]
        near.write("/home/alice/.ssh/config", "Host web2\n LocalForward 5555 localhost:22\n")
        login()
        assert near.good("until head -c 4 </dev/tcp/localhost/5555; do sleep 0.1; done 2>/dev/null", "alice") == "SSH-"
    finally:
        near.good("rm ~alice/.ssh/config")


# What the socket gives.

def test_a_far_root_and_another_process_get_a_token_for_sudo_there_once_each(login, near, far):
    login()
    tokens = take(far, "alice", "sudo 1\\n", "sudo 1\\n") + take(far, None, "sudo 1\\n")
    assert len(set(tokens)) == 3
    for token in tokens:
        got = claims(token)
        assert (got["aud"], got["scope"], got["one_time"], got["sub"]) == ("web2#" + fingerprint(far), "pam:sudo", True, "alice")
        assert got["exp"] - got["iat"] <= 60
    for token in tokens:
        token = token.strip()
        assert not near.sudo(token) and not far.ssh(token) and not far.sudo(token, "carol")
        for path, body in (("/api/token/narrow/", "{}"), ("/api/token/refresh/", json.dumps({"refresh": token})),
                           ("/api/user/", None), ("/api/token/sessions/", None)):
            data = f"-d '{body}' -H 'Content-Type: application/json'" if body else ""
            status = near.good(f"curl -sS -o /dev/null -w '%{{http_code}}' --unix-socket /run/jwtd/http.sock {data} "
                               f"-H 'Authorization: Bearer {token}' http://localhost{path}")
            assert status in ("401", "403", "404"), (path, status)
        assert far.sudo(token)
        assert not far.sudo(token)


def test_no_other_user_can_open_the_socket(login, far):
    login()
    far.write("/usr/local/bin/take", files.read(f"{HERE}/take"), 0o755)
    status, output = far.sh(f"take {runtime(far)}/jwt/agent", "carol")
    assert status != 0 and "PermissionError" in output
    assert far.good(f"stat -L -c '%a %U' {runtime(far)}/jwt/agent") == "600 alice\n"


GARBAGE = ("", "sudo", "sudo 1", "sudo 1\\r\\n", "sudo 2\\n", "ssh 1\\n", "SUDO 1\\n", " sudo 1\\n", "\\x01\\x7f\\n",
           "POST /api/token/refresh/ HTTP/1.0\\r\\n\\r\\n")


def test_another_request_gets_nothing(login, far):
    login()
    assert take(far, "alice", *GARBAGE) == [""] * len(GARBAGE)
    assert far_sudo(far) == (0, "root\n")


FLOOD = """import socket, sys
clients = []
for i in range(1000):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(sys.argv[1])
        s.send(b"sudo 1\\n" * 10000 if i % 2 else b"su", socket.MSG_DONTWAIT)
    except OSError:
        pass
    clients.append(s)
print(len(clients))
"""


def test_a_thousand_clients_take_a_token_each_at_most_and_the_agent_stays(login, near, far):
    started = login()
    far.write("/root/flood.py", FLOOD)
    near.good("journalctl --rotate -q; journalctl --vacuum-time=1s -q 2>/dev/null; true")
    begin = time.monotonic()
    assert far.good(f"ulimit -n 2000; python3 /root/flood.py {runtime(far)}/jwt/agent") == "1000\n"
    files.until(lambda: far_sudo(far) == (0, "root\n"), 120)
    seconds = time.monotonic() - begin
    agents = near.good("pgrep -u alice -f 'jwtctl run --forward'").split()
    descriptors = [len(near.good(f"ls /proc/{pid}/fd").split()) for pid in agents]
    assert max(descriptors) < 12, descriptors
    print("# sudo after a thousand clients:", round(seconds, 1), "s")
    assert started.end() == (0, "")


def test_after_a_logout_the_socket_gives_nothing(login, near, far):
    login()
    assert far_sudo(far) == (0, "root\n")
    near.good("jwtctl logout", "alice")
    try:
        status, output = far_sudo(far)
        assert status != 0 and "no token: jwtctl run --forward: the login has ended, or its server cannot be reached" in output
    finally:
        near.good("jwtctl login", "alice", text=fleet.ALICE + "\n")
    assert far_sudo(far) == (0, "root\n")


def test_for_another_user_there_is_no_socket(near, far):
    near.good("mkdir -p ~/.ssh; [ -e ~/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519", "alice")
    far.good("install -d -o carol -m 700 ~carol/.ssh")
    far.write("/home/carol/.ssh/authorized_keys", near.read("/home/alice/.ssh/id_ed25519.pub"))
    status, output = run(near, "ssh carol@web2 'id -un; ls $XDG_RUNTIME_DIR/jwt'")
    assert WARNING + "the login is as carol, and the session is of alice" in output and "carol\n" in output
    assert "agent" not in output.split("carol\n")[-1], output
    near.good("rm ~alice/.ssh/id_ed25519*")


def test_a_socket_of_another_user_is_not_asked(far):
    far.write("/root/fake.py", "import os, socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/fake')\n"
              "os.chmod('/tmp/fake', 0o777)\ns.listen(8)\nopen('/tmp/listens', 'w')\nwhile True:\n"
              "    c = s.accept()[0]\n    c.recv(64) and open('/tmp/asked', 'w')\n    c.send(b'eyJhbGciOiJ4In0.eyJhIjoxfQ.AAAA\\n')\n    c.close()\n")
    far.good("cp /root/fake.py /tmp/fake.py; rm -f /tmp/listens; runuser -u carol -- python3 /tmp/fake.py >/dev/null 2>&1 & echo $! >/root/fake.pid")
    files.until(lambda: os.path.exists(far.path("/tmp/listens")))
    try:
        far.good(f"mkdir -p -m 700 {runtime(far)}/jwt; ln -sfn /tmp/fake {runtime(far)}/jwt/agent", "alice")
        status, output = far_sudo(far)
        assert status != 0 and "not logged in" in output and not os.path.exists(far.path("/tmp/asked")), output
    finally:
        far.good(f"kill $(cat /root/fake.pid); rm -f {runtime(far)}/jwt/agent")


# A hostile host.

def hostile(far, sshd, answer):
    """Answers the shared connection's command in this way; other commands are run."""
    far.write("/usr/local/bin/hostile", f"#!/bin/bash\ncase $SSH_ORIGINAL_COMMAND in\n'exec sh'*) {answer} ;;\n"
              "*) exec bash -c \"$SSH_ORIGINAL_COMMAND\" ;;\nesac\n", 0o755)
    sshd("Match User alice\nForceCommand /usr/local/bin/hostile\n")


NO_PATH = "the host named no path"
ANSWERS = {
    "a percent": ("echo /tmp/%h/x; exec cat", NO_PATH),
    "a variable": ("echo '/tmp/${HOME}'; exec cat", NO_PATH),
    "a space": ("echo '/tmp/x -oProxyCommand=touch'; exec cat", NO_PATH),
    "nothing": ("exit 0", NO_PATH),
    "ten megabytes": ("head -c 10000000 /dev/zero | tr '\\0' a; exec cat", NO_PATH),
    "no end": ("exec yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NO_PATH),
    "a path of 108 bytes": (f"echo /tmp/{'a' * 103}; exec cat", NO_PATH),
    "a path and megabytes": ("echo /tmp/jwt-x; head -c 10000000 /dev/zero; exec cat", None),
    "a path of another user": ("echo /run/user/1/agent; exec cat", "the server does not forward"),
    "a path that exists": ("echo /etc/passwd; exec cat", "the server does not forward"),
    "no answer": ("exec sleep 1000", NO_PATH),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_whatever_a_host_answers_the_login_goes_on(near, far, sshd, answer):
    command, warning = ANSWERS[answer]
    hostile(far, sshd, command)
    listing = f"ls -A /tmp ~alice {runtime(near)}"
    near.good("mkdir -p -m 700 ~/.ssh " + runtime(near) + "/jwt", "alice")
    before = near.good(listing)
    status, output = run(near, "ssh web2 'echo here; id -un'")
    assert status == 0 and output.endswith("here\nalice\n"), output
    assert (WARNING + warning in output) if warning else WARNING not in output, output
    assert near.good(listing) == before
    far.good("rm -f /tmp/jwt-x")


def test_links_in_the_runtime_directory_of_the_far_host_lead_to_no_other_token(near, far):
    far.good(f"rm -rf {runtime(far)}/jwt; mkdir -p /tmp/elsewhere; ln -s /tmp/elsewhere {runtime(far)}/jwt", "alice")
    try:
        status, output = run(near, f"ssh web2 '{SUDO}; echo here'")
        assert status == 0 and "here" in output and "root" not in output
    finally:
        far.good(f"rm -rf {runtime(far)}/jwt /tmp/elsewhere")


# Forwarding is forbidden.

@pytest.mark.parametrize("line", ["AllowStreamLocalForwarding no", "AllowStreamLocalForwarding local", "DisableForwarding yes"])
def test_where_forwarding_is_forbidden_a_warning_is_printed_and_the_login_goes_on(near, far, sshd, line):
    sshd(line + "\n")
    status, output = run(near, "ssh web2 id -un")
    assert (status, output) == (0, "jwtctl: " + WARNING + "the server does not forward a socket (AllowStreamLocalForwarding or "
                                "DisableForwarding in sshd_config(5))\nalice\n")


def test_with_one_session_for_each_connection_the_login_has_its_own(near, far, sshd):
    sshd("MaxSessions 1\n")
    status, output = run(near, f"ssh web2 {SUDO}")
    assert status == 0 and output.endswith("root\n"), output


# The end.

def test_two_logins_do_not_disturb_each_other(login, near, far):
    first, second = login(), login()
    assert len(sockets(far)) == 3
    assert far_sudo(far) == (0, "root\n")
    assert second.end() == (0, "")
    files.until(lambda: len(sockets(far)) == 2)
    assert far_sudo(far) == (0, "root\n")
    third = login()
    assert first.end() == (0, "")
    assert far_sudo(far) == (0, "root\n")
    assert third.end() == (0, "")
    files.until(lambda: is_clean(near, far))


def process_of(near, pattern):
    return near.good(f"pgrep -u alice -o -f '{pattern}'").strip()


@pytest.mark.parametrize("pattern", ["^jwtctl run --forward", "^ssh .*ControlMaster=yes"])
def test_after_kill_9_the_socket_is_gone_and_the_login_ends(login, near, far, pattern):
    started = login()
    assert far_sudo(far) == (0, "root\n")
    near.good("kill -9 " + process_of(near, pattern))
    files.until(lambda: is_clean(near, far))
    assert started.process.wait(60) != 0
    status, output = far_sudo(far)
    assert status != 0 and "not logged in" in output


def test_when_the_terminal_is_closed_nothing_is_left(login, near, far):
    started = login()
    near.good("kill -HUP " + process_of(near, "^jwtctl run --forward"))
    files.until(lambda: is_clean(near, far))
    started.process.wait(60)


def test_after_a_dropped_line_the_socket_is_gone_on_both_sides(login, near, far):
    started = login(ssh="ssh -o ServerAliveInterval=1 -o ServerAliveCountMax=2 web2")
    assert far_sudo(far) == (0, "root\n")
    link = ["nsenter", f"--target={far.pid}", "--net", "ip", "link", "set", "eth0"]
    subprocess.run([*link, "down"], check=True)
    try:
        assert started.process.wait(60) == 255
        files.until(lambda: is_clean(near, far))
    finally:
        subprocess.run([*link, "up"], check=True)


def test_a_socket_of_a_process_that_has_exited_is_removed_by_the_next_login(login, near, far):
    far.good(f"mkdir -p -m 700 {runtime(far)}/jwt; touch {runtime(far)}/jwt/agent.999999; ln -sfn agent.999999 {runtime(far)}/jwt/agent", "alice")
    started = login()
    assert len(sockets(far)) == 2 and "agent.999999" not in sockets(far)
    assert started.end() == (0, "")
    files.until(lambda: is_clean(near, far))


def test_a_login_that_fails_has_ssh_s_status_and_leaves_nothing(near, far):
    status, output = run(near, "ssh -p 1 web2 true")
    assert status == 255 and "Connection refused" in output
    assert run(near, "ssh nowhere.example true")[0] == 255
    files.until(lambda: is_clean(near, far))


def test_a_prompt_of_ssh_can_be_interrupted_and_nothing_is_left(near, far):
    far.write("/etc/jwt/disabled", "")
    near.good("tmux -S /tmp/tmux new-session -d -x 200 -y 50 'bash --norc'", "alice")
    try:
        near.good("tmux -S /tmp/tmux send-keys 'jwtctl run --forward -- ssh web2; echo status $?; stty -a' Enter", "alice")
        files.until(lambda: "assword:" in near.good("tmux -S /tmp/tmux capture-pane -p", "alice"))
        near.good("tmux -S /tmp/tmux send-keys C-c", "alice")
        files.until(lambda: re.search(r"status \d+$", near.good("tmux -S /tmp/tmux capture-pane -p", "alice"), re.MULTILINE))
        files.until(lambda: " echo " in near.good("tmux -S /tmp/tmux capture-pane -p", "alice"))
        assert re.search(r"status (130|255)$", near.good("tmux -S /tmp/tmux capture-pane -p", "alice"), re.MULTILINE)
        files.until(lambda: is_clean(near, far))
    finally:
        near.good("tmux -S /tmp/tmux kill-server", "alice")
        far.good("rm /etc/jwt/disabled")


# --confirm

CONFIRM = "#!/bin/sh\necho \"$1, $SSH_ASKPASS_PROMPT, $( (: </dev/tty) 2>&1)\" >>/tmp/confirm.log\n"


def asked(near):
    text = near.sh("cat /tmp/confirm.log; rm -f /tmp/confirm.log")[1]
    return re.findall(r"^Allow sudo as alice on web2\?, confirm, .*No such device.*$", text, re.MULTILINE)


YES = {"by its status": "exit 0", "in words": "echo yes"}
NO = {"by its status": "exit 1", "in words": "echo no", "with yes and more": "echo yes, but no", "killed": "kill -9 $$",
      "ended": "kill $$"}


@pytest.mark.parametrize("way", YES)
def test_a_confirmed_request_gets_a_token(near, far, way):
    near.write("/usr/local/bin/confirm", CONFIRM + YES[way] + "\n", 0o755)
    assert run(near, f"ssh web2 '{SUDO}; {SUDO}'", "--confirm", "export SSH_ASKPASS=/usr/local/bin/confirm") == (0, "root\nroot\n")
    assert len(asked(near)) == 2
    near.good(f"script -qec 'jwtctl run --forward --confirm-with=confirm -- ssh -t web2 {SUDO}' /dev/null </dev/null", "alice")
    assert len(asked(near)) == 1


@pytest.mark.parametrize("way", NO)
def test_a_request_that_is_not_confirmed_gets_none(near, far, way):
    near.write("/usr/local/bin/confirm", CONFIRM + NO[way] + "\n", 0o755)
    status, output = run(near, f"ssh web2 {SUDO}", "--confirm-with=confirm")
    assert status != 0 and "no token: jwtctl run --forward: the user did not confirm it" in output
    assert len(asked(near)) == 1


def test_without_a_program_that_asks_nothing_is_started(near, far):
    status, output = run(near, "ssh web2 true", "--confirm", "unset SSH_ASKPASS")
    assert (status, output.count("\n")) == (1, 1) and "expected a graphical program in SSH_ASKPASS" in output
    status, output = run(near, f"ssh web2 {SUDO}", "--confirm-with=/nowhere/program")
    assert status != 0 and "the user did not confirm it" in output
