/*
 * Verifies tokens for `jwtctl verify` and `jwtctl show`, one or many. Settings are read once;
 * keys and lists of revoked sessions when the first token needs them, and a key file again when
 * it has changed.
 */
#pragma once

#include "common/config/resolve.h"
#include "jwtctl/json_c.h"

struct verifier_rules {
    bool loaded; /* also when that failed: err */
    enum tok_err err;
    struct errmsg errmsg;
    struct resolved rules;
};

struct verifier {
    struct resolve_params params;
    struct settings settings;
    struct verifier_rules *rules; /* of each [Issuer] section, then of the local issuer */
    struct parsed_token token;    /* the one checked last */
};

struct verifier_result {
    enum tok_err err;
    struct errmsg errmsg; /* the error's meaning, or which file is missing or wrong */
    struct verify_result token;
};

/* Reads the settings. What params points to must outlive the verifier. Errors come with a
 * message. */
enum tok_err verifier_open(const struct resolve_params *params, struct verifier *ret,
                           struct errmsg *errmsg) MUST_CHECK;
void verifier_close(struct verifier *v);

/* ret's slices live until the next call. */
void verifier_check(struct verifier *v, struct slice token, const struct policy_params *check,
                    struct verifier_result *ret);

/* Prints to standard error that token logins are disabled on this host, where they are. */
void print_disabled(void);

/* "accepted, for user NAME", or "refused: REASON". */
void verifier_print(const struct verifier_result *r);

/* {"valid":true,"user":...,"claims":{...}}, with "user_map_line" where a map applies, or
 * {"valid":false,"error":...,"reason":...}. To be freed. */
struct json_object *verifier_json(const struct verifier_result *r);
