#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/keys/signer.h"
#include "jwtd/issuer/load.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/json_build.h"
#include "jwtd/shared/messages.h"

#include <string.h>

#define WAITING_MAX 4 /* keys that wait to sign */
#define JWKS_MAX 8192 /* bytes of jwks.json: one more key fits the bundle (BUNDLE_MAX) */

static void log_failure(const char *message, enum tok_err err, const struct errmsg *errmsg)
{
    LOG(LOG_ERR, MESSAGE_KEYS, message,
        {"cause", errmsg->text[0] ? errmsg->text : tok_err_text(err)});
}

/* What a request changes: the keys that sign tokens, or those that sign bundles. The lock is
 * held until *ret_fd is closed. */
static enum tok_err begin(struct issuer *x, bool bundle, int *ret_fd, struct key_rotation *ret,
                          struct errmsg *errmsg)
{
    enum tok_err err = load_lock(x, ret_fd, errmsg);

    own_bundle_keys_changed(x->bundle);
    x->key_changes++;
    if (err != TOK_OK || !bundle)
        return err == TOK_OK ? load_rotation(x, ret, errmsg) : err;
    *ret = (struct key_rotation){.keys = &x->bundle->keys,
                                 .dir = x->bundle->dir,
                                 .algorithm = alg_find(SLICE(BUNDLE_ALG)),
                                 .last_exp = own_bundle_next_time(x->bundle, issuer_wall(x))};
    return TOK_OK;
}

/* Lets this key sign at once. After an error `signer` may name either key: a key that signed on
 * unknown would be retired too early. Without keys the turn fails, and they are loaded again.
 */
static enum tok_err sign_with(struct issuer *x, const struct key_rotation *rotation,
                              const struct key *key, struct errmsg *errmsg)
{
    enum tok_err err = rotation_sign_with(rotation, key, errmsg);

    if (err == TOK_OK)
        return TOK_OK;
    log_failure("Cannot replace the signing key", err, errmsg);
    keys_clear(&x->keys);
    keys_clear(&x->bundle->keys);
    return err;
}

static enum wire_status rotate(struct issuer *x, struct issuer_request *r, bool bundle,
                               const struct alg *alg)
{
    CLEANUP(cleanup_close) int fd = -1;
    uint64_t wait = bundle ? 0 : x->service.settings.token.key_propagation / SECOND;
    bool signs = bundle || alg == x->service.settings.token.algorithm;
    int64_t from = signs && wait > 0 ? issuer_wall(x) + (int64_t)wait : 0;
    char kid[KEY_KID_LEN + 1] = "", old[KEY_KID_MAX + 1] = "";
    struct key_rotation rotation;
    struct errmsg errmsg = {""};
    enum tok_err err = begin(x, bundle, &fd, &rotation, &errmsg);

    if (err == TOK_OK)
        err = rotation_add(&rotation, alg, from, kid, &errmsg);
    if (err != TOK_OK) {
        log_failure("Cannot add a key", err, &errmsg);
        return WIRE_UNAVAILABLE;
    }
    signs = signs && from == 0;
    if (signs) {
        key_kid_copy(rotation.keys->signer, old);
        err = sign_with(x, &rotation, keys_find(rotation.keys, kid), &errmsg);
    }
    if (err != TOK_OK)
        return WIRE_UNAVAILABLE;
    LOG(LOG_NOTICE, MESSAGE_KEYS,
        bundle  ? "Bundle key replaced"
        : signs ? "Signing key replaced"
                : "Key added",
        {"kid", kid}, {"algorithm", alg->name}, {"before", old[0] ? old : NULL});
    return request_reply(r, (union wire_value[]){{.text = slice_of(kid)},
                                                 {.text = slice_of(old)},
                                                 {.number = (uint64_t)from}});
}

/* Whether one more key is within the limits: of the directory, of the keys that wait to sign,
 * of the bundle. */
static bool has_room(const struct issuer *x, bool bundle)
{
    size_t waiting = 0;

    if (bundle)
        return x->bundle->keys.n < BUNDLE_CHAIN_MAX;
    for (size_t i = 0; i < x->keys.n; i++)
        waiting += x->keys.keys[i].from > 0;
    return x->keys.n < KEYS_MAX && waiting < WAITING_MAX && strlen(x->keys.jwks) < JWKS_MAX;
}

enum wire_status handle_admin_rotate(struct issuer *x, struct issuer_request *r)
{
    struct slice name = request_text(r, 0);
    bool bundle = r->message.v[1].number != 0;
    const struct alg *alg = x->service.settings.token.algorithm;

    if (bundle)
        alg = alg_find(SLICE(BUNDLE_ALG));
    else if (name.n > 0)
        alg = alg_find(name);
    if (!alg || (!bundle && !keys_compatible(&x->keys, alg)))
        return WIRE_NO_KEY;
    return has_room(x, bundle) ? rotate(x, r, bundle, alg) : WIRE_NOT_ALLOWED;
}

/* `jwtctl key retire`, by its request. */
struct retirement {
    struct slice kid; /* empty: all */
    enum wire_retire how;
    struct signing_keys *keys;
    int64_t now;
};

static bool is_requested(const struct retirement *t, const struct signing_key *key)
{
    return t->kid.n == 0 || slice_eq(key_kid(key->key), t->kid);
}

static bool any_requested(const struct retirement *t)
{
    for (size_t i = 0; i < t->keys->n; i++)
        if (is_requested(t, &t->keys->keys[i]))
            return true;
    return false;
}

/* [{"kid"[,"until"][,"from"]}] of the requested keys that are, or are not, to be removed;
 * without the signer. */
static struct json_object *key_list(const struct retirement *t, bool removed)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < t->keys->n; i++) {
        const struct signing_key *k = &t->keys->keys[i];
        bool ready = t->how != WIRE_RETIRE_EXPIRED || rotation_expired(t->keys, k, t->now);
        struct json_object *key;

        if (!is_requested(t, k) || k->key == t->keys->signer || ready != removed)
            continue;
        key = json_with(json_object_new_object(), "kid", json_string(key_kid(k->key)));
        if (k->until > 0)
            key = json_with(key, "until", json_object_new_int64(k->until));
        if (k->from > 0)
            key = json_with(key, "from", json_object_new_int64(k->from));
        list = json_list_with(list, key);
    }
    return list;
}

static struct json_object *describe(const struct retirement *t)
{
    struct json_object *reply = json_object_new_object();

    reply = json_with(reply, "retired", key_list(t, true));
    reply = json_with(reply, "kept", key_list(t, false));
    return json_with(reply, "signs", json_string(key_kid(t->keys->signer)));
}

/* Removes the keys of the list "retired". */
static enum tok_err remove_keys(const struct key_rotation *rotation, struct json_object *reply,
                                struct errmsg *errmsg)
{
    struct json_object *keys = json_object_object_get(reply, "retired");

    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);
        const char *kid = json_object_get_string(json_object_object_get(key, "kid"));
        enum tok_err err = rotation_remove(rotation, slice_of(kid), errmsg);

        if (err != TOK_OK)
            return err;
        LOG(LOG_NOTICE, MESSAGE_KEYS,
            rotation->public_dir ? "Key retired" : "Bundle key retired", {"kid", kid});
    }
    return TOK_OK;
}

/* Before the signer is removed another key signs: one that waits, which hosts may have already,
 * else a new one. */
static enum tok_err replace_signer(struct issuer *x, const struct key_rotation *rotation,
                                   struct errmsg *errmsg)
{
    const struct key *next = keys_due(&x->keys, rotation->algorithm, INT64_MAX);
    char kid[KEY_KID_MAX + 1];
    enum tok_err err = TOK_OK;

    if (next)
        key_kid_copy(next, kid);
    else
        err = rotation_add(rotation, rotation->algorithm, 0, kid, errmsg);
    if (err == TOK_OK)
        err = sign_with(x, rotation, keys_find(&x->keys, kid), errmsg);
    if (err == TOK_OK)
        LOG(LOG_NOTICE, MESSAGE_KEYS, "Signing key replaced", {"kid", kid});
    return err;
}

enum wire_status handle_admin_retire(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(cleanup_close) int fd = -1;
    bool bundle = r->message.v[1].number == WIRE_RETIRE_BUNDLE;
    struct retirement t = {.kid = request_text(r, 0),
                           .how = (enum wire_retire)r->message.v[1].number,
                           .keys = bundle ? &x->bundle->keys : &x->keys,
                           .now = issuer_wall(x)};
    struct json_object *reply = NULL;
    struct key_rotation rotation;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (!any_requested(&t) || (t.how != WIRE_RETIRE_EXPIRED && t.kid.n == 0))
        return WIRE_NO_KEY;
    err = begin(x, bundle, &fd, &rotation, &errmsg);
    if (err == TOK_OK)
        err = rotation_complete(&rotation, &errmsg);
    if (err == TOK_OK && t.how == WIRE_RETIRE_NOW && slice_eq(key_kid(x->keys.signer), t.kid))
        err = replace_signer(x, &rotation, &errmsg);
    if (err == TOK_OK) {
        reply = describe(&t);
        err = reply ? remove_keys(&rotation, reply, &errmsg) : TOK_NO_MEMORY;
    }
    if (err == TOK_OK)
        return request_reply_json(r, reply);
    log_failure("Cannot retire keys", err, &errmsg);
    json_object_put(reply);
    return WIRE_UNAVAILABLE;
}
