"""Issuer= and Audience=: when a change takes effect, and what it ends."""

import os
import pty
import subprocess

import pytest
from daemons import payload, until
from test_admin import status_of
from wire import ADMIN_APPLY_NAMES, BUNDLE

ONE = "[Token]\nIssuer=https://one.example\nAudience=a b\n"
RECORDED = "Issuer=https://one.example\nAudience=a b\n"
MORE = "[Token]\nIssuer=https://one.example\nAudience=b c\n"
OTHER = "[Token]\nIssuer=https://one.example\nAudience=c d\n"
RENAMED = "[Token]\nIssuer=https://two.example\nAudience=a b\n"
HELD = "keeping the names in use"


def change(issuer, settings, says="Configuration reloaded"):
    """Writes the settings and reloads them."""
    before = issuer.text("log").count(says)
    issuer.configure(settings)
    issuer.process.send_signal(1)
    until(lambda: issuer.text("log").count(says) > before)


def apply_names(issuer, build, *options, **how):
    return subprocess.run([build + "/jwtctl/jwtctl", "config", "apply-names", f"--socket={issuer.path('admin')}", *options],
                          capture_output=True, text=True, check=False, **how)


def names(access):
    claims = payload(access.decode())
    return claims["iss"], claims["aud"]


@pytest.mark.issuer(ONE)
def test_names_in_use_are_kept_after_a_reload_and_a_restart(issuer):
    refresh, access = issuer.obtain()
    for settings in (MORE, OTHER, RENAMED):
        change(issuer, settings)
        assert issuer.text("public/issuer") == RECORDED and issuer.verify(access) == "ok"
        wanted = status_of(issuer)["wanted"]
        assert settings == f"[Token]\nIssuer={wanted['issuer']}\nAudience={' '.join(wanted['audience'])}\n"
        assert names(issuer.obtain()[1]) == ("https://one.example", ["a", "b"])
    issuer.restart()
    assert issuer.refresh(refresh)[0] == "ok" and issuer.text("public/issuer") == RECORDED
    assert issuer.text("log").count(HELD) == 4


@pytest.mark.issuer(ONE)
def test_a_setting_that_is_changed_and_changed_back_changes_nothing(issuer):
    refresh, access = issuer.obtain()
    change(issuer, RENAMED)
    change(issuer, ONE)
    assert "wanted" not in status_of(issuer) and issuer.verify(access) == "ok"
    assert issuer.refresh(refresh)[0] == "ok" and issuer.text("public/issuer") == RECORDED


@pytest.mark.issuer(ONE)
def test_before_the_first_session_and_bundle_a_changed_name_is_used_at_once(issuer):
    assert issuer.ping() == "ok"
    change(issuer, RENAMED)
    assert issuer.text("public/issuer") == "Issuer=https://two.example\nAudience=a b\n"
    assert issuer.ask(BUNDLE)[0] == "ok"
    change(issuer, ONE)
    assert issuer.text("public/issuer") == "Issuer=https://two.example\nAudience=a b\n", "a host may have the bundle"


@pytest.mark.issuer(ONE)
def test_apply_names_with_a_common_audience_ends_no_session(issuer, build):
    refresh, access = issuer.obtain()
    change(issuer, MORE)
    done = apply_names(issuer, build, "--yes")
    assert done.returncode == 0 and "audience a accept no new token" in done.stdout and "Sessions go on" in done.stdout
    assert issuer.text("public/issuer") == "Issuer=https://one.example\nAudience=b c\n"
    assert issuer.verify(access) == "ok" and "wanted" not in status_of(issuer)
    status, new, _ = issuer.refresh(refresh)
    assert status == "ok" and names(new) == ("https://one.example", ["b", "c"])


@pytest.mark.parametrize("settings,said", [(OTHER, "audience b accept no"), (RENAMED, "Other services that trust")])
@pytest.mark.issuer(ONE)
def test_apply_names_says_what_it_ends_and_ends_it_for_good(issuer, build, settings, said):
    pair = issuer.obtain()
    change(issuer, settings)
    done = apply_names(issuer, build, "--yes")
    assert done.returncode == 0 and "All sessions are revoked (1 live)" in done.stdout and said in done.stdout, done
    assert issuer.text("public/issuer") == settings[len("[Token]\n"):] and len(issuer.revoked()) == 1
    new = issuer.obtain()[1]
    assert issuer.verify(new) == "ok"
    change(issuer, ONE)
    assert apply_names(issuer, build, "--yes").returncode == 0 and issuer.text("public/issuer") == RECORDED
    issuer.all_say("blacklisted", *pair)


@pytest.mark.issuer(ONE)
def test_names_that_cannot_be_applied_end_no_session(issuer, build):
    refresh, access = issuer.obtain()
    change(issuer, RENAMED)
    os.rename(issuer.path("public/issuer"), issuer.path("public/aside"))
    os.mkdir(issuer.path("public/issuer"))
    failed = apply_names(issuer, build, "--yes")
    assert failed.returncode == 1 and "unavailable" in failed.stderr, failed
    os.rmdir(issuer.path("public/issuer"))
    os.rename(issuer.path("public/aside"), issuer.path("public/issuer"))
    assert issuer.verify(access) == "ok" and issuer.refresh(refresh)[0] == "ok" and not issuer.revoked()


@pytest.mark.issuer(ONE)
def test_apply_names_asks_and_changes_nothing_without_a_yes(issuer, build):
    _, access = issuer.obtain()
    change(issuer, RENAMED)
    done = apply_names(issuer, build, stdin=subprocess.DEVNULL, start_new_session=True)
    assert done.returncode == 1 and "--yes" in done.stderr, done
    for answer, status in (("no", 1), ("", 1), ("y", 1), ("yes", 0)):
        assert issuer.verify(access) == "ok" and issuer.text("public/issuer") == RECORDED
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(build + "/jwtctl/jwtctl", ["jwtctl", "config", "apply-names", f"--socket={issuer.path('admin')}"])
        text = b""
        while b"(yes/no)? " not in text:
            text += os.read(fd, 4096)
        os.write(fd, answer.encode() + b"\n")
        try:
            while part := os.read(fd, 4096):
                text += part
        except OSError:
            pass
        assert (b"nothing was changed: the answer was not 'yes'" in text) == (status == 1), text
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status, answer
        os.close(fd)
    assert issuer.text("public/issuer").startswith("Issuer=https://two.example\n")
    assert "are those in use" in apply_names(issuer, build, "--yes").stdout


@pytest.mark.issuer(ONE)
def test_names_that_cannot_be_published_are_not_used(issuer, build):
    _, access = issuer.obtain()
    change(issuer, MORE)
    os.rename(issuer.path("public"), issuer.path("away"))
    assert issuer.ask(ADMIN_APPLY_NAMES, 0)[0] == "unavailable"
    os.rename(issuer.path("away"), issuer.path("public"))
    assert issuer.verify(access) == "ok" and names(issuer.obtain()[1]) == ("https://one.example", ["a", "b"])


@pytest.mark.parametrize("line", ["Issuer=one.example", "Issuer=ftp://one.example", "Issuer=https://", "Issuer=https://a/?q",
                                  "Issuer=https://a/#f", "Issuer=https://u@a", "Audience=a#b", "Audience=a,b"])
@pytest.mark.issuer(ONE)
def test_a_name_of_another_form_is_refused_by_config_check_and_reload(issuer, build, line):
    access = issuer.obtain()[1]
    change(issuer, f"[Token]\n{line}\n", says="keeping the previous configuration")
    assert issuer.verify(access) == "ok" and f'{line.split("=")[0]}=' in issuer.text("log")
    done = subprocess.run([build + "/jwtctl/jwtctl", "config", "check", f"--config={issuer.path('jwt.conf')}"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "expected" in done.stderr and ":2:" in done.stderr, done


def test_keys_of_another_machine_are_reported_until_they_are_accepted(issuer):
    assert issuer.ping() == "ok" and status_of(issuer)["copy"] is False
    recorded = issuer.text("state/machine")
    issuer.restart()
    assert issuer.ping() == "ok" and status_of(issuer)["copy"] is False
    issuer.end()
    with open("/etc/machine-id", encoding="ascii") as file:
        assert len(recorded) == 32 and recorded != file.read().strip(), "the machine-id itself is not written"
    issuer.write_file("state/machine", "0" * 32)
    issuer.start()
    assert issuer.ping() == "ok" and status_of(issuer)["copy"] is True
    assert issuer.text("log").count("another machine-id") == 1 and issuer.obtain()
    os.unlink(issuer.path("state/machine"))
    issuer.restart()
    assert issuer.ping() == "ok" and status_of(issuer)["copy"] is False and issuer.text("state/machine") == recorded
