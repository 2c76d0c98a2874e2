/*
 * Any bytes at all as a file of keys; the first byte says which algorithms are allowed. Beyond
 * "no crash": a refusal has a sentence and leaves nothing; a set that was taken holds allowed
 * algorithms alone, several of one key for RSA only, finds a key by its kid, never two
 * different ones by one kid and alg, never a secret among public keys; each reason has a text;
 * read a second time it is the same.
 */
#include "common/jose/keyset.h"
#include "tests/fuzz/fuzz.h"

static void is_sound(const struct keyset *set, alg_set algorithms)
{
    size_t secrets = 0, n = keyset_size(set);

    must(n > 0 && !keyset_at(set, n));
    for (size_t i = 0; i < n; i++) {
        const struct key *key = keyset_at(set, i);
        struct slice kid = key_kid(key);

        must(key_algs(key) && !(key_algs(key) & ~algorithms));
        must(key_algs(key) == alg_bit(key_alg(key)) || key_alg(key)->kind == ALG_RSA);
        secrets += key_alg(key)->kind == ALG_OCT;
        must(!kid.n || slice_eq(key_kid(keyset_find(set, kid)), kid));
        must(key_sign(key, SLICE("x"), &(char[KEY_SIGNATURE_MAX]){0}) == TOK_KEYS);
        for (size_t j = 0; kid.n && j < i; j++)
            must(!slice_eq(kid, key_kid(keyset_at(set, j))) ||
                 !(key_algs(key) & key_algs(keyset_at(set, j))) ||
                 key_is_same(key, keyset_at(set, j)));
    }
    must(secrets == 0 || secrets == n);
    for (size_t i = 0; i < KEYSET_SKIPPED_MAX && keyset_skipped(set, i); i++)
        must(*keyset_skipped(set, i));
    must(!keyset_find(set, SLICE("")) && !keyset_find(set, SLICE("nobody is called so")));
}

static void is_same(const struct keyset *a, const struct keyset *b)
{
    must(keyset_size(a) == keyset_size(b));
    for (size_t i = 0; i < keyset_size(a); i++) {
        must(key_algs(keyset_at(a, i)) == key_algs(keyset_at(b, i)));
        must(slice_eq(key_kid(keyset_at(a, i)), key_kid(keyset_at(b, i))));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    unsigned choice = take_byte(&in);
    const struct alg *one = alg_at(choice);
    alg_set algorithms = one ? alg_bit(one) : choice & 1 ? 0x1fff : alg_set_default();
    CLEANUP(cleanup_free) char *exact = exact_copy(in);
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    CLEANUP(cleanup_keyset) struct keyset *again = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err =
        keyset_parse(NULL, (struct slice){exact, in.n}, algorithms, &set, &errmsg);

    if (err) {
        must(err == TOK_KEYS && !set && *errmsg.text);
        return 0;
    }
    is_sound(set, algorithms);
    must(keyset_parse(NULL, in, algorithms, &again, NULL) == TOK_OK);
    is_same(set, again);
    return 0;
}
