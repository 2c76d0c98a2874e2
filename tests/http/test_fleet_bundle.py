"""One bundle, whichever of several issuers on one PostgreSQL is asked, and what a host fetches from them."""

import http.server
import itertools
import os
import shutil
import sys
import threading
import time

import pytest
import wire
from daemons import ALICE, Daemons, payload, until
from fleet import Database
from fleet_rows import OF_BUNDLE, follow, in_the_row, no_record, one_bundle, own_key, rotate, row
from issuer_daemon import NO_CACHE, at_once
from test_bundle import BUNDLE, REVOKED, chain, claims, digest, fetch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sync"))
from host import Host  # noqa: E402 pylint: disable=wrong-import-position

SEQ_AHEAD = 300 * 10**6  # hosts refuse more


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
    until(lambda: len(one_bundle(issuers)["keys"]) == len(issuers))  # all have the keys of all
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


def test_a_bundle_of_a_bundle_key_that_was_replaced_changes_nothing(issuers):
    before, stolen = one_bundle(issuers), own_key(issuers[0])
    in_the_row(issuers, stolen, before, epoch=2)  # as long as the key is not replaced, it counts
    before = one_bundle(issuers)
    assert before["epoch"] == 2
    rotate(issuers[0], bundle=1)
    follow(*issuers)
    for issuer in issuers:
        until(lambda: issuers.thumbprints[0] not in  # pylint: disable=cell-var-from-loop
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
            new, old = rotate(signer, bundle=1)
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
        until(lambda: b.ask(wire.BUNDLE)[0] == "unavailable")
    until(lambda: b.ask(wire.BUNDLE)[0] == "ok")
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


def test_a_list_that_the_client_has_is_not_sent_again(fleet):
    """If-None-Match is read after the issuer was asked."""
    a, b = fleet
    tag = a.request("GET", REVOKED).header("ETag")
    known = [f"If-None-Match: {tag}"]
    reply = a.request("GET", REVOKED, headers=known)
    assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", tag), reply.raw
    assert b.post("/api/token/blacklist/", {"refresh": b.obtain(ALICE)["refresh"]}).status == 200
    reply = a.request("GET", REVOKED, headers=known)
    assert reply.status == 200 and reply.body == over_http(b, REVOKED), reply.raw


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
