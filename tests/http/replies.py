"""Expected replies of the HTTP API."""

SID = "AZqwEjRWeJCrze8SNFZ4kA"
GET_ONLY = "GET, HEAD, OPTIONS"

NO_ACCOUNT = b'{"detail":"No active account found with the given credentials"}'
BUSY = b'{"detail":"Service temporarily unavailable, try again later."}'
FORBIDDEN = b'{"detail":"You do not have permission to perform this action."}'
NOT_FOUND = b'{"detail":"Not found."}'


def token_error(message):
    return ('{"detail":"%s","code":"token_not_valid"}' % message).encode()


def in_view(message):
    """The same for a protected view."""
    return (b'{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":'
            b'[{"token_class":"AccessToken","token_type":"access","message":"%s"}]}' % message.encode())


def bearer(token="a.b.c"):
    return [f"Authorization: Bearer {token}"]


def whoami(user=b"alice", scope=b""):
    """The reply of jwtd-issuer to WHOAMI."""
    return ("ok", user, SID.encode(), 4102444800, b"https://box", b'["box"]', scope)


def is_answer(reply, status, body, allow="POST, OPTIONS"):
    assert (reply.status, reply.body) == (status, body), (reply.status, reply.body, status, body)
    assert reply.header("Content-Type") == "application/json", reply.headers
    assert reply.header("Vary") == "Accept", reply.headers
    assert reply.header("Allow") == allow, reply.headers
    assert reply.header("Connection") == "close", reply.headers
    assert reply.header("Content-Length") == str(len(body)), reply.headers
    challenge = 'Bearer realm="api"' if status == 401 else ""
    assert reply.header("WWW-Authenticate") == challenge, reply.headers
