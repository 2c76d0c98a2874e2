#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/load.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/json_build.h"
#include "jwtd/shared/messages.h"

#include <string.h>

static void log_failure(const char *message, enum tok_err err, const struct errmsg *errmsg)
{
    LOG(LOG_ERR, MESSAGE_KEYS, message,
        {"cause", errmsg->text[0] ? errmsg->text : tok_err_text(err)});
}

/* The lock is held until *ret_fd is closed. */
static enum tok_err begin(struct issuer *x, int *ret_fd, struct key_rotation *ret,
                          struct errmsg *errmsg)
{
    enum tok_err err = load_lock(x, ret_fd, errmsg);

    return err == TOK_OK ? load_rotation(x, ret, errmsg) : err;
}

static enum wire_status rotate(struct issuer *x, struct issuer_request *r,
                               const struct alg *alg)
{
    CLEANUP(cleanup_close) int fd = -1;
    bool signs = alg == x->service.settings.token.algorithm;
    char kid[KEY_KID_LEN + 1] = "", old[KEY_KID_MAX + 1] = "";
    struct key_rotation rotation;
    struct errmsg errmsg = {""};
    enum tok_err err = begin(x, &fd, &rotation, &errmsg);

    if (err == TOK_OK)
        err = rotation_add(&rotation, alg, kid, &errmsg);
    if (err != TOK_OK) {
        log_failure("Cannot add a key", err, &errmsg);
        return WIRE_UNAVAILABLE;
    }
    if (signs) {
        key_kid_copy(x->keys.signer, old);
        err = rotation_sign_with(&rotation, keys_find(&x->keys, kid), &errmsg);
    }
    if (err != TOK_OK) {
        /* `signer` may name either key: a key that signed on unknown would be retired too
         * early. Without keys the turn fails, and they are loaded again. */
        log_failure("Cannot replace the signing key", err, &errmsg);
        keys_clear(&x->keys);
        return WIRE_UNAVAILABLE;
    }
    LOG(LOG_NOTICE, MESSAGE_KEYS, signs ? "Signing key replaced" : "Key added", {"kid", kid},
        {"algorithm", alg->name}, {"before", old[0] ? old : NULL});
    return request_reply(
        r, (union wire_value[]){{.text = slice_of(kid)}, {.text = slice_of(old)}});
}

enum wire_status handle_admin_rotate(struct issuer *x, struct issuer_request *r)
{
    struct slice name = request_text(r, 0);
    const struct alg *alg = name.n > 0 ? alg_find(name) : x->service.settings.token.algorithm;

    if (!alg || !keys_compatible(&x->keys, alg))
        return WIRE_NO_KEY;
    return x->keys.n < KEYS_MAX ? rotate(x, r, alg) : WIRE_NOT_ALLOWED;
}

static bool is_requested(const struct issuer_request *r, const struct signing_key *key)
{
    struct slice kid = request_text(r, 0);

    return kid.n == 0 || slice_eq(key_kid(key->key), kid);
}

static bool any_requested(const struct issuer *x, const struct issuer_request *r)
{
    for (size_t i = 0; i < x->keys.n; i++)
        if (is_requested(r, &x->keys.keys[i]))
            return true;
    return false;
}

/* [{"kid","until"}] of the requested keys that have, or have not, expired; without the signer.
 */
static struct json_object *key_list(const struct issuer *x, const struct issuer_request *r,
                                    int64_t now, bool expired)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < x->keys.n; i++) {
        const struct signing_key *k = &x->keys.keys[i];
        struct json_object *key;

        if (!is_requested(r, k) || k->key == x->keys.signer ||
            rotation_expired(&x->keys, k, now) != expired)
            continue;
        key = json_with(json_object_new_object(), "kid", json_string(key_kid(k->key)));
        if (k->until > 0)
            key = json_with(key, "until", json_object_new_int64(k->until));
        list = json_list_with(list, key);
    }
    return list;
}

static struct json_object *describe(const struct issuer *x, const struct issuer_request *r)
{
    struct json_object *reply = json_object_new_object();
    int64_t now = issuer_wall();

    reply = json_with(reply, "retired", key_list(x, r, now, true));
    reply = json_with(reply, "kept", key_list(x, r, now, false));
    return json_with(reply, "signs", json_string(key_kid(x->keys.signer)));
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
        LOG(LOG_NOTICE, MESSAGE_KEYS, "Key retired", {"kid", kid});
    }
    return TOK_OK;
}

enum wire_status handle_admin_retire(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct json_object *reply = NULL;
    struct key_rotation rotation;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (!any_requested(x, r))
        return WIRE_NO_KEY;
    err = begin(x, &fd, &rotation, &errmsg);
    if (err == TOK_OK)
        err = rotation_complete(&rotation, &errmsg);
    if (err == TOK_OK) {
        reply = describe(x, r);
        err = reply ? remove_keys(&rotation, reply, &errmsg) : TOK_NO_MEMORY;
    }
    if (err == TOK_OK)
        return request_reply_json(r, reply);
    log_failure("Cannot retire keys", err, &errmsg);
    json_object_put(reply);
    return WIRE_UNAVAILABLE;
}
