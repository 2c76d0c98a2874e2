"""What jwtd-issuer promises its one asker, on a socket of its own, beside a jwtd-login that says what a
test wants: sessions, the list of ended ones, and what happens when something breaks or is killed."""

import glob
import os
import pwd
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

from daemons import payload, run

PING, OBTAIN, REFRESH, VERIFY, BLACKLIST, WHOAMI = range(1, 7)
CHECK, ACCOUNT = 16, 17
ADMIN_STATUS = 32
STATUS = ("ok denied invalid expired blacklisted no_exp no_id no_type wrong_type no_user not_found inactive "
          "password_changed too_long throttled busy unavailable refresh_expired no_session not_allowed "
          "wider_scope wider_audience bad_narrow no_key").split()
SOURCE = b"uid 1000"


def message(number, *fields):
    body = b"".join(struct.pack("<H", len(f)) + f for f in fields)
    return b"J" + bytes([1, number, len(fields)]) + body


def read(packet):
    fields, at = [], 4
    for _ in range(packet[3]):
        size, = struct.unpack_from("<H", packet, at)
        fields.append(packet[at + 2:at + 2 + size])
        at += 2 + size
    return packet[2], fields


class Login:
    """Answers as jwtd-login would."""

    def __init__(self, path):
        self.passwords = {b"alice": b"secret one", b"carol": b"secret two"}
        self.accounts = {}
        self.stamp = b"0" * 16
        self.asked = []
        self.delay = 0
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with client:
            try:
                packet = client.recv(65536)
                if not packet:
                    return
                question, fields = read(packet)
                self.asked.append(question)
                time.sleep(self.delay)
                known = fields[0] in self.passwords
                if question == CHECK:
                    status = "ok" if known and self.passwords[fields[0]] == fields[1] else "denied"
                else:
                    status = self.accounts.get(fields[0], "ok" if known else "not_found")
                client.send(message(STATUS.index(status), *([self.stamp] if status == "ok" else [])))
            except OSError:
                pass


class Issuer:
    def __init__(self, build, settings="", asker="root", init=True):
        self.dir = tempfile.mkdtemp(prefix="jwt-issuer.")
        self.program = build + "/jwtd/issuer/jwtd-issuer"
        self.asker = asker
        for name in ("state", "public"):
            os.mkdir(self.path(name), 0o700 if name == "state" else 0o755)
        self.configure(settings)
        self.login = Login(self.path("login"))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path("socket"))
        self.listener.listen(512)
        self.log = open(self.path("log"), "ab+", buffering=0)
        self.process = None
        if init:
            self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def configure(self, settings):
        with open(self.path("jwt.conf"), "w", encoding="utf-8") as file:
            file.write(settings)

    def text(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def argv(self):
        return [self.program, f"--config={self.path('jwt.conf')}", f"--state={self.path('state')}",
                f"--public={self.path('public')}", f"--login={self.path('login')}", f"--asker={self.asker}"]

    def start(self):
        fd = self.listener.fileno()
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *self.argv()], restore_signals=False,
            preexec_fn=lambda: os.dup2(fd, 3, inheritable=True), pass_fds=[3], stdin=subprocess.DEVNULL,
            env=dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="issuer"), stdout=self.log, stderr=self.log)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(15)
        assert status == (0 if number == signal.SIGTERM else -number), status

    def restart(self, number=signal.SIGTERM):
        self.end(number)
        self.start()

    def init(self):
        return subprocess.Popen(self.argv() + ["--init"], stdin=subprocess.DEVNULL, stdout=self.log,
                                stderr=self.log)

    def send(self, packet):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(45)
        client.connect(self.path("socket"))
        client.send(packet)
        return client

    def ask(self, question, *fields):
        """(status, fields), or ("closed", [])."""
        with self.send(message(question, *fields)) as client:
            try:
                answer = client.recv(65536)
            except ConnectionResetError:
                answer = b""
        if not answer:
            return "closed", []
        status, values = read(answer)
        return STATUS[status], values

    def ping(self):
        return self.ask(PING)[0]

    def obtain(self, user=b"alice", password=None):
        """(refresh, access) of a good login."""
        status, pair = self.ask(OBTAIN, user, password or self.login.passwords[user], SOURCE)
        assert status == "ok", status
        return pair

    def guess(self, user=b"alice"):
        return self.ask(OBTAIN, user, b"wrong", SOURCE)[0]

    def refresh(self, token):
        """(status, access, refresh)."""
        status, values = self.ask(REFRESH, token, SOURCE)
        return (status, *values) if values else (status, b"", b"")

    def verify(self, token):
        return self.ask(VERIFY, token)[0]

    def blacklist(self, token):
        return self.ask(BLACKLIST, token, SOURCE)[0]

    def whoami(self, token):
        return self.ask(WHOAMI, token)[0]

    def all_say(self, word, refresh, access):
        said = [self.refresh(refresh)[0], self.verify(refresh), self.verify(access), self.whoami(access)]
        assert said == [word] * 4, said

    def revoked(self):
        return [line[:22] for line in self.text("public/revoked").splitlines()]

    def in_store(self, statement):
        with sqlite3.connect(self.path("state/sessions.db"), timeout=10) as store:
            store.execute(statement)
        store.close()

    def recovers(self):
        for _ in range(60):
            if self.ping() == "ok":
                return
            time.sleep(0.1)
        raise AssertionError("is not well again")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.end()
        self.listener.close()
        self.login.listener.close()
        self.log.close()
        log = self.text("log")
        shutil.rmtree(self.dir)
        assert "Sanitizer" not in log and "runtime error" not in log, log
        assert "eyJ" not in log and "secret" not in log and "mallory" not in log, log


def with_issuer(settings="", **how):
    def wrap(test):
        def body(build):
            issuer = Issuer(build, settings, **how)
            try:
                test(issuer)
            except Exception as error:
                raise AssertionError(f"{error}\n{issuer.text('log')[-1500:]}") from error
            finally:
                issuer.stop()

        body.__name__ = test.__name__
        return body

    return wrap


def sid(token):
    return payload(token.decode())["sid"]


def at_once(n, what):
    results = [None] * n

    def work(i):
        results[i] = what()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


NO_CACHE = "[Session]\nAccountCacheTime=0\n"


# The first start


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


# Refresh


@with_issuer()
def a_lost_answer_is_given_again_with_the_same_bytes(d):
    refresh, _ = d.obtain()
    first = d.refresh(refresh)
    d.restart(signal.SIGKILL)
    assert first[0] == "ok" and d.refresh(refresh) == first
    one, two = payload(refresh.decode()), payload(first[2].decode())
    assert (one["gen"], two["gen"]) == (0, 1) and one["sid"] == two["sid"] == sid(first[1])


@with_issuer()
def a_hundred_uses_at_once_have_one_successor_and_one_check(d):
    refresh, _ = d.obtain()
    answers = set(at_once(100, lambda: d.refresh(refresh)))
    assert len(answers) == 1 and answers.pop()[0] == "ok"
    assert d.login.asked == [CHECK], d.login.asked


@with_issuer("[Session]\nRotationGrace=0\n")
def without_grace_one_of_many_wins_and_the_session_ends(d):
    refresh, access = d.obtain()
    said = [a[0] for a in at_once(20, lambda: d.refresh(refresh))]
    assert sorted(said) == ["blacklisted"] * 19 + ["ok"], said
    d.all_say("blacklisted", refresh, access)
    assert sid(access) in d.revoked() and d.text("log").count("used again") == 1


@with_issuer()
def grace_never_covers_older_generations(d):
    refresh, access = d.obtain()
    second = d.refresh(refresh)
    third = d.refresh(second[2])
    assert d.verify(second[2]) == "blacklisted" and d.verify(third[2]) == "ok"
    assert d.refresh(refresh)[0] == "blacklisted"
    d.all_say("blacklisted", third[2], third[1])
    assert sid(access) in d.revoked()


@with_issuer("[Session]\nRotateRefreshTokens=no\n")
def without_rotation_the_refresh_token_stays(d):
    refresh, _ = d.obtain()
    for _ in range(3):
        status, access, no_refresh = d.refresh(refresh)
        assert status == "ok" and no_refresh == b"" and d.whoami(access) == "ok"
    assert d.blacklist(refresh) == "ok" and d.verify(access) == "blacklisted"


@with_issuer("[Session]\nBlacklistAfterRotation=no\nRotationGrace=0\n")
def without_a_blacklist_old_refresh_tokens_go_on_until_logout(d):
    refresh, _ = d.obtain()
    second = d.refresh(refresh)
    assert d.verify(refresh) == "ok" and d.refresh(refresh)[0] == "ok" and d.refresh(second[2])[0] == "ok"
    assert d.blacklist(refresh) == "ok" and d.refresh(second[2])[0] == "blacklisted"


@with_issuer("[Token]\nAccessTokenLifetime=1s\nRefreshTokenLifetime=5s\n[Session]\nAbsoluteLifetime=6s\n")
def no_refresh_token_outlives_its_session(d):
    refresh, access = d.obtain()
    start = payload(refresh.decode())["iat"]
    assert [payload(t.decode())["exp"] - start for t in (refresh, access)] == [5, 1]
    time.sleep(2.1)
    assert d.verify(access) == "expired" and d.whoami(access) == "expired"
    status, access, refresh = d.refresh(refresh)
    assert status == "ok" and payload(refresh.decode())["exp"] - start == 6
    time.sleep(4)
    d.all_say("expired", refresh, access)


@with_issuer("[Session]\nIdleLifetime=3s\n")
def a_session_that_is_not_used_expires_and_its_access_tokens_with_it(d):
    refresh, access = d.obtain()
    assert payload(access.decode())["exp"] - payload(access.decode())["iat"] == 3
    for _ in range(3):
        time.sleep(1.2)
        status, access, refresh = d.refresh(refresh)
        assert status == "ok"
    time.sleep(3.1)
    assert d.refresh(refresh)[0] == d.verify(access) == "expired"


# Ends


@with_issuer()
def logout_ends_all_tokens_of_its_session_alone(d):
    refresh, access = d.obtain()
    other = d.obtain()
    second = d.refresh(refresh)
    assert d.blacklist(refresh) == "ok", "an older refresh token ends its session too"
    assert d.revoked() == [sid(access)]
    d.all_say("blacklisted", second[2], second[1])
    assert d.blacklist(second[2]) == "blacklisted"
    assert d.refresh(other[0])[0] == "ok" and d.whoami(other[1]) == "ok"


@with_issuer("[Session]\nMaxSessionsPerUser=3\n")
def the_oldest_sessions_make_room(d):
    pairs = [(d.obtain(), time.sleep(0.01))[0] for _ in range(5)]
    other = d.obtain(b"carol")
    assert [d.verify(access) for _, access in pairs] == ["blacklisted"] * 2 + ["ok"] * 3
    assert d.revoked() == sorted(sid(access) for _, access in pairs[:2]) and d.verify(other[1]) == "ok"


@with_issuer(NO_CACHE)
def an_account_that_is_not_usable_can_not_refresh_but_may_again(d):
    refresh, access = d.obtain()
    for status, said in (("not_found", "not_found"), ("inactive", "inactive"), ("denied", "inactive"),
                         ("busy", "busy"), ("unavailable", "unavailable")):
        d.login.accounts[b"alice"] = status
        assert (d.refresh(refresh)[0], d.whoami(access)) == (said, said), status
    d.login.accounts.clear()
    assert d.refresh(refresh)[0] == "ok"


@with_issuer(NO_CACHE + "CheckAccount=no\n")
def check_account_no_asks_for_the_stamp_alone(d):
    refresh, _ = d.obtain()
    d.login.accounts[b"alice"] = "inactive"
    status, _, refresh = d.refresh(refresh)
    assert status == "ok"
    d.login.accounts.clear()
    d.login.stamp = b"1" * 16
    assert d.refresh(refresh)[0] == "password_changed"


@with_issuer(NO_CACHE)
def another_password_ends_the_session(d):
    refresh, access = d.obtain()
    d.login.stamp = b""
    status, access, refresh = d.refresh(refresh)
    assert status == "ok", "no stamp says nothing"
    d.login.stamp = b"1" * 16
    assert d.refresh(refresh)[0] == "password_changed"
    d.all_say("blacklisted", refresh, access)
    assert sid(access) in d.revoked()


@with_issuer("[Session]\nAccountCacheTime=3s\n")
def an_account_is_asked_about_once_in_account_cache_time(d):
    refresh, _ = d.obtain()
    time.sleep(3.1)
    for _ in range(5):
        _, _, refresh = d.refresh(refresh)
    assert d.login.asked == [CHECK, ACCOUNT], d.login.asked


@with_issuer(NO_CACHE)
def questions_about_one_account_at_once_are_one(d):
    pairs = [d.obtain() for _ in range(10)]
    d.login.delay = 0.5
    assert at_once(10, lambda: d.refresh(pairs.pop()[0])[0]) == ["ok"] * 10
    assert d.login.asked.count(ACCOUNT) == 1, d.login.asked


# Failures


@with_issuer()
def guesses_at_one_name_are_limited_even_at_once(d):
    said = at_once(40, lambda: d.guess(b"mallory"))
    assert sorted(said) == ["denied"] * 10 + ["throttled"] * 30, said
    status, wait = d.ask(OBTAIN, b"mallory", b"wrong", SOURCE)
    assert status == "throttled" and 50 <= struct.unpack("<Q", wait[0])[0] <= 60, wait
    assert d.obtain(b"alice") and len([q for q in d.login.asked if q == CHECK]) == 11


@with_issuer()
def right_passwords_at_once_are_never_throttled(d):
    assert len({sid(pair[0]) for pair in at_once(40, d.obtain)}) == 40


@with_issuer()
def a_name_is_logged_only_where_it_is_an_account(d):
    assert d.guess(b"mallory") == d.guess(b"alice") == "denied"
    assert "user=" not in d.text("log")
    d.obtain()
    d.guess()
    assert d.text("log").splitlines()[-1].count("user=alice") == 1


@with_issuer()
def names_no_token_can_carry_are_denied_unasked(d):
    for name in (b"a b", b"-a", b"a\\b", b"12", b".."):
        assert d.guess(name) == "denied"
    assert d.login.asked == []


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
def sixty_kills_between_and_within_questions_lose_no_session(d):
    refresh, _ = d.obtain()
    for _ in range(60):
        with d.send(message(REFRESH, refresh, SOURCE)) as client:
            time.sleep(random.random() * 0.03)
            d.restart(signal.SIGKILL)
            try:
                answer = client.recv(65536)
            except ConnectionResetError:
                answer = b""
        if answer:
            status, values = STATUS[read(answer)[0]], read(answer)[1]
        else:
            status, *values = d.refresh(refresh)
        assert status == "ok", status
        refresh = values[1]
    assert d.refresh(refresh)[0] == "ok"


@with_issuer()
def what_was_ended_before_a_crash_is_published_at_the_next_start(d):
    refresh, access = d.obtain()
    assert d.blacklist(refresh) == "ok"
    d.end(signal.SIGKILL)
    with open(d.path("public/revoked"), "w", encoding="ascii"):
        pass
    d.start()
    assert d.ping() == "ok" and d.revoked() == [sid(access)]


@with_issuer()
def no_logout_is_answered_that_is_not_published(d):
    refresh, access = d.obtain()
    os.rename(d.path("public"), d.path("elsewhere"))
    assert d.blacklist(refresh) == "unavailable" and d.verify(access) == "unavailable"
    os.rename(d.path("elsewhere"), d.path("public"))
    for _ in range(40):
        if d.revoked():
            break
        time.sleep(0.1)
    assert d.revoked() == [sid(access)], "it is published without another question"
    assert d.blacklist(refresh) == "blacklisted"


@with_issuer()
def a_list_out_of_form_is_never_written_over(d):
    d.ping()
    d.end()
    with open(d.path("public/revoked"), "a", encoding="ascii") as file:
        file.write("x")
    d.start()
    assert d.ping() == "unavailable" and d.text("public/revoked") == "x"
    os.unlink(d.path("public/revoked"))
    d.recovers()


@with_issuer()
def a_full_disk_is_unavailable_and_nothing_is_half_done(d):
    refresh, _ = d.obtain()
    limit = ["prlimit", f"--pid={d.process.pid}"]
    subprocess.run(limit + ["--fsize=4096:unlimited"], check=True)
    assert [d.refresh(refresh)[0] for _ in range(3)] == ["unavailable"] * 3
    subprocess.run(limit + ["--fsize=unlimited:unlimited"], check=True)
    d.recovers()
    assert d.refresh(refresh)[0] == "ok"


# A store or a clock that ran back


@with_issuer()
def a_restored_backup_is_seen_and_its_sessions_end(d):
    refresh, _ = d.obtain()
    d.end()
    shutil.copytree(d.path("state"), d.path("backup"))
    d.start()
    _, access, newer = d.refresh(refresh)
    unknown = d.obtain()
    d.end()
    shutil.rmtree(d.path("state"))
    os.rename(d.path("backup"), d.path("state"))
    d.start()
    assert d.refresh(newer)[0] == "blacklisted" and d.refresh(refresh)[0] == "blacklisted"
    d.all_say("blacklisted", *unknown)
    assert d.revoked() == sorted([sid(access), sid(unknown[1])])
    assert d.text("log").count("newer than the store") == 2


@with_issuer()
def a_session_the_store_does_not_know_can_be_logged_out(d):
    refresh, access = d.obtain()
    d.in_store("DELETE FROM session")
    assert d.blacklist(refresh) == "ok" and d.revoked() == [sid(access)]
    assert d.blacklist(refresh) == "blacklisted"


@with_issuer()
def a_list_keeps_what_a_restored_store_forgot(d):
    refresh, access = d.obtain()
    d.blacklist(refresh)
    d.end()
    d.in_store("DELETE FROM session")
    d.start()
    other = d.obtain()
    d.blacklist(other[0])
    assert d.revoked() == sorted([sid(access), sid(other[1])])


@with_issuer("[Token]\nRefreshTokenLifetime=1h\n")
def a_clock_set_back_revives_no_refresh_token_and_alarms_once(d):
    refresh, access = d.obtain()
    d.end()
    d.in_store("UPDATE clock SET mark = mark + 2 * 3600")
    d.start()
    assert d.refresh(refresh)[0] == d.verify(refresh) == "expired"
    assert d.verify(access) == "ok", "access tokens are judged by the clock"
    d.ping()
    assert d.text("log").count("clock is behind") == 1


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


# Names


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


# The wire


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


TESTS = [value for value in list(globals().values())
         if callable(value) and getattr(value, "__module__", "") == __name__ and
         getattr(value, "__qualname__", "").endswith("body")]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
