"""jwtctl doctor: the PAM stacks, on a host with the test's own /etc/pam.d and /etc/ssh. The system suite tests the other
checks, on a host with systemd."""

import json
import os
import shutil
import subprocess
import time

import pytest
from harness import BUILD, environment, make_key, needs_root, path, run, TMP

pytestmark = needs_root

AUTH = ("auth [success=done ignore=ignore module_unknown=ignore service_err=ignore default=die] pam_jwt.so "
        "ignore_non_token\n")
ACCOUNT = ("account [success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore service_err=ignore "
           "default=bad] pam_jwt.so\n")
COMMON_AUTH = ("auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n"
               "auth required pam_permit.so\nauth optional pam_cap.so\n")
COMMON_ACCOUNT = ("account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
                  "account requisite pam_deny.so\naccount required pam_permit.so\n")
PASSWORDS = "@include common-auth\n@include common-account\n"
GOOD = AUTH + "@include common-auth\n" + ACCOUNT + "@include common-account\n"
TOKENS_ONLY = ("auth [success=done ignore=ignore default=die] pam_jwt.so\nauth required pam_deny.so\n"
               "account required pam_jwt.so\n@include common-account\n")
BOTH = ("auth [success=ok ignore=ignore default=die] pam_jwt.so prompt=Token:\n"
        "auth [success=done default=die] pam_unix.so\nauth required pam_deny.so\n"
        "account required pam_jwt.so\n@include common-account\n")
PROFILE = ("auth [success=2 ignore=ignore module_unknown=ignore service_err=ignore default=die] pam_jwt.so "
           "ignore_non_token\n" + COMMON_AUTH)
OTHER = "auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\n"


def write_stacks(stacks):
    shutil.rmtree(path("pam.d"), ignore_errors=True)
    os.mkdir(path("pam.d"))
    for name, text in {"common-auth": COMMON_AUTH, "common-account": COMMON_ACCOUNT, "other": OTHER, **stacks}.items():
        path("pam.d/" + name, text)


def host(module=True, issuer=False, settings=""):
    """A wrapper that runs a command with these stacks, and with the module of the build or a daemon."""
    return ("unshare", "-m", path("doctor-host", f"""#!/bin/sh
set -e
layer() {{
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work
    mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" overlay "$1"
}}
for dir in /usr/lib/*/security; do
    layer "$dir"
    rm -f "$dir/pam_jwt.so"
    {f"install -m 644 {BUILD}/pam_jwt/pam_jwt.so $dir" if module else ""}
done
layer /usr/sbin
rm -f /usr/sbin/jwtd-issuer
{"touch /usr/sbin/jwtd-issuer" if issuer else ""}
layer /etc
mkdir -p /etc/jwt && printf '{settings}' >/etc/jwt/jwt.conf
mkdir -p {TMP}/empty && mount --bind {TMP}/empty /usr/lib/pam.d
mount --bind {path("pam.d")} /etc/pam.d && exec "$@"
""", 0o755))


def doctor(*checks, wrap=()):
    """The rows of these checks, without those that are ok."""
    status, out, err = run("doctor", "--json", wrap=wrap or host())
    assert err == "" and status in (0, 1), err
    rows = json.loads(out)
    assert status == any(row["status"] in ("warning", "error") for row in rows)
    return [row for row in rows if row["check"] in checks and row["status"] not in ("ok", "skipped")]


def stack(text, **more):
    write_stacks({"svc": text, **more})
    return doctor("stacks")


def remedied(rows):
    """The rows of a second run, after the remedies of these rows were typed."""
    for row in rows:
        command = row["remedy"].replace("/etc/pam.d", path("pam.d"))
        subprocess.run(["sh", "-ec", command], check=True, env=environment())
    return doctor("stacks")


CORRECT = {
    "password or token": GOOD,
    "tokens only": TOKENS_ONLY,
    "both": BOTH,
    "in a substack": GOOD.replace("@include common-auth", "auth substack common-auth"),
    "a jump over a substack": TOKENS_ONLY.replace("success=done", "success=1").replace(
        "auth required pam_deny.so", "auth substack other\nauth required pam_permit.so"),
    "an error that is ok": GOOD.replace(AUTH + "@include common-auth", "auth [success=done default=ok] pam_jwt.so\n"
                                        "auth required pam_permit.so"),
    "an error without an action": GOOD.replace(
        AUTH + "@include common-auth", "auth [success=done ignore=ignore] pam_jwt.so\nauth required pam_permit.so"),
    "rootok": "auth sufficient pam_rootok.so\n" + GOOD,
    "session_limit": GOOD + "session optional pam_jwt.so session_limit\nsession optional pam_systemd.so\n",
}


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_stack_has_no_problem(name):
    assert stack(CORRECT[name]) == []


def test_the_profile_is_correct_for_every_service():
    account = "account [success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore service_err=ignore " \
              "default=bad] pam_jwt.so\n" + COMMON_ACCOUNT
    rows = stack(PASSWORDS, **{"common-auth": PROFILE, "common-account": account, "sshd": PASSWORDS})
    assert rows == []


CODE = "auth required pam_google_authenticator.so\n"
OATH = "auth [success=ok user_unknown=ignore default=die] pam_oath.so\n"
UNIX = "auth {} pam_unix.so\n"
DEBIAN = ("auth [success=2 default=ignore] pam_unix.so nullok\nauth [success=1 default=ignore] pam_sss.so use_first_pass\n"
          "auth requisite pam_deny.so\nauth required pam_permit.so\n")


def test_a_code_that_is_asked_for_after_a_wrong_password_is_a_warning():
    for text, line in ((UNIX.format("required") + CODE, 2), (UNIX.format("required") + OATH, 2),
                       (UNIX.format("requisite") + CODE, 0), (DEBIAN + CODE, 0), (DEBIAN + OATH, 0), (PROFILE + DEBIAN + OATH, 0),
                       (UNIX.format("optional") + CODE, 2), (UNIX.format("required"), 0), (CODE + UNIX.format("required"), 2),
                       ("auth requisite pam_deny.so\n" + UNIX.format("required") + CODE, 0)):
        write_stacks({"jwtd": text})
        for settings in ("", "[Session]\nOtpPrompt=Verification code\n"):
            rows = doctor("second-factor", wrap=host(issuer=True, settings=settings))
            found = [(row["where"], row["status"]) for row in rows]
            assert found == ([(f"/etc/pam.d/jwtd:{line}", "warning")] if line and settings else []), (text, rows)


FAULTS = {
    "no account line": (AUTH + PASSWORDS, "svc:1", "error", "account stack has no line"),
    "after the passwords": ("@include common-auth\n" + AUTH + ACCOUNT + "@include common-account\n", "svc:2", "error",
                            "before pam_jwt is called"),
    "no account line for an included file": ("@include common-auth\n@include common-account\n", "common-auth:1", "error",
                                             "account stack has no line"),
    "after the passwords and rootok": (
        "auth sufficient pam_rootok.so\n@include common-auth\n" + AUTH + ACCOUNT + "@include common-account\n", "svc:3",
        "error", "before pam_jwt is called"),
    "no module_unknown": (GOOD.replace(" module_unknown=ignore", "", 1), "svc:1", "warning",
                          "no user can log in while the module is missing"),
    "no service_err": (GOOD.replace(" service_err=ignore", "", 1), "svc:1", "warning", "an option is wrong"),
    "sufficient": (GOOD.replace(AUTH, "auth sufficient pam_jwt.so ignore_non_token\n"), "svc:1", "warning",
                   "refused token is passed"),
    "no ignore_non_token": (GOOD.replace(" ignore_non_token", ""), "svc:1", "error", "no password is accepted"),
    "open without the module": (
        AUTH + "auth required pam_permit.so\n" + ACCOUNT + "@include common-account\n", "svc:1", "error",
        "anyone can log in"),
    "optional before permit": ("auth optional pam_jwt.so\nauth required pam_permit.so\n" + ACCOUNT +
                               "@include common-account\n", "svc:1", "error", "anyone can log in"),
    "words of passwords": ("auth [success=ok ignore=ignore module_unknown=ignore default=die] pam_jwt.so\n"
                           "auth required pam_env.so\naccount required pam_jwt.so\n@include common-account\n", "svc:1",
                           "error", "anyone can log in while the module is missing"),
    "account optional": (GOOD.replace(ACCOUNT, "account optional pam_jwt.so\n"), "svc:3", "error",
                         "refuses in the account stack is accepted"),
    "account required": (GOOD.replace(ACCOUNT, "account required pam_jwt.so\n"), "svc:3", "warning", "module_unknown"),
    "account after sufficient": (AUTH + "@include common-auth\naccount sufficient pam_unix.so\n" + ACCOUNT, "svc:4",
                                 "error", "does not check tokens"),
    "unknown option": (GOOD.replace("ignore_non_token", "ignore_non_token kyes=/x"), "svc:1", "error", "'kyes=/x'"),
    "wrong value": (GOOD.replace(ACCOUNT, ACCOUNT[:-1] + " scope=never\n"), "svc:3", "error", "'scope=never'"),
    "late session_limit": (GOOD + "session optional pam_systemd.so\nsession optional pam_jwt.so session_limit\n",
                           "svc:6", "error", "session_limit has no effect"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_a_stack_is_shown_with_its_line(name):
    text, where, status, message = FAULTS[name]
    included = where.startswith("common")
    rows = stack(text, **({"common-auth": PROFILE, "tvc": text} if included else {}))
    assert [(row["where"], row["status"]) for row in rows] == [("/etc/pam.d/" + where, status)], rows
    assert message in rows[0]["message"] and "service svc" in rows[0]["message"], rows
    assert included == rows[0]["remedy"].endswith("/etc/pam.d/common-account")
    assert ("rootok" in name) == rows[0]["remedy"].startswith("sed -i -e '2i ")
    if rows[0]["remedy"] != "man 8 pam_jwt":
        assert remedied(rows) == []


def checks(**parts):
    rows = json.loads(run("doctor", "--json", wrap=host(**parts))[1])
    return {row["check"] for row in rows}


def test_parts_that_are_not_installed_are_left_out():
    write_stacks({"svc": PASSWORDS})
    assert checks(module=False) == {"settings", "ssh", "space"}
    of_module, of_issuer = checks(), checks(module=False, issuer=True)
    assert {"module", "stacks", "disabled", "public", "one-time", "host-keys", "clock"} <= of_module
    assert {"units", "keys", "issuer", "http", "clock"} <= of_issuer
    assert of_module & of_issuer == {"settings", "ssh", "clock", "space"}
    write_stacks({"sshd": GOOD})
    assert "module" in checks(module=False)  # a stack names it


def test_a_module_that_a_stack_names_and_that_is_missing_is_an_error():
    write_stacks({"sshd": GOOD})
    row, = doctor("module", wrap=host(module=False))
    assert (row["status"], row["message"]) == ("error", "is missing") and row["where"].endswith("/pam_jwt.so"), row


def test_the_lines_are_the_rows_and_a_problem_has_a_second_line_with_its_remedy():
    write_stacks({"svc": GOOD.replace(" module_unknown=ignore", "", 1)})
    rows = json.loads(run("doctor", "--json", wrap=host())[1])
    status, out, err = run("doctor", wrap=host())
    assert (status, err) == (1, "")
    lines = iter(out.splitlines())
    for row in rows:
        where = f"{row['where']}: " if row["where"] else ""
        assert next(lines) == f"{row['status']:8} {row['check']:10} {where}{row['message']}"
        if row["remedy"]:
            assert next(lines) == " " * 20 + "remedy: " + row["remedy"]
    assert next(lines, None) is None


def synced(age, issuer="https://here", settings="", owner="root", more="", checks=("sync", "public", "settings")):
    """The rows of the check sync on a host whose last bundle is so many seconds old; None: there is none."""
    write_stacks({"svc": GOOD})
    bundle = "" if age is None else f"Bundle={int(time.time()) - age}\nEpoch=1\nSeq=1\nIssuer={issuer}\n"
    make_key("key")
    wrapper = path("synced-host", f"""#!/bin/sh
set -e
mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
mkdir -p /etc/jwt
printf '{settings}' >/etc/jwt/jwt.conf
mount -t tmpfs -o mode=0755 tmpfs /var/lib && mkdir /var/lib/jwt && cd /var/lib/jwt
cp {path("key.jwks")} jwks.json
printf 'Issuer=https://here\\nAudience=here\\n' >issuer
: >revoked
cat {path("synced", bundle)} >synced
[ -s synced ] || rm synced
{more}
chmod 0644 * && mkdir ../jwtd-issuer && chown {owner} . * ../jwtd-issuer
exec "$@"
""", 0o755)
    rows = json.loads(run("doctor", "--json", wrap=(*host(), wrapper))[1])
    return [(row["status"], row["message"]) for row in rows
            if row["check"] in checks and row["status"] != "ok"]


LIMIT = "[Token]\\nRevokedMaxAge=1h\\n"


@pytest.mark.parametrize("age, settings, status, message", [
    (None, "", None, ""), (0, "", None, ""), (3000, "", None, ""),
    (4000, "", "warning", "later logouts and keys have not reached this host"), (10**6, "", "warning", "s old"),
    (-400, "", "warning", "s in the future"), (0, LIMIT, None, ""), (1700, LIMIT, None, ""),
    (1900, LIMIT, "warning", "later logouts"), (3700, LIMIT, "error", "expected at most 1h"),
    (-400, LIMIT, "error", "s in the future"), (None, LIMIT, "error", "no such file"),
    (1700, "[Token]\\nRevokedMaxAge=1d\\n[Issuer https://here]\\nKeys=/var/lib/jwt/jwks.json\\nRevokedMaxAge=20min\\n",
     "error", "expected at most 20min")])
def test_the_age_of_the_last_bundle_is_shown_once(age, settings, status, message):
    rows = synced(age, settings=settings)
    assert [row[0] for row in rows] == ([status] if status else []), rows
    assert message in "".join(row[1] for row in rows)


def test_a_bundle_of_another_issuer_is_an_error():
    assert [row[0] for row in synced(0, "https://other", LIMIT)] == ["error"]


@pytest.mark.parametrize("hours, shown", [(23, []), (25, ["warning"])])
def test_keys_that_were_fetched_more_than_a_day_ago_are_a_warning(hours, shown):
    settings = "[Issuer https://idp]\\nKeys=/var/lib/jwt-keys/idp\\nKeysUrl=discover\\n"
    more = f'mkdir ../jwt-keys && cp jwks.json ../jwt-keys/idp && touch -d "{hours} hours ago" ../jwt-keys/idp'
    rows = synced(0, settings=settings, more=more, checks=("sync-units",))
    assert [row[0] for row in rows if row[0] != "skipped"] == shown, rows
    assert not shown or "https://idp were fetched 25 hours ago" in rows[0][1], rows


def test_the_issuing_host_needs_no_bundle():
    assert synced(None, settings=LIMIT, owner="daemon") == []


def test_a_wrong_command_line_is_a_usage_error():
    assert run("doctor", "extra")[0] == 2
    assert run("doctor", "--colour")[0] == 2
