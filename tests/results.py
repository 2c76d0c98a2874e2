#!/usr/bin/python3
"""results.py BUILD LOG [--tap]: what `meson test --logbase=LOG` found in BUILD, each subtest counted.

Without --tap the last line is "N passed, N failed", the exit status 0 only when none failed. There a test
that was skipped whole is a failure: what should have run did not.
"""

import json
import re
import subprocess
import sys


def subtests(test, protocol):
    """(name, outcome) for each, outcome one of OK, FAIL and SKIP."""
    found = []
    if protocol == "tap":
        for verdict, name, skipped in re.findall(r"^(ok|not ok)\b[ \d]*-? ?([^#\n]*)(# SKIP.*)?$", test.get("stdout", ""), re.M):
            found.append((name.strip(), "FAIL" if verdict == "not ok" else "SKIP" if skipped else "OK"))
    whole = test["result"]
    if whole == "SKIP" and not found or protocol != "tap" and whole in ("OK", "SKIP"):
        return [("", whole)]
    if whole != "OK" and whole != "SKIP" and all(outcome != "FAIL" for _, outcome in found):
        found.append((whole.lower(), "FAIL"))
    return found


def read(build, log):
    introspected = json.loads(subprocess.run(["meson", "introspect", "--tests", "--benchmarks", build],
                                             capture_output=True, check=True).stdout)
    protocols = {test["name"]: test["protocol"] for test in introspected}
    with open(f"{build}/meson-logs/{log}.json", encoding="utf-8") as file:
        for test in map(json.loads, file):
            name = test["name"].rpartition(" / ")[2]
            for subtest, outcome in subtests(test, protocols[name]):
                yield test, f"{name}: {subtest}".removesuffix(": "), outcome


def print_tap(rows):
    number, last = 0, None
    for number, (test, name, outcome) in enumerate(rows, 1):
        if outcome == "FAIL" and test is not last:
            for line in (test.get("stdout", "") + test.get("stderr", "")).splitlines():
                print(f"# {line}")
            last = test
        print(f"{'not ok' if outcome == 'FAIL' else 'ok'} {number} - {name}{' # SKIP' if outcome == 'SKIP' else ''}")
    print(f"1..{number}")
