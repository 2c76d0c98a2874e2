/*
 * The settings with which a token is verified, for pam_jwt and for `jwtctl verify`: those of
 * the [Issuer] section that the token's iss names, or, without such a section, the local
 * issuer's defaults and its pinned file. Words given on the command line or in the PAM stack
 * override them. Then the key file is read and the list of revoked sessions opened.
 *
 * The iss is read before the signature is verified: it only selects the settings, which require
 * the same iss again after the signature.
 */
#pragma once

#include "common/config/settings.h"
#include "common/token/synced.h"
#include "common/token/usermap.h"
#include "common/token/verify.h"

struct resolve_params {
    const struct policy *words; /* policy_init, then the words that were given */
    const char *config;         /* NULL: POLICY_CONFIG, which may be missing */
    const char *pinned;         /* NULL: POLICY_PINNED */
    const char *synced;         /* NULL: SYNCED_PATH */
    enum file_trust trust;      /* of key file and list; a user map must be root's unless this
                                 * is FILE_OWN */
    bool keys_without_list;     /* with keys= and without revoked= no list (jwtctl verify) */
    OSSL_LIB_CTX *ctx;          /* must outlive the result */
};

/* Owned by the caller: resolve_clear. */
struct resolved {
    struct policy policy; /* issuer and audience are known */
    struct keyset_file keys;
    struct revoked list; /* .fd is -1 without a list */
    int64_t bundle;      /* time of the issuer's last bundle; with revoked_max_age only */
    bool foreign;        /* the section of another issuer than the local one applies */
    bool mapped;         /* its users are mapped to local ones by .map */
    struct usermap map;
};

/* Loads all of it: settings, section, files. Errors are all ours (tok_err_is_ours), each with a
 * sentence. A token without a readable iss is resolved as one of the local issuer. */
enum tok_err resolve_token(const struct resolve_params *params,
                           const struct parsed_token *token, struct resolved *ret,
                           struct errmsg *errmsg) MUST_CHECK;
void resolve_clear(struct resolved *r);

/* Its three steps, for a caller that verifies many tokens and keeps what it loaded. */
enum tok_err resolve_settings(const struct resolve_params *params, struct settings *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* NULL: no section, the local issuer's settings. Lives as long as the settings. */
const struct policy *resolve_section(const struct settings *settings,
                                     const struct parsed_token *token);
enum tok_err resolve_load(const struct resolve_params *params, const struct settings *settings,
                          const struct policy *section, struct resolved *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* The map of a policy's user_map, "none" or a path. TOK_SETTINGS, TOK_NO_MEMORY. */
enum tok_err resolve_map(const char *user_map, enum file_trust trust, struct usermap *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* verify_token with these settings, keys, list and map; check's own map is ignored. A key file
 * that was changed is read again; an error of it comes with a sentence. A user of another
 * issuer whom no UserMap maps to a local one: TOK_UNMAPPED. The local issuer (the pinned one)
 * names local users, and no map is used. */
enum tok_err resolve_verify(struct resolved *r, const struct parsed_token *token,
                            const struct policy_params *check, struct verify_result *ret,
                            struct errmsg *errmsg) MUST_CHECK;
