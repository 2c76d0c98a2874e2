"""jwtctl's command line, settings, keys and show."""

import json
import subprocess
import time

from harness import (JWTCTL, NOW, TMP, claims, environment, equal, holds, local_issuer, path,
                     promise, run, server, sign, taken, words)


@promise
def help_and_version_are_answers():
    code, out, err = run("--help")
    equal((code, err), (0, ""))
    for command in ("login", "logout", "token", "show", "run", "askpass", "verify", "config check",
                    "config show", "key list", "key new", "key export", "key import"):
        holds(out, "  " + command)
        code, text, err = run(*command.split(), "--help")
        equal((code, err), (0, ""))
        holds(text, "usage: jwtctl " + command)
    equal(run("--version")[0], 0)
    holds(run("--version")[1], "jwtctl ")


@promise
def what_is_no_command_is_usage():
    for args in ((), ("frobnicate",), ("config",), ("config", "edit"), ("key",), ("key", "steal"), ("-x",), ("",)):
        code, out, err = run(*args)
        equal((args, code, out), (args, 2, ""))
        holds(err, "usage: jwtctl")
    for args in (("login", "a", "b"), ("login", ""), ("login", "--json=1"), ("token", "x"), ("logout", "x"),
                 ("key", "list", "a", "b"), ("key", "new", "a", "b"), ("key", "export", "a", "b"),
                 ("key", "new", "--alg=none"), ("key", "import", "--alg=ES521"), ("key", "list", "--alg="), ("show", "--x"), ("run", "--x"), ("askpass",), ("askpass", "a", "b")):
        code, out, _ = run(*args, stdin="x\n")
        equal((args, code, out), (args, 2, ""))


@promise
def a_full_standard_output_is_no_success():
    with server():
        for args in (("token",), ("verify", f"--now={NOW}", *words()), ("config", "show")):
            with open("/dev/full", "wb") as full:
                p = subprocess.run([*JWTCTL, *args], input=sign(claims()).encode(), stdout=full,
                                   stderr=subprocess.PIPE, env=environment(), check=False)
            equal((args[0], p.returncode != 0), (args[0], True))


@promise
def config_check_says_ok_or_which_line_is_wrong():
    good, bad = path("good.conf", "[Token]\nLeeway=0\n"), path("bad.conf", "[Token]\n\nLeeway=soon\n")
    equal(run("config", "check", f"--config={good}"), (0, f"{good}: ok\n", ""))
    status, out, err = run("config", "check", f"--config={bad}")
    equal((status, out), (3, ""))
    holds(err, bad)
    holds(err, "3")
    holds(err, "soon")
    equal(run("config", "check", "--config=/nowhere/jwt.conf")[0], 3)
    equal(run("config", "check", "extra")[0], 2)


@promise
def config_check_reads_the_user_maps_too():
    users = path("checked-users", "https://i x alice\n")
    config = path("maps.conf", f"[Issuer https://i]\nKeys=/k\nUserMap={users}\n")
    equal(run("config", "check", f"--config={config}"), (0, f"{config}: ok\n", ""))
    path("checked-users", "https://i x alice\nhttps://i x carol\n")
    status, out, err = run("config", "check", f"--config={config}")
    equal((status, out), (3, ""))
    holds(err, f"{users}:2: ")


@promise
def config_show_marks_defaults_and_can_be_read_back():
    conf = path("show.conf", "[Token]\nAccessTokenLifetime=5min\n"
                "[Issuer https://idp]\nKeys=/var/lib/jwt/jwks.json\nMaxLifetime=1h\n")
    status, out, _ = run("config", "show", f"--config={conf}")
    equal(status, 0)
    holds(out, "[Token]\n")
    holds(out, "\nAccessTokenLifetime=5min\n")
    holds(out, "\n#RefreshTokenLifetime=7d\n")
    holds(out, "\n#Issuer=https://HOSTNAME\n")
    holds(out, "\n\n[Issuer https://idp]\nKeys=/var/lib/jwt/jwks.json\n")
    equal(run("config", "check", f"--config={path('again.conf', out)}")[0], 0)
    rows = json.loads(run("config", "show", f"--config={conf}", "--json")[1])
    by_key = {(r["section"], r["key"]): r for r in rows}
    equal(by_key["Token", "AccessTokenLifetime"]["default"], False)
    equal(by_key["Token", "AccessTokenLifetime"]["value"], "5min")
    equal(by_key["Token", "RefreshTokenLifetime"]["default"], True)


@promise
def key_list_shows_kid_alg_and_thumbprint():
    status, out, _ = run("key", "list", path("key.jwks"), "--json")
    equal(status, 0)
    (key,) = json.loads(out)
    equal(key["alg"], "EdDSA")
    equal(len(key["thumbprint"]), 43)
    equal(key["kid"], key["thumbprint"][:8])
    _, out, _ = run("key", "list", f"keys={path('key.jwks')}")
    holds(out, f"{key['kid']}  EdDSA  {key['thumbprint']}\n")
    status, _, err = run("key", "list", "/nowhere/keys")
    equal(status, 3)
    holds(err, "/nowhere/keys")


@promise
def show_explains_a_token_and_why_it_is_refused():
    with local_issuer() as wrap:
        code, out, _ = run("show", stdin=sign(claims()), wrap=wrap)
        equal(code, 0)
        holds(out, '"exp": 1700000900  (Tue 2023-11-14 22:28, ')
        holds(out, "refused: the token has expired")
        answer = json.loads(run("show", "--json", stdin=sign(claims()), wrap=wrap)[1])
        equal((answer["claims"], answer["header"]["alg"]), (claims(), "EdDSA"))
        equal(answer["verdict"]["error"], "expired")
        now = int(time.time())
        code, out, _ = run("show", stdin=sign(claims(iat=now, exp=now + 900)), wrap=wrap)
        holds(out, "it would be taken, for user alice")
        once = claims(iat=now, exp=now + 900, one_time=True)
        holds(run("show", stdin=sign(once), wrap=wrap)[1], "it would be taken, for user alice")


@promise
def show_tells_junk_and_takes_no_token_as_an_argument():
    code, out, _ = run("show", stdin="junk")
    equal(code, 1)
    holds(out, "unreadable")
    equal(run("show", sign(claims()))[0], 2)


@promise
def show_lets_no_token_drive_the_terminal():
    _, out, _ = run("show", stdin=sign(json.dumps(claims(x="a\u009bb\u007fc\u001b"), ensure_ascii=False)))
    holds(out, '"x": "a?b?c\\u001b"')


@promise
def show_without_a_token_explains_the_one_that_is_kept():
    with server():
        for stdin in ("", "\n"):
            answer = json.loads(run("show", "--json", stdin=stdin)[1])
            equal((answer["claims"]["token_type"], answer["claims"]["sub"]), ("access", "alice"))
    subprocess.run(["rm", "-rf", TMP + "/state"], check=True)
    equal(run("show", stdin="")[:2], (1, ""))
