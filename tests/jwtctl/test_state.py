"""The state directory of jwtctl: links, homes of other users, and a disk without room for new tokens."""

import json
import os
import shutil
import tempfile

import pytest

from harness import (TMP, environment, log_in, needs_root, path, run, server, session_file, sign, claims, stored,
                     visible)

NOBODY = 65534


def fresh(name):
    full = f"{TMP}/{name}"
    shutil.rmtree(full, ignore_errors=True)
    os.mkdir(full, 0o755)
    return full


def tree(directory):
    """Names, owners, modes and contents of all below a directory."""
    found = {}
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            full = os.path.join(parent, name)
            st = os.lstat(full)
            text = open(full, "rb").read() if name in files and not os.path.islink(full) else None
            found[full] = (st.st_uid, st.st_mode, st.st_mtime_ns, text)
    return found


def every_command(s, env, part):
    """Each command that opens the state fails with this message, and prints nothing else."""
    for args, stdin in ((("login", "alice", f"--server={s.socket_path}"), "x\n"), (("token",), ""), (("logout",), ""),
                        (("logout", "--all"), ""), (("sessions",), ""), (("run", "--", "true"), ""),
                        (("status", f"--socket={path('none')}"), "")):
        code, out, err = run(*args, stdin=stdin, env=env)
        assert (args, code, out) == (args, 1, "")
        assert part in err, (args, err)
    assert s.asked == []


@pytest.mark.parametrize("component", [".local", ".local/state", ".local/state/jwt"])
def test_a_link_in_the_state_directory_is_not_followed(component):
    home, elsewhere = fresh("home"), fresh("target")
    os.makedirs(elsewhere + "/state/jwt")
    os.makedirs(os.path.dirname(f"{home}/{component}"), exist_ok=True)
    os.symlink(elsewhere + {".local": "", ".local/state": "/state"}.get(component, "/state/jwt"), f"{home}/{component}")
    with server(login=False) as s:
        before = tree(elsewhere)
        every_command(s, environment(HOME=home, XDG_STATE_HOME=""), f"{home}/{component}: is a symbolic link")
        assert tree(elsewhere) == before


@needs_root
def test_a_link_of_root_above_the_home_is_followed():
    home = fresh("home")
    if os.path.islink(TMP + "/link"):
        os.unlink(TMP + "/link")
    os.symlink(TMP, TMP + "/link")
    with server(login=False) as s:
        for env in (environment(HOME=TMP + "/link/home/", XDG_STATE_HOME=""), environment(HOME=home, XDG_STATE_HOME="")):
            assert run("login", "alice", f"--server={s.socket_path}", stdin="x\n", env=env)[0] == 0
        assert stored(s.socket_path, home + "/.local/state")["server"] == s.socket_path
        os.lchown(TMP + "/link", NOBODY, NOBODY)
        code, _, err = run("token", env=environment(HOME=TMP + "/link/home", XDG_STATE_HOME=""))
        assert (code, f"{TMP}/link: is a symbolic link" in err) == (1, True), err


@needs_root
def test_in_the_home_of_another_user_nothing_is_changed():
    """As after sudo or su with HOME kept."""
    home = fresh("home")
    os.makedirs(home + "/.local/state/jwt")
    for directory in (home, home + "/.local", home + "/.local/state", home + "/.local/state/jwt"):
        os.chown(directory, NOBODY, NOBODY)
    with server(login=False) as s:
        env, before = environment(HOME=home, XDG_STATE_HOME=""), tree(home)
        every_command(s, env, "set HOME to your own home (sudo -H, su -)")
        assert tree(home) == before
        shutil.rmtree(home + "/.local")
        every_command(s, env, f"{home}: expected a directory of the user who runs jwtctl (uid 0), found owner uid 65534")
        assert os.listdir(home) == []
        # The state directory alone is ours: the home decides.
        os.makedirs(home + "/.local/state/jwt")
        every_command(s, env, "found owner uid 65534")
        every_command(s, environment(HOME=TMP, XDG_STATE_HOME=home), "found owner uid 65534")


@needs_root
def test_a_home_of_root_is_not_a_users():
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        os.mkdir(home + "/.local", 0o755)
        os.chown(home + "/.local", NOBODY, NOBODY)
        code, out, err = run("token", env=environment(HOME=home, XDG_STATE_HOME=""),
                             wrap=("setpriv", f"--reuid={NOBODY}", "--clear-groups"))
        assert (code, out) == (1, "")
        assert f"{home}: expected a directory of the user who runs jwtctl (uid 65534), found owner uid 0" in err, err


def test_a_directory_that_every_user_can_write_to_is_refused():
    home = fresh("home")
    os.mkdir(home + "/.local")
    os.chmod(home + "/.local", 0o777)
    with server(login=False) as s:
        every_command(s, environment(HOME=home, XDG_STATE_HOME=""), f"{home}/.local: every user can write to it")
        os.chmod(home + "/.local", 0o1777)
        assert run("login", "alice", f"--server={s.socket_path}", stdin="x\n",
                   env=environment(HOME=home, XDG_STATE_HOME=""))[0] == 0


# A disk without room. Each command runs on a file system of its own, of one page more than the session, which is
# filled before; what it leaves there is copied back.

def small_disk(fill):
    state, file = TMP + "/state/jwt", session_file()
    return ("unshare", "-m", path("small-disk", f"""#!/bin/sh
cp -p {file} {TMP}/kept 2>/dev/null
mount -t tmpfs -o size=12k,nr_inodes=30,mode=0700 tmpfs {state} || exit 99
cp -p {TMP}/kept {file} 2>/dev/null
{f'head -c 80000 /dev/zero >{state}/full 2>/dev/null' if fill else ':'}
"$@"
status=$?
rm -f {TMP}/left; cp -p {file} {TMP}/left 2>/dev/null
ls -A {state} | grep -v lock$ >{TMP}/listed
exit $status
""", 0o755))


def left():
    with open(TMP + "/left", encoding="utf-8") as f:
        return json.load(f)


@needs_root
def test_a_full_disk_loses_no_session_and_is_reported():
    with server(lifetime=50) as s:
        code, out, err = run("token", wrap=small_disk(True))
        assert (code, out) == (0, stored()["access"] + "\n"), err
        assert "warning: the access token was not refreshed: " in err and "No space left on device" in err
        assert (s.asked, left()) == ([], stored())
    with server(lifetime=-1) as s:
        code, out, err = run("token", wrap=small_disk(True))
        assert (code, out, s.asked, left()) == (1, "", [], stored())
        assert "No space left on device" in err
        s.lifetime = 900
        code, out, err = run("token", wrap=small_disk(False))
        assert (code, out, err) == (0, left()["access"] + "\n", "")
        assert left()["refresh"] != stored()["refresh"]


@needs_root
def test_a_login_on_a_full_disk_is_not_sent():
    with server() as s:
        code, out, err = run("login", "alice", f"--server={s.socket_path}", stdin="x\n", wrap=small_disk(True))
        assert (code, out, s.asked, left()) == (1, "", [], stored())
        assert "cannot reserve room for new tokens" in err


def larger_than_the_room(s):
    """Tokens for which the disk has no room, although what could be reserved was."""
    now = s.pair()
    return {name: sign(claims(token_type=name, iat=2, exp=3, pad="x" * 12000)) for name in now}


@needs_root
def test_a_login_that_cannot_be_saved_ends_its_session():
    with server() as s:
        pair = larger_than_the_room(s)
        s.answer["/api/token/"] = (200, pair, {})
        code, out, err = run("login", "alice", f"--server={s.socket_path}", stdin="x\n", wrap=small_disk(False))
        assert (code, out, left()) == (1, "", stored())
        assert [(route, body) for route, body, _ in s.asked][1:] == [("/api/token/blacklist/",
                                                                     {"refresh": pair["refresh"]})]
        assert "the tokens cannot be saved" in err and "the new session was revoked" in err
        assert path_lines("listed") == [os.path.basename(session_file())]
        s.answer["/api/token/blacklist/"] = (503, {"detail": "no"}, {})
        assert "jwtctl logout --all" in run("login", "alice", f"--server={s.socket_path}", stdin="x\n",
                                            wrap=small_disk(False))[2]


def path_lines(name):
    with open(path(name), encoding="utf-8") as f:
        return f.read().split()


@needs_root
def test_refreshed_tokens_that_cannot_be_saved_are_reported_at_once():
    with server(lifetime=50) as s:
        s.answer["/api/token/refresh/"] = (200, larger_than_the_room(s), {})
        code, out, err = run("token", wrap=small_disk(False))
        assert (code, out, left()) == (1, "", stored())
        assert "the new tokens cannot be saved: " in err and "RotationGrace" in err
        assert path_lines("listed") == [os.path.basename(session_file())]


def test_room_that_a_killed_process_reserved_is_used_again():
    with server(lifetime=10) as s:
        files = visible()
        for name in files:
            with open(f"{TMP}/state/jwt/.{name}.new", "w", encoding="utf-8"):
                s.lifetime = 900
        assert run("token")[0] == 0
        assert log_in(s, "--name=other")[0] == 0
        assert run("use", "other")[0] == 0
        assert visible() == files
