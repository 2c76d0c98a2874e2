"""The requests that are sent to both simplejwt and jwtd; recorder.py compares the replies. $name in a body or a
header is a token of wire_tokens.py."""

import json
from collections import namedtuple

from daemons import NO_TYPE

Case = namedtuple("Case", "name method path body headers")

JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=cut"

# Endpoint: path, fields, a valid body.
ENDPOINTS = {
    "pair": ("/api/token/", ("username", "password"),
             '{"username":"alice","password":"correct horse battery staple"}'),
    "refresh": ("/api/token/refresh/", ("refresh",), '{"refresh":"$refresh"}'),
    "verify": ("/api/token/verify/", ("token",), '{"token":"$access"}'),
    "blacklist": ("/api/token/blacklist/", ("refresh",), '{"refresh":"$refresh"}'),
    "sliding": ("/api/token/sliding/", ("username", "password"),
                '{"username":"alice","password":"correct horse battery staple"}'),
    "sliding_refresh": ("/api/token/sliding/refresh/", ("token",), '{"token":"$sliding"}'),
}

# A value for each field of an endpoint, as JSON text.
VALUES = {
    "null": "null",
    "blank": '""',
    "spaces": '"   "',
    "number": "5",
    "negative": "-7",
    "fraction": "1.5",
    "true": "true",
    "list": "[]",
    "list_of_text": '["x"]',
    "object": "{}",
    "nul": '"a\\u0000b"',
    "surrogate": '"\\ud800"',
    "low_surrogate": '"x\\udfffy"',
    "pair_of_surrogates": '"\\ud83d\\ude00"',
    "control": '"a\\u0001b"',
    "not_ascii": '"\u00e4\u00f6\u00fc"',
}

# Bodies.
BODIES = {
    "empty_object": "{}",
    "other_fields": '{"name":"x","id":5}',
    "body_list": "[]",
    "body_text": '"x"',
    "body_number": "5",
    "body_fraction": "5.5",
    "body_true": "true",
    "body_null": "null",
    "body_empty": "",
    "json_unclosed": "{",
    "json_trailing_comma": '{"a":1,}',
    "json_single_quotes": "{'a':1}",
    "json_after": '{"a":1} x',
    "json_nan": '{"a":NaN}',
    "json_control": '{"a":"\n"}',
    "json_bom": "\ufeff{}",
    "json_bad_utf8": b'{"a":"\xff"}',
    "json_repeated": None,  # made from the valid body
}

METHODS = ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def case(name, path, body, *headers, method="POST"):
    return Case(name, method, path, body.encode() if isinstance(body, str) else body, headers)


def multipart(fields, between="\r\n", end="--cut--\r\n"):
    parts = "".join(f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}{between}'
                    for name, value in fields)
    return parts + end


def fields_of(good):
    """The valid body of an endpoint as names and values, tokens not substituted."""
    return list(json.loads(good).items())


def of_endpoint(name, path, fields, good):
    """Requests to every endpoint."""
    for word, value in VALUES.items():
        yield case(f"{name}_{word}", path, "{%s}" % ",".join(f'"{f}":{value}' for f in fields), JSON)
    for word, body in BODIES.items():
        if word == "json_repeated":
            body = good[:-1] + "," + good[1:]
        yield case(f"{name}_{word}", path, body, JSON)
    for method in METHODS:
        yield case(f"{name}_{method.lower()}", path, None, method=method)
    form = "&".join(f"{k}={v.replace(' ', '+')}" for k, v in fields_of(good))
    yield case(f"{name}_json", path, good, JSON)
    yield case(f"{name}_json_charset", path, good, JSON + "; charset=utf-8")
    yield case(f"{name}_json_with_more_fields", path, good[:-1] + ',"more":[1,{"x":null}]}', JSON)
    yield case(f"{name}_json_trimmed", path, good.replace('"$', '" $'), JSON)
    yield case(f"{name}_form", path, form, FORM)
    yield case(f"{name}_form_empty", path, "", FORM)
    yield case(f"{name}_form_blank", path, "&".join(f"{f}=" for f in fields), FORM)
    yield case(f"{name}_form_nul", path, "&".join(f"{f}=a%00b" for f in fields), FORM)
    yield case(f"{name}_multipart", path, multipart(fields_of(good)), MULTIPART)
    yield case(f"{name}_multipart_empty", path, multipart([]), MULTIPART)
    yield case(f"{name}_multipart_blank", path, multipart([(f, "") for f in fields]), MULTIPART)
    yield case(f"{name}_multipart_no_boundary", path, multipart(fields_of(good)),
               "Content-Type: multipart/form-data")
    yield case(f"{name}_text_plain", path, good, "Content-Type: text/plain")
    yield case(f"{name}_no_type", path, good, NO_TYPE)
    yield case(f"{name}_empty_type", path, good, "Content-Type:")
    yield case(f"{name}_latin_1", path, good, JSON + "; charset=latin-1")
    yield case(f"{name}_accept_any", path, good, JSON, "Accept: */*")
    yield case(f"{name}_accept_json_second", path, good, JSON, "Accept: application/xml, application/json;q=0.5")
    yield case(f"{name}_accept_xml", path, good, JSON, "Accept: application/xml")
    yield case(f"{name}_accept_html", path, good, JSON, "Accept: text/html")
    yield case(f"{name}_stale_authorization", path, good, JSON, "Authorization: Bearer stale.stale.stale")
    yield case(f"{name}_odd_authorization", path, good, JSON, "Authorization: Bearer a b c")
    yield case(f"{name}_query", path + "?next=/x&token=y", good, JSON)
    yield case(f"{name}_no_slash", path[:-1], good, JSON)


def login(name, user, password, path="/api/token/"):
    return case(name, path, json.dumps({"username": user, "password": password}), JSON)


def logins(kind, path):
    right = "correct horse battery staple"
    yield login(f"{kind}_wrong_password", "alice", "wrong", path)
    yield login(f"{kind}_unknown_user", "nobodyknows", "wrong", path)
    yield login(f"{kind}_inactive_user", "bob", "bobpw", path)
    yield login(f"{kind}_name_in_blanks", " alice\t", right, path)
    yield login(f"{kind}_password_in_blanks", "alice", f" {right} ", path)
    yield login(f"{kind}_name_in_capitals", "ALICE", right, path)
    yield login(f"{kind}_long_name", "a" * 300, right, path)
    yield login(f"{kind}_odd_name", "alice; id", right, path)
    yield case(f"{kind}_one_field_missing", path, '{"username":"alice"}', JSON)
    yield case(f"{kind}_one_blank_one_null", path, '{"username":"","password":null}', JSON)


# Each token at each endpoint that accepts one.
TOKENS = (
    "access", "refresh", "sliding", "used_refresh", "blacklisted_refresh", "garbage", "two_parts", "four_parts",
    "no_signature", "wrong_signature", "other_key", "alg_none", "alg_hs512", "no_kid", "payload_no_json",
    "payload_list", "expired_access", "expired_refresh", "expires_now", "no_exp", "exp_text", "exp_huge",
    "exp_fraction", "exp_null", "no_jti", "no_type", "type_unknown", "nbf_future", "iat_future", "iss_wrong", "no_iss",
    "aud_wrong", "no_aud", "no_user", "user_unknown", "user_inactive", "user_number", "cut", "longer", "typ_other",
    "crit", "refresh_without_jti", "refresh_without_exp", "sliding_refresh_over", "sliding_no_refresh_exp",
)


def with_tokens():
    for token in TOKENS:
        yield case(f"verify_of_{token}", "/api/token/verify/", '{"token":"$%s"}' % token, JSON)
        yield case(f"refresh_of_{token}", "/api/token/refresh/", '{"refresh":"$%s"}' % token, JSON)
        yield case(f"blacklist_of_{token}", "/api/token/blacklist/", '{"refresh":"$%s"}' % token, JSON)
        yield case(f"sliding_refresh_of_{token}", "/api/token/sliding/refresh/", '{"token":"$%s"}' % token, JSON)
        yield case(f"view_of_{token}", "/api/user/", None, f"Authorization: Bearer ${token}", method="GET")


def view(name, *headers, method="GET", path="/api/user/", body=None):
    return case(f"view_{name}", path, body, *headers, method=method)


VIEW = (
    view("nothing"),
    view("empty", "Authorization: "),
    view("basic", "Authorization: Basic YTpi"),
    view("scheme_alone", "Authorization: Bearer"),
    view("three_words", "Authorization: Bearer a b"),
    view("no_scheme", "Authorization: $access"),
    view("scheme_in_small_letters", "Authorization: bearer $access"),
    view("two_blanks", "Authorization: Bearer  $access"),
    view("post", JSON, "Authorization: Bearer $access", method="POST", body="{}"),
    view("delete", "Authorization: Bearer $access", method="DELETE"),
    view("put_nobody", method="PUT"),
    view("head", "Authorization: Bearer $access", method="HEAD"),
    view("head_nobody", method="HEAD"),
    view("options", "Authorization: Bearer $access", method="OPTIONS"),
    view("options_nobody", method="OPTIONS"),
    view("accept_xml", "Authorization: Bearer $access", "Accept: application/xml"),
    view("accept_html", "Authorization: Bearer $access", "Accept: text/html"),
    view("no_slash", "Authorization: Bearer $access", path="/api/user"),
    view("text_body", "Content-Type: text/plain", "Authorization: Bearer $access", body="x"),
)


def all_cases():
    cases = [c for name, rest in ENDPOINTS.items() for c in of_endpoint(name, *rest)]
    cases += [*logins("pair", "/api/token/"), *logins("sliding", "/api/token/sliding/")]
    cases += [*with_tokens(), *VIEW]
    cases += [case("nothing_there", "/api/nothing/", "{}", JSON),
              case("nothing_there_get", "/api/token/nothing/", None, method="GET")]
    assert len({c.name for c in cases}) == len(cases)
    return cases
