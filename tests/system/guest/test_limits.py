"""session_limit as in the manual, with logind: a session ends when its token expires."""

import re
import shlex
import subprocess
import time

from kit import KEYBOARD_METHOD, PASSWORD_METHOD, SSH, answering, journal, mint, sh
from test_stacks import PAM, restored, manual, put_before

LIFE = 10  # seconds until the token expires
OUTSIDE = "-u alice -x -f '/usr/bin/sleep 4799'"
GONE = 5  # at most so many seconds more until the shell has ended


def session_line():
    found, = re.findall(r"^session .*\\e\n.* pam_jwt.so session_limit$", manual(), re.M)
    return found.replace("\\e", "\\")


def command(number):
    """Two processes that keep running, in the foreground and under nohup; their arguments identify them."""
    return f"nohup sleep {number}1 >/dev/null 2>&1 & sleep {number}0; true"


def start(login, number, token):
    if login == "su -l":
        # No -l: su opens a session only if its caller is in none.
        argv = ["runuser", "-u", "nobodyspecial", "--", "su", "-l", "alice", "-c", command(number)]
        text = token + "\n"
    else:
        argv = ["sh", "-c", f"SSH_ASKPASS={answering(token)} SSH_ASKPASS_REQUIRE=force {SSH} -tt {login} "
                            f"alice@localhost {shlex.quote(command(number))}"]
        text = ""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               text=True)
    process.stdin.write(text)
    process.stdin.flush()
    wait_for(number, True, time.time() + LIFE)
    return process


def alive(number):
    return sh(f"pgrep -u alice -x -f 'sleep {number}[01]' | wc -l").stdout.strip()


def wait_for(number, there, deadline):
    """Waits until both processes of a session run, or neither does."""
    while alive(number) != ("2" if there else "0"):
        assert time.time() < deadline, (number, there, alive(number), journal()[-3000:])
        time.sleep(0.1)


def test_a_session_ends_with_its_token_within_five_seconds():
    with restored(PAM + "sshd", PAM + "su"):
        for service in ("sshd", "su"):
            put_before(PAM + service, "@include common-session", session_line())
        ends = int(time.time()) + LIFE
        logins = dict(enumerate((PASSWORD_METHOD, KEYBOARD_METHOD, "su -l"), 471))
        processes = [start(login, number, mint(exp=ends)) for number, login in logins.items()]
        time.sleep(max(0, ends - 0.5 - time.time()))
        for number, login in logins.items():
            assert alive(number) == "2", (login, "ended too early", journal())
        for number, login in logins.items():
            wait_for(number, False, ends + GONE)
            print(f"# {login}: all of it gone {time.time() - ends:.1f} s after exp")
        for process in processes:
            process.communicate(timeout=20)


def test_a_file_of_the_user_cannot_lengthen_a_session():
    """pam_env with user_readenv before the line of the limit, with sshd's keyboard-interactive."""
    for text in ("JWT_EXP DEFAULT=9999999999\n", "JWT_EXP DEFAULT=\nJWT_JTI DEFAULT=\nJWT_SID DEFAULT=\n"):
        with restored(PAM + "sshd"):
            put_before(PAM + "sshd", "@include common-session",
                       "session required pam_env.so user_readenv=1\n" + session_line())
            sh(f"printf '{text}' >.pam_environment", user="alice")
            ends = int(time.time()) + LIFE
            process = start(KEYBOARD_METHOD, 474, mint(exp=ends))
            wait_for(474, False, ends + GONE)
            process.communicate(timeout=20)
            sh("rm .pam_environment", user="alice")


def test_a_lingering_user_manager_outlives_the_token():
    """As documented in the manual."""
    with restored(PAM + "sshd"):
        put_before(PAM + "sshd", "@include common-session", session_line())
        sh("loginctl enable-linger alice")
        ends = int(time.time()) + 6
        try:
            process = start_escape(mint(exp=ends))
            time.sleep(max(0, ends - time.time()))
            process.communicate(timeout=20)
            assert time.time() - ends <= GONE
            assert sh(f"pgrep {OUTSIDE}").returncode == 0
        finally:
            sh(f"loginctl disable-linger alice; pkill {OUTSIDE}")


def start_escape(token):
    escape = "systemd-run -q --user sleep 4799; sleep 4790"
    process = subprocess.Popen(["sh", "-c", f"SSH_ASKPASS={answering(token)} SSH_ASKPASS_REQUIRE=force {SSH} "
                                            f"{PASSWORD_METHOD} alice@localhost {shlex.quote(escape)}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + LIFE
    while sh(f"pgrep {OUTSIDE}").returncode != 0:
        assert time.monotonic() < deadline and process.poll() is None, (process.communicate(timeout=20), journal())
        time.sleep(0.1)
    return process
