"""SIGHUP, as sent by `systemctl reload`: new settings and keys without a lost request; invalid ones change
nothing."""

import base64
import json
import os
import signal
import subprocess
import threading

from daemons import ALICE, CAROL, QUICK, payload, until
from test_habits import systemd


def lines(d, text):
    return [x for x in d.read_log().split("\n") if text in x]


def reload(d, daemon, says="Configuration reloaded"):
    """Sends SIGHUP and waits for the log line with its result."""
    before = len(lines(d, says))
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: len(lines(d, says)) > before)


def lifetime(pair):
    return payload(pair["access"])["exp"] - payload(pair["access"])["iat"]


def header(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def add_key(d):
    """Installs a second key as an administrator would."""
    made = subprocess.run([d.build + "/jwtctl/jwtctl", "key", "new"], capture_output=True, check=True).stdout
    path = d.path(f"state/keys/{json.loads(made)['kid']}.jwk")
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(made)


def test_a_reload_takes_new_settings_in_each_daemon(d):
    before = d.obtain()
    d.obtain(CAROL)
    d.write("jwt.conf", QUICK + "DenyUsers=root carol\n[Token]\nAccessTokenLifetime=7min\n")
    with open(d.path("jwt.conf"), encoding="utf-8") as file:
        settings = file.read().replace("FailureTime=300ms", "FailureTime=300ms\nAllowedHosts=elsewhere.example")
    d.write("jwt.conf", settings)
    host = b"GET /healthz HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n"
    assert b" 400 " in d.raw(host)
    for daemon in d.all:
        reload(d, daemon)
    assert b" 200 " in d.raw(host)
    assert lifetime(d.obtain()) == 420
    assert d.post("/api/token/", CAROL).status == 401
    assert d.post("/api/token/refresh/", {"refresh": before["refresh"]}).status == 200
    assert all(daemon.starts == 1 for daemon in d.all)


def test_a_reload_works_without_the_main_file(d):
    d.obtain()
    os.makedirs(d.path("jwt.conf.d"), 0o755, exist_ok=True)
    os.rename(d.path("jwt.conf"), d.path("jwt.conf.d/all.conf"))
    for daemon in d.all:
        reload(d, daemon)
    assert d.obtain()["access"]


def test_fifty_reloads_under_load_lose_no_request(d):
    d.obtain()
    bad, ends = [], threading.Event()
    done = [0]

    def refreshing():
        pair = d.obtain()
        while not ends.is_set():
            reply = d.post("/api/token/refresh/", {"refresh": pair["refresh"]})
            if reply.status != 200:
                bad.append(reply.raw)
                return
            pair = reply.json()
            done[0] += 1

    def obtaining():
        while not ends.is_set():
            # Another user: with too many sessions the oldest ends.
            reply = d.post("/api/token/", CAROL)
            if reply.status != 200:
                bad.append(reply.raw)
                return
            done[0] += 1

    threads = [threading.Thread(target=each) for each in [refreshing] * 3 + [obtaining]]
    for thread in threads:
        thread.start()
    for number in range(50):
        d.write("jwt.conf.next", QUICK + f"[Token]\nAccessTokenLifetime={5 + number % 5}min\n")
        os.rename(d.path("jwt.conf.next"), d.path("jwt.conf"))
        for daemon in d.all:
            reload(d, daemon)
    ends.set()
    for thread in threads:
        thread.join()
    assert not bad, bad[:3]
    assert done[0] > 50 and all(daemon.starts == 1 for daemon in d.all), done


def test_invalid_settings_at_a_reload_change_nothing_and_log_one_line(d):
    pair = d.obtain()
    d.write("jwt.conf", QUICK + "[Token]\nAccessTokenLifetime=sometimes\n")
    line = QUICK.count("\n") + 2
    for daemon in d.all:
        reload(d, daemon, "Reload failed")
    said = lines(d, "Reload failed")
    assert len(said) == 3 and len(lines(d, "sometimes")) == 3, said
    for text in said:
        assert f"jwt.conf:{line}" in text and "AccessTokenLifetime" in text and "15min" in text, text
    assert lifetime(d.obtain()) == 900
    assert d.post("/api/token/refresh/", {"refresh": pair["refresh"]}).status == 200
    d.write("jwt.conf", QUICK + "[Token]\nAccessTokenLifetime=7min\n")
    for daemon in d.all:
        reload(d, daemon)
    assert lifetime(d.obtain()) == 420
    assert all(daemon.starts == 1 for daemon in d.all)


def test_a_reload_takes_a_new_key_and_keeps_the_old_one_published(d):
    old = d.obtain()
    kid = header(old["access"])["kid"]
    add_key(d)
    reload(d, d.issuer)
    new = d.obtain()
    assert header(new["access"])["kid"] != kid
    published = [key["kid"] for key in d.get("/.well-known/jwks.json").json()["keys"]]
    assert sorted(published) == sorted([kid, header(new["access"])["kid"]])
    assert d.post("/api/token/verify/", {"token": old["access"]}).status == 200
    assert d.post("/api/token/refresh/", {"refresh": old["refresh"]}).status == 200


def test_unusable_keys_or_store_at_a_reload_change_nothing(d, database):
    pair = d.obtain()
    name, = os.listdir(d.path("state/keys"))
    d.write("state/keys/damaged.jwk", "{}")
    os.chmod(d.path("state/keys/damaged.jwk"), 0o600)
    reload(d, d.issuer, "Reload failed")
    assert "damaged.jwk" in lines(d, "Reload failed")[0]
    os.remove(d.path("state/keys/damaged.jwk"))
    d.write("jwt.conf", QUICK + "[Token]\nAlgorithm=ES256\n")
    before = len(lines(d, "Reload failed"))
    d.issuer.process.send_signal(signal.SIGHUP)
    until(lambda: len(lines(d, "Reload failed")) > before)
    assert "ES256" in lines(d, "Reload failed")[-1], lines(d, "Reload failed")
    if database:
        d.write("jwt.conf", QUICK)
        d.write("jwt.conf.d/store.conf", f"[Store]\nDatabase={database.url.replace(database.name, 'nowhere')}\n")
    else:
        d.write("jwt.conf", QUICK + f"[Store]\nPath={d.path('nowhere')}/sessions.db\n")
    reload(d, d.issuer, "create the database" if database else "nowhere/sessions.db")
    after = d.obtain()
    assert header(after["access"])["kid"] + ".jwk" == name
    assert d.post("/api/token/refresh/", {"refresh": pair["refresh"]}).status == 200


def test_a_reload_corrects_a_daemon_that_started_with_invalid_settings(d):
    d.write("jwt.conf", "[Token]\nAccessTokenLifetime=sometimes\n")
    with systemd(d) as said:
        assert d.post("/api/token/", ALICE).status == 503
        d.write("jwt.conf", QUICK)
        for daemon in d.all:
            if daemon.alive():
                daemon.process.send_signal(signal.SIGHUP)
                while not said().startswith("RELOADING=1"):
                    pass
                while said() != "READY=1":
                    pass
    d.obtain()
