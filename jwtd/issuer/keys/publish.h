/*
 * The public files that PAM modules and jwtctl read without asking a daemon: issuer, jwks.json
 * and revoked in the public directory. Each has mode 0644, is replaced atomically, is on disk
 * when the call returns, and is not written again when it already has this content.
 */
#pragma once

#include "jwtd/issuer/keys/issuer_names.h"
#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/store/store.h"

/* DIR/issuer. */
enum tok_err publish_names(const char *dir, const struct issuer_names *names,
                           struct errmsg *errmsg) MUST_CHECK;

/* DIR/jwks.json. */
enum tok_err publish_keys(const char *dir, const struct signing_keys *keys,
                          struct errmsg *errmsg) MUST_CHECK;

/* DIR/revoked: the revoked sessions of the store, and every line that the file has already,
 * whether the store knows it or not, as far as their last access token expires after
 * bundle->pruned_until. bundle->revoked becomes the digest of the file. While the file is the
 * one that was published last, only what was revoked since is added. A malformed file is
 * TOK_LIST and is left alone: its lines could not be kept. A missing one is created. More than
 * 262,144 sessions are added in several steps. Whenever all sessions are listed, a shared store
 * gets the lines that it lacks, in the present transaction: the files of all issuers are one.
 */
enum tok_err publish_revoked(const char *dir, struct store *store, struct own_bundle *bundle,
                             struct errmsg *errmsg) MUST_CHECK;
