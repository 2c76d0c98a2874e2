"""POST /api/token/exchange/ (RFC 8693): tokens of other issuers, and attacks with them."""

import json
import os
import sys
import threading
import time
import urllib.parse
import uuid

import pytest
from daemons import ALICE, QUICK, payload

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from foreign import SHAPES, Issuer, b64  # noqa: E402

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
IDP, OTHER, SESSION, CLOSED = (f"https://{name}.example" for name in ("idp", "other", "session", "closed"))
MAP = """# users of the tests
{issuer} "*@corp.example" *
{issuer} ci alice
{issuer} boss root
{issuer} uid0 toor
{issuer} gone ghost
{issuer} locked bob
{issuer} daemon-* * system
{issuer} x-* *
{issuer} Fold-* * fold
"""


class Site:
    """The daemons with sections for other issuers, whose keys are in .idp, .other, ..."""

    def __init__(self, d, more=""):
        self.d = d
        d.request("GET", "/healthz")
        self.idp, self.other = Issuer(IDP), Issuer(OTHER, "ES256")
        self.session, self.closed = Issuer(SESSION, "ES256"), Issuer(CLOSED, "ES256")
        text = QUICK + more
        for issuer, words in ((self.idp, "Exchange=yes\n"), (self.other, "Exchange=yes\n"),
                              (self.session, "Exchange=yes\nSession=yes\nExchangeLifetime=2h\n"), (self.closed, "")):
            name = issuer.url[8:].split(".")[0]
            issuer.write_keys(d.path(name))
            d.write(name + ".map", MAP.format(issuer=issuer.url))
            text += (f"[Issuer {issuer.url}]\nKeys={d.path(name)}\nUserMap={d.path(name)}.map\nAudience=jwt-login\n"
                     f"Type=\n{words}")
        self.set(text)

    def set(self, text):
        """New settings, for new processes."""
        self.d.write("jwt.conf", text)
        self.settings = text
        for daemon in self.d.all:
            self.d.kill(daemon, 15)

    def post(self, token, scope=None, audience=None, **more):
        body = {"grant_type": GRANT, "subject_token": token, "subject_token_type": JWT, **more}
        body.update({k: v for k, v in (("scope", scope), ("audience", audience)) if v is not None})
        return self.d.post("/api/token/exchange/", {k: v for k, v in body.items() if v is not None})

    def good(self, token, **more):
        reply = self.post(token, **more)
        assert reply.status == 200, reply.raw
        return reply.json()

    def refused(self, token, error="invalid_request", words="", **more):
        reply = self.post(token, **more)
        assert reply.status == 400, reply.raw
        body = reply.json()
        assert body["error"] == error and words in json.dumps(body), reply.raw
        return body

    def user(self, access):
        reply = self.d.get("/api/user/", access)
        return reply.json()["username"] if reply.status == 200 else None

    def sessions(self):
        return self.d.get("/api/sessions/", self.d.obtain()["access"]).json()


@pytest.fixture
def site(d):
    return Site(d)


# What it answers


def test_a_token_of_another_issuer_is_exchanged_for_an_access_token(site):
    subject = site.idp.token("ci", 120)
    answer = site.good(subject)
    assert set(answer) == {"access_token", "issued_token_type", "token_type", "expires_in"}, answer
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer["token_type"] == "Bearer" and 110 < answer["expires_in"] <= 120
    claims, ours = payload(answer["access_token"]), payload(site.d.obtain()["access"])
    assert claims["exp"] <= payload(subject)["exp"], "it ends no later than the subject token"
    assert claims["sub"] == "alice" and "amr" not in claims and "scope" not in claims
    assert (claims["iss"], claims["aud"], set(claims)) == (ours["iss"], ours["aud"], set(ours))
    assert site.user(answer["access_token"]) == "alice"


def test_a_form_is_read_as_well_as_json(site):
    fields = {"grant_type": GRANT, "subject_token_type": JWT, "subject_token": site.idp.token("ci")}
    reply = site.d.post("/api/token/exchange/", urllib.parse.urlencode(fields).encode(),
                        ["Content-Type: application/x-www-form-urlencoded"])
    assert reply.status == 200 and reply.header("cache-control") == "no-store", reply.raw


def test_the_access_token_lives_no_longer_than_others(site):
    assert site.good(site.idp.token("ci", 3600))["expires_in"] == 900


def test_with_a_session_there_is_a_refresh_token_until_its_end(site):
    answer = site.good(site.session.token("ci", 60, amr=["mfa"]))
    assert answer["access"] == answer["access_token"] and 890 < answer["expires_in"] <= 900, answer
    refresh = payload(answer["refresh"])
    assert 7190 < refresh["exp"] - time.time() <= 7200, "ExchangeLifetime="
    reply = site.d.post("/api/token/refresh/", {"refresh": answer["refresh"]})
    assert reply.status == 200 and site.user(reply.json()["access"]) == "alice", reply.raw
    assert payload(reply.json()["refresh"])["exp"] <= refresh["exp"]
    assert [s["amr"] for s in site.sessions() if s["method"] == "exchange"] == [[]], "amr is never carried over"


def test_sessions_show_it_and_end_it(site):
    access = site.good(site.idp.token("ci"))["access_token"]
    row, = (s for s in site.sessions() if s["method"] == "exchange")
    assert row["sid"] == payload(access)["sid"] and row["source"] == "uid 0", row
    own = site.d.obtain()["access"]
    assert site.d.request("DELETE", f"/api/sessions/{row['sid']}/", headers=[f"Authorization: Bearer {own}"]).status == 204
    assert site.user(access) is None and row["sid"] in site.d.revoked()


def test_the_log_names_user_issuer_and_reason_and_no_token(site):
    site.good(site.idp.token("ci"))
    site.refused(site.idp.token("ci", aud="elsewhere"))
    log = site.d.read_log()
    line, = (x for x in log.splitlines() if "Token of another issuer exchanged" in x)
    assert "user=alice" in line and f"issuer={IDP}" in line and "sid=" in line and "jti=" in line, line
    line, = (x for x in log.splitlines() if "Token exchange refused" in x)
    assert f"issuer={IDP}" in line and "claim 'aud': expected 'jwt-login'" in line and "user=" not in line, line


@pytest.mark.parametrize("name", SHAPES)
def test_tokens_as_well_known_issuers_make_them(site, name):
    claims, words, lifetime, value = SHAPES[name]
    claims, now = claims(), int(time.time())
    issuer = Issuer(claims["iss"])
    issuer.write_keys(site.d.path("known"))
    site.d.write("known.map", f"{issuer.url} {value} {'*' if value[0] == '*' or value[-1] == '*' else 'alice'}\n")
    site.set(site.settings + f"[Issuer {issuer.url}]\nKeys={site.d.path('known')}\nUserMap={site.d.path('known.map')}\n"
             f"Exchange=yes\n{words}")
    token = issuer.sign({**claims, "iat": now, "nbf": now, "exp": now + lifetime})
    assert 1000 <= len(token) <= 2500, len(token)
    access = site.good(token)["access_token"]
    assert len(access) <= 511 and site.user(access) == "alice"
    site.refused(token, words="exchanged before")


# Less than a login gets


def test_scope_and_audience_restrict_the_token(site):
    site.set(site.settings.replace("[Http]\n", "[Token]\nIssuer=https://j.example\nAudience=web1 web2\n[Http]\n", 1))
    os.unlink(site.d.path("public/issuer"))
    access = site.good(site.idp.token("ci"), scope="pam:sudo", audience="web2")["access_token"]
    assert (payload(access)["scope"], payload(access)["aud"]) == ("pam:sudo", "web2")
    both = site.good(site.idp.token("ci"), audience=["web2", "web1"])["access_token"]
    assert payload(both)["aud"] == ["web1", "web2"]
    for audience in ("web3", "web1#" + "A" * 22, ["web1", "web3"]):
        site.refused(site.idp.token("ci"), "invalid_target", audience=audience)
    for scope in ('a"b', "a  b"):
        site.refused(site.idp.token("ci"), scope=scope)


def test_a_restricted_token_comes_without_a_refresh_token(site):
    answer = site.good(site.session.token("ci", 60), scope="pam:sudo")
    assert "refresh" not in answer and answer["expires_in"] <= 60, answer
    assert payload(answer["access_token"])["scope"] == "pam:sudo"
    assert "refresh" not in site.good(site.session.token("ci", 60), audience=payload(answer["access_token"])["aud"])


# Errors


def test_without_an_issuer_with_exchange_there_is_no_endpoint(site):
    token = site.idp.token("ci")
    site.set(site.settings.replace("Exchange=yes\n", ""))
    assert site.post(token).status == 404
    site.set(QUICK.replace("[Session]\n", "[Session]\nCheckAccount=no\n") +
             f"[Issuer {IDP}]\nKeys={site.d.path('idp')}\nAudience=jwt-login\nUserMap=same\nType=\nExchange=yes\n")
    assert site.post(token).status == 404, "CheckAccount=no"


def test_the_errors_are_those_of_rfc_6749_beside_ours(site):
    token = site.idp.token("ci")
    for changes, error, field in (({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
                                  ({"grant_type": None}, "invalid_request", "grant_type"),
                                  ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request",
                                   "subject_token_type"),
                                  ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
                                   "invalid_request", "requested_token_type"),
                                  ({"actor_token": "x"}, "invalid_request", "actor_token"),
                                  ({"resource": "https://x.example"}, "invalid_target", "resource")):
        body = site.refused(token, error, **changes)
        assert list(body) == ["error", field], body
    body = site.refused("no.token.here")
    assert body == {"error": "invalid_request", "error_description": "The subject token is invalid.",
                    "detail": "The subject token is invalid.", "code": "token_not_valid"}, body
    reply = site.d.post("/api/token/exchange/", b"{", ["Content-Type: application/json"])
    assert reply.status == 400 and reply.json()["error"] == "invalid_request", reply.raw
    site.good(token, requested_token_type=JWT)


# Attacks


def test_tokens_of_this_issuer_and_of_sections_without_exchange_are_refused(site):
    pair = site.d.obtain()
    ours = payload(pair["access"])["iss"]
    site.set(site.settings + f"[Issuer {ours}]\nKeys={site.d.path('public/jwks.json')}\nExchange=yes\nUserMap=same\n")
    for token in (*pair.values(), site.closed.token("ci"), Issuer("https://unknown.example", "ES256").token("ci")):
        site.refused(token, words="is invalid")
    # Signed by a key of the section, for an iss that has another section.
    site.refused(site.closed.token("ci", iss=IDP), words="is invalid")


def test_of_many_exchanges_of_one_token_one_wins(site):
    token, statuses, barrier = site.idp.token("ci"), [], threading.Barrier(24)

    def run():
        barrier.wait()
        statuses.append(site.post(token).status)

    threads = [threading.Thread(target=run) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 23, statuses
    assert sum(s["method"] == "exchange" for s in site.sessions()) == 1


def test_a_used_token_stays_used_after_a_restart_and_under_another_signature(site):
    for issuer, jti in ((site.idp, "one"), (site.other, None)):
        token = issuer.token("ci", jti=jti)
        site.good(token)
        site.d.kill(site.d.issuer)
        site.refused(token, words="exchanged before")
        if jti is None:  # the same claims, signed once more: ECDSA signatures differ
            again = token.rpartition(".")[0]
            again += "." + b64(issuer.signature(again.encode()))
            assert again != token
            site.refused(again, words="exchanged before")


def test_one_jti_is_used_once_for_each_issuer(site):
    site.good(site.idp.token("ci", jti="same"))
    site.good(site.other.token("ci", jti="same"))
    site.refused(site.idp.token("ci", 500, jti="same"), words="exchanged before")
    # A jti that is the signed text of a token without one.
    plain = site.other.token("ci", jti=None)
    site.good(site.other.token("ci", jti=plain.rpartition(".")[0]))
    site.good(plain)


def test_what_is_refused_is_not_used_up(site):
    token = site.idp.token("ci")
    site.refused(token, "invalid_target", audience="elsewhere")
    site.refused(token, "unsupported_grant_type", grant_type="x")
    site.d.hold(site.d.login)
    assert site.post(token).status == 503
    site.d.release(site.d.login)
    site.good(token)


def test_narrowed_one_time_and_bound_tokens_are_refused(site):
    for words, changes in (("restricted", {"scope": "openid pam:sudo"}), ("restricted", {"scope": ["a", "pam:*"]}),
                           ("invalid", {"one_time": True}), ("invalid", {"cnf": {"jkt": "x"}}),
                           ("invalid", {"aud": "jwt-login#" + "A" * 22})):
        site.refused(site.idp.token("ci", **changes), words=words)
    site.good(site.idp.token("ci", scope="openid profile"))


def test_the_account_is_checked_as_at_a_refresh(site):
    for value, words in (("boss", "no user"), ("uid0", "No active account"), ("gone", "No active account"),
                         ("locked", "No active account"), ("x-daemon", "No active account"), ("stranger", "no user"),
                         ("x-root", "no user"), ("daemon-root", "no user"), ("root", "no user")):
        site.refused(site.idp.token(value), words=words)
    site.set(site.settings.replace("[Session]\n", "[Session]\nDenyUsers=\n"))
    for value in ("uid0", "boss", "daemon-toor", "x-toor"):
        site.refused(site.idp.token(value), words="no user")
    site.set(site.settings.replace("Exchange=yes\n", "Exchange=yes\nAllowRoot=yes\n"))
    site.refused(site.idp.token("x-toor"), words="no user")
    assert payload(site.good(site.idp.token("daemon-toor"))["access_token"])["sub"] == "toor"
    log = site.d.read_log()
    assert "ghost" not in log and "stranger" not in log, "no name that is no account"


def test_a_locked_account_ends_the_session_at_its_refresh(site):
    answer = site.good(site.session.token("ci"))
    site.set(site.settings.replace("[Session]\n", "[Session]\nDenyUsers=alice\n"))
    assert site.d.post("/api/token/refresh/", {"refresh": answer["refresh"]}).status == 401


def test_names_that_fold_are_those_of_the_map(site):
    assert payload(site.good(site.idp.token("fold-ALICE"))["access_token"])["sub"] == "alice"
    assert payload(site.good(site.idp.token("alice@CORP.example"))["access_token"])["sub"] == "alice"
    for value in ("Alice@corp.example", "alice@corp.example.evil.example", "alice@corp.example ", "x@alice@corp.example",
                  "ALICE", "CI", "alicе@corp.example", "ali\u0000ce@corp.example", "../alice@corp.example"):
        site.refused(site.idp.token(value))


def test_an_expired_token_is_refused_also_when_it_expires_meanwhile(site):
    now = int(time.time())
    site.refused(site.idp.token("ci", iat=now - 100, exp=now - 50), words="expired")
    # Within Leeway=, which is for clocks that differ.
    site.refused(site.idp.token("ci", iat=now - 100, exp=now - 1), words="expired")
    token = site.idp.token("ci", iat=now - 100, exp=now + 2)
    with site.d.down(site.d.login):
        replies = []
        thread = threading.Thread(target=lambda: replies.append(site.post(token)))
        thread.start()
        while time.time() < now + 3:
            time.sleep(0.1)
    thread.join()
    assert replies[0].status == 400 and "expired" in replies[0].json()["detail"], replies[0].raw
    site.refused(site.idp.token("ci", iat=now + 60, exp=now + 600), words="invalid")
    site.refused(site.idp.token("ci", 2 * 86400), words="invalid")


def test_other_algorithms_and_keys_are_refused(site):
    token = site.idp.token("ci")
    head, body, signature = token.split(".")
    header = json.loads(__import__("base64").urlsafe_b64decode(head + "=="))
    for changes in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "PS256"}, {"alg": "RS512"}, {"kid": "other"},
                    {"jwk": json.loads(Issuer(IDP).jwks())["keys"][0]}, {"x5c": ["MII"]}, {"crit": ["exp"]}):
        for end in (signature, ""):
            site.refused(b64(json.dumps({**header, **changes}).encode()) + f".{body}.{end}")
    hmac_by_public_key = __import__("hmac").new(site.idp.jwks().encode(), f"{head}.{body}".encode(), "sha256").digest()
    head = b64(json.dumps({**header, "alg": "HS256"}).encode())
    site.refused(f"{head}.{body}.{b64(hmac_by_public_key)}")
    site.refused(Issuer(IDP).token("ci"))
    site.good(token)


def test_a_huge_token_is_refused(site):
    site.refused(site.idp.token("ci", padding="x" * 6200))
    assert site.d.post("/api/token/exchange/", None, ["Content-Length: 16385"]).status == 413
    site.good(site.idp.token("ci", padding="x" * 4000))


def test_only_tokens_that_verified_are_kept(site):
    import sqlite3  # pylint: disable=import-outside-toplevel
    for _ in range(40):
        site.post(site.idp.token("ci", aud="elsewhere"))
        site.post(Issuer.token(site.closed, "ci"))
        site.post("e30.e30.e30")
    site.good(site.idp.token("ci"))
    with sqlite3.connect(site.d.path("state/sessions.db")) as store:
        assert store.execute("SELECT count(*) FROM spent").fetchone()[0] == 1


def test_failures_count_by_source_and_exchanges_by_user(site):
    site.set(site.settings.replace("LoginsPerUser=0", "LoginsPerUser=2/min"))
    used = site.idp.token("ci")
    site.good(used)
    for _ in range(5):
        site.refused(used, words="before")
    site.good(site.idp.token("ci"))
    reply = site.post(site.idp.token("ci"))
    assert reply.status == 429 and int(reply.header("retry-after")) > 0, reply.raw
    site.set(site.settings.replace("FailuresPerSource=0", "FailuresPerSource=3/min"))
    statuses = [site.post("a.b.c").status for _ in range(4)]
    assert statuses == [400, 400, 400, 429], statuses
    assert site.d.post("/api/token/", ALICE).status == 429


def test_a_missing_key_file_is_503_and_logged_with_its_path(site):
    os.unlink(site.d.path("idp"))
    assert site.post(site.idp.token("ci")).status == 503
    assert site.d.path("idp") + ": " in site.d.read_log()
    site.idp.write_keys(site.d.path("idp"))
    site.good(site.idp.token("ci"))
    site.idp.kid = "a2"
    site.idp.key = Issuer(IDP).key
    site.refused(site.idp.token("ci"))
    site.idp.write_keys(site.d.path("idp"))
    site.good(site.idp.token("ci"))


def test_two_maps_do_not_mix(site):
    site.d.write("other.map", f"{IDP} ci carol\n{OTHER} {uuid.uuid4()} alice\n")
    site.refused(site.other.token("ci"), words="no user")
    assert payload(site.good(site.idp.token("ci"))["access_token"])["sub"] == "alice"
