"""What jwtd-login promises its one asker, on a socket of its own: real PAM, users in a private mount
namespace."""

import array
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from daemons import run
from wire import ACCOUNT, CHECK, STATUS, ask, message

ALICE, SECRET = b"alice", b"correct horse battery staple"
SOURCE = b"uid 1000"

STACKS = {
    "jwtd": "auth required pam_unix.so\naccount required pam_unix.so\n",
    "nullok": "auth required pam_unix.so nullok\naccount required pam_unix.so\n",
    "yes": "auth required pam_permit.so\naccount required pam_permit.so\n",
    "refused": "auth required pam_permit.so\naccount required pam_deny.so\n",
    "broken": "auth required pam_no_such_module.so\naccount required pam_permit.so\n",
    "shell": "auth required pam_exec.so expose_authtok quiet DIR/tell\naccount required pam_permit.so\n",
    "hangs": "auth required pam_exec.so quiet DIR/hang\naccount required pam_permit.so\n",
}


class Login:
    """One jwtd-login, its listener, and the asker."""

    def __init__(self, build, service="jwtd", settings="", asker="root"):
        self.dir = tempfile.mkdtemp(prefix="jwt-login.")
        self.write("jwt.conf", settings)
        self.write("tell", f"#!/bin/sh\ncat >{self.dir}/password; env >{self.dir}/env\n"
                            f"ls /proc/self/fd >{self.dir}/fds\n", 0o755)
        self.write("hang", "#!/bin/sh\nexec sleep 45\n", 0o755)
        for name, stack in STACKS.items():
            self.write(name, stack.replace("DIR", self.dir))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path("socket"))
        self.listener.listen(64)
        self.log = open(self.path("log"), "wb")
        fd = self.listener.fileno()
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', build + "/jwtd/login/jwtd-login",
             f"--config={self.path('jwt.conf')}", f"--confdir={self.dir}", f"--service={service}",
             f"--asker={asker}"], preexec_fn=lambda: os.dup2(fd, 3, inheritable=True), pass_fds=[3],
            env=dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="login"), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(50)
        client.connect(self.path("socket"))
        return client

    def ask(self, packet):
        """(status, stamp), or "closed"."""
        with self.connect() as client:
            status, fields = ask(client, packet)
        return "closed" if status == "closed" else (status, fields[0] if fields else b"")

    def check(self, user, password, source=SOURCE):
        return self.ask(message(CHECK, user, password, source))

    def account(self, user):
        return self.ask(message(ACCOUNT, user))

    def children(self):
        return [int(p) for p in self.read(f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()]

    def descriptors(self):
        """How many are open when nothing is asked."""
        self.account(ALICE)
        until(lambda: not self.children())
        time.sleep(0.05)
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(15)
        log = self.read("log")
        self.listener.close()
        self.log.close()
        shutil.rmtree(self.dir)
        assert status == 0 and "Sanitizer" not in log and "runtime error" not in log, (status, log)
        assert "correct horse" not in log and "n0body" not in log, log
        return log


def with_login(**how):
    def wrap(test):
        def body(build):
            login = Login(build, **how)
            try:
                test(login)
            except Exception as error:
                raise AssertionError(f"{error}\n{login.read('log')[-1500:]}") from error
            finally:
                login.stop()

        body.__name__ = test.__name__
        return body

    return wrap


def until(holds):
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("never came true")


def has_user(name, shadow):
    """One more user, in this namespace's own files. shadow: fields after the password, None: no entry."""
    password = subprocess.run(["openssl", "passwd", "-6", "pw"], capture_output=True, text=True,
                              check=True).stdout.strip()
    with open("/etc/passwd", "a", encoding="utf-8") as file:
        file.write(f"{name}:x:23100:100::/nonexistent:/bin/sh\n")
    if shadow is not None:
        with open("/etc/shadow", "a", encoding="utf-8") as file:
            file.write(f"{name}:{shadow.replace('PW', password)}\n")


@with_login()
def a_right_password_is_ok_and_gives_the_stamp_that_the_account_has(d):
    status, stamp = d.check(ALICE, SECRET)
    assert status == "ok" and len(stamp) == 16, (status, stamp)
    assert d.account(ALICE) == ("ok", stamp)
    assert d.account(b"carol")[1] not in (b"", stamp)


@with_login()
def wrong_unknown_and_unusable_are_one_answer(d):
    has_user("aged", "PW:100:0:10:7:5::")
    has_user("must", "PW:0:0:99999:7:::")
    has_user("locked", "!PW:19000:0:99999:7:::")
    has_user("expired", "PW:19000:0:99999:7::1:")
    for user, password in ((ALICE, b"pw"), (ALICE, b""), (ALICE, SECRET[:-1]), (b"n0body", b"pw"), (b"", b"pw"),
                           (b"ALICE", SECRET), (b"alice ", SECRET), (b"-alice", SECRET), (b"aged", b"pw"),
                           (b"must", b"pw"), (b"locked", b"pw"), (b"expired", b"pw"), (b"bob", b"bobpw"),
                           (b"toor", b"staple battery horse correct")):
        assert d.check(user, password) == ("denied", b""), (user, d.check(user, password))


@with_login()
def an_account_is_gone_or_inactive_without_a_password(d):
    for user, want in ((b"n0body", "not_found"), (b"", "not_found"), (b"a/b", "not_found"), (b"bob", "inactive"),
                       (b"locked", "inactive"), (b"expired", "inactive"), (b"aged", "inactive"), (b"must", "ok"),
                       (b"root", "inactive"), (b"toor", "inactive"), (ALICE, "ok")):
        assert d.account(user)[0] == want, (user, d.account(user))


@with_login()
def a_user_without_a_shadow_entry_has_no_stamp(d):
    has_user("dir", None)
    assert d.account(b"dir") == ("ok", b"")


@with_login(service="nullok")
def a_user_without_a_password_is_denied_even_under_nullok(d):
    has_user("empty", ":19000:0:99999:7:::")
    assert d.check(b"empty", b"") == ("denied", b"")
    assert d.check(b"empty", b"pw") == ("denied", b"")


@with_login(service="yes")
def a_stack_that_always_says_yes_opens_no_unusable_account(d):
    assert d.check(ALICE, b"pw")[0] == "ok"
    for user in (b"locked", b"expired", b"bob", b"root", b"n0body"):
        assert d.check(user, b"pw") == ("denied", b""), user


@with_login(service="refused")
def the_account_phase_decides_too(d):
    assert d.check(ALICE, b"pw") == ("denied", b"")


@with_login(service="broken")
def a_broken_stack_is_unavailable_and_not_denied(d):
    assert d.check(ALICE, SECRET) == ("unavailable", b"")


@with_login(settings="[Session]\nDenyUsers=\n")
def root_is_refused_by_the_setting_alone(d):
    assert d.account(b"toor")[0] == "ok"


@with_login(settings="[Session]\nDenyUsers=root\nAllowUsers=alice\nAllowGroups=alice carol\n")
def allow_lists_bind_together(d):
    assert d.check(ALICE, SECRET)[0] == "ok"
    assert d.account(b"carol")[0] == "inactive"


@with_login(settings="[Session]\nAllowGroups=no-such-group carol\n")
def an_allowed_group_lets_its_members_in_alone(d):
    assert d.account(b"carol")[0] == "ok"
    assert d.check(ALICE, SECRET) == ("denied", b"")


@with_login(settings="[Session]\nDenyUser=root\n")
def wrong_settings_are_unavailable_and_said_once(d):
    assert d.check(ALICE, SECRET) == ("unavailable", b"")
    assert d.account(ALICE) == ("unavailable", b"")
    assert d.read("log").count("can't be used") == 1, d.read("log")


@with_login(service="shell")
def a_module_gets_the_password_and_the_source_and_nothing_of_the_daemon(d):
    assert d.check(ALICE, b"a b\xc3\xa9", b"2001:db8::/64")[0] == "ok"
    assert d.read("password") == "a b\u00e9"
    assert "PAM_RHOST=2001:db8::/64\n" in d.read("env") and "PAM_RUSER" not in d.read("env")
    assert d.check(ALICE, b"pw", SOURCE)[0] == "ok"
    assert "PAM_RUSER=uid 1000\n" in d.read("env") and "PAM_RHOST" not in d.read("env")
    for source in (b"evil\nPAM_X=1", b"root", b"", b"unknown"):
        assert d.check(ALICE, b"pw", source)[0] == "ok"
        assert "PAM_RHOST" not in d.read("env") and "PAM_RUSER" not in d.read("env"), source


@with_login(service="shell")
def a_name_that_is_no_account_is_never_told_to_a_module(d):
    for user in (b"n0body", b"", b"alice\n", b"../alice"):
        assert d.check(user, b"pw") == ("denied", b"")
        assert not os.path.exists(d.path("password")), user


@with_login()
def the_stamp_changes_with_the_password_or_the_day_of_its_change(d):
    stamps = {d.account(ALICE)[1]}
    with open("/etc/shadow", encoding="utf-8") as file:
        shadow = file.read()
    line = next(x for x in shadow.split("\n") if x.startswith("alice:"))
    name, password, day, rest = line.split(":", 3)
    try:
        for other in (f"{name}:{password[:-1]}:{day}:{rest}", f"{name}:{password}:{int(day) + 1}:{rest}"):
            with open("/etc/shadow", "w", encoding="utf-8") as file:
                file.write(shadow.replace(line, other))
            stamps.add(d.account(ALICE)[1])
        assert len(stamps) == 3, stamps
    finally:
        with open("/etc/shadow", "w", encoding="utf-8") as file:
            file.write(shadow)


@with_login(service="hangs")
def a_check_that_hangs_is_killed_after_30_s_and_stops_nobody(d):
    answers = []
    start = time.monotonic()
    asker = threading.Thread(target=lambda: answers.append(d.check(ALICE, SECRET)))
    asker.start()
    until(d.children)
    assert d.account(ALICE)[0] == "ok"
    asker.join()
    assert answers == [("unavailable", b"")] and 29 < time.monotonic() - start < 33, answers
    until(lambda: not d.children())


@with_login(service="hangs")
def a_check_whose_process_dies_is_unavailable(d):
    answers = []
    asker = threading.Thread(target=lambda: answers.append(d.check(ALICE, SECRET)))
    asker.start()
    until(d.children)
    os.kill(d.children()[0], signal.SIGABRT)
    asker.join()
    assert answers == [("unavailable", b"")], answers


@with_login(service="hangs")
def checks_beyond_the_limit_are_busy_and_leave_nothing_behind(d):
    limit = max(4, 2 * len(os.sched_getaffinity(0)))
    before = d.descriptors()
    clients = [d.connect() for _ in range(limit)]
    for client in clients:
        client.send(message(CHECK, ALICE, SECRET, SOURCE))
    until(lambda: len(d.children()) == limit)
    assert d.check(ALICE, SECRET) == ("busy", b"")
    assert d.check(b"n0body", SECRET) == ("busy", b"")
    for child in d.children():
        os.kill(child, signal.SIGKILL)
    for client in clients:
        assert STATUS[client.recv(100)[2]] == "unavailable"
        client.close()
    until(lambda: d.descriptors() == before and not d.children())
    assert d.account(ALICE)[0] == "ok"


@with_login()
def a_broken_message_ends_its_connection_and_is_logged_by_a_word(d):
    for packet, word in ((b"J", "short"), (b"x" * 30000, "oversized"), (message(99), "unknown"),
                         (message(2, b"a", b"b", b"c"), "not-yours"), (message(CHECK, b"a", b"b"), "unknown"),
                         (message(CHECK, b"a\0", b"b", b"c"), "bad-text"),
                         (message(ACCOUNT, b"a" * 256), "oversized"), (message(ACCOUNT, ALICE) + b"z", "oversized")):
        assert d.ask(packet) == "closed", packet[:20]
        assert d.read("log").strip().split("\n")[-1].endswith("fault=" + word), (word, d.read("log"))


@with_login()
def descriptors_sent_along_are_closed(d):
    before = d.descriptors()
    with d.connect() as client:
        client.sendmsg([message(ACCOUNT, ALICE)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                                    array.array("i", [0] * 50))])
        assert client.recv(100)[2] == 0
    until(lambda: d.descriptors() == before)


@with_login(asker="nobody")
def nobody_but_the_asker_is_answered(d):
    assert d.ask(message(ACCOUNT, ALICE)) == "closed"
    assert "uid=0" in d.read("log")


@with_login()
def silent_connections_leave_room_for_others_again(d):
    clients = [d.connect() for _ in range(60)]
    assert d.account(ALICE)[0] == "ok"
    for client in clients:
        client.close()
    assert d.check(ALICE, SECRET)[0] == "ok"


TESTS = [value for value in list(globals().values())
         if callable(value) and getattr(value, "__module__", "") == __name__ and
         getattr(value, "__qualname__", "").endswith("body")]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
