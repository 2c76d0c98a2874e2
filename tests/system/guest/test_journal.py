"""Runs last: the journal after all other tests."""

from kit import api, sh


def test_the_journal_has_no_token_no_password_and_no_unknown_name():
    api("/api/token/", {"username": "nobodyknows", "password": "no such secret"})
    sh("journalctl --sync")
    text = sh("journalctl -q --no-pager -o export -b").stdout
    for secret in ("eyJ", "correct horse", "staple battery", "no such secret", "nobodyknows"):
        for line in text.split("\n"):
            assert secret not in line or "sshd" in line and "eyJ" not in secret, line
    assert sh("ls /var/lib/systemd/coredump 2>/dev/null").stdout == ""
