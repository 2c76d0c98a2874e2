"""Each daemon as a service: notifications to systemd, options, manual."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from daemons import QUICK

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


@contextlib.contextmanager
def systemd(d):
    """Receives the notifications of the daemons that are started during the call."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(d.path("notify"))
        os.chmod(d.path("notify"), 0o666)
        ear.settimeout(10)
        os.environ["NOTIFY_SOCKET"] = d.path("notify")
        try:
            yield lambda: ear.recv(4096).decode()
        finally:
            del os.environ["NOTIFY_SOCKET"]


def hears(said, daemon):
    """The notifications from start to reload."""
    assert said() == "READY=1\nSTATUS=Ready", daemon
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.process.send_signal(signal.SIGHUP)
    reloading = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", said())
    assert before <= int(reloading[1]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert said() == "STATUS=Ready" and said() == "READY=1", daemon


def test_each_daemon_notifies_systemd_of_start_reload_and_stop(d):
    with systemd(d) as said:
        for daemon in d.all:
            d.held.add(daemon)
            daemon.start()
            hears(said, daemon)
            process = daemon.process  # the supervisor forgets one that has ended
            process.terminate()
            assert said() == "STOPPING=1", daemon
            assert process.wait(10) == 0
            d.held.remove(daemon)


def test_each_daemon_reports_invalid_settings_as_its_status(d):
    wrong, line = QUICK + "[Token]\nLeeway=never\n", QUICK.count("\n") + 2
    with systemd(d) as said:
        for daemon in d.all:
            d.held.add(daemon)
            d.write("jwt.conf", wrong)
            daemon.start()
            status = said()
            assert f"jwt.conf:{line}" in status and status.startswith("STATUS="), status
            assert said() == "READY=1", daemon
            d.write("jwt.conf", QUICK)
            daemon.process.send_signal(signal.SIGHUP)
            assert said().startswith("RELOADING=1\n")
            assert said() == "STATUS=Ready" and said() == "READY=1", daemon
            d.write("jwt.conf", wrong)
            daemon.process.send_signal(signal.SIGHUP)
            assert said().startswith("RELOADING=1\n")
            status = said()
            assert f"jwt.conf:{line}" in status and "Reload failed" in status, status
            assert said() == "READY=1", daemon
            process = daemon.process
            process.terminate()
            process.wait(10)
            d.write("jwt.conf", QUICK)
            d.held.remove(daemon)
            assert said() == "STOPPING=1"


def call(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20)


def test_each_option_is_in_the_manual_and_each_of_the_manuals_in_the_help(d):
    for daemon in d.all:
        program = daemon.argv[0]
        name = os.path.basename(program)
        with open(f"{TOP}/jwtd/{name}.8", encoding="utf-8") as file:
            page = file.read()
        shown = call(program, "--help")
        assert shown.returncode == 0 and not shown.stderr, shown
        help_words = set(re.findall(r"--([a-z][a-z-]+)", shown.stdout))
        page_words = set(re.findall(r"Fl -([a-z][a-z-]+)", page)) | set(re.findall(r"\| -([a-z]+)", page))
        if re.search(r"Fl -version , Fl -help", page):
            page_words |= {"version", "help"}
        assert help_words == page_words and len(help_words) >= 5, (name, help_words ^ page_words)


def test_version_check_config_and_invalid_options_exit_with_their_status(d):
    for daemon in d.all:
        program, config = daemon.argv[:2]
        name = os.path.basename(program)
        shown = call(program, "--version")
        assert shown.returncode == 0 and re.fullmatch(name + r" \d+\.\d\S*\n", shown.stdout), shown
        for words in (["--nonsense"], ["word"], ["--config"], ["--version=1"], ["--check-config", "word"]):
            refused = call(program, *words)
            assert refused.returncode == 2 and refused.stderr and not refused.stdout, refused
        assert call(program, config, "--check-config").returncode == 0
        d.write("jwt.conf", "[Token]\nLeeway=never\n")
        refused = call(program, config, "--check-config")
        assert refused.returncode == 1 and "jwt.conf:2" in refused.stderr and "Leeway" in refused.stderr, refused
        assert refused.stderr.count("\n") == 1 and not refused.stdout, refused
        d.write("jwt.conf", QUICK)
