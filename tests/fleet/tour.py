#!/usr/bin/python3 -B
"""The steps of ./demo fleet: sets up one issuing host and three hosts by the commands of docs/fleet.md; one login, ssh to
each host and sudo there, a logout, which each refuses within the interval. Then PostgreSQL on three machines, a second issuer
and a load balancer; an issuer is killed, and the primary, and logins, refreshes and logouts go on. Prints each command before
its output, and a table of results at the end; fails if any step fails."""

import os
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path += [HERE, f"{HERE}/../docs/guest", f"{HERE}/../system/guest"]

import fleet  # noqa: E402
import issuers  # noqa: E402
from fleet import HOSTS, INTERVAL  # noqa: E402
from kit import CAROL  # noqa: E402

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


def refreshed(client):
    """Prints a refresh as its user would do it by hand."""
    prompt = f"{client.user}@{client.host.name}:~$"
    print(f"\n{prompt} curl --json @- {fleet.URL}/api/token/refresh/    # with the refresh token of the login before", flush=True)
    passed = client.refresh()
    print('{"access":"...","refresh":"..."}' if passed else "refused", flush=True)
    return passed


def go_on(when, alice):
    """Login, refresh and logout."""
    web2, web3 = HOSTS["web2"], HOSTS["web3"]
    status, _ = step(web2, f"echo '{CAROL}' | jwtctl login --server={fleet.URL}", "carol")
    token = web2.sh("jwtctl token", "carol")[1].strip()
    shown(f"{when}: login", status == 0 and web3.sudo(token, "carol"))
    shown(f"{when}: refresh of the session of before", refreshed(alice))
    status, _ = step(web2, "jwtctl logout", "carol")
    start = time.monotonic()
    while web3.sudo(token, "carol") and time.monotonic() < start + 60:
        time.sleep(0.2)
    print(f"refused on web3 {time.monotonic() - start:.1f} s after the logout; the interval is {INTERVAL} s", flush=True)
    shown(f"{when}: logout", status == 0 and not web3.sudo(token, "carol"))


def grow():
    """From one issuer with SQLite to two on PostgreSQL. The session of alice goes on through all of it."""
    title("A login, while web1 alone issues tokens, with SQLite")
    step(HOSTS["web2"], f"echo '{fleet.ALICE}' | jwtctl login --server={fleet.URL}", "alice")
    alice = fleet.Client("web2", "alice")
    title("PostgreSQL on db1, db2 and db3, by the commands of docs/fleet.md")
    issuers.set_up_databases(typed_step)
    title("Two issuers, web1 and web5; the sessions of web1 are copied")
    issuers.set_up_issuers(typed_step)
    title("A load balancer is login.example now")
    issuers.set_up_balancer(typed_step)
    shown("set-up of PostgreSQL and two issuers by the commands of docs/fleet.md", True)
    go_on("two issuers", alice)
    return alice


def lose_an_issuer(alice):
    title("An issuer is lost: web5")
    issuers.kill(HOSTS["web5"])
    go_on("an issuer is lost", alice)
    issuers.revive(HOSTS["web5"])


def lose_the_primary(alice):
    name = issuers.leader()
    title(f"The machine of the primary database is lost: {name}")
    issuers.kill(HOSTS[name])
    start = time.monotonic()
    while not alice.refresh() and time.monotonic() < start + 120:
        time.sleep(0.5)
    print(f"{time.monotonic() - start:.0f} s without refreshes", flush=True)
    step(HOSTS[next(db for db in issuers.DATABASES if db != name)], "patronictl -c /etc/patroni/config.yml list 2>/dev/null")
    go_on("the primary is lost", alice)
    issuers.revive(HOSTS[name])


def several_issuers():
    alice = grow()
    lose_an_issuer(alice)
    lose_the_primary(alice)


def report():
    print(f"\n{'Step':<60} passed")
    for name, passed in RESULTS:
        print(f"{name:<60} {'yes' if passed else 'NO'}")
    return all(passed for _, passed in RESULTS)


def main():
    set_up()
    use()
    log_out()
    return report()


def demo():
    set_up()
    use()
    log_out()
    several_issuers()
    return report()


if __name__ == "__main__":
    sys.exit(not demo())
