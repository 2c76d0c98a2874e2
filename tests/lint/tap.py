"""TAP for the checks of the tree that are scripts."""

import sys

_results = []


def check(name, faults):
    """One test: it passes when there are no faults, and prints each otherwise."""
    faults = list(faults)
    _results.append(not faults)
    print(f"{'not ok' if faults else 'ok'} {len(_results)} - {name}")
    for fault in faults:
        print(f"# {fault}")


def skip(name, reason):
    _results.append(True)
    print(f"ok {len(_results)} - {name} # SKIP {reason}")


def finish():
    print(f"1..{len(_results)}")
    sys.exit(0 if _results and all(_results) else 1)
