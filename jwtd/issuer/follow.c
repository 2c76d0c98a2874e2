#include "jwtd/issuer/follow.h"

#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/keys/publish.h"
#include "jwtd/shared/messages.h"

#include <inttypes.h>
#include <stdio.h>

/* Time that has passed for certain: no line of `revoked` is dropped because a clock was set
 * forward. And a module may accept a token this long after its exp. */
int64_t follow_expired(const struct issuer *x)
{
    int64_t wall = issuer_wall(x), mark = store_mark(x->store);

    return (wall < mark ? wall : mark) - POLICY_LEEWAY_MAX;
}

enum tok_err follow_publish(struct issuer *x, struct errmsg *errmsg)
{
    struct own_bundle *b = x->bundle;
    const struct revoked_digest before = b->revoked;
    int64_t expired = follow_expired(x), pruned = b->pruned_until;
    char sessions[24];
    enum tok_err err;

    /* Issuers that share a store prune when the bundle says so; but what the store has purged
     * does not count as lost. */
    if ((!store_is_fleet(x->store) || store_published(x->store) < 0) &&
        expired > b->pruned_until)
        b->pruned_until = expired;
    b->restored = 0;
    err = publish_revoked(x->public_dir, x->store, b, errmsg);
    if (err && store_is_fleet(x->store)) /* the digest may be of a file that was not written */
        store_forget_published(x->store);
    if (err || pruned != b->pruned_until || !revoked_digest_equal(&before, &b->revoked))
        own_bundle_changed(b);
    if (b->restored > 0) {
        (void)snprintf(sessions, sizeof(sessions), "%" PRIu64, b->restored);
        LOG(LOG_WARNING, MESSAGE_PUBLISHED,
            "The store lacked sessions of the file revoked, revoked again: was the database "
            "restored, or changed by hand?",
            {"sessions", sessions});
    }
    return err;
}

bool follow_is_behind(const struct issuer *x)
{
    return store_is_fleet(x->store) &&
           store_changes(x->store).revocations != store_published(x->store);
}

enum tok_err follow(struct issuer *x, struct errmsg *errmsg)
{
    enum tok_err err = follow_is_behind(x) ? follow_publish(x, errmsg) : TOK_OK;

    return err ? err : fleet_keys_follow(x, errmsg);
}

enum tok_err follow_publish_alone(struct issuer *x, struct errmsg *errmsg)
{
    return store_is_fleet(x->store) ? issuer_transact(x, follow_publish, errmsg)
                                    : follow_publish(x, errmsg);
}
