"""jwtd-login with real PAM and users in a private mount namespace."""

import array
import json
import os
import pwd
import signal
import socket
import subprocess
import threading
import time

import pytest
from daemons import until
from login_daemon import ALICE, SECRET, SOURCE
from users import add_user, changed_shadow
from wire import ACCOUNT, CHECK, STATUS, ask, message


DIRECTORY_NAMES = ["first.last", "ann@corp.example", "CORP\\ann", "j\u00fcrgen", "123456", "x+y", "host$"]


@pytest.fixture(scope="module", autouse=True)
def more_users():
    add_user("aged", "PW:100:0:10:7:5::")
    add_user("must", "PW:0:0:99999:7:::")
    add_user("locked", "!PW:19000:0:99999:7:::")
    add_user("expired", "PW:19000:0:99999:7::1:")
    add_user("dir", None)
    add_user("empty", ":19000:0:99999:7:::")
    for name in DIRECTORY_NAMES:
        add_user(name, "PW:19000:0:99999:7:::")
    with open("/etc/group", "a", encoding="utf-8") as file:
        file.write("domain admins:x:23200:alice\nCORP\\admins:x:23201:carol\n")


def test_a_right_password_returns_the_stamp_of_the_account(login):
    status, stamp = login.check(ALICE, SECRET)
    assert status == "ok" and len(stamp) == 16, (status, stamp)
    assert login.account(ALICE) == ("ok", stamp)
    assert login.account(b"carol")[1] not in (b"", stamp)


def test_wrong_unknown_and_unusable_get_the_same_reply(login):
    for user, password in ((ALICE, b"pw"), (ALICE, b""), (ALICE, SECRET[:-1]), (b"n0body", b"pw"), (b"", b"pw"),
                           (b"ALICE", SECRET), (b"alice ", SECRET), (b"-alice", SECRET), (b"aged", b"pw"),
                           (b"must", b"pw"), (b"locked", b"pw"), (b"expired", b"pw"), (b"bob", b"bobpw"),
                           (b"toor", b"staple battery horse correct")):
        assert login.check(user, password) == ("denied", b""), (user, login.check(user, password))


def test_an_account_check_reports_gone_and_inactive(login):
    for user, want in ((b"n0body", "not_found"), (b"", "not_found"), (b"a/b", "not_found"), (b"bob", "inactive"),
                       (b"locked", "inactive"), (b"expired", "inactive"), (b"aged", "inactive"), (b"must", "ok"),
                       (b"root", "inactive"), (b"toor", "inactive"), (ALICE, "ok")):
        assert login.account(user)[0] == want, (user, login.account(user))


def test_a_user_without_a_shadow_entry_has_no_stamp(login):
    assert login.account(b"dir") == ("ok", b"")


@pytest.mark.login(service="nullok")
def test_a_user_without_a_password_is_denied_even_under_nullok(login):
    assert login.check(b"empty", b"") == ("denied", b"")
    assert login.check(b"empty", b"pw") == ("denied", b"")


@pytest.mark.login(service="yes")
def test_a_permissive_stack_does_not_admit_an_unusable_account(login):
    assert login.check(ALICE, b"pw")[0] == "ok"
    for user in (b"locked", b"expired", b"bob", b"root", b"n0body"):
        assert login.check(user, b"pw") == ("denied", b""), user


@pytest.mark.login(service="refused")
def test_the_account_phase_decides_too(login):
    assert login.check(ALICE, b"pw") == ("denied", b"")


@pytest.mark.login(service="broken")
def test_a_broken_stack_is_unavailable_and_not_denied(login):
    assert login.check(ALICE, SECRET) == ("unavailable", b"")


@pytest.mark.login(settings="[Session]\nDenyUsers=\n")
def test_root_is_refused_only_by_the_setting(login):
    assert login.account(b"toor")[0] == "ok"


@pytest.mark.login(settings="[Session]\nDenyUsers=root\nAllowUsers=alice\nAllowGroups=alice carol\n")
def test_both_allow_lists_apply(login):
    assert login.check(ALICE, SECRET)[0] == "ok"
    assert login.account(b"carol")[0] == "inactive"


@pytest.mark.login(settings="[Session]\nAllowGroups=no-such-group carol\n")
def test_an_allowed_group_admits_only_its_members(login):
    assert login.account(b"carol")[0] == "ok"
    assert login.check(ALICE, SECRET) == ("denied", b"")


@pytest.mark.login(settings='[Session]\nAllowGroups=no-such-group "domain admins" CORP\\admins\n')
def test_names_of_groups_may_have_spaces_and_backslashes(login):
    assert login.account(ALICE)[0] == "ok" and login.account(b"carol")[0] == "ok"
    assert login.account(b"dir")[0] == "inactive"


@pytest.mark.login(settings="[Session]\nAllowGroups=unreachable carol\n", module="directory.so")
def test_a_group_that_cannot_be_looked_up_excludes_nobody_in_another(login):
    assert login.check(b"carol", b"staple battery horse correct")[0] == "ok" and login.account(b"carol")[0] == "ok"
    assert login.check(ALICE, SECRET) == ("unavailable", b"") and login.account(ALICE)[0] == "unavailable"


@pytest.mark.login(service="yes", module="directory.so")
def test_in_a_directory_that_ignores_case_an_account_has_one_spelling(login):
    assert login.check(ALICE, b"pw")[0] == "ok" and login.account(ALICE)[0] == "ok"
    for user in (b"ALICE", b"Alice"):
        assert login.check(user, b"pw") == ("denied", b"") and login.account(user)[0] == "not_found", user
    log = login.read("log")
    assert 'reason="expected the name as the account database spells it: alice"' in log and "ALICE" not in log, log


@pytest.mark.login(settings="[Session]\nDenyUsers=root CORP\\ann 123456 \"x+y\"\n")
def test_any_name_of_an_account_can_log_in_or_be_denied(login):
    for name in DIRECTORY_NAMES:
        want = "denied" if name in ("CORP\\ann", "123456", "x+y") else "ok"
        assert login.check(name.encode(), b"pw")[0] == want, name
    assert login.check(b"Ann@corp.example", b"pw") == ("denied", b"")
    log = login.read("log")
    assert "user=CORP\\ann" in log and "Ann@corp.example" not in log, log


@pytest.mark.login(settings="[Session]\nDenyUser=root\n")
def test_invalid_settings_are_unavailable_and_logged_once(login):
    assert login.check(ALICE, SECRET) == ("unavailable", b"")
    assert login.account(ALICE) == ("unavailable", b"")
    assert login.read("log").count("Cannot use the settings") == 1, login.read("log")


@pytest.mark.login(service="shell")
def test_a_module_gets_the_password_and_the_source_only(login):
    assert login.check(ALICE, b"a b\xc3\xa9", b"2001:db8::/64")[0] == "ok"
    assert login.read("password") == "a b\u00e9"
    assert "PAM_RHOST=2001:db8::/64\n" in login.read("env") and "PAM_RUSER" not in login.read("env")
    assert login.check(ALICE, b"pw", SOURCE)[0] == "ok"
    assert "PAM_RUSER=uid 1000\n" in login.read("env") and "PAM_RHOST" not in login.read("env")
    for source in (b"evil\nPAM_X=1", b"root", b"", b"unknown"):
        assert login.check(ALICE, b"pw", source)[0] == "ok"
        assert "PAM_RHOST" not in login.read("env") and "PAM_RUSER" not in login.read("env"), source


@pytest.mark.login(service="shell")
def test_an_unknown_name_never_reaches_a_module(login):
    for user in (b"n0body", b"", b"alice\n", b"../alice"):
        assert login.check(user, b"pw") == ("denied", b"")
        assert not os.path.exists(login.path("password")), user


@pytest.mark.login(settings="[Session]\nCheckAccount=no\n")
def test_check_account_no_lets_sessions_of_an_unusable_account_go_on_and_no_login(login):
    stamp = login.account(ALICE)[1]
    for change in (lambda line: line.replace(":$", ":!$"), lambda line: line.rsplit(":", 2)[0] + ":1:"):
        with changed_shadow(change):
            status, now = login.account(ALICE)
            assert status == "ok" and len(now) == 16 and login.check(ALICE, SECRET)[0] == "denied"
    assert login.account(ALICE) == ("ok", stamp) and login.account(b"n0body")[0] == "not_found"


def test_the_reply_has_the_uid_of_the_account(login):
    uid = pwd.getpwnam("alice").pw_uid
    for packet in (message(CHECK, ALICE, SECRET, b""), message(ACCOUNT, ALICE)):
        with login.connect() as client:
            status, fields = ask(client, packet)
        assert status == "ok" and int.from_bytes(fields[1], "little") == uid


def test_the_stamp_changes_with_the_password_or_the_day_of_its_change(login):
    stamps = {login.account(ALICE)[1]}
    for field, change in ((1, lambda password: password[:-1]), (2, lambda day: str(int(day) + 1))):
        def other(line, field=field, change=change):
            fields = line.split(":")
            fields[field] = change(fields[field])
            return ":".join(fields)

        with changed_shadow(other):
            stamps.add(login.account(ALICE)[1])
    assert len(stamps) == 3, stamps


KILLS = """#!/usr/bin/python3 -B
import fcntl, json, os, resource, signal, socket

def owner(request):
    ours, other = socket.socketpair()
    fcntl.fcntl(ours, 10, signal.SIGKILL) # F_SETSIG
    request(ours)

def pidfd(pid):
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)

pid = int(open("DIR/victim").read())
tries = {
    "kill": lambda: os.kill(pid, 9), "all": lambda: os.kill(-1, 0), "pidfd": lambda: pidfd(pid),
    "F_SETOWN": lambda: owner(lambda s: fcntl.fcntl(s, fcntl.F_SETOWN, pid)),
    "FIOSETOWN": lambda: owner(lambda s: fcntl.ioctl(s, 0x8901, pid.to_bytes(4, "little"))),
    "SIOCSPGRP": lambda: owner(lambda s: fcntl.ioctl(s, 0x8902, pid.to_bytes(4, "little"))),
    "limit": lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
}
results = {}
for name, attack in tries.items():
    try:
        attack()
        results[name] = "done"
    except PermissionError:
        results[name] = "refused"
# Its own limits and descriptors are its own affair.
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
fcntl.fcntl(0, fcntl.F_GETFL)
json.dump(results, open("DIR/results", "w"))
"""


@pytest.mark.login(service="kills")
def test_a_check_can_send_no_signal(login):
    """Here with all capabilities of root."""
    victim, before = subprocess.Popen(["sleep", "60"]), os.getpriority(os.PRIO_PROCESS, 0)
    try:
        login.write("victim", str(victim.pid))
        login.write("kill", KILLS.replace("DIR", login.dir), 0o755)
        assert login.check(ALICE, b"pw")[0] == "ok", login.read("log")
        results = json.loads(login.read("results"))
        assert len(results) == 8 and set(results.values()) == {"refused"}, results
        assert victim.poll() is None and os.getpriority(os.PRIO_PROCESS, victim.pid) == before
    finally:
        victim.kill()
        victim.wait()


@pytest.mark.login(service="lockout")
def test_no_password_is_checked_while_pam_faillock_cannot_write(login):
    """Also for names without an account, and reported once; a directory or a user's tally."""
    for user in (ALICE, b"n0body", b"alice\n"):
        assert login.check(user, b"pw") == ("unavailable", b""), user
    assert login.account(ALICE)[0] == "ok"
    assert login.read("log").count("pam_faillock cannot write its tallies") == 1, login.read("log")
    os.mkdir(login.path("tallies"), 0o755)
    assert login.check(ALICE, b"pw")[0] == "ok"
    assert login.check(b"n0body", b"pw")[0] == "denied"
    os.rmdir(login.path("tallies"))
    assert login.check(ALICE, b"pw")[0] == "unavailable"
    assert login.read("log").count("pam_faillock cannot write its tallies") == 2, login.read("log")


@pytest.mark.login(service="hangs")
def test_a_hanging_check_is_killed_after_30_s_and_blocks_no_other(login):
    answers = []
    start = time.monotonic()
    asker = threading.Thread(target=lambda: answers.append(login.check(ALICE, SECRET)))
    asker.start()
    until(login.children)
    assert login.account(ALICE)[0] == "ok"
    asker.join()
    assert answers == [("unavailable", b"")] and 29 < time.monotonic() - start < 33, answers
    until(lambda: not login.children())


@pytest.mark.login(service="hangs")
def test_a_check_whose_process_dies_is_unavailable(login):
    answers = []
    asker = threading.Thread(target=lambda: answers.append(login.check(ALICE, SECRET)))
    asker.start()
    until(login.children)
    os.kill(login.children()[0], signal.SIGABRT)
    asker.join()
    assert answers == [("unavailable", b"")], answers


@pytest.mark.login(service="hangs")
def test_checks_beyond_the_limit_are_busy_and_leave_nothing_behind(login):
    limit = len(os.sched_getaffinity(0)) + 1
    before = login.descriptors()
    clients = [login.connect() for _ in range(limit)]
    for client in clients:
        client.send(message(CHECK, ALICE, SECRET, SOURCE))
    until(lambda: len(login.children()) == limit)
    assert login.check(ALICE, SECRET) == ("busy", b"")
    assert login.check(b"n0body", SECRET) == ("busy", b"")
    for child in login.children():
        os.kill(child, signal.SIGKILL)
    for client in clients:
        assert STATUS[client.recv(100)[2]] == "unavailable"
        client.close()
    until(lambda: login.descriptors() == before and not login.children())
    assert login.account(ALICE)[0] == "ok"


def test_a_malformed_message_closes_its_connection_and_is_logged(login):
    for packet, word in ((b"J", "short"), (b"x" * 30000, "oversized"), (message(99), "unknown"),
                         (message(2, b"a", b"b", b"c"), "not-yours"), (message(CHECK, b"a", b"b"), "unknown"),
                         (message(CHECK, b"a\0", b"b", b"c"), "bad-text"),
                         (message(ACCOUNT, b"a" * 256), "oversized"), (message(ACCOUNT, ALICE) + b"z", "oversized")):
        assert login.ask(packet) == "closed", packet[:20]
        assert login.read("log").strip().split("\n")[-1].endswith("fault=" + word), (word, login.read("log"))


def test_received_descriptors_are_closed(login):
    before = login.descriptors()
    with login.connect() as client:
        client.sendmsg([message(ACCOUNT, ALICE)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                                    array.array("i", [0] * 50))])
        assert client.recv(100)[2] == 0
    until(lambda: login.descriptors() == before)


@pytest.mark.login(asker="nobody")
def test_only_the_client_uid_gets_a_reply(login):
    assert login.ask(message(ACCOUNT, ALICE)) == "closed"
    assert "uid=0" in login.read("log")


def test_idle_connections_do_not_block_others(login):
    clients = [login.connect() for _ in range(60)]
    assert login.account(ALICE)[0] == "ok"
    for client in clients:
        client.close()
    assert login.check(ALICE, SECRET)[0] == "ok"
