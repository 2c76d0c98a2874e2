"""jwtd-issuer on its own socket: start, permitted clients, tokens."""

import glob
import json
import os
import pwd
import re
import shutil
import socket

import pytest
from daemons import payload
from issuer_daemon import NO_CACHE, SOURCE, sid
from test_admin import ADMIN_REVOKE_ALL
from wire import ADMIN_NEW_EPOCH, ADMIN_STATUS, BUNDLE, CHECK, NARROW, OBTAIN, PING, REFRESH, VERIFY, WHOAMI, ask, message


@pytest.mark.issuer(init=False)
def test_concurrent_first_starts_make_one_key(issuer):
    assert [p.wait(20) for p in [issuer.init() for _ in range(4)]] == [0] * 4
    keys = os.listdir(issuer.path("state/keys"))
    assert len(keys) == 1, keys
    issuer.start()
    assert issuer.ping() == "ok" and os.listdir(issuer.path("state/keys")) == keys


def test_every_file_has_its_mode(issuer):
    issuer.obtain()
    key, = glob.glob(issuer.path("state/keys/*"))
    modes = {"state/keys": 0o700, key: 0o600, "state/sessions.db": 0o600, "state/sessions.db-wal": 0o600,
             "public/issuer": 0o644, "public/jwks.json": 0o644, "public/revoked": 0o644}
    for name, mode in modes.items():
        assert os.stat(issuer.path(name)).st_mode & 0o7777 == mode, name


def test_missing_keys_with_an_existing_store_are_an_error(issuer):
    refresh, _ = issuer.obtain()
    issuer.end()
    os.rename(issuer.path("state/keys"), issuer.path("keys"))
    issuer.start()
    assert issuer.ping() == "unavailable" and issuer.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "unavailable"
    assert issuer.text("log").count("keys missing") == 1
    os.rename(issuer.path("keys"), issuer.path("state/keys"))
    issuer.recovers()
    assert issuer.refresh(refresh)[0] == "ok"


@pytest.mark.issuer("[Token]\nLeewa=1\n")
def test_invalid_settings_are_unavailable_logged_once_and_reread(issuer):
    assert [issuer.ping() for _ in range(20)] == ["unavailable"] * 20
    assert issuer.text("log").count("unknown key") == 1, issuer.text("log")
    issuer.configure("")
    issuer.recovers()


@pytest.mark.issuer("[Daemon]\nIdleTimeout=1s\n")
def test_the_issuer_exits_after_idle_timeout(issuer):
    assert issuer.ping() == "ok" and issuer.process.wait(10) == 0
    issuer.start()
    assert issuer.ping() == "ok"


@pytest.mark.issuer("[Token]\nIssuer=https://" + "a" * 100 + ".example\n")
def test_a_token_over_max_token_length_is_reported_and_never_issued(issuer):
    assert issuer.ping() == "ok" and "Access tokens exceed" in issuer.text("log")
    issuer.login.passwords[b"u" * 200] = b"secret"
    assert issuer.ask(OBTAIN, b"u" * 200, b"secret", SOURCE)[0] == "too_long"


@pytest.mark.issuer(NO_CACHE)
def test_without_jwtd_login_only_what_needs_it_is_unavailable(issuer):
    refresh, access = issuer.obtain()
    os.unlink(issuer.path("login"))
    assert issuer.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "unavailable"
    assert issuer.refresh(refresh)[0] == issuer.verify(access) == issuer.whoami(access) == "unavailable"
    assert issuer.verify(b"x") == "invalid" and issuer.blacklist(refresh) == "ok"


def test_the_newest_key_signs_and_a_repeated_reply_keeps_its_key(issuer):
    refresh, _ = issuer.obtain()
    first = issuer.refresh(refresh)
    issuer.end()
    os.rename(issuer.path("state/keys"), issuer.path("old"))
    os.rename(issuer.path("state/sessions.db"), issuer.path("sessions.db"))
    assert issuer.init().wait(20) == 0
    for old in glob.glob(issuer.path("old/*")):
        os.utime(old, (1000, 1000))
        shutil.move(old, issuer.path("state/keys"))
    for new in glob.glob(issuer.path("state/sessions.db*")):
        os.unlink(new)
    os.rename(issuer.path("sessions.db"), issuer.path("state/sessions.db"))
    issuer.start()
    header = [token.split(b".")[0] for token in (refresh, issuer.obtain()[0])]
    assert header[0] != header[1] and issuer.refresh(refresh) == first
    assert issuer.text("public/jwks.json").count('"kid"') == 2


def test_published_names_are_those_of_the_tokens(issuer):
    issuer.ping()
    issuer.end()
    with open(issuer.path("public/issuer"), "w", encoding="ascii") as file:
        file.write("Issuer=https://pinned.example\nAudience=one two\n")
    issuer.start()
    access = issuer.obtain()[1]
    claims = payload(access.decode())
    assert (claims["iss"], claims["aud"]) == ("https://pinned.example", ["one", "two"])
    status, (user, session, _, iss, aud, scope) = issuer.ask(WHOAMI, access)
    assert (status, user, session.decode(), iss, aud, scope) == (
        "ok", b"alice", sid(access), b"https://pinned.example", b'["one","two"]', b"")


LONG_USER = b"a" * 32
KEY = b"AZjmXvZ0cKqkz1y9sUe3v-"


def start_anew(issuer, host, settings):
    """Starts with a new key and store on a host of this name."""
    issuer.ping()
    issuer.end()
    for name in ("state", "public"):
        shutil.rmtree(issuer.path(name))
        os.mkdir(issuer.path(name), 0o700 if name == "state" else 0o755)
    issuer.host = host
    issuer.configure(settings)
    issuer.start()


def longest_tokens(issuer, host, settings=""):
    """The published names, and the lengths of the tokens of a user with a name of 32 letters: the session's own, and
    one for sudo with every restriction."""
    start_anew(issuer, host, settings)
    issuer.login.passwords[LONG_USER] = b"secret"
    access = issuer.obtain(LONG_USER)[1]
    status, fields = issuer.ask(NARROW, access, b"pam:sudo", b"", 0, 1, KEY)
    return issuer.text("public/issuer"), len(access), len(fields[0]) if status == "ok" else status


def test_tokens_fit_sudos_511_characters_whatever_the_host_is_called(issuer):
    for length in range(1, 65):
        host = "h" * length
        names, whole, restricted = longest_tokens(issuer, host)
        assert max(whole, restricted) <= 511, (length, whole, restricted)
        if length <= 14:
            assert names == f"Issuer=https://{host}\nAudience={host}\n"
        else:
            assert re.fullmatch(r"Issuer=https://[a-z2-9]{7}\nAudience=[a-z2-9]{8}\n", names), names


def test_short_random_names_are_made_once_and_only_where_they_help(issuer):
    host = "ip-10-20-30-40-production-database.eu-central-1.compute.internal"
    names = longest_tokens(issuer, host)[0]
    assert "Host name too long" in issuer.text("log") and host not in names
    status, (shown,) = issuer.ask(ADMIN_STATUS)
    shown = json.loads(shown)
    assert names == f"Issuer={shown['issuer']}\nAudience={' '.join(shown['audience'])}\n", (status, shown)
    issuer.restart()
    issuer.ping()
    issuer.host = "short"
    issuer.restart()
    issuer.ping()
    assert issuer.text("public/issuer") == names
    assert longest_tokens(issuer, host)[0] != names, "random"
    assert longest_tokens(issuer, host, "[Token]\nIssuer=https://set.example\n")[0].startswith(
        "Issuer=https://set.example\nAudience=")
    names = longest_tokens(issuer, host, "[Token]\nAudience=set.example\n")[0]
    assert host not in names and names.endswith("\nAudience=set.example\n")
    for settings in ("MaxTokenLength=1023\n", "Algorithm=RS256\nMaxTokenLength=1023\n", "Algorithm=RS256\nMaxTokenLength=600\n"):
        start_anew(issuer, host, "[Token]\n" + settings)
        issuer.ping()
        assert issuer.text("public/issuer") == f"Issuer=https://{host}\nAudience={host}\n", settings


def test_a_malformed_message_closes_its_connection_and_is_logged(issuer):
    for packet in (b"J", message(9), message(REFRESH, b"x"), message(CHECK, b"a", b"b", b"c"),
                   message(OBTAIN, b"a\0b", b"c", b"d"), message(PING) + b"x", message(VERIFY, b"a" * 9000)):
        with issuer.send(packet) as client:
            assert client.recv(100) == b"", packet[:20]
    words = [line.split("fault=")[1] for line in issuer.text("log").splitlines() if "fault=" in line]
    assert len(words) == 7 and issuer.ping() == "ok", words


def test_each_socket_answers_the_requests_of_its_client_only(issuer):
    for name, answered in (("admin", {ADMIN_STATUS, ADMIN_REVOKE_ALL, ADMIN_NEW_EPOCH}), ("socket", {PING, BUNDLE})):
        for op in range(256):
            with issuer.connect(name) as client:
                status = ask(client, message(op))[0]
            assert (status != "closed") == (op in answered), (name, op, status)
    assert issuer.text("log").count("fault=not-yours") == 17 + 11, issuer.text("log")


@pytest.mark.issuer(asker="nobody")
def test_each_socket_answers_its_client_uid_only(issuer):
    os.chmod(issuer.dir, 0o711)
    for name in ("socket", "admin"):
        os.chmod(issuer.path(name), 0o666)
    for user, answered in (("daemon", []), ("nobody", [PING]), ("root", [ADMIN_STATUS])):
        for op in (PING, ADMIN_STATUS):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.setuid(pwd.getpwnam(user).pw_uid)
                os.write(writer, issuer.ask(op)[0].encode())
                os._exit(0)
            os.waitpid(child, 0)
            os.close(writer)
            with open(reader, encoding="ascii") as said:
                assert said.read() == ("ok" if op in answered else "closed"), (user, op)
    assert f"uid={pwd.getpwnam('daemon').pw_uid}" in issuer.text("log"), issuer.text("log")


def test_idle_connections_do_not_block_others(issuer):
    clients = []
    for _ in range(300):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(issuer.path("socket"))
        clients.append(client)
    assert issuer.ping() == "ok"
    for client in clients:
        client.close()
    assert issuer.ping() == "ok"


def test_a_thousand_refreshes_stay_within_twelve_mebibytes(issuer):
    refresh, _ = issuer.obtain()
    for _ in range(1000):
        status, _, refresh = issuer.refresh(refresh)
        assert status == "ok"
    if "asan" in issuer.program:
        return
    rss = int(next(x for x in issuer.text(f"/proc/{issuer.process.pid}/status").splitlines()
                   if x.startswith("VmRSS")).split()[1])
    assert rss <= 12 * 1024, rss
