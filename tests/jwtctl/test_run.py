"""jwtctl run: which token askpass gives to the process that asks. ssh and sudo are imitated here; tests/system has the
real ones."""

import glob
import os
import subprocess

import pytest

from harness import (TMP, claims, environment, installed, local_issuer, log_in, needs_root, now, path, payload, server, sign,
                     stored)

KEY = "SHA256:" + "Ab+/" * 10 + "xyz"
OTHER_KEY = "SHA256:" + "Cd+/" * 10 + "xyz"
BOUND = ("Ab-_" * 10)[:22]
SSH = "(alice@web1) Password: "
SUDO = "[sudo] password for alice: "

# Imitates ssh: prints its configuration (-G), or runs KnownHostsCommand for each key and asks.
FAKE_SSH = r"""#!/bin/sh
if [ "$1" = -G ]; then
    shift
    printf '%s\n' "$*" >>"$LOG.query"
    [ -z "$FAILS" ] || exit 255
    [ -n "$OLD" ] || echo pubkeyacceptedalgorithms ssh-ed25519
    [ -z "$OWN" ] || echo "knownhostscommand $OWN"
    exit 0
fi
printf '%s\n' "$*" >>"$LOG.arguments"
helper=
for word; do
    case $word in KnownHostsCommand=*) helper=${word#*\"} helper=${helper%%\"*} ;; esac
done
for key in $KEYS; do
    [ -z "$helper" ] || "$helper" "$key" "${HOST:-web1}" "${NAME:-web1}" 22 "${LOGIN:-alice}" HOSTNAME || echo "helper failed"
done
[ -z "$PROMPT" ] || "$SSH_ASKPASS" "$PROMPT" || echo none
[ -z "$PROMPT2" ] || "$SSH_ASKPASS" "$PROMPT2" || echo none
[ -z "$INNER" ] || sh -c "$INNER"
"""


def fake(name, script):
    """A PATH with a program of this name in front."""
    os.makedirs(path("bin"), exist_ok=True)
    path("bin/" + name, script, 0o755)
    return path("bin") + ":" + os.environ["PATH"]


def records():
    return sorted(glob.glob(TMP + "/state/jwt/run/*"))


def jwtctl(*args, **env):
    env.setdefault("PATH", fake("ssh", FAKE_SSH))
    env.setdefault("KEYS", KEY)
    env.setdefault("LOG", path("ssh"))
    p = subprocess.run([installed() + "/bin/jwtctl", *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                       start_new_session=True, env=environment(**env), check=False)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def ssh(*command, **env):
    """The last line printed, the errors, and what was asked of the server."""
    return jwtctl("run", "--", *(command or ("ssh", "web1")), **env)


def tokens(out):
    return [line for line in out.splitlines() if line.startswith("eyJ")]


def narrowed(s):
    for route, _, headers in s.asked:
        assert (route, headers["Authorization"]) == ("/api/token/narrow/", "Bearer " + stored()["access"])
    return [body for _, body, _ in s.asked]


def once(audience, key=BOUND):
    return {"scope": "pam:sshd", "aud": audience, "one_time": True, "host_key": key}


# What run sets up


def test_the_wrappers_are_first_in_the_path_and_no_token_is_in_the_environment():
    with server():
        code, out, _ = jwtctl("run", "--", "env", JWT_ASKPASS_SERVICE="sudo", JWT_ASKPASS_WHOLE="1")
        env = dict(line.split("=", 1) for line in out.splitlines())
        libexec = installed() + "/libexec/jwt"
        assert (code, env["SSH_ASKPASS"], env["SUDO_ASKPASS"]) == (0, libexec + "/askpass", libexec + "/askpass")
        assert env["SSH_ASKPASS_REQUIRE"] == "force"
        assert env["PATH"].startswith(libexec + "/bin:" + TMP)
        assert not [name for name in env if name.startswith("JWT_")] and "eyJ" not in out
        twice = jwtctl("run", "--", installed() + "/bin/jwtctl", "run", "--", "sh", "-c", "echo $PATH")[1]
        assert twice.count(libexec) == 1


def test_ssh_is_started_with_the_helper_and_its_own_arguments():
    with server():
        assert ssh("ssh", "-p", "22", "alice@web1", "a b")[0] == 0
        with open(path("ssh.query"), encoding="utf-8") as f:
            assert f.read().splitlines()[-1] == "-p 22 alice@web1 a b"
        with open(path("ssh.arguments"), encoding="utf-8") as f:
            assert f.read().splitlines()[-1] == (
                f'-o FingerprintHash=sha256 -o KnownHostsCommand="{installed()}/libexec/jwt/hostkey" %f %h %n %p %r %I '
                '-p 22 alice@web1 a b')


@pytest.mark.parametrize("env", [{"OLD": "1"}, {"FAILS": "1"}, {"OWN": "/usr/bin/own %H"}])
def test_an_old_ssh_wrong_arguments_and_a_command_of_the_users_own_are_left_alone(env):
    with server() as s:
        code, out, err = ssh("ssh", "web1", PROMPT=SSH, **env)
        with open(path("ssh.arguments"), encoding="utf-8") as f:
            assert f.read().splitlines()[-1] == "web1"
        assert "eyJ" not in out and s.asked == []
        assert "no token: ssh " in err
        assert ("has a KnownHostsCommand in its configuration" in err) == ("OWN" in env), err


def test_scp_and_sftp_start_the_wrapper_of_ssh():
    with server():
        for name in ("scp", "sftp"):
            code, out, _ = jwtctl("run", "--", name, "a", "b:c", PATH=fake(name, '#!/bin/sh\necho "$@"\n'))
            assert (code, out) == (0, f"-S {installed()}/libexec/jwt/bin/ssh a b:c\n")


def test_a_missing_ssh_is_reported():
    with server():
        code, _, err = jwtctl("run", "--", "ssh", "web1", PATH="/nowhere")
        assert (code, err) == (127, "jwtctl: ssh: not found in PATH\n")


# ssh


@pytest.mark.parametrize("prompt", [SSH, "alice@web1's password: ", "alice@::1's password: "])
@pytest.mark.parametrize("command", [("ssh", "web1"), ("env", "ssh", "web1"), ("nice", "ssh", "web1"),
                                     ("sh", "-c", "true; ssh web1; true")])
def test_ssh_gets_one_token_bound_to_the_host_key(prompt, command):
    with server() as s:
        before = stored()
        code, out, err = ssh(*command, PROMPT=prompt, KEYS=f"{KEY} {KEY}")
        assert (code, err, narrowed(s)) == (0, "", [once("here")])
        token = payload(out)
        assert (token["aud"], token["scope"], token["one_time"]) == ("here#" + BOUND, "pam:sshd", True)
        assert stored() == before


def test_a_second_question_of_one_ssh_gets_no_token_and_ssh_ends():
    with server() as s:
        code, out, err = ssh(PROMPT=SSH, PROMPT2="alice@web1's password: ")
        assert len(s.asked) == 1 and len(tokens(out)) == 1
        assert "no token: the process that asks has already received a token" in err and "jwtctl(1) lists the causes" in err
        assert code == -15 and "ending ssh" in err, (code, err)


def test_each_ssh_of_a_command_gets_a_token_of_its_own():
    with server() as s:
        code, out, err = ssh("sh", "-c", "ssh web1; ssh web1; ssh web1", PROMPT=SSH)
        assert (code, err, len(s.asked), len(set(out.split()))) == (0, "", 3, 3)


def test_two_different_host_keys_under_one_ssh_get_no_token():
    with server() as s:
        _, out, err = ssh(PROMPT=SSH, KEYS=f"{KEY} {OTHER_KEY} {KEY}")
        assert "eyJ" not in out and s.asked == []
        assert "no token: ssh was presented two different host keys" in err


def test_a_host_name_that_cannot_be_recorded_gets_no_token():
    with server() as s:
        for env in ({"HOST": "a b"}, {"NAME": "a\nkey"}, {"LOGIN": "alice\nssh"}, {"KEYS": "MD5:aa:bb"},
                    {"KEYS": "SHA256:short"}, {"KEYS": "SHA256:" + "!" * 43}):
            _, out, err = ssh(PROMPT=SSH, **env)
            assert "eyJ" not in out and "helper failed" not in out and s.asked == [], env
            assert "no token: ssh " in err, env


AUDIENCES = ["web1.example", "web9.example", "db", "db.example", "web5.lab.example"]


@pytest.mark.parametrize("host, name, audience", [
    ("web1.example", "x", "web1.example"), ("10.0.0.1", "WEB9.example.", "web9.example"), ("web9", "web9", "web9.example"),
    ("db", "web1.example", "db"), ("web1.example", "web9.example", "web1.example"), ("web", "web", None),
    ("web1.exam", "x", None), ("web5.lab", "web5.lab", None), ("10.0.0.1", "evil", None)])
def test_the_audience_is_the_one_that_the_host_s_name_selects(host, name, audience):
    with server(aud=AUDIENCES) as s:
        _, out, err = ssh(PROMPT=SSH, HOST=host, NAME=name)
        assert narrowed(s) == ([once(audience)] if audience else [])
        if not audience:
            assert "eyJ" not in out
            assert f"no token: the session has no audience for {host}; it has: web1.example, web9" in err


def test_two_audiences_that_begin_with_the_short_name_select_none():
    with server(aud=["web1.example", "web1.test"]) as s:
        _, _, err = ssh(PROMPT=SSH)
        assert s.asked == [] and "has no audience for web1" in err


def test_another_user_s_login_gets_no_token():
    with server() as s:
        _, out, err = ssh(PROMPT="(root@web1) Password: ", LOGIN="root")
        assert "eyJ" not in out and s.asked == []
        assert "no token: the login is as root, and the session is of alice" in err


def test_the_server_names_the_user_of_a_token_without_sub():
    with server() as s:
        start = now()
        pair = {name: sign(claims(sub=None, user_id=7, token_type=name, iat=start, exp=start + 900))
                for name in ("access", "refresh")}
        s.answer["/api/token/"] = (200, pair, {})
        assert log_in(s)[0] == 0
        for name, given in (("alice", True), ("carol", False)):
            s.answer["/api/user/"] = (200, {"username": name}, {})
            _, out, err = ssh(PROMPT=SSH)
            assert (len(tokens(out)) == 1) == given, err
        assert "the login is as alice, and the session is of carol" in err


FAR_PROMPTS = (
    "Password: ", SUDO, "(alice@web1) " + SUDO, "(alice@web1) [sudo: authenticate] Password: ",
    "(alice@web1) alice@web1's password: ", "(alice@web1) (alice@web1) Password: ", "(alice@web1) Verification code: ",
    "(alice@web1) Password: \nPassword: ", "[sudo: authenticate] Password: ", "Enter PIN for ED25519-SK key /x: ",
    "Enter passphrase for key '/home/alice/.ssh/id_ed25519': ", "alice@web1's old password: ")


@pytest.mark.parametrize("prompt", FAR_PROMPTS)
def test_a_prompt_that_a_far_host_composes_gets_no_token(prompt):
    with server() as s:
        _, out, err = ssh(PROMPT=prompt)
        assert "eyJ" not in out and s.asked == []
        assert "no token: the prompt is not ssh's for a password" in err


def test_host_key_questions_and_confirmations_go_to_the_terminal():
    with server() as s:
        for env in ({"PROMPT": "The authenticity of host 'web1' can't be established.\nAre you sure you want to continue "
                               "connecting (yes/no/[fingerprint])? "},
                    {"PROMPT": SSH, "SSH_ASKPASS_PROMPT": "confirm"}):
            code, out, err = ssh(**env)
            assert (code, out, s.asked) == (0, "none\n", [])
            assert "no terminal" in err


def test_a_server_that_is_down_or_refuses_is_named():
    with server() as s:
        for status in (404, 503, 403):
            s.answer["/api/token/narrow/"] = (status, {"detail": "Not found."}, {})
            _, out, err = ssh(PROMPT=SSH)
            assert "eyJ" not in out and "no token: " in err
    _, out, err = ssh(PROMPT=SSH)
    assert "eyJ" not in out
    assert "no token: " in err and s.socket_path in err


@pytest.mark.parametrize("change", [{"aud": "here"}, {"aud": ["here#" + BOUND]}, {"aud": "here#" + "x" * 22},
                                    {"scope": None}, {"scope": "pam:sshd pam:sudo"}, {"one_time": None},
                                    {"one_time": False}])
def test_a_server_that_ignores_a_restriction_gives_no_token(change):
    with server() as s:
        start = now()
        token = sign(claims(**{"iat": start, "exp": start + 900, "aud": "here#" + BOUND, "scope": "pam:sshd",
                               "one_time": True, **change}))
        s.answer["/api/token/narrow/"] = (200, {"access": token}, {})
        _, out, err = ssh(PROMPT=SSH)
        assert "eyJ" not in out
        assert "expected a token that is bound to the host key" in err or "not limited as requested" in err


def test_without_a_session_run_does_not_start():
    with server(login=False):
        code, _, err = ssh(PROMPT=SSH)
        assert code == 1 and "not logged in" in err


# The records


def test_a_record_belongs_to_one_process_and_is_removed_after_it():
    with server():
        assert ssh(PROMPT=SSH)[0] == 0
        boot = open("/proc/sys/kernel/random/boot_id", encoding="ascii").read().strip()
        name, = records()
        assert os.path.basename(name).startswith(boot + ".")
        assert os.stat(name).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(name)).st_mode & 0o777 == 0o700
        assert ssh(PROMPT=SSH)[0] == 0
        assert name not in records() and len(records()) == 1


def test_a_reused_pid_has_no_record():
    with server() as s:
        # The record of an ssh that has exited is renamed to the pid and a start time of a live process.
        assert ssh(PROMPT="")[0] == 0
        name, = records()
        with subprocess.Popen(["sleep", "60"]) as sleeper:
            boot, space, _, start = os.path.basename(name).split(".")
            stale = f"{os.path.dirname(name)}/{boot}.{space}.{sleeper.pid}.{start}"
            os.rename(name, stale)
            assert ssh(PROMPT="")[0] == 0
            assert not os.path.exists(stale)
            sleeper.kill()
        assert s.asked == []


def askpass_of(script, **env):
    """askpass started by a shell that first runs a script with the name of its own record in $record."""
    boot = open("/proc/sys/kernel/random/boot_id", encoding="ascii").read().strip()
    space = os.readlink("/proc/self/ns/pid")[5:-1]
    text = f"""dir={TMP}/state/jwt/run; mkdir -p -m 700 $dir
record=$dir/{boot}.{space}.$$.$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
{script}
{installed()}/libexec/jwt/askpass '{SSH}' || echo none"""
    p = subprocess.run(["sh", "-c", text], stdin=subprocess.DEVNULL, capture_output=True, env=environment(**env),
                       start_new_session=True, check=False)
    return p.stdout.decode(), p.stderr.decode()


LINE = f"ssh\nkey {KEY} web1 web1 alice\n"


def test_a_record_by_a_link_or_in_another_form_gives_no_token():
    plant = f"printf '{LINE}'"
    with server() as s:
        out, err = askpass_of(plant + " >$record; chmod 600 $record")
        assert "eyJ" in out, err
        s.asked.clear()
        for script in (f"{plant} >$dir/../planted; ln -s ../planted $record", f"{plant} >$dir/x; ln $dir/x $record",
                       f"{plant} >$record; echo >>$record", f"{plant} >$record; printf 'key x' >>$record",
                       f"{plant} >$record; printf 'unknown\\n' >>$record", f"{plant} >$record; printf '\\0\\n' >>$record",
                       f"{plant} >$record; yes key | head -c 20000 >>$record", "mkdir $record", "mkfifo $record",
                       f"mv $dir $dir.away; ln -s $dir.away $dir; {plant} >$record"):
            subprocess.run(["rm", "-rf", TMP + "/state/jwt/run", TMP + "/state/jwt/run.away"], check=True)
            out, err = askpass_of(script)
            assert out in ("none\n", "") and s.asked == [], script
            assert "no token: " in err, (script, err)


def test_a_directory_that_others_can_use_holds_no_record():
    with server() as s:
        for script in ("chmod 755 $dir", "chmod 701 $dir"):
            out, err = askpass_of(f"printf '{LINE}' >$record; {script}")
            assert (out, s.asked) == ("none\n", [])
            assert "expected a directory of mode 0700" in err
            os.chmod(TMP + "/state/jwt/run", 0o700)


def test_the_runtime_directory_is_used_where_it_is_this_user_s_alone():
    with server() as s:
        runtime = path("runtime")
        os.makedirs(runtime, mode=0o700, exist_ok=True)
        assert ssh(PROMPT=SSH, XDG_RUNTIME_DIR=runtime)[0] == 0
        assert len(os.listdir(runtime + "/jwt")) == 1 and records() == []
        os.chmod(runtime, 0o755)
        assert ssh(PROMPT=SSH, XDG_RUNTIME_DIR=runtime)[0] == 0
        assert len(os.listdir(runtime + "/jwt")) == 1 and len(records()) == 1
        assert len(s.asked) == 2


# Other processes, sudo, --whole


@pytest.mark.parametrize("prompt", [SSH, SUDO, "Password: ", "alice@web1's password: "])
def test_a_process_that_is_neither_ssh_nor_sudo_gets_no_token(prompt):
    with server() as s:
        for args in (("askpass", prompt), ("run", "--", "sh", "-c", f'$SSH_ASKPASS "{prompt}"; true')):
            _, out, err = jwtctl(*args)
            assert (out, s.asked) == ("", [])
            assert "no token: the process that asks is neither sudo nor an ssh" in err


def sudo(prompt, user=23001, before="", effective=0, times=1, real=None, **env):
    """askpass as a child of a process with sudo's uids: a real uid of the user and the effective uid 0."""
    program = path("sudo.py", f"""import os, sys
{before}
os.setgroups([])
os.setresgid({user}, {user}, {user})
os.setresuid({user if real is None else real}, {effective}, 0)
for _ in range({times}):
    child = os.fork()
    if child == 0:
        os.setresuid({user}, {user}, {user})
        os.execv("{installed()}/libexec/jwt/askpass", ["askpass", {prompt!r}])
    os.waitpid(child, 0)
""")
    state = path("sudo-state")
    subprocess.run(["rm", "-rf", state], check=True)
    subprocess.run(["cp", "-a", TMP + "/state", state], check=True)
    subprocess.run(["chown", "-R", str(user), state], check=True)
    os.chmod(TMP, 0o711)
    for socket in glob.glob(TMP + "/*.sock"):
        os.chmod(socket, 0o666)
    users = path("users", "#!/bin/sh\nmount --bind /etc/passwd /etc/passwd && cp /etc/passwd /var/lib/passwd && "
                 "echo alice:x:23001:23001::/nonexistent:/bin/sh >>/var/lib/passwd && "
                 "echo carol:x:23002:23002::/nonexistent:/bin/sh >>/var/lib/passwd && "
                 'mount --bind /var/lib/passwd /etc/passwd && exec "$@"\n', 0o755)
    with local_issuer() as wrap:
        p = subprocess.run([*wrap, users, *env.pop("wrap", ()), "python3", program], stdin=subprocess.DEVNULL,
                           capture_output=True, start_new_session=True, check=False,
                           env=environment(XDG_STATE_HOME=state, **env))
    return p.stdout.decode(), p.stderr.decode()


SUDO_PROMPTS = (SUDO, "[sudo] Passwort für alice: ", "[sudo] Mot de passe de alice\u00a0: ", "[sudo] alice のパスワード:",
                "[sudo: authenticate] Password: ", "[web1] Password for alice: ", "Kennwort? ", "alice@web1 pw: ")


@needs_root
@pytest.mark.parametrize("prompt", SUDO_PROMPTS)
def test_sudo_gets_one_token_for_this_host_whatever_its_prompt(prompt):
    with server(aud=["web1", "here"]) as s:
        out, err = sudo(prompt, times=2)
        assert len(tokens(out)) == 1, err
        asked = [body for _, body, _ in s.asked]
        assert [(a["scope"], a["aud"], a["one_time"]) for a in asked] == [("pam:sudo", "here", True)]
        assert "no token: the process that asks has already received a token" in err


@needs_root
def test_sudo_gets_the_session_s_token_with_whole_without_a_server():
    with server():
        pass
    for prompt, given in (("Kennwort? ", True), (SUDO, True), ("Verification code: ", False)):
        out, err = sudo(prompt, JWT_ASKPASS_WHOLE="1")
        assert (out == stored()["access"] + "\n") == given, err


@needs_root
@pytest.mark.parametrize("prompt", ["Verification code: ", "One-time password (OATH) for `alice': ", "Enter PIN: ",
                                    "Enter passphrase: ", "YubiKey for `alice': "])
def test_a_code_that_sudo_asks_for_goes_to_the_terminal(prompt):
    with server() as s:
        out, err = sudo(prompt)
        assert (out, s.asked) == ("", [])
        assert "no token: the prompt is for a code or a passphrase" in err


@needs_root
def test_sudo_of_another_host_user_or_uid_gets_no_token():
    with server(aud=["web1", "web2"]) as s:
        out, err = sudo(SUDO)
        assert (out, s.asked) == ("", []) and "no audience for this host; it has: web1, web2" in err
    with server() as s:
        out, err = sudo(SUDO, user=23002)
        assert (out, s.asked) == ("", []) and "the login is as carol, and the session is of alice" in err
        out, err = sudo(SUDO, effective=23001)
        assert (out, s.asked) == ("", []) and "neither sudo nor an ssh" in err
        out, err = sudo(SUDO, real=23002)
        assert (out, s.asked) == ("", []) and "neither sudo nor an ssh" in err
        out, err = sudo(SUDO, user=0)
        assert (out, s.asked) == ("", []) and "neither sudo nor an ssh" in err


@needs_root
def test_uid_0_of_a_user_namespace_is_no_sudo():
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace can be created here, for example in a chroot")
    with server() as s:
        out, err = sudo("x: ", before=IN_NAMESPACE)
        assert (out, s.asked) == ("", [])
        assert "neither sudo nor an ssh" in err


# Continues in a user namespace of the first 65536 uids, where uid 0 can be any process.
IN_NAMESPACE = """
import ctypes
ready, mapped, me = os.pipe(), os.pipe(), os.getpid()
helper = os.fork()
if helper == 0:
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{me}/{name}", "w") as file:
            file.write("0 0 65536")
    os.write(mapped[1], b"x")
    os._exit(0)
assert ctypes.CDLL(None).unshare(0x10000000) == 0
os.write(ready[1], b"x")
os.read(mapped[0], 1)
os.waitpid(helper, 0)
"""


@needs_root
def test_where_proc_hides_sudo_its_known_prompts_decide():
    hide = ("sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh")
    with server() as s:
        for prompt in SUDO_PROMPTS[:5]:
            out, err = sudo(prompt, wrap=("unshare", "--pid", "--fork", *hide))
            assert "eyJ" in out, (prompt, err)
        s.asked.clear()
        for prompt in (*SUDO_PROMPTS[5:], "Password: ", SSH):
            out, err = sudo(prompt, wrap=("unshare", "--pid", "--fork", *hide))
            assert (out, s.asked) == ("", []), (prompt, err)


@needs_root
def test_sudo_that_ssh_has_started_gets_no_token():
    with server() as s:
        out, err = sudo(SUDO, before=SSH_ABOVE)
        assert (out, s.asked) == ("", []), err
        assert "no token: sudo was started by ssh" in err


# Makes the process a ssh for jwtctl, and continues in a child of it.
SSH_ABOVE = """
directory = os.environ["XDG_STATE_HOME"] + "/jwt/run"
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
start = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
os.makedirs(directory, mode=0o700, exist_ok=True)
name = f"{directory}/{boot}.{os.readlink('/proc/self/ns/pid')[5:-1]}.{os.getpid()}.{start}"
open(name, "w").write("ssh\\n")
os.chown(directory, 23001, 23001)
os.chown(name, 23001, 23001)
child = os.fork()
if child:
    os.waitpid(child, 0)
    sys.exit(0)
"""


def test_the_user_can_say_that_a_program_is_sudo_and_then_the_prompt_decides():
    with server() as s:
        _, out, err = jwtctl("askpass", "x: ", JWT_ASKPASS_SERVICE="sudo")
        assert (out, s.asked) == ("", []) and "neither sudo nor an ssh" in err


def test_whole_gives_every_password_prompt_the_session_s_token_once_per_process():
    with server(aud=["web1", "web2"]):
        pass
    for prompt in (SSH, SUDO, "Password: ", "alice@evil's password: "):
        code, out, err = jwtctl("run", "--whole", "--", "ssh", "evil", PROMPT=prompt, PROMPT2=prompt, KEYS="")
        assert out.count(stored()["access"]) == 1, err
        assert "has already received a token" in err
    _, out, err = jwtctl("run", "--whole", "--", "ssh", "evil", PROMPT="Enter PIN: ")
    assert (out, "the prompt is not one for a password" in err) == ("none\n", True)
    assert jwtctl("run", "--all", "--", "ssh", "evil")[0] == 2
