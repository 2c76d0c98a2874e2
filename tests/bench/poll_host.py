"""poll_host: the processor time of an unchanged poll on a host with jwtctl sync, over TLS from this machine with Debian's
certificate authorities and one more: a poll of `sync-fetch --poll`, and a share of sync-install. Prints TAP."""

import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

os.environ["BUILD"] = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "sync"))
from host import FETCH, INSTALL, Host  # noqa: E402
from issuer import Handler, Issuer, Server  # noqa: E402
from tls import Authority  # noqa: E402

STARTS, POLLS, EACH = 50, 50, 15  # an unchanged bundle is installed each 15 minutes
CERTS = "/etc/ssl/certs"


def milliseconds(program, *arguments):
    """The median of the processor time of a run."""
    times = []
    for _ in range(STARTS):
        pid = os.posix_spawn(program, [program, *arguments], {"PATH": os.environ["PATH"]},
                             file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
        _, _, usage = os.wait4(pid, 0)
        times.append((usage.ru_utime + usage.ru_stime) * 1000)
    return statistics.median(times)


def processor(pid):
    """Of all threads, in milliseconds: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e6


def polled(server, n):
    end = server.count("bundle") + n
    while server.count("bundle") < end:
        time.sleep(0.05)
    time.sleep(0.2)  # the poll ends after the answer


def poll(option, server):
    """The processor time of a poll, and the connections for all of them."""
    with subprocess.Popen([FETCH, "--poll", option]) as process:
        polled(server, 2)
        before = processor(process.pid)
        polled(server, POLLS)
        cost = (processor(process.pid) - before) / POLLS
        process.terminate()
        return cost, len(set(server.peers[-POLLS:]))


def main():
    Handler.protocol_version = "HTTP/1.1"
    host, issuer, authority = Host(), Issuer(), Authority()
    shutil.copytree(CERTS, authority.dir + "/all")
    for name in os.listdir(authority.certs):
        shutil.copy(f"{authority.certs}/{name}", authority.dir + "/all")
    with open(authority.dir + "/all/ca-certificates.crt", "ab") as f, open(authority.certs + "/ca.pem", "rb") as ca:
        f.write(ca.read())
    subprocess.run(["mount", "--bind", authority.dir + "/all", CERTS], check=True)
    os.chown(host.path("run/jwt-sync"), 0, 0)
    server = Server(issuer, authority.context())
    host.set(server.url.replace("127.0.0.1", "localhost"), issuer.chain[0].thumbprint)
    with open(host.path("etc/jwt/jwt.conf.d/interval.conf"), "w", encoding="utf-8") as f:
        f.write("[Sync]\nInterval=1s\n")
    issuer.revoke(1)
    option = "--root=" + host.root
    for program in FETCH, INSTALL:
        subprocess.run([program, option], check=True)
    (kept, connections), install, fetch = poll(option, server), milliseconds(INSTALL, option), milliseconds(FETCH, option)
    server.stop()
    cost = kept + install / EACH
    print(f"# a poll by sync-fetch --poll {kept:.2f} ms, {POLLS} polls by {connections} connections; sync-install, each "
          f"{EACH}th poll, {install:.1f} ms; a run of sync-fetch without --poll {fetch:.1f} ms")
    print("ok" if cost <= 5 else "not ok", f"1 - an unchanged poll costs a host at most 5 ms of processor: {cost:.1f} ms")
    print("1..1")
    subprocess.run(["umount", CERTS], check=True)
    with contextlib.suppress(OSError):
        host.remove()
        authority.remove()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
main()
