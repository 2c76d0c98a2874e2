"""A compromised jwtd: a process with its uid that sends any message to jwtd-issuer and jwtd-login. It has alice's
tokens and password, which passed through it, and must not get a token or session of carol's or the private key,
or crash the issuer. The requests are generated from the program's own table (wire_table).
$TAKEOVER_MESSAGES: number of random messages (default 4,000; 100,000 for a long run); $TAKEOVER_SEED: the seed."""

import array
import base64
import glob
import json
import os
import pwd
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

import pytest
from daemons import payload
from issuer_daemon import SOURCE, Issuer, sid
from login_daemon import ALICE, SECRET
from wire import OBTAIN, SESSION_END, STATUS, message, read

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import foreign  # noqa: E402

MESSAGES = int(os.environ.get("TAKEOVER_MESSAGES", "4000"))
SEED = int(os.environ.get("TAKEOVER_SEED", str(int(time.time()))))
FRONT = "daemon"  # the uid of jwtd in these tests
UID = pwd.getpwnam(FRONT).pw_uid
PASSWORD = b"secret one"
LIMITED = "[Session]\nFailuresPerUser=10/min\n"
SETTINGS = "[Session]\nFailuresPerUser=0\nLoginsPerUser=0\nMaxSessionsPerUser=100000\n[Token]\nSlidingTokens=yes\n"
SECTION = """[Issuer https://idp.example]
Keys={}/jwks.json
Audience=jwt-login
Type=
UserMap=same
Exchange=yes
"""
BY_PASSWORD = ("obtain", "sliding-obtain")


def wire_table(build):
    return json.loads(subprocess.run([build + "/tests/http/wire_table"], capture_output=True, check=True).stdout)


def issuer_of_another(build, settings):
    """A jwtd-issuer that expects jwtd under another uid than this test."""
    d = Issuer(build, settings, asker=FRONT)
    os.chmod(d.dir, 0o755)
    os.chmod(d.path("socket"), 0o666)
    return d


class Attack:
    """The daemon under attack, the attacker's tokens, and the secrets."""

    def __init__(self, build):
        self.idp = foreign.Issuer("https://idp.example", "ES256")
        self.subjects = set()
        self.keys = tempfile.mkdtemp(prefix="jwt-idp.")
        os.chmod(self.keys, 0o755)
        self.idp.write_keys(self.keys + "/jwks.json")
        self.d = issuer_of_another(build, SETTINGS + SECTION.format(self.keys))
        table = wire_table(build)
        assert [word.replace("-", "_") for word in table["statuses"]] == STATUS
        self.rows = {row["op"]: row for row in table["requests"]}
        self.front = [row for row in table["requests"] if (row["asker"], row["answerer"]) == ("front", "issuer")]
        os.seteuid(UID)
        self.d.recovers()
        self.pid = self.d.process.pid
        self.hers = self.d.obtain(b"carol")
        self.her_sid = sid(self.hers[1])
        self.renew()
        os.seteuid(0)
        self.needles = self.secrets()
        os.seteuid(UID)

    def secrets(self):
        """The private key in each encoding that a reply could contain."""
        path, = glob.glob(self.d.path("state/keys/*.jwk"))
        with open(path, encoding="ascii") as file:
            text = json.load(file)["d"]
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        assert len(raw) == 32
        return [raw, raw[::-1], raw[:16], raw[16:], text[:22].encode(), text[21:].encode(), raw.hex().encode(),
                base64.b64encode(raw)[:22], *[bytes(x) for x in (raw[4:20], raw[8:24])]]

    def renew(self):
        self.refresh, self.access = self.d.obtain(b"alice")
        _, (self.sliding,) = self.d.ask(next(r["op"] for r in self.front if r["name"] == "sliding-obtain"),
                                        b"alice", PASSWORD, SOURCE)

    def subject(self):
        """A token of alice by another issuer, which is exchanged once."""
        token = self.idp.token().encode()
        self.subjects.add(token)
        return token

    def right(self, row):
        """The fields of a valid request for alice."""
        values = {"user": b"alice", "password": PASSWORD, "source": SOURCE, "otp": b"", "client": b"",
                  "refresh": self.refresh,
                  "access": self.access, "token": self.sliding, "sid": sid(self.access).encode(), "after": b"",
                  "scope": b"", "aud": b"", "lifetime": struct.pack("<Q", 60), "one_time": struct.pack("<Q", 0),
                  "host_key": b"", "subject_token": self.subject()}
        return [values[field["name"]] for field in row["fields"]]

    def entitled(self, packet):
        """Whether the message has alice's password or one of her tokens in the right field."""
        try:
            op, fields = read(packet)
            row = self.rows[op]
        except (IndexError, struct.error, KeyError):
            return False
        if row["name"] in ("ping", "bundle"):
            return True
        if row["name"] in BY_PASSWORD:
            return fields[:2] == [b"alice", PASSWORD]
        if row["name"] == "exchange":
            return fields[0] in self.subjects
        return bool(fields) and fields[0] in (self.refresh, self.access, self.sliding)

    def send(self, packet, descriptors=()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(30)
            client.connect(self.d.path("socket"))
            try:
                client.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                               if descriptors else [])
                if not packet:
                    client.shutdown(socket.SHUT_WR)
                return client.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                return b""

    def check(self, packet, answer):
        """Returns whether the reply is "ok"; fails if it contains data that the message does not authorise."""
        for needle in self.needles:
            assert needle not in answer, ("a part of the private key", packet)
        # The source of a session comes from jwtd and may be anything.
        assert self.her_sid.encode() not in re.sub(rb'"(source|client)":"[^"]*"', b"", answer), ("carol's session", packet)
        if not answer:
            return False
        status, fields = read(answer)
        row = self.rows[packet[2]]
        ok = STATUS[status] == "ok"
        assert len(fields) == (len(row["answer"]) if ok else STATUS[status] == "throttled"), (packet, answer)
        for field in fields:
            for token in re.findall(rb"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.sub(rb'"(source|client)":"[^"]*"', b"", field)):
                if row["name"] == "bundle" and b'"jwt-bundle"' in base64.urlsafe_b64decode(token.split(b".")[0] + b"=="):
                    continue
                assert payload(token.decode())["sub"] == "alice" and self.entitled(packet), ("a token", packet)
        assert not ok or self.entitled(packet), ("answered ok", packet, answer)
        return ok

    def says(self, packet, descriptors=()):
        return self.check(packet, self.send(packet, descriptors))

    def memory(self):
        status = self.d.text(f"/proc/{self.pid}/status")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def is_unharmed(self):
        assert self.d.process.poll() is None and self.d.process.pid == self.pid, "the issuer died"
        status, _, newer = self.d.refresh(self.hers[0])
        assert status == "ok", ("carol's session", status)
        assert payload(newer.decode())["sub"] == "carol"
        assert self.her_sid not in self.d.revoked()
        self.hers = (newer, self.hers[1])


@pytest.fixture
def a(build):
    attack = Attack(build)
    try:
        yield attack
        attack.is_unharmed()
    finally:
        os.seteuid(0)
        print(f"seed={SEED}\n{attack.d.text('log')[-600:]}")
        attack.d.stop(front_lies=True)
        shutil.rmtree(attack.keys)


def flipped(token):
    """The token with one character changed, in each of its parts."""
    for part in range(3):
        parts = token.split(b".")
        at = len(parts[part]) // 2
        letter = b"A" if parts[part][at:at + 1] != b"A" else b"B"
        parts[part] = parts[part][:at] + letter + parts[part][at + 1:]
        yield b".".join(parts)


def unsigned(token):
    parts = token.split(b".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=")
    hers = json.dumps(dict(payload(token.decode()), sub="carol")).encode()
    hers = base64.urlsafe_b64encode(hers).rstrip(b"=")
    return [none + b"." + parts[1] + b".", none + b"." + hers + b".", parts[0] + b"." + hers + b"." + parts[2],
            b".".join(parts[:2]), token + b"A", token[:-1], token + b"=", b" " + token, token + b"\n"]


def wrong(a, field):
    """Invalid values for this field, and values that jwtd never sends."""
    top = field["max"]
    if field["kind"] == "number":
        return [b"", b"\0" * 4, b"\0" * 9, b"\xff" * 8, struct.pack("<Q", 1 << 63), struct.pack("<Q", 0)]
    values = [b"", b"x", b"x" * top, b"x" * (top + 1), b"\0", b"a\0b", b"\xff\xfe\xfd", b"a\nb", b"root", b"carol",
              b"alice", b"../../../etc/shadow", b'"}]', b"%s%n%s", a.her_sid.encode(), b"\xf0\x9f\x98\x80"]
    if field["name"] in ("access", "refresh", "token", "subject_token"):
        for token in (a.access, a.refresh, a.sliding, a.subject()):
            values += [token, *flipped(token), *unsigned(token)]
    return values


def test_no_request_with_a_wrong_field_returns_other_users_data(a):
    asked = 0
    for row in a.front:
        a.renew()
        assert a.says(message(row["op"], *a.right(row))), row
        for i, field in enumerate(row["fields"]):
            a.renew()
            for value in wrong(a, field):
                fields = a.right(row)
                fields[i] = value
                a.says(message(row["op"], *fields))
                asked += 1
    print(f"# {asked} requests, each with one field wrong")


def test_a_malformed_message_gets_no_reply(a):
    for row in a.front:
        a.renew()
        fields = a.right(row)
        good = message(row["op"], *fields)
        shapes = [good + b"\0", b"", b"J", b"K" + good[1:], good[:1] + b"\2" + good[2:]]
        shapes += [message(row["op"], *fields, b"")]
        shapes += [good[:n] for n in (3, len(good) // 2, len(good) - 1) if n < len(good)]
        if fields: # without the last one
            shapes.append(good[:3] + bytes([len(fields) - 1]) + good[4:-2 - len(message(0, fields[-1])[6:])])
        shapes += [good[:3] + bytes([n]) + good[4:] for n in (0, 7, 255) if n != len(fields)]
        for shape in shapes:
            assert a.send(shape) == b"", (row["name"], shape)


def test_requests_that_jwtd_may_not_send_get_no_reply(a):
    mine = {row["op"] for row in a.front}
    zero = {"number": b"\0" * 8, "text": b"alice", "bytes": b""}
    for op in set(range(256)) - mine:
        fields = [zero[field["kind"]] for field in a.rows[op]["fields"]] if op in a.rows else []
        assert a.send(message(op, *fields)) == b"", op
    log = as_root(lambda: a.d.text("log"))
    assert "not-yours" in log and "unknown" in log
    # Root may not send requests of jwtd.
    for row in a.front:
        packet = message(row["op"], *a.right(row))
        assert as_root(lambda: a.send(packet)) == b"", row["name"]  # pylint: disable=cell-var-from-loop


def test_a_name_without_a_token_or_another_users_session_is_refused(a):
    for row in a.front:
        if row["name"] in BY_PASSWORD:
            for user, password in ((b"carol", PASSWORD), (b"carol", b""), (b"alice", b""), (b"root", b""),
                                   (b"carol\0", b"secret two"), (b"", b"")):
                assert not a.says(message(row["op"], user, password, SOURCE)), (row["name"], user)
        elif row["fields"]:
            for name in (b"carol", b"alice", b"root", a.her_sid.encode(), b""):
                assert not a.says(message(row["op"], name, *a.right(row)[1:])), (row["name"], name)
    for name in (a.her_sid.encode(), a.her_sid.encode()[::-1], b"A" * 22, b"", b"carol"):
        assert not a.says(message(SESSION_END, a.access, name, SOURCE)), name


def mangled(rng, packet):
    """A valid message with some bytes changed, inserted or removed."""
    data = bytearray(packet)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(data)) if data else 0
        what = rng.randrange(5)
        if what == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1 and data:
            data[at] = rng.choice((0, 1, 0x7f, 0xff, rng.randrange(256)))
        elif what == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif what == 3:
            del data[at:at + rng.randrange(1, 40)]
        else:
            data[at:at] = data[at:at + rng.randrange(1, 200)]
    return bytes(data[:60000])


def random_message(a, rng):
    row = rng.choice(list(a.rows.values()))
    kind = rng.randrange(10)
    if kind == 0:
        return rng.randbytes(rng.choice((0, 3, 4, 50, 300, 20480, 20481, 40000)))
    if kind == 1:
        return b"J\1" + bytes([row["op"], len(row["fields"])]) + rng.randbytes(rng.randrange(200))
    if kind == 2:
        return message(row["op"], *[rng.randbytes(rng.choice((0, 8, rng.randrange(field["max"] + 2))))
                                    for field in row["fields"]])
    row = rng.choice(a.front)
    fields = a.right(row)
    if kind == 3 and fields:
        i = rng.randrange(len(fields))
        fields[i] = rng.choice(wrong(a, row["fields"][i]))
    packet = message(row["op"], *fields)
    return packet if kind == 4 else mangled(rng, packet)


def test_random_and_mutated_messages_leak_nothing_and_crash_nothing(a):
    rng = random.Random(SEED)
    before, began, tokens, answers = 0, time.monotonic(), 0, 0
    with open("/dev/null", "rb") as null:
        for number in range(MESSAGES):
            if number % 200 == 0:
                a.renew()
            if number == MESSAGES // 4:
                before = a.memory()
            packet = random_message(a, rng)
            answer = a.send(packet, [null.fileno()] * 3 if rng.randrange(20) == 0 else ())
            answers += bool(answer)
            tokens += a.check(packet, answer)
    grown = a.memory() - before
    print(f"# seed {SEED}: {MESSAGES} messages in {time.monotonic() - began:.0f} s, {answers} answered, {tokens} ok, "
          f"memory grew by {grown} KiB after the first quarter")
    assert answers < MESSAGES and tokens > 0
    assert "asan" in a.d.program or grown < 2048, grown
    assert as_root(lambda: len(os.listdir(f"/proc/{a.pid}/fd"))) < 40


def as_root(what):
    os.seteuid(0)
    try:
        return what()
    finally:
        os.seteuid(UID)


def test_the_issuer_counts_guesses_independently_of_their_source(build):
    d = issuer_of_another(build, LIMITED)
    os.seteuid(UID)
    try:
        d.recovers()
        said = [d.ask(OBTAIN, b"carol", b"guess %d" % i, b"192.0.2.%d" % i)[0] for i in range(13)]
        assert said == ["denied"] * 10 + ["throttled"] * 3, said
        assert d.ask(OBTAIN, b"carol", b"secret two", b"uid 0")[0] == "throttled"
    finally:
        os.seteuid(0)
        d.stop(front_lies=True)


def test_jwtd_login_does_not_reply_to_jwtd(login):
    os.chmod(login.dir, 0o755)
    os.chmod(login.path("socket"), 0o666)
    said = login.check(ALICE, SECRET)
    assert said[0] == "ok", said
    # In a child: setresuid changes the threads of a process one after another.
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(UID, UID, UID)
            said = login.check(ALICE, SECRET), login.account(ALICE)
            os._exit(0 if said == ("closed", "closed") else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert f"uid={UID}" in login.read("log")


def test_the_readme_lists_sender_and_receiver_of_each_request(build):
    who = {"front": "jwtd", "issuer": "jwtd-issuer", "login": "jwtd-login", "admin": "root's jwtctl"}
    readme = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../jwtd/README.md")
    with open(readme, encoding="utf-8") as file:
        rows = re.findall(r"^\| ([A-Z_, ]+) \| ([^|]+) \| ([^|]+) \|", file.read(), re.M)
    listed = sorted((name, asker, whom) for names, asker, whom in rows for name in names.split(", "))
    table = [(row["name"].upper().replace("-", "_"), who[row["asker"]], who[row["answerer"]])
             for row in wire_table(build)["requests"]]
    assert listed == sorted(table), set(listed) ^ set(table)
