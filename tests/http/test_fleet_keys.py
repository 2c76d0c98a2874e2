"""The keys of several issuers on one database, and a hostile user of the database."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest
from daemons import payload, until
from fleet_rows import BUMP, document, documents, follow, forged, ignored, kids, own_key, refused_everywhere, retire_now, rotate
from test_signing import kid

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sync"))
from issuer import Key, letters  # noqa: E402 pylint: disable=wrong-import-position


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
