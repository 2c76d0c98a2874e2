/* What verifies: our own keys and those of other issuers. */
#include "jwtd/issuer/keys/keys.h"

#include <stdio.h>
#include <string.h>

#define JWK_MAX 16384

int keys_compare(const struct key *a, const struct key *b)
{
    struct slice ka = key_kid(a), kb = key_kid(b);
    size_t n = ka.n < kb.n ? ka.n : kb.n;
    int order = memcmp(ka.p, kb.p, n);

    if (order != 0)
        return order;
    return (ka.n > kb.n) - (ka.n < kb.n);
}

static int by_listed_kid(const void *a, const void *b)
{
    return keys_compare(((const struct listed_key *)a)->key,
                        ((const struct listed_key *)b)->key);
}

enum bundle_key_state keys_state(const struct signing_keys *keys, const struct signing_key *k)
{
    if (k->key == keys->signer)
        return BUNDLE_KEY_SIGNING;
    return k->until > 0 ? BUNDLE_KEY_OLD : BUNDLE_KEY_NEXT;
}

size_t keys_list(const struct signing_keys *keys, struct listed_key ret[KEYS_LISTED_MAX])
{
    size_t n = 0;

    for (; n < keys->n; n++) {
        const struct signing_key *k = &keys->keys[n];

        ret[n] = (struct listed_key){k->key, keys_state(keys, k)};
    }
    for (size_t i = 0; keys->peers && i < keys->peers->n_keys; i++) {
        size_t own = 0;

        while (own < keys->n && keys_compare(ret[own].key, keys->peers->keys[i]) != 0)
            own++;
        if (own == keys->n)
            ret[n++] = (struct listed_key){keys->peers->keys[i], keys->peers->states[i]};
    }
    qsort(ret, n, sizeof(ret[0]), by_listed_kid);
    return n;
}

/* A key pair's public JWK; a secret's only JWK. */
static enum tok_err verifying_jwk(const struct key *key, struct secret *ret)
{
    char *jwk;
    enum tok_err err;

    if (key_alg(key)->kind == ALG_OCT)
        return key_private_jwk(key, ret);
    err = key_public_jwk(key, &jwk);
    if (err == TOK_OK)
        *ret = (struct secret){.p = jwk, .n = strlen(jwk)};
    return err;
}

/* {"keys":[...]} of all keys and a newline, in memory that is wiped: it may hold secrets. */
static enum tok_err write_jwks(const struct signing_keys *keys, struct secret *ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct listed_key list[KEYS_LISTED_MAX];
    size_t n = 0, n_keys = keys_list(keys, list);
    enum tok_err err = secret_alloc(n_keys * JWK_MAX + 16, &text);

    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < n_keys; i++) {
        CLEANUP(secret_clear) struct secret jwk = {0};

        err = verifying_jwk(list[i].key, &jwk);
        if (err != TOK_OK)
            return err;
        n += (size_t)snprintf(text.p + n, text.n - n, "%s%s", n > 0 ? "," : "{\"keys\":[",
                              jwk.p);
    }
    n += (size_t)snprintf(text.p + n, text.n - n, "]}\n");
    return secret_copy((struct slice){text.p, n}, ret);
}

/* Makes keys->set and keys->jwks. */
static enum tok_err make_sets(struct signing_keys *keys, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret jwks = {0};
    enum tok_err err;

    for (size_t i = 0; i < keys->n; i++)
        if (!keys_compatible(keys, key_alg(keys->keys[i].key)))
            return errmsg_set(errmsg, TOK_KEYS,
                              "contains HMAC secrets beside key pairs, expected one kind: "
                              "move the others away, which invalidates their tokens");
    err = write_jwks(keys, &jwks);
    if (err == TOK_OK)
        err = keyset_parse(NULL, secret_slice(&jwks), ~(alg_set)0, &keys->set, errmsg);
    if (err != TOK_OK)
        return err;
    if (keyset_skipped(keys->set, 0))
        return errmsg_set(errmsg, TOK_KEYS, "%s", keyset_skipped(keys->set, 0));
    return text_copy(key_alg(keys->signer)->kind == ALG_OCT ? SLICE("{\"keys\":[]}\n")
                                                            : secret_slice(&jwks),
                     &keys->jwks);
}

enum tok_err keys_set_peers(struct signing_keys *keys, const struct bundle *peers,
                            struct errmsg *errmsg)
{
    struct signing_keys next = *keys;
    enum tok_err err;

    next.peers = peers;
    next.set = NULL;
    next.jwks = NULL;
    err = make_sets(&next, errmsg);
    if (err != TOK_OK) {
        keyset_free(next.set);
        return err;
    }
    keyset_free(keys->set);
    free(keys->jwks);
    *keys = next;
    return TOK_OK;
}
