#include "jwtd/issuer/keys/own_bundle.h"

#include "common/base/file.h"
#include "common/base/timespan.h"
#include "jwtd/issuer/keys/signer.h"

#include <inttypes.h>
#include <stdio.h>

#define STATE_FILE "/state"
#define STATE_MAX 96

enum tok_err own_bundle_record(const struct own_bundle *b, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    char text[STATE_MAX];
    enum tok_err err = text_concat(b->dir, STATE_FILE, "", &path);

    (void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 "\n", b->epoch,
                   b->seq, b->pruned_until);
    return err != TOK_OK ? err : file_write(path, slice_of(text), 0600, errmsg);
}

static enum tok_err read_state(struct own_bundle *b, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(secret_clear) struct secret text = {0};
    int64_t *const numbers[] = {&b->epoch, &b->seq, &b->pruned_until};
    struct slice rest, word;
    uint64_t n;
    enum tok_err err = text_concat(b->dir, STATE_FILE, "", &path);

    if (err == TOK_OK)
        err = file_read(path, FILE_PRIVATE, STATE_MAX, &text, errmsg);
    if (file_is_missing(err, errmsg)) {
        b->epoch = 1;
        return TOK_OK;
    }
    if (err != TOK_OK)
        return err;
    rest = secret_slice(&text);
    for (size_t i = 0; i < 3; i++) {
        if (!slice_cut(rest, i < 2 ? ' ' : '\n', &word, &rest) || word.n > 18 ||
            !slice_digits(word, &n))
            return errmsg_set(
                errmsg, TOK_KEYS,
                "%s: malformed, expected three numbers: restore it from a backup; "
                "or remove it, and run `jwtctl sync --reset` on each host",
                path);
        *numbers[i] = (int64_t)n;
    }
    return TOK_OK;
}

enum tok_err own_bundle_load(struct own_bundle *b, struct errmsg *errmsg)
{
    const struct alg *alg = alg_find(SLICE(BUNDLE_ALG));
    enum tok_err err = TOK_OK;

    if (access(b->dir, F_OK) < 0 && errno == ENOENT)
        err = keys_create(b->dir, alg, errmsg);
    if (err == TOK_OK)
        err = keys_load(b->dir, alg, &b->keys, errmsg);
    return err != TOK_OK ? err : read_state(b, errmsg);
}

void own_bundle_clear(struct own_bundle *b)
{
    keys_clear(&b->keys);
    secret_clear(&b->text);
    secret_clear(&b->document);
    free(b->dir);
}

void own_bundle_changed(struct own_bundle *b)
{
    secret_clear(&b->text);
}

void own_bundle_keys_changed(struct own_bundle *b)
{
    own_bundle_changed(b);
    secret_clear(&b->document);
}

static int by_until(const void *a, const void *b)
{
    const struct signing_key *ka = a, *kb = b;

    return (ka->until > kb->until) - (ka->until < kb->until);
}

/* Earlier signers in the order of their times, then the signer. A key without a time was not in
 * use before a crash. */
static void fill_chain(const struct signing_keys *keys, struct bundle *b)
{
    struct signing_key sorted[KEYS_MAX];

    memcpy(sorted, keys->keys, keys->n * sizeof(sorted[0]));
    qsort(sorted, keys->n, sizeof(sorted[0]), by_until);
    for (size_t i = 0; i < keys->n && b->n_chain < BUNDLE_CHAIN_MAX - 1; i++)
        if (sorted[i].until > 0 && sorted[i].key != keys->signer)
            b->chain[b->n_chain++] = sorted[i].key;
    b->chain[b->n_chain++] = (struct key *)keys->signer;
}

static void fill_keys(const struct signing_keys *keys, struct bundle *b)
{
    struct listed_key list[KEYS_LISTED_MAX];
    size_t n = keys_list(keys, list);

    b->n_keys = n < BUNDLE_KEYS_MAX ? n : BUNDLE_KEYS_MAX;
    for (size_t i = 0; i < b->n_keys; i++) {
        b->keys[i] = (struct key *)list[i].key;
        b->states[i] = list[i].state;
    }
}

/* A number that no bundle and no key document has had. wall: microseconds. */
static enum tok_err take_number(struct own_bundle *b, uint64_t wall, struct errmsg *errmsg)
{
    b->seq = (int64_t)wall > b->seq ? (int64_t)wall : b->seq + 1;
    return own_bundle_record(b, errmsg);
}

void own_bundle_fill(const struct own_bundle *b, const struct signing_keys *keys,
                     const char *issuer, struct bundle *ret)
{
    *ret = (struct bundle){
        .epoch = b->epoch, .revoked = b->revoked, .pruned_until = b->pruned_until};
    (void)snprintf(ret->iss, sizeof(ret->iss), "%s", issuer);
    fill_keys(keys, ret);
    fill_chain(&b->keys, ret);
}

enum tok_err own_bundle_sign(struct own_bundle *b, const struct signing_keys *keys,
                             const char *issuer, uint64_t wall, struct errmsg *errmsg)
{
    struct bundle bundle;
    enum tok_err err;

    /* A clock that was set back gives a huge difference. */
    if (b->text.n > 0 && wall - b->signed_at < OWN_BUNDLE_REUSE)
        return TOK_OK;
    if (key_alg(keys->signer)->kind == ALG_OCT)
        return TOK_KEYS;
    own_bundle_fill(b, keys, issuer, &bundle);
    bundle.iat = (int64_t)(wall / SECOND);
    bundle.exp = bundle.iat + BUNDLE_LIFETIME;
    err = take_number(b, wall, errmsg);
    bundle.seq = b->seq;
    secret_clear(&b->text);
    if (err == TOK_OK)
        err = bundle_write(&bundle, &b->text);
    b->signed_at = wall;
    b->iat = wall / SECOND;
    return err;
}

enum tok_err own_bundle_sign_keys(struct own_bundle *b, const struct signing_keys *keys,
                                  const char *issuer, uint64_t wall, struct errmsg *errmsg)
{
    struct signing_keys own = *keys;
    struct bundle document = {.iat = (int64_t)(wall / SECOND)};
    enum tok_err err;

    own.peers = NULL;
    (void)snprintf(document.iss, sizeof(document.iss), "%s", issuer);
    fill_chain(&b->keys, &document);
    fill_keys(&own, &document);
    err = take_number(b, wall, errmsg);
    document.seq = b->seq;
    secret_clear(&b->document);
    return err != TOK_OK ? err : key_document_write(&document, &b->document);
}

int64_t own_bundle_next_time(const struct own_bundle *b, int64_t wall)
{
    for (size_t i = 0; i < b->keys.n; i++)
        wall = b->keys.keys[i].until >= wall ? b->keys.keys[i].until + 1 : wall;
    return wall;
}

enum tok_err own_bundle_new_epoch(struct own_bundle *b, struct errmsg *errmsg)
{
    const int64_t seq = b->seq;
    enum tok_err err;

    b->epoch++;
    b->seq = 0; /* a clock that was set forward for a while has an end here */
    err = own_bundle_record(b, errmsg);
    if (err != TOK_OK) {
        b->epoch--;
        b->seq = seq;
    }
    own_bundle_changed(b);
    return err;
}
