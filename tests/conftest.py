"""Shared by the Python suites: the option --tap prints TAP, which meson reads."""

import os

import pytest
from _pytest.assertion import rewrite


def pytest_addoption(parser):
    parser.addoption("--tap", action="store_true", help="print TAP instead of pytest's own report")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("--tap"):
        print_values_whole(config)
        # pytest's own report goes nowhere; without a reporter pytest 8 explains no failed assertion.
        reporter = config.pluginmanager.unregister(name="terminalreporter")
        nowhere = open(os.devnull, "w", encoding="utf-8")
        config.pluginmanager.register(type(reporter)(config, nowhere), "terminalreporter")
        config.pluginmanager.register(Tap(config))


def print_values_whole(config):
    """Else the values and messages of an assertion are cut to 240 characters."""
    config.option.verbose = 2
    of_text = rewrite._format_assertmsg
    rewrite._format_assertmsg = lambda value: of_text(value if isinstance(value, str) else repr(value))


class Tap:
    """Prints the plan, then one line for each test."""

    def __init__(self, config):
        self.config = config
        self.number = 0
        self.failed = []
        self.skipped = None

    def pytest_collection_finish(self, session):
        print(f"1..{len(session.items)}" + ("" if session.items else f" # SKIP {self.skipped}"), flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            comment(report.longreprtext)
        if report.skipped:
            self.skipped = reason(report)

    def pytest_runtest_logreport(self, report):
        """Each test has three reports: setup, call, teardown. The line is printed after the last."""
        if report.failed:
            self.failed.append(report.longreprtext)
        if report.skipped:
            self.skipped = reason(report)
        if report.when != "teardown":
            return
        self.number += 1
        output = report.capstdout
        if self.failed:
            comment("\n".join(self.failed))
            comment(output + report.capstderr)
        else:
            comment("\n".join(line for line in output.splitlines() if line.startswith("# ")))
        print(f"{'not ok' if self.failed else 'ok'} {self.number} - {report.location[2].replace('#', '')}"
              + (f" # SKIP {self.skipped}" if self.skipped and not self.failed else ""), flush=True)
        self.failed, self.skipped = [], None


def reason(report):
    return report.longrepr[2].removeprefix("Skipped: ")


def comment(text):
    for line in text.splitlines():
        print(line if line.startswith("# ") else f"# {line}", flush=True)
