#include "jwtd/issuer/shared_bundle.h"

#include "jwtd/issuer/follow.h"
#include "jwtd/issuer/keys/heads.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/store/store_fleet.h"
#include "jwtd/shared/messages.h"

#include <string.h>

#define PRUNE_STEP 600 /* seconds; after each step every issuer writes its whole list again */

/* Issuers=, those that followed them, and ours. */
static enum tok_err known_keys(const struct issuer *x, const struct heads *heads,
                               word_list *ret)
{
    const struct signing_keys *own = &x->bundle->keys;
    enum tok_err err = word_list_copy(x->service.settings.fleet.issuers, ret);

    for (size_t i = 0; !err && i < heads->n; i++)
        err = word_list_add(ret, slice_of(heads->of[i].key));
    for (size_t i = 0; !err && i < own->n; i++)
        err = word_list_add(ret, slice_of(own->keys[i].thumbprint));
    return err;
}

static bool is_replaced_here(const struct signing_keys *own, const char *thumbprint)
{
    for (size_t i = 0; i < own->n; i++)
        if (own->keys[i].key != own->signer && strcmp(own->keys[i].thumbprint, thumbprint) == 0)
            return true;
    return false;
}

/* *ret: not signed by a bundle key that was replaced, ours or that of another issuer. */
static enum tok_err is_current(const struct signing_keys *own, const struct heads *heads,
                               const struct bundle *signed_one, bool *ret)
{
    enum tok_err err = TOK_OK;

    *ret = key_is_same(own->signer, signed_one->chain[signed_one->n_chain - 1]);
    for (size_t i = 0; !err && !*ret && i < heads->n; i++)
        if (!is_replaced_here(own, heads->of[i].key))
            err = bundle_leads_from(signed_one, heads->of[i].key, ret);
    return err;
}

/* Reads the text if an issuer of this store signed it. */
static enum tok_err verify(const struct issuer *x, const char *text, struct bundle *ret,
                           bool *ret_current, struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle bundle = {0};
    CLEANUP(cleanup_word_list) word_list known = NULL;
    struct heads heads;
    enum tok_err err =
        heads_read(x->bundle->dir, x->service.settings.fleet.issuers, &heads, errmsg);

    if (!err)
        err = known_keys(x, &heads, &known);
    if (!err)
        err = bundle_read(&(struct bundle_trust){.thumbprints = known}, slice_of(text), &bundle,
                          errmsg);
    if (!err && strcmp(bundle.iss, x->names.issuer) != 0)
        err =
            errmsg_set(errmsg, TOK_ISSUER, "bundle: claim \"iss\": expected \"%s\", got \"%s\"",
                       x->names.issuer, bundle.iss);
    if (!err)
        err = is_current(&x->bundle->keys, &heads, &bundle, ret_current);
    if (err)
        return err;
    *ret = bundle;
    bundle = (struct bundle){0};
    return TOK_OK;
}

static void warn(struct issuer *x, const char *cause)
{
    if (service_is_due(&x->bundle->next_warning, MINUTE))
        LOG(LOG_WARNING, MESSAGE_KEYS, "Bundle in the store not used, signing another",
            {"cause", cause});
}

/* Drops the lines of `revoked` that expire until then, as soon as this is recorded. */
static enum tok_err prune(struct issuer *x, int64_t until, struct errmsg *errmsg)
{
    struct own_bundle *b = x->bundle;
    const int64_t before = b->pruned_until;
    enum tok_err err;

    b->pruned_until = until;
    err = own_bundle_record(b, errmsg);
    if (err)
        b->pruned_until = before;
    return err ? err : follow_publish(x, errmsg);
}

/* Takes over what another issuer has signed: a later epoch, what it has pruned. The list is
 * then pruned, too. Numbers that are not recorded count for nothing: they are raised again. */
static enum tok_err raise_numbers(struct issuer *x, const struct bundle *signed_one,
                                  struct errmsg *errmsg)
{
    struct own_bundle *b = x->bundle;
    const int64_t epoch = b->epoch, seq = b->seq;
    bool later = signed_one->epoch > epoch;
    enum tok_err err = TOK_OK;

    if (later || (signed_one->epoch == epoch && signed_one->seq > seq)) {
        b->epoch = signed_one->epoch;
        b->seq = signed_one->seq;
        own_bundle_changed(b);
    }
    if (later)
        err = own_bundle_record(b, errmsg);
    if (err) {
        b->epoch = epoch;
        b->seq = seq;
    } else if (signed_one->pruned_until > b->pruned_until &&
               signed_one->pruned_until <= follow_expired(x)) {
        err = prune(x, signed_one->pruned_until, errmsg);
    }
    return err;
}

static bool has_key(const struct bundle *b, const struct key *key, enum bundle_key_state state)
{
    for (size_t i = 0; i < b->n_keys; i++)
        if (slice_eq(key_kid(b->keys[i]), key_kid(key)) && b->states[i] == state)
            return key_is_same(b->keys[i], key);
    return false;
}

/* All but the list. */
static bool says_the_same(const struct bundle *a, const struct bundle *b)
{
    if (a->epoch != b->epoch || a->pruned_until != b->pruned_until || a->n_keys != b->n_keys)
        return false;
    for (size_t i = 0; i < a->n_keys; i++)
        if (!has_key(b, a->keys[i], a->states[i]))
            return false;
    return true;
}

static bool is_fresh(int64_t iat, int64_t now)
{
    const int64_t most = OWN_BUNDLE_REUSE / SECOND;

    return now - iat < most && iat - now < most;
}

/* *ret: x->bundle->text is that of the row, and what we would sign. */
static enum tok_err use_row(struct issuer *x, const struct store_bundle *row, bool *ret,
                            struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle found = {0};
    struct own_bundle *b = x->bundle;
    struct bundle own;
    bool current;
    enum tok_err err;

    *ret = b->text.n > 0 && b->seq == row->seq && is_fresh((int64_t)b->iat, issuer_wall(x));
    if (*ret || !row->text[0])
        return TOK_OK;
    if (verify(x, row->text, &found, &current, errmsg) != TOK_OK) {
        warn(x, errmsg->text);
        return TOK_OK;
    }
    if (!current) /* as after each rotation of a bundle key: nothing to warn of */
        return TOK_OK;
    err = raise_numbers(x, &found, errmsg);
    own_bundle_fill(b, &x->keys, x->names.issuer, &own);
    if (err || found.seq < b->seq || !is_fresh(found.iat, issuer_wall(x)) ||
        !says_the_same(&found, &own))
        return err;
    if (!revoked_digest_equal(&found.revoked, &b->revoked)) {
        if (row->change != store_published(x->store))
            return TOK_OK;
        /* The lists of two issuers differ: the store has lost or got rows unnoticed. */
        store_forget_published(x->store);
        return follow_publish(x, errmsg);
    }
    secret_clear(&b->text);
    b->iat = (uint64_t)found.iat;
    *ret = true;
    return secret_copy(slice_of(row->text), &b->text);
}

static enum tok_err sign(struct issuer *x, struct errmsg *errmsg)
{
    struct own_bundle *b = x->bundle;
    int64_t expired = follow_expired(x);
    enum tok_err err =
        expired - b->pruned_until >= PRUNE_STEP ? prune(x, expired, errmsg) : TOK_OK;

    own_bundle_changed(b);
    if (!err)
        err = own_bundle_sign(b, &x->keys, x->names.issuer, issuer_wall_us(x), errmsg);
    if (!err && store_write_bundle(x->store, b->seq, b->text.p) != STORE_DONE)
        err = issuer_store_error(x, errmsg);
    if (err)
        own_bundle_changed(b);
    return err;
}

static enum tok_err make_bundle(struct issuer *x, struct errmsg *errmsg)
{
    struct store_bundle row;
    bool usable = false, lock = false;
    enum tok_err err = TOK_OK;

    do {
        if (store_read_bundle(x->store, lock, &row) != STORE_DONE)
            return issuer_store_error(x, errmsg);
        /* While we waited, sessions were revoked, and a bundle that says so was signed. */
        if (lock)
            err = follow_publish(x, errmsg);
        if (!err)
            err = use_row(x, &row, &usable, errmsg);
        lock = !lock;
    } while (!err && !usable && lock);
    return err || usable ? err : sign(x, errmsg);
}

enum tok_err shared_bundle_new_epoch(struct issuer *x, struct errmsg *errmsg)
{
    struct store_bundle row;
    bool usable;
    enum tok_err err;

    if (store_read_bundle(x->store, true, &row) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    err = use_row(x, &row, &usable, errmsg);
    if (!err)
        err = own_bundle_new_epoch(x->bundle, errmsg);
    return err ? err : sign(x, errmsg);
}

void shared_bundle_prepare(struct issuer *x)
{
    struct errmsg errmsg = {""};
    enum tok_err err = TOK_OK;

    if (store_is_fleet(x->store) && key_alg(x->keys.signer)->kind != ALG_OCT)
        err = make_bundle(x, &errmsg);
    if (err == TOK_OK)
        return;
    own_bundle_changed(x->bundle);
    service_report_failure(&x->service, MESSAGE_KEYS, "Cannot sign the bundle",
                           errmsg.text[0] ? errmsg.text : tok_err_text(err));
}
