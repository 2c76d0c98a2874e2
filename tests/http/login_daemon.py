"""A jwtd-login on its own socket, with PAM stacks for the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from daemons import preload, until
from wire import ACCOUNT, CHECK, ask, message

ALICE, SECRET = b"alice", b"correct horse battery staple"
SOURCE = b"uid 1000"

STACKS = {
    "jwtd": "auth required pam_unix.so\naccount required pam_unix.so\n",
    "nullok": "auth required pam_unix.so nullok\naccount required pam_unix.so\n",
    "yes": "auth required pam_permit.so\naccount required pam_permit.so\n",
    "refused": "auth required pam_permit.so\naccount required pam_deny.so\n",
    "broken": "auth required pam_no_such_module.so\naccount required pam_permit.so\n",
    "shell": "auth required pam_exec.so expose_authtok quiet DIR/tell\naccount required pam_permit.so\n",
    "slow": "auth optional pam_exec.so quiet DIR/wait\nauth required pam_deny.so\n"
            "account required pam_permit.so\n",
    "kills": "auth required pam_exec.so quiet DIR/kill\naccount required pam_permit.so\n",
    "lockout": "auth required pam_faillock.so preauth dir=DIR/tallies\nauth required pam_permit.so\n"
               "account required pam_permit.so\n",
    "hangs": "auth required pam_exec.so quiet DIR/hang\naccount required pam_permit.so\n",
}


class Login:
    """One jwtd-login, its listening socket, and a client."""

    def __init__(self, build, service="jwtd", settings="", asker="root", stack="", module=None):
        """module: of BUILD/tests/http, preloaded."""
        self.dir = tempfile.mkdtemp(prefix="jwt-login.")
        self.write("jwt.conf", settings)
        self.write("tell", f"#!/bin/sh\ncat >{self.dir}/password; env >{self.dir}/env\n"
                            f"ls /proc/self/fd >{self.dir}/fds\n", 0o755)
        self.write("wait", "#!/bin/sh\nexec sleep 0.5\n", 0o755)
        self.write("hang", "#!/bin/sh\nexec sleep 45\n", 0o755)
        for name, text in STACKS.items():
            self.write(name, text.replace("DIR", self.dir))
        if stack:
            self.write(service, stack.replace("DIR", self.dir).replace("ASK", build + "/tests/http/pam_ask.so"))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path("socket"))
        self.listener.listen(64)
        self.log = open(self.path("log"), "wb")
        fd = self.listener.fileno()
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', build + "/jwtd/login/jwtd-login",
             f"--config={self.path('jwt.conf')}", f"--confdir={self.dir}", f"--service={service}",
             f"--asker={asker}"], preexec_fn=lambda: os.dup2(fd, 3, inheritable=True), pass_fds=[3],
            env=dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="login", **(preload(build, module) if module else {})),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

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

    def factors(self, password, otp, user=ALICE):
        """The status, and of a success the numbers of enum wire_amr."""
        with self.connect() as client:
            status, fields = ask(client, message(CHECK, user, password, SOURCE, otp))
        return (status, int.from_bytes(fields[2], "little")) if status == "ok" else status

    def account(self, user):
        return self.ask(message(ACCOUNT, user))

    def children(self):
        return [int(p) for p in self.read(f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()]

    def descriptors(self):
        """The number of open descriptors while idle."""
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
