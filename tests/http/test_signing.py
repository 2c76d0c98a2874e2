"""Key requests of root's jwtctl to jwtd-issuer: rotation and retirement, also with a crash at each step."""

import base64
import contextlib
import glob
import json
import os
import re
import signal
import threading
import time

import pytest
from daemons import now, payload, until
from wire import ADMIN_RETIRE, ADMIN_ROTATE

WEEK = 7 * 86400


def kid(token):
    head = token.split(b".")[0]
    return json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))["kid"]


def published(issuer):
    return {key["kid"]: key["alg"] for key in json.loads(issuer.text("public/jwks.json"))["keys"]}


def rotate(issuer, alg=b""):
    """(new kid, old kid)."""
    status, kids = issuer.ask(ADMIN_ROTATE, alg, 0)
    assert status == "ok", status
    return [k.decode() for k in kids[:2]]


def retire(issuer, which=b""):
    status, said = issuer.ask(ADMIN_RETIRE, which, 0)
    assert status == "ok", status
    return json.loads(said[0])


def good(issuer, *tokens):
    for token in tokens:
        assert issuer.verify(token) == "ok", payload(token.decode())


def settle_past(issuer):
    """Sets the times in `signer` so that the last token of each old key has expired."""
    path = issuer.path("state/keys/signer")
    text = re.sub(r" \d+", f" {int(now()) - 3600}", issuer.text("state/keys/signer"))
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    issuer.restart()
    assert issuer.ping() == "ok"


# Rotation


def test_a_new_key_signs_and_tokens_of_the_old_key_stay_valid(issuer):
    refresh, access = issuer.obtain()
    new, old = rotate(issuer)
    assert (kid(access).encode(), set(published(issuer))) == (old.encode(), {old, new})
    assert {kid(t) for t in issuer.obtain(b"carol")} == {new}
    good(issuer, access, refresh)
    assert issuer.whoami(access) == "ok"
    status, access2, refresh2 = issuer.refresh(refresh)
    assert (status, kid(access2), kid(refresh2)) == ("ok", new, new)
    for key in glob.glob(issuer.path("state/keys/*")):
        assert os.stat(key).st_mode & 0o7777 == 0o600, key
    issuer.restart(signal.SIGKILL)
    good(issuer, access, access2, refresh2)
    assert kid(issuer.obtain()[1]) == new
    assert issuer.text("log").count("Signing key replaced") == 1, issuer.text("log")


@pytest.mark.issuer("[Session]\nMaxSessionsPerUser=100000\nLoginsPerUser=0\n")
def test_under_rotations_no_token_is_issued_before_its_key_is_published(issuer):
    wrong, made, done = [], [], threading.Event()

    def log_in():
        while not done.is_set():
            tokens = issuer.obtain()
            keys = published(issuer)
            wrong.extend(kid(t) for t in tokens if kid(t) not in keys)
            made.extend(tokens)

    threads = [threading.Thread(target=log_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        rotate(issuer)
        before = len(made)
        until(lambda n=before: len(made) > n)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong and len({kid(t) for t in made}) > 10 and len(published(issuer)) == 13, (wrong, len(made))
    good(issuer, *(t for t in made if payload(t.decode())["token_type"] == "access"))


@contextlib.contextmanager
def killer(issuer):
    """Starts the issuer so that it is killed at a given step; returns a function that sends a request."""
    module = os.path.join(os.path.dirname(issuer.program), "../../tests/http/kill_at.so")
    assert os.path.exists(module), module
    changes = {"LD_PRELOAD": module, "KILL_AT": issuer.path("kill-at"),
               "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
    before = {name: os.environ.get(name) for name in changes}

    def at(step, op, *fields):
        """The reply, or None if the issuer was killed; it is then started again."""
        with open(issuer.path("kill-at"), "w", encoding="ascii") as file:
            file.write(str(step))
        said, fields = issuer.ask(op, *fields)
        os.remove(issuer.path("kill-at"))
        if said == "ok":
            return fields
        assert said == "closed" and issuer.process.wait(15) == -signal.SIGKILL, said
        issuer.start()
        return None

    os.environ.update(changes)
    try:
        issuer.start()
        yield at
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.mark.issuer("[Session]\nMaxSessionsPerUser=100000\nLoginsPerUser=0\n", init=False)
def test_a_kill_at_any_step_of_a_rotation_leaves_a_working_issuer(issuer):
    deaths, tokens = 0, []
    with killer(issuer) as at:
        for step in range(1, 100):
            tokens += issuer.obtain()
            if at(step, ADMIN_ROTATE, b"", 0) is not None:
                break
            deaths += 1
            pair = issuer.obtain()
            assert {kid(t) for t in pair} <= set(published(issuer)), (step, published(issuer))
            issuer.restart()
            assert kid(issuer.obtain()[0]) == kid(pair[0]), step
            good(issuer, *tokens, *pair)
            tokens += pair
    good(issuer, *tokens)
    # Four files are replaced, each by fsync, rename and fsync; the issuer is killed before and after each call.
    assert deaths == 24, deaths


@pytest.mark.issuer(init=False)
def test_a_kill_at_any_step_of_a_retirement_leaves_a_working_issuer(issuer):
    deaths = 0
    with killer(issuer) as at:
        for step in range(1, 100):
            new, old = rotate(issuer)
            settle_past(issuer)
            answer = at(step, ADMIN_RETIRE, old.encode(), 0)
            assert kid(issuer.obtain()[1]) == new and new in published(issuer), step
            if answer is not None:
                break
            deaths += 1
            retire(issuer)
            assert set(published(issuer)) == {new}, (step, published(issuer))
    # The file is removed, the directory synced, and jwks.json replaced.
    assert deaths == 10 and set(published(issuer)) == {new}, deaths


def test_a_clock_set_back_or_a_copy_of_the_keys_lets_no_old_key_sign(issuer):
    new, old = rotate(issuer)
    for name, when in ((new, 1000), (old, 4000000000)):
        os.utime(issuer.path(f"state/keys/{name}.jwk"), (when, when))
    issuer.restart()
    assert kid(issuer.obtain()[1]) == new


def test_a_key_of_another_algorithm_is_published_first_and_signs_when_the_settings_say_so(issuer):
    _, before = issuer.obtain()
    new, old = rotate(issuer, b"ES256")
    assert old == "" and published(issuer) == {new: "ES256", kid(before): "EdDSA"}
    assert kid(issuer.obtain()[1]) == kid(before)
    issuer.configure("[Token]\nAlgorithm=ES256\n")
    issuer.restart()
    _, access = issuer.obtain()
    assert kid(access) == new
    good(issuer, before, access)
    kept, = retire(issuer)["kept"]
    assert kept["kid"] == kid(before) and kept["until"] > now() + WEEK
    # And back: now the other key is the old one, since this change.
    issuer.configure("")
    issuer.restart()
    assert kid(issuer.obtain()[1]) == kid(before)
    kept, = retire(issuer)["kept"]
    assert kept["kid"] == new and kept["until"] > now() + WEEK
    good(issuer, before, access)


def test_a_reload_lets_the_key_of_another_algorithm_sign_and_keeps_the_old_one(issuer):
    _, before = issuer.obtain()
    new, _ = rotate(issuer, b"ES256")
    issuer.configure("[Token]\nAlgorithm=ES256\n")
    issuer.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        _, access = issuer.obtain()
        if kid(access) == new:
            break
        time.sleep(0.02)
    good(issuer, before, access)
    assert kid(access) == new and issuer.text("state/keys/signer")[:8] == new
    kept, = retire(issuer)["kept"]
    assert kept["kid"] == kid(before) and kept["until"] > now() + WEEK


def test_an_invalid_algorithm_makes_no_key(issuer):
    for alg in (b"none", b"HS256", b"eddsa", b"ES257", b"EdDSA "):
        assert issuer.ask(ADMIN_ROTATE, alg, 0)[0] == "no_key", alg
    assert len(published(issuer)) == 1 and issuer.ask(ADMIN_RETIRE, b"nothere", 0)[0] == "no_key"


@pytest.mark.issuer("[Token]\nAlgorithm=HS256\n")
def test_a_secret_is_rotated_and_never_published(issuer):
    _, access = issuer.obtain()
    new, old = rotate(issuer)
    assert new != old and published(issuer) == {}
    good(issuer, access, issuer.obtain()[1])
    assert "\"k\"" not in issuer.text("public/jwks.json")


def test_a_rotation_that_cannot_be_published_changes_nothing(issuer):
    refresh, access = issuer.obtain()
    os.rename(issuer.path("public"), issuer.path("away"))
    assert issuer.ask(ADMIN_ROTATE, b"", 0)[0] == "unavailable"
    os.rename(issuer.path("away"), issuer.path("public"))
    issuer.recovers()
    assert kid(issuer.obtain()[1]) == kid(access) and len(glob.glob(issuer.path("state/keys/*.jwk"))) == 1
    issuer.restart()
    assert kid(issuer.obtain()[1]) == kid(access)
    good(issuer, refresh, access)


def test_a_damaged_signer_file_is_reported_with_its_remedy(issuer):
    rotate(issuer)
    issuer.end()
    text = issuer.text("state/keys/signer")
    for bad in ("", "x\n", text[:-1], text + "\n", text.replace(" ", "  "), text.splitlines()[1] + "\n",
                text.splitlines()[0] + " 5\n", text.rstrip("\n") + "x\n"):
        with open(issuer.path("state/keys/signer"), "w", encoding="ascii") as file:
            file.write(bad)
        issuer.start()
        assert issuer.ping() == "unavailable", bad
        assert "malformed: remove it" in issuer.text("log")
        issuer.end()
    os.remove(issuer.path("state/keys/signer"))
    issuer.start()
    assert issuer.ping() == "ok"


# Retirement


def test_an_old_key_is_kept_while_its_tokens_are_valid(issuer):
    refresh, access = issuer.obtain()
    new, old = rotate(issuer)
    for which in (b"", old.encode()):
        said = retire(issuer, which)
        assert (said["retired"], said["signs"]) == ([], new), said
        kept, = said["kept"]
        assert kept["kid"] == old and kept["until"] >= payload(refresh.decode())["exp"], said
        assert kept["until"] <= now() + WEEK + 300, said
    assert set(published(issuer)) == {old, new}
    good(issuer, refresh, access)
    said = retire(issuer, new.encode())
    assert (said["retired"], said["kept"], said["signs"]) == ([], [], new), said
    assert set(published(issuer)) == {old, new}


@pytest.mark.issuer("[Token]\nRefreshTokenLifetime=20d\n[Session]\nIdleLifetime=20d\n")
def test_a_lifetime_that_was_longer_before_counts(issuer):
    refresh, _ = issuer.obtain()
    issuer.configure("")
    issuer.restart()
    rotate(issuer)
    kept, = retire(issuer)["kept"]
    assert kept["until"] >= payload(refresh.decode())["exp"] > now() + 19 * 86400, kept


def test_a_lost_store_does_not_retire_a_key_early(issuer):
    issuer.obtain()
    issuer.end()
    for file in glob.glob(issuer.path("state/sessions.db*")):
        os.remove(file)
    issuer.start()
    assert issuer.ping() == "ok"
    rotate(issuer)
    kept, = retire(issuer)["kept"]
    assert kept["until"] > now() + WEEK - 60, kept


def test_an_old_key_is_retired_when_its_last_token_has_expired(issuer):
    _, access = issuer.obtain()
    new, old = rotate(issuer)
    settle_past(issuer)
    assert set(published(issuer)) == {old, new}
    said = retire(issuer, old.encode())
    assert [k["kid"] for k in said["retired"]] == [old] and said["kept"] == [], said
    assert set(published(issuer)) == {new} and os.listdir(issuer.path("state/keys")).count(old + ".jwk") == 0
    assert issuer.verify(access) == "invalid"
    assert issuer.ask(ADMIN_RETIRE, old.encode(), 0)[0] == "no_key"
    issuer.restart()
    assert set(published(issuer)) == {new} and kid(issuer.obtain()[1]) == new
    assert issuer.text("log").count(f"Key retired kid={old}") == 1


def test_a_key_installed_by_hand_is_kept_from_the_first_request_on(issuer):
    new, old = rotate(issuer)
    settle_past(issuer)
    issuer.end()
    lines = issuer.text("state/keys/signer").splitlines()
    with open(issuer.path("state/keys/signer"), "w", encoding="ascii") as file:
        file.write(lines[0] + "\n")
    issuer.start()
    first, = retire(issuer)["kept"]
    assert first["kid"] == old and first["until"] > now() + WEEK - 60, first
    issuer.restart()
    assert retire(issuer)["kept"] == [first] and kid(issuer.obtain()[1]) == new
