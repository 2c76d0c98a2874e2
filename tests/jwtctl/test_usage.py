"""jwtctl's command line, settings, keys and show."""

import json
import os
import subprocess

import pytest

from harness import JWTCTL, NOW, TMP, claims, environment, local_issuer, needs_root, now, path, run, server, sign, words


def test_help_and_version_exit_with_0():
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for command in ("login", "logout", "token", "show", "run", "askpass", "verify", "config check",
                    "config show", "key list", "key new", "key export", "key import"):
        assert "  " + command in out
        code, text, err = run(*command.split(), "--help")
        assert (code, err) == (0, "")
        assert "usage: jwtctl " + command in text
    assert run("--version")[0] == 0
    assert "jwtctl " in run("--version")[1]


NO_COMMANDS = ((), ("frobnicate",), ("config",), ("config", "edit"), ("key",), ("key", "steal"), ("-x",), ("",))


@pytest.mark.parametrize("args", NO_COMMANDS)
def test_an_unknown_command_is_a_usage_error(args):
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert "usage: jwtctl" in err or f"unknown command '{args[-1]}'\n" in err


@pytest.mark.parametrize("args", [
    ("login", "a", "b"), ("login", ""), ("login", "--json=1"), ("token", "x"), ("logout", "x"),
    ("key", "list", "a", "b"), ("key", "new", "a", "b"), ("key", "export", "a", "b"), ("key", "new", "--alg=none"),
    ("key", "import", "--alg=ES521"), ("key", "list", "--alg="), ("show", "--x"), ("run", "--x"), ("askpass",),
    ("askpass", "a", "b")])
def test_an_unknown_argument_is_a_usage_error(args):
    code, out, _ = run(*args, stdin="x\n")
    assert (code, out) == (2, "")


def test_a_full_standard_output_is_an_error():
    with server():
        for args in (("token",), ("verify", f"--now={NOW}", *words()), ("config", "show")):
            with open("/dev/full", "wb") as full:
                p = subprocess.run([JWTCTL, *args], input=sign(claims()).encode(), stdout=full,
                                   stderr=subprocess.PIPE, env=environment(), check=False)
            assert (args[0], p.returncode != 0) == (args[0], True)


@needs_root
def test_config_check_prints_ok_or_the_invalid_line():
    good, bad = path("good.conf", "[Token]\nLeeway=0\n"), path("bad.conf", "[Token]\n\nLeeway=soon\n")
    assert run("config", "check", f"--config={good}") == (0, f"{good}: ok\n", "")
    status, out, err = run("config", "check", f"--config={bad}")
    assert (status, out) == (3, "")
    assert bad in err
    assert "3" in err
    assert "soon" in err
    assert run("config", "check", "--config=/nowhere/jwt.conf")[0] == 3
    assert run("config", "check", "extra")[0] == 2


@needs_root
def test_config_check_reads_the_user_maps_too():
    users = path("checked-users", "https://i x alice\n")
    config = path("maps.conf", f"[Issuer https://i]\nKeys={path('key.jwks')}\nUserMap={users}\n")
    assert run("config", "check", f"--config={config}") == (0, f"{config}: ok\n", "")
    path("checked-users", "https://i x alice\nhttps://i x*y alice carol\n")
    status, out, err = run("config", "check", f"--config={config}")
    assert (status, out) == (3, "")
    assert f"{users}:2: " in err


@needs_root
def test_config_check_warns_of_unknown_groups_and_of_lines_that_overlap():
    users = path("overlapping-users",
                 "https://i x@d carol\nhttps://i *@d *\nhttps://i boss@D alice\nhttps://j boss@d alice\n"
                 "https://i x@d alice\nhttps://i b*@d *\n")
    config = path("warn.conf", f'[Session]\nAllowGroups=root nosuchgroup "no such group"\n'
                  f"[Issuer https://i]\nKeys={path('key.jwks')}\nUserMap={users}\n")
    assert run("config", "check", f"--config={config}") == (
        0, f"{config}: ok\n", "jwtctl: warning: AllowGroups=: no such group: nosuchgroup\n"
        "jwtctl: warning: AllowGroups=: no such group: no such group\n"
        f"jwtctl: warning: {users}:3: overlaps with line 2, which applies first\n"
        f"jwtctl: warning: {users}:5: overlaps with line 1, which applies first\n"
        f"jwtctl: warning: {users}:6: overlaps with line 2, which applies first\n")
    assert 'AllowGroups=root nosuchgroup "no such group"\n' in run("config", "show", f"--config={config}")[1]


@needs_root
def test_config_check_prints_its_problems_as_json():
    config = path("problems.conf", "[Session]\nAllowGroups=nosuchgroup\n[Http]\nTrustedProxies=nosuchuser\n", 0o600)
    status, out, err = run("config", "check", f"--config={config}", "-o", "json")
    answer = json.loads(out)
    assert (status, err, answer["valid"], answer["file"]) == (3, "", False, config)
    assert {p["level"] for p in answer["problems"]} == {"warning", "error"}
    assert f"chmod a+r {config}" in [p["remedy"] for p in answer["problems"]]
    status, out, err = run("config", "check", f"--config={path('wrong.conf', '[Nonsense]')}", "-o", "json")
    assert (status, err, json.loads(out)["problems"][0]["level"]) == (3, "", "error")


EXCHANGES = {
    "Session=yes\n": "Session= and ExchangeLifetime= have no effect without Exchange=yes",
    "Exchange=yes\nAudience=a\n": "Exchange=yes has no effect without UserMap=",
    "Exchange=yes\nUserMap=same\n": "Exchange=yes without Audience=",
    "Exchange=yes\nUserMap=same\nAudience=a\nOneTime=required\n": "such tokens are not exchanged",
    "Exchange=yes\nUserMap=same\nAudience=a\nSession=yes\nExchangeLifetime=1h\n": None,
}


@needs_root
@pytest.mark.parametrize("words", EXCHANGES)
def test_config_check_warns_of_what_an_exchange_lacks(words):
    config = path("exchange.conf", f"[Issuer https://i]\nKeys={path('key.jwks')}\n{words}")
    status, out, err = run("config", "check", f"--config={config}")
    assert (status, out) == (0, f"{config}: ok\n")
    warning = EXCHANGES[words]
    assert err.count("\n") == 1 and "warning: [Issuer https://i]: " in err and warning in err if warning else err == "", err


@needs_root
def test_config_check_finds_files_of_an_exchange_that_jwtd_issuer_cannot_read():
    users = path("private-users", "https://i x alice\n", 0o600)
    text = f"[Issuer https://i]\nKeys={path('key.jwks')}\nUserMap={users}\nAudience=a\nExchange=yes\n"
    status, _, err = run("config", "check", f"--config={path('exchange.conf', text)}")
    assert status == 3 and f"{users}: cannot be read by the daemons" in err, err
    text = "[Session]\nCheckAccount=no\n" + text
    assert "has no effect with CheckAccount=no" in run("config", "check", f"--config={path('exchange.conf', text)}")[2]


CHECKED = {
    "a comment": ("[Session]\nAllowGroups=root # text\n", 0o644, "check.conf:2: AllowGroups= has a comment"),
    "a proxy": ("[Http]\nTrustedProxies=nosuchuser\n", 0o644, "TrustedProxies=: there is no user nosuchuser"),
    "keys": ("[Issuer https://i]\nKeys=/nowhere/k.jwks\n", 0o644, "/nowhere/k.jwks: "),
    "a list": ("[Issuer https://i]\nKeys=KEYS\nRevoked=/nowhere/list\n", 0o644, "/nowhere/list: "),
    "a store": ("[Store]\nPath=/nowhere/sessions.db\n", 0o644, "Path=/nowhere/sessions.db: there is no directory"),
    "a store that is a directory": ("[Store]\nPath=/etc\n", 0o644, "Path=/etc: expected a regular file"),
    "a mode": ("[Token]\nLeeway=0\n", 0o600, "check.conf: cannot be read by the daemons"),
}


@needs_root
@pytest.mark.parametrize("name", CHECKED)
def test_config_check_finds_what_reading_does_not_show(name):
    text, mode, message = CHECKED[name]
    config = path("check.conf", text.replace("KEYS", path("key.jwks")), mode)
    status, out, err = run("config", "check", f"--config={config}")
    assert (status, out) == (3, "") and message in err, err


@needs_root
def test_config_check_finds_an_unreadable_drop_in_and_every_other_mistake():
    config = path("many.conf", "[Session]\nAllowGroups=nosuchgroup\n")
    os.makedirs(config + ".d", mode=0o755, exist_ok=True)
    path("many.conf.d/site.conf", "[Http]\nTrustedProxies=nosuchuser\n", 0o640)
    err = run("config", "check", f"--config={config}")[2]
    assert err.count("\n") == 3 and "warning: AllowGroups=: no such group: nosuchgroup" in err and "nosuchuser" in err, err
    assert f"many.conf.d/site.conf: cannot be read by the daemons: expected mode 0644; to correct it, as root: " \
           f"chmod a+r {config}.d/site.conf\n" in err, err


@needs_root
def test_config_check_needs_a_key_of_the_algorithm_where_an_issuer_is():
    config = path("alg.conf", "[Token]\nAlgorithm=ES256\n")
    with local_issuer() as wrap:
        assert run("config", "check", f"--config={config}", wrap=wrap)[0] == 0
        issuer = (*wrap, "sh", "-c", 'mkdir /var/lib/jwtd-issuer && exec "$0" "$@"')
        status, _, err = run("config", "check", f"--config={config}", wrap=issuer)
        assert status == 3 and err.endswith("to correct it, as root: jwtctl key rotate --alg=ES256\n"), err
        path("alg.conf", "[Token]\nAlgorithm=EdDSA\n")
        assert run("config", "check", f"--config={config}", wrap=issuer)[0] == 0


@needs_root
def test_config_check_warns_of_names_that_make_tokens_too_long_for_sudo():
    host = "ip-10-20-30-40-production-database.eu-central-1.compute.internal"
    for names, warned in (("", False), ("Issuer=https://login.example\nAudience=site.example\n", False),
                          (f"Audience={host}\n", True), (f"Issuer=https://{host}\n", True),
                          (f"Audience={host}\nMaxTokenLength=1023\n", False)):
        config = path("length.conf", "[Token]\n" + names)
        status, out, err = run("config", "check", f"--config={config}")
        assert (status, out) == (0, f"{config}: ok\n")
        assert ("warning: tokens for sudo have up to" in err) == warned, (names, err)


@needs_root
def test_config_check_refuses_amr_claim_where_tokens_would_be_too_long_for_sudo():
    host = "ip-10-20-30-40-production-database.eu-central-1.compute.internal"
    pinned = f"Issuer=https://{host}\nAudience=web1\n"
    with local_issuer() as wrap:
        public = (*wrap, "sh", "-c", f"mkdir -p /var/lib/jwt && printf '{pinned}' >/var/lib/jwt/issuer && " 'exec "$0" "$@"')
        for names, where, status in (("", wrap, 0), ("", public, 3), ("MaxTokenLength=1023\n", public, 0),
                                     ("Issuer=https://login.example.com\nAudience=example\n", public, 0),
                                     (f"Audience={host}\n", wrap, 3)):
            config = path("amr.conf", "[Token]\nAmrClaim=yes\n" + names)
            got, _, err = run("config", "check", f"--config={config}", wrap=where)
            assert got == status, (names, err)
            assert ("or remove AmrClaim=yes" in err) == (status == 3), err


@needs_root
def test_config_show_marks_defaults_and_can_be_read_back():
    conf = path("show.conf", "[Token]\nAccessTokenLifetime=5min\n"
                f"[Issuer https://idp]\nKeys={path('key.jwks')}\nMaxLifetime=1h\n")
    status, out, _ = run("config", "show", f"--config={conf}")
    assert status == 0
    assert "[Token]\n" in out
    assert "\nAccessTokenLifetime=5min\n" in out
    assert "\n#RefreshTokenLifetime=7d\n" in out
    assert "\n#Issuer=https://HOSTNAME\n" in out
    assert f"\n\n[Issuer https://idp]\nKeys={path('key.jwks')}\n" in out
    assert run("config", "check", f"--config={path('again.conf', out)}")[0] == 0
    rows = json.loads(run("config", "show", f"--config={conf}", "--json")[1])
    by_key = {(r["section"], r["key"]): r for r in rows}
    assert not by_key["Token", "AccessTokenLifetime"]["default"]
    assert by_key["Token", "AccessTokenLifetime"]["value"] == "5min"
    assert by_key["Token", "RefreshTokenLifetime"]["default"]


def test_key_list_shows_kid_alg_and_thumbprint():
    status, out, _ = run("key", "list", path("key.jwks"), "--json")
    assert status == 0
    (key,) = json.loads(out)
    assert key["alg"] == "EdDSA"
    assert len(key["thumbprint"]) == 43
    assert key["kid"] == key["thumbprint"][:8]
    _, out, _ = run("key", "list", f"keys={path('key.jwks')}")
    assert f"{key['kid']}  EdDSA  {key['thumbprint']}\n" in out
    status, _, err = run("key", "list", "/nowhere/keys")
    assert status == 3
    assert "/nowhere/keys" in err


@needs_root
def test_show_explains_a_token_and_why_it_is_refused():
    with local_issuer() as wrap:
        code, out, _ = run("show", stdin=sign(claims()), wrap=wrap)
        assert code == 0
        assert '"exp": 1700000900  (Tue 2023-11-14 22:28, ' in out
        assert 'refused: claim "exp": the token expired ' in out
        answer = json.loads(run("show", "--json", stdin=sign(claims()), wrap=wrap)[1])
        assert (answer["claims"], answer["header"]["alg"]) == (claims(), "EdDSA")
        assert answer["verdict"]["error"] == "expired"
        start = now()
        code, out, _ = run("show", stdin=sign(claims(iat=start, exp=start + 900)), wrap=wrap)
        assert "result: accepted, for user alice" in out
        once = claims(iat=start, exp=start + 900, one_time=True)
        assert "result: accepted, for user alice" in run("show", stdin=sign(once), wrap=wrap)[1]
        scoped = sign(claims(iat=start, exp=start + 900, scope="pam:sshd"))
        assert "result: accepted" in run("show", "--service=sshd", stdin=scoped, wrap=wrap)[1]
        assert 'claim "scope": expected "pam:sudo", got "pam:sshd"' in run("show", "--service=sudo", stdin=scoped, wrap=wrap)[1]


def test_show_reports_junk_and_refuses_a_token_as_argument():
    code, out, _ = run("show", stdin="junk")
    assert code == 1
    assert "unreadable" in out
    assert run("show", sign(claims()))[0] == 2


def test_show_escapes_control_characters():
    _, out, _ = run("show", stdin=sign(json.dumps(claims(x="a\u009bb\u007fc\u001b"), ensure_ascii=False)))
    assert '"x": "a\\u009bb\\u007fc\\u001b"' in out


def test_show_without_a_token_explains_the_stored_one():
    with server():
        for stdin in ("", "\n"):
            answer = json.loads(run("show", "--json", stdin=stdin)[1])
            assert (answer["claims"]["token_type"], answer["claims"]["sub"]) == ("access", "alice")
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    assert run("show", stdin="")[:2] == (1, "")
