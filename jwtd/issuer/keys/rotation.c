#include "jwtd/issuer/keys/rotation.h"

#include "jwtd/issuer/keys/publish.h"

/* Reads the directory again and publishes it; only then are the new keys in use. */
static enum tok_err reload(const struct key_rotation *r, struct errmsg *errmsg)
{
    struct signing_keys fresh = {0};
    enum tok_err err = keys_load(r->dir, r->algorithm, &fresh, errmsg);

    if (err == TOK_OK && r->keys->peers)
        err = keys_set_peers(&fresh, r->keys->peers, errmsg);
    if (err == TOK_OK && r->public_dir)
        err = publish_keys(r->public_dir, &fresh, errmsg);
    if (err != TOK_OK) {
        keys_clear(&fresh);
        return err;
    }
    keys_clear(r->keys);
    *r->keys = fresh;
    return TOK_OK;
}

enum tok_err rotation_sign_with(const struct key_rotation *r, const struct key *signer,
                                struct errmsg *errmsg)
{
    return keys_set_signer(r->dir, r->keys, signer, r->last_exp, errmsg);
}

enum tok_err rotation_add(const struct key_rotation *r, const struct alg *alg, int64_t from,
                          char ret_kid[KEY_KID_LEN + 1], struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = rotation_sign_with(r, r->keys->signer, errmsg);

    if (err == TOK_OK)
        err = keys_add(r->dir, alg, ret_kid, &path, errmsg);
    if (err != TOK_OK)
        return err;
    err = reload(r, errmsg);
    if (err != TOK_OK)
        (void)unlink(path);
    if (err != TOK_OK || from == 0)
        return err;
    for (size_t i = 0; i < r->keys->n; i++)
        if (slice_is(key_kid(r->keys->keys[i].key), ret_kid))
            r->keys->keys[i].from = from;
    return rotation_sign_with(r, r->keys->signer, errmsg);
}

enum tok_err rotation_complete(const struct key_rotation *r, struct errmsg *errmsg)
{
    for (size_t i = 0; i < r->keys->n; i++) {
        const struct signing_key *key = &r->keys->keys[i];

        if (key->until == 0 && key->from == 0 && key->key != r->keys->signer)
            return rotation_sign_with(r, r->keys->signer, errmsg);
    }
    return TOK_OK;
}

bool rotation_expired(const struct signing_keys *keys, const struct signing_key *key,
                      int64_t now)
{
    return key->key != keys->signer && key->until > 0 && key->until <= now;
}

enum tok_err rotation_remove(const struct key_rotation *r, struct slice kid,
                             struct errmsg *errmsg)
{
    for (size_t i = 0; i < r->keys->n; i++) {
        const struct signing_key *key = &r->keys->keys[i];
        enum tok_err err;

        if (!slice_eq(key_kid(key->key), kid))
            continue;
        err = keys_remove(r->dir, key, errmsg);
        return err == TOK_OK ? reload(r, errmsg) : err;
    }
    return TOK_OK;
}
