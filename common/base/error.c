#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *word, *text;
} table[TOK_ERR_COUNT] = {
    [TOK_OK] = {"ok", "the token is valid"},
    [TOK_MALFORMED] = {"malformed", "not three base64url parts separated by dots"},
    [TOK_PASTED] = {"pasted", "expected the token alone, which begins with eyJ: no quotes, no "
                              "\"Bearer\" and no other text"},
    [TOK_TRUNCATED] = {"truncated", "the token was cut to 511 or 1023 characters, which is as "
                                    "many as the program accepts"},
    [TOK_TOO_LONG] = {"too_long", "the token is longer than max_length"},
    [TOK_BASE64] = {"bad_base64", "a part is not canonical base64url"},
    [TOK_JSON] = {"bad_json", "header or payload is not a strict JSON object"},
    [TOK_HEADER] = {"bad_header", "a header parameter is missing or has the wrong type"},
    [TOK_TYP] = {"wrong_typ", "header parameter typ: not one of the accepted values (typ=)"},
    [TOK_CRIT] = {"crit", "header parameter crit: extensions are not supported"},
    [TOK_UNSUPPORTED] =
        {"unsupported",
         "header parameter b64, zip or enc: only plain signed tokens are supported"},
    [TOK_ALG] = {"bad_alg", "header parameter alg: not allowed, or not the key's algorithm"},
    [TOK_UNKNOWN_KEY] = {"unknown_key", "no matching verification key (kid, iss)"},
    [TOK_SIGNATURE] = {"bad_signature", "the signature is invalid"},
    [TOK_CLAIM_TYPE] = {"bad_claim_type", "a claim has the wrong type or is out of range"},
    [TOK_MISSING] = {"missing_claim", "a required claim is missing"},
    [TOK_EXPIRED] = {"expired", "the token has expired"},
    [TOK_NOT_YET] = {"not_yet_valid", "the token is not valid yet"},
    [TOK_LIFETIME] = {"lifetime_too_long",
                      "the lifetime of the token is longer than max_lifetime"},
    [TOK_ISSUER] = {"wrong_issuer", "the token is from another issuer"},
    [TOK_AUDIENCE] = {"wrong_audience", "the token is for another audience"},
    [TOK_HOST_KEY] = {"wrong_host_key", "the token is bound to another host's SSH key"},
    [TOK_TYPE] = {"wrong_type", "the token has another token_type"},
    [TOK_CLAIM] = {"wrong_claim", "a claim does not have the required value"},
    [TOK_BOUND] = {"bound",
                   "claim \"cnf\": the token is bound to a key and is not a bearer token"},
    [TOK_SCOPE] = {"wrong_scope", "the token's scope does not include this service"},
    [TOK_ONE_TIME] = {"one_time", "a one-time token is required, or is not accepted here"},
    [TOK_USER_NAME] = {"bad_user_name",
                       "the user claim is not a name that a local user can have"},
    [TOK_USER] = {"wrong_user", "the token is for another user"},
    [TOK_ROOT] = {"root_refused", "the token is for root, and allow_root is not set"},
    [TOK_UNMAPPED] = {"unmapped_user",
                      "no local user is mapped to the user of the token (user_map=)"},
    [TOK_REVOKED] = {"revoked", "the token's session was revoked"},
    [TOK_SPENT] = {"spent", "the one-time token has already been used"},
    [TOK_DISABLED] = {"disabled", "token logins are disabled on this host"},
    [TOK_KEYS] = {"keys", "the verification keys cannot be loaded"},
    [TOK_SETTINGS] = {"settings", "invalid setting"},
    [TOK_LIST] = {"revoked_list", "the list of revoked sessions cannot be read"},
    [TOK_STALE] = {"stale", "the issuer's last bundle is older than revoked_max_age"},
    [TOK_FILE] = {"file", "a file cannot be opened, read or written"},
    [TOK_CRYPTO] = {"crypto", "OpenSSL failed or does not offer the algorithm; for FIPS mode "
                              "see Algorithm in jwt.conf(5)"},
    [TOK_NO_MEMORY] = {"no_memory", "out of memory"},
};

/* An invalid value is a bug of the caller: an error that is ours, never "ok". */
static size_t row_of(enum tok_err err)
{
    return (unsigned)err < TOK_ERR_COUNT ? (size_t)err : (size_t)TOK_CRYPTO;
}

const char *tok_err_word(enum tok_err err)
{
    return table[row_of(err)].word;
}

const char *tok_err_text(enum tok_err err)
{
    return table[row_of(err)].text;
}

bool tok_err_is_ours(enum tok_err err)
{
    return row_of(err) >= TOK_KEYS;
}

enum tok_err errmsg_set(struct errmsg *errmsg, enum tok_err err, const char *fmt, ...)
{
    struct errmsg made; /* the arguments may point into *errmsg */
    va_list args;

    if (!errmsg)
        return err;
    va_start(args, fmt);
    if (vsnprintf(made.text, sizeof(made.text), fmt, args) < 0)
        made.text[0] = '\0';
    va_end(args);
    for (char *p = made.text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    *errmsg = made;
    return err;
}
