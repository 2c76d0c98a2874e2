/*
 * /etc/jwt/jwt.conf and its drop-ins jwt.conf.d/NAME.conf, which are read in byte order; a
 * later file overrides an earlier one key by key. The spelling is systemd's INI form, read
 * strictly (ini.h). Besides, an unknown section or key, a key or section twice in one file, and
 * a bad value are errors with file, line and the expected form. Lists are separated by spaces.
 * Only Claim= may be repeated. Without any file every setting has its default. Files are at
 * most 256 KiB, owned by root, and not writable by any other user. Nothing here uses libcrypto,
 * NSS or the environment.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/token/policy.h"

#define SETTINGS_FILE_MAX ((size_t)256 * 1024)
#define SETTINGS_ISSUERS_MAX 64
#define SETTINGS_FLEET_MAX 64                  /* thumbprints in [Fleet] Issuers= */
#define SETTINGS_KEYS_DIR "/var/lib/jwt-keys/" /* of Keys= beside KeysUrl= */
#define SETTINGS_KEYS_NAME_MAX 64

struct settings_rate {
    unsigned count; /* 0: no limit */
    uint64_t per;   /* microseconds */
};

/* Default of MaxTokenLength=: sudo, xrdp and polkit accept no longer password. */
#define SETTINGS_TOKEN_LENGTH 511

/* User names for which a token for sudo with each restriction fits MaxTokenLength=; with
 * AmrClaim= there is room for fewer letters. */
#define SETTINGS_USER_LENGTH 32 /* the longest that useradd(8) takes */
#define SETTINGS_USER_LENGTH_AMR 16

/* All spans are microseconds. */
struct settings {
    struct {
        uint64_t access_lifetime, refresh_lifetime;
        uint64_t sliding_lifetime, sliding_refresh_lifetime;
        bool sliding_tokens;
        const struct alg *algorithm;
        char *issuer;       /* NULL: https://HOSTNAME, pinned at first start */
        word_list audience; /* NULL: HOSTNAME, pinned likewise */
        uint64_t leeway;
        char *user_id_claim, *token_type_claim, *jti_claim;
        bool amr_claim;
        uint64_t max_token_length; /* bytes */
        uint64_t revoked_max_age;  /* 0: no limit */
        uint64_t key_propagation;
        uint64_t issue_lifetime; /* of `jwtctl issue` */
    } token;
    struct {
        bool rotate_refresh_tokens, blacklist_after_rotation;
        uint64_t rotation_grace;
        uint64_t idle_lifetime, absolute_lifetime;
        uint64_t max_sessions_per_user;
        bool end_on_password_change, check_account;
        uint64_t account_cache_time;
        word_list allow_users, allow_groups, deny_users;
        struct settings_rate failures_per_user, logins_per_user;
        char *otp_prompt; /* NULL: no prompt for a code is answered */
    } session;
    struct {
        word_list auth_header_types;
        char *auth_header_name;
        word_list allowed_hosts, allowed_origins, trusted_proxies;
        struct settings_rate failures_per_source;
        uint64_t max_connections, max_connections_per_source;
        uint64_t failure_time;
    } http;
    struct {
        uint64_t idle_timeout;
    } daemon;
    struct {
        char *path;     /* NULL: sessions.db in the state directory */
        char *database; /* NULL: the store is the file */
    } store;
    struct {
        word_list issuers; /* thumbprints of bundle keys */
    } fleet;
    struct {
        char *url;                 /* NULL: this host is synchronised with no issuer */
        word_list trust, audience; /* audience NULL: HOSTNAME */
        uint64_t interval;
    } sync;
    /* The [Issuer URL] sections. .issuer is the URL, and .keys was given. What else was not
     * given has the policy's default; audience is then NULL, the pinned one, and the list of
     * revoked sessions none, unless the section is the local issuer's own. */
    struct policy *issuers;
    size_t n_issuers;
};

/* All settings outside of [Issuer URL] sections, whose keys are policy_keywords. Adding one is
 * adding a row there and a member here. */
#define SETTINGS_KEYWORDS_MAX 64
extern const struct keyword settings_keywords[];

/* The defaults. After TOK_NO_MEMORY *ret is all zero. */
enum tok_err settings_init(struct settings *ret) MUST_CHECK;
void settings_clear(struct settings *s);

static inline size_t settings_user_length(const struct settings *s)
{
    return s->token.amr_claim ? SETTINGS_USER_LENGTH_AMR : SETTINGS_USER_LENGTH;
}

/* Reads path, where it exists, and path.d/NAME.conf on top of the defaults. After an error *ret
 * is all zero. */
enum tok_err settings_load(const char *path, struct settings *ret,
                           struct errmsg *errmsg) MUST_CHECK;

/* Reads the text of one file on top of *s; name is its name for messages. After an error *s may
 * only be cleared. For settings_load and tests. */
enum tok_err settings_parse(struct settings *s, const char *name, struct slice text,
                            struct errmsg *errmsg) MUST_CHECK;

/* The [Issuer URL] section of this URL, compared byte by byte; or NULL. */
const struct policy *settings_find_issuer(const struct settings *s, struct slice iss);

/* True when tokens of some issuer can be exchanged for ours: Exchange=yes, which needs
 * CheckAccount=yes. */
bool settings_exchange(const struct settings *s);

/* Calls fn for each setting in the order of settings_keywords, then for each key that an
 * [Issuer URL] section has and for its UserMap. The value is spelled as in a file. is_default
 * is true for a setting with its default value, and never for an issuer's. TOK_NO_MEMORY. */
typedef void settings_fn(void *arg, const char *section, const char *key, const char *value,
                         bool is_default);
enum tok_err settings_each(const struct settings *s, settings_fn *fn, void *arg) MUST_CHECK;
