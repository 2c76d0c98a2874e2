#include "common/token/parsed_token.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/token/policy.h"

#include <string.h>

static enum tok_err decode_payload(struct slice letters, struct secret *ret)
{
    enum tok_err err = secret_alloc(BASE64URL_BYTES(letters.n), ret);

    if (!err)
        err = base64url_decode(letters, ret->p, ret->n, &ret->n);
    if (err)
        secret_clear(ret);
    return err;
}

/* Why a text has not the three parts of a token. */
static enum tok_err find_fault(struct slice text)
{
    if (!jws_is_shaped(text))
        return TOK_MALFORMED;
    if (token_length_is_limit(text.n))
        return TOK_TRUNCATED;
    return *text.p == 'e' ? TOK_MALFORMED : TOK_PASTED; /* 'e' is how a token begins */
}

enum tok_err token_parse(struct slice token, struct parsed_token *ret)
{
    struct parsed_token parsed = {.length = token.n};
    enum tok_err err;

    parsed.split_err = jws_split(token, &parsed.jws);
    if (parsed.split_err)
        parsed.split_err = find_fault(token);
    if (token.n > POLICY_LENGTH_MAX)
        parsed.payload_err = TOK_TOO_LONG;
    if (!parsed.split_err && !parsed.payload_err) {
        err = decode_payload(parsed.jws.payload, &parsed.payload);
        if (err == TOK_NO_MEMORY)
            return err;
        parsed.payload_err = err;
    }
    *ret = parsed;
    return TOK_OK;
}

void parsed_token_clear(struct parsed_token *token)
{
    secret_clear(&token->payload);
    *token = (struct parsed_token){0};
}

enum tok_err unverified_issuer(const struct parsed_token *token, char ret[VALUE_NAME_MAX + 1])
{
    UNINITIALIZED struct scan_member members[CLAIMS_MAX];
    char issuer[VALUE_NAME_MAX];
    const struct scan_value *iss;
    size_t n;

    if (token->split_err || token->payload_err ||
        scan_object(secret_slice(&token->payload), members, CLAIMS_MAX, &n, NULL))
        return TOK_MALFORMED;
    iss = scan_find(members, n, SLICE("iss"));
    if (!iss || scan_string(*iss, issuer, sizeof(issuer), &n) || memchr(issuer, '\0', n))
        return TOK_MALFORMED;
    memcpy(ret, issuer, n);
    ret[n] = '\0';
    return TOK_OK;
}
