/*
 * A token taken apart: the three parts of the compact form (RFC 7515 7.1) and the decoded
 * payload. It is done once for each token, and verifies nothing.
 *
 * Before the signature is verified the payload is not read, with one exception: the issuer
 * selects the settings with which the token is verified (unverified_issuer). Those settings
 * require the same iss again after the signature.
 */
#pragma once

#include "common/base/secret.h"
#include "common/base/value.h"
#include "common/jose/jws.h"

/* An error found here is not returned at once but kept, and verify_token reports it at the step
 * where it belongs. */
struct parsed_token {
    size_t length;            /* bytes */
    enum tok_err split_err;   /* TOK_MALFORMED, TOK_PASTED, TOK_TRUNCATED: no parts */
    struct jws jws;           /* slices of the token */
    enum tok_err payload_err; /* TOK_BASE64, TOK_TOO_LONG (POLICY_LENGTH_MAX): no payload */
    struct secret payload;
};

/* True for the lengths to which sudo(8), ssh(1) and others cut or limit an answer. */
static inline bool token_length_is_limit(size_t n)
{
    return n == 511 || n == 1023;
}

/* The token must outlive *ret, which is to be cleared. TOK_NO_MEMORY. */
enum tok_err token_parse(struct slice token, struct parsed_token *ret) MUST_CHECK;
void parsed_token_clear(struct parsed_token *token);

/* The iss of a token before its signature is verified, NUL-terminated. TOK_MALFORMED when
 * there is no such text of at most VALUE_NAME_MAX bytes without NUL: no settings name it. */
enum tok_err unverified_issuer(const struct parsed_token *token,
                               char ret[VALUE_NAME_MAX + 1]) MUST_CHECK;
