"""./demo fleet's steps, which set the hosts up, and the set-up by configuration management."""

import contextlib
import io
import re

import fleet
import tour
from blocks import take
from fleet import ALICE, HOSTS, PAGE, others

LIST = take(PAGE, "# jwtctl sync --list", "A host")
LOGIN = take(PAGE, "$ jwtctl login --server=", "A host")
REMOVE = take(PAGE, "jwtctl sync --remove", "A host")
WATCH = take(PAGE, "systemctl list-units --failed", "Monitoring")


def test_each_step_of_the_demo_succeeds():
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        passed = tour.main()
    for line in re.findall(r"^refused .*", printed.getvalue(), re.MULTILINE):
        print("#", line)
    assert passed, printed.getvalue()


def test_one_login_by_tls_opens_each_host(ready):
    HOSTS["web2"].session(LIST)
    fleet.issuer().session(LOGIN, text=ALICE + "\n")
    assert all(host.accepts(fleet.token()) for host in others())


def test_a_host_that_left_refuses_and_a_playbook_sets_it_up_again_and_may_be_repeated(ready):
    host = HOSTS["web4"]
    fleet.login()
    access = fleet.token()
    assert host.accepts(access)
    host.script(REMOVE)
    assert not host.sudo(access) and host.sudo(ALICE)
    host.good("rm -f /etc/sudoers.d/jwt /etc/jwt/jwt.conf.d/interval.conf; pam-auth-update --disable jwt")
    fleet.set_up_by_ansible(host)
    assert host.accepts(access)
    fleet.set_up_by_ansible(host)
    assert host.accepts(access)


def test_what_is_to_be_watched_is_silent_on_a_fleet_that_works(ready):
    for host in others():
        assert host.script(WATCH).count("\n") == host.good("jwtctl doctor; true").count("\n")


def test_an_issuer_that_does_not_answer_is_seen_on_each_host_and_logins_go_on(ready):
    fleet.login()
    access = fleet.token()
    fleet.issuer().good("systemctl stop nginx")
    try:
        for host in others():
            assert host.sh("jwtctl sync")[0] != 0
            # While the timer starts the unit again, it has not failed yet.
            fleet.until(lambda host=host: "jwt-sync-fetch.service" in host.good(WATCH.text.splitlines()[0]))
            assert host.accepts(access)
    finally:
        fleet.issuer().good("systemctl start nginx")
    fleet.fetch()
