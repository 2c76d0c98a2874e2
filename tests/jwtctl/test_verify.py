"""jwtctl verify."""

import json
import os
import subprocess

import pytest

from harness import (AUD, ISS, JWTCTL, NOW, claims, disabled_host, environment, local_issuer, needs_root, make_key,
                     path, refused, run, section, sign, accepted, verify, words)


def test_a_good_token_is_valid_with_user_and_claims():
    answer = accepted(sign(claims()), "--user=alice", "--service=sshd")
    assert answer == {"valid": True, "user": "alice", "claims": claims()}


def test_claims_are_printed_as_they_are_signed_on_one_line():
    text = json.dumps(claims())[:-1] + ' , "x": [1.50,\n 12345678901234567890, "a/b \\" \\u0041"] }'
    _, out, _ = run("verify", f"--now={NOW}", *words(), stdin=sign(text))
    assert '"x":[1.50,12345678901234567890,"a/b \\" \\u0041"]}}\n' in out
    assert out.count("\n") == 1


def test_another_users_token_is_refused():
    refused(sign(claims()), "wrong_user", "--user=carol")


def test_a_token_expires_at_its_exp_and_the_leeway():
    token = sign(claims())
    accepted(token, now=NOW + 904)
    refused(token, "expired", now=NOW + 905)
    refused(token, "expired", "leeway=0", now=NOW + 900)
    assert verify(token, now=NOW + 905)[1]["reason"] == 'claim "exp": the token expired 5 s ago'


def test_options_given_are_the_policy():
    token = sign(claims(aud="other"))
    refused(token, "wrong_audience")
    accepted(token, use=words()[:2] + ("audience=x,other",))
    refused(sign(claims(token_type="refresh")), "wrong_type")
    accepted(sign(claims(token_type="refresh")), "type=refresh")
    refused(sign(claims()), "missing_claim", "require=email")
    refused(sign(claims()), "wrong_claim", "claim=hd:example.org")
    refused(sign(claims()), "too_long", "max_length=20")


def test_a_signature_of_another_key_is_refused():
    make_key("other")
    refused(sign(claims(), key="other"), "unknown_key")
    refused(sign(claims(), '{"alg":"EdDSA","typ":"JWT"}', key="other"), "bad_signature")


def test_white_space_around_a_token_is_ignored_and_other_text_is_named():
    token = sign(claims())
    for text in (token, token + "\n", token + "\n\n", token + "\r\n", "\n" + token, " " + token, token + " \t"):
        accepted(text)
    refused(token + "\v", "malformed")
    refused(token[:20] + " " + token[20:], "malformed")
    for text in (f'"{token}"', f"Bearer {token}", f'{{"access":"{token}"}}'):
        refused(text, "pasted")


def test_a_nul_in_the_input_is_part_of_the_token():
    token = sign(claims()).encode()
    refused(token + b"\0", "malformed")
    refused(b"\0" + token, "pasted")
    refused(token[:40] + b"\0" + token[40:], "malformed")


def test_empty_and_junk_input_is_malformed():
    for junk in (b"", b"\n", b"junk", b"a.b", b"a.b.c.d", b"\xff" * 40):
        status, answer, _ = verify(junk)
        assert (status, answer["valid"]) == (1, False)


def test_input_of_any_size_is_read_and_refused():
    for size in (8193, 65536, 65537, 65538, 65539, 20 << 20):
        refused(b"a" * size, "too_long")
    refused(b"a" * 65536 + b"\n", "malformed", "max_length=65536")
    refused(b"a" * 65537, "too_long", "max_length=65536")


@pytest.mark.parametrize("argument, part", [
    ("nonsense=1", "nonsense"), ("leeway=soon", "soon"), ("leeway=1h", "5min"), ("--now=today", "today"),
    ("--now=", "--now"), ("--now=99999999999999999999", "whole number"), ("--user=", "--user"),
    ("--service=", "--service"), ("--colour", "colour"), ("algorithms=none", "none"), ("config=", "config"),
    ("keys", "keys")])
def test_usage_errors_say_option_value_and_form(argument, part):
    status, out, err = run("verify", argument)
    assert (status, out) == (2, "")
    assert part in err


def test_a_relative_path_is_taken_from_the_working_directory():
    path("relative.list", "")
    relative = tuple(os.path.relpath(path(name)) for name in ("key.jwks", "relative.list"))
    accepted(sign(claims()), use=(f"keys={relative[0]}", f"revoked={relative[1]}", f"issuer={ISS}", f"audience={AUD}"))


def test_missing_keys_are_exit_3_with_an_error():
    status, answer, err = verify(sign(claims()), use=("keys=/nowhere/keys", f"issuer={ISS}", "audience=x"))
    assert (status, answer["valid"], answer["error"]) == (3, False, "keys")
    assert "/nowhere/keys" in err
    status, _, err = verify(sign(claims()), use=(f"keys={path('bad.jwks', '{')}", f"issuer={ISS}", "audience=x"))
    assert status == 3
    assert "bad.jwks" in err


def test_a_given_config_must_exist_and_be_valid():
    status, _, err = verify(sign(claims()), "config=/nowhere/jwt.conf")
    assert status == 3
    assert "/nowhere/jwt.conf" in err
    status, _, err = verify(sign(claims()), f"config={path('wrong.conf', '[Token]' + chr(10) + 'Colour=1')}")
    assert status == 3
    assert "wrong.conf" in err


def test_a_given_revoked_list_is_used():
    line = "B" * 22 + f" {NOW + 900:010d}\n"
    refused(sign(claims()), "revoked", f"revoked={path('revoked', line)}")
    accepted(sign(claims(sid="C" * 22)), f"revoked={path('revoked', line)}")
    assert verify(sign(claims()), "revoked=/nowhere/revoked")[0] == 3
    assert verify(sign(claims()), f"revoked={path('revoked', line + 'x')}")[0] == 3


@needs_root
def test_revoked_max_age_refuses_tokens_when_the_last_bundle_is_older():
    token = sign(claims())
    with local_issuer(synced=f"Bundle={NOW - 3600}\\nIssuer={ISS}\\n") as wrap:
        accepted(token, "revoked_max_age=1h", use=(), wrap=wrap)
        accepted(token, use=(), now=NOW + 1, wrap=wrap)
        status, answer, err = verify(token, "revoked_max_age=1h", use=(), now=NOW + 1, wrap=wrap)
        assert (status, answer["error"]) == (3, "stale") and "3601 s old, expected at most 1h" in err
        refused(sign(claims(exp=NOW)), "expired", "revoked_max_age=1min", "leeway=0", use=(), wrap=wrap)
    with local_issuer() as wrap:
        assert verify(token, "revoked_max_age=1h", use=(), wrap=wrap)[0] == 3


@needs_root
def test_a_section_applies_to_tokens_of_its_issuer_only():
    config = section("https://idp", f"Keys={path('idp.jwks')}", "Audience=here there", "Type=",
                     "UserMap=same")
    token = sign(claims(iss="https://idp", token_type=None), key="idp")
    assert accepted(token, use=(config,))["user"] == "alice"
    accepted(token, "--user=alice", use=(config,))
    refused(token, "wrong_user", "--user=carol", use=(config,))
    refused(sign(claims(iss="https://idp"), key="key"), "unknown_key", use=(config,))
    refused(token, "missing_claim", "require=exp,email", use=(config,))
    # The local issuer's rules apply to an iss without a section.
    refused(sign(claims(iss="https://idp/"), key="idp"), "unknown_key", use=words(config))
    accepted(sign(claims()), use=words(config))


@needs_root
def test_users_of_another_issuer_are_not_local_users_by_default():
    config = section("https://idp", f"Keys={path('idp.jwks')}", "Audience=here")
    for args in ((), ("--user=alice",), ("--user=carol",)):
        refused(sign(claims(iss="https://idp"), key="idp"), "unmapped_user", *args, use=(config,))
    refused(sign(claims(iss="https://idp"), key="key"), "unknown_key", use=(config,))


@needs_root
def test_a_map_names_the_local_users_of_another_issuer():
    users = path("users", "https://idp repo:o/r:ref deploy\nhttps://idp *@corp.example guest\n")
    config = section("https://idp", f"Keys={path('idp.jwks')}", "Audience=here", f"UserMap={users}")
    token = sign(claims(iss="https://idp", sub="repo:o/r:ref"), key="idp")
    assert accepted(token, use=(config,))["user"] == "deploy"
    accepted(token, "--user=deploy", use=(config,))
    refused(token, "wrong_user", "--user=alice", use=(config,))
    refused(sign(claims(iss="https://idp", sub="deploy"), key="idp"), "unmapped_user", use=(config,))
    assert accepted(sign(claims(iss="https://idp", sub="x@corp.example"), key="idp"), use=(config,))["user"] == "guest"
    refused(token, "unmapped_user", "user_map=none", use=(config,))
    refused(token, "bad_user_name", "user_map=same", use=(config,))
    # A path on the command line belongs to the caller.
    assert accepted(sign(claims(iss="https://idp", sub="repo:o/r:ref"), key="idp"), use=(
        f"keys={path('idp.jwks')}", "issuer=https://idp", "audience=here", f"user_map={users}"))["user"] == "deploy"
    path("users", "# first\nhttps://idp *@corp.example *\nhttps://idp *@ops.example * system\n")
    answer = accepted(sign(claims(iss="https://idp", sub="x@Corp.example"), key="idp"), use=(config,))
    assert (answer["user"], answer["user_map_line"]) == ("x", 2)
    refused(sign(claims(iss="https://idp", sub="daemon@corp.example"), key="idp"), "unmapped_user", use=(config,))
    accepted(sign(claims(iss="https://idp", sub="daemon@ops.example"), key="idp"), use=(config,))
    refused(sign(claims(iss="https://idp", sub="root@ops.example"), key="idp"), "root_refused", use=(config,))
    path("users", "https://idp repo:o/r:ref\n")
    status, answer, err = verify(token, use=(config,))
    assert (status, answer["error"]) == (3, "settings")
    assert f"{users}:1: " in err


def test_a_one_time_token_is_verified_as_by_the_module_and_not_used_up():
    token = sign(claims(one_time=True, aud=AUD))
    accepted(token)
    accepted(token, "one_time=required")
    refused(sign(claims(aud=AUD)), "one_time", "one_time=required")
    refused(sign(claims(one_time=True, aud=[AUD, "there"])), "one_time")
    refused(sign(claims(one_time=True, aud=AUD, jti=None)), "missing_claim")


@needs_root
def test_a_section_without_keys_never_uses_the_local_keys():
    config = section("https://idp", "Audience=here", "UserMap=same")
    status, _, err = verify(sign(claims(iss="https://idp")), use=(config,))
    assert status == 3
    assert "Keys=" in err


@needs_root
def test_without_options_the_published_files_are_used():
    with local_issuer() as wrap:
        accepted(sign(claims()), use=(), wrap=wrap)
        refused(sign(claims(iss="https://there")), "wrong_issuer", use=(), wrap=wrap)
        refused(sign(claims(aud="there")), "wrong_audience", use=(), wrap=wrap)
    with local_issuer("B" * 22 + f" {NOW + 900:010d}\\n") as wrap:
        refused(sign(claims()), "revoked", use=(), wrap=wrap)
        accepted(sign(claims()), use=("revoked=none",), wrap=wrap)
        # With given keys the local revoked list is not used.
        accepted(sign(claims()), use=(f"keys={path('key.jwks')}",), wrap=wrap)


@needs_root
def test_verify_status_and_config_check_show_that_token_logins_are_disabled():
    with disabled_host() as wrap:
        refused(sign(claims()), "disabled", wrap=wrap)
        refused("not a token", "disabled", wrap=wrap)
        settings = path("empty.conf", "")
        status, out, err = run("config", "check", "--config=" + settings, wrap=wrap)
        assert (status, out) == (0, settings + ": ok\n")
        assert err == "jwtctl: token logins are disabled on this host by /etc/jwt/disabled\n"
        _, out, _ = run("status", "--json", "--socket=" + path("none"), wrap=wrap)
        assert json.loads(out)["disabled"] is True
        _, _, err = run("status", "--socket=" + path("none"), wrap=wrap)
        assert "token logins are disabled on this host by /etc/jwt/disabled\n" in err
    _, out, _ = run("status", "--json", "--socket=" + path("none"))
    assert json.loads(out)["disabled"] is False


@needs_root
def test_a_section_for_the_local_issuer_keeps_its_keys_and_list():
    config = section(ISS, f"Keys={path('key.jwks')}", "MaxLifetime=10min")
    with local_issuer("B" * 22 + f" {NOW + 900:010d}\\n") as wrap:
        refused(sign(claims()), "lifetime_too_long", use=(config,), wrap=wrap)
        refused(sign(claims(exp=NOW + 60)), "revoked", use=(config,), wrap=wrap)
        accepted(sign(claims(exp=NOW + 60, sid="C" * 22)), use=(config,), wrap=wrap)


@needs_root
def test_the_claim_names_of_the_settings_apply_to_local_tokens():
    config = "config=" + path("names.conf", "[Token]\nUserIdClaim=user_id\n")
    token = sign(claims(sub=None, user_id="alice"))
    assert accepted(token, "--user=alice", config)["user"] == "alice"
    refused(sign(claims()), "missing_claim", config)
    accepted(sign(claims()), config, "user_claim=sub", "require=sub")


def test_a_batch_gives_a_line_for_each_line_in_order():
    good, bad = sign(claims()), sign(claims(iss="https://there"))
    lines = [good, "", "junk", bad, "a" * 70000, good + "\0", good]
    status, out, _ = run("verify", "--batch", f"--now={NOW}", *words(), stdin="\n".join(lines))
    assert status == 0
    assert [a.get("error", "ok") for a in map(json.loads, out.splitlines())] == [
        "ok", "malformed", "malformed", "wrong_issuer", "too_long", "malformed", "ok"]
    assert run("verify", "--batch", *words()) == (0, "", "")
    assert len(run("verify", "--batch", *words(), stdin="\n")[1].splitlines()) == 1


@needs_root
def test_a_batch_uses_the_section_of_each_token():
    config = section("https://idp", f"Keys={path('idp.jwks')}", "Audience=here", "UserMap=same")
    lines = [sign(claims()), sign(claims(iss="https://idp"), key="idp"), sign(claims())]
    with local_issuer() as wrap:
        status, out, _ = run("verify", "--batch", f"--now={NOW}", f"issuer={ISS}", f"audience={AUD}", config,
                             "revoked=none", stdin="\n".join(lines * 20), wrap=wrap)
    assert status == 0
    answers = [json.loads(line) for line in out.splitlines()]
    assert [a["valid"] for a in answers[:1] + answers[2:3]] == [True, True]
    assert len(answers) == 60
    # issuer= overrides the section's.
    assert answers[1]["error"] == "wrong_issuer"


def test_a_batch_replies_while_its_input_is_open():
    p = subprocess.Popen([JWTCTL, "verify", "--batch", f"--now={NOW}", *words()], env=environment(),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(3):
        p.stdin.write(sign(claims()).encode() + b"\n")
        p.stdin.flush()
        assert json.loads(p.stdout.readline())["valid"]
    p.stdin.close()
    p.stdout.close()
    assert p.wait() == 0


@needs_root
def test_a_token_bound_to_a_host_key_is_valid_on_the_host_with_the_key():
    directory = path("ssh")
    os.makedirs(directory)
    for name in ("own", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{directory}/{name}_key"], check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{directory}/own_key"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()[1]
    key = shown.replace("SHA256:", "")[:22].replace("+", "-").replace("/", "_")
    token = sign(claims(aud=f"{AUD}#{key}"))
    accepted(token, f"host_keys={directory}/*_key.pub")
    accepted(token, f"host_keys={directory}/own_key.pub", "--service=sudo")
    refused(token, "wrong_host_key", f"host_keys={directory}/other_key.pub")
    refused(sign(claims(aud=f"other#{key}")), "wrong_audience", f"host_keys={directory}/*_key.pub")
    accepted(sign(claims()), "host_keys=/nonexistent/*")
    status, answer, err = verify(token, "host_keys=/nonexistent/*")
    assert (status, answer["error"]) == (3, "file") and "host_keys=/nonexistent/*" in err
    status, _, err = verify(token, "audience=here#" + key)
    assert status == 2 and "expected one or more audiences" in err


@needs_root
def test_host_keys_may_be_a_relative_path_here():
    directory = path("relative")
    os.makedirs(directory)
    for name in ("k_key.pub", "k_key"):
        with open(f"{directory}/{name}", "w", encoding="ascii") as file:
            file.write("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILHJTm+SsyVD5zhLlVd2wjk5ZOeTpWZnR+oKPc+Fdg0U root@box\n")
    token = sign(claims(aud=f"{AUD}#rVWF0XYY8VdYnGdcftaePg"))
    here = os.getcwd()
    os.chdir(directory)
    try:
        accepted(token, "host_keys=*_key.pub")
    finally:
        os.chdir(here)
