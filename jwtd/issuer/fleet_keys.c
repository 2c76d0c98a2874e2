#include "jwtd/issuer/fleet_keys.h"

#include "jwtd/issuer/keys/heads.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/keys/publish.h"
#include "jwtd/issuer/store/store_fleet.h"
#include "jwtd/shared/messages.h"

#include <string.h>

_Static_assert(HEADS_MAX == SETTINGS_FLEET_MAX, "there is a head for each thumbprint");

/* A row of the store. */
struct document {
    char thumbprint[KEY_THUMBPRINT_LEN + 1]; /* "": of another form */
    struct secret text;
    struct bundle read; /* zero: not accepted */
};

struct fleet_keys {
    int64_t counter; /* of the store when the rows were read; -1: to be read again */
    bool stored;     /* the store had our document then */
    size_t n;
    struct document rows[STORE_DOCUMENTS_MAX];
    struct bundle peers; /* the keys that count; they are those of rows */
};

void fleet_keys_free(struct fleet_keys *fleet)
{
    for (size_t i = 0; fleet && i < fleet->n; i++) {
        secret_clear(&fleet->rows[i].text);
        bundle_clear(&fleet->rows[i].read);
    }
    free(fleet);
}

bool fleet_keys_enabled(const struct issuer *x)
{
    return x->service.settings.fleet.issuers != NULL;
}

bool fleet_keys_behind(const struct issuer *x)
{
    return fleet_keys_enabled(x) &&
           (!x->fleet || x->fleet->counter != store_changes(x->store).keys);
}

const char *fleet_keys_issuer(const struct issuer *x, const struct key *key)
{
    for (size_t i = 0; x->fleet && i < x->fleet->n; i++) {
        const struct document *row = &x->fleet->rows[i];

        for (size_t k = 0; k < row->read.n_keys; k++)
            if (row->read.keys[k] == key)
                return row->thumbprint;
    }
    return NULL;
}

static bool add_row(void *arg, const char *thumbprint, struct slice text)
{
    struct fleet_keys *fleet = arg;
    struct document *row = &fleet->rows[fleet->n];

    if (fleet->n == STORE_DOCUMENTS_MAX || secret_copy(text, &row->text) != TOK_OK)
        return false;
    if (value_is_thumbprint(slice_of(thumbprint)))
        memcpy(row->thumbprint, thumbprint, KEY_THUMBPRINT_LEN);
    fleet->n++;
    return true;
}

/* Whether the row was ignored before, so that it was logged then. */
static bool is_known(const struct fleet_keys *before, const struct document *row)
{
    for (size_t i = 0; before && i < before->n; i++)
        if (before->rows[i].read.n_chain == 0 &&
            strcmp(before->rows[i].thumbprint, row->thumbprint) == 0 &&
            slice_eq(secret_slice(&before->rows[i].text), secret_slice(&row->text)))
            return true;
    return false;
}

static void log_ignored(const struct issuer *x, const struct document *row, const char *reason)
{
    if (!is_known(x->fleet, row))
        LOG(LOG_WARNING, MESSAGE_KEYS, "Key document in the database ignored",
            {"thumbprint", row->thumbprint[0] ? row->thumbprint : "malformed"},
            {"reason", reason});
}

static enum tok_err read_row(const struct issuer *x, const struct heads *heads,
                             struct document *row, struct errmsg *errmsg)
{
    char *keys[HEADS_MAX + 1] = {NULL};
    const struct bundle_trust trust = {.thumbprints = keys};
    char last[KEY_THUMBPRINT_LEN];
    enum tok_err err;

    for (size_t i = 0; i < heads->n; i++)
        keys[i] = (char *)heads->of[i].key;
    err = key_document_read(&trust, x->names.issuer, secret_slice(&row->text), &row->read,
                            errmsg);
    if (err == TOK_OK)
        err = key_thumbprint(row->read.chain[row->read.n_chain - 1], last);
    if (err == TOK_OK && memcmp(row->thumbprint, last, sizeof(last)) != 0)
        err = errmsg_set(errmsg, TOK_UNKNOWN_KEY, "key document: of another key than its row");
    return err;
}

/* Adds the keys of a document. The first key of a kid stays: rows are in the order of
 * thumbprints. */
static bool add_peer(struct bundle *peers, const struct bundle *document, size_t max)
{
    for (size_t i = 0; i < document->n_keys; i++) {
        size_t same = 0;

        while (same < peers->n_keys && keys_compare(peers->keys[same], document->keys[i]) != 0)
            same++;
        if (same < peers->n_keys)
            continue;
        if (same == max)
            return false;
        peers->keys[same] = document->keys[i];
        peers->states[same] = document->states[i];
        peers->n_keys++;
    }
    return true;
}

/* Verifies all rows. A document of an earlier bundle key may come before the one that replaced
 * it, so that which ones count is known at the end. */
static enum tok_err accept_rows(const struct issuer *x, struct fleet_keys *fleet,
                                struct heads *heads, const char *own)
{
    for (size_t i = 0; i < fleet->n; i++) {
        struct document *row = &fleet->rows[i];
        bool is_own = strcmp(row->thumbprint, own) == 0;
        struct errmsg errmsg = {""};
        enum tok_err err;

        if (is_own && !fleet->stored)
            continue; /* it is written again */
        err = read_row(x, heads, row, &errmsg);
        if (err == TOK_OK)
            err = heads_add(heads, &row->read, &errmsg);
        if (err == TOK_NO_MEMORY)
            return err;
        /* Of our own document the earlier bundle keys count, which are not trusted any more. */
        if (err == TOK_OK && !is_own)
            continue;
        if (!is_own)
            log_ignored(x, row, errmsg.text[0] ? errmsg.text : tok_err_text(err));
        bundle_clear(&row->read);
    }
    for (size_t i = 0; i < fleet->n; i++) {
        struct document *row = &fleet->rows[i];

        if (row->read.n_chain > 0 && !heads_has(heads, &row->read))
            bundle_clear(&row->read);
        if (!add_peer(&fleet->peers, &row->read, BUNDLE_KEYS_MAX - x->keys.n))
            log_ignored(x, row, "more than 64 keys");
    }
    return TOK_OK;
}

/* Our own thumbprint. */
static enum tok_err own_thumbprint(const struct issuer *x, char ret[KEY_THUMBPRINT_LEN + 1])
{
    ret[KEY_THUMBPRINT_LEN] = '\0';
    return key_thumbprint(x->bundle->keys.signer, ret);
}

static bool same_peers(const struct bundle *a, const struct bundle *b)
{
    for (size_t i = 0; i < a->n_keys && i < b->n_keys; i++)
        if (a->states[i] != b->states[i] || keys_compare(a->keys[i], b->keys[i]) != 0 ||
            !key_is_same(a->keys[i], b->keys[i]))
            return false;
    return a->n_keys == b->n_keys;
}

/* Puts the keys that were read into effect. They are published before the next answer. */
static enum tok_err use(struct issuer *x, struct fleet_keys **fleet, struct errmsg *errmsg)
{
    struct fleet_keys *before = x->fleet;
    bool same = before && same_peers(&before->peers, &(*fleet)->peers);
    enum tok_err err = keys_set_peers(&x->keys, &(*fleet)->peers, errmsg);

    if (err != TOK_OK)
        return err;
    x->fleet = *fleet;
    *fleet = before;
    if (same)
        return TOK_OK;
    x->key_changes++;
    own_bundle_changed(x->bundle);
    return publish_keys(x->public_dir, &x->keys, errmsg);
}

static enum tok_err read_rows(const struct issuer *x, struct fleet_keys *fleet,
                              struct errmsg *errmsg)
{
    char own[KEY_THUMBPRINT_LEN + 1];
    struct heads heads, before;
    enum tok_err err = own_thumbprint(x, own);

    if (err == TOK_OK)
        err = heads_read(x->bundle->dir, x->service.settings.fleet.issuers, &heads, errmsg);
    if (err != TOK_OK)
        return err;
    before = heads;
    if (store_each_document(x->store, add_row, fleet) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    for (size_t i = 0; i < fleet->n; i++)
        if (strcmp(fleet->rows[i].thumbprint, own) == 0)
            fleet->stored = slice_eq(secret_slice(&fleet->rows[i].text),
                                     secret_slice(&x->bundle->document));
    err = accept_rows(x, fleet, &heads, own);
    if (err == TOK_OK && memcmp(&heads, &before, sizeof(heads)) != 0)
        err = heads_write(x->bundle->dir, &heads, errmsg);
    return err;
}

static enum tok_err read_all(struct issuer *x, int64_t counter, struct errmsg *errmsg)
{
    struct fleet_keys *fleet = calloc(1, sizeof(*fleet));
    enum tok_err err = fleet ? read_rows(x, fleet, errmsg) : TOK_NO_MEMORY;

    if (err == TOK_OK) {
        fleet->counter = counter;
        err = use(x, &fleet, errmsg);
    }
    fleet_keys_free(fleet);
    return err;
}

/* Removes the rows of our earlier bundle keys. */
static enum store_result remove_earlier(struct issuer *x)
{
    for (size_t i = 0; i < x->bundle->keys.n; i++) {
        const struct signing_key *k = &x->bundle->keys.keys[i];

        if (k->key != x->bundle->keys.signer &&
            store_remove_document(x->store, k->thumbprint) == STORE_FAILED)
            return STORE_FAILED;
    }
    return STORE_DONE;
}

enum tok_err fleet_keys_put(struct issuer *x, struct errmsg *errmsg)
{
    struct own_bundle *b = x->bundle;
    char own[KEY_THUMBPRINT_LEN + 1];
    enum tok_err err = TOK_OK;

    if (!fleet_keys_enabled(x) || !x->fleet || (x->fleet->stored && b->document.n > 0))
        return TOK_OK;
    if (b->document.n == 0)
        err = own_bundle_sign_keys(b, &x->keys, x->names.issuer, issuer_wall_us(x), errmsg);
    if (err == TOK_OK)
        err = own_thumbprint(x, own);
    if (err != TOK_OK)
        return err;
    x->fleet->counter = -1;
    x->fleet->stored = true; /* if not, the next transaction sees it */
    if (store_put_document(x->store, own, b->document.p) != STORE_DONE ||
        remove_earlier(x) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    return TOK_OK;
}

enum tok_err fleet_keys_reload(struct issuer *x, struct errmsg *errmsg)
{
    x->key_changes++;
    own_bundle_keys_changed(x->bundle);
    if (!x->fleet || !fleet_keys_enabled(x))
        return TOK_OK;
    x->fleet->counter = -1;
    return keys_set_peers(&x->keys, &x->fleet->peers, errmsg);
}

enum tok_err fleet_keys_follow(struct issuer *x, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    if (!fleet_keys_enabled(x))
        return TOK_OK;
    if (fleet_keys_behind(x))
        err = read_all(x, store_changes(x->store).keys, errmsg);
    return err != TOK_OK ? err : fleet_keys_put(x, errmsg);
}

enum tok_err fleet_keys_now(struct issuer *x, struct errmsg *errmsg)
{
    return fleet_keys_enabled(x) ? issuer_transact(x, fleet_keys_follow, errmsg) : TOK_OK;
}
