"""What users type: README.md, cron."""


from blocks import take
from kit import ADMIN, ALICE, good, login, place, script, sh, ssh, sudo, token

README = "README.md"
USER = take(README, "jwtctl login ")
ROOT = take(README, "jwtctl status; jwtctl sessions --all")
CRON = take(ADMIN, "30 2 * * *")
LEAVE = take(ADMIN, "usermod --lock --expiredate 1 alice\njwtctl revoke alice\n", "Users who leave")
DENY = take(ADMIN, "# /etc/jwt/jwt.conf.d/users.conf")
HOSTS = "mkdir -p -m 700 ~/.ssh dir; touch dir/file; ssh-keyscan localhost web1 2>/dev/null >>~/.ssh/known_hosts"


def test_each_line_for_users_works():
    good(HOSTS, "alice")
    lines = [line.split("#")[0] for line in USER.run().splitlines()]
    output = [good(lines[0], "alice"), *(good(line, "alice", text="id -un\n") for line in lines[1:])]
    assert output[0].startswith("Logged in as alice")
    assert output[1].splitlines()[-1] == "alice" and good("ls ~/dir", "alice") == "file\n"
    assert "uid=0(root)" in output[3]
    assert output[4].splitlines()[-1] == "alice"
    assert len(output[5].strip()) <= 511 and output[5] != output[6]
    assert "confirmed by the server" in output[7] and "no longer" not in output[7]
    assert "not logged in" in sh("jwtctl status", "alice")[1]


def test_each_line_for_root_works():
    login()
    output = [good(line.split("#")[0]) for line in ROOT.run().splitlines()]
    assert "signing" in output[0] and "alice" in output[0]
    assert "1 session revoked" in output[1] and "signs now" in output[2] and "stays published until" in output[3]


def test_a_job_of_cron_gets_a_token_without_a_terminal():
    line = CRON.run()
    good("crontab -u alice -", text=line)
    assert good("crontab -l -u alice") == line
    good("crontab -r -u alice")
    command = line.split(None, 5)[5].strip().replace("/srv/data/", "dir/").replace("web2:", "web1:")
    good(HOSTS, "alice")
    login()
    environment = "env -i HOME=/home/alice LOGNAME=alice PATH=/usr/bin:/bin SHELL=/bin/sh setsid /bin/sh -c"
    good(f"cd /home/alice && runuser -u alice -- {environment} '{command}'")
    assert good("ls ~/data", "alice") == "file\n"
    good("jwtctl logout", "alice")
    status, output = sh(f"cd /home/alice && runuser -u alice -- {environment} '{command}'")
    assert status != 0 and "not logged in" in output, output


def test_a_user_who_leaves_is_out():
    login()
    access = token()
    script(LEAVE)
    assert not sudo(access) and not ssh(access)
    assert sh("jwtctl login", "alice")[0] == 1


def test_a_user_in_deny_users_gets_no_token_and_keeps_the_password():
    login()
    place(DENY)
    good("jwtctl config check; systemctl try-reload-or-restart jwtd jwtd-issuer jwtd-login; systemctl stop jwtd-login")
    assert "login failed" in sh("jwtctl login", "alice")[1]
    assert sudo(ALICE)
    login("carol", "staple battery horse correct")
