"""The bundle of the issuer and the list of revoked sessions, which other hosts fetch."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import threading
import time

import pytest
import wire
from daemons import ALICE, request_bytes, until
from replies import GET_ONLY, NOT_FOUND, is_answer
from test_signing import good, kid, published, retire, rotate

BUNDLE = "/.well-known/jwt-bundle"
REVOKED = "/.well-known/jwt-revoked"
NOW, OF_BUNDLE = 1, 2


def part(letters):
    return json.loads(base64.urlsafe_b64decode(letters + b"=" * (-len(letters) % 4)))


def claims(text):
    return part(text.split(b".")[1])


def fetch(issuer):
    """(text, payload) of the bundle."""
    status, fields = issuer.ask(wire.BUNDLE)
    assert status == "ok", status
    text, numbers = fields[0], [int.from_bytes(f, "little") for f in fields[1:]]
    said = claims(text)
    assert numbers == [said["iat"], said["seq"], said["revoked"]["count"]], (numbers, said)
    return text, said


def digest(content, pruned_until):
    lines = [line for line in content.splitlines(True) if int(line[23:33]) > pruned_until]
    letters = base64.urlsafe_b64encode(hashlib.sha256(b"".join(lines)).digest()).rstrip(b"=").decode()
    return {"sha256": letters, "count": len(lines), "pruned_until": pruned_until}


def states(issuer):
    return {key["kid"]: key["state"] for key in fetch(issuer)[1]["keys"]}


def chain(issuer):
    return [entry["jwk"]["kid"] for entry in fetch(issuer)[1]["bundle_keys"]]


def describes_the_list(issuer, said):
    content = issuer.text("public/revoked").encode()
    assert said["revoked"] == digest(content, said["revoked"]["pruned_until"]), (said, content)


# The bundle


def test_a_bundle_has_the_keys_and_the_digest_and_is_signed_by_a_key_that_signs_no_tokens(issuer):
    before = time.time()
    text, said = fetch(issuer)
    head = part(text.split(b".")[0])
    assert (head["alg"], head["typ"]) == ("EdDSA", "jwt-bundle") and len(text) <= 2048, (head, len(text))
    assert [head["kid"]] == [entry["jwk"]["kid"] for entry in said["bundle_keys"]] and "by" not in said["bundle_keys"][0]
    assert head["kid"] not in published(issuer)
    token_key, = said["keys"]
    assert token_key["state"] == "signing" and token_key["kid"] == kid(issuer.obtain()[1])
    assert token_key.items() > json.loads(issuer.text("public/jwks.json"))["keys"][0].items()
    assert not {"d", "k"} & (set(token_key) | set(said["bundle_keys"][0]["jwk"]))
    assert said["exp"] == said["iat"] + 3600 and before - 1 <= said["iat"] <= time.time(), said
    assert said["epoch"] == 1 and int(before * 1e6) - 10**6 <= said["seq"] <= int(time.time() * 1e6), said
    describes_the_list(issuer, said)
    for path in ("bundle", "bundle/signer", "bundle/state", f"bundle/{head['kid']}.jwk"):
        found = os.path.join(issuer.path("state"), path)
        assert not os.path.exists(found) or os.stat(found).st_mode & 0o077 == 0, path


def test_a_signature_is_used_again_until_something_changes(issuer):
    first, said = fetch(issuer)
    assert fetch(issuer)[0] == first
    access = issuer.obtain()[1]
    assert fetch(issuer)[0] == first  # a login changes nothing
    assert issuer.ask(wire.LOGOUT, access, b"uid 1000")[0] == "ok"
    text, after = fetch(issuer)
    assert text != first and after["seq"] > said["seq"] and after["revoked"]["count"] == 1, (said, after)
    describes_the_list(issuer, after)
    assert after["revoked"]["pruned_until"] >= said["revoked"]["pruned_until"]
    rotate(issuer)
    assert fetch(issuer)[1]["seq"] > after["seq"]


def test_no_two_bundles_have_one_seq_after_a_crash_or_with_restored_files(issuer):
    bundles = [fetch(issuer)]
    shutil.copytree(issuer.path("state"), issuer.path("backup"))
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
        issuer.restart(number)
        bundles.append(fetch(issuer))
    issuer.end()
    shutil.rmtree(issuer.path("state"))
    os.rename(issuer.path("backup"), issuer.path("state"))
    issuer.start()
    bundles.append(fetch(issuer))
    # A bundle in a database is served again after a restart.
    texts = list(dict.fromkeys(text for text, _ in bundles))
    seqs = [claims(text)["seq"] for text in texts]
    assert seqs == sorted(set(seqs)) and (issuer.database or len(texts) == 5), seqs


def test_a_seq_that_cannot_be_kept_is_not_signed_and_logins_go_on(issuer):
    fetch(issuer)
    os.rename(issuer.path("state/bundle"), issuer.path("state/moved"))
    rotate_done = issuer.ask(wire.BUNDLE)[0]
    assert rotate_done == "ok"  # signed before
    issuer.blacklist(issuer.obtain()[0])
    assert issuer.ask(wire.BUNDLE)[0] == "unavailable"
    good(issuer, issuer.obtain()[1])
    os.rename(issuer.path("state/moved"), issuer.path("state/bundle"))
    describes_the_list(issuer, fetch(issuer)[1])


def test_a_lost_directory_is_made_again_with_another_key_and_a_damaged_state_is_reported(issuer):
    first = chain(issuer)
    issuer.end()
    shutil.rmtree(issuer.path("state/bundle"))
    issuer.start()
    assert fetch(issuer)[1]["epoch"] == 1 and chain(issuer) != first
    issuer.end()
    issuer.write_file("state/bundle/state", "1 x 3\n")
    os.chmod(issuer.path("state/bundle/state"), 0o600)
    issuer.start()
    assert issuer.ask(wire.BUNDLE)[0] == "unavailable"
    assert "expected three numbers: restore it from a backup" in issuer.text("log")


@pytest.mark.issuer("[Token]\nAlgorithm=HS256\n")
def test_an_issuer_with_secrets_has_no_bundle(issuer):
    assert issuer.ask(wire.BUNDLE) == ("no_session", [])
    good(issuer, issuer.obtain()[1])


# Changes of the keys


@pytest.mark.issuer("[Token]\nKeyPropagation=2s\n")
def test_a_new_key_is_published_first_and_signs_later_by_itself(issuer):
    old = kid(issuer.obtain()[1])
    status, (new, before, start) = issuer.ask(wire.ADMIN_ROTATE, b"", 0)
    new, start = new.decode(), int.from_bytes(start, "little")
    assert (status, before) == ("ok", b"") and time.time() < start <= time.time() + 3, start
    if time.time() < start - 1:
        assert kid(issuer.obtain()[1]) == old and states(issuer) == {old: "signing", new: "next"}
    assert set(published(issuer)) == {old, new}
    issuer.restart(signal.SIGKILL)
    until(lambda: time.time() > start + 1)
    assert kid(issuer.obtain()[1]) == new and states(issuer) == {old: "old", new: "signing"}
    issuer.restart()
    assert kid(issuer.obtain()[1]) == new
    assert issuer.text("log").count(f"Signing key replaced kid={new}") == 1, issuer.text("log")


@pytest.mark.issuer("[Token]\nKeyPropagation=1h\n")
def test_at_most_four_keys_wait(issuer):
    old = kid(issuer.obtain()[1])
    waiting = [rotate(issuer)[0] for _ in range(4)]
    assert issuer.ask(wire.ADMIN_ROTATE, b"", 0)[0] == "not_allowed"
    assert states(issuer) == {old: "signing"} | dict.fromkeys(waiting, "next")
    said = retire(issuer)
    assert said["retired"] == [] and {k["kid"] for k in said["kept"]} == set(waiting)
    assert all(k["from"] > time.time() + 3500 and "until" not in k for k in said["kept"]), said
    # A key that waits may be taken out.
    assert issuer.ask(wire.ADMIN_RETIRE, waiting[1].encode(), NOW)[0] == "ok"
    assert set(states(issuer)) == {old, *waiting} - {waiting[1]}
    # In place of a stolen signer a key signs that hosts may have already.
    status, said = issuer.ask(wire.ADMIN_RETIRE, old.encode(), NOW)
    assert status == "ok" and json.loads(said[0])["signs"] in waiting, said
    assert set(states(issuer)) == {waiting[0], waiting[2], waiting[3]}


def test_a_key_that_is_retired_now_is_gone_with_its_tokens(issuer):
    refresh, access = issuer.obtain()
    stolen = kid(access)
    first = fetch(issuer)[1]
    status, said = issuer.ask(wire.ADMIN_RETIRE, stolen.encode(), NOW)
    said = json.loads(said[0])
    new = said["signs"]
    assert status == "ok" and [k["kid"] for k in said["retired"]] == [stolen] and new != stolen, said
    assert list(published(issuer)) == [new] and states(issuer) == {new: "signing"}
    assert fetch(issuer)[1]["seq"] > first["seq"]
    assert not os.path.exists(issuer.path(f"state/keys/{stolen}.jwk"))
    assert (issuer.verify(access), issuer.refresh(refresh)[0]) == ("invalid", "invalid")
    tokens = issuer.obtain()
    assert {kid(t) for t in tokens} == {new}
    issuer.restart(signal.SIGKILL)
    good(issuer, *tokens)
    assert issuer.verify(access) == "invalid"
    assert issuer.ask(wire.ADMIN_RETIRE, b"", NOW)[0] == "no_key"


def test_bundle_keys_form_a_chain_and_can_be_retired(issuer):
    first, = chain(issuer)
    for _ in range(2):
        assert issuer.ask(wire.ADMIN_ROTATE, b"", 1)[0] == "ok"
    text, said = fetch(issuer)
    kids = chain(issuer)
    assert kids[0] == first and part(text.split(b".")[0])["kid"] == kids[2], (first, kids)
    assert [entry.get("by") for entry in said["bundle_keys"]] == [None, *kids[:2]]
    assert not set(kids) & set(published(issuer)) and len(said["keys"]) == 1
    issuer.restart(signal.SIGKILL)
    assert chain(issuer) == kids
    for which in (b"", kids[0].encode() + b"x"):
        assert issuer.ask(wire.ADMIN_RETIRE, which, OF_BUNDLE)[0] == "no_key"
    status, told = issuer.ask(wire.ADMIN_RETIRE, kids[2].encode(), OF_BUNDLE)
    assert status == "ok" and json.loads(told[0]) == {"retired": [], "kept": [], "signs": kids[2]}
    assert issuer.ask(wire.ADMIN_RETIRE, kids[1].encode(), OF_BUNDLE)[0] == "ok"
    if issuer.database:  # its bundle is served for 30 s, unless the list changes
        assert issuer.blacklist(issuer.obtain()[0]) == "ok"
    said = fetch(issuer)[1]
    assert [(e["jwk"]["kid"], e.get("by")) for e in said["bundle_keys"]] == [(first, None), (kids[2], first)]
    made = 0
    while issuer.ask(wire.ADMIN_ROTATE, b"", 1)[0] == "ok":
        made += 1
    assert made == 6 and len(chain(issuer)) == 8 and len(set(chain(issuer))) == 8


def test_an_epoch_is_kept(issuer):
    assert issuer.ask(wire.ADMIN_NEW_EPOCH) == ("ok", [(2).to_bytes(8, "little")])
    assert fetch(issuer)[1]["epoch"] == 2
    issuer.restart(signal.SIGKILL)
    assert fetch(issuer)[1]["epoch"] == 2


# Over HTTP


def test_a_bundle_is_always_sent_and_never_cached(d):
    first = d.get(BUNDLE)
    assert (first.status, first.header("Content-Type"), first.header("Cache-Control")) == \
        (200, "application/jwt", "no-store"), first.raw
    assert claims(first.body)["epoch"] == 1 and len(first.body) <= 2048 and len(first.raw) <= 2400
    again = d.request("GET", BUNDLE, headers=["If-None-Match: *"])
    assert (again.status, again.body) == (200, first.body)
    head = d.request("HEAD", BUNDLE)
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", str(len(first.body)))
    assert d.post(BUNDLE, {}).status == 405
    shown = d.request("GET", "/metrics").body.decode()
    said = claims(first.body)
    for line in (f"jwtd_bundle_time_seconds {said['iat']}", f"jwtd_bundle_seq {said['seq']}", "jwtd_bundle_revoked 0"):
        assert line in shown.splitlines(), shown


def test_no_bundle_is_404_and_no_issuer_503(d, scripted):
    scripted.says(wire.BUNDLE, "no_session")
    is_answer(d.get(BUNDLE), 404, NOT_FOUND, GET_ONLY)
    scripted.answers[wire.BUNDLE] = None
    assert d.get(BUNDLE).status == 503


def test_the_list_is_sent_again_only_if_it_changed(d):
    access = d.obtain()["access"]
    assert d.post("/api/logout/", {}, headers=[f"Authorization: Bearer {access}"]).status == 200
    first, said = d.get(REVOKED), claims(d.get(BUNDLE).body)
    assert (first.status, first.header("Content-Type")) == (200, "text/plain"), first.raw
    assert said["revoked"] == digest(first.body, said["revoked"]["pruned_until"]) and said["revoked"]["count"] == 1
    tag = first.header("ETag")
    assert re.fullmatch(r'"[0-9a-f]{16}"', tag), tag
    for method in ("GET", "HEAD"):
        reply = d.request(method, REVOKED, headers=[f"If-None-Match: {tag}"])
        assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", tag), reply.raw
    head = d.request("HEAD", REVOKED)
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", "34")
    access = d.obtain()["access"]
    assert d.post("/api/logout/", {}, headers=[f"Authorization: Bearer {access}"]).status == 200
    changed = d.request("GET", REVOKED, headers=[f"If-None-Match: {tag}"])
    assert changed.status == 200 and len(changed.body) == 68 and changed.header("ETag") != tag, changed.raw
    os.remove(d.path("public/revoked"))
    assert d.get(REVOKED).status == 503


def memory(process):
    """Bytes of memory that are not shared with files, at most so far."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        found = dict(line.split(":", 1) for line in file)
    return int(found["VmHWM"].split()[0]) * 1024


def test_a_long_list_is_one_version_while_it_is_replaced_and_is_not_held_in_memory(d):
    content = b"".join(b"%022d 1999999999\n" % i for i in range(1000000))
    assert d.get(REVOKED).status == 200  # with a database, the issuer has written the file
    path = d.path("public/revoked")
    stat = os.stat(path)

    def put(text):
        with open(path + ".t", "wb") as file:
            file.write(text)
        os.chown(path + ".t", stat.st_uid, stat.st_gid)
        os.chmod(path + ".t", 0o644)
        os.rename(path + ".t", path)

    put(content)
    with d.connect() as client:
        client.sendall(request_bytes("GET", REVOKED))
        got = client.recv(4096)  # the descriptor is open
        put(b"")
        while chunk := client.recv(1 << 20):
            got += chunk
    assert got.partition(b"\r\n\r\n")[2] == content
    assert d.get(REVOKED).body == b""
    front = next(daemon for daemon in d.all if daemon.argv[0].endswith("/jwtd"))
    assert memory(front.process) < 64 << 20


@pytest.mark.daemons("[Http]\nFailureTime=300ms\nMaxConnectionsPerSource=4\n", tcp=True)
def test_pollers_of_one_source_have_its_limit_and_logins_of_others_succeed(d):
    done, answers = threading.Event(), []

    def poll():
        while not done.is_set():
            try:
                with socket.create_connection(("127.0.0.1", d.port), 10, ("127.0.0.9", 0)) as client:
                    client.sendall(request_bytes("GET", BUNDLE))
                    answers.append(client.recv(65536)[9:12])
            except OSError:  # closed by a limit
                pass

    threads = [threading.Thread(target=poll) for _ in range(12)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(answers) > 50)
        for _ in range(5):
            assert d.post("/api/token/", ALICE).status == 200
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert b"200" in answers and set(answers) <= {b"200", b"503", b""}, set(answers)
