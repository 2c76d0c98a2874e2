"""The second factor: what jwtd-login answers to the prompts of a PAM stack, and what becomes of it."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from daemons import ALICE as LOGIN, QUICK, payload
from login_daemon import ALICE, SECRET
from replies import NO_ACCOUNT, is_answer
from users import changed_shadow
from wire import CHECK, NARROW, OBTAIN, SESSIONS, SLIDING_OBTAIN, message

OTP = "[Session]\nOtpPrompt=Verification code\n"
CODE, WRONG = b"123456", b"654321"
PASSWORD_FIRST = "auth requisite pam_unix.so\n"
ASKS_CODE = "auth required ASK [Verification code: =123456]\n"
ACCOUNT = "account required pam_unix.so\n"
REQUIRED = b'{"detail":"A one-time code is required.","code":"otp_required"}'
PWD, BOTH, ONLY_CODE = ("ok", 1), ("ok", 3), ("ok", 2)


def stack(*lines, settings=OTP):
    return pytest.mark.login(service="otp", settings=settings, stack="".join(lines) + ACCOUNT)


@stack(PASSWORD_FIRST, ASKS_CODE)
def test_the_named_prompt_gets_the_code_and_the_other_the_password(login):
    assert login.factors(SECRET, CODE) == BOTH
    for password, code in ((SECRET, WRONG), (SECRET, SECRET), (b"pw", CODE), (CODE, SECRET), (b"pw", b""), (b"", CODE)):
        assert login.factors(password, code) == "denied", (password, code)
    assert login.factors(SECRET, b"") == "otp_required"
    assert login.factors(SECRET, CODE, b"n0body") == login.factors(SECRET, b"", b"n0body") == "denied"


@stack(PASSWORD_FIRST, ASKS_CODE, settings="")
def test_without_the_setting_every_prompt_gets_the_password(login):
    for code in (CODE, b""):
        assert login.factors(SECRET, code) == "denied"
    assert "otp" not in login.read("log") and "code" not in login.read("log")


@stack(PASSWORD_FIRST, "auth required ASK echo [Verification code for alice: =123456]\n")
def test_a_prompt_for_a_code_may_echo(login):
    assert login.factors(SECRET, CODE) == BOTH and login.factors(SECRET, b"") == "otp_required"


@stack(PASSWORD_FIRST, "auth required ASK echo [Your answer: =123456]\n")
def test_another_prompt_with_echo_ends_the_conversation(login):
    assert login.factors(SECRET, CODE) == login.factors(SECRET, b"") == "denied"
    assert "the PAM stack prompts for more than a password" in login.read("log")


@stack(PASSWORD_FIRST)
def test_a_code_that_is_not_prompted_for_is_ignored(login):
    assert login.factors(SECRET, CODE) == login.factors(SECRET, b"") == PWD


@stack(ASKS_CODE, PASSWORD_FIRST)
def test_a_stack_that_prompts_for_the_code_first_never_says_that_it_is_missing(login):
    assert login.factors(SECRET, CODE) == BOTH
    assert login.factors(SECRET, b"") == login.factors(b"pw", b"") == "denied"
    assert "prompts for it before the password" in login.read("log")


@stack("auth sufficient ASK [Verification code: =123456]\n", PASSWORD_FIRST)
def test_amr_names_what_was_prompted_for(login):
    assert login.factors(SECRET, CODE) == ONLY_CODE
    assert login.factors(SECRET, WRONG) == BOTH, "the documented limit of a sufficient module"
    assert login.factors(SECRET, b"") == "denied"


@stack(PASSWORD_FIRST, "auth required ASK [Password: =correct horse battery staple]\n")
def test_a_second_password_prompt_ends_the_conversation(login):
    assert login.factors(SECRET, CODE) == login.factors(SECRET, b"") == "denied"
    assert "the PAM stack prompts for two passwords" in login.read("log")


@stack(PASSWORD_FIRST, "auth required ASK [Password: =correct horse battery staple]\n", settings="")
def test_a_second_password_prompt_is_answered_where_there_is_no_second_factor(login):
    assert login.factors(SECRET, b"") == PWD


@stack(PASSWORD_FIRST, ASKS_CODE, ASKS_CODE)
def test_a_second_prompt_for_a_code_ends_the_conversation(login):
    assert login.factors(SECRET, CODE) == "denied"
    assert "the PAM stack prompts for two codes" in login.read("log")


@stack("auth required ASK all [Password: =correct horse battery staple] [Verification code: =123456]\n")
def test_both_prompts_in_one_call_are_answered(login):
    assert login.factors(SECRET, CODE) == BOTH and login.factors(SECRET, b"") == "otp_required"


@stack("auth optional ASK [Verification code: =123456]\n", "auth optional pam_unix.so\n",
       "auth required pam_exec.so expose_authtok quiet DIR/tell\n")
def test_after_the_end_of_the_conversation_no_prompt_is_answered(login):
    """A module that goes on gets no password, and its success does not count."""
    assert login.factors(SECRET, b"") == "denied" and not os.path.exists(login.path("password"))
    assert login.factors(SECRET, CODE) == BOTH and login.read("password") == SECRET.decode()


@stack(PASSWORD_FIRST, ASKS_CODE)
def test_an_unusable_account_gets_the_same_reply_with_and_without_a_code(login):
    for change in (lambda line: line.rsplit(":", 2)[0] + ":1:",):
        with changed_shadow(change):
            assert login.factors(SECRET, b"") == login.factors(SECRET, CODE) == login.factors(b"pw", b"") == "denied"


@stack("auth required pam_unix.so\n", ASKS_CODE)
def test_a_stack_with_required_says_for_every_password_of_an_account_that_the_code_is_missing(login):
    """As documented: it shows that the account exists, and not whether the password is right."""
    assert login.factors(SECRET, b"") == login.factors(b"pw", b"") == "otp_required"
    assert login.factors(b"pw", b"", b"n0body") == login.factors(b"pw", CODE) == "denied"


@stack(PASSWORD_FIRST, "auth required pam_exec.so quiet DIR/mark\n", ASKS_CODE)
def test_after_a_wrong_password_no_module_of_the_code_takes_time(login):
    login.write("mark", f"#!/bin/sh\n: >{login.dir}/marked\n", 0o755)
    assert login.factors(b"pw", CODE) == login.factors(b"pw", b"") == "denied" and not os.path.exists(login.path("marked"))
    assert login.factors(SECRET, CODE) == BOTH and os.path.exists(login.path("marked"))


@stack(PASSWORD_FIRST, ASKS_CODE)
def test_neither_password_nor_code_is_logged(login):
    for password, code in ((SECRET, b""), (SECRET, WRONG), (b"no such secret", CODE)):
        login.factors(password, code)
    log = login.read("log")
    assert 'user=alice source="uid 1000" reason="pam_authenticate: no one-time code was sent"' in log, log
    assert not any(word in log for word in ("123456", "654321", "such secret"))


@stack(PASSWORD_FIRST)
def test_a_code_is_a_text_of_at_most_64_bytes(login):
    assert login.factors(SECRET, b"1" * 64) == PWD
    assert login.ask(message(CHECK, ALICE, SECRET, b"", b"1" * 65)) == "closed"
    assert login.ask(message(CHECK, ALICE, SECRET, b"", b"1\0")) == "closed"


# jwtd-issuer


def obtain(issuer, otp=b"", op=OBTAIN):
    return issuer.ask(op, b"alice", b"secret one", b"uid 1000", otp)


def test_the_code_reaches_jwtd_login_and_its_refusal_the_client(issuer):
    seen = []
    issuer.login.before = lambda op, fields: seen.append(fields[3:]) if op == CHECK else None
    assert obtain(issuer, b"123456")[0] == "ok" and seen == [[b"123456"]]
    issuer.login.check = "otp_required"
    assert obtain(issuer)[0] == "otp_required"
    last = issuer.text("log").splitlines()[-1]
    assert "Login failed" in last and "user=alice" in last and last.endswith('reason="no one-time code was sent"'), last


def test_a_missing_code_is_half_a_failure_and_both_factors_share_the_limit(issuer):
    said = []
    for word in ["otp_required"] * 4 + ["denied"] * 7 + ["otp_required"] * 4:
        issuer.login.check = word
        said.append(obtain(issuer)[0])
    assert said == ["otp_required"] * 4 + ["denied"] * 7 + ["otp_required"] * 2 + ["throttled"] * 2, said
    issuer.login.check = None
    assert issuer.obtain(b"carol")


def test_guesses_of_a_code_are_limited_even_at_once(issuer):
    """Whoever knows the password has FailuresPerUser tries at the code."""
    issuer.login.check = "denied"
    with ThreadPoolExecutor(40) as pool:
        said = list(pool.map(lambda n: obtain(issuer, b"%06d" % n)[0], range(40)))
    assert sorted(said) == ["denied"] * 10 + ["throttled"] * 30, said
    assert len([op for op in issuer.login.asked if op == CHECK]) == 10


def amr(token):
    return payload(token.decode()).get("amr")


@pytest.mark.issuer("[Token]\nAmrClaim=yes\n[Session]\nAccountCacheTime=0\n")
def test_amr_is_kept_by_refresh_and_narrowing(issuer):
    for number, words in ((0, None), (1, ["pwd"]), (2, ["otp"]), (3, ["pwd", "otp"]), (7, ["pwd", "otp"])):
        issuer.login.amr = number
        refresh, access = obtain(issuer, b"123456")[1]
        issuer.login.amr = 0
        assert amr(access) == words and amr(refresh) == words, (number, payload(access.decode()))
        _, access, refresh = issuer.refresh(refresh)
        assert amr(access) == words
        narrowed = issuer.ask(NARROW, access, b"pam:sudo", b"", 60, 1, b"")
        assert narrowed[0] == "ok" and amr(narrowed[1][0]) == words
        sessions = json.loads(issuer.ask(SESSIONS, access, b"")[1][0])
        assert [s["amr"] for s in sessions if s["current"]] == [words or []]


def test_amr_is_in_no_token_by_default(issuer):
    issuer.login.amr = 3
    refresh, access = obtain(issuer, b"123456")[1]
    assert "amr" not in payload(access.decode()) and "amr" not in payload(refresh.decode())


@pytest.mark.issuer("[Token]\nAmrClaim=yes\nSlidingTokens=yes\n")
def test_amr_is_in_sliding_tokens(issuer):
    issuer.login.amr = 3
    token, = obtain(issuer, b"123456", SLIDING_OBTAIN)[1]
    assert amr(token) == ["pwd", "otp"]


# HTTP


@pytest.mark.daemons(QUICK + "OtpPrompt=Verification code\n")
def test_the_endpoint_takes_a_code_and_says_when_one_is_required(d, scripted):
    scripted.says(OBTAIN, "ok", b"r.r.r", b"a.a.a")
    assert d.post("/api/token/", dict(LOGIN, otp="123456")).status == 200
    assert scripted.last()[4] == b"123456"
    assert d.post("/api/token/", b"username=alice&password=x&otp=+12+34+56+",
                  ["Content-Type: application/x-www-form-urlencoded"]).status == 200
    assert scripted.last()[4] == b"12 34 56"
    assert d.post("/api/token/", dict(LOGIN, otp=123456)).status == 200 and scripted.last()[4] == b"123456"
    assert d.post("/api/token/", LOGIN).status == 200 and scripted.last()[4] == b""
    for bad in ("", None, ["1"], True):
        reply = d.post("/api/token/", dict(LOGIN, otp=bad))
        assert reply.status == 400 and list(reply.json()) == ["otp"], reply.raw
    scripted.says(OBTAIN, "otp_required")
    reply = d.post("/api/token/", LOGIN)
    is_answer(reply, 401, REQUIRED)
    is_answer(d.post("/api/token/", dict(LOGIN, otp="1" * 65)), 401, NO_ACCOUNT)


def test_without_the_setting_the_field_is_ignored_and_no_reply_changes(d, scripted):
    scripted.says(OBTAIN, "denied")
    for otp in ("123456", "", None, ["1"], "1" * 65):
        is_answer(d.post("/api/token/", dict(LOGIN, otp=otp)), 401, NO_ACCOUNT)
        assert scripted.last()[4] == b""


@pytest.mark.daemons(QUICK + "OtpPrompt=Verification code\n")
def test_a_login_with_two_factors_from_end_to_end(d):
    d.write("pam/jwtd", (PASSWORD_FIRST + ASKS_CODE + ACCOUNT).replace("ASK", d.build + "/tests/http/pam_ask.so"))
    assert d.post("/api/token/", dict(LOGIN, otp="123456")).status == 200
    is_answer(d.post("/api/token/", LOGIN), 401, REQUIRED)
    for body in (dict(LOGIN, otp="654321"), dict(LOGIN, password="x"), dict(LOGIN, password="x", otp="123456")):
        is_answer(d.post("/api/token/", body), 401, NO_ACCOUNT)
    assert not any(word in d.read_log() for word in ("123456", "654321"))
