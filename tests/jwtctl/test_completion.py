"""Completions: what jwtctl offers, and that bash, zsh and fish put it on the command line."""

import os
import re
import shutil
import subprocess
import time

from harness import JWTCTL, TMP, environment, local_issuer, needs_root, path, run, server, stored
from shell import need, shell

SCRIPTS = os.path.join(os.path.dirname(__file__), "../../jwtctl/completions")


def offered(*words, **more):
    code, out, err = run("__complete", *words, **more)
    assert (code, err) == (0, "")
    return [line.split("\t")[0] for line in out.splitlines()]


def commands():
    return re.findall(r"^  ([a-z]+(?: [a-z-]+)?) {2,}\S", run("--help")[1], re.MULTILINE)


def test_every_command_and_every_option_of_help_is_offered():
    assert offered("") == list(dict.fromkeys(c.split()[0] for c in commands()))
    for command in commands():
        words = command.split()
        assert words[-1] in offered(*words)
        assert words[-1] in offered("help", *words)
        listed = re.findall(r"^  (?:-.,|   ) (--[a-z-]+=?)", run(*words, "--help")[1], re.MULTILINE)
        assert offered(*words, "--") == listed, command


def test_values_are_offered_for_options_and_operands():
    assert offered("status", "-o", "") == offered("status", "--output", "") == ["json", "text"]
    assert offered("status", "--output=j") == ["--output=json"]
    assert "root" in offered("sessions", "--user", "ro") and "--user=root" in offered("sessions", "--user=ro")
    assert "root" in offered("login", "r") and "root" in offered("revoke", "r")
    assert offered("key", "new", "--alg=Ed") == ["--alg=EdDSA"]
    assert set(offered("token", "--service=")) == {
        "--service=" + name for name in os.listdir("/etc/pam.d") if re.fullmatch(r"[\w@+-][\w.@+-]*", name)}
    assert {"keys=", "audience_claim=", "allow_root", "config="} <= set(offered("verify", ""))
    assert offered("key", "export", "x") == offered("config", "show", "--config=x") == [":files"]


def test_the_command_behind_run_is_left_to_the_shell():
    for words in (("run", ""), ("run", "--", "-x"), ("run", "--whole", "--", "ssh", "-"), ("run", "ssh", "--")):
        number = words.index("--") + 1 if words[1].startswith("--") else 1
        assert offered(*words) == [f":command {number}"], words
    assert "--whole" in offered("run", "--")


@needs_root
def test_the_ids_of_keys_are_offered():
    with local_issuer() as wrap:
        kid = run("key", "list", wrap=wrap)[1].splitlines()[1].split()[0]
        for words in (("",), ("--now", "")):
            assert offered("key", "retire", *words, wrap=wrap) == [kid]
        assert offered("key", "retire", "~", wrap=wrap) == []


def test_ids_of_sessions_are_offered_and_nothing_that_a_shell_would_interpret():
    with server() as s:
        bad = ["$(id)", "`id`", "a b", "a;b", "a\x1b[2J", "a'b", 'a"b', "a\\b", "-x\n", "*", "~root", "#x"]
        rows = [{"sid": sid, "source": "\x1b]0;x\x07"} for sid in ["AbC_-9", *bad]]
        s.answer["/api/sessions/"] = (200, rows, {})
        code, out, err = run("__complete", "revoke", "", env=environment(HOME=TMP))
        words = out.splitlines()
        assert (code, err) == (0, "") and "AbC_-9\t?]0;x?" in words, out
        assert not [w for w in words if re.search(r"[^\w.,:=/@+?;\t\[\]-]", w)], words
        s.answer["/api/sessions/"] = (500, {}, {})
        assert "AbC_-9" not in run("__complete", "revoke", "")[1]


def test_a_completion_that_takes_too_long_does_not_lose_the_next_tokens():
    with server(lifetime=30) as s:
        before, s.delay = stored()["refresh"], 5
        assert offered("revoke", "S") == []
        end = time.monotonic() + 60
        while stored()["refresh"] == before and time.monotonic() < end:
            time.sleep(0.05)
        assert stored()["refresh"] != before


def test_the_names_of_logins_are_offered():
    with server() as s:
        assert run("login", "alice", f"--server={s.socket_path}", "--name=work", stdin="x\n")[0] == 0
        assert offered("use", "w") == ["work"] and offered("status", "--server=") == ["--server=work"]


# The shells. Each is asked to put every completion on its command line, which is then printed.

CASES = {
    "jwtctl ke": ["key"],
    "jwtctl key r": ["retire", "rotate"],
    "jwtctl token --host": ["--host=", "--host-key="],
    "jwtctl status --output=j": ["--output=json"],
    "jwtctl status -o j": ["json"],
    "jwtctl config check --config=DIR/some": ["--config=DIR/some.conf"],
    "jwtctl key export DIR/some": ["DIR/some.conf"],
    "jwtctl run -- comm-of-te": ["comm-of-test"],
    "jwtctl run --server=https://a --confirm -- comm-of-te": ["comm-of-test"],
    "jwtctl run --whole comm-of-test DIR/some": ["DIR/some.conf"],
    "jwtctl verify audience_": ["audience_claim="],
}


def directory():
    os.makedirs(path("bin"), exist_ok=True)
    if not os.path.exists(path("bin/jwtctl")):
        os.symlink(JWTCTL, path("bin/jwtctl"))
        path("bin/comm-of-test", "#!/bin/sh\n", 0o755)
        path("some.conf", "")
        os.makedirs(path("zsh"))
        shutil.copy(SCRIPTS + "/zsh", path("zsh/_jwtctl"))
    return environment(PATH=path("bin") + ":" + os.environ["PATH"], TERM="dumb", LC_ALL="C.UTF-8")


def completed(s, line, key):
    """The words that the key puts behind those of the line; ^A and ^E go to its ends."""
    os.write(s.fd, line.encode() + key + b"\x01echo GO''T \x05 EN''D\r")
    words = s.wait_for(rb"GOT (.*?) *END")[1].decode().split()
    start = line.split(" ")[:-1]
    assert words[:len(start)] == start, words
    return words[len(start):]


def in_directory(words):
    return [w.replace("DIR", TMP) for w in words]


def test_bash_completes():
    need("bash", "/usr/share/bash-completion/bash_completion")
    with shell(directory(), "bash", "--norc", "--noprofile") as s:
        s.do(f". /usr/share/bash-completion/bash_completion; . {SCRIPTS}/bash; bind 'set enable-bracketed-paste off'")
        for line, words in CASES.items():
            assert sorted(completed(s, line.replace("DIR", TMP), b"\x1b*")) == sorted(in_directory(words)), line


def test_zsh_completes():
    need("zsh")
    with shell(directory(), "zsh", "-f") as s:
        s.do(f"fpath=({path('zsh')} $fpath); autoload -U compinit; compinit -u -D")
        s.do("zle -C all complete-word _generic; bindkey -e; bindkey '^Xa' all")
        s.do("zstyle ':completion:all::::' completer _all_matches _complete; zstyle ':completion:all:*' insert true")
        s.do("zstyle ':completion:*:all-matches' old_matches only")
        for line, words in CASES.items():
            assert sorted(completed(s, line.replace("DIR", TMP), b"\x18a")) == sorted(in_directory(words)), line


def test_fish_completes():
    need("fish")
    for line, words in CASES.items():
        p = subprocess.run(["fish", "--no-config", "-c", f". {SCRIPTS}/fish; complete -C '{line}'".replace("DIR", TMP)],
                           env=directory(), cwd=TMP, capture_output=True, text=True, check=True, timeout=60)
        got = [w.split("\t")[0] for w in p.stdout.splitlines()]
        assert (sorted(got), p.stderr) == (sorted(in_directory(words)), ""), line
