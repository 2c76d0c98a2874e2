"""What jwtd-issuer does for root's jwtctl about keys: a new one signs under the tokens of the old one, which
is retired when they have expired; also when it is killed within."""

import base64
import contextlib
import glob
import json
import os
import re
import signal
import sys
import threading
import time

from daemons import payload, run
from issuers import with_issuer

ADMIN_ROTATE, ADMIN_RETIRE = 35, 36
WEEK = 7 * 86400


def kid(token):
    head = token.split(b".")[0]
    return json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))["kid"]


def published(d):
    return {key["kid"]: key["alg"] for key in json.loads(d.text("public/jwks.json"))["keys"]}


def rotate(d, alg=b""):
    """(new kid, old kid)."""
    status, kids = d.ask(ADMIN_ROTATE, alg)
    assert status == "ok", status
    return [k.decode() for k in kids]


def retire(d, which=b""):
    status, said = d.ask(ADMIN_RETIRE, which)
    assert status == "ok", status
    return json.loads(said[0])


def good(d, *tokens):
    for token in tokens:
        assert d.verify(token) == "ok", payload(token.decode())


def settle_past(d):
    """As if the last token of every old key had expired: the times of `signer`, an hour ago."""
    path = d.path("state/keys/signer")
    text = re.sub(r" \d+", f" {int(time.time()) - 3600}", d.text("state/keys/signer"))
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    d.restart()
    assert d.ping() == "ok"


# Rotation


@with_issuer()
def a_new_key_signs_and_the_old_ones_tokens_stay_good(d):
    refresh, access = d.obtain()
    new, old = rotate(d)
    assert (kid(access).encode(), set(published(d))) == (old.encode(), {old, new})
    assert {kid(t) for t in d.obtain(b"carol")} == {new}
    good(d, access, refresh)
    assert d.whoami(access) == "ok"
    status, access2, refresh2 = d.refresh(refresh)
    assert (status, kid(access2), kid(refresh2)) == ("ok", new, new)
    for key in glob.glob(d.path("state/keys/*")):
        assert os.stat(key).st_mode & 0o7777 == 0o600, key
    d.restart(signal.SIGKILL)
    good(d, access, access2, refresh2)
    assert kid(d.obtain()[1]) == new
    assert d.text("log").count("A new key signs") == 1, d.text("log")


@with_issuer("[Session]\nMaxSessionsPerUser=100000\n")
def of_many_rotations_under_load_no_token_is_ahead_of_the_published_keys(d):
    wrong, made, done = [], [], threading.Event()

    def log_in():
        while not done.is_set():
            tokens = d.obtain()
            keys = published(d)
            wrong.extend(kid(t) for t in tokens if kid(t) not in keys)
            made.extend(tokens)

    threads = [threading.Thread(target=log_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        rotate(d)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong and len({kid(t) for t in made}) > 3 and len(published(d)) == 13, (wrong, len(made))
    good(d, *(t for t in made if payload(t.decode())["token_type"] == "access"))


@contextlib.contextmanager
def killer(d):
    """Starts the issuer so that it dies by SIGKILL at a step: at the one that `at` is called with."""
    module = os.path.join(os.path.dirname(d.program), "../../tests/http/kill_at.so")
    assert os.path.exists(module), module
    changes = {"LD_PRELOAD": module, "KILL_AT": d.path("kill-at"),
               "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
    before = {name: os.environ.get(name) for name in changes}

    def at(step, question, *fields):
        """The answer, or None when it died of it; then it runs again."""
        with open(d.path("kill-at"), "w", encoding="ascii") as file:
            file.write(str(step))
        said, fields = d.ask(question, *fields)
        os.remove(d.path("kill-at"))
        if said == "ok":
            return fields
        assert said == "closed" and d.process.wait(15) == -signal.SIGKILL, said
        d.start()
        return None

    os.environ.update(changes)
    try:
        d.start()
        yield at
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@with_issuer("[Session]\nMaxSessionsPerUser=100000\n", init=False)
def a_kill_at_any_step_of_a_rotation_leaves_a_working_issuer(d):
    deaths, tokens = 0, []
    with killer(d) as at:
        for step in range(1, 100):
            tokens += d.obtain()
            if at(step, ADMIN_ROTATE, b"") is not None:
                break
            deaths += 1
            pair = d.obtain()
            assert {kid(t) for t in pair} <= set(published(d)), (step, published(d))
            d.restart()
            assert kid(d.obtain()[0]) == kid(pair[0]), step
            good(d, *tokens, *pair)
            tokens += pair
    good(d, *tokens)
    # Four files are replaced, each by fsync, rename and fsync, with a kill before and after each.
    assert deaths == 24, deaths


@with_issuer(init=False)
def a_kill_at_any_step_of_a_retirement_leaves_a_working_issuer(d):
    deaths = 0
    with killer(d) as at:
        for step in range(1, 100):
            new, old = rotate(d)
            settle_past(d)
            answer = at(step, ADMIN_RETIRE, old.encode())
            assert kid(d.obtain()[1]) == new and new in published(d), step
            if answer is not None:
                break
            deaths += 1
            retire(d)
            assert set(published(d)) == {new}, (step, published(d))
    # The file is removed, the directory brought to disk, and jwks.json replaced.
    assert deaths == 10 and set(published(d)) == {new}, deaths


@with_issuer()
def a_clock_set_back_or_a_copy_of_the_keys_lets_no_old_key_sign(d):
    new, old = rotate(d)
    for name, when in ((new, 1000), (old, 4000000000)):
        os.utime(d.path(f"state/keys/{name}.jwk"), (when, when))
    d.restart()
    assert kid(d.obtain()[1]) == new


@with_issuer()
def a_key_of_another_algorithm_is_published_first_and_signs_when_the_settings_say_so(d):
    _, before = d.obtain()
    new, old = rotate(d, b"ES256")
    assert old == "" and published(d) == {new: "ES256", kid(before): "EdDSA"}
    assert kid(d.obtain()[1]) == kid(before)
    d.configure("[Token]\nAlgorithm=ES256\n")
    d.restart()
    _, access = d.obtain()
    assert kid(access) == new
    good(d, before, access)
    kept, = retire(d)["kept"]
    assert kept["kid"] == kid(before) and kept["until"] > time.time() + WEEK
    # And back: now the other one is an old key, by this change and not by the one before.
    d.configure("")
    d.restart()
    assert kid(d.obtain()[1]) == kid(before)
    kept, = retire(d)["kept"]
    assert kept["kid"] == new and kept["until"] > time.time() + WEEK
    good(d, before, access)


@with_issuer()
def a_reload_lets_the_key_of_another_algorithm_sign_and_keeps_the_old_one(d):
    _, before = d.obtain()
    new, _ = rotate(d, b"ES256")
    d.configure("[Token]\nAlgorithm=ES256\n")
    d.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        _, access = d.obtain()
        if kid(access) == new:
            break
        time.sleep(0.02)
    good(d, before, access)
    assert kid(access) == new and d.text("state/keys/signer")[:8] == new
    kept, = retire(d)["kept"]
    assert kept["kid"] == kid(before) and kept["until"] > time.time() + WEEK


@with_issuer()
def a_key_that_cant_be_is_no_key(d):
    for alg in (b"none", b"HS256", b"eddsa", b"ES257", b"EdDSA "):
        assert d.ask(ADMIN_ROTATE, alg)[0] == "no_key", alg
    assert len(published(d)) == 1 and d.ask(ADMIN_RETIRE, b"nothere")[0] == "no_key"


@with_issuer("[Token]\nAlgorithm=HS256\n")
def a_secret_is_rotated_and_never_published(d):
    _, access = d.obtain()
    new, old = rotate(d)
    assert new != old and published(d) == {}
    good(d, access, d.obtain()[1])
    assert "\"k\"" not in d.text("public/jwks.json")


@with_issuer()
def a_rotation_that_cant_be_published_changes_nothing(d):
    refresh, access = d.obtain()
    os.rename(d.path("public"), d.path("away"))
    assert d.ask(ADMIN_ROTATE, b"")[0] == "unavailable"
    os.rename(d.path("away"), d.path("public"))
    d.recovers()
    assert kid(d.obtain()[1]) == kid(access) and len(glob.glob(d.path("state/keys/*.jwk"))) == 1
    d.restart()
    assert kid(d.obtain()[1]) == kid(access)
    good(d, refresh, access)


@with_issuer()
def a_damaged_signer_is_told_with_its_cure(d):
    rotate(d)
    d.end()
    text = d.text("state/keys/signer")
    for bad in ("", "x\n", text[:-1], text + "\n", text.replace(" ", "  "), text.splitlines()[1] + "\n",
                text.splitlines()[0] + " 5\n", text.rstrip("\n") + "x\n"):
        with open(d.path("state/keys/signer"), "w", encoding="ascii") as file:
            file.write(bad)
        d.start()
        assert d.ping() == "unavailable", bad
        assert "is out of form: remove it" in d.text("log")
        d.end()
    os.remove(d.path("state/keys/signer"))
    d.start()
    assert d.ping() == "ok"


# Retirement


@with_issuer()
def an_old_key_is_kept_while_a_token_of_it_can_live(d):
    refresh, access = d.obtain()
    new, old = rotate(d)
    for which in (b"", old.encode()):
        said = retire(d, which)
        assert (said["retired"], said["signs"]) == ([], new), said
        kept, = said["kept"]
        assert kept["kid"] == old and kept["until"] >= payload(refresh.decode())["exp"], said
        assert kept["until"] <= time.time() + WEEK + 300, said
    assert set(published(d)) == {old, new}
    good(d, refresh, access)
    said = retire(d, new.encode())
    assert (said["retired"], said["kept"], said["signs"]) == ([], [], new), said
    assert set(published(d)) == {old, new}


@with_issuer("[Token]\nRefreshTokenLifetime=20d\n[Session]\nIdleLifetime=20d\n")
def a_lifetime_that_was_longer_before_counts(d):
    refresh, _ = d.obtain()
    d.configure("")
    d.restart()
    rotate(d)
    kept, = retire(d)["kept"]
    assert kept["until"] >= payload(refresh.decode())["exp"] > time.time() + 19 * 86400, kept


@with_issuer()
def a_lost_store_shortens_no_keys_time(d):
    d.obtain()
    d.end()
    for file in glob.glob(d.path("state/sessions.db*")):
        os.remove(file)
    d.start()
    assert d.ping() == "ok"
    rotate(d)
    kept, = retire(d)["kept"]
    assert kept["until"] > time.time() + WEEK - 60, kept


@with_issuer()
def an_old_key_goes_when_its_last_token_has_expired(d):
    _, access = d.obtain()
    new, old = rotate(d)
    settle_past(d)
    assert set(published(d)) == {old, new}
    said = retire(d, old.encode())
    assert [k["kid"] for k in said["retired"]] == [old] and said["kept"] == [], said
    assert set(published(d)) == {new} and os.listdir(d.path("state/keys")).count(old + ".jwk") == 0
    assert d.verify(access) == "invalid"
    assert d.ask(ADMIN_RETIRE, old.encode())[0] == "no_key"
    d.restart()
    assert set(published(d)) == {new} and kid(d.obtain()[1]) == new
    assert d.text("log").count(f"A key was retired kid={old}") == 1


@with_issuer()
def a_key_put_there_by_hand_is_waited_for_from_the_first_question_on(d):
    new, old = rotate(d)
    settle_past(d)
    d.end()
    lines = d.text("state/keys/signer").splitlines()
    with open(d.path("state/keys/signer"), "w", encoding="ascii") as file:
        file.write(lines[0] + "\n")
    d.start()
    first, = retire(d)["kept"]
    assert first["kid"] == old and first["until"] > time.time() + WEEK - 60, first
    d.restart()
    assert retire(d)["kept"] == [first] and kid(d.obtain()[1]) == new


TESTS = [value for value in list(globals().values()) if getattr(value, "is_test", False)]

if __name__ == "__main__":
    sys.exit(run(TESTS, sys.argv[1]))
