/*
 * /etc/jwt/jwt.conf and its drop-ins jwt.conf.d/NAME.conf (in byte order, a later one wins), in
 * systemd's INI spelling, by a strict reader driven by one const table. Without any file every
 * setting has its default. Refused, each with file, line, what is wrong and the allowed form:
 * NUL and control characters, bad UTF-8, a byte order mark, a key before a section, a line
 * without '=', a trailing backslash, an unknown section or key, a key twice in one file, a
 * section twice in one file, a bad value. '#' and ';' start a comment at a line's start only.
 * Quotes are not special, lists are parted by blanks, an empty value is an empty list or an
 * error. Claim= alone may be repeated within its section.
 * Files are at most 256 KiB, owned by root and writable by nobody else. No libcrypto, no NSS,
 * no environment.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/token/policy.h"

#define SETTINGS_FILE_MAX ((size_t)256 * 1024)
#define SETTINGS_ISSUERS_MAX 64

struct settings_rate {
    unsigned count; /* 0: no limit */
    uint64_t per;   /* microseconds */
};

/* An [Issuer URL] section. Keys= was given in it. What else was not given has the policy's
 * default (audience: NULL, the pinned one); a list of ended sessions that was not given is
 * none, unless the section is the local issuer's own. A later file's words replace its words
 * one by one. */
struct settings_issuer {
    char *url;
    struct policy policy; /* .issuer is the url */
};

/* MaxTokenLength= by default: what sudo, su and xrdp can take. */
#define SETTINGS_TOKEN_LENGTH 511

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
        uint64_t max_token_length; /* bytes */
    } token;
    struct {
        bool rotate_refresh_tokens, blacklist_after_rotation;
        uint64_t rotation_grace;
        uint64_t idle_lifetime, absolute_lifetime;
        uint64_t max_sessions_per_user;
        bool end_on_password_change, check_account;
        uint64_t account_cache_time;
        word_list allow_users, allow_groups, deny_users;
        struct settings_rate failures_per_user;
    } session;
    struct {
        word_list auth_header_types;
        char *auth_header_name;
        word_list allowed_hosts, trusted_proxies;
        struct settings_rate failures_per_source;
        uint64_t max_connections, max_connections_per_source;
        uint64_t failure_time;
    } http;
    struct {
        uint64_t idle_timeout;
    } daemon;
    struct {
        char *path; /* NULL: sessions.db in the state directory */
    } store;
    struct settings_issuer *issuers;
    size_t n_issuers;
};

/* Compiled-in defaults. TOK_NO_MEMORY. */
enum tok_err settings_init(struct settings *ret) MUST_CHECK;
void settings_clear(struct settings *s);

/* Defaults, then path (a missing file is no error), then path + ".d" + slash + NAME.conf. *ret
 * is as after settings_init on success, and empty (safe to clear) otherwise. */
enum tok_err settings_load(const char *path, struct settings *ret,
                           struct errmsg *errmsg) MUST_CHECK;

/* One file's text on top of *s; name is what the sentence calls it. After an error *s is partly
 * changed and only good for settings_clear. For settings_load and tests. */
enum tok_err settings_parse(struct settings *s, const char *name, struct slice text,
                            struct errmsg *errmsg) MUST_CHECK;

/* The section that is this issuer's, exact bytes; NULL when none. */
const struct settings_issuer *settings_find_issuer(const struct settings *s, struct slice iss);

/* Calls fn for each setting in the table's order with its section, key, value in force as a
 * file would spell it (the default where it was not set), and its default; then for each word
 * given in an [Issuer URL] section: for `jwtctl config show`. TOK_NO_MEMORY. */
enum tok_err settings_each(const struct settings *s,
                           void (*fn)(void *arg, const char *section, const char *key,
                                      const char *value, const char *standard),
                           void *arg) MUST_CHECK;
