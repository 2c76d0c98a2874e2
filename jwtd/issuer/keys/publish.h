/*
 * The public files that PAM modules and jwtctl read without asking anybody: issuer, jwks.json,
 * revoked; each 0644, replaced atomically, on disk before the call returns, and left alone when
 * it already says the same.
 */
#pragma once

#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/store/store.h"

/* What tokens say of where they come from. */
struct names {
    char *issuer;
    word_list audience; /* one at least */
};

void names_clear(struct names *names);

/* The names in force: a setting where there is one (NULL: none), else what DIR/issuer says,
 * else of this host name, lower-cased. TOK_SETTINGS when the file or the host name is wrong. */
enum tok_err names_find(const char *dir, const char *issuer, word_list audience,
                        const char *host, struct names *ret, struct errmsg *errmsg) MUST_CHECK;

/* DIR/issuer: two lines, Issuer= and Audience=. */
enum tok_err publish_names(const char *dir, const struct names *names,
                           struct errmsg *errmsg) MUST_CHECK;

/* DIR/jwks.json. */
enum tok_err publish_keys(const char *dir, const struct signing_keys *keys,
                          struct errmsg *errmsg) MUST_CHECK;

/* DIR/revoked: the sessions that the store says are over, and whatever unexpired line the file
 * has already, whatever the store says. A line goes when its session's last access token is
 * past the largest leeway (wall: seconds since the Epoch). A file out of form is TOK_LIST and
 * stays as it is: lines that can't be read can't be kept. A missing one is made. */
enum tok_err publish_revoked(const char *dir, struct store *store, int64_t wall,
                             struct errmsg *errmsg) MUST_CHECK;
