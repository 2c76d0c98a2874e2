/*
 * Errors are values. Every function of the token core that can fail returns an `enum tok_err`,
 * one value for each cause; its outputs are written on TOK_OK only. Nothing here logs, prints,
 * or reads the clock or the environment. Where a person needs more than the value (a settings
 * file, a key file, a claim), the function also fills a `struct errmsg` with a sentence: what
 * was expected, what was found, and where.
 */
#pragma once

#include <stdbool.h>

enum tok_err {
    TOK_OK = 0,
    /* The form of the token */
    TOK_MALFORMED,   /* not three parts of base64url letters */
    TOK_PASTED,      /* likewise, but there is a token in the text */
    TOK_TRUNCATED,   /* cut to the length that a program accepts */
    TOK_TOO_LONG,    /* over max_length; when issued: over MaxTokenLength */
    TOK_BASE64,      /* a part is not canonical base64url (RFC 7515 2, RFC 4648 3.5) */
    TOK_JSON,        /* header or payload is not a strict JSON object (RFC 8259, RFC 7515 4) */
    TOK_HEADER,      /* a header parameter is missing or of the wrong type */
    TOK_TYP,         /* typ is not accepted (RFC 8725 3.11) */
    TOK_CRIT,        /* crit: an extension that is not supported (RFC 7515 4.1.11) */
    TOK_UNSUPPORTED, /* b64, zip, enc: not a plain JWS (RFC 7797, RFC 7516) */
    TOK_ALG,         /* alg: "none", unknown, not allowed or not the key's (RFC 8725 3.1) */
    TOK_UNKNOWN_KEY, /* no key of this kid, or none of this alg */
    TOK_SIGNATURE,   /* wrong length, or invalid */
    /* Claims, checked after the signature */
    TOK_CLAIM_TYPE, /* a registered claim has the wrong JSON type or is out of range */
    TOK_MISSING,    /* a required claim is absent */
    TOK_EXPIRED,    /* exp <= now (with leeway) (RFC 7519 4.1.4) */
    TOK_NOT_YET,    /* nbf or iat is in the future (RFC 7519 4.1.5) */
    TOK_LIFETIME,   /* exp - iat is over max_lifetime */
    TOK_ISSUER,     /* iss is another issuer */
    TOK_AUDIENCE,   /* aud contains no expected audience (RFC 7519 4.1.3) */
    TOK_HOST_KEY,   /* aud is bound to an SSH key that this host does not have (host_key.h) */
    TOK_TYPE,       /* another token_type, such as refresh */
    TOK_CLAIM,      /* a claim= of the policy is absent or has another value */
    TOK_BOUND,      /* cnf: bound to a key (RFC 7800), refused as a bearer token */
    TOK_SCOPE,      /* scope does not include this service */
    TOK_ONE_TIME,   /* single use is required and not offered, or cannot be enforced here */
    TOK_USER_NAME,  /* username_valid refuses the user */
    TOK_USER,       /* another user */
    TOK_ROOT,       /* uid 0, and allow_root is not set */
    TOK_UNMAPPED,   /* another issuer's user, whom no user map maps to a local one */
    TOK_REVOKED,    /* the session was revoked */
    TOK_SPENT,      /* a one-time token that was used, or may have been */
    TOK_DISABLED,   /* the administrator disabled token logins on this host */
    /* Errors of this host, not of the token (tok_err_is_ours) */
    TOK_KEYS,     /* the key file cannot be read or is invalid */
    TOK_SETTINGS, /* a settings file, option or word is invalid */
    TOK_LIST,     /* the list of revoked sessions is missing, unreadable or invalid */
    TOK_STALE,    /* the issuer's last bundle is older than revoked_max_age, or missing */
    TOK_FILE,     /* a file cannot be opened, read or written as required */
    TOK_CRYPTO,   /* libcrypto failed for a reason that is not in the token */
    TOK_NO_MEMORY,
    TOK_ERR_COUNT,
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* For a local that is written before it is read and is too large to be zeroed first, as the
 * compiler does with the others (-ftrivial-auto-var-init). */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A message for a person. Never contains a token, a password or key bytes. */
struct errmsg {
    char text[512];
};

/* The error's name, as `jwtctl verify` and the log print it: "expired". Never NULL. */
const char *tok_err_word(enum tok_err err);

/* What the error means, a clause without a full stop: "the token has expired". Never NULL. */
const char *tok_err_text(enum tok_err err);

/* True for the errors that say nothing about the token (keys, settings, list, file, crypto,
 * memory). */
bool tok_err_is_ours(enum tok_err err);

/* Writes the message and returns err, so that `return errmsg_set(errmsg, TOK_KEYS, "...")` is
 * one line. errmsg may be NULL. A text that does not fit is truncated at a byte; control
 * characters become '?'. */
enum tok_err errmsg_set(struct errmsg *errmsg, enum tok_err err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
