"""poll_host: the processor time of an unchanged poll on a host with jwtctl sync, over plain HTTP from this machine: the
programs sync-fetch and sync-install each, beside a program that only loads the same libraries. Prints TAP."""

import os
import resource
import statistics
import sys

os.environ["BUILD"] = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "sync"))
from host import FETCH, INSTALL, Host  # noqa: E402
from issuer import Issuer, Server  # noqa: E402

RUNS = 100


def milliseconds(program, *arguments):
    """The median of the processor time of a run."""
    times = []
    for _ in range(RUNS):
        pid = os.posix_spawn(program, [program, *arguments], {"PATH": os.environ["PATH"]},
                             file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
        _, _, usage = os.wait4(pid, 0)
        times.append((usage.ru_utime + usage.ru_stime) * 1000)
    return statistics.median(times)


def main():
    host, issuer = Host(), Issuer()
    os.chown(host.path("run/jwt-sync"), 0, 0)
    server = Server(issuer)
    host.set(server.url, issuer.chain[0].thumbprint)
    issuer.revoke(1)
    assert host.run(FETCH).returncode == 0 and host.run(INSTALL).returncode == 0
    option = "--root=" + host.root
    fetch, install = milliseconds(FETCH, option), milliseconds(INSTALL, option)
    # Without a valid argument both end after the loader.
    load = milliseconds(FETCH, "--none") + milliseconds(INSTALL, "--none")
    server.stop()
    host.remove()
    print(f"# sync-fetch {fetch:.1f} ms, sync-install {install:.1f} ms; of these, loading the libraries {load:.1f} ms")
    print("ok" if fetch + install <= 5 else "not ok", "1 - an unchanged poll costs a host at most 5 ms of processor")
    print("1..1")


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
main()
