"""Programs and cases: each cell is a login at the real program. pam_jwt(8) lists for each program its service, the
longest answer that arrives whole, whether a longer one is truncated or refused, and whether one-time tokens work."""

import contextlib
import os
import re
import subprocess
import time

import pytest
from kit import ALICE, journal, mint, sh, unb64
from programs import PROGRAMS, every_program, installed
from test_services import bound_to, ended, old
from test_stacks import examples, manual

DISABLED = "/etc/jwt/disabled"
DROP_IN = "/etc/systemd/system/polkit-agent-helper@.service.d/jwt.conf"
UNRECORDED = "this program cannot record the use of a one-time token"
NAMES = [name for name in PROGRAMS if installed(name)]

# Name: what is typed for a PAM service of that name, and the reason in the log of a refusal.
CASES = {
    "a token": (lambda _: mint(), None),
    "a password": (lambda _: ALICE, None),
    "a token for this service": (lambda service: mint(scope="pam:" + service), None),
    "a token bound to this host's key": (lambda _: bound_to("/etc/ssh/ssh_host_ecdsa_key.pub"), None),
    "bound to another host's key": (lambda _: bound_to("/root/id.pub"), "wrong_host_key"),
    "expired": (lambda _: old(), "expired"),
    "another audience": (lambda _: mint(aud="elsewhere"), "wrong_audience"),
    "another user": (lambda _: mint(sub="carol"), "wrong_user"),
    "revoked": (lambda _: ended(), "revoked"),
    "another service": (lambda _: mint(scope="pam:elsewhere"), "wrong_scope"),
}

# What the unit of polkit 127 sets for its helper.
SANDBOX = ("DevicePolicy=closed", "LimitMEMLOCK=0", "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "NoNewPrivileges=yes",
           "PrivateDevices=yes", "PrivateNetwork=yes", "PrivateTmp=yes", "ProtectClock=yes", "ProtectControlGroups=yes",
           "ProtectHome=yes", "ProtectHostname=yes", "ProtectKernelLogs=yes", "ProtectKernelModules=yes",
           "ProtectKernelTunables=yes", "ProtectSystem=strict", "RemoveIPC=yes", "RestrictAddressFamilies=AF_UNIX",
           "RestrictNamespaces=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "SystemCallArchitectures=native",
           "SystemCallFilter=@system-service", "UMask=0077")


@pytest.fixture(scope="module", autouse=True)
def _programs():
    sh("test -e /root/id || ssh-keygen -q -t ed25519 -N '' -f /root/id")
    with every_program():
        yield


@contextlib.contextmanager
def disabled():
    with open(DISABLED, "w", encoding="ascii"):
        pass
    try:
        yield
    finally:
        os.remove(DISABLED)


def login(name, typed):
    """Whether the login succeeded, and the module's log lines: service and reason of each."""
    journal()
    succeeded = PROGRAMS[name][1]("alice", typed)
    said = journal()
    assert len(typed) < 100 or typed not in said, name
    return succeeded, re.findall(r"pam_jwt\((\S+?):auth\).* reason=(\w+)", said)


def asks_pam(name, wrong):
    """Whether a wrong answer reaches pam_unix, which logs it."""
    service, program = PROGRAMS[name]
    journal()
    assert not program("alice", wrong)
    return f"pam_unix({service}:auth): authentication failure" in journal()


def token_of_length(n):
    base = mint(header={"pad": ""}, pad="")
    header, payload, signature = (len(unb64(part)) for part in base.split("."))
    for more in range(3):
        for letters in range(n):
            if sum((4 * size + 2) // 3 for size in (header + more, payload + letters, signature)) + 2 == n:
                return mint(header={"pad": "x" * more}, pad="x" * letters)
    raise AssertionError(n)


def reaches_module(name):
    """vsftpd refuses every answer that is as long as a token."""
    return rows()[name][1] > 300


def rows():
    """Program -> service, longest answer, "truncated" or "refused", one-time tokens: the table of the manual."""
    table = re.search(r"^\.Sh PROGRAMS\n(?:.*\n)*?\.Bl -column.*\n((?:.*\n)*?)\.El$", manual(), re.M).group(1)
    cells = [line.removeprefix(".It ").split(" Ta ") for line in table.splitlines()[1:]]
    return {name: (service, int(longest), longer, once) for name, service, longest, longer, once in cells}


def test_the_manual_lists_every_program():
    assert list(rows()) == list(PROGRAMS)


@pytest.mark.parametrize("name", NAMES)
def test_each_case_at_each_program(name):
    service = PROGRAMS[name][0]
    for case, (typed, reason) in CASES.items():
        succeeded, said = login(name, typed(service))
        if case == "a password":
            want = []
        elif reaches_module(name):
            want = [(service, reason or "ok")]
        else:
            want, reason = [], "too long"
        assert (succeeded, sorted(set(said))) == (reason is None, want), case
    with disabled():
        assert login(name, ALICE) == (True, [])
        succeeded, said = login(name, mint())
        assert (succeeded, {x for _, x in said}) == (False, {"disabled"} if reaches_module(name) else set())


@pytest.mark.parametrize("name", NAMES)
def test_the_manuals_table_of_programs_is_right(name):
    service, longest, longer, once = rows()[name]
    assert service == PROGRAMS[name][0]
    if not reaches_module(name):
        assert [asks_pam(name, "x" * length) for length in (longest, longest + 1)] == [True, False]
        return
    assert login(name, token_of_length(longest)) == (True, [(service, "ok")])
    succeeded, said = login(name, token_of_length(longest + 1))
    assert (succeeded, "truncated" if said else "refused") == (False, longer)
    token = mint(one_time=True)
    if once == "yes":
        assert login(name, token) == (True, [(service, "ok")])
        succeeded, said = login(name, token)
        assert (succeeded, set(said)) == (False, {(service, "spent")})
    else:
        assert login(name, token) == (False, [(service, "file")])


def test_a_program_that_is_not_root_says_why_a_one_time_token_is_refused():
    journal()
    out = sh("pamtester locker alice authenticate", mint(one_time=True) + "\n", "alice")
    assert out.returncode != 0 and UNRECORDED in out.stdout + out.stderr, out
    assert re.search(r"pam_jwt\(locker:auth\): token verification error, the use of a one-time token cannot be recorded: "
                     r"/run/jwt/used: cannot open: Permission denied \(this program does not run as root\)", journal())


def in_polkits_sandbox(typed, *properties):
    """The output of polkit's helper, and the module's log lines."""
    journal()
    argv = ["systemd-run", "-q", "--pipe", "--wait"]
    for text in properties:
        argv += ["-p", text]
    out = subprocess.run([*argv, "/usr/lib/polkit-1/polkit-agent-helper-1", "alice"], input=f"cookie\n{typed}\n",
                         capture_output=True, text=True, check=False, timeout=60)
    return out.stdout, [x for x in journal().split("\n") if "pam_jwt(polkit-1:auth)" in x]


def assert_reason(typed, reason, *properties):
    shown, said = in_polkits_sandbox(typed, *properties)
    assert len(said) == 1 and "reason=" + reason in said[0], (shown, said)
    return shown, said[0]


def test_polkits_sandboxed_helper_accepts_tokens():
    """/run stays writable with ProtectSystem=strict where ProtectKernelTunables= is set."""
    assert_reason(mint(), "ok", *SANDBOX)
    token = mint(one_time=True)
    assert_reason(token, "ok", *SANDBOX)
    assert_reason(token, "spent", *SANDBOX)


def test_where_run_is_read_only_the_manuals_drop_in_permits_one_time_tokens():
    token = mint(one_time=True)
    assert_reason(mint(), "ok", "ProtectSystem=strict")
    shown, said = assert_reason(token, "file", "ProtectSystem=strict")
    assert "PAM_ERROR_MSG pam_jwt: " + UNRECORDED in shown and "FAILURE" in shown, shown
    assert "Read-only file system" in said
    drop_in = examples()[DROP_IN].splitlines()
    assert drop_in[:2] == ["# " + DROP_IN, "[Service]"], drop_in
    assert_reason(token, "ok", "ProtectSystem=strict", *drop_in[2:])
    assert_reason(token, "spent", "ProtectSystem=strict", *drop_in[2:])


def test_sudo_without_a_prompt_and_cron_are_not_refused_while_tokens_are_disabled():
    with open("/etc/sudoers.d/suite", "w", encoding="ascii") as file:
        file.write("carol ALL=(ALL) NOPASSWD: ALL\n")
    with disabled():
        assert sh("sudo -n id -un", user="carol").stdout == "root\n"
        assert sh("sudo -n -u alice id -un").stdout == "alice\n"
        sh("echo '@reboot id -un >~/cron.new && mv ~/cron.new ~/cron' | crontab -", user="alice")
        with subprocess.Popen(["cron", "-f"]) as cron:
            try:
                deadline = time.monotonic() + 30
                while not os.path.exists("/home/alice/cron"):
                    assert time.monotonic() < deadline, journal()
                    time.sleep(0.1)
            finally:
                cron.terminate()
    os.remove("/etc/sudoers.d/suite")
    with open("/home/alice/cron", encoding="ascii") as file:
        assert file.read() == "alice\n"
