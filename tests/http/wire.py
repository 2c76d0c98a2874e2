"""The messages between the daemons (jwtd/shared/wire.h), and a scripted jwtd-issuer."""

import socket
import struct
import threading

(PING, OBTAIN, REFRESH, VERIFY, BLACKLIST, WHOAMI, SLIDING_OBTAIN, SLIDING_REFRESH, SESSIONS, SESSION_END,
 LOGOUT, LOGOUT_ALL, NARROW, BUNDLE, EXCHANGE) = range(1, 16)
CHECK, ACCOUNT = 16, 17
ADMIN_STATUS = 32
ADMIN_ROTATE, ADMIN_RETIRE, ADMIN_REVOKE_ALL, ADMIN_NEW_EPOCH, ADMIN_APPLY_NAMES = range(35, 40)
STATUS = ("ok denied invalid expired blacklisted no_exp no_id no_type wrong_type no_user not_found inactive "
          "password_changed too_long throttled busy unavailable refresh_expired no_session not_allowed "
          "wider_scope wider_audience bad_narrow bad_host_key no_key otp_required wider_lifetime").split()


def message(number, *fields):
    if number in (OBTAIN, SLIDING_OBTAIN, CHECK) and len(fields) == 3:
        fields += (b"",)  # no one-time code
    if number in (OBTAIN, SLIDING_OBTAIN, EXCHANGE) and len(fields) == 4:
        fields += (b"",)  # no User-Agent
    fields = [struct.pack("<Q", f) if isinstance(f, int) else f for f in fields]
    body = b"".join(struct.pack("<H", len(f)) + f for f in fields)
    return b"J" + bytes([1, number, len(fields)]) + body


def read(packet):
    """(request or status, fields)."""
    fields, at = [], 4
    for _ in range(packet[3]):
        size, = struct.unpack_from("<H", packet, at)
        fields.append(packet[at + 2:at + 2 + size])
        at += 2 + size
    return packet[2], fields


def ask(client, packet):
    """(name of the status, fields), or ("closed", []) if the connection was closed."""
    try:
        client.send(packet)
        answer = client.recv(65536)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    if not answer:
        return "closed", []
    status, fields = read(answer)
    return STATUS[status], fields


def serve(listener, answer):
    """Calls answer for each connection, in a new thread. Returns a function that stops this and closes the listener.

    close() alone does not end accept(): a signal that interrupts it later, as SIGCHLD can during a fork with glibc
    2.41, restarts it with the same number, which may be the listener of another test by then."""

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()

    def stop():
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)
        assert not thread.is_alive(), "still in accept()"
        listener.close()

    return stop


class ScriptedIssuer:
    """Replaces the jwtd-issuer of Daemons(issuer=False). answers maps the number of a request to the name of a
    status and the fields of the reply, or to a function of the request's fields that returns these. Other
    connections are closed."""

    def __init__(self, daemons):
        self.answers = {}
        self.asked = []
        self.stop = serve(daemons.issuer.sockets[0][1], self.answer)

    def answer(self, client):
        with client:
            op, fields = read(client.recv(65536))
            self.asked.append((op, *fields))
            answer = self.answers.get(op)
            if callable(answer):
                answer = answer(*fields)
            if answer:
                client.send(message(STATUS.index(answer[0]), *answer[1:]))

    def last(self):
        return self.asked[-1]

    def says(self, op, *answer):
        self.answers[op] = answer
