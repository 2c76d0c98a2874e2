"""What jwtd-issuer promises its askers, on a socket of its own: how it starts, whom it answers, what it
makes."""

import glob
import os
import pwd
import shutil
import socket
import sys

from daemons import payload, run
from issuers import NO_CACHE, SOURCE, sid, with_issuer
from wire import ADMIN_STATUS, CHECK, OBTAIN, PING, REFRESH, VERIFY, WHOAMI, message


@with_issuer(init=False)
def the_first_start_makes_one_key_however_many_start_at_once(d):
    assert [p.wait(20) for p in [d.init() for _ in range(4)]] == [0] * 4
    keys = os.listdir(d.path("state/keys"))
    assert len(keys) == 1, keys
    d.start()
    assert d.ping() == "ok" and os.listdir(d.path("state/keys")) == keys


@with_issuer()
def every_file_has_its_mode(d):
    d.obtain()
    key, = glob.glob(d.path("state/keys/*"))
    modes = {"state/keys": 0o700, key: 0o600, "state/sessions.db": 0o600, "state/sessions.db-wal": 0o600,
             "public/issuer": 0o644, "public/jwks.json": 0o644, "public/revoked": 0o644}
    for name, mode in modes.items():
        assert os.stat(d.path(name)).st_mode & 0o7777 == mode, name


@with_issuer()
def missing_keys_beside_a_store_are_no_first_start(d):
    refresh, _ = d.obtain()
    d.end()
    os.rename(d.path("state/keys"), d.path("keys"))
    d.start()
    assert d.ping() == "unavailable" and d.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "unavailable"
    assert d.text("log").count("keys missing") == 1
    os.rename(d.path("keys"), d.path("state/keys"))
    d.recovers()
    assert d.refresh(refresh)[0] == "ok"


@with_issuer("[Token]\nLeewa=1\n")
def wrong_settings_are_unavailable_said_once_and_looked_at_again(d):
    assert [d.ping() for _ in range(20)] == ["unavailable"] * 20
    assert d.text("log").count("unknown key") == 1, d.text("log")
    d.configure("")
    d.recovers()


@with_issuer("[Daemon]\nIdleTimeout=1s\n")
def nothing_asked_for_idle_timeout_and_it_leaves(d):
    assert d.ping() == "ok" and d.process.wait(10) == 0
    d.start()
    assert d.ping() == "ok"


@with_issuer("[Token]\nIssuer=https://" + "a" * 100 + ".example\n")
def what_does_not_fit_max_token_length_is_told_and_never_minted(d):
    assert d.ping() == "ok" and "will not fit" in d.text("log")
    d.login.passwords[b"u" * 200] = b"secret"
    assert d.ask(OBTAIN, b"u" * 200, b"secret", SOURCE)[0] == "too_long"


@with_issuer(NO_CACHE)
def without_jwtd_login_only_what_needs_it_is_unavailable(d):
    refresh, access = d.obtain()
    os.unlink(d.path("login"))
    assert d.ask(OBTAIN, b"alice", b"secret one", SOURCE)[0] == "unavailable"
    assert d.refresh(refresh)[0] == "unavailable"
    assert d.verify(access) == "ok" and d.blacklist(refresh) == "ok"


@with_issuer()
def the_newest_key_signs_and_a_repeated_pair_keeps_its_own(d):
    refresh, _ = d.obtain()
    first = d.refresh(refresh)
    d.end()
    os.rename(d.path("state/keys"), d.path("old"))
    os.rename(d.path("state/sessions.db"), d.path("sessions.db"))
    assert d.init().wait(20) == 0
    for old in glob.glob(d.path("old/*")):
        os.utime(old, (1000, 1000))
        shutil.move(old, d.path("state/keys"))
    for new in glob.glob(d.path("state/sessions.db*")):
        os.unlink(new)
    os.rename(d.path("sessions.db"), d.path("state/sessions.db"))
    d.start()
    header = [token.split(b".")[0] for token in (refresh, d.obtain()[0])]
    assert header[0] != header[1] and d.refresh(refresh) == first
    assert d.text("public/jwks.json").count('"kid"') == 2


@with_issuer()
def names_once_published_stay_until_a_setting_says_otherwise(d):
    d.ping()
    d.end()
    with open(d.path("public/issuer"), "w", encoding="ascii") as file:
        file.write("Issuer=https://pinned.example\nAudience=one two\n")
    d.start()
    refresh, access = d.obtain()
    claims = payload(access.decode())
    assert (claims["iss"], claims["aud"]) == ("https://pinned.example", ["one", "two"])
    status, (user, session, _, iss, aud, scope) = d.ask(WHOAMI, access)
    assert (status, user, session.decode(), iss, aud, scope) == (
        "ok", b"alice", sid(access), b"https://pinned.example", b'["one","two"]', b"")
    d.end()
    d.configure("[Token]\nIssuer=https://set.example\n")
    d.start()
    assert d.refresh(refresh)[0] == "invalid", "another issuer's now"
    assert d.text("public/issuer") == "Issuer=https://set.example\nAudience=one two\n"


@with_issuer()
def a_broken_message_ends_its_connection_and_is_logged_by_a_word(d):
    for packet in (b"J", message(9), message(REFRESH, b"x"), message(CHECK, b"a", b"b", b"c"),
                   message(OBTAIN, b"a\0b", b"c", b"d"), message(PING) + b"x", message(VERIFY, b"a" * 9000)):
        with d.send(packet) as client:
            assert client.recv(100) == b"", packet[:20]
    words = [line.split("fault=")[1] for line in d.text("log").splitlines() if "fault=" in line]
    assert len(words) == 7 and d.ping() == "ok", words


@with_issuer(asker="nobody")
def root_asks_as_an_administrator_and_nothing_else(d):
    for question in range(256):
        status = d.ask(question)[0]
        assert (status != "closed") == (question == ADMIN_STATUS), (question, status)
    assert d.text("log").count("fault=not-yours") == 15, d.text("log")


@with_issuer(asker="nobody")
def nobody_but_the_asker_and_root_is_answered(d):
    os.chmod(d.dir, 0o711)
    os.chmod(d.path("socket"), 0o666)
    for name, answered in (("daemon", False), ("nobody", True)):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setuid(pwd.getpwnam(name).pw_uid)
            os.write(writer, d.ask(PING)[0].encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with open(reader, encoding="ascii") as said:
            assert said.read() == ("ok" if answered else "closed"), name
    assert f"uid={pwd.getpwnam('daemon').pw_uid}" in d.text("log"), d.text("log")


@with_issuer()
def silent_connections_leave_room_for_others_again(d):
    clients = []
    for _ in range(300):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(d.path("socket"))
        clients.append(client)
    assert d.ping() == "ok"
    for client in clients:
        client.close()
    assert d.ping() == "ok"


@with_issuer()
def a_thousand_refreshes_stay_within_twelve_mebibytes(d):
    refresh, _ = d.obtain()
    for _ in range(1000):
        status, _, refresh = d.refresh(refresh)
        assert status == "ok"
    if "asan" in d.program:
        return
    rss = int(next(x for x in d.text(f"/proc/{d.process.pid}/status").splitlines()
                   if x.startswith("VmRSS")).split()[1])
    assert rss <= 12 * 1024, rss


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
