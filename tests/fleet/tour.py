#!/usr/bin/python3 -B
"""The steps of ./demo fleet: sets up one issuing host and three hosts by the commands of docs/fleet.md; one login, ssh to
each host and sudo there, a logout, which each refuses within the interval. Prints each command before its output, and a table
of results at the end; fails if any step fails."""

import os
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path += [HERE, f"{HERE}/../docs/guest", f"{HERE}/../system/guest"]

import fleet  # noqa: E402
from fleet import HOSTS, INTERVAL  # noqa: E402

RESULTS = []


def title(text):
    print(f"\n--- {text}", flush=True)


def step(host, command, user=None, text="", strict=""):
    """Prints the command after a prompt, runs it, prints its output."""
    prompt = f"{user}@{host.name}:~$" if user else f"root@{host.name}:~#"
    print("\n" + "\n".join(f"{prompt if i == 0 else '>'} {line}" for i, line in enumerate(command.splitlines())), flush=True)
    status, output = host.sh(strict + command, user, text=text)
    print(output, end="" if output.endswith("\n") or not output else "\n", flush=True)
    return status, output


def shown(name, passed):
    RESULTS.append((name, passed))
    if not passed:
        print(f"*** this step failed: {name}", flush=True)
    return passed


def typed_step(host, command):
    status, output = step(host, command.rstrip(), strict="set -e\n")
    assert status == 0, output
    return output


def set_up():
    title("Set-up by the commands of docs/fleet.md: web1 issues tokens, behind nginx as login.example")
    fleet.set_up(typed_step)
    shown("set-up by the commands of docs/fleet.md", True)


def use():
    web1, hosts = HOSTS["web1"], fleet.others()
    title("One login")
    status, _ = step(web1, f"echo '{fleet.ALICE}' | jwtctl login --server={fleet.URL}", "alice")
    shown("jwtctl login by TLS", status == 0)

    title("ssh to each host, and sudo there; nothing is typed")
    for host in hosts:
        status, output = step(web1, f"jwtctl run -- ssh {host.name} hostname", "alice")
        shown(f"ssh {host.name}", status == 0 and output.strip() == host.name)
        status, output = step(web1, f"jwtctl token --service=sudo | jwtctl run -- ssh {host.name} sudo -S id -un", "alice")
        shown(f"sudo on {host.name}", status == 0 and output.strip().endswith("root"))


def log_out():
    web1, hosts = HOSTS["web1"], fleet.others()
    title("Logout: a copy of the unexpired token is refused")
    token = fleet.token()
    shown("before the logout each host accepts the access token", all(host.sudo(token) for host in (web1, *hosts)))
    status, _ = step(web1, "jwtctl logout", "alice")
    start = time.monotonic()
    shown("jwtctl logout", status == 0)
    command = "sudo -S id -un    # with the copy on standard input"
    status, _ = step(web1, command, "alice", token + "\n")
    shown("web1 refuses the token at once", status != 0)
    waited = {}
    while len(waited) < len(hosts) and time.monotonic() < start + 60:
        for host in hosts:
            if host.name not in waited and not host.sudo(token):
                waited[host.name] = time.monotonic() - start
    for host in hosts:
        status, _ = step(host, command, "alice", token + "\n")
        seconds = waited.get(host.name, 60)
        print(f"refused {seconds:.1f} s after the logout; the interval is {INTERVAL} s", flush=True)
        shown(f"{host.name} refuses it at sudo", status != 0)
        shown(f"{host.name} refuses it at ssh", not host.ssh(token))
    title("The journal of a host has the reason")
    status, output = step(hosts[0], "journalctl --no-pager -q -o cat -t sudo -t sshd | grep reason= | tail -n 2")
    shown("reason=revoked", "reason=revoked" in output)


def main():
    set_up()
    use()
    log_out()
    print(f"\n{'Step':<60} passed")
    for name, passed in RESULTS:
        print(f"{name:<60} {'yes' if passed else 'NO'}")
    return all(passed for _, passed in RESULTS)


if __name__ == "__main__":
    sys.exit(not main())
