"""FailuresPerUser, LoginsPerUser and FailuresPerSource count for all issuers of a database together."""

import hashlib
import itertools
import signal
import struct
import threading

import pytest
from daemons import until
from test_exchange import Site
from wire import CHECK, OBTAIN, STATUS, message, read

SOURCE = b"192.0.2.1"
OF_USER = "[Session]\nFailuresPerUser={}/h\nLoginsPerUser=0\n[Http]\nFailuresPerSource=0\n"
OF_LOGINS = "[Session]\nFailuresPerUser=0\nLoginsPerUser={}/h\n[Http]\nFailuresPerSource=0\n"
OF_SOURCE = "[Session]\nFailuresPerUser=0\nLoginsPerUser=0\n[Http]\nFailuresPerSource={}/h\n"


def login(issuer, user=b"alice", password=b"wrong", source=SOURCE):
    """(status, seconds to wait)."""
    status, fields = issuer.ask(OBTAIN, user, password, source)
    return status, struct.unpack("<Q", fields[0])[0] if status == "throttled" else 0


def good(issuer, user=b"alice", source=SOURCE):
    return login(issuer, user, issuer.login.passwords[user], source)[0]


def around(issuers, n, user=b"alice", source=SOURCE):
    """The statuses of n wrong passwords, each at the next issuer."""
    return [login(issuer, user, source=source)[0] for issuer in itertools.islice(itertools.cycle(issuers), n)]


def checked(issuers):
    return sum(issuer.login.asked.count(CHECK) for issuer in issuers)


def counts(issuers):
    """The halves of open windows."""
    return sorted(n for n, in issuers.sql("SELECT halves FROM attempt WHERE halves > 0"))


@pytest.mark.fleet(OF_USER.format(4), n=10)
def test_failures_of_a_user_count_at_all_issuers_together(issuers):
    assert around(issuers, 10) == ["denied"] * 4 + ["throttled"] * 6
    assert checked(issuers) == 4
    for issuer in issuers:
        status, wait = login(issuer)
        assert status == "throttled" and 1 <= wait <= 3600, wait
        assert good(issuer) == "throttled", "a right password is not checked, either"
        assert good(issuer, b"carol") == "ok", "another user has a count of its own"


@pytest.mark.fleet(OF_USER.format(5), n=3)
def test_passwords_tried_at_all_issuers_at_once_are_within_the_limit(issuers):
    """A failure is counted before the check: with 12 at each issuer at once, none is checked beyond the limit."""
    begin, said = threading.Barrier(36), []

    def try_one(issuer):
        begin.wait()
        said.append(login(issuer)[0])

    for issuer in issuers:
        issuer.login.delay = 0.1
    threads = [threading.Thread(target=try_one, args=(issuer,)) for issuer in issuers for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checked(issuers) == said.count("denied") == 5, said
    assert set(said) == {"denied", "throttled"} and counts(issuers) == [10]


@pytest.mark.fleet(OF_USER.format(4), n=2)
def test_where_counts_are_deleted_the_limit_of_each_process_remains(issuers):
    assert around(issuers, 6) == ["denied"] * 4 + ["throttled"] * 2
    said = []
    for _ in range(10):
        issuers.sql("DELETE FROM attempt")
        said += around(issuers, 2)
    assert said.count("denied") == 4 and set(said[4:]) == {"throttled"}, said
    assert checked(issuers) == 8


@pytest.mark.fleet(OF_USER.format(3), n=2)
def test_a_success_takes_its_failure_back_and_leaves_the_others(issuers):
    a, b = issuers
    for _ in range(5):
        assert (good(a), good(b)) == ("ok", "ok")
    assert counts(issuers) == []
    assert (login(a)[0], good(b), login(b)[0], good(a)) == ("denied", "ok", "denied", "ok")
    assert counts(issuers) == [4]
    assert (login(a)[0], login(b)[0]) == ("denied", "throttled")


@pytest.mark.fleet(OF_USER.format(2), n=2)
def test_a_missing_code_is_half_a_failure_and_an_error_none(issuers):
    a, b = issuers
    a.login.check = b.login.check = "otp_required"
    assert around(issuers, 4) == ["otp_required"] * 4 and counts(issuers) == [4]
    assert login(a)[0] == login(b)[0] == "throttled"
    a.login.check = "busy"
    assert login(a, b"carol")[0] == "busy" and counts(issuers) == [4]


@pytest.mark.fleet(OF_USER.format(2), n=2)
def test_the_window_begins_with_the_first_failure_and_ends(issuers):
    a, b = issuers
    assert around(issuers, 3) == ["denied", "denied", "throttled"]
    issuers.sql("UPDATE attempt SET until = until - 3590000000")
    assert 1 <= login(a)[1] <= 10, "Retry-After is what is left of the window"
    issuers.sql("UPDATE attempt SET until = until - 10000000")
    # The count of each issuer itself began later than that of all: a third one has none.
    a.restart()
    assert login(a)[0] == "denied" and counts(issuers) == [2]
    assert good(b) == "ok" and counts(issuers) == [2]


@pytest.mark.fleet(OF_USER.format(3), n=2)
def test_a_success_takes_nothing_back_from_a_later_window(issuers):
    a, b = issuers
    asked, ends = threading.Event(), threading.Event()
    a.login.before = lambda *_: (asked.set(), ends.wait(30))
    client = a.send(message(OBTAIN, b"alice", b"secret one", SOURCE))
    assert asked.wait(20)
    issuers.sql("UPDATE attempt SET until = 1000")
    assert login(b)[0] == "denied"
    ends.set()
    assert STATUS[read(client.recv(65536))[0]] == "ok"
    client.close()
    assert counts(issuers) == [2]


@pytest.mark.fleet(OF_USER.format(3), n=2)
def test_an_issuer_that_dies_during_a_check_leaves_a_failure(issuers):
    a, b = issuers
    asked = threading.Event()
    a.login.before = lambda *_: (asked.set(), threading.Event().wait(1))
    client = a.send(message(OBTAIN, b"alice", b"secret one", SOURCE))
    assert asked.wait(20)
    a.end(signal.SIGKILL)
    client.close()
    assert counts(issuers) == [2]
    assert [login(b)[0] for _ in range(3)] == ["denied", "denied", "throttled"]
    a.login.before = None
    a.start()
    assert login(a)[0] == "throttled"


@pytest.mark.fleet(OF_LOGINS.format(4), n=3)
def test_logins_of_a_user_count_at_all_issuers_together(issuers):
    assert [good(issuers[i % 3]) for i in range(6)] == ["ok"] * 4 + ["throttled"] * 2
    assert good(issuers[0], b"carol") == "ok" and login(issuers[1], b"carol")[0] == "denied"
    assert "reason=LoginsPerUser" in issuers[2].text("log")


def test_exchanges_count_as_logins_at_all_issuers_together(fleet):
    sites = [Site(member, fleet.shared) for member in fleet]
    for site in sites:
        site.set(site.settings.replace("LoginsPerUser=0", "LoginsPerUser=2/h"))
        sites[0].idp.write_keys(site.d.path("idp"))
    token = sites[0].idp.token
    assert [site.post(token("ci")).status for site in sites] == [200, 200]
    for site in sites:
        reply = site.post(token("ci"))
        assert reply.status == 429 and 1 <= int(reply.header("Retry-After")) <= 3600, reply.raw
    assert sites[0].post(token("carol@corp.example")).status == 200


@pytest.mark.fleet(OF_SOURCE.format(4), n=3)
def test_failures_of_a_source_count_at_all_issuers_together(issuers):
    said = [login(issuers[i % 3], b"user%d" % i)[0] for i in range(6)]
    assert said == ["denied"] * 4 + ["throttled"] * 2
    status, wait = login(issuers[1], b"carol")
    assert status == "throttled" and 1 <= wait <= 3600 and good(issuers[0], b"carol") == "throttled"
    assert good(issuers[0], b"carol", b"192.0.2.2") == "ok"


@pytest.mark.parametrize("source", [b"uid 1000", b"127.0.0.1", b"::/64", b"unknown"])
@pytest.mark.fleet(OF_SOURCE.format(2), n=2)
def test_sources_that_are_another_client_on_another_host_are_not_shared(issuers, source):
    assert around(issuers, 6, source=source) == ["denied"] * 6


@pytest.mark.fleet(OF_USER.format(2), n=2)
def test_a_reload_changes_the_limits(issuers):
    assert around(issuers, 4) == ["denied", "denied", "throttled", "throttled"]
    issuers.configure(OF_USER.format(3))
    until(lambda: around(issuers, 1) == ["denied"])
    assert around(issuers, 2) == ["throttled"] * 2 and checked(issuers) == 3


@pytest.mark.fleet("[Session]\nFailuresPerUser=5/h\nLoginsPerUser=5/h\n[Http]\nFailuresPerSource=5/h\n", n=2)
def test_a_reader_of_the_database_cannot_tell_what_was_typed_as_a_name(issuers):
    typed = b"hunter2"
    assert around(issuers, 2, typed) == ["denied", "denied"]
    rows = issuers.sql("SELECT id, halves FROM attempt")
    assert sorted(n for _, n in rows) == [4, 4], "one of the name, one of the source"
    fast = {hashlib.new(name, prefix + text + end).digest()[:16] for name in ("sha256", "sha1", "md5")
            for text in (typed,) for prefix in (b"", b"u", b"f", b"failures ") for end in (b"", b"\0")}
    slow = hashlib.scrypt(typed, salt=b"https://login.example", n=1024, r=8, p=1, dklen=16)
    ids = {i for i, _ in rows}
    assert slow in ids and not fast & ids
    dump = " ".join(str(row) for table, in issuers.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                    for row in issuers.sql(f'SELECT * FROM "{table}"'))
    assert "hunter2" not in dump and typed.hex() not in dump


@pytest.mark.fleet(OF_USER.format(2), n=1)
def test_rows_are_deleted_after_their_window(issuers):
    for i in range(20):
        assert login(issuers[0], b"user%d" % i)[0] == "denied"
    issuers.sql("UPDATE attempt SET until = 1000")
    for i in range(20, 24):
        assert login(issuers[0], b"user%d" % i)[0] == "denied"
    assert counts(issuers) == [2] * 4


@pytest.mark.fleet(OF_USER.format(2), n=1)
def test_a_row_of_the_same_name_is_used_again_after_its_window(issuers):
    assert login(issuers[0])[0] == "denied"
    issuers.sql("UPDATE attempt SET until = 1000")
    assert login(issuers[0])[0] == "denied" and counts(issuers) == [2]


@pytest.mark.fleet(OF_USER.format(2), n=2)
def test_without_the_database_no_password_is_checked(issuers):
    assert login(issuers[0])[0] == "denied"
    issuers.cluster.stop()
    try:
        before = checked(issuers)
        assert around(issuers, 6) == ["unavailable"] * 6 and checked(issuers) == before
    finally:
        issuers.cluster.restart()
    for issuer in issuers:
        issuer.recovers()
    assert around(issuers, 3) == ["denied", "throttled", "throttled"]


@pytest.mark.fleet(OF_USER.format(2), n=2)
def test_a_database_that_refuses_the_count_refuses_the_login(issuers):
    issuers.sql("REVOKE INSERT, UPDATE ON attempt FROM issuer")
    assert around(issuers, 4) == ["unavailable"] * 4 and checked(issuers) == 0
    issuers.sql("GRANT INSERT, UPDATE ON attempt TO issuer")
    until(lambda: login(issuers[0])[0] == "denied")


@pytest.mark.fleet("[Session]\nFailuresPerUser=1000/h\nLoginsPerUser=1000/h\n[Http]\nFailuresPerSource=1000/h\n", n=3)
def test_failures_and_successes_of_three_issuers_at_once_are_all_counted(issuers):
    """No lost update, no deadlock."""
    begin, wrong = threading.Barrier(12), []

    def work(i):
        issuer = issuers[i % 3]
        user = (b"alice", b"carol")[i // 3 % 2]
        begin.wait()
        for n in range(10):
            if n % 2:
                wrong.append(login(issuer, user)[0] != "denied")
            else:
                wrong.append(good(issuer, user) != "ok")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wrong) and len(wrong) == 120
    # 30 failures and 30 logins of each user, 60 failures of the source.
    assert counts(issuers) == [60, 60, 60, 60, 120]
    # A busy machine may keep one waiting too long, which is repeated.
    failures = [line for issuer in issuers for line in issuer.text("log").splitlines() if "Store failed" in line]
    assert all("lock timeout" in line for line in failures), failures
