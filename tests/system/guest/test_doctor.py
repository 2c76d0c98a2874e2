"""jwtctl doctor: faults are made one by one, and the remedies that it prints are typed."""

import glob
import json
import re

import pytest
from kit import HTTP, sh

MODULE, = glob.glob("/usr/lib/*/security/pam_jwt.so")
FILES = ("/etc/pam.d", "/etc/ssh", "/etc/sudoers.d", "/etc/jwt", MODULE)
MAN = re.compile(r"man \d |meson|timedatectl$|journalctl|df -h|jwtctl config show|jwtctl key rotate$")


def doctor(user=None):
    """Exit status and the rows that are neither ok nor skipped."""
    out = sh("jwtctl doctor --json", user=user)
    assert out.stderr == "" and out.returncode in (0, 1), out
    rows = json.loads(out.stdout)
    problems = [row for row in rows if row["status"] in ("warning", "error")]
    assert out.returncode == bool(problems), out
    return problems


def serving():
    """The results of the daemons: /healthz, and status for root."""
    health = sh(" ".join(HTTP) + " -o /dev/null -w '%{http_code}' http://localhost/healthz").stdout
    return health == "200", "jwtd-issuer " in sh("timeout 10 jwtctl status").stdout


def drop_in(unit, text):
    return (f"mkdir -p /etc/systemd/system/{unit}.d && printf '[Service]\\n{text}\\n' "
            f">/etc/systemd/system/{unit}.d/x.conf && systemctl daemon-reload")


def conf(text, mode="0644"):
    return f"printf '{text}' >/etc/jwt/jwt.conf.d/x.conf && chmod {mode} /etc/jwt/jwt.conf.d/x.conf"


RESTORE = ("systemctl stop jwtd-issuer; rm -r /var/lib/jwtd-issuer/*; mv /root/state/* /var/lib/jwtd-issuer/; "
           "rm -r /root/state; systemctl start jwtd-issuer")


def in_store(text):
    """A command that executes Python with the open database `db` of the store."""
    return f'''python3 -c 'import sqlite3
path = "/var/lib/jwtd-issuer/sessions.db"
db = sqlite3.connect(path, isolation_level=None)
{text}' '''


NEWER = in_store('db.execute("PRAGMA user_version = 99")')
# The root of an index that a start does not read.
DAMAGE = in_store('''page, = db.execute("SELECT rootpage FROM sqlite_master WHERE name = \\"session_user\\"").fetchone()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
db.close()
file = open(path, "r+b")
file.seek((page - 1) * 4096)
file.write(bytes(4096))
file.close()''')

COPY = ("systemctl stop jwtd-issuer && printf %032d 0 >/var/lib/jwtd-issuer/machine && "
        "chown jwtd-issuer: /var/lib/jwtd-issuer/machine && systemctl start jwtd-issuer")

# A command that breaks the host; check, status, where, and a part of the message; the command that corrects it, if the
# remedy does not. FILES are restored in any case.
FAULTS = {
    "module missing": ("rm MODULE", "module error MODULE", "is missing", "true"),
    "module is a text": ("echo text >MODULE", "module error MODULE", "cannot be loaded: ", "true"),
    "module of another machine": ("printf '\\363\\000' | dd of=MODULE bs=1 seek=18 conv=notrunc",
                                  "module error MODULE", "cannot be loaded: ", "true"),
    "module writable": ("chmod 0666 MODULE", "module error MODULE", "has mode 0666"),
    "no account line": ("sed -i '/^account.*pam_jwt/d' /etc/pam.d/sudo", "stacks error /etc/pam.d/sudo:LINE",
                        "service sudo: the account stack has no line of pam_jwt"),
    "lockout words": ("sed -i 's/module_unknown=ignore //' /etc/pam.d/su", "stacks warning /etc/pam.d/su:LINE",
                      "service su: no user can log in while the module is missing"),
    "open stack": ("printf 'auth optional pam_jwt.so\\nauth required pam_permit.so\\naccount required pam_jwt.so\\n"
                   "account required pam_permit.so\\n' >/etc/pam.d/open", "stacks error /etc/pam.d/open:1",
                   "service open: anyone can log in"),
    "misspelt option": ("sed -i 's/pam_jwt.so/& kyes=1/' /etc/pam.d/sudo-i", "stacks error /etc/pam.d/sudo-i:LINE",
                        "the option 'kyes=1' is unknown", "true"),
    "no service": ("sed -i /pam_jwt/d /etc/pam.d/*", "stacks warning /etc/pam.d", "no service accepts tokens", "true"),
    "faillock": ("sed -i '1i auth required pam_faillock.so preauth' /etc/pam.d/jwtd", "settings error None",
                 "jwtd-login cannot write the tallies in /run/faillock"),
    "sudo's cache": ("rm /etc/sudoers.d/jwt", "sudo warning /etc/sudoers", "timestamp_timeout is 15 minutes"),
    "sudo's cache without end": ("echo 'Defaults timestamp_timeout=-1' >/etc/sudoers.d/jwt", "sudo warning /etc/sudoers",
                                 "does not ask again until the next boot"),
    "sshd without PAM": ("sed -i '/UsePAM/s/yes/no/' /etc/ssh/sshd_config.d/jwt.conf",
                         "sshd error /etc/ssh/sshd_config", "UsePAM is off"),
    "sshd without passwords": ("sed -i 's/Authentication yes/Authentication no/' /etc/ssh/sshd_config.d/jwt.conf",
                               "sshd error /etc/ssh/sshd_config", "does not ask for a token"),
    "sshd without passwords in a Match block": (
        "printf 'Match Address 127.0.0.1\\nPasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' "
        ">>/etc/ssh/sshd_config.d/jwt.conf", "sshd error /etc/ssh/sshd_config", "does not ask for a token", "true"),
    "KnownHostsCommand": ("echo 'KnownHostsCommand /bin/true' >/etc/ssh/ssh_config.d/x.conf",
                          "ssh warning /etc/ssh/ssh_config", "KnownHostsCommand is set"),
    "host key writable": ("chmod 0666 /etc/ssh/ssh_host_ed25519_key.pub",
                          "host-keys error /etc/ssh/ssh_host_ed25519_key.pub", "has mode 0666"),
    "host key missing": ("rm /etc/ssh/ssh_host_ecdsa_key.pub",
                         "host-keys error /etc/ssh/ssh_host_ecdsa_key.pub", "bound to this SSH key are refused"),
    "disabled": ("touch /etc/jwt/disabled", "disabled warning /etc/jwt/disabled", "token logins are disabled"),
    "settings not searchable": ("chmod 0700 /etc/jwt", "disabled error /etc/jwt", "has mode 0700"),
    "unknown key": (conf("[Token]\\nColour=blue\\n"), "settings error /etc/jwt/jwt.conf.d/x.conf:2",
                    "unknown key Colour", "rm /etc/jwt/jwt.conf.d/x.conf"),
    "comment after a value": (conf("[Session]\\nAllowGroups=sudo # text\\n"),
                               "settings error /etc/jwt/jwt.conf.d/x.conf:2", "has a comment after its value",
                               "rm /etc/jwt/jwt.conf.d/x.conf"),
    "unknown group": (conf("[Session]\\nAllowGroups=sudo wheel\\n"), "settings warning None",
                      "AllowGroups=: no such group: wheel", "rm /etc/jwt/jwt.conf.d/x.conf"),
    "unreadable drop-in": (conf("[Session]\\nAllowGroups=sudo\\n", "0600"),
                           "settings error /etc/jwt/jwt.conf.d/x.conf", "cannot be read by the daemons"),
    "no public keys": ("rm /var/lib/jwt/jwks.json", "public error /var/lib/jwt/jwks.json", "is missing"),
    "no list": ("rm /var/lib/jwt/revoked", "public error /var/lib/jwt/revoked", "is missing"),
    "list cut": ("echo x >>/var/lib/jwt/revoked", "public error /var/lib/jwt/revoked", "whole lines"),
    "public keys unreadable": ("chmod 0600 /var/lib/jwt/jwks.json", "public error /var/lib/jwt/jwks.json",
                               "has mode 0600"),
    "issuer damaged": ("echo x >/var/lib/jwt/issuer", "public error /var/lib/jwt/issuer:1", "expected"),
    "other keys": ("jwtctl key new /root/k.jwk && jwtctl key export /root/k.jwk >/var/lib/jwt/jwks.json; "
                   "rm /root/k.jwk",
                   "issuer error /var/lib/jwt/jwks.json", "does not contain the signing key"),
    "no directory of used tokens": ("rm -r /run/jwt/used", "one-time error /run/jwt/used", "is missing"),
    "used tokens readable": ("chmod 0777 /run/jwt/used", "one-time error /run/jwt/used", "has mode 0777"),
    "since in the future": ("touch -d '1 hour' /run/jwt/since", "clock error /run/jwt/since", "in the future",
                            "touch /run/jwt/since"),
    "socket stopped": ("systemctl stop jwtd.socket", "units error jwtd.socket", "is not active"),
    "socket masked": ("systemctl stop jwtd.socket; systemctl mask jwtd.socket", "units error jwtd.socket", "is masked"),
    "socket disabled": ("systemctl disable jwtd.socket", "units warning jwtd.socket", "not active after a boot"),
    "unit not reloaded": ("touch /usr/lib/systemd/system/jwtd.service", "units warning jwtd.service", "not in effect"),
    "weak sandbox": (drop_in("jwtd.service", "NoNewPrivileges=no"), "units warning jwtd.service",
                     "weaker sandbox than installed; drop-ins: /etc/systemd/system/jwtd.service.d/x.conf"),
    "daemon that cannot start": (drop_in("jwtd-issuer.service", "ExecStart=\\nExecStart=/bin/false\\nRestartSec=60s")
                                 + "; ! systemctl restart jwtd-issuer", "units error jwtd-issuer.service", "has failed",
                                 "systemctl revert jwtd-issuer.service; systemctl restart jwtd-issuer"),
    "key readable": ("chmod 0644 /var/lib/jwtd-issuer/keys/*.jwk", "keys error KEY", "has mode 0644"),
    "keys lost": ("systemctl stop jwtd-issuer; mv /var/lib/jwtd-issuer/keys /root/keys; systemctl start jwtd-issuer",
                  "keys error /var/lib/jwtd-issuer/keys", "is missing",
                  "mv /root/keys /var/lib/jwtd-issuer/; systemctl restart jwtd-issuer"),
    "store page damaged": (
        f"systemctl stop jwtd-issuer; cp -a /var/lib/jwtd-issuer /root/state; {DAMAGE}; systemctl start jwtd-issuer",
        "store error /var/lib/jwtd-issuer/sessions.db", "restore it from a backup", RESTORE),
    "store of a newer release": (
        f"systemctl stop jwtd-issuer; cp -a /var/lib/jwtd-issuer /root/state; {NEWER}; systemctl start jwtd-issuer",
        "store error /var/lib/jwtd-issuer/sessions.db", "schema version 99 of a newer release", RESTORE),
    "store damaged": ("systemctl stop jwtd-issuer; cp -a /var/lib/jwtd-issuer /root/state; "
                      "rm /var/lib/jwtd-issuer/sessions.db-*; echo text >/var/lib/jwtd-issuer/sessions.db",
                      "store error /var/lib/jwtd-issuer/sessions.db", "file is not a database", RESTORE),
    "renamed host": ("hostname web2", "names warning /var/lib/jwt/issuer", "the host is web2", "hostname web1"),
    "copied SSH keys": ("touch -d '20 years ago' /etc/ssh/ssh_host_rsa_key", "host-keys warning /etc/ssh/ssh_host_rsa_key",
                        "is older than /etc/machine-id", "touch /etc/ssh/ssh_host_rsa_key"),
    "restored on another machine": (COPY, "issuer warning /var/lib/jwtd-issuer/machine", "another machine-id",
                                    "rm /var/lib/jwtd-issuer/machine && systemctl restart jwtd-issuer"),
    "no space": ("mount -t tmpfs -o size=64k,mode=0700 tmpfs /run/jwt/used", "space error /run/jwt/used",
                 "64 KiB", "umount /run/jwt/used"),
    "read-only": ("mount --bind /var/lib/jwt /var/lib/jwt && mount -o remount,bind,ro /var/lib/jwt",
                  "space error /var/lib/jwt", "is read-only", "umount /var/lib/jwt && systemctl try-restart jwtd-issuer"),
}
DOWN = ("daemon that cannot start", "keys lost", "store damaged", "store of a newer release", "socket stopped", "socket masked")


@pytest.fixture(name="kept")
def fixture_kept(tmp_path):
    """Restores FILES at the end."""
    for i, file in enumerate(FILES):
        sh(f"cp -a {file} {tmp_path}/{i}")
    yield
    for i, file in enumerate(FILES):
        sh(f"rm -rf {file} && cp -a {tmp_path}/{i} {file}")
    assert sh("systemctl revert jwtd-login.service; systemctl reload-or-restart ssh; "
              "systemctl try-restart jwtd-login").returncode == 0


def test_nothing_is_wrong_on_a_healthy_host():
    assert doctor() == []
    rows = json.loads(sh("jwtctl doctor --json").stdout)
    assert [row["check"] for row in rows] == [
        "settings", "module", "stacks", "disabled", "public", "one-time", "host-keys", "sudo", "sshd", "ssh", "second-factor",
        "units", "keys", "store", "issuer", "http", "names", "clock", "space"]
    assert {row["check"] for row in rows if row["status"] != "ok"} == {"second-factor"}, "OtpPrompt= is not set"
    assert sh("jwtctl doctor").stdout.count("\nok ") == len(rows) - 2
    assert serving() == (True, True)


def test_the_check_of_the_store_leaves_no_file_of_root():
    assert sh("systemctl stop jwtd-issuer").returncode == 0
    out = sh("jwtd-issuer --check-store")
    assert (out.returncode, out.stdout) == (0, "/var/lib/jwtd-issuer/sessions.db: no error found\n"), out
    assert sh("find /var/lib/jwtd-issuer ! -user jwtd-issuer").stdout == ""
    # It is made by jwtd-issuer: a store that root alone can read cannot be checked.
    out = sh("chown root /var/lib/jwtd-issuer/sessions.db; jwtd-issuer --check-store; chown jwtd-issuer /var/lib/jwtd-issuer/sessions.db")
    assert "unable to open database file" in out.stdout, out
    assert serving() == (True, True)


def test_a_copy_of_a_host_is_reported_and_gets_other_keys_by_the_remedy():
    keys = glob.glob("/var/lib/jwtd-issuer/keys/*.jwk")
    assert sh(f"mkdir /root/kept && cp -a /var/lib/jwtd-issuer /var/lib/jwt /root/kept/ && {COPY}").returncode == 0
    try:
        assert "keys of a machine with another machine-id" in sh("jwtctl status").stdout
        assert "another machine-id" in sh("journalctl -b -u jwtd-issuer -n 20 -o cat").stdout
        row, = doctor()
        out = sh(row["remedy"])
        assert out.returncode == 0 and doctor() == [] and serving() == (True, True), out
        assert len(keys) == 1 and glob.glob("/var/lib/jwtd-issuer/keys/*.jwk") not in ([], keys)
    finally:
        sh("systemctl stop jwtd-issuer; rm -r /var/lib/jwtd-issuer/* /var/lib/jwt/*; "
           "cp -a /root/kept/jwtd-issuer /root/kept/jwt /var/lib/ && rm -r /root/kept && "
           "systemctl restart jwtd-issuer")
    assert doctor() == []


@pytest.mark.usefixtures("kept")
def test_a_host_without_a_settings_file_has_the_defaults():
    assert sh("mv /etc/jwt/jwt.conf /root/").returncode == 0
    row, = [row for row in json.loads(sh("jwtctl doctor --json").stdout) if row["check"] == "settings"]
    assert row["status"] == "ok" and row["message"].startswith("no file /etc/jwt/jwt.conf"), row


def test_a_user_sees_what_needs_no_root():
    assert doctor("alice") == []
    rows = json.loads(sh("jwtctl doctor --json", user="alice").stdout)
    assert [row["check"] for row in rows if row["status"] == "skipped"] == [
        "sudo", "sshd", "second-factor", "keys", "store", "issuer"]


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.usefixtures("kept")
def test_each_fault_is_found_and_its_remedy_corrects_it(name):
    break_it, row, message, *undo = FAULTS[name]
    key, = glob.glob("/var/lib/jwtd-issuer/keys/*.jwk")
    check, status, where = row.replace("MODULE", MODULE).replace("KEY", key).split()
    # The daemons run when the fault is put in; one that starts later may not come up.
    assert serving() == (True, True)
    assert sh(break_it.replace("MODULE", MODULE)).returncode == 0, name
    try:
        problems = doctor()
        pattern = re.escape(where).replace("LINE", r"\d+")
        found = [r for r in problems if (r["check"], r["status"]) == (check, status)
                 and re.fullmatch(pattern, str(r["where"]))]
        assert found and message in found[0]["message"], problems
        assert found[0]["remedy"] or where == "None", found
        if name in DOWN:
            assert serving() != (True, True)
            assert {"units", "issuer", "http"} & {r["check"] for r in problems}, problems
        else:
            assert serving() == (True, True) or name in ("no public keys",), problems
        typed = [] if undo else [r["remedy"] for r in problems if not MAN.search(r["remedy"])]
        assert undo or found[0]["remedy"] in typed, found
        for command in typed:
            out = sh(command)
            assert out.returncode == 0, out
        assert undo or doctor() == [], problems
    finally:
        for command in undo:
            assert sh(command).returncode == 0


def test_the_host_is_healthy_again():
    assert doctor() == []
