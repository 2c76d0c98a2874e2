"""Tokens as GitHub Actions, GitLab, Keycloak, Kubernetes, Entra and Google make them: from the exchange to ssh and
sudo, with the units and the sandboxes."""

import os
import time

import pytest
from foreign import SHAPES, Issuer
from kit import ALICE, LOGINS, api, sh, sudo, systemctl

CONF, MAP = "/etc/jwt/jwt.conf.d/exchange.conf", "/etc/jwt/exchange.map"
DAEMONS = ("jwtd", "jwtd-issuer")


@pytest.fixture(scope="module", autouse=True)
def issuers():
    """A section, a key file and a line of the user map for each."""
    sections, lines, made = "", "", {}
    for number, (name, (claims, words, _, value)) in enumerate(SHAPES.items()):
        issuer = made[name] = Issuer(claims()["iss"])
        issuer.write_keys(f"/etc/jwt/exchange{number}.jwks")
        sections += (f"[Issuer {issuer.url}]\nKeys=/etc/jwt/exchange{number}.jwks\nUserMap={MAP}\nExchange=yes\n"
                     f"{'Session=yes' if name == 'Keycloak' else 'Session=no'}\n{words}")
        lines += f"{issuer.url} {value} {'*' if '*' in value else 'alice'}\n"
    for path, text in ((CONF, sections), (MAP, lines)):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    checked = sh("jwtctl config check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    systemctl("try-reload-or-restart", *DAEMONS)
    yield made
    for path in [CONF, MAP, *(f"/etc/jwt/exchange{n}.jwks" for n in range(len(SHAPES)))]:
        os.unlink(path)
    systemctl("try-reload-or-restart", *DAEMONS)


def subject(issuers, name):
    claims, _, lifetime, _ = SHAPES[name]
    now = int(time.time())
    return issuers[name].sign({**claims(), "iat": now, "nbf": now, "exp": now + lifetime})


@pytest.mark.parametrize("name", SHAPES)
def test_a_long_token_opens_ssh_and_sudo_after_its_exchange_until_it_is_revoked(issuers, name):
    token = subject(issuers, name)
    assert 1000 <= len(token) <= 2500
    assert not sudo("alice", token), "sudo cuts it off"
    done = sh("jwtctl login --token-file=-", token, "alice")
    assert done.returncode == 0 and "Logged in as alice" in done.stdout, done.stdout + done.stderr
    access = sh("jwtctl token", user="alice").stdout.strip()
    assert len(access) <= 511
    for login in LOGINS.values():
        assert login("alice", access)
    narrowed = sh("jwtctl token --service=sudo --once", user="alice").stdout.strip()
    assert not LOGINS["ssh by password"]("alice", narrowed) and sudo("alice", narrowed) and not sudo("alice", narrowed)
    ran = sh("jwtctl run -- sudo -A id -un", user="alice")
    assert ran.stdout.strip() == "root", ran.stdout + ran.stderr
    assert "exchange" in sh("jwtctl sessions --all -o json").stdout
    assert "revoked" in sh("jwtctl revoke alice").stdout
    for login in LOGINS.values():
        assert not login("alice", access)
    assert "exchanged before" in sh("jwtctl login --token-file=-", token, "alice").stderr


def test_the_journal_has_the_exchange_with_its_message_id_and_no_token(issuers):
    token = subject(issuers, "GitHub Actions")
    assert api("/api/token/exchange/", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
                                        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"})[0] == 200
    out = sh("journalctl -o json MESSAGE_ID=4db2e10571f64d91a4a8d042dfe50f9b").stdout
    assert '"JWT_USER":"alice"' in out and '"JWT_ISSUER":"https://token.actions.githubusercontent.com"' in out, out
    assert token.rsplit(".", 1)[-1] not in sh("journalctl").stdout
    sh("jwtctl revoke alice")


def test_root_issues_a_token_that_opens_ssh_alone():
    token = sh("jwtctl issue --user=alice --service=sshd --lifetime=2min").stdout.strip()
    assert LOGINS["ssh by password"]("alice", token) and not sudo("alice", token)
    assert not LOGINS["ssh by password"]("carol", token)
    assert "revoked" in sh("jwtctl revoke alice").stdout and not LOGINS["ssh by password"]("alice", token)
    assert sh("jwtctl issue --user=alice", user="alice").returncode == 1
    assert "Token issued by root" in sh("journalctl MESSAGE_ID=5675429857aa4e8ba493b05838416fff").stdout
    assert LOGINS["sudo -S"]("alice", ALICE), "passwords work as before"
