/*
 * Reading what it takes to answer: keys, names, the policy by which our own tokens are judged,
 * the store. The first start makes a key, but only where neither keys nor a store were ever
 * made.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* The lock under which keys are made and files swept: `jwtd-issuer --init` and the service may
 * start at one time. It ends when *ret_fd, the state directory, is closed. TOK_FILE. */
enum tok_err load_lock(const struct issuer *x, int *ret_fd, struct errmsg *errmsg) MUST_CHECK;

/* Reads each part that is not there yet: x->keys, x->names and x->policy, x->store. On an error
 * what was read stays, and *ret_id is the journal's id for the part that failed. */
enum tok_err load_parts(struct issuer *x, int state_fd, const char **ret_id,
                        struct errmsg *errmsg) MUST_CHECK;

/* The directory of the private keys; free it. TOK_NO_MEMORY. */
enum tok_err load_keys_dir(const struct issuer *x, char **ret) MUST_CHECK;

/* Removes what a killed issuer left half-written among keys and public files. */
void load_sweep(const struct issuer *x);
