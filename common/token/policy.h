/*
 * The checks of a token's claims, as a policy sets them. A policy has the same words
 * everywhere: as options of pam_jwt.so and `jwtctl verify` (user_claim=sub) and as keys of
 * [Issuer URL] sections (UserClaim=sub). One constant table lists them. Empty never means
 * "any".
 */
#pragma once

#include "common/base/keyword.h"
#include "common/base/username.h"
#include "common/base/value.h"
#include "common/jose/alg.h"
#include "common/jose/jws.h"
#include "common/token/claims.h"
#include "common/token/host_key.h"
#include "common/token/usermap.h"

#define POLICY_KEYS "/var/lib/jwt/jwks.json"
#define POLICY_PINNED "/var/lib/jwt/issuer"
#define POLICY_REVOKED "/var/lib/jwt/revoked"
#define POLICY_CONFIG "/etc/jwt/jwt.conf"
#define POLICY_LEEWAY_MAX 300
#define POLICY_DISCOVER "discover" /* keys_url: OpenID Connect Discovery */
#define POLICY_LENGTH_MAX 65536

/* Copied by policy_copy, never by assignment. Strings are malloc'ed or NULL. */
struct policy {
    char *keys;         /* a path */
    char *issuer;       /* NULL: not known yet (the pinned file says); "" refuses everything */
    word_list audience; /* NULL: likewise; empty refuses everything */
    char *audience_claim;
    char *host_keys; /* a pattern of paths (host_key.h) */
    alg_set algorithms;
    char *user_claim, *token_type_claim, *jti_claim;
    char *type;   /* "": not checked */
    unsigned typ; /* 1 << enum jws_typ */
    word_list require;
    word_list claims; /* PATH:VALUE each (claim_test.h) */
    bool scope_required;
    bool one_time_required;
    bool allow_root;
    int64_t leeway;            /* seconds */
    int64_t max_lifetime;      /* seconds */
    uint64_t max_length;       /* bytes */
    char *revoked;             /* "none" is no list */
    int64_t revoked_max_age;   /* seconds; 0: no limit */
    char *keys_url;            /* NULL, POLICY_DISCOVER or a URL: fetched into the file .keys */
    char *user_map;            /* "none", "same" or a path (usermap.h) */
    bool exchange, session;    /* its tokens can be exchanged; for a session */
    int64_t exchange_lifetime; /* seconds, of such a session */
    uint64_t given;            /* a bit for each of policy_keywords that was set */
};

/* The defaults; a copy. After TOK_NO_MEMORY *ret is all zero. */
enum tok_err policy_init(struct policy *ret) MUST_CHECK;
void policy_clear(struct policy *p);
enum tok_err policy_copy(const struct policy *from, struct policy *ret) MUST_CHECK;

/* The keywords as [Issuer URL] sections spell them: UserClaim. Elsewhere the same keyword is
 * spelled user_claim, and its lists are separated by commas. */
#define POLICY_KEYWORDS_MAX 64
extern const struct keyword policy_keywords[];

/* Sets what a keyword of policy_keywords stands for. Errors as keyword_assign. */
enum tok_err policy_assign(struct policy *p, const struct keyword_value *v,
                           struct errmsg *errmsg) MUST_CHECK;

/* The same for a word, user_claim; value.p is NULL when it stands without a value.
 * TOK_UNSUPPORTED, without a message, when no keyword is spelled so. */
enum tok_err policy_set(struct policy *p, struct slice word, struct slice value,
                        struct errmsg *errmsg) MUST_CHECK;

/* True when the keyword, the word (user_claim), was set rather than left at its default. */
bool policy_has(const struct policy *p, const struct keyword *k);
bool policy_given(const struct policy *p, const char *word);

/* Lays the words given in `over` on top of `base` ("words given beside it override"). */
enum tok_err policy_override(struct policy *base, const struct policy *over) MUST_CHECK;

/* What the policy calls the claims; lives as long as it is not changed. */
struct claims_names policy_claims_names(const struct policy *p);

/* Reads the lines Issuer= and Audience= that jwtd-issuer publishes. Sets those of issuer and
 * audience that p does not have. TOK_SETTINGS, naming file, line and form. */
enum tok_err policy_read_pinned(struct policy *p, const char *path,
                                struct errmsg *errmsg) MUST_CHECK;

/* True when some word of the scope (RFC 8693 4.2) names a PAM service: such a token is valid
 * for those services only. */
bool policy_scope_names_service(struct slice scope);

/* True when the word pam:NAMED of a scope includes the service: pam:* includes all, and
 * pam:sudo also sudo-i, the service of `sudo -i`. */
bool policy_service_covered(struct slice named, struct slice service);

struct policy_params {
    int64_t now;                              /* seconds since the Epoch */
    struct slice user;                        /* p NULL: any user */
    struct slice service;                     /* p NULL: any service */
    const struct usermap *map;                /* NULL: the user claim names a local user */
    const struct usermap_line **ret_map_line; /* set to the one that applies; may be NULL */
    bool accept_one_time;                     /* the caller records the use after the check */
    /* host_key_check; NULL: no audience that is bound to a host's SSH key is accepted. Called
     * with the policy's host_keys for such a token only. */
    enum tok_err (*host_key)(const char *pattern, struct slice key, struct errmsg *errmsg);
};

/* Checks claims whose signature was verified, in this order: required claims, exp, nbf, iat,
 * iss, aud, token_type, claim=, cnf, lifetime, scope, one_time, user. The header's typ and alg
 * are checked by verify_token. ret_user: the local user named by the user claim or the map,
 * NUL-terminated. errmsg (may be NULL) is set where a claim and what was expected of it can be
 * named; it never contains the user. */
enum tok_err policy_check(const struct policy *p, const struct claims *claims,
                          const struct policy_params *params, char ret_user[USER_NAME_MAX + 1],
                          struct errmsg *errmsg) MUST_CHECK;
