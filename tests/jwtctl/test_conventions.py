"""The conventions of jwtctl's command line, for every command of its table."""

import glob
import os
import re

import pytest

from harness import NOW, accepted, claims, documented_members, path, run, server, sign, words

COMMANDS = re.findall(r"^  ([a-z]+(?: [a-z-]+)?) {2,}\S", run("--help")[1], re.MULTILINE)
GROUPS = sorted({c.split()[0] for c in COMMANDS if " " in c} - set(COMMANDS))


def options_of(command):
    """The lines of --help: (short form, name, argument, explanation)."""
    text = run(*command.split(), "--help")[1]
    return re.findall(r"^  (-.,|   ) --([a-z-]+)(=\S+)? {2,}(.*)", text, re.MULTILINE)


def test_the_table_is_read():
    assert len(COMMANDS) > 20 and GROUPS == ["config", "key", "store"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_four_spellings_and_a_version(command):
    args = command.split()
    code, text, err = run(*args, "--help")
    assert (code, err) == (0, "") and text.startswith(f"usage: jwtctl {command} [OPTION...]")
    assert run(*args, "-h") == run("help", *args) == (0, text, "")
    assert run(*args, "-V") == run(*args, "--version") == run("-V")
    assert max(len(line) for line in text.splitlines()) <= 80, text


def test_the_list_of_commands_fits_80_columns():
    assert max(len(line) for line in run("--help")[1].splitlines()) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained_in_one_line(command):
    options = options_of(command)
    assert {"help", "version"} <= {name for _, name, _, _ in options}
    for _, name, _, explanation in options:
        assert len(explanation) > 8 and not explanation.endswith("."), (command, name)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_help_of_its_commands_alone(group):
    text = run(group, "--help")[1]
    assert text.startswith(f"usage: jwtctl {group} COMMAND")
    assert re.findall(r"^  ([a-z]+ [a-z-]+) ", text, re.MULTILINE) == [c for c in COMMANDS if c.startswith(group + " ")]
    assert run(group, "-h") == run("help", group) == (0, text, "")
    assert run(group) == (2, "", text)


def test_the_nearest_command_and_option_are_named_when_there_is_one():
    for typed, near in (("lgoin", "login"), ("sttaus", "status"), ("tokn", "token"), ("key lsit", "list"),
                        ("kye list", "key"), ("help lgoin", "login"), ("token --servce=x", "--service"),
                        ("sessions --usre=x", "--user"), ("login --jsno", "--json")):
        code, out, err = run(*typed.split())
        assert (code, out) == (2, "") and f"did you mean '{near}'?\njwtctl" in err, err
    for typed in ("frobnicate", "x", "key xx", "token --frobnicate", "show --x", "config shock"):
        code, out, err = run(*typed.split())
        assert (code, out) == (2, "") and "did you mean" not in err and "--help'\n" in err, err


def test_an_error_about_an_option_names_what_is_expected():
    for args, message in ((("token", "--host"), "--host: expected a value: --host=HOST"),
                          (("token", "--once=1"), "--once takes no value, found '--once=1'"),
                          (("token", "-x"), "unknown option '-x'"), (("token", "--s"), "ambiguous option '--s'"),
                          (("status", "-o", "xml"), "--output=xml: expected json or text")):
        assert run(*args) == (2, "", f"jwtctl {args[0]}: {message}\njwtctl {args[0]}: see 'jwtctl {args[0]} --help'\n")


# What these print is for the user, a key, or the answer of another command.
WITHOUT_JSON = {"run", "askpass", "help", "logout", "use", "config apply-names", "key new", "key export", "key import"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_prints_an_answer_prints_it_as_json_too(command):
    options = {name: letter for letter, name, _, _ in options_of(command)}
    assert ("output" in options) != (command in WITHOUT_JSON)
    assert ("json" in options) == ("output" in options) == (command.split(" -")[0] in documented_members())
    assert options.get("output", "-o,") == "-o,"


def without_spans(result):
    """Without what changes from one second to the next: "(..., 1 s ago)"."""
    return result[0], re.sub(r", (in [^,)]*|[^,)]* ago)\)", ")", result[1]), result[2]


def test_o_json_is_the_same_as_json_and_the_last_form_counts():
    with server():
        for command in ("token", "status", "config show", "config check", "key list " + path("key.jwks"), "show"):
            args = command.split()
            code, out, _ = run(*args, "--json")
            assert out.startswith(("{", "[")) and out.count("\n") == 1
            assert run(*args, "-o", "json")[:2] == run(*args, "-ojson")[:2] == run(*args, "--output=json")[:2]
            assert without_spans(run(*args, "-ojson", "-otext")) == without_spans(run(*args))
            assert run(*args, "-o", "text", "-o", "json")[0] == code


def test_verify_prints_json_unless_text_is_wanted():
    assert accepted(sign(claims()))["user"] == "alice"
    for token, form in ((sign(claims()), "accepted, for user alice\n"),
                        (sign(claims(exp=NOW - 9)), "refused: claim \"exp\": the token expired 9 s ago\n")):
        assert run("verify", f"--now={NOW}", "-o", "text", *words(), stdin=token)[1] == form


def test_quiet_prints_nothing_but_errors_and_keeps_the_exit_status():
    with server():
        for args in (("status", "--socket=/nowhere"), ("token",), ("show",), ("sessions",), ("verify",), ("logout",)):
            code, _, err = run(*args)
            assert run(*args, "-q") == run(*args, "--quiet") == (code, "", err), args
    assert run("token", "-q") == (1, "", run("token")[2]) and run("token")[2]


def test_values_and_abbreviations_are_read_in_each_spelling():
    keys = path("key.jwks")
    code, out, _ = run("key", "list", "--alg=EdDSA", keys)
    assert code == 0
    for args in (("--alg", "EdDSA", keys), (keys, "--alg", "EdDSA"), ("--al=EdDSA", keys), ("--alg=EdDSA", "--", keys),
                 (keys, "--alg=ES256", "--alg=EdDSA")):
        assert run("key", "list", *args) == (0, out, ""), args
    with server():
        assert run("run", "echo", "--help", "-V") == (0, "--help -V\n", "")


@pytest.mark.parametrize("page", ["conventions.md"])
def test_every_row_of_the_conventions_names_a_test(page):
    with open(os.path.join(os.path.dirname(__file__), "../../docs", page), encoding="utf-8") as f:
        rows = [line for line in f.read().split("\n## ")[0].split("\n") if line.startswith("|")][2:]
    assert len(rows) > 15
    here = "".join(open(p, encoding="utf-8").read() for p in glob.glob(os.path.dirname(os.path.abspath(__file__)) + "/*.py"))
    for row in rows:
        assert "def " + re.search(r"`(test_\w+)` \|$", row)[1] + "(" in here, row
