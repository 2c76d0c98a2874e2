"""docs/openapi.yaml: the paths of jwtd's table of routes, what OPTIONS says of each, and the replies below.

    BUILD=BUILD tests/http/with-users /usr/bin/python3 tests/http/openapi.py     # writes docs/openapi.yaml
"""

import atexit
import os
import re
import shutil
import sys
import tempfile

import yaml
from daemons import QUICK, Daemons

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import foreign  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
FILE = os.path.join(TOP, "docs", "openapi.yaml")
IDP = foreign.Issuer("https://idp.example", "ES256")
KEYS = tempfile.mkdtemp(prefix="jwt-openapi.")
os.chmod(KEYS, 0o755)
IDP.write_keys(KEYS + "/jwks.json")
atexit.register(shutil.rmtree, KEYS)
SETTINGS = (QUICK + f"[Token]\nSlidingTokens=yes\n[Issuer {IDP.url}]\nKeys={KEYS}/jwks.json\nAudience=jwt-login\nType=\n"
            "UserMap=same\nExchange=yes\n")

ABOUT = """Tokens for Unix accounts, with the API of djangorestframework-simplejwt.
Bodies are JSON, urlencoded or multipart; replies are JSON. Field names, statuses and error texts are those of simplejwt:
see docs/simplejwt.md for the differences, and jwtd(8) for limits."""

TEXT, SECONDS = {"type": "string"}, {"type": "integer", "description": "Seconds since the Epoch."}


def entity(required, **properties):
    schema = {"type": "object", "properties": properties}
    return dict(schema, required=required.split()) if required else schema


SCHEMAS = {
    "Tokens": entity("", access=TEXT, refresh=TEXT, token=TEXT),
    "Exchanged": entity("access_token issued_token_type token_type expires_in", access_token=TEXT,
                        issued_token_type=TEXT, token_type=TEXT, expires_in={"type": "integer"}, access=TEXT, refresh=TEXT),
    "Empty": {"type": "object", "maxProperties": 0},
    "User": entity("username sid exp iss aud", username=TEXT, sid=TEXT, exp=SECONDS, iss=TEXT, scope=TEXT,
                   aud={"oneOf": [TEXT, {"type": "array", "items": TEXT}]}),
    "Sessions": {"type": "array", "items": entity(
        "sid created last_used expires source client current", sid=TEXT, created=SECONDS, last_used=SECONDS,
        expires=SECONDS, source=TEXT, client=TEXT, current={"type": "boolean"}, method=TEXT,
        amr={"type": "array", "items": TEXT})},
    "Ended": entity("ended", ended={"type": "integer"}),
    "Keys": entity("keys", keys={"type": "array", "items": entity("kty kid", kty=TEXT, kid=TEXT, alg=TEXT, use=TEXT)}),
    "Health": entity("status", status=TEXT),
    "Error": entity("detail", detail=TEXT, code=TEXT, messages={"type": "array", "items": {"type": "object"}}),
    "FieldErrors": {"type": "object", "description": "The errors of each field, or of the request (non_field_errors); "
                    "or detail for a body that is not JSON.",
                    "additionalProperties": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}},
}

# The body of a success, by path.
REPLIES = {
    "/api/token/": "Tokens", "/api/token/refresh/": "Tokens", "/api/token/verify/": "Empty",
    "/api/token/blacklist/": "Empty", "/api/token/sliding/": "Tokens", "/api/token/sliding/refresh/": "Tokens",
    "/api/token/exchange/": "Exchanged", "/api/token/narrow/": "Tokens", "/api/user/": "User", "/api/auth/": None, "/api/sessions/": "Sessions",
    "/api/sessions/{sid}/": None, "/api/logout/": "Empty", "/api/logout/all/": "Ended",
    "/.well-known/jwks.json": "Keys", "/.well-known/jwt-bundle": "application/jwt",
    "/.well-known/jwt-revoked": "text/plain", "/healthz": "Health", "/metrics": "text/plain",
}

# The fields that OPTIONS does not name, because simplejwt has no such field.
OWN_FIELDS = {"/api/token/": {"otp": TEXT}, "/api/token/sliding/": {"otp": TEXT}}

# The types of the fields that Django REST framework calls "field".
ANY_FIELD = dict.fromkeys(("aud", "audience"), {"oneOf": [TEXT, {"type": "array", "items": TEXT}]})


def paths():
    """Of the rows of routes.c, in their order."""
    with open(os.path.join(TOP, "jwtd", "http", "routes.c"), encoding="ascii") as file:
        return re.findall(r'\{"(/[^"]*)",\s+METHOD_', file.read())


def content(schema, media="application/json"):
    return {media: {"schema": schema}}


def reference(name):
    return {"$ref": "#/components/schemas/" + name}


def success(path):
    body = REPLIES[path]
    if body is None:
        return {"204": {"description": "Done; no body."}}
    if "/" in body:
        return {"200": {"description": "Success.", "content": content(TEXT, body)}}
    return {"200": {"description": "Success.", "content": content(reference(body))}}


def refusal(description, schema="Error"):
    return {"description": description, "content": content(reference(schema))}


def field_schema(name, described):
    schema = {"string": TEXT, "integer": {"type": "integer"}, "boolean": {"type": "boolean"}}
    return schema.get(described["type"]) or ANY_FIELD[name]


def body(path, fields):
    properties = {name: field_schema(name, f) for name, f in fields.items()}
    schema = {"type": "object", "properties": properties | OWN_FIELDS.get(path, {})}
    required = [name for name, f in fields.items() if f["required"]]
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": content(schema)}


def is_protected(d, method, path):
    """Whether the request needs an access token."""
    reply = d.request(method, path.replace("{sid}", "A" * 22), {} if method == "POST" else None)
    return reply.status == 401 and reply.json().get("code") != "token_not_valid"


def operation(d, path, method, about):
    described = {"summary": about["name"], "operationId": about["name"].replace(" ", "_").lower(),
                 "description": about["description"], "responses": success(path)}
    fields = about.get("actions", {}).get("POST", {})
    if fields:
        described["requestBody"] = body(path, fields)
        described["responses"]["400"] = refusal("A field is missing or wrong.", "FieldErrors")
        described["responses"]["401"] = refusal("The credentials or the token are not valid.")
    if "subject_token" in fields:
        described["responses"]["400"]["description"] = "A field is wrong, or the token is refused (RFC 6749 5.2)."
        del described["responses"]["401"]
        described["responses"]["404"] = refusal("Tokens of no issuer can be exchanged.")
    if "username" in fields or "subject_token" in fields:
        described["responses"]["429"] = refusal("Too many failed logins; Retry-After has the seconds.")
    if is_protected(d, method, path):
        described["security"] = [{"access": []}]
        described["responses"]["401"] = refusal("No valid access token in Authorization.")
        described["responses"]["403"] = refusal("A narrowed or one-time token, which is not accepted here.")
    if path == "/api/sessions/{sid}/":
        described["responses"]["404"] = refusal("The user has no such session.")
    if path not in ("/.well-known/jwks.json", "/.well-known/jwt-revoked", "/metrics"):
        described["responses"]["503"] = refusal("Unavailable or overloaded; repeat after Retry-After seconds.")
    return described


def path_item(d, path):
    reply = d.request("OPTIONS", path.replace("{sid}", "A" * 22))
    assert reply.status == 200, (path, reply.raw)
    method = next(m for m in reply.header("allow").split(", ") if m in ("GET", "POST", "DELETE"))
    item = {method.lower(): operation(d, path, method, reply.json())}
    if "{sid}" in path:
        item["parameters"] = [{"name": "sid", "in": "path", "required": True, "schema": TEXT}]
    return item


def document(d):
    return {
        "openapi": "3.0.3",
        "info": {"title": "jwtd", "version": "0.2", "description": ABOUT},
        "paths": {path: path_item(d, path) for path in paths()},
        "components": {"schemas": SCHEMAS,
                       "securitySchemes": {"access": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    }


class Plain(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def text(d):
    head = "# Made by tests/http/openapi.py from the routes of jwtd; tests/http/test_openapi.py compares them.\n"
    return head + yaml.dump(document(d), Dumper=Plain, sort_keys=False, width=120)


def main():
    d = Daemons(os.environ["BUILD"], SETTINGS)
    written = text(d)
    d.stop()
    with open(FILE, "w", encoding="ascii") as file:
        file.write(written)


if __name__ == "__main__":
    main()
