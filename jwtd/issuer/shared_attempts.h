/*
 * FailuresPerUser, LoginsPerUser and FailuresPerSource of all issuers of one database together
 * (store/store_attempts.h). They come after the limits of this process (attempts.h) and of jwtd
 * (http/throttle.h), so that what these refuse costs no query.
 *
 * A failed login is counted before the check, and taken back after a success: the checks of all
 * issuers are within FailuresPerUser together, and an issuer that ends meanwhile leaves one
 * failure. Successes, and failures of a source, are counted after the check: those under way
 * at the same time can exceed the limit, by at most as many as all issuers check at once.
 *
 * Who can read the database must not learn what was typed in place of a user name, such as a
 * password. There is no secret that all issuers have and the database has not, so that the id
 * of a name that may be none is slow to compute (scrypt). Names that have logged in are in the
 * table of sessions anyway, and so are sources: their ids are SHA-256.
 */
#pragma once

#include "jwtd/issuer/attempts.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/store/store_attempts.h"

/* Of one login, outside a transaction; store_failed(x->store) afterwards: state_lost must
 * follow. source: an address, or another text that is not shared. WIRE_OK: it may be checked;
 * *ret is malloc'ed, and shared_attempts_settle must follow. WIRE_THROTTLED: *ret_limit is set.
 */
enum wire_status shared_attempts_take(struct issuer *x, struct slice user, struct slice source,
                                      struct store_attempts **ret,
                                      struct attempts_limit *ret_limit);

void shared_attempts_settle(struct issuer *x, const struct store_attempts *a,
                            enum attempts_outcome outcome);

/* Counts a login without a password by LoginsPerUser, within the transaction of a turn. */
enum wire_status shared_attempts_count(struct issuer *x, const char *user,
                                       struct attempts_limit *ret_limit);
