/*
 * By whose rules is this token judged? One answer for pam_jwt and for `jwtctl verify`: the
 * [Issuer] section of the settings that the token's iss names, and no other; without one, the
 * local issuer's defaults and its pinned file. Words given on the command line or in the PAM
 * stack are laid on top. Then the key file is read and the list of ended sessions opened.
 *
 * The iss is read before the signature is checked: it only chooses the rules, and those rules
 * ask for the same iss again once the signature held.
 */
#pragma once

#include "common/config/settings.h"
#include "common/token/usermap.h"
#include "common/token/verify.h"

struct resolve_params {
    const struct policy *words; /* policy_init, then the words that were given */
    const char *config;     /* NULL: POLICY_CONFIG, which may be missing; else must be there */
    const char *pinned;     /* NULL: POLICY_PINNED */
    enum file_trust trust;  /* of the key file and the list; a user map is root's, or
                             * FILE_OWN */
    bool keys_without_list; /* keys= given and revoked= not: no list (jwtctl verify) */
    OSSL_LIB_CTX *ctx;      /* must outlive the result */
};

/* Owned by the caller: resolve_clear. */
struct resolved {
    struct policy policy; /* issuer and audience are known */
    struct keyset_file keys;
    struct revoked list; /* .fd is -1 without a list */
    bool foreign;        /* another issuer's section judges */
    bool mapped;         /* its users are local ones by .map alone */
    struct usermap map;
};

/* The whole: settings, section, files. Errors are all ours (tok_err_is_ours), each with a
 * sentence. What is no token at all is judged as the local issuer's. */
enum tok_err resolve_token(const struct resolve_params *ask, struct slice token,
                           struct resolved *ret, struct errmsg *errmsg) MUST_CHECK;
void resolve_clear(struct resolved *r);

/* Its three steps, for who judges many tokens and keeps what it read. */
enum tok_err resolve_settings(const struct resolve_params *ask, struct settings *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* NULL: no section, the local issuer's rules. Lives as long as the settings. TOK_NO_MEMORY. */
enum tok_err resolve_section(const struct settings *settings, struct slice token,
                             const struct settings_issuer **ret) MUST_CHECK;
enum tok_err resolve_load(const struct resolve_params *ask, const struct settings *settings,
                          const struct settings_issuer *section, struct resolved *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* The map of a policy's user_map, "none" or a path. TOK_SETTINGS, TOK_NO_MEMORY. */
enum tok_err resolve_map(const char *user_map, enum file_trust trust, struct usermap *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* verify_token by these rules: ask's policy, keys, list and map are filled in here. A key file
 * that changed is read anew; when it can't be, its error is told with a sentence. A user of
 * another issuer whom no UserMap makes a local one: TOK_UNMAPPED, whoever was asked for. The
 * local issuer (the pinned one) names local users, and no map is asked. */
enum tok_err resolve_verify(struct resolved *r, const struct verify_params *ask,
                            struct verify_result *ret, struct errmsg *errmsg) MUST_CHECK;
