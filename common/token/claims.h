/*
 * The claims of a token (RFC 7519 4), as slices of its payload, with strict types: times are
 * numbers, iss is one string, aud and scope are a string or an array of strings. A claim of the
 * wrong type is an error and never counts as absent; but a scope that is null does. The values
 * are checked by policy_check.
 */
#pragma once

#include "common/json/json.h"

#define CLAIMS_MAX 128        /* members of a payload */
#define CLAIMS_SCOPE_MAX 4096 /* bytes of the scope's JSON text */

/* Names that settings can change (simplejwt's *_CLAIM). */
struct claims_names {
    const char *user;       /* "sub" */
    const char *token_type; /* "token_type" */
    const char *jti;        /* "jti" */
    const char *audience;   /* "aud"; NULL likewise */
};

/* Not to be copied: the pointers lead to its own members. */
struct claims {
    /* NULL: absent. */
    const struct scan_value *iss, *sub, *aud, *user, *token_type, *jti, *sid, *scope;
    bool has_exp, has_nbf, has_iat, has_gen;
    int64_t exp; /* rounded down */
    int64_t nbf; /* rounded up */
    int64_t iat; /* rounded down, so that no lifetime appears shorter */
    int64_t gen;
    bool one_time;
    bool bound; /* there is a cnf claim (RFC 7800) */
    size_t n;   /* of members, all claims in order; those past n are never written */
    struct scan_member members[CLAIMS_MAX];
};

/* No claims. The members stay unwritten. */
void claims_init(struct claims *c);

/* payload: decoded bytes, which must outlive *ret. TOK_JSON, TOK_CLAIM_TYPE (also for a scope
 * over CLAIMS_SCOPE_MAX), with the claim's name in errmsg, which may be NULL; *ret then has no
 * claims. */
enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret, struct errmsg *errmsg) MUST_CHECK;

/* True when there is a claim of this name that is not null. */
bool claims_has(const struct claims *c, const char *name);

/* True when aud contains this audience. */
bool claims_has_audience(const struct claims *c, const char *audience);

/* Walks a string, or an array of strings; no value has no elements. *pos starts at 0. */
bool claims_next_text(const struct scan_value *v, size_t *pos, struct scan_value *ret);

/* The audience of a token that has exactly one. */
bool claims_only_audience(const struct claims *c, struct scan_value *ret);
