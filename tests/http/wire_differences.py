"""The differences between the replies of jwtd and simplejwt, by their names in docs/simplejwt.md."""

from collections import namedtuple
from importlib.metadata import version

from django_site import reads_crit

# cases: pattern for the names of cases; theirs, ours: patterns for the replies as formatted by record() of
# recorder.py. A case that matches must differ in this way.
Difference = namedtuple("Difference", "name cases theirs ours")

ANY_ENDPOINT = "(pair|refresh|verify|blacklist|sliding|sliding_refresh)"
ANY_WITH_TOKEN = "(verify|refresh|blacklist|sliding_refresh|view)"
INVALID = r'"Token is invalid"'
OLD_WORDS = r'"Token is invalid or expired"'

DIFFERENCES = [
    # Invalid requests.
    Difference("parse-error-words",
               ANY_ENDPOINT + "_(json_(unclosed|trailing_comma|single_quotes|after|nan|control|bom|bad_utf8)|"
               "multipart_no_boundary)",
               r"^400\n.*parse error - ", r"^400\n.*parse error - .*: char \d+\"\}$"),
    Difference("duplicate-members", ANY_ENDPOINT + "_json_repeated", "^200", "^400.*duplicate member"),
    Difference("charset", ANY_ENDPOINT + "_latin_1", "^200", "^415"),
    Difference("password-as-typed", "(pair|sliding)_spaces", r'"password":\["This field may not be blank', "username"),
    Difference("password-as-typed", "(pair|sliding)_password_in_blanks", "^200", "^401.*No active account"),
    Difference("first-surrogate", "(pair|sliding)_(low_)?surrogate", "username.*password", r'"username":\["Surrogate'),
    Difference("last-slash", r"\w+_no_slash", "^301", "^200"),
    Difference("json-only", r"\w+_accept_html", "^200.*<a page>", "^406"),
    Difference("json-only", r"nothing_there(_get)?", "^404.*<a page>", '^404.*"Not found."'),
    Difference("options", r"\w+_options", '"text/html"', r'"renders":\["application/json"\]'),
    Difference("options", "view_options_nobody", "^401", "^200"),
    Difference("method-before-credentials", "view_put_nobody", "^401", "^405"),
    Difference("scheme-without-case", "view_scheme_in_small_letters", "^401", "^200"),
    # Invalid tokens.
    Difference("invalid-or-expired", "(refresh|verify|blacklist|sliding_refresh)_(number|negative|fraction|"
               "pair_of_surrogates|control|not_ascii)", OLD_WORDS, INVALID),
    Difference("invalid-or-expired", ANY_WITH_TOKEN + "_of_(garbage|two_parts|four_parts|no_signature|wrong_signature|"
               "other_key|alg_none|alg_hs512|payload_no_json|payload_list|exp_text|nbf_future|iat_future|iss_wrong|"
               "no_iss|aud_wrong|no_aud|cut|longer)", OLD_WORDS, INVALID),
    Difference("invalid-or-expired", ANY_WITH_TOKEN + "_of_(expired_access|expired_refresh|expires_now)", OLD_WORDS,
               '"Token is expired"'),
    Difference("no-500", ANY_WITH_TOKEN + "_of_(exp_huge|exp_null)", "^500", "^401.*" + INVALID),
    Difference("no-500", "(refresh|blacklist|sliding_refresh)_of_(refresh_without|no)_jti", "^500",
               '^401.*"Token has no id"'),
    Difference("verify-401", "verify_of_(used|blacklisted)_refresh", "^400.*non_field_errors", "^401.*blacklisted"),
    Difference("reuse-ends-session", "blacklist_of_used_refresh", "^401.*blacklisted", r"^200.*\{\}"),
    Difference("user-is-asked", "verify_of_(no_user|user_number|user_unknown|user_inactive)", "^200", "^401"),
    Difference("session-is-asked", "view_of_user_(unknown|inactive|number)", "user_(not_found|inactive)", INVALID),
    Difference("header-is-read", "(verify|view)_of_typ_other", "^200", "^401.*" + INVALID),
    Difference("order-of-checks", "(refresh|blacklist|sliding_refresh)_of_(no_user|user_number|typ_other)",
               "wrong type", "^401"),
    Difference("order-of-checks", "sliding_refresh_of_(used|blacklisted)_refresh", "blacklisted", "wrong type"),
    Difference("sliding-at-views", "view_of_sliding(_refresh_over)?", "^401.*wrong type", "^200"),
    Difference("own-tokens-alone", "(verify|sliding_refresh|view)_of_sliding_no_refresh_exp",
               "^200|wrong type|no 'refresh_exp' claim", "^401.*" + INVALID),
]
DIFFERENCES += [
    Difference("invalid-or-expired", ANY_WITH_TOKEN + "_of_crit", OLD_WORDS, INVALID),
] if reads_crit() else [
    Difference("header-is-read", "(verify|view)_of_crit", "^200", "^401.*" + INVALID),
    Difference("order-of-checks", "(refresh|blacklist|sliding_refresh)_of_crit", "wrong type", "^401"),
]

SIMPLEJWT = version("djangorestframework-simplejwt")
SINCE_5_4 = tuple(map(int, SIMPLEJWT.split(".")[:2])) >= (5, 4)
# It has jwtd's words since 5.4, and these replies must be the same.
if SINCE_5_4:
    DIFFERENCES = [d for d in DIFFERENCES if d.name != "invalid-or-expired"]
