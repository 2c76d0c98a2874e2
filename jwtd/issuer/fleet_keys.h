/*
 * The keys of the issuers of one database ([Fleet] Issuers=). Each has a key document in the
 * store, which its bundle key has signed; the keys of the others' documents verify tokens, and
 * are in jwks.json and in the bundle, as our own are.
 *
 * A document counts when it is of our issuer name, leads to a key that is trusted (heads.h),
 * and is the newest one of its issuer. Any other is logged once and ignored: the database is
 * not trusted with keys.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

struct fleet_keys;
void fleet_keys_free(struct fleet_keys *fleet);

/* True when x has Issuers=. */
bool fleet_keys_enabled(const struct issuer *x);

/* The thumbprint of the issuer that this key is of; NULL: it is not in x->keys.peers. */
const char *fleet_keys_issuer(const struct issuer *x, const struct key *key);

/* True when a document has changed since they were read, as store_begin or store_poll has seen.
 */
bool fleet_keys_behind(const struct issuer *x);

/* Our own keys were loaded anew: those of the others verify beside them again, and all
 * documents are read again with the next transaction. */
enum tok_err fleet_keys_reload(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* Within a transaction, before its requests: reads what has changed since the last call, and
 * writes our own document where the store has another one. An answer must not be sent before
 * the transaction is committed. TOK_FILE, TOK_KEYS: the keys in
 * x are as before. */
enum tok_err fleet_keys_follow(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* The same, with a transaction around it. */
enum tok_err fleet_keys_now(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* After the requests of a transaction: writes our own document if they have changed a key. */
enum tok_err fleet_keys_put(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;
