"""Sends the same bytes to simplejwt and jwtd and compares the replies."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

from daemons import Daemons, payload
from django_site import DjangoSite, private_key
from wire_differences import DIFFERENCES, SINCE_5_4
from wire_tokens import Tokens, header_of, unb64

HEADERS = ("Content-Type", "Allow", "Vary", "WWW-Authenticate", "Retry-After", "Location")

SETTINGS = """[Token]
Algorithm=HS256
Issuer=https://login.example
Audience=site.example
UserIdClaim=user_id
AccessTokenLifetime=5min
RefreshTokenLifetime=1d
SlidingTokens=yes
SlidingTokenLifetime=5min
SlidingTokenRefreshLifetime=1d
[Session]
RotationGrace=0
FailuresPerUser=0
LoginsPerUser=0
MaxSessionsPerUser=4096
[Http]
FailureTime=100ms
FailuresPerSource=0
"""

# The corresponding settings of simplejwt.
SIMPLE_JWT = {
    "ISSUER": "https://login.example",
    "AUDIENCE": "site.example",
    "USER_ID_FIELD": "username",
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}


def shape(token):
    """The part of a token that must be equal; another test checks names and order of the claims."""
    claims = payload(token)
    # simplejwt reads the clock twice: its exp may be a second late.
    spans = [f"{k}={round(claims[k] - claims['iat'], -1)}" for k in ("exp", "refresh_exp") if k in claims]
    return f"<{header_of(token)['alg']} {claims['token_type']} {' '.join(spans)} {claims.get('user_id')}>"


def record(reply, case):
    """The compared form of a reply: status, relevant headers, body with each token replaced by its shape."""
    body = reply.body.decode("utf-8", "replace")
    body = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", lambda m: shape(m[0]), body)
    if reply.header("Content-Type").startswith("text/html"):
        body = "<a page>"
    if case.method == "HEAD":
        body = ""  # gunicorn sends a body, which clients ignore (RFC 9110 9.3.2)
    if case.path.startswith("/api/user") and reply.status == 200 and case.method == "GET":
        body = re.sub(r'(\{"username":"\w+").*\}', r"\1}", body)  # jwtd's view has more fields
    lines = [str(reply.status)] + [f"{h}: {reply.header(h)}" for h in HEADERS if reply.header(h)]
    return "\n".join(lines) + "\n" + body


def send(tokens, case):
    """Sends a case to the server of these tokens."""

    def fill(text):
        return re.sub(r"\$(\w+)", lambda m: tokens.get(m[1]), text)

    body = case.body
    try:
        if body is not None and b"$" in body:
            body = fill(body.decode()).encode()
        headers = [fill(h) for h in case.headers]
    except AssertionError as error:
        return f"no token for it: {error}"
    return record(tokens.server.request(case.method, case.path, body, headers), case)


def both(build):
    daemons = Daemons(build, SETTINGS)
    key = private_key(daemons)
    return daemons, DjangoSite(dict(SIMPLE_JWT, SIGNING_KEY=key)), unb64(key["k"])


def replies(build, cases):
    """Each case with both replies, simplejwt's first."""
    daemons, site, key = both(build)
    try:
        with ThreadPoolExecutor(2) as pool:
            columns = pool.map(lambda tokens: [send(tokens, c) for c in cases],
                               (Tokens(site, key), Tokens(daemons, key)))
        return list(zip(cases, *columns))
    finally:
        site.stop()
        log = daemons.stop()
        assert not re.search("eyJhbGciOi|correct horse|Sanitizer|runtime error", log), log[-1500:]


def matches(difference, case):
    return re.fullmatch(difference.cases, case.name)


def fault_of(case, theirs, ours):
    """Why the two replies are not as expected, or None."""
    rows = [d for d in DIFFERENCES if matches(d, case)]
    if theirs == ours:
        return f"no longer differs: {rows[0].name}" if rows else None
    if not rows:
        return f"differs:\n{theirs}\n-- jwtd:\n{ours}"
    fits = [d for d in rows if re.search(d.theirs, theirs, re.S) and re.search(d.ours, ours, re.S)]
    return None if len(fits) == 1 else f"differs otherwise than {rows[0].name}:\n{theirs}\n-- jwtd:\n{ours}"


def explained():
    """The names in docs/simplejwt.md that differ in this release of simplejwt."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/simplejwt.md")
    with open(page, encoding="utf-8") as file:
        rows = re.findall(r"^\| `([\w-]+)` \| (differs|same) \| (differs|same) \|", file.read(), re.M)
    return {name for name, *columns in rows if columns[SINCE_5_4] == "differs"}
