/* The rules that the numbers of every key must pass; key.h lists them. */
#pragma once

#include "common/jose/key_parts.h"

/* TOK_KEYS and a sentence that starts with the member's name. TOK_NO_MEMORY. */
enum tok_err key_rules(const struct alg *alg, const struct key_parts *parts,
                       struct errmsg *errmsg) MUST_CHECK;

/* The same for a private key: do its numbers fit each other? For RSA alone; of the other kinds
 * key_make() makes a signature and verifies it. */
enum tok_err key_rules_pair(const struct alg *alg, const struct key_parts *parts,
                            struct errmsg *errmsg) MUST_CHECK;
