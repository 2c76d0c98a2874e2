"""The keys of several issuers on one database, and a hostile user of the database."""

import base64
import contextlib
import glob
import json
import os
import re
import subprocess
import sys
import threading
import time

import pytest
import wire
from daemons import payload
from test_signing import kid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sync"))
from issuer import Key, letters  # noqa: E402 pylint: disable=wrong-import-position

NOW, OF_BUNDLE = 1, 2
ISS = "https://login.example"
BUMP = "UPDATE counter SET value = value + 1 WHERE name = 'keys'"


def rotate(issuer, bundle=0):
    status, (new, old, _) = issuer.ask(wire.ADMIN_ROTATE, b"", bundle)
    assert status == "ok", status
    return new.decode(), old.decode()


def retire_now(issuer, which):
    status, _ = issuer.ask(wire.ADMIN_RETIRE, which.encode(), NOW)
    assert status == "ok", status


def kids(issuer):
    return {key["kid"] for key in json.loads(issuer.text("public/jwks.json"))["keys"]}


def until(condition, within=20):
    """The condition is met as soon as an issuer has looked at the database."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def follow(*issuers):
    """Each has read the database."""
    for issuer in issuers:
        assert issuer.verify(issuer.obtain()[1]) == "ok"


def documents(fleet):
    return dict(fleet.sql("SELECT thumbprint, document FROM issuer"))


def own_key(issuer, which="bundle"):
    """A private key of an issuer."""
    path, = glob.glob(issuer.path(f"state/{which}/*.jwk"))
    with open(path, encoding="utf-8") as file:
        jwk = json.load(file)
    key = Key()
    private = base64.urlsafe_b64decode(jwk["d"] + "=")
    key.private = type(key.private).from_private_bytes(private)
    key.jwk = {name: jwk[name] for name in ("kty", "crv", "x", "kid", "alg") if name in jwk}
    key.kid = jwk["kid"]
    return key


def document(signer, *keys, iss=ISS, chain=None, typ="jwt-issuer-keys", seq=None):
    """A key document of these keys."""
    links = chain or [{"jwk": signer.jwk}]
    content = {"iss": iss, "iat": int(time.time()), "seq": seq or int(time.time() * 1000000),
               "keys": [{**key.jwk, "state": "signing"} for key in keys], "bundle_keys": links}
    return signer.sign({"alg": "EdDSA", "typ": typ, "kid": signer.kid}, content)


def forged(key, token):
    """A token with the claims of this one, signed by another key."""
    return key.sign({"alg": "EdDSA", "typ": "JWT", "kid": key.kid}, payload(token.decode())).encode()


def refused_everywhere(fleet, key, refresh, access):
    """Tokens of this key: at each issuer, and by what hosts get."""
    for issuer in fleet:
        assert issuer.verify(forged(key, access)) == "invalid"
        assert issuer.whoami(forged(key, access)) == "invalid"
        assert issuer.refresh(forged(key, refresh))[0] == "invalid"
        assert key.kid not in kids(issuer)
        text = issuer.ask(wire.BUNDLE)[1][0].decode().split(".")[1]
        assert key.kid not in {k["kid"] for k in json.loads(base64.urlsafe_b64decode(text + "=="))["keys"]}


def ignored(issuer):
    return [line for line in issuer.text("log").splitlines() if "Key document in the database ignored" in line]


def test_tokens_of_each_issuer_verify_at_the_other(issuers):
    first, other = issuers
    for one, two in ((first, other), (other, first)):
        refresh, access = one.obtain()
        assert two.verify(access) == two.whoami(access) == two.verify(refresh) == "ok"
        status, _, refresh = two.refresh(refresh)
        assert status == "ok" and one.refresh(refresh)[0] == "ok"
    until(lambda: len(kids(first)) == 2 and first.text("public/jwks.json") == other.text("public/jwks.json"))


def test_a_new_key_is_known_at_the_other_before_its_first_token(issuers):
    first, other = issuers
    for one, two in ((first, other), (other, first)) * 3:
        new, _ = rotate(one)
        refresh, access = one.obtain()
        assert kid(access) == new
        assert two.verify(access) == "ok" and two.refresh(refresh)[0] == "ok" and new in kids(two)


def test_a_key_that_is_retired_now_is_refused_at_the_other_at_once(issuers):
    first, other = issuers
    for _ in range(3):
        refresh, access = first.obtain()
        assert other.verify(access) == "ok"
        retire_now(first, kid(access))
        assert other.verify(access) == other.refresh(refresh)[0] == "invalid"
        assert kid(access) not in kids(other)


def test_a_repeated_refresh_at_the_other_gives_the_same_successor_by_its_own_key(issuers):
    first, other = issuers
    refresh, _ = first.obtain()
    _, access, successor = first.refresh(refresh)
    status, again, same = other.refresh(refresh)
    assert status == "ok" and kid(same) != kid(successor) and kid(again) == kid(same)
    assert payload(same.decode()) == payload(successor.decode()) and payload(again.decode()) == payload(access.decode())
    for issuer in issuers:
        assert issuer.verify(successor) == issuer.verify(same) == issuer.verify(again) == "ok"
    assert first.refresh(same)[0] == "ok"


def test_a_token_of_a_new_key_is_accepted_in_a_flood_of_tokens_of_unknown_keys(issuers):
    """They cause a read every 10 ms at most, and the new key comes after the last one."""
    first, other = issuers
    refresh, access = first.obtain()
    follow(first, other)
    row = [(issuers.thumbprints[0], documents(issuers)[issuers.thumbprints[0]])]
    unknown, done, answers = forged(Key(), access), threading.Event(), set()
    first.end()  # else it writes its document again

    def flood():
        while not done.is_set():
            answers.add(other.verify(unknown))

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            issuers.sql("DELETE FROM issuer WHERE thumbprint = %s", [row[0][:1]])
            issuers.sql(BUMP)
            until(lambda: other.verify(access) == "invalid")
            issuers.sql("WITH bumped AS (" + BUMP + ") INSERT INTO issuer VALUES (%s, %s)", row)
            assert other.verify(access) == "ok"
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert answers == {"invalid"} and other.refresh(refresh)[0] == "ok"


def test_a_new_bundle_key_is_followed_and_the_earlier_one_counts_no_more(issuers):
    first, other = issuers
    follow(first, other)
    stolen, attacker = own_key(first), Key()
    rotate(first, bundle=1)
    follow(first, other)
    assert set(documents(issuers)) & set(issuers.thumbprints) == {issuers.thumbprints[1]}
    new, _ = rotate(first)
    refresh, access = first.obtain()
    assert other.verify(access) == "ok" and new in kids(other)
    issuers.sql("INSERT INTO issuer VALUES (%s, %s)", [(issuers.thumbprints[0], document(stolen, attacker))])
    issuers.sql(BUMP)
    follow(first, other)
    refused_everywhere(issuers, attacker, refresh, access)
    for issuer in issuers:
        issuer.restart()
    refused_everywhere(issuers, attacker, refresh, access)
    assert other.verify(access) == "ok"


ROWS = {
    "no document": lambda attacker, own: "",
    "a key alone": lambda attacker, own: json.dumps({"keys": [attacker.jwk]}),
    "no signature": lambda attacker, own: document(attacker, attacker).rpartition(".")[0] + ".",
    "a key that is not listed": lambda attacker, own: document(attacker, attacker),
    "a key that names a listed one as its predecessor": lambda attacker, own: document(attacker, attacker, chain=[
        {"jwk": own.jwk}, {"jwk": attacker.jwk, "by": own.kid, "signature": letters(bytes(64))}]),
    "a key that signs tokens": lambda attacker, own: document(attacker, attacker, chain=[{"jwk": own.jwk}]),
    "another issuer name": lambda attacker, own: document(own, attacker, iss="https://other.example"),
    "a bundle": lambda attacker, own: document(own, attacker, typ="jwt-bundle"),
    "a token": lambda attacker, own: document(own, attacker, typ="JWT"),
    "too long": lambda attacker, own: "A" * 1000000,
    "bytes": lambda attacker, own: "\u20ac" * 20000,
}


@pytest.mark.parametrize("what", ROWS)
@pytest.mark.parametrize("where", ["a new row", "the row of an issuer"])
def test_a_row_of_a_database_user_adds_no_key(issuers, what, where):
    first, other = issuers
    refresh, access = first.obtain()
    follow(first, other)
    attacker = Key()
    text = ROWS[what](attacker, own_key(first))
    if where == "a new row":
        issuers.sql("INSERT INTO issuer VALUES (%s, %s)", [(attacker.thumbprint, text)])
    else:
        issuers.sql("UPDATE issuer SET document = %s WHERE thumbprint = %s", [(text, issuers.thumbprints[0])])
    issuers.sql(BUMP)
    follow(other, first, other)
    refused_everywhere(issuers, attacker, refresh, access)
    # An issuer whose row was changed writes it again.
    assert other.verify(access) == "ok" and documents(issuers)[issuers.thumbprints[0]] != text
    for _ in range(3):
        issuers.sql(BUMP)
        follow(first, other)
    assert len(ignored(other)) == 1, other.text("log")


def test_an_old_document_does_not_bring_back_a_key(issuers):
    first, other = issuers
    refresh, access = first.obtain()
    follow(other)
    old = documents(issuers)[issuers.thumbprints[0]]
    retire_now(first, kid(access))
    assert other.verify(access) == "invalid"
    first.end()
    issuers.sql("UPDATE issuer SET document = %s WHERE thumbprint = %s", [(old, issuers.thumbprints[0])])
    issuers.sql(BUMP)
    follow(other)
    assert other.verify(access) == other.refresh(refresh)[0] == "invalid" and kid(access) not in kids(other)
    assert "older than one that was seen" in ignored(other)[-1]
    other.restart()
    follow(other)
    assert other.verify(access) == other.refresh(refresh)[0] == "invalid" and kid(access) not in kids(other)
    first.start()
    assert other.verify(first.obtain()[1]) == "ok"


def test_a_document_of_an_earlier_bundle_key_does_not_count_beside_the_newer_one(issuers):
    """Not even for an issuer that has seen neither, and reads the earlier one first."""
    first, other = issuers
    refresh, access = first.obtain()
    follow(other)  # so that it has a file to lose
    own = [issuers.thumbprints[0]]
    earlier = documents(issuers)
    while not min(own[:-1], default="~") < own[-1]:
        rotate(first, bundle=1)
        follow(first)
        own += set(documents(issuers)) - set(own) - {issuers.thumbprints[1]}
        earlier.update(documents(issuers))
    retire_now(first, kid(access))
    other.end()
    os.remove(other.path("state/bundle/issuers"))
    issuers.sql("INSERT INTO issuer VALUES (%s, %s)", [(name, earlier[name]) for name in own[:-1]])
    issuers.sql(BUMP)
    other.start()
    assert other.verify(first.obtain()[1]) == "ok"
    assert other.verify(access) == other.refresh(refresh)[0] == "invalid" and kid(access) not in kids(other)


def test_a_removed_row_is_written_again(issuers):
    first, other = issuers
    follow(first, other)
    issuers.sql("DELETE FROM issuer")
    issuers.sql(BUMP)
    follow(first, other)
    assert set(documents(issuers)) == set(issuers.thumbprints)
    assert other.verify(first.obtain()[1]) == first.verify(other.obtain()[1]) == "ok"


def test_an_issuer_that_is_taken_out_of_the_settings_is_refused(issuers):
    first, other = issuers
    refresh, access = first.obtain()
    assert other.verify(access) == "ok"
    issuers.shared = issuers.shared.replace(issuers.thumbprints[0], "")
    issuers.configure("", [other])
    until(lambda: other.verify(access) == "invalid")
    assert other.refresh(refresh)[0] == "invalid" and kid(access) not in kids(other) and len(ignored(other)) == 1


def test_root_sees_the_keys_of_all_issuers_with_their_states_and_whose_they_are(issuers, build):
    def listed(issuer):
        words = [build + "/jwtctl/jwtctl", "key", "list", "--socket=" + issuer.path("admin"), issuer.path("public/jwks.json")]
        rows = json.loads(subprocess.run([*words, "--json"], check=True, stdout=subprocess.PIPE).stdout)
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout, {
            row["kid"]: (row["state"], row.get("bundle_key")) for row in rows if "use" not in row}

    first, other = issuers
    old = kid(first.obtain()[1])
    signing, _ = rotate(first)
    others = kid(other.obtain()[1])
    follow(first, other)
    text, rows = listed(first)
    assert rows == {old: ("old", None), signing: ("signing", None), others: ("signing", issuers.thumbprints[1])}
    assert f"  signing, issuer {issuers.thumbprints[1]}\n" in text and "  old\n" in text
    text, rows = listed(other)
    assert rows == {old: ("old", issuers.thumbprints[0]), signing: ("signing", issuers.thumbprints[0]), others: ("signing", None)}
    assert f"  old, issuer {issuers.thumbprints[0]}\n" in text and "  signing\n" in text


def test_the_reason_of_each_ignored_row_is_its_own(issuers):
    """Two rows are refused, the first with a sentence of its own, the second with none or another one."""
    first, other = issuers
    follow(first, other)
    own, attacker = own_key(first), Key()
    rows = {"0" * 43: document(attacker, attacker), "1" * 43: "", "2" * 43: document(own, attacker, iss="https://other.example")}
    issuers.sql("INSERT INTO issuer VALUES (%s, %s)", list(rows.items()))
    issuers.sql(BUMP)
    follow(other)
    reasons = [re.search(r"reason=(.*)", line)[1] for line in ignored(other)]
    print(reasons)
    assert len(set(reasons)) == 3, reasons


# Sessions


def test_rows_of_sessions_give_no_token_of_another_user(issuers):
    first, other = issuers
    refresh, access = first.obtain(b"carol")
    victim, _ = first.obtain(b"alice")
    issuers.sql("""UPDATE session SET "user" = 'alice' WHERE "user" = 'carol'""")
    for issuer in issuers:
        assert issuer.refresh(refresh)[0] == issuer.verify(access) == issuer.whoami(access) == "invalid"
    # With all of the other session but the id of the own one.
    issuers.sql("DELETE FROM session WHERE sid = %s", [(base64.urlsafe_b64decode(payload(access.decode())["sid"] + "=="),)])
    columns = ", ".join(name for name, in issuers.sql(
        "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_name = 'session' AND column_name <> 'sid'"))
    issuers.sql(f"INSERT INTO session (sid, {columns}) SELECT %s, {columns} FROM session",
                [(base64.urlsafe_b64decode(payload(access.decode())["sid"] + "=="),)])
    for issuer in issuers:
        assert issuer.refresh(refresh)[0] == issuer.verify(access) == issuer.whoami(access) == "invalid"
    assert other.refresh(victim)[0] == "ok"


LENGTHS = {"session": {"sid": 16, "refresh_jti": 16, "previous_jti": 16, "access_jti": 16, "user": 255, "source": 64, "client": 64, "kid": 1024,
                       "stamp": 16, "method": 15, "amr": 63}, "spent": {"id": 16, "issuer": 16}, "attempt": {"id": 16}}


def test_values_that_are_too_long_for_an_issuer_are_refused_by_the_tables(issuers):
    """One such row would fail every turn that it is in."""
    refresh, _ = issuers[0].obtain()
    issuers.sql("INSERT INTO spent SELECT sid, sid, 9999999999 FROM session")
    issuers.sql("INSERT INTO attempt SELECT sid, 0, 9999999999 FROM session")
    for table, columns in LENGTHS.items():
        for name, longest in columns.items():
            text = name in ("user", "source", "client", "kid", "method", "amr")
            for n in (longest, longest + 1):
                value = f"repeat('x', {n})" if text else f"decode(repeat('ab', {n}), 'hex')"
                refused = pytest.raises(Exception, match="check constraint") if n > longest else contextlib.nullcontext()
                with refused:
                    issuers.sql(f'BEGIN; UPDATE {table} SET "{name}" = {value}; ROLLBACK')
    assert issuers[1].refresh(refresh)[0] == "ok"


def test_numbers_at_the_end_of_their_range_give_no_token_and_end_no_issuer(issuers):
    first, other = issuers
    os.mkdir(first.path("jwt.conf.d"))
    first.write_file("jwt.conf.d/reuse.conf", "[Session]\nBlacklistAfterRotation=no\n")
    first.restart()
    refresh, _ = first.obtain()
    successor = first.refresh(refresh)[2]
    issuers.sql(f"UPDATE session SET rotated_at = {-2 ** 63}")
    assert first.refresh(refresh)[0] == first.refresh(successor)[0] == "ok"
    issuers.sql(f"UPDATE session SET gen = {2 ** 63 - 1}")
    assert first.refresh(successor)[0] == "blacklisted"
    issuers.sql(f"UPDATE clock SET mark = {2 ** 63 - 1}")
    began = base64.urlsafe_b64decode(payload(first.obtain()[1].decode())["sid"] + "==")[:6]
    assert int.from_bytes(began, "big") // 1000 == 253402300799
    issuers.sql("UPDATE clock SET mark = 0")
    for issuer in issuers:
        assert issuer.refresh(issuer.obtain()[0])[0] == "ok"


def test_rows_of_sessions_give_no_other_amr_and_no_later_end(issuers):
    """The previous refresh token is repeated, so that the pair of the row is signed as it is."""
    first, other = issuers
    for issuer in issuers:
        os.mkdir(issuer.path("jwt.conf.d"))
        issuer.write_file("jwt.conf.d/amr.conf", "[Token]\nAmrClaim=yes\n[Session]\nRotationGrace=5min\n")
        issuer.restart()
    refresh, access = first.obtain()
    began = payload(access.decode())["iat"]
    assert payload(access.decode())["amr"] == ["pwd"]
    assert first.refresh(refresh)[0] == "ok"
    far = began + 10 ** 9
    issuers.sql(f"UPDATE session SET amr = 'pwd otp', access_exp = {far}, refresh_exp = {far}, absolute_exp = {far},"
                f" idle_exp = {far}, rotated_at = {began + 60}, last_access_exp = {far}")
    for issuer in (first, other):
        status, access, successor = issuer.refresh(refresh)
        assert status == "ok", status
        access, successor = payload(access.decode()), payload(successor.decode())
        assert access["amr"] == successor["amr"] == ["pwd"]
        assert access["exp"] - access["iat"] <= 900 and successor["exp"] - successor["iat"] <= 7 * 86400
        assert access["iat"] <= time.time() + 1
    status, access, successor = other.refresh(issuer.refresh(refresh)[2])
    assert status == "ok" and payload(access.decode())["amr"] == ["pwd"]
    # Later than AbsoluteLifetime after its begin, as its id says.
    status, narrowed = other.ask(wire.NARROW, access, b"pam:sudo", b"", 0, 0, b"")
    assert status == "ok" and payload(narrowed[0].decode())["amr"] == ["pwd"]


def test_a_retired_key_verifies_at_an_issuer_that_never_saw_the_newer_document_until_it_does(issuers):
    """He withholds it while its owner is down."""
    first, other = issuers
    refresh, access = first.obtain()
    follow(first, other)
    old = documents(issuers)[issuers.thumbprints[0]]
    retire_now(first, kid(access))
    new = first.obtain()[1]
    assert other.verify(access) == other.refresh(refresh)[0] == "invalid"
    newer = documents(issuers)[issuers.thumbprints[0]]
    first.end()
    other.end()
    os.remove(other.path("state/bundle/issuers"))
    issuers.sql("UPDATE issuer SET document = %s WHERE thumbprint = %s", [(old, issuers.thumbprints[0])])
    issuers.sql(BUMP)
    other.start()
    assert other.verify(access) == "ok" and other.verify(new) == "invalid"
    issuers.sql("UPDATE issuer SET document = %s WHERE thumbprint = %s", [(newer, issuers.thumbprints[0])])
    issuers.sql(BUMP)
    until(lambda: other.verify(access) == "invalid")
    # Once is enough: the older one counts no more.
    issuers.sql("UPDATE issuer SET document = %s WHERE thumbprint = %s", [(old, issuers.thumbprints[0])])
    issuers.sql(BUMP)
    follow(other)
    assert other.verify(access) == other.refresh(refresh)[0] == "invalid"
    # The owner writes it again.
    first.start()
    assert first.verify(new) == other.verify(new) == "ok" and other.verify(access) == first.verify(access) == "invalid"


class SessionRow:
    """The session of a refresh token as a database user saw it, to be put back."""

    def __init__(self, issuers, token):
        self.sql, self.sid = issuers.sql, base64.urlsafe_b64decode(payload(token.decode())["sid"] + "==")
        self.row, = self.sql("SELECT * FROM session WHERE sid = %s", [(self.sid,)])

    def put_back(self, change=None):
        for table in ("revoked", "session"):
            self.sql(f"DELETE FROM {table} WHERE sid = %s", [(self.sid,)])
        self.sql(f"INSERT INTO session VALUES ({', '.join(['%s'] * len(self.row))})", [self.row])
        if change:
            self.sql(f"UPDATE session SET {change} WHERE sid = %s", [(self.sid,)])


def log_out(issuers, refresh):
    assert issuers[0].blacklist(refresh) == "ok"


def replace_generation(issuers, refresh):
    until(lambda: issuers[0].refresh(issuers[0].refresh(refresh)[2])[0] == "ok")


def end_by(column):
    def end(issuers, _):
        issuers.sql(f"UPDATE session SET {column} = 1000")
    return end


def new_account(name, value):
    def end(issuers, _):
        for issuer in issuers:
            setattr(issuer.login, name, value)
    return end


OF_NEW = "{0} = (SELECT {0} FROM session ORDER BY created_at DESC LIMIT 1)"
ENDS = {
    "a logout": (log_out, None),
    "a replaced generation": (replace_generation, None),
    "IdleLifetime=": (end_by("idle_exp"), None),
    "ExchangeLifetime=": (end_by("absolute_exp"), None),
    "a changed uid": (new_account("uid", 1001), OF_NEW.format("uid")),
    "a changed password": (new_account("stamp", b"1" * 16), OF_NEW.format("stamp")),
}


@pytest.mark.fleet("[Session]\nRotationGrace=0\nAccountCacheTime=0\n")
@pytest.mark.parametrize("what", ENDS)
def test_a_session_whose_row_is_put_back_goes_on_for_its_user_until_AbsoluteLifetime(issuers, what):
    first, other = issuers
    refresh, access = first.obtain()
    row = SessionRow(issuers, refresh)
    end, change = ENDS[what]
    end(issuers, refresh)
    assert other.refresh(refresh)[0] != "ok"
    first.obtain()
    row.put_back(change)
    status, successor, token = other.refresh(refresh)
    assert status == "ok" and payload(successor.decode())["sub"] == payload(access.decode())["sub"]
    # It was ended, so hosts refuse its access tokens, old and new.
    if payload(access.decode())["sid"] in first.revoked():
        assert payload(successor.decode())["sid"] in other.revoked()
    else:
        assert what not in ("a logout", "a replaced generation")
    for issuer in issuers:
        issuer.configure(issuer.text("jwt.conf").replace("[Session]\n", "[Session]\nAbsoluteLifetime=1s\n"))
        issuer.restart()
    row.put_back("absolute_exp = 10 ^ 15, idle_exp = 10 ^ 15, purge_at = 10 ^ 15")
    began = payload(access.decode())["iat"]
    until(lambda: time.time() > began + 2)
    assert other.refresh(refresh)[0] != "ok" and first.refresh(token)[0] != "ok"
