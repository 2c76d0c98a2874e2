"""The conventions of jwtctl's command line, for every command of its table."""

import re

import pytest

from harness import run

COMMANDS = re.findall(r"^  ([a-z]+(?: [a-z-]+)?) {2,}\S", run("--help")[1], re.MULTILINE)
GROUPS = sorted({c.split()[0] for c in COMMANDS if " " in c} - set(COMMANDS))


def options_of(command):
    """The lines of --help: (short form, name, argument, explanation)."""
    text = run(*command.split(), "--help")[1]
    return re.findall(r"^  (-.,|   ) --([a-z-]+)(=\S+)? {2,}(.*)", text, re.MULTILINE)


def test_the_table_is_read():
    assert len(COMMANDS) > 20 and GROUPS == ["config", "key"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_four_spellings_and_a_version(command):
    words = command.split()
    code, text, err = run(*words, "--help")
    assert (code, err) == (0, "") and text.startswith(f"usage: jwtctl {command} [OPTION...]")
    assert run(*words, "-h") == run("help", *words) == (0, text, "")
    assert run(*words, "-V") == run(*words, "--version") == run("-V")
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
