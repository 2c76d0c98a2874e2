/*
 * /var/lib/jwt/synced: the bundle that `jwtctl sync` installed last on this host, in lines
 * KEY=VALUE: Bundle= (its iat, in seconds), Issuer=, and others that only sync reads. It
 * belongs to root or to the owner of the directory. A host that is the issuer itself has none.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/value.h"

#include <stdint.h>

#define SYNCED_PATH "/var/lib/jwt/synced"
#define SYNCED_AHEAD_MAX 300 /* seconds */

struct synced {
    int64_t bundle;
    char issuer[VALUE_NAME_MAX + 1];
};

/* TOK_FILE (file_is_missing), TOK_STALE for a malformed file, TOK_NO_MEMORY; each with a
 * sentence. */
enum tok_err synced_read(const char *path, struct synced *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* TOK_STALE, with a sentence that names SYNCED_PATH, when a bundle of this time is older than
 * max_age seconds, or more than SYNCED_AHEAD_MAX in the future. */
enum tok_err synced_check(int64_t bundle, int64_t max_age, int64_t now,
                          struct errmsg *errmsg) MUST_CHECK;
