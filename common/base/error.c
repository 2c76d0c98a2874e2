#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *word, *text;
} table[TOK_ERR_COUNT] = {
    [TOK_OK] = {"ok", "the token holds"},
    [TOK_MALFORMED] = {"malformed", "not shaped like a token"},
    [TOK_TOO_LONG] = {"too_long", "the token is too long"},
    [TOK_BASE64] = {"bad_base64", "a part is no canonical base64url"},
    [TOK_JSON] = {"bad_json", "header or payload is no strict JSON object"},
    [TOK_HEADER] = {"bad_header", "a header member is missing or of the wrong type"},
    [TOK_TYP] = {"wrong_typ", "the header's typ names another kind of token"},
    [TOK_CRIT] = {"crit", "the header asks for an extension that is not understood"},
    [TOK_UNSUPPORTED] = {"unsupported", "the token is no plain signed token"},
    [TOK_ALG] = {"bad_alg", "the algorithm is not allowed or not the key's"},
    [TOK_UNKNOWN_KEY] = {"unknown_key", "no key here has made this token"},
    [TOK_SIGNATURE] = {"bad_signature", "the signature does not hold"},
    [TOK_CLAIM_TYPE] = {"bad_claim_type", "a claim is of the wrong type or out of range"},
    [TOK_MISSING] = {"missing_claim", "a required claim is missing"},
    [TOK_EXPIRED] = {"expired", "the token has expired"},
    [TOK_NOT_YET] = {"not_yet_valid", "the token is not valid yet"},
    [TOK_LIFETIME] = {"lifetime_too_long", "the token lives longer than is allowed"},
    [TOK_ISSUER] = {"wrong_issuer", "the token is another issuer's"},
    [TOK_AUDIENCE] = {"wrong_audience", "the token is meant for others"},
    [TOK_TYPE] = {"wrong_type", "the token is of another type"},
    [TOK_CLAIM] = {"wrong_claim", "a claim has not the value that is asked"},
    [TOK_BOUND] = {"bound", "the token is bound to a key"},
    [TOK_SCOPE] = {"wrong_scope", "the token's scope does not hold this service"},
    [TOK_ONE_TIME] = {"one_time", "single use is asked and not offered, or can't be kept"},
    [TOK_USER_NAME] = {"bad_user_name", "the token names no portable user name"},
    [TOK_USER] = {"wrong_user", "the token is another user's"},
    [TOK_ROOT] = {"root_refused", "the token is for root, which is not allowed"},
    [TOK_UNMAPPED] = {"unmapped_user", "the issuer's users are not mapped to local ones"},
    [TOK_REVOKED] = {"revoked", "the token's session was ended"},
    [TOK_SPENT] = {"spent", "the token was for one use and was used"},
    [TOK_KEYS] = {"keys", "the keys are out of reach or wrong"},
    [TOK_SETTINGS] = {"settings", "a setting is wrong"},
    [TOK_LIST] = {"revoked_list", "the list of ended sessions is missing or wrong"},
    [TOK_FILE] = {"file", "a file can't be used as asked"},
    [TOK_CRYPTO] = {"crypto", "the cryptographic library failed"},
    [TOK_NO_MEMORY] = {"no_memory", "out of memory"},
};

/* An error that is no row: a caller's mistake, told as a refusal of our own, never as "ok". */
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
