"""The hosts that tests/fleet/boot has booted, and their set-up by the commands of docs/fleet.md."""

import glob
import json
import os
import re
import time

import files
import kit
from blocks import take

PAGE = "fleet.md"
HERE = os.path.dirname(os.path.realpath(__file__))
DIR = os.environ.get("JWT_FLEET", "")
ALICE = kit.ALICE
URL = "https://login.example"
SAMPLE = r"(?<![\w-])[\w-]{43}(?![\w-])"  # a thumbprint of the page
SAMPLE_KID = "wcI-iM51"
INTERVAL = 5  # seconds, of the page's drop-in
SYNC_CONF = "/etc/jwt/jwt.conf.d/sync.conf"


class Host:
    def __init__(self, name):
        self.name = name
        self.pid = files.read(f"{DIR}/{name}").strip() if DIR else ""
        self.where = ["nsenter", f"--target={self.pid}", "--all", "--root", "--wd", "env", "--chdir=/root", "-i", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
                      "DEBIAN_FRONTEND=noninteractive",
                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]

    def sh(self, command, user=None, **more):
        """Status and output of a command, as root or in a login shell of the user."""
        return kit.sh(command, user, where=self.where, **more)

    def good(self, command, user=None, **more):
        status, output = self.sh(command, user, **more)
        assert status == 0, f"{self.name}: {command}: {status}\n{output}"
        return output

    def path(self, path):
        """The file as this machine sees it."""
        return f"/proc/{self.pid}/root{path}"

    def read(self, path):
        return files.read(self.path(path))

    def write(self, path, text, mode=0o644):
        files.write(self.path(path), text, mode)

    # Blocks.

    def place(self, block):
        """Writes a block whose first line is a comment with its path; the path."""
        path = re.match(r"# (/\S+)\n", block.text)[1]
        self.write(path, block.run())
        return path

    def script(self, block, kid=None):
        """Types a block, with the thumbprint of now and this key id in place of those of the page."""
        status, output = self.sh("set -e\n" + typed(block, kid))
        assert status == 0, f"{self.name}: {block}: {status}\n{output}"
        return output

    def session(self, block, **more):
        return kit.session(block, where=self.where, **more)

    # Logins.

    def ssh(self, token, user="alice", start=None):
        """Whether a login from web1 with this token, as the password, succeeds on this host."""
        (start or HOSTS["web1"]).write("/tmp/answer", f"#!/bin/sh\ncat <<'TYPED'\n{token}\nTYPED\n", 0o755)
        return (start or HOSTS["web1"]).sh(
            "SSH_ASKPASS=/tmp/answer SSH_ASKPASS_REQUIRE=force ssh -o NumberOfPasswordPrompts=1 "
            f"-o PreferredAuthentications=password {user}@{self.name} id -un")[1].strip() == user

    def sudo(self, token, user="alice"):
        return self.sh("sudo -k -S -p '' id -un", user, text=token + "\n")[1].strip().endswith("root")

    def accepts(self, token):
        return self.ssh(token) and self.sudo(token)


HOSTS = {name: Host(name) for name in sorted(os.listdir(DIR))} if DIR else {}


def issuer():
    return HOSTS["web1"]


def others():
    """The hosts that accept tokens and issue none."""
    return [host for name, host in HOSTS.items() if name in ("web2", "web3", "web4")]


def move_name(target):
    """login.example is the address of this host, everywhere."""
    for host in HOSTS.values():
        names = host.read("/etc/hosts").replace(" login.example", "")
        host.write("/etc/hosts", names.replace(f" {target.name}\n", f" {target.name} login.example\n"))


class Client:
    """The login by TLS of a user on a host; with a password, a new one."""

    def __init__(self, name, user, password=None):
        self.host, self.user = HOSTS[name], user
        if password:
            self.host.good(f"jwtctl login --server={URL}", user, text=password + "\n")
        path, = glob.glob(self.host.path(f"/home/{user}/.local/state/jwt/session-*.json"))
        self.pair = json.loads(files.read(path))

    def refresh(self):
        """Whether the refresh token gives the next pair, which is kept."""
        text = self.host.sh(f"curl -sS --max-time 10 --json @- {URL}/api/token/refresh/", self.user,
                            text=json.dumps({"refresh": self.pair["refresh"]}))[1]
        if '"refresh"' not in text:
            return False
        self.pair = json.loads(text)
        return True

    def log_out(self):
        self.host.good(f"jwtctl logout --server={URL}", self.user)


def thumbprint():
    """Of the bundle key that signs, from the line that an administrator copies."""
    found, = re.findall(r"^\S+ +\S+ +([\w-]{43}) +bundle$", issuer().good("jwtctl key list"), re.MULTILINE)
    return found


def typed(block, kid=None):
    text = block.run()
    if kid:
        assert SAMPLE_KID in text
        text = text.replace(SAMPLE_KID, kid)
    if re.search(SAMPLE, text):
        text = re.sub(SAMPLE, thumbprint(), text)
    return text


def login(user="alice", password=ALICE):
    issuer().good("jwtctl login", user, text=password + "\n")


def token(user="alice"):
    return issuer().good("jwtctl token", user).strip()


def until(condition, seconds=60):
    files.until(condition, seconds)


def seconds_until(condition, limit=60):
    start = time.monotonic()
    files.until(condition, limit)
    return time.monotonic() - start


def seconds_until_refused(access, cause):
    """Seconds from the end of `cause` until every host refuses the token."""
    cause()
    return seconds_until(lambda: not any(host.sudo(access) for host in others()))


# The set-up.

ISSUER_PAGE, HOST_PAGE, CM_PAGE = "The issuing host", "A host", "Configuration management"
INSTALL = [take(PAGE, "apt install ./build", ISSUER_PAGE), take(PAGE, "apt install ./libpam", HOST_PAGE)]
SETTINGS = take(PAGE, "# /etc/jwt/jwt.conf.d/fleet.conf", ISSUER_PAGE)
SITE = take(PAGE, "# /etc/nginx/conf.d/login.conf", ISSUER_PAGE)
LOAD = take(PAGE, "jwtctl config check", ISSUER_PAGE)
LIST_KEYS = take(PAGE, "# jwtctl key list", ISSUER_PAGE)
INTERVAL_CONF = take(PAGE, "# /etc/jwt/jwt.conf.d/interval.conf", HOST_PAGE)
INTERVAL_LOAD = take(PAGE, "jwtctl sync\n", HOST_PAGE)
PLAYBOOK = take(PAGE, "# fleet.yml", CM_PAGE)
PLAY = take(PAGE, "ansible-playbook", CM_PAGE)


def from_packages(host):
    """Whether the packages are in /packages of the host (tests/packages/fleet); else the build is installed."""
    return os.path.exists(host.path("/packages"))


def place_packages(host, pattern, directory):
    """Where the page has them. apt asks nothing, and needs no network: the archives are in its cache."""
    host.good(f"mkdir -p {directory} && ln -sf /packages/old/{pattern} {directory}/")
    host.write("/etc/apt/apt.conf.d/90fleet", 'APT::Get::Assume-Yes "true";\n')


def commands(host, block):
    """The commands of a block; what apt would install is there without packages."""
    return "".join(line + "\n" for line in typed(block).splitlines()
                   if from_packages(host) or not line.startswith("apt install"))


def run(host, command):
    return host.good("set -e\n" + command, timeout=180)


def set_up_issuer(host, run=run):
    if from_packages(host):
        place_packages(host, "*.deb", "build/packages/bookworm")
    else:
        host.good("systemctl enable --now jwtd.socket")
    run(host, commands(host, INSTALL[0]))
    for block in (SETTINGS, SITE):
        run(host, "cat " + host.place(block))
    run(host, typed(LOAD))
    host.session(LIST_KEYS)


def set_up_host(host, run=run):
    if from_packages(host):
        place_packages(host, "{libpam-jwt,jwtctl}_*.deb", ".")
    run(host, commands(host, INSTALL[1]))
    set_interval(host, run)


def set_up_by_ansible(host, run=run):
    host.write("/root/fleet.yml", typed(PLAYBOOK))
    host.write("/root/inventory", f"{host.name} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n")
    if from_packages(host):
        place_packages(host, "{libpam-jwt,jwtctl}_*.deb", "packages")
    said = run(host, "ANSIBLE_NOCOLOR=1 " + typed(PLAY).strip() + ("" if from_packages(host) else " --skip-tags packages"))
    set_interval(host, run)
    return said


def set_interval(host, run):
    run(host, "cat " + host.place(INTERVAL_CONF))
    run(host, typed(INTERVAL_LOAD))


def is_set_up():
    return all(os.path.exists(host.path(SYNC_CONF)) for host in others())


def set_up(run=run):
    set_up_issuer(issuer(), run)
    for host in others():
        set_up_host(host, run)


# The end of each recovery.

CHECK = take(PAGE, "# jwtctl sync && jwtctl sync --list", "Recovery")


def repair():
    """After a test that failed."""
    for host in others():
        host.good(commands(host, INSTALL[1]).replace("jwtctl sync", "jwtctl sync --reset"))


def stop_polling():
    """Until a test calls fetch(). No installation is in progress when this returns."""
    for host in others():
        host.good("systemctl stop jwt-sync.timer; systemctl start jwt-sync-install; true")


def start_polling():
    for host in others():
        host.good("systemctl start jwt-sync.timer && jwtctl sync")


def fetch():
    """Every host fetches now."""
    for host in others():
        host.good("jwtctl sync")


def check_all():
    """Every host shows the bundle key of the issuer, accepts a new login, and refuses it after the logout."""
    for host in others():
        assert thumbprint() in host.session(CHECK), host.name
    login()
    access = token()
    for host in (issuer(), *others()):
        assert host.ssh(access) and host.sudo(access), host.name
    issuer().good("jwtctl logout", "alice")
    fetch()
    for host in (issuer(), *others()):
        assert not host.sudo(access), host.name
