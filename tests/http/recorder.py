"""The same bytes to the real simplejwt and to jwtd, their replies side by side."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

from daemons import Daemons, payload
from django_site import DjangoSite, private_key
from wire_differences import DIFFERENCES
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
MaxSessionsPerUser=4096
[Http]
FailureTime=100ms
FailuresPerSource=0
"""

# The same for simplejwt.
SIMPLE_JWT = {
    "ISSUER": "https://login.example",
    "AUDIENCE": "site.example",
    "USER_ID_FIELD": "username",
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}


def shape(token):
    """What of a token must be the same; its claims' names and order are a test of their own."""
    claims = payload(token)
    # simplejwt reads the clock twice: its exp is now and then a second late.
    spans = [f"{k}={round(claims[k] - claims['iat'], -1)}" for k in ("exp", "refresh_exp") if k in claims]
    return f"<{header_of(token)['alg']} {claims['token_type']} {' '.join(spans)} {claims.get('user_id')}>"


def record(reply, case):
    """A reply as it is compared: status, headers that matter, body with tokens put as their shapes."""
    body = reply.body.decode("utf-8", "replace")
    body = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", lambda m: shape(m[0]), body)
    if reply.header("Content-Type").startswith("text/html"):
        body = "<a page>"
    if case.method == "HEAD":
        body = ""  # gunicorn sends one, which no client reads (RFC 9110 9.3.2)
    if case.path.startswith("/api/user") and reply.status == 200 and case.method == "GET":
        body = re.sub(r'(\{"username":"\w+").*\}', r"\1}", body)  # the view is the site's own; ours tells more
    lines = [str(reply.status)] + [f"{h}: {reply.header(h)}" for h in HEADERS if reply.header(h)]
    return "\n".join(lines) + "\n" + body


def send(tokens, case):
    """Sends a case to the server whose tokens these are."""

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
    """What is wrong with how the two answered, or None."""
    rows = [d for d in DIFFERENCES if matches(d, case)]
    if theirs == ours:
        return f"no longer differs: {rows[0].name}" if rows else None
    if not rows:
        return f"differs:\n{theirs}\n-- jwtd:\n{ours}"
    fits = [d for d in rows if re.search(d.theirs, theirs, re.S) and re.search(d.ours, ours, re.S)]
    return None if len(fits) == 1 else f"differs otherwise than {rows[0].name}:\n{theirs}\n-- jwtd:\n{ours}"


def explained():
    """The names that docs/simplejwt.md explains."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/simplejwt.md")
    with open(page, encoding="utf-8") as file:
        return re.findall(r"^\| `([\w-]+)` \|", file.read(), re.M)
