"""Configuration files of the documents are accepted by the programs that read them."""

import re

from blocks import take
from files import read, until, write
from kit import ADMIN, ALICE, CAROL, good, login, place, script, sh, ssh, sudo, token

SSHD = take(ADMIN, "# /etc/ssh/sshd_config.d/tokens.conf")
SSHD_PAM = take(ADMIN, "# /etc/pam.d/sshd")
SSHD_LOAD = take(ADMIN, "sshd -t && systemctl reload ssh\n", "ssh with tokens only")
TCP = {page: take(page, "systemctl enable jwtd-tcp.socket") for page in (ADMIN, "README.md")}
SCRAPE = take(ADMIN, "scrape_configs:")
RULES = take(ADMIN, "groups:")
MESSAGES = take(ADMIN, "journalctl --since=-1h")
KEYCLOAK = take(ADMIN, "[Issuer https://sso.example/realms/corp]")
FETCHED = take(ADMIN, "[Issuer https://sso.example/realms/staff]")
FETCH = take(ADMIN, "systemctl enable --now jwt-sync-keys.timer")
BUNDLE = take(ADMIN, "# /etc/cron.d/jwt-bundle")
LIMIT = take(ADMIN, "session [success=ok")
ISSUER = take("simplejwt.md", "[Token]")
SIMPLEJWT = take("simplejwt.md", "SIMPLE_JWT = {")
SITE = take("simplejwt.md", "[Issuer https://site.example]")


def test_sshd_accepts_tokens_only():
    place(SSHD)
    place(SSHD_PAM)
    script(SSHD_LOAD)
    login()
    assert ssh(token()) and not ssh(ALICE)
    assert sudo(ALICE)


def test_the_tcp_socket_serves_metrics_and_the_rules_use_only_metrics_that_exist():
    good("systemctl disable --now jwtd-tcp.socket")
    for block in TCP.values():
        script(block)
    target = re.search(r"targets: \['([\d.:]+)'\]", SCRAPE.run())[1]
    metrics = good(f"curl -sS http://{target}/metrics")
    rules = RULES.run()
    names = set(re.findall(r"\bjwtd_\w+", rules))
    assert len(names) > 4
    for name in names:
        assert f"# TYPE {name} counter\n" in metrics, name
    for label, value in re.findall(r'(\w+)=~?"([^"]+)"', rules):
        for word in value.split("|"):
            assert label in ("job", "status") or re.search(rf'{label}="{word}"', metrics), (label, word)
    assert set(re.findall(r'job="(\w+)"', rules)) == set(re.findall(r"job_name: (\w+)", SCRAPE.text))


def test_the_messages_that_need_attention_have_an_explanation():
    sh(MESSAGES.run())
    for line in MESSAGES.text.splitlines():
        found = good("journalctl --dump-catalog " + re.search(r"MESSAGE_ID=(\w+)", line)[1])
        assert "Defined-By: simplejwt" in found


def test_config_check_accepts_the_settings_of_each_page():
    write("/etc/jwt/usermap", "https://sso.example/realms/corp alice.example alice\n")
    good("jwtctl key new /root/key && mkdir -p /var/lib/jwt-issuers &&"
         " jwtctl key export /root/key >/var/lib/jwt-issuers/keycloak.jwks &&"
         " jwtctl key new --alg=HS256 /var/lib/jwt-issuers/site.jwk")
    try:
        for number, block in enumerate((KEYCLOAK, ISSUER, SITE)):
            if block is ISSUER:
                good("jwtctl key rotate --alg=ES256")
            place(block, f"/etc/jwt/jwt.conf.d/{number}.conf")
            assert good("jwtctl config check").endswith("ok\n"), block
        assert "https://sso.example/realms/corp" in good("jwtctl config show")
    finally:
        good("rm -rf /root/key /var/lib/jwt-issuers/*")


def test_keys_url_is_accepted_and_its_units_start():
    """The container has no network: nothing is fetched, and the unit and doctor say so."""
    place(FETCHED, "/etc/jwt/jwt.conf.d/staff.conf")
    try:
        script(FETCH)
        assert good("systemctl is-active jwt-sync-keys.timer") == "active\n"
        assert good("systemctl show -P Result jwt-sync-keys-install jwt-sync-keys-fetch") == "success\n\nexit-code\n"
        assert good("stat -c '%U %a' /var/lib/jwt-keys") == "jwt-sync-install 755\n"
        rows = sh("jwtctl doctor")[1]
        assert re.search(r"error +sync-units +jwt-sync-keys-fetch\.service: has failed: https://sso\.example/realms/staff/"
                         r"\.well-known/openid-configuration: ", rows), rows
    finally:
        good("systemctl disable --now jwt-sync-keys.timer; systemctl reset-failed; rm /etc/jwt/jwt.conf.d/staff.conf")


def test_the_time_of_the_last_bundle_is_a_metric():
    where = "/var/lib/prometheus/node-exporter"
    good(f"mkdir -p {where} && printf 'Bundle=1700000000\\nEpoch=1\\nSeq=1\\nIssuer=a\\n' >/var/lib/jwt/synced")
    try:
        good(BUNDLE.run().splitlines()[-1].split(" root ", 1)[1])
        assert read(where + "/jwt.prom") == "jwt_bundle_time_seconds 1700000000\n"
        assert "jwt_bundle_time_seconds" in RULES.run()
    finally:
        good(f"rm -r {where} /var/lib/jwt/synced")


def test_simplejwt_s_settings_are_python():
    names = {}
    exec(SIMPLEJWT.run(), names)  # pylint: disable=exec-used
    assert names["SIMPLE_JWT"]["ALGORITHM"] == re.search("Algorithm=(.*)", ISSUER.text)[1]


def test_a_session_with_session_limit_ends_with_its_token():
    line = LIMIT.run()
    text = read("/etc/pam.d/sshd")
    assert "\n@include common-session\n" in text
    write("/etc/pam.d/sshd", text.replace("\n@include common-session\n", f"\n{line}@include common-session\n"))
    login()
    access = good("jwtctl token --lifetime=6s --service=sshd", "alice").strip()
    good("printf '#!/bin/sh\\necho %s\\n' " + access + " >/tmp/limit; chmod 755 /tmp/limit;"
         "SSH_ASKPASS=/tmp/limit SSH_ASKPASS_REQUIRE=force setsid ssh -o StrictHostKeyChecking=accept-new alice@localhost"
         " 'touch /tmp/began; exec sleep 1000' >/dev/null 2>&1 &")
    until(lambda: sh("pgrep -u alice -f '^sleep 1000$'")[0] == 0)
    until(lambda: sh("pgrep -u alice -f '^sleep 1000$'")[0] != 0)
    assert ssh(CAROL, "carol")
