"""One list of revoked sessions and one bundle, whichever of several issuers on one PostgreSQL is asked."""

import base64
import contextlib
import http.server
import itertools
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest
import wire
from daemons import ALICE, Daemons, payload, preload
from fleet import Database
from issuer_daemon import NO_CACHE, at_once, sid
from test_bundle import BUNDLE, REVOKED, chain, claims, describes_the_list, digest, fetch
from test_fleet_keys import OF_BUNDLE, follow, own_key
from test_fleet_keys import rotate as rotate_either
from test_signing import rotate

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sync"))
from host import Host  # noqa: E402 pylint: disable=wrong-import-position

LEEWAY = 300  # POLICY_LEEWAY_MAX
SEQ_AHEAD = 300 * 10**6  # hosts refuse more


def until(condition, within=60):
    """Waits until the condition is true, and returns it."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def row(issuers):
    return issuers.sql("SELECT seq, change, text FROM bundle")[0]


def one_bundle(issuers):
    """The payload of the bundle that all issuers serve; each has the list that it describes."""
    texts = [fetch(issuer)[0] for issuer in issuers]
    # Lists that differ are made equal, one issuer after the other.
    assert until(lambda: len({fetch(issuer)[0] for issuer in issuers}) == 1), [claims(text) for text in texts]
    text, said = fetch(issuers[0])
    for issuer in issuers:
        describes_the_list(issuer, said)
    assert row(issuers)[2].encode() == text
    return said


# The list


def test_a_logout_at_one_issuer_is_in_the_list_of_another_that_nobody_asks(issuers):
    a, b = issuers
    assert b.ping() == "ok"
    refresh, access = a.obtain()
    assert a.blacklist(refresh) == "ok"
    assert b.published(1, within=60) == [sid(access)]


def test_an_issuer_that_is_asked_anything_has_published_what_the_others_revoked(issuers):
    a, b = issuers
    for n in range(1, 11):
        refresh, access = a.obtain()
        assert a.blacklist(refresh) == "ok"
        assert b.verify(access) == "blacklisted" and len(b.revoked()) == n
        a, b = b, a


MANY = 50_000


def test_each_row_of_a_long_list_is_read_once(issuers):
    """Also before the server has statistics about the table. All have the same change, as after `revoke --all`."""
    a, b = issuers
    follow(a, b)

    def read():
        issuers.sql("SELECT pg_stat_force_next_flush()")
        return issuers.sql("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'revoked'")[0][0]

    issuers.sql("ALTER TABLE revoked SET (autovacuum_enabled = off)")
    issuers.sql("INSERT INTO revoked (change, sid, last_access_exp, purge_at)"
                " SELECT value + 1, decode(md5(n::text), 'hex'), 4000000000, 4000000000"
                f" FROM counter, generate_series(1, {MANY}) AS n WHERE name = 'revocations'")
    before = read()
    issuers.sql("UPDATE counter SET value = value + 1 WHERE name = 'revocations'")
    assert len(a.published(MANY)) == len(b.published(MANY)) == MANY
    assert until(lambda: read() - before >= 2 * MANY) and read() - before < 3 * MANY, (before, read())


@pytest.mark.fleet(NO_CACHE + "[Daemon]\nIdleTimeout=1s\n")
def test_an_issuer_with_a_shared_store_does_not_exit_when_idle_and_ends_on_sigterm(issuers):
    a, b = issuers
    time.sleep(3)
    assert a.process.poll() is None and b.process.poll() is None
    b.end()


def test_what_was_revoked_while_the_store_was_unreachable_is_published_after_it(issuers):
    a, b = issuers
    refresh = a.obtain()[0]
    connected = "SELECT pid FROM pg_stat_activity WHERE usename = 'issuer' AND datname = current_database()"
    of_a = issuers.sql(connected)
    b.end()
    of_a = [pid for pid in of_a if pid in issuers.sql(connected)]
    b.start()
    assert until(lambda: len(issuers.sql(connected)) == 2)
    try:
        issuers.sql("ALTER ROLE issuer CONNECTION LIMIT 0")
        for pid, in set(issuers.sql(connected)) - set(of_a):
            issuers.sql(f"SELECT pg_terminate_backend({pid})")
        assert until(lambda: "Store failed" in b.text("log") or "Cannot answer" in b.text("log"))
        assert a.blacklist(refresh) == "ok" and b.revoked() == []
    finally:
        issuers.sql("ALTER ROLE issuer CONNECTION LIMIT -1")
    assert b.published(1, within=60) == [sid(refresh)]


def test_an_issuer_that_is_killed_between_commit_and_publication_leaves_the_list_to_the_others(issuers, build):
    a, b = issuers
    refresh, access = a.obtain()
    a.end()
    a.environment = preload(build, "kill_at.so", KILL_AT=a.path("kill_at"))
    a.start()
    assert a.verify(access) == "ok"
    a.write_file("kill_at", "1")  # before the first file is written
    assert a.ask(wire.BLACKLIST, refresh, b"uid 1000")[0] == "closed"
    a.process.wait(60)
    assert a.revoked() == []
    assert b.published(1, within=60) == [sid(access)] and b.verify(access) == "blacklisted"
    a.environment = {}
    a.start()
    assert a.published(1, within=60) == [sid(access)]


def test_lines_of_a_file_that_the_store_lacks_are_added_to_it(issuers):
    """The database was restored from a backup: what was revoked after that stays revoked."""
    a, b = issuers
    refresh, access = a.obtain()
    backup = {table: issuers.sql(f"SELECT * FROM {table}") for table in ("session", "counter")}
    assert a.blacklist(refresh) == "ok" and b.published(1, within=60)
    for issuer in issuers:
        issuer.end()
    issuers.sql("DELETE FROM revoked")
    for table, rows in backup.items():
        issuers.sql(f"DELETE FROM {table}")
        issuers.sql(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
    a.start()
    assert a.refresh(refresh)[0] == a.verify(access) == "blacklisted"
    assert [bytes(found) for found, in issuers.sql("SELECT sid FROM revoked")] == [
        base64.urlsafe_b64decode(sid(access) + "==")]
    assert issuers.sql("SELECT count(*) FROM session") == [(0,)]
    assert "revoked again: was the database restored" in a.text("log")
    b.start()
    assert b.refresh(refresh)[0] == "blacklisted" and "revoked again" not in b.text("log")
    one_bundle(issuers)


@contextlib.contextmanager
def read_only(directory):
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


def test_a_list_that_could_not_be_written_is_written_when_it_can_be(issuers):
    a, b = issuers
    refresh, access = a.obtain()
    assert b.verify(access) == "ok"
    with read_only(b.path("public")):
        assert a.blacklist(refresh) == "ok"
        assert until(lambda: "Read-only file system" in b.text("log"))
        assert b.ask(wire.BUNDLE)[0] == "unavailable" and b.revoked() == []
    assert b.published(1, within=60) == [sid(access)]
    one_bundle(issuers)


def with_an_expired_line(issuers):
    """All lists have one; when it expired."""
    expired = one_bundle(issuers)["revoked"]["pruned_until"] + 1
    issuers.sql(f"INSERT INTO revoked SELECT decode(repeat('ab', 16), 'hex'), {expired}, 4000000000, value + 1 FROM counter"
                f" WHERE name = 'revocations'; UPDATE counter SET value = value + 1 WHERE name = 'revocations'")
    assert [len(issuer.published(1, within=60)) for issuer in issuers] == [1] * len(issuers)
    issuers.sql("UPDATE clock SET mark = mark + 60")  # a minute passes before it is written
    assert until(lambda: time.time() - LEEWAY > expired + 1)
    return expired


def test_a_list_that_could_not_be_pruned_is_pruned_when_it_can_be(issuers):
    """Another issuer has pruned it, and signed a bundle that says so."""
    a, b = issuers
    expired = with_an_expired_line(issuers)
    with read_only(b.path("public")):
        in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
        assert b.ask(wire.BUNDLE)[0] == "unavailable"
    assert b.published(0, within=60) == []
    assert one_bundle(issuers)["revoked"]["count"] == 0


@contextlib.contextmanager
def no_record(issuer):
    """Its numbers cannot be recorded."""
    state = issuer.path("state/bundle/state")
    os.rename(state, state + ".kept")
    os.mkdir(state)  # a file cannot replace it
    yield
    os.rmdir(state)
    os.rename(state + ".kept", state)


def test_no_line_is_pruned_before_it_is_recorded_that_it_will_be(issuers):
    a, b = issuers
    expired = with_an_expired_line(issuers)
    with no_record(b):
        in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
        assert b.ask(wire.BUNDLE)[0] == "unavailable" and len(b.revoked()) == 1
    in_the_row(issuers, own_key(a), fetch(a)[1], revoked=digest(b"", expired))
    assert until(lambda: b.ask(wire.BUNDLE)[0] == "ok") and b.revoked() == []
    assert int(b.text("state/bundle/state").split()[2]) == expired


HOSTILE_LISTS = {
    "deleted": "DELETE FROM revoked",
    "shortened": "UPDATE revoked SET last_access_exp = 1",
    "unnoticed": "INSERT INTO revoked SELECT decode(repeat('ab', 16), 'hex'), 4000000000, 4000000000, 0",
    "counter set back": "UPDATE counter SET value = 0",
    "counter set forward": "UPDATE counter SET value = 1000000000000",
}


@pytest.mark.parametrize("name", HOSTILE_LISTS)
def test_a_database_user_makes_no_two_lists_and_ends_no_revocation(issuers, name):
    a, b = issuers
    assert b.ping() == "ok"  # it has started
    refresh, access = a.obtain()
    assert a.blacklist(refresh) == "ok" and b.published(1, within=60)
    issuers.sql(HOSTILE_LISTS[name])
    # An issuer that begins with an empty list, as on a new machine.
    b.end()
    os.unlink(b.path("public/revoked"))
    b.start()
    said = one_bundle(issuers)
    assert {sid(access)} <= set(a.revoked()) == set(b.revoked())
    assert said["revoked"]["count"] == (2 if name == "unnoticed" else 1)
    assert a.refresh(refresh)[0] == b.refresh(refresh)[0] == "blacklisted"
    refresh = a.obtain()[0]
    assert a.blacklist(refresh) == "ok"
    assert b.verify(refresh) == "blacklisted" and len(b.revoked()) == said["revoked"]["count"] + 1


def test_rows_that_no_issuer_writes_are_refused_by_the_tables(issuers):
    for values in ("'\\x00', 1, 1, 1", "decode(repeat('ab', 16), 'hex'), -1, 1, 1"):
        with pytest.raises(Exception, match="check constraint"):
            issuers.sql(f"INSERT INTO revoked VALUES ({values})")


# The bundle


@pytest.mark.fleet(NO_CACHE, n=3)
def test_one_issuer_signs_and_the_others_serve_its_text(issuers):
    first = one_bundle(issuers)
    logged_out = issuers[1].obtain()[0]
    assert one_bundle(issuers) == first  # a login changes nothing
    assert issuers[1].blacklist(logged_out) == "ok"
    after = one_bundle(issuers)
    assert after["seq"] > first["seq"] and after["revoked"]["count"] == 1
    issuers[0].restart()
    restarted = one_bundle(issuers)
    assert all(restarted[name] == after[name] for name in ("iss", "epoch", "keys", "revoked"))


@pytest.mark.fleet(NO_CACHE, n=3)
def test_issuers_that_are_asked_at_once_after_a_logout_sign_one_bundle(issuers):
    assert until(lambda: len(one_bundle(issuers)["keys"]) == len(issuers)), "all have the keys of all"
    for n in range(1, 6):
        assert issuers[n % 3].blacklist(issuers[0].obtain()[0]) == "ok"
        member = itertools.cycle(issuers)
        texts = set(at_once(12, lambda: fetch(next(member))[0]))
        assert len(texts) == 1 and claims(texts.pop())["revoked"]["count"] == n


def test_a_new_key_is_in_the_next_bundle_of_every_issuer(issuers):
    """The text in the store is less than 30 s old, but lacks the key."""
    keys = len(one_bundle(issuers)["keys"])
    for issuer in issuers:
        rotate(issuer)
        keys += 1
        assert [len(fetch(each)[1]["keys"]) for each in issuers] == [keys] * len(issuers)


def test_root_begins_an_epoch_at_any_issuer_for_all(issuers):
    a, b = issuers
    before = one_bundle(issuers)
    for epoch, issuer in ((2, a), (3, b), (4, b)):
        assert issuer.ask(wire.ADMIN_NEW_EPOCH) == ("ok", [epoch.to_bytes(8, "little")])
        said = one_bundle(issuers)
        assert said["epoch"] == epoch and said["seq"] > before["seq"]
    issuers.sql("UPDATE bundle SET text = ''")
    for issuer in issuers:
        issuer.restart()
        assert one_bundle(issuers)["epoch"] == 4
    for issuer in issuers:
        assert issuer.text("state/bundle/state").split()[0] == "4"


HOSTILE_BUNDLES = {
    "no row": "DELETE FROM bundle",
    "no text": "UPDATE bundle SET text = '', seq = seq + 1",
    "a long text": "UPDATE bundle SET text = repeat('x', 100000), seq = seq + 1",
    "another text": "UPDATE bundle SET text = 'x', seq = seq + 1",
    "seq in the future": "UPDATE bundle SET seq = 9000000000000000",
    "seq in the past": "UPDATE bundle SET seq = 1",
    "a change in the future": "UPDATE bundle SET change = 9000000000000000, seq = seq + 1",
    "an altered signature": "UPDATE bundle SET text = overlay(text placing 'AAAA' from length(text) - 20), seq = seq + 1",
}


def test_what_a_database_user_writes_into_the_row_of_the_bundle_is_not_served(issuers):
    before = one_bundle(issuers)
    for name, statement in HOSTILE_BUNDLES.items():
        issuers.sql(statement)
        after = one_bundle(issuers)
        assert before["seq"] <= after["seq"] < time.time() * 10**6 + SEQ_AHEAD, name
        assert (after["epoch"], after["revoked"]["sha256"], after["keys"]) == (
            before["epoch"], before["revoked"]["sha256"], before["keys"]), name
        before = after


def test_an_older_bundle_that_is_put_back_is_not_served(issuers):
    a, b = issuers
    one_bundle(issuers)
    old = row(issuers)
    assert a.blacklist(a.obtain()[0]) == "ok"
    assert a.ask(wire.ADMIN_NEW_EPOCH)[0] == "ok"
    now = one_bundle(issuers)
    issuers.sql("UPDATE bundle SET seq = %s, change = %s, text = %s", [old])
    b.restart()
    after = one_bundle(issuers)
    assert after["seq"] > now["seq"] and (after["epoch"], after["revoked"]["count"]) == (2, 1)


def signed_elsewhere(issuers, issuer):
    """Puts the bundle of an issuer that has a store of its own into the row."""
    text, said = fetch(issuer)
    issuers.sql("UPDATE bundle SET text = %s, seq = %s", [(text.decode(), said["seq"])])


@pytest.mark.issuer("[Token]\nIssuer=https://login.example\nAudience=site.example\n")
def test_a_bundle_that_an_issuer_that_is_not_listed_has_signed_is_not_served(issuers, issuer):
    before = one_bundle(issuers)
    assert issuer.ask(wire.ADMIN_NEW_EPOCH)[0] == "ok"
    signed_elsewhere(issuers, issuer)
    after = one_bundle(issuers)
    assert after["epoch"] == before["epoch"] and after["keys"] == before["keys"]
    assert chain(issuers[0])[-1] != chain(issuer)[-1]
    logs = "".join(each.text("log") for each in issuers)
    assert "Bundle in the store not used" in logs and "none of its bundle keys is trusted here" in logs


def in_the_row(issuers, key, said, **changes):
    """Puts a bundle with this content into the row, signed by a key without predecessors."""
    said = {**said, "seq": said["seq"] + 1, "bundle_keys": [{"jwk": key.jwk}], **changes}
    text = key.sign({"alg": "EdDSA", "typ": "jwt-bundle", "kid": key.kid}, said)
    issuers.sql("UPDATE bundle SET text = %s, seq = %s", [(text, said["seq"])])


def test_a_bundle_of_a_bundle_key_that_was_replaced_changes_nothing(issuers):
    before, stolen = one_bundle(issuers), own_key(issuers[0])
    in_the_row(issuers, stolen, before, epoch=2)  # as long as the key is not replaced, it counts
    before = one_bundle(issuers)
    assert before["epoch"] == 2
    rotate_either(issuers[0], bundle=1)
    follow(*issuers)
    for issuer in issuers:
        assert until(lambda: issuers.thumbprints[0] not in  # pylint: disable=cell-var-from-loop
                     [line.split()[1] for line in issuer.text("state/bundle/issuers").splitlines()])
    for restarted in (False, True):
        in_the_row(issuers, stolen, before, epoch=10**6)
        for issuer in issuers if restarted else []:
            issuer.restart()
        after = one_bundle(issuers)
        assert after["epoch"] == 2 and after["seq"] > before["seq"]
        assert [issuer.text("state/bundle/state").split()[0] for issuer in issuers] == ["2", "2"]
        before = after


def test_after_a_rotation_of_a_bundle_key_the_text_of_the_old_one_is_replaced_without_a_warning(issuers):
    for n in range(4):
        signer, other = issuers[n % 2], issuers[1 - n % 2]
        for _ in range(2):  # the second time its chain has the new key alone
            assert other.blacklist(other.obtain()[0]) == "ok"
            before = fetch(signer)[1]
            assert one_bundle(issuers) == before
            new, old = rotate_either(signer, bundle=1)
            follow(*issuers)
            assert one_bundle(issuers)["seq"] > before["seq"]
            assert signer.ask(wire.ADMIN_RETIRE, old.encode(), OF_BUNDLE)[0] == "ok"
            follow(*issuers)
        assert other.blacklist(other.obtain()[0]) == "ok"
        assert chain(signer) == [new]
        one_bundle(issuers)
    assert "Bundle in the store not used" not in "".join(issuer.text("log") for issuer in issuers)


def test_numbers_that_could_not_be_recorded_are_raised_again(issuers):
    a, b = issuers
    one_bundle(issuers)
    with no_record(b):
        assert a.ask(wire.ADMIN_NEW_EPOCH)[0] == "ok"
        assert until(lambda: b.ask(wire.BUNDLE)[0] == "unavailable")
    assert until(lambda: b.ask(wire.BUNDLE)[0] == "ok")
    assert fetch(b)[1]["epoch"] == 2 and b.text("state/bundle/state").split()[0] == "2"


@pytest.mark.issuer("[Token]\nIssuer=https://other.example\nAudience=site.example\n")
def test_the_bundle_of_another_iss_is_not_served_though_its_key_is_ours(issuers, issuer):
    before = one_bundle(issuers)
    issuer.end()
    shutil.rmtree(issuer.path("state/bundle"))
    shutil.copytree(issuers[0].path("state/bundle"), issuer.path("state/bundle"))
    issuer.start()
    assert issuer.ask(wire.ADMIN_NEW_EPOCH)[0] == "ok"
    signed_elsewhere(issuers, issuer)
    after = one_bundle(issuers)
    assert after["iss"] == before["iss"] and after["epoch"] == before["epoch"]
    assert "claim 'iss': expected 'https://login.example'" in "".join(each.text("log") for each in issuers)


# What a host fetches


def over_http(d, path):
    reply = d.request("GET", path)
    assert reply.status == 200, (path, reply.status, reply.body)
    return reply.body


def fits(bundle, content):
    said = claims(bundle)["revoked"]
    return said == digest(content, said["pruned_until"])


def test_the_list_that_one_issuer_serves_is_that_of_a_bundle_which_another_has_just_signed(fleet):
    a, b = fleet
    for n in range(1, 7):
        pair = a.obtain(ALICE)
        assert a.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
        assert payload(pair["access"])["sid"].encode() in over_http(b, REVOKED)
        assert fits(over_http(b, BUNDLE), over_http(a, REVOKED)) and fits(over_http(a, BUNDLE), over_http(b, REVOKED))
        a, b = b, a


def test_a_logout_between_bundle_and_list_is_in_both_when_they_are_fetched_once_more(fleet):
    a, b = fleet
    for _ in range(4):
        pair = a.obtain(ALICE)
        bundle = over_http(a, BUNDLE)
        assert b.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
        assert not fits(bundle, over_http(b, REVOKED))
        assert fits(over_http(b, BUNDLE), over_http(a, REVOKED))
        a, b = b, a


class Balancer(http.server.ThreadingHTTPServer):
    """Forwards each request to the next member. `before` is called once, before a list is asked for."""

    daemon_threads = True

    def __init__(self, fleet):
        super().__init__(("127.0.0.1", 0), Forward)
        self.members, self.before, self.lists = itertools.cycle(fleet), None, 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Forward(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.lists += self.path == REVOKED
        if self.path == REVOKED and self.server.before:
            self.server.before()
            self.server.before = None
        reply = next(self.server.members).request("GET", self.path)
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *args):
        pass


def test_a_host_that_gets_bundle_and_list_from_different_issuers_has_every_logout(fleet):
    """One logout in two comes between the bundle and the list: then both are fetched once more."""
    balancer, host = Balancer(fleet), Host()
    host.set(balancer.url, *fleet.thumbprints)
    ended = []

    def log_out():
        pair = fleet[len(ended) % 2].obtain(ALICE)
        ended.append(payload(pair["access"])["sid"])
        assert fleet[len(ended) % 2].post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200

    for n in range(6):
        log_out()
        balancer.before = log_out if n % 2 else None
        balancer.lists = 0
        host.sync().ok()
        assert balancer.lists == (2 if n % 2 else 1)
        found = [entry.split(b" ")[0].decode() for entry in host.read("var/lib/jwt/revoked").splitlines()]
        assert found == sorted(ended)
    host.remove()
    balancer.shutdown()
    balancer.server_close()


def test_no_list_is_served_that_may_be_old(fleet):
    a, b = fleet
    over_http(b, REVOKED)
    b.hold(b.issuer)
    assert b.request("GET", REVOKED).status == 503
    b.release(b.issuer)
    assert over_http(b, REVOKED) == over_http(a, REVOKED)


def test_with_a_database_and_hmac_there_is_a_list_but_no_bundle(build, databases):
    database = Database(databases)
    d = Daemons(build, "[Token]\nAlgorithm=HS256\n", database=database)
    pair = d.obtain(ALICE)
    assert d.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
    assert payload(pair["access"])["sid"].encode() in over_http(d, REVOKED)
    assert d.request("GET", BUNDLE).status == 404
    d.stop()
    database.drop()
