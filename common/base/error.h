/*
 * Errors are values. Every function of the token core that can fail returns one `enum tok_err`,
 * one value a cause; its outputs are written on TOK_OK alone. Nothing here logs, prints, reads
 * the clock or the environment. Where a person needs more than a word (a settings file, a key
 * file), the function also fills a `struct errmsg` with a sentence: what, where, the allowed
 * form.
 */
#pragma once

#include <stdbool.h>

enum tok_err {
    TOK_OK = 0,
    /* The token's form */
    TOK_MALFORMED,   /* not three parts of base64url letters: not shaped like a JWT */
    TOK_TOO_LONG,    /* over max_length; at mint: over MaxTokenLength */
    TOK_BASE64,      /* a part is no canonical base64url (RFC 7515 2, RFC 4648 3.5) */
    TOK_JSON,        /* header or payload is no strict JSON object (RFC 8259, RFC 7515 4) */
    TOK_HEADER,      /* a header member is missing or of the wrong type */
    TOK_TYP,         /* typ names another kind of token (RFC 8725 3.11) */
    TOK_CRIT,        /* crit: an extension that is not understood (RFC 7515 4.1.11) */
    TOK_UNSUPPORTED, /* b64, zip, enc: not a plain JWS (RFC 7797, RFC 7516) */
    TOK_ALG, /* alg is none, unknown, not allowed here or not its key's (RFC 8725 3.1) */
    TOK_UNKNOWN_KEY, /* no key of that kid, or none of that alg */
    TOK_SIGNATURE,   /* wrong length, or does not hold */
    /* Claims: judged only after the signature held */
    TOK_CLAIM_TYPE, /* a registered claim is of the wrong JSON type or out of range */
    TOK_MISSING,    /* a required claim is absent */
    TOK_EXPIRED,    /* exp <= now (with leeway) (RFC 7519 4.1.4) */
    TOK_NOT_YET,    /* nbf or iat is in the future (RFC 7519 4.1.5) */
    TOK_LIFETIME,   /* exp - iat is over max_lifetime */
    TOK_ISSUER,     /* iss is another's */
    TOK_AUDIENCE,   /* aud holds none of ours (RFC 7519 4.1.3) */
    TOK_TYPE,       /* token_type is another's (a refresh token, say) */
    TOK_CLAIM,      /* a claim= of the policy is absent or another value */
    TOK_BOUND,      /* cnf: bound to a key (RFC 7800), refused as a bearer token */
    TOK_SCOPE,      /* scope does not hold this service */
    TOK_ONE_TIME,   /* single use asked and not offered, or offered where it can't be kept */
    TOK_USER_NAME,  /* the user claim is no portable user name */
    TOK_USER,       /* the token is another user's */
    TOK_ROOT,       /* uid 0, and allow_root is off */
    TOK_UNMAPPED,   /* another issuer's user, and no UserMap makes it a local one */
    TOK_REVOKED,    /* its session was ended */
    TOK_SPENT,      /* a token for one use was used, or may have been */
    /* Not the token's fault: what follows is ours (tok_err_is_ours) */
    TOK_KEYS,     /* the key file is out of reach or wrong */
    TOK_SETTINGS, /* a settings file, option or word is wrong */
    TOK_LIST,     /* the list of ended sessions is missing, unreadable or of a wrong size */
    TOK_FILE,     /* a file can't be opened, read or written as asked */
    TOK_CRYPTO,   /* libcrypto failed at something that can't fail for the token's sake */
    TOK_NO_MEMORY,
    TOK_ERR_COUNT,
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* A local that is written before it is read, and too large to be zeroed first, as the compiler
 * does (-ftrivial-auto-var-init) with the others. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A sentence for a person. Never holds a token, a password or key bytes. */
struct errmsg {
    char text[512];
};

/* The word of an error, as `jwtctl verify` and the log print it: "expired". Never NULL. */
const char *tok_err_word(enum tok_err err);

/* What the error means, a clause without a full stop: "the token has expired". Never NULL. */
const char *tok_err_text(enum tok_err err);

/* True for the errors that say nothing about the token (keys, settings, list, file, crypto,
 * memory). */
bool tok_err_is_ours(enum tok_err err);

/* Writes the sentence and returns err, so that `return errmsg_set(errmsg, TOK_KEYS, "...")` is
 * one line. errmsg may be NULL. Text over the buffer is cut at a byte; control bytes become
 * '?'.
 */
enum tok_err errmsg_set(struct errmsg *errmsg, enum tok_err err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
