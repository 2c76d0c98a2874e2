"""Runs last: lines of a user's logins during a flood of other requests, and the journal after all other tests."""

import multiprocessing
import re
import socket
import time

from kit import api, journal, obtain, sh
from test_daemons import Settings

FLOOD, CLIENTS, LOGINS = 100000, 4, 20


def flood(number, sources):
    """Sends this client's share of the requests, each from the next source."""
    body = b'{"refresh":"eyJhbGciOiJFZERTQSJ9.e30.AAAA"}'
    for i in range(number, FLOOD, CLIENTS):
        source = i % sources
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("/run/jwtd/http.sock")
            client.sendall(b"POST /api/token/refresh/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"X-Forwarded-For: 10.0.%d.%d\r\nContent-Length: %d\r\n\r\n%s"
                           % (source // 250, source % 250, len(body), body))
            reply = client.recv(4096)
            assert reply.startswith(b"HTTP/1.1 401"), reply
            while client.recv(4096):
                pass


def logins_during(sources):
    """Logs alice in and out while the flood lasts. Returns the lines of the journal and the minutes."""
    journal()
    started = time.monotonic()
    with multiprocessing.Pool(CLIENTS) as pool:
        clients = pool.starmap_async(flood, [(i, sources) for i in range(CLIENTS)])
        done = 0
        while done < LOGINS or not clients.ready():
            if done < LOGINS:
                pair = obtain()
                assert api("/api/token/blacklist/", {"refresh": pair["refresh"]}) == (200, {})
                done += 1
            time.sleep(0.5)
        clients.get()
    minutes = (time.monotonic() - started) / 60
    sh("systemctl stop jwtd jwtd-issuer")  # writes what is counted
    return journal().splitlines(), minutes


def test_a_flood_of_refused_requests_hides_no_login():
    """At journald's default rate limit."""
    assert sh("systemd-analyze cat-config systemd/journald.conf | grep -v '^#' | grep RateLimit").stdout == ""
    with Settings("[Http]\nTrustedProxies=root\n"):
        for sources in (1, 1000):
            lines, minutes = logins_during(sources)
            assert not [line for line in lines if "Suppressed" in line]
            for sentence in ("Login succeeded", "Session revoked by its user"):
                found = [line for line in lines if f"{sentence} user=alice " in line]
                sids = {re.search(r"sid=(\S+)", line)[1] for line in found}
                assert (len(found), len(sids)) == (LOGINS, LOGINS), (sources, sentence, len(found))
            refused = [line for line in lines if "Refresh token refused" in line or "of further sources" in line]
            counts = [int((re.search(r"count=(\d+)", line) or ("", "1"))[1]) for line in refused]
            assert sum(counts) == FLOOD, (sources, len(refused), sum(counts))
            assert len(refused) <= (60 if sources > 1 else 1) * (int(minutes) + 2), (sources, len(refused), minutes)
            print(f"# {sources} sources: {len(refused)} lines for {FLOOD} requests in {minutes * 60:.0f} s")


def test_the_journal_has_no_token_no_password_and_no_unknown_name():
    api("/api/token/", {"username": "nobodyknows", "password": "no such secret"})
    sh("journalctl --sync")
    text = sh("journalctl -q --no-pager -o export -b").stdout
    for secret in ("eyJ", "correct horse", "staple battery", "no such secret", "nobodyknows"):
        for line in text.split("\n"):
            assert secret not in line or "sshd" in line and "eyJ" not in secret, line
    assert sh("ls /var/lib/systemd/coredump 2>/dev/null").stdout == ""
