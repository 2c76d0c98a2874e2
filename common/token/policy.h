/*
 * May this token do this? A policy is a set of words with one spelling everywhere: options of
 * pam_jwt.so (user_claim=sub), keys of [Issuer URL] sections (UserClaim=sub), arguments of
 * `jwtctl verify`. One const table knows them. Empty never means "any".
 */
#pragma once

#include "common/base/text.h"
#include "common/base/username.h"
#include "common/base/value.h"
#include "common/jose/alg.h"
#include "common/jose/jws.h"
#include "common/token/claims.h"
#include "common/token/usermap.h"

#define POLICY_KEYS "/var/lib/jwt/jwks.json"
#define POLICY_PINNED "/var/lib/jwt/issuer"
#define POLICY_REVOKED "/var/lib/jwt/revoked"
#define POLICY_CONFIG "/etc/jwt/jwt.conf"
#define POLICY_LEEWAY_MAX 300
#define POLICY_LENGTH_MAX 65536

struct policy_claim {
    char *name;
    char *value; /* behind the name, in its memory */
};

/* Plain: copied only by policy_copy. Strings are malloc'ed or NULL. */
struct policy {
    char *keys;         /* a path */
    char *issuer;       /* NULL: not known yet (the pinned file says); "" refuses everything */
    word_list audience; /* NULL: likewise; empty refuses everything */
    alg_set algorithms;
    char *user_claim, *token_type_claim, *jti_claim;
    char *type;   /* "" is: not asked */
    unsigned typ; /* 1 << enum jws_typ */
    word_list require;
    struct policy_claim *claims;
    size_t n_claims;
    bool scope_required;
    bool one_time_required;
    bool allow_root;
    int64_t leeway;       /* seconds */
    int64_t max_lifetime; /* seconds */
    uint64_t max_length;  /* bytes */
    char *revoked;        /* "none" is no list */
    char *user_map;       /* "none", "same" or a path (usermap.h) */
    uint64_t given;       /* one bit a word of the table: set by policy_set, not by default */
};

/* The defaults of design's table. TOK_NO_MEMORY. */
enum tok_err policy_init(struct policy *ret) MUST_CHECK;
void policy_clear(struct policy *p);
enum tok_err policy_copy(const struct policy *from, struct policy *ret) MUST_CHECK;

enum policy_style {
    POLICY_WORDS, /* user_claim; lists take commas */
    POLICY_CAMEL, /* UserClaim; lists take spaces */
};

/* Sets one word; claim= adds one. value.p NULL: the bare word, which only allow_root takes. In
 * NAME:VALUE the first colon parts. TOK_SETTINGS with a sentence: the word, the value, the
 * allowed form. TOK_UNSUPPORTED: no word of this name (the caller says so: it may have words of
 * its own). Paths are absolute: the working directory of a login is anybody's. */
enum tok_err policy_set(struct policy *p, enum policy_style style, struct slice word,
                        struct slice value, struct errmsg *errmsg) MUST_CHECK;

/* The words in the table's order, NULL past the last. */
const char *policy_word_at(enum policy_style style, size_t i);

/* True when the word (spelled in POLICY_WORDS) was set rather than left at its default. */
bool policy_given(const struct policy *p, const char *word);

/* Lays the words given in `over` on top of `base` ("words given beside it override"). */
enum tok_err policy_override(struct policy *base, const struct policy *over) MUST_CHECK;

/* Calls fn for each word that was given, in the table's order, with its value in force and its
 * default; claim= once for each. TOK_NO_MEMORY. */
enum tok_err policy_each_given(const struct policy *p, enum policy_style style,
                               void (*fn)(void *arg, const char *word, const char *value,
                                          const char *standard),
                               void *arg) MUST_CHECK;

/* What the policy calls the claims; lives as long as it is not changed. */
struct claims_names policy_claims_names(const struct policy *p);

/* Reads the two lines Issuer= and Audience= that jwtd-issuer publishes, into whichever of
 * issuer and audience p has not got. TOK_SETTINGS, naming file, line and form. */
enum tok_err policy_read_pinned(struct policy *p, const char *path,
                                struct errmsg *errmsg) MUST_CHECK;

/* True when some word of the scope (RFC 8693 4.2) names a PAM service: such a token is good for
 * those services alone. */
bool policy_scope_names_service(struct slice scope);

struct policy_params {
    int64_t now;               /* seconds since the Epoch */
    struct slice user;         /* p NULL: any user */
    struct slice service;      /* p NULL: any service */
    const struct usermap *map; /* NULL: the user claim names a local user */
    bool accept_one_time;      /* the caller uses a one-time token up after the check */
};

/* Checks claims whose signature was verified, in this order: required claims, exp, nbf, iat,
 * iss, aud, token_type, claim=, cnf, lifetime, scope, one_time, user. The header's typ and alg
 * are checked by verify_token. ret_user: the local user named by the user claim or the map,
 * NUL-terminated. */
enum tok_err policy_check(const struct policy *p, const struct claims *claims,
                          const struct policy_params *params,
                          char ret_user[USER_NAME_MAX + 1]) MUST_CHECK;
