/*
 * Loads what answering requests needs: keys, names and the policy for our own tokens, the
 * store. The first start creates a key, but only where neither keys nor a store exist.
 */
#pragma once

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/keys/rotation.h"

/* Takes the lock under which keys are created and files swept, for `jwtd-issuer --init` and the
 * daemon may start at the same time. Closing *ret_fd, the state directory, releases it.
 * TOK_FILE. */
enum tok_err load_lock(const struct issuer *x, int *ret_fd, struct errmsg *errmsg) MUST_CHECK;

/* Loads each part that is missing: x->keys, x->bundle, x->names and x->policy, x->store. On an
 * error what was loaded stays, and *ret_id is the MESSAGE_ID of the part that failed. With
 * --init and a database, keys and bundle alone. */
enum tok_err load_parts(struct issuer *x, int state_fd, const char **ret_id,
                        struct errmsg *errmsg) MUST_CHECK;

/* Uses and publishes the names of the settings. */
enum tok_err load_wanted_names(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* Database=, Path= or the default in the state directory; malloc'ed. */
enum tok_err load_store_path(const struct settings *set, const char *state_dir, char **ret);

/* What a change of the keys in x needs. TOK_FILE: the store failed. */
enum tok_err load_rotation(struct issuer *x, struct key_rotation *ret,
                           struct errmsg *errmsg) MUST_CHECK;
