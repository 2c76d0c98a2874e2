"""Several issuers on one PostgreSQL: any of them answers for all. $ROUNDS: rounds of a race (default 5)."""

import base64
import contextlib
import os
import random
import signal
import threading
import time

import pytest
from daemons import ALICE, QUICK, payload, request_bytes, sent_at_once, until
from fleet import SETTINGS
from issuer_daemon import SOURCE
from test_exchange import Site
from test_kill import BRIEF, KILLS, Broken, Client, exchanged, wait_for_work
from test_sessions import all_are_over, end, sessions, sid
from users import changed_shadow
from wire import OBTAIN, STATUS, message, read
from wire import REFRESH as REFRESH_REQUEST

ROUNDS = int(os.environ.get("ROUNDS", "5"))
NO_GRACE = QUICK.replace("RotationGrace=1s", "RotationGrace=0")
REFRESH = "/api/token/refresh/"
EACH = 8  # connections to each member at once


def refresh(d, token):
    return d.post(REFRESH, {"refresh": token})


def ids(pair):
    """What all issuers must agree on: each signs with its own key."""
    return tuple(payload(pair[kind])["jti"] for kind in ("refresh", "access"))


def at_once(fleet, path, body, headers=None):
    """The same request to all members, EACH times."""
    return sent_at_once([member.connect() for member in fleet for _ in range(EACH)],
                        request_bytes("POST", path, body, headers))


# Refresh

@pytest.mark.fleet(n=3)
def test_a_token_is_refreshed_at_any_issuer_in_any_order(fleet):
    pair = fleet[0].obtain()
    for step in range(20):
        first, again, between = random.choices(fleet, k=3)
        assert between.get("/api/user/", pair["access"]).json()["username"] == "alice"
        reply = refresh(first, pair["refresh"])
        assert reply.status == 200, (step, reply.raw)
        same = refresh(again, pair["refresh"])
        assert same.status == 200 and ids(same.json()) == ids(reply.json()), (step, same.raw)
        pair = random.choice((reply, same)).json()


@pytest.mark.fleet(n=3)
def test_one_token_sent_to_all_issuers_at_once_has_one_successor(fleet):
    for _ in range(ROUNDS):
        pair = random.choice(fleet).obtain()
        replies = at_once(fleet, REFRESH, {"refresh": pair["refresh"]})
        assert [r.status for r in replies] == [200] * len(replies), [r.raw for r in replies if r.status != 200]
        successors = {ids(r.json()) for r in replies}
        assert len(successors) == 1 and ids(pair) not in successors, successors


def test_a_refresh_that_was_answered_503_is_not_run_later(fleet):
    """Its client has gone on at the other issuer: it would count as a token that is used again."""
    first, other = fleet
    pair = first.obtain()
    first.issuer.process.send_signal(signal.SIGSTOP)
    try:
        late = refresh(first, pair["refresh"])
        for _ in range(2):
            pair = refresh(other, pair["refresh"]).json()
    finally:
        first.issuer.process.send_signal(signal.SIGCONT)
    assert late.status == 503, late.raw
    for _ in range(3):
        reply = refresh(first, pair["refresh"])
        assert reply.status == 200, reply.raw
        pair = reply.json()


@pytest.mark.fleet(NO_GRACE, n=3)
def test_without_grace_one_token_sent_to_all_issuers_at_once_has_one_successor_at_most(fleet):
    for _ in range(ROUNDS):
        pair = random.choice(fleet).obtain()
        replies = at_once(fleet, REFRESH, {"refresh": pair["refresh"]})
        assert sorted(r.status for r in replies) == [200] + [401] * (len(replies) - 1), [r.raw for r in replies]
        successor, = (r.json() for r in replies if r.status == 200)
        for member in fleet:
            all_are_over(member, successor)


@pytest.mark.fleet(NO_GRACE)
def test_a_reuse_at_another_issuer_ends_the_session_everywhere(fleet):
    a, b = fleet
    pair = a.obtain()
    successor = refresh(a, pair["refresh"]).json()
    assert refresh(b, pair["refresh"]).status == 401
    for member in fleet:
        all_are_over(member, successor)
        assert refresh(member, pair["refresh"]).status == 401


# Sessions

def test_a_logout_at_one_issuer_is_a_refusal_at_another_at_once(fleet):
    a, b = fleet
    for _ in range(ROUNDS):
        pair = a.obtain()
        assert refresh(b, pair["refresh"]).status == 200
        assert a.post("/api/token/blacklist/", {"refresh": pair["refresh"]}).status == 200
        all_are_over(b, pair)
        again = b.post("/api/token/blacklist/", {"refresh": pair["refresh"]})
        assert again.status == 401 and again.json()["detail"] == "Token is blacklisted", "the second logout changes nothing"
        a, b = b, a


def test_sessions_of_all_issuers_are_listed_and_ended_at_any(fleet):
    a, b = fleet
    pairs = [a.obtain(), b.obtain(), a.obtain()]
    for member in fleet:
        listed = sessions(member, pairs[1]["access"])
        assert {x["sid"] for x in listed} == {sid(pair) for pair in pairs}
        assert [x["sid"] for x in listed if x["current"]] == [sid(pairs[1])]
    assert end(b, sid(pairs[0]), pairs[1]["access"]).status == 204
    all_are_over(a, pairs[0])
    assert a.post("/api/logout/all/", {}, [f"Authorization: Bearer {pairs[2]['access']}"]).status in (200, 204)
    for member in fleet:
        for pair in pairs:
            all_are_over(member, pair)


@pytest.mark.fleet("[Session]\nMaxSessionsPerUser=3\nFailuresPerUser=0\nLoginsPerUser=0\n[Http]\nFailuresPerSource=0\n")
def test_logins_at_two_issuers_at_the_same_time_see_each_other(issuers):
    """Neither can add its session until both have counted: one must wait for the other before it counts."""
    for issuer in issuers:
        issuer.obtain()
    with contextlib.closing(issuers.cluster.connect(issuers.cluster.url_of("postgres", issuers.name))) as test:
        test.cursor().execute("BEGIN; LOCK TABLE session IN SHARE MODE")
        clients = [issuer.send(message(OBTAIN, b"alice", b"secret one", SOURCE)) for issuer in issuers]
        until(lambda: issuers.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0] == 2)
        test.cursor().execute("COMMIT")
    assert [STATUS[read(client.recv(65536))[0]] for client in clients] == ["ok", "ok"]
    assert issuers.sql("SELECT count(*) FROM session") == [(3,)]


def test_a_login_writes_its_user_in_one_statement(issuers):
    issuers.sql("CREATE SEQUENCE written; CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                " 'BEGIN PERFORM nextval(''written''); RETURN NULL; END';"
                'CREATE TRIGGER written BEFORE INSERT ON "user" FOR EACH STATEMENT EXECUTE FUNCTION written()')
    for n in (1, 2):
        issuers[0].obtain()
        assert issuers.sql("SELECT last_value, is_called FROM written") == [(n, True)]


@pytest.mark.fleet(SETTINGS.replace("[Session]\n", "[Session]\nMaxSessionsPerUser=3\n"))
def test_logins_at_two_issuers_at_once_are_within_MaxSessionsPerUser(fleet):
    for _ in range(ROUNDS):
        replies = at_once(fleet, "/api/token/", ALICE)
        good = [r.json() for r in replies if r.status == 200]
        assert len(good) >= 4, [r.raw for r in replies if r.status != 200]
        live, = fleet.sql("SELECT count(*) FROM session WHERE \"user\" = 'alice'")[0]
        assert live == 3, live
        accepted = [pair for pair in good if fleet[0].get("/api/user/", pair["access"]).status == 200]
        assert len(accepted) == 3, len(accepted)


def test_another_password_ends_the_sessions_at_all_issuers(fleet):
    a, b = fleet
    pairs = [a.obtain(), b.obtain()]
    with changed_shadow(lambda line: line.replace(line.split(":")[1], line.split(":")[1][:-2] + "..")):
        assert refresh(b, pairs[0]["refresh"]).status == 401 and refresh(a, pairs[1]["refresh"]).status == 401


def test_a_token_exchanged_at_two_issuers_at_once_is_exchanged_once(fleet):
    sites = [Site(member, fleet.shared) for member in fleet]
    for site in sites:
        sites[0].idp.write_keys(site.d.path("idp"))
    for _ in range(ROUNDS):
        body = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": sites[0].idp.token("ci"), "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}
        replies = at_once(fleet, "/api/token/exchange/", body)
        assert [r.status for r in replies].count(200) == 1, [r.raw for r in replies]
        assert {r.status for r in replies} == {200, 400}, [r.raw for r in replies]
        assert sites[1].post(body["subject_token"]).status == 400


def test_an_exchanged_token_whose_row_is_deleted_can_be_exchanged_until_it_expires(fleet):
    sites = [Site(member, fleet.shared) for member in fleet]
    for site in sites:
        sites[0].idp.write_keys(site.d.path("idp"))
    token = sites[0].idp.token("ci")
    assert [site.post(token).status for site in sites] == [200, 400]
    fleet.sql("DELETE FROM spent")
    assert [site.post(token).status for site in sites] == [200, 400]
    fleet.sql("DELETE FROM spent")
    expired = sites[0].idp.token("ci", iat=int(time.time()) - 600, exp=int(time.time()) - 300)
    assert [site.post(expired).status for site in sites] == [400, 400]


# An issuer dies

class AnyIssuer:
    """What a client of test_kill.py sends its requests to."""

    def __init__(self, issuers):
        self.issuers = issuers

    def send(self, packet):
        return random.choice(self.issuers.members).send(packet)


class FleetClient(Client):
    def rotate(self, token):
        status, values = self.ask(REFRESH_REQUEST, token, SOURCE)
        if status != "ok":
            raise Broken(f"a session was lost: its newest token was answered {status}")
        jtis = [payload(value.decode())["jti"] for value in values]
        if self.successors.setdefault(token, jtis) != jtis:
            raise Broken("one token has two successors")
        return values[1], values[0]


@pytest.mark.fleet(BRIEF, n=2)
def test_an_issuer_that_is_killed_under_load_loses_nothing(issuers):
    """The clients keep what they were told, and repeat what got no reply at any issuer: each refresh token has one
    successor, no session is lost, and none that ended comes back."""
    ends = threading.Event()
    clients = [FleetClient(AnyIssuer(issuers), ends) for _ in range(6)]
    for client in clients:
        client.start()
    try:
        for number in range(KILLS):
            wait_for_work(clients)
            issuers[number % 2].restart(signal.SIGKILL)
    finally:
        ends.set()
    for client in clients:
        client.join(60)
        assert not client.is_alive() and not client.error, client.error
    ended = {name for client in clients for name in client.over}
    print(f"# {KILLS} kills: {sum(c.sent for c in clients)} requests, {sum(c.replayed for c in clients)} replayed, "
          f"{exchanged(clients)} tokens exchanged, {len(ended)} sessions ended")
    assert exchanged(clients) >= KILLS
    revoked = {base64.urlsafe_b64encode(row).rstrip(b"=").decode() for row, in issuers.sql("SELECT sid FROM revoked")}
    assert ended <= revoked
