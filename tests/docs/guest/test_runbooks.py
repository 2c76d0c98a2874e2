"""The runbooks of docs/admin.md: each fault is made, its symptom is checked, and the commands correct it."""

import os
import re
import shutil
import subprocess

import pytest
from blocks import take
from files import read, until, write
from kit import (ADMIN, ALICE, CAROL, SSH, answer, commands, good, healthy, journal, login, place, refresh, saved,
                 script, session, sh, ssh, sudo, token)

STATE = "/var/lib/jwtd-issuer"


def doctor():
    """The names of the checks that found a problem."""
    return re.findall(r"^(?:warning|error) +([a-z-]+)", sh("jwtctl doctor")[1], re.MULTILINE)


def stop_daemons():
    good("systemctl stop jwtd jwtd-issuer jwtd-login")


DEAD = "The issuer does not answer"
NO_LOGIN = take(ADMIN, "$ jwtctl login\njwtctl:", DEAD)
CAUSE = take(ADMIN, "# jwtctl doctor", DEAD)
STOPPED = take(ADMIN, "# systemctl is-active", DEAD)
HEALTHY = take(ADMIN, "# curl", DEAD)


def test_issuer_dead():
    login()
    access = token()
    stop_daemons()
    os.rename(f"{STATE}/keys", "/root/keys")
    session(NO_LOGIN, may_fail=True)
    session(CAUSE)
    assert sudo(access) and sudo(ALICE)
    os.rename("/root/keys", f"{STATE}/keys")
    until(healthy)
    session(HEALTHY)

    good("systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-login.socket")
    assert sudo(access)
    session(STOPPED, may_fail=True)
    session(HEALTHY)
    login()


HOST = "A host that accepts tokens is compromised"
REVOKE_ALL = take(ADMIN, "# jwtctl sessions --all\n...\n# jwtctl revoke --all", HOST)
NONE_LEFT = take(ADMIN, "# jwtctl sessions --all\nSESSION", HOST)


def test_host_compromised():
    login()
    access = token()
    session(REVOKE_ALL)
    session(NONE_LEFT)
    assert not sudo(access)
    assert "no longer valid" in sh("jwtctl token --lifetime=60s", "alice")[1]


ISSUER = "The issuing host is compromised"
DISABLE = take(ADMIN, "touch /etc/jwt/disabled\n", ISSUER)
NEW_KEYS = take(ADMIN, "systemctl stop jwtd.socket", ISSUER)
COMPARE = take(ADMIN, "# jwtctl key list", ISSUER)
ENABLE = take(ADMIN, "rm /etc/jwt/disabled", ISSUER)


def test_issuer_compromised():
    login()
    old, keys = token(), good("jwtctl key list")
    script(DISABLE)
    assert "disabled" in doctor()
    assert not sudo(old) and not ssh(old) and sudo(ALICE)
    script(NEW_KEYS)
    session(COMPARE)
    new = good("jwtctl key list").splitlines()[1:]
    assert len(new) == 2 and not set(new) & set(keys.splitlines())
    script(ENABLE)
    assert not sudo(old) and not ssh(old)
    assert "no longer valid" in sh("jwtctl token --lifetime=60s", "alice")[1]
    login()
    assert sudo(token())
    shutil.rmtree("/root/jwtd-issuer.compromised")


LAPTOP = "A laptop was stolen"
FIND = take(ADMIN, "# jwtctl sessions --user=alice\n...", LAPTOP)
NO_SESSION = take(ADMIN, "# jwtctl sessions --user=alice\nSESSION", LAPTOP)


def test_laptop_stolen():
    login()
    access = token()
    session(FIND)
    session(NO_SESSION)
    assert not sudo(access) and not ssh(access)
    assert "no longer valid" in sh("jwtctl token --lifetime=60s", "alice")[1]
    login()
    assert sudo(token())


CORRUPT = "The store is corrupt"
MALFORMED = take(ADMIN, "# systemctl status", CORRUPT)
MOVE = take(ADMIN, "systemctl stop jwtd-issuer.service", CORRUPT)
EMPTY = take(ADMIN, "# jwtctl status", CORRUPT)


def test_store_corrupt():
    login()
    access = token()
    stop_daemons()
    # All pages after the first: a start reads some of them, whatever their order.
    pages = os.stat(f"{STATE}/sessions.db").st_size // 4096
    good(f"dd if=/dev/urandom of={STATE}/sessions.db bs=4096 seek=1 count={pages - 1} conv=notrunc")
    assert not healthy()
    assert "issuer" in doctor()
    session(MALFORMED)
    assert sudo(access)
    script(MOVE)
    until(healthy)
    session(EMPTY)
    # The access token works until it expires; the refresh token is noticed and ends it.
    assert sudo(access) and "token_not_valid" in refresh() and not sudo(access)
    login()
    shutil.rmtree("/root/corrupt")


FULL = "The disk is full"
NO_SPACE = take(ADMIN, "# jwtctl doctor", FULL)
SPACE = take(ADMIN, "# df", FULL)
ROOM = take(ADMIN, "$ jwtctl login", FULL)


@pytest.fixture
def small_disk():
    stop_daemons()
    good(f"cp -a {STATE} /root/state && mount -t tmpfs -o size=24m,mode=0700,uid=jwtd-issuer,gid=jwtd-issuer tmpfs {STATE}"
         f" && cp -a /root/state/. {STATE}/ && rm -r /root/state")
    yield
    stop_daemons()
    good(f"umount -l {STATE}")


def test_disk_full(small_disk):
    login()
    access = token()
    sh(f"dd if=/dev/zero of={STATE}/filler bs=64k; dd if=/dev/zero of={STATE}/filler2 bs=4k")
    assert sh("jwtctl login", "alice")[0] == 1
    session(NO_SPACE)
    session(SPACE)
    assert sudo(access)
    assert sh("jwtctl revoke alice")[0] != 0
    # /healthz, status and doctor agree, also after a request that writes nothing and a restart.
    for change in ("jwtctl verify -", "systemctl stop jwtd-issuer"):
        sh(change, text=access)
        assert not healthy() and sh("jwtctl status")[0] == 1 and {"issuer", "http", "space"} <= set(doctor())
    good(f"rm {STATE}/filler {STATE}/filler2")
    assert healthy() and "jwtd-issuer" in good("jwtctl status") and not {"issuer", "http", "space"} & set(doctor())
    until(lambda: sh("jwtctl login", "alice")[0] == 0)
    session(ROOM, may_fail=True)
    assert sudo(token())
    good("jwtctl revoke alice")
    assert not sudo(access)


CLOCK = "The clock is wrong"
REFUSED = take(ADMIN, "# journalctl", CLOCK)
CORRECT = take(ADMIN, "timedatectl status", CLOCK)
BEHIND = take(ADMIN, "Clock is behind", CLOCK)


def set_clock(seconds):
    write("/usr/local/lib/clock-off", f"{seconds}\n")


@pytest.fixture
def issuer_clock():
    """The clock of a container cannot be set. jwtd-issuer's clock is wrong by a preloaded library, as in tests/http."""
    good("install -m 755 /root/clock.so /usr/local/lib/")
    drop_in = "/run/systemd/system/jwtd-issuer.service.d/clock.conf"
    write(drop_in, "[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/clock.so CLOCK_OFF=/usr/local/lib/clock-off\n")
    set_clock(0)
    good("systemctl daemon-reload; systemctl stop jwtd-issuer")
    yield
    os.remove(drop_in)
    good("systemctl daemon-reload; systemctl stop jwtd-issuer")


def test_clock_wrong(issuer_clock):
    for seconds, reason in ((600, "not_yet"), (-1200, "expired")):
        set_clock(seconds)
        sh("jwtctl login", "alice")
        access = saved("access")
        assert not sudo(access)
        session(REFUSED)
        assert reason in good(commands(REFUSED)[0][1])
        assert sudo(ALICE)
        set_clock(0)
        login()
        assert sudo(token())
    assert journal("is behind the last session").startswith(BEHIND.run().strip())
    # timedatectl would set the clock of the machine; here set_clock has done it.
    assert [line.split()[0] for line in CORRECT.run().splitlines()] == ["timedatectl"] * 2
    good("timedatectl --help")


NOBODY = "No user can log in"
LOOK = take(ADMIN, "# jwtctl doctor", NOBODY)
OUT = take(ADMIN, "sed -i '/pam_jwt\\.so/d' /etc/pam.d/{common-auth", NOBODY)
WORKS = take(ADMIN, "# runuser -u carol", NOBODY)


def test_nobody_can_log_in():
    """A wrong option in a stack that does not ignore it; the test is the root shell that is open."""
    for name in ("sshd", "sudo", "su"):
        text = read("/etc/pam.d/" + name).replace(" service_err=ignore", "").replace("ignore_non_token", "nonsense")
        assert "nonsense" in text
        write("/etc/pam.d/" + name, text)
    assert not sudo(CAROL, "carol") and not ssh(CAROL, "carol")
    assert "stacks" in doctor()
    session(LOOK, may_fail=True)
    script(OUT)
    session(WORKS, text=CAROL + "\n")
    assert ssh(CAROL, "carol")


def test_nobody_can_log_in_after_the_profile_was_enabled():
    sh("sed -i '/pam_jwt/d' /etc/pam.d/{sshd,sudo,sudo-i,su}; pam-auth-update --enable jwt")
    assert "pam_jwt" in read("/etc/pam.d/common-auth")
    script(OUT)
    session(WORKS, text=CAROL + "\n")
    assert ssh(CAROL, "carol") and not sudo("wrong", "carol")


OUT_NOW = "A user must be out now"
THROW_OUT = take(ADMIN, "usermod --lock", OUT_NOW)
LEFT = take(ADMIN, "# crontab -l", OUT_NOW)
GONE = take(ADMIN, "# ps -u alice", OUT_NOW)


def sudo_caches():
    """sudo's timestamp file for alice: sudo 1.9.15 and later name it by the uid."""
    return set(os.listdir("/run/sudo/ts")) & {"alice", good("id -u alice").strip()}


def test_someone_must_be_out_now():
    write("/etc/sudoers.d/jwt", "Defaults timestamp_timeout=15, !tty_tickets\n", 0o440)
    login()
    access = token()
    with subprocess.Popen(["bash", "-c", f"exec env {answer(access)} setsid {SSH} alice@localhost 'trap \"\" HUP; sleep 1000'"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as opened:
        until(lambda: sh("pgrep -u alice sleep")[0] == 0)
        assert sudo(access)
        good("su alice -c 'sudo -S -v'", text=access + "\n")
        assert sudo_caches()
        script(THROW_OUT, strict=False)
        opened.wait(30)
    until(lambda: sh("pgrep -u alice")[0] != 0)
    session(LEFT, may_fail=True)
    session(GONE, may_fail=True)
    assert not sudo(access) and not ssh(access) and not sudo(ALICE) and not ssh(ALICE)
    assert not sudo_caches()
    assert sh("jwtctl login", "alice")[0] == 1


EMERGENCY = "Access when jwtd is down and the account has no Unix password"
PREPARE = take(ADMIN, "useradd --create-home", EMERGENCY)
MATCH = take(ADMIN, "# /etc/ssh/sshd_config.d/emergency.conf", EMERGENCY)
RELOAD = take(ADMIN, "sshd -t && systemctl reload ssh", EMERGENCY)
ENTER = take(ADMIN, "ssh -i emergency", EMERGENCY)


def test_jwtd_is_down_and_the_account_has_no_password():
    good("ssh-keygen -q -t ed25519 -N '' -f emergency; ssh-keyscan web1 >>/root/.ssh/known_hosts 2>/dev/null")
    script(PREPARE)
    good("visudo -c")
    place(MATCH)
    script(RELOAD)
    good("systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-login.socket jwtd jwtd-issuer jwtd-login")
    os.rename("/var/lib/jwt", "/var/lib/jwt.away")
    try:
        assert script(ENTER) == "root\n"
    finally:
        os.rename("/var/lib/jwt.away", "/var/lib/jwt")
        good("userdel -r emergency 2>/dev/null; rm -f emergency emergency.pub")
    assert not sh("su emergency -c true", "nobodyspecial", text=ALICE + "\n")[0] == 0
