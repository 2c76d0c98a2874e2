/* Key sets in the shapes in which issuers publish them: tests/data/keysets. */
#include "common/base/text.h"
#include "common/jose/keyset.h"

#include "tests/unit/forge.h"

#include <json-c/json.h>

#define SHAPES_MIN 40

static const char *text_at(struct json_object *list, size_t i)
{
    return json_object_get_string(json_object_array_get_idx(list, i));
}

/* The fixed key of this name as a private one. */
static struct key *private_key(const char *name, const struct alg *alg)
{
    struct key *key = NULL;
    char path[64];
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/%s.pem", strstr(name, "_short") ? "keysets" : "keys",
                   name);

    CLEANUP(cleanup_free) char *pem = forge_data(path, &n);

    ck_assert_ok(key_read(&(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg)},
                          (struct slice){pem, n}, &key, NULL));
    return key;
}

/* The key verifies what the private key signs by this algorithm, and has its thumbprint. */
static void check_pair(const struct key *key, const char *name, const struct alg *alg)
{
    CLEANUP(cleanup_key) struct key *signer = private_key(name, alg);
    char signature[KEY_SIGNATURE_MAX], want[KEY_THUMBPRINT_LEN], got[KEY_THUMBPRINT_LEN];
    struct slice s = {signature, key_sig_len(signer)};

    ck_assert_ok(key_sign(signer, SLICE("a text"), signature));
    ck_assert_ok(key_verify_as(key, alg, SLICE("a text"), s));
    ck_assert_err(key_verify_as(key, alg, SLICE("a texT"), s), TOK_SIGNATURE);
    ck_assert_ok(key_thumbprint(signer, want));
    ck_assert_ok(key_thumbprint(key, got));
    ck_assert_mem_eq(got, want, sizeof(want));
}

/* used: kid, algorithms and the name of the private key. */
static void check_used(const struct key *key, struct json_object *used)
{
    struct slice rest = text_slice(text_at(used, 1)), name;
    alg_set algs = 0;

    ck_assert(slice_is(key_kid(key), text_at(used, 0)));
    while (text_next_word(&rest, ',', &name))
        algs |= alg_bit(alg_find(name));
    ck_assert_uint_eq(key_algs(key), algs);
    for (size_t i = 0; alg_at(i); i++)
        if (algs & alg_bit(alg_at(i)))
            check_pair(key, text_at(used, 2), alg_at(i));
        else
            ck_assert_err(key_verify_as(key, alg_at(i), SLICE("x"), SLICE("x")), TOK_ALG);
}

static void check_set(const struct keyset *set, struct json_object *shape)
{
    struct json_object *used = json_object_object_get(shape, "used");
    struct json_object *skipped = json_object_object_get(shape, "skipped");
    size_t n = json_object_array_length(skipped);

    ck_assert_uint_eq(keyset_size(set), json_object_array_length(used));
    for (size_t i = 0; i < keyset_size(set); i++)
        check_used(keyset_at(set, i), json_object_array_get_idx(used, i));
    for (size_t i = 0; i < n; i++) {
        const char *reason = keyset_skipped(set, i);

        ck_assert_msg(reason && strstr(reason, text_at(skipped, i)) == reason, "%s", reason);
    }
    ck_assert_ptr_null(keyset_skipped(set, n));
}

START_TEST(each_published_shape_is_read_as_the_table_says)
{
    size_t size;
    CLEANUP(cleanup_free) char *text = forge_data("keysets/shapes.json", &size);
    struct json_object *shapes = json_tokener_parse(text);
    size_t n = json_object_array_length(shapes);

    ck_assert_uint_ge(n, SHAPES_MIN);
    for (size_t i = 0; i < n; i++) {
        struct json_object *shape = json_object_array_get_idx(shapes, i);
        struct json_object *file = json_object_object_get(shape, "set");
        const char *name = json_object_get_string(json_object_object_get(shape, "name"));
        const char *error = json_object_get_string(json_object_object_get(shape, "error"));
        struct slice bytes = {json_object_get_string(file),
                              (size_t)json_object_get_string_len(file)};
        CLEANUP(cleanup_keyset) struct keyset *set = NULL;
        struct errmsg errmsg = {""};
        enum tok_err err = keyset_parse(NULL, bytes, alg_set_default(), &set, &errmsg);

        printf("# %s\n", name);
        (void)fflush(stdout);
        ck_assert_err(err, error ? TOK_KEYS : TOK_OK);
        ck_assert_msg(!error || strstr(errmsg.text, error) == errmsg.text, "%s", errmsg.text);
        if (!error)
            check_set(set, shape);
    }
    json_object_put(shapes);
}
END_TEST

UNIT_MAIN("shapes", each_published_shape_is_read_as_the_table_says)
