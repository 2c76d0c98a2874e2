"""The sessions of several issuers on one database, and a hostile user of the database."""

import base64
import contextlib
import os
import time

import pytest
import wire
from daemons import payload, until


def test_rows_of_sessions_give_no_token_of_another_user(issuers):
    first, other = issuers
    refresh, access = first.obtain(b"carol")
    victim, _ = first.obtain(b"alice")
    issuers.sql("""UPDATE session SET "user" = 'alice' WHERE "user" = 'carol'""")
    for issuer in issuers:
        assert issuer.refresh(refresh)[0] == issuer.verify(access) == issuer.whoami(access) == "invalid"
    # With all of the other session but the id of the own one.
    issuers.sql("DELETE FROM session WHERE sid = %s", [(base64.urlsafe_b64decode(payload(access.decode())["sid"] + "=="),)])
    columns = ", ".join(name for name, in issuers.sql(
        "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_name = 'session' AND column_name <> 'sid'"))
    issuers.sql(f"INSERT INTO session (sid, {columns}) SELECT %s, {columns} FROM session",
                [(base64.urlsafe_b64decode(payload(access.decode())["sid"] + "=="),)])
    for issuer in issuers:
        assert issuer.refresh(refresh)[0] == issuer.verify(access) == issuer.whoami(access) == "invalid"
    assert other.refresh(victim)[0] == "ok"


LENGTHS = {"session": {"sid": 16, "refresh_jti": 16, "previous_jti": 16, "access_jti": 16, "user": 255, "source": 64, "client": 64, "kid": 1024,
                       "stamp": 16, "method": 15, "amr": 63}, "spent": {"id": 16, "issuer": 16}, "attempt": {"id": 16}}


def test_values_that_are_too_long_for_an_issuer_are_refused_by_the_tables(issuers):
    """One such row would fail every turn that it is in."""
    refresh, _ = issuers[0].obtain()
    issuers.sql("INSERT INTO spent SELECT sid, sid, 9999999999 FROM session")
    issuers.sql("INSERT INTO attempt SELECT sid, 0, 9999999999 FROM session")
    for table, columns in LENGTHS.items():
        for name, longest in columns.items():
            text = name in ("user", "source", "client", "kid", "method", "amr")
            for n in (longest, longest + 1):
                value = f"repeat('x', {n})" if text else f"decode(repeat('ab', {n}), 'hex')"
                refused = pytest.raises(Exception, match="check constraint") if n > longest else contextlib.nullcontext()
                with refused:
                    issuers.sql(f'BEGIN; UPDATE {table} SET "{name}" = {value}; ROLLBACK')
    assert issuers[1].refresh(refresh)[0] == "ok"


def test_numbers_at_the_end_of_their_range_give_no_token_and_end_no_issuer(issuers):
    first, other = issuers
    os.mkdir(first.path("jwt.conf.d"))
    first.write_file("jwt.conf.d/reuse.conf", "[Session]\nBlacklistAfterRotation=no\n")
    first.restart()
    refresh, _ = first.obtain()
    successor = first.refresh(refresh)[2]
    issuers.sql(f"UPDATE session SET rotated_at = {-2 ** 63}")
    assert first.refresh(refresh)[0] == first.refresh(successor)[0] == "ok"
    issuers.sql(f"UPDATE session SET gen = {2 ** 63 - 1}")
    assert first.refresh(successor)[0] == "blacklisted"
    issuers.sql(f"UPDATE clock SET mark = {2 ** 63 - 1}")
    began = base64.urlsafe_b64decode(payload(first.obtain()[1].decode())["sid"] + "==")[:6]
    assert int.from_bytes(began, "big") // 1000 == 253402300799
    issuers.sql("UPDATE clock SET mark = 0")
    for issuer in issuers:
        assert issuer.refresh(issuer.obtain()[0])[0] == "ok"


def test_rows_of_sessions_give_no_other_amr_and_no_later_end(issuers):
    """The previous refresh token is repeated, so that the pair of the row is signed as it is."""
    first, other = issuers
    for issuer in issuers:
        os.mkdir(issuer.path("jwt.conf.d"))
        issuer.write_file("jwt.conf.d/amr.conf", "[Token]\nAmrClaim=yes\n[Session]\nRotationGrace=5min\n")
        issuer.restart()
    refresh, access = first.obtain()
    began = payload(access.decode())["iat"]
    assert payload(access.decode())["amr"] == ["pwd"]
    assert first.refresh(refresh)[0] == "ok"
    far = began + 10 ** 9
    issuers.sql(f"UPDATE session SET amr = 'pwd otp', access_exp = {far}, refresh_exp = {far}, absolute_exp = {far},"
                f" idle_exp = {far}, rotated_at = {began + 60}, last_access_exp = {far}")
    for issuer in (first, other):
        status, access, successor = issuer.refresh(refresh)
        assert status == "ok", status
        access, successor = payload(access.decode()), payload(successor.decode())
        assert access["amr"] == successor["amr"] == ["pwd"]
        assert access["exp"] - access["iat"] <= 900 and successor["exp"] - successor["iat"] <= 7 * 86400
        assert access["iat"] <= time.time() + 1
    status, access, successor = other.refresh(issuer.refresh(refresh)[2])
    assert status == "ok" and payload(access.decode())["amr"] == ["pwd"]
    # Later than AbsoluteLifetime after its begin, as its id says.
    status, narrowed = other.ask(wire.NARROW, access, b"pam:sudo", b"", 0, 0, b"")
    assert status == "ok" and payload(narrowed[0].decode())["amr"] == ["pwd"]


class SessionRow:
    """The session of a refresh token as a database user saw it, to be put back."""

    def __init__(self, issuers, token):
        self.sql, self.sid = issuers.sql, base64.urlsafe_b64decode(payload(token.decode())["sid"] + "==")
        self.row, = self.sql("SELECT * FROM session WHERE sid = %s", [(self.sid,)])

    def put_back(self, change=None):
        for table in ("revoked", "session"):
            self.sql(f"DELETE FROM {table} WHERE sid = %s", [(self.sid,)])
        self.sql(f"INSERT INTO session VALUES ({', '.join(['%s'] * len(self.row))})", [self.row])
        if change:
            self.sql(f"UPDATE session SET {change} WHERE sid = %s", [(self.sid,)])


def log_out(issuers, refresh):
    assert issuers[0].blacklist(refresh) == "ok"


def replace_generation(issuers, refresh):
    until(lambda: issuers[0].refresh(issuers[0].refresh(refresh)[2])[0] == "ok")


def end_by(column):
    def end(issuers, _):
        issuers.sql(f"UPDATE session SET {column} = 1000")
    return end


def new_account(name, value):
    def end(issuers, _):
        for issuer in issuers:
            setattr(issuer.login, name, value)
    return end


OF_NEW = "{0} = (SELECT {0} FROM session ORDER BY created_at DESC LIMIT 1)"
ENDS = {
    "a logout": (log_out, None),
    "a replaced generation": (replace_generation, None),
    "IdleLifetime=": (end_by("idle_exp"), None),
    "ExchangeLifetime=": (end_by("absolute_exp"), None),
    "a changed uid": (new_account("uid", 1001), OF_NEW.format("uid")),
    "a changed password": (new_account("stamp", b"1" * 16), OF_NEW.format("stamp")),
}


@pytest.mark.fleet("[Session]\nRotationGrace=0\nAccountCacheTime=0\n")
@pytest.mark.parametrize("what", ENDS)
def test_a_session_whose_row_is_put_back_goes_on_for_its_user_until_AbsoluteLifetime(issuers, what):
    first, other = issuers
    refresh, access = first.obtain()
    row = SessionRow(issuers, refresh)
    end, change = ENDS[what]
    end(issuers, refresh)
    assert other.refresh(refresh)[0] != "ok"
    first.obtain()
    row.put_back(change)
    status, successor, token = other.refresh(refresh)
    assert status == "ok" and payload(successor.decode())["sub"] == payload(access.decode())["sub"]
    # It was ended, so hosts refuse its access tokens, old and new.
    if payload(access.decode())["sid"] in first.revoked():
        assert payload(successor.decode())["sid"] in other.revoked()
    else:
        assert what not in ("a logout", "a replaced generation")
    for issuer in issuers:
        issuer.configure(issuer.text("jwt.conf").replace("[Session]\n", "[Session]\nAbsoluteLifetime=1s\n"))
        issuer.restart()
    row.put_back("absolute_exp = 10 ^ 15, idle_exp = 10 ^ 15, purge_at = 10 ^ 15")
    began = payload(access.decode())["iat"]
    until(lambda: time.time() > began + 2)
    assert other.refresh(refresh)[0] != "ok" and first.refresh(token)[0] != "ok"
