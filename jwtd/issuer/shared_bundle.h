/*
 * One bundle for all issuers of a shared store, so that a host may ask any of them. The one
 * that renews it signs it under the lock of its row, and the others serve this text for
 * OWN_BUNDLE_REUSE.
 *
 * Who can write the database can write anything into the row. A text counts only when the
 * present bundle key (heads.h) of an issuer in [Fleet] Issuers=, or ours, has signed it; it is
 * served only when it says exactly what this issuer would sign itself. A text of a key that was
 * replaced is replaced without a warning. So that an old text changes nothing, epoch, seq and
 * pruned_until never go back here: own_bundle.h keeps them.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* Before the handlers of a turn that asks for the bundle: x->bundle->text is the bundle of a
 * shared store, and in the store when the transaction is committed; or it is empty, and why is
 * in the log. It publishes `revoked`, so nothing may be revoked in the transaction yet. */
void shared_bundle_prepare(struct issuer *x);

/* Begins the next epoch, for all issuers. */
enum tok_err shared_bundle_new_epoch(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;
