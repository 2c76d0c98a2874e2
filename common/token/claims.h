/*
 * The claims set (RFC 7519 4), read from scan's spans and typed strictly: a time is a number, a
 * string a string, iss one string, aud a string or an array of strings. A claim of the wrong
 * type is TOK_CLAIM_TYPE, never "absent". Whether the values will do is policy's question.
 */
#pragma once

#include "common/json/json.h"

#define CLAIMS_MAX 128        /* members of a payload */
#define CLAIMS_SCOPE_MAX 4096 /* bytes of scope's text, quotes included */

/* What the claims are called; simplejwt's *_CLAIM settings. */
struct claims_names {
    const char *user;       /* "sub" */
    const char *token_type; /* "token_type" */
    const char *jti;        /* "jti" */
};

/* Points into itself: read in place, never copied. */
struct claims {
    size_t n; /* members that are there */
    const struct scan_value *iss, *sub, *aud, *user, *token_type, *jti, *sid,
        *scope; /* or NULL */
    bool has_exp, has_nbf, has_iat, has_gen;
    int64_t exp; /* rounded down */
    int64_t nbf; /* rounded up */
    int64_t iat; /* rounded down for a lifetime's sake: never makes one shorter */
    int64_t gen;
    bool one_time;
    bool bound; /* a cnf claim is there (RFC 7800) */
    /* All of them, in order. The last member of the struct, and never written past n: most
     * tokens have few. */
    struct scan_member members[CLAIMS_MAX];
};

/* Makes it one that has no claims; the members are not written. */
void claims_init(struct claims *c);

/* payload: decoded bytes, which must outlive *ret. TOK_JSON, TOK_CLAIM_TYPE (a scope over
 * CLAIMS_SCOPE_MAX too); *ret then has no claims at all. */
enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret, struct errmsg *errmsg) MUST_CHECK;

/* True when a claim of this name is there. Registered claims of a wrong type were refused when
 * they were read; of any other claim, null is the absence. */
bool claims_has(const struct claims *c, const char *name);

/* True when aud, a string or an array of strings, holds this C string. */
bool claims_has_audience(const struct claims *c, const char *audience);

/* How many audiences aud names: 0 when it is absent or an empty array. */
size_t claims_audiences(const struct claims *c);
