"""Narrowed tokens: `jwtctl token` with options, and the tokens that askpass gives ssh and sudo under `run`."""

import json
import os
import pty

from harness import (JWTCTL, TMP, claims, environment, stored, path, payload, run, server, sign,
                     wait_for_silence)

ONCE = {"scope": "pam:sshd", "one_time": True}
SUDO = {"scope": "pam:sudo pam:sudo-i"}
HOST_KEY = "zE20i-QHEaHF6j2iZIvaor"


def asked(s):
    """The requests to narrow; each must carry the session's access token."""
    for route, _, headers in s.asked:
        assert (route, headers["Authorization"]) == ("/api/token/narrow/", "Bearer " + stored()["access"])
    return [body for _, body, _ in s.asked]


def fake(name, script):
    """A PATH with a program of this name in front."""
    directory = path("bin")
    os.makedirs(directory, exist_ok=True)
    path("bin/" + name, "#!/bin/sh\n" + script + "\n", 0o755)
    return directory + ":" + os.environ["PATH"]


# Imitates ssh: prints its configuration (-G), or prompts through askpass.
SSH = f"""if [ "$1" = -G ]; then
    printf '%s\\n' "$*" >>{TMP}/ssh-asked
    [ "$2" = -bad ] && exit 255
    printf 'user alice\\nhostname %s\\nport 22\\n' "${{RESOLVED:-web1}}"
    [ -z "$ALIAS" ] || printf 'hostkeyalias %s\\n' "$ALIAS"
    exit 0
fi
env | grep '^JWT_'
for prompt in "$PROMPT" "$PROMPT2"; do
    [ -z "$prompt" ] || {JWTCTL} askpass "$prompt" || echo "none"
done"""


def ssh(*args, program="ssh", command=("web1",), **env):
    env.setdefault("PATH", fake("ssh", SSH))
    return run("run", "--", program, *command, *args, env=environment(**env))


def test_token_requests_exactly_what_its_options_say():
    cases = {
        ("--service=sudo",): {"scope": "pam:sudo"},
        ("--service=sudo", "--service=sudo-i"): {"scope": "pam:sudo pam:sudo-i"},
        ("--scope=read write", "--service=sshd"): {"scope": "read write pam:sshd"},
        ("--host=here",): {"aud": "here"},
        ("--lifetime=5min",): {"lifetime": 300},
        ("--lifetime=60",): {"lifetime": 60},
        ("--once",): {"aud": "here", "one_time": True},
        ("--host-key=" + HOST_KEY,): {"aud": "here", "host_key": HOST_KEY},
        ("--host-key=SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y", "--host=web1", "--once", "--service=sshd"):
            {"scope": "pam:sshd", "aud": "web1", "one_time": True, "host_key": HOST_KEY},
        ("--service", "sudo", "--host", "web1", "--once", "--lifetime", "60s"):
            {"scope": "pam:sudo", "aud": "web1", "lifetime": 60, "one_time": True},
    }
    with server() as s:
        for words, want in cases.items():
            s.asked.clear()
            code, out, err = run("token", *words)
            assert (words, code, err) == (words, 0, "")
            assert (words, asked(s)) == (words, [want])
            assert payload(out)["jti"][:6] == "narrow"
        answer = json.loads(run("token", "--service=sudo", "--lifetime=60", "--json")[1])
        assert (payload(answer["access"])["scope"], answer["expires"]) == ("pam:sudo", payload(answer["access"])["exp"])
        assert payload(stored()["access"]).get("scope") is None


def test_invalid_options_are_refused_before_a_request():
    with server() as s:
        for word in ("--lifetime=0", "--lifetime=x", "--lifetime=1month", "--lifetime=500ms", "--service=",
                     "--service=a b", "--once=1", "--host-key=", "--host-key=" + HOST_KEY[1:], "--host-key=" + HOST_KEY + "A",
                     "--host-key=SHA256:" + HOST_KEY, "--host-key=" + "#" * 22, "--nothing", "--host", "extra"):
            code, out, _ = run("token", word)
            assert (word, code, out, s.asked) == (word, 2, "", [])


def test_a_token_that_the_server_did_not_bind_to_the_host_key_is_not_printed():
    """A server of an older release ignores the field."""
    with server(aud=["web1", "web2"]) as s:
        assert run("token", "--host-key=" + HOST_KEY)[:2] == (1, "") and not s.asked
        for aud in ("web1", ["web1"], "web1#" + "A" * 22, ["web1#" + HOST_KEY, "web2"], "web1" + HOST_KEY):
            s.answer["/api/token/narrow/"] = (200, {"access": sign(claims(aud=aud))}, {})
            code, out, err = run("token", "--host=web1", "--host-key=" + HOST_KEY)
            assert (code, out) == (1, ""), aud
            assert "bound to the host key" in err and "jwtd 0.2 or later" in err


def test_a_refused_narrowing_names_the_field_and_the_reason():
    with server() as s:
        for status, body, part in (
                (400, {"scope": ["More than the token shown has."]}, "scope: More than the token shown has."),
                (400, {"detail": "no\ttab"}, "no?tab"),
                (403, {"detail": "You do not have permission to perform this action."}, "permission"),
                (404, {"detail": "Not found."}, "the server is not jwtd, or an older release"),
                (401, {"detail": "Token is blacklisted"}, "the session is no longer valid (Token is blacklisted)"),
                (200, {"token": 1}, "expected an access token")):
            s.answer["/api/token/narrow/"] = (status, body, {})
            code, out, err = run("token", "--service=sudo")
            assert (code, out) == (1, "")
            assert part in err


def test_a_token_for_one_use_names_its_host_where_there_are_several():
    with server(aud=["web1", "web2"]) as s:
        code, out, err = run("token", "--once")
        assert (code, out, s.asked) == (1, "", [])
        assert "web1, web2" in err
        assert run("token", "--once", "--host=web2")[0] == 0
        assert asked(s) == [{"aud": "web2", "one_time": True}]


# ssh


def test_ssh_gets_a_new_one_time_token_for_that_host_each_time():
    with server(aud=["web1", "web2"]) as s:
        code, out, err = ssh(RESOLVED="web1", PROMPT="alice@web1's password: ",
                             PROMPT2="(alice@web1) Password: ")
        assert (code, err) == (0, "")
        said, tokens = out.split()[:-2], [payload(t) for t in out.split()[-2:]]
        assert sorted(said) == ["JWT_ASKPASS_HOST=web1", "JWT_ASKPASS_SERVICE=sshd"]
        assert asked(s) == [dict(ONCE, aud="web1")] * 2
        assert [(t["aud"], t["scope"], t["one_time"]) for t in tokens] == [("web1", "pam:sshd", True)] * 2
        assert tokens[0]["jti"] != tokens[1]["jti"]


def test_ssh_resolves_its_host_with_the_given_arguments():
    with server(aud=["web1", "web2"]) as s:
        assert ssh("-p", "22", "alice@w", "id", RESOLVED="WEB2", PROMPT="Password: ")[0] == 0
        with open(TMP + "/ssh-asked", encoding="ascii") as f:
            assert f.read().splitlines()[-1] == "-G web1 -p 22 alice@w id"
        assert asked(s) == [dict(ONCE, aud="web2")]


def test_a_single_audience_is_used_for_a_host_of_another_name():
    with server() as s:
        assert ssh(RESOLVED="192.0.2.1", PROMPT="alice@192.0.2.1's password: ")[0] == 0
        assert asked(s) == [dict(ONCE, aud="here")]


def test_a_host_without_an_audience_is_reported_before_ssh_starts():
    with server(aud=["web1", "web2"]) as s:
        code, out, err = ssh(RESOLVED="evil", PROMPT="alice@evil's password: ")
        assert (code, out, s.asked) == (1, "", [])
        assert "the session has no audience evil; it has: web1, web2" in err


def test_another_host_than_the_resolved_one_gets_no_token():
    with server(aud=["web1", "web2"]) as s:
        for prompt in ("alice@web2's password: ", "(alice@jump) Password: "):
            code, out, err = ssh(RESOLVED="web1", PROMPT=prompt)
            assert (code, out.splitlines()[-1], s.asked) == (0, "none", [])
            assert "no terminal" in err
        assert ssh(RESOLVED="web1", ALIAS="jump", PROMPT="(alice@jump) Password: ")[0] == 0
        assert asked(s) == [dict(ONCE, aud="web1")]


def test_passphrase_host_key_and_confirmation_prompts_get_no_token():
    with server() as s:
        for prompt in ("Enter passphrase for key '/x': ", "alice@web1's old password: ",
                       "Are you sure you want to continue connecting (yes/no/[fingerprint])? "):
            assert ssh(PROMPT=prompt)[1].splitlines()[-1] == "none"
        assert ssh(PROMPT="Password: ", SSH_ASKPASS_PROMPT="confirm")[1].splitlines()[-1] == "none"
        assert s.asked == []


def test_arguments_that_ssh_refuses_are_passed_to_ssh():
    with server(aud=["web1", "web2"]) as s:
        code, out, _ = ssh(command=("-bad",))
        assert (code, out.split(), s.asked) == (0, ["JWT_ASKPASS_SERVICE=sshd"], [])


def test_programs_that_start_ssh_get_tokens_for_the_host_that_prompts():
    with server(aud=["web1", "web2"]) as s:
        for program in ("scp", "sftp", "rsync", "git", "sshfs", "ssh-copy-id", "mosh"):
            s.asked.clear()
            code, out, _ = ssh(program=program, PATH=fake(program, SSH), PROMPT="(alice@web2) Password: ",
                               PROMPT2="alice@evil's password: ")
            assert (program, code, out.split()[-1]) == (program, 0, "none")
            assert (program, asked(s)) == (program, [dict(ONCE, aud="web2")])


# sudo and other programs


def test_sudo_gets_a_token_for_sudo_only_each_time():
    with server(aud=["web1", "web2"]) as s:
        code, out, err = ssh(program="sudo", PATH=fake("sudo", SSH), PROMPT="[sudo] password for alice: ",
                             PROMPT2="Password: ")
        assert (code, err, out.split()[0]) == (0, "", "JWT_ASKPASS_SERVICE=sudo")
        assert asked(s) == [SUDO] * 2
        assert [payload(t)["scope"] for t in out.split()[-2:]] == ["pam:sudo pam:sudo-i"] * 2


def test_the_prompt_decides_the_service():
    with server() as s:
        assert ssh(PROMPT="[sudo] password for alice: ")[0] == 0
        assert asked(s) == [SUDO]
        s.asked.clear()
        assert ssh(program="sudo", PATH=fake("sudo", SSH), PROMPT="alice@here's password: ")[0] == 0
        assert asked(s) == [dict(ONCE, aud="here")]


def test_any_other_command_gets_the_full_token():
    with server() as s:
        code, out, _ = ssh(program="ansible", PATH=fake("ansible", SSH), PROMPT="alice@web1's password: ",
                           JWT_ASKPASS_SERVICE="sshd", JWT_ASKPASS_HOST="web9", JWT_ASKPASS_ALIAS="web8")
        assert (code, out, s.asked) == (0, stored()["access"] + "\n", [])


def test_no_narrowed_token_is_stored_or_in_the_environment():
    with server():
        before = stored()
        assert ssh(PROMPT="alice@web1's password: ")[0] == 0
        assert stored() == before
        assert os.listdir(TMP + "/state/jwt") == ["session.json"]
        code, out, _ = run("run", "--", "env", env=environment(PATH=fake("ssh", SSH)))
        assert (code, "eyJ" in out) == (0, False)


def test_no_host_gets_the_full_token_if_narrowing_fails():
    with server() as s:
        for status in (404, 503, 403):
            s.answer["/api/token/narrow/"] = (status, {"detail": "Not found."}, {})
            code, out, err = ssh(PROMPT="alice@web1's password: ")
            assert (code, out.splitlines()[-1]) == (0, "none")
            assert "jwtctl run --whole" in err
    code, out, _ = ssh(PROMPT="alice@web1's password: ")
    assert (code, out.splitlines()[-1]) == (0, "none")


def test_whole_uses_the_full_token_without_the_server():
    with server(aud=["web1", "web2"]):
        pass
    code, out, err = run("run", "--whole", "--", "ssh", "evil", env=environment(PATH=fake("ssh", SSH),
                                                                                PROMPT="alice@evil's password: "))
    assert (code, out, err) == (0, stored()["access"] + "\n", "")
    assert run("run", "--all", "--", "ssh", "evil")[0] == 2


def test_sudo_works_while_the_server_is_unreachable():
    with server() as s:
        s.answer["/api/token/narrow/"] = (503, {"detail": "no"}, {})
        code, out, _ = ssh(program="sudo", PATH=fake("sudo", SSH), PROMPT="[sudo] password for alice: ")
        assert out.split()[-1] == stored()["access"]
    code, out, _ = ssh(program="sudo", PATH=fake("sudo", SSH), PROMPT="[sudo] password for alice: ")
    assert (code, out.split()[-1]) == (0, stored()["access"])


def test_a_jump_host_prompt_goes_to_the_terminal():
    with server(aud=["web1", "web2"]) as s:
        pid, fd = pty.fork()
        if pid == 0:
            env = environment(JWT_ASKPASS_SERVICE="sshd", JWT_ASKPASS_HOST="web1")
            os.execvpe(JWTCTL, [JWTCTL, "askpass", "alice@jump's password: "], env)
        shown = b""
        while b": " not in shown:
            shown += os.read(fd, 1024)
        wait_for_silence(fd)
        os.write(fd, b"typed\n")
        while b"typed" not in shown:
            shown += os.read(fd, 1024)
        assert (os.waitpid(pid, 0)[1], s.asked) == (0, [])
        os.close(fd)
