#include "common/jose/keyset.h"

#include "tests/unit/forge.h"

#include <sys/stat.h>

#define KEY(kid)                                                                               \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid "\",\"x\":\"" RFC8037_X "\"}"
#define NO_KID "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\"}"
#define RSA "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\",\"kid\":\"a\",\"n\":\"AQ\",\"e\":\"AQAB\"}"

static enum tok_err parse(const char *json, struct keyset **ret, struct errmsg *errmsg)
{
    return keyset_parse(NULL, text_slice(json), alg_set_default(), ret, errmsg);
}

START_TEST(a_key_is_found_by_its_kid)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(parse("{\"keys\":[" KEY("a") "," KEY("b") "," NO_KID "]}", &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 3);
    ck_assert_ptr_eq(keyset_find(set, SLICE("a")), keyset_at(set, 0));
    ck_assert_ptr_eq(keyset_find(set, SLICE("b")), keyset_at(set, 1));
    ck_assert_ptr_null(keyset_find(set, SLICE("c")));
    ck_assert_ptr_null(keyset_find(set, SLICE("A")));
    ck_assert_ptr_null(keyset_find(set, SLICE("a\0")));
    ck_assert_ptr_null(keyset_find(set, SLICE("")));
    ck_assert_ptr_null(keyset_at(set, 3));
}
END_TEST

START_TEST(one_jwk_is_a_set_of_one)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(parse(RFC8037_PUBLIC, &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_ptr_nonnull(keyset_find(set, SLICE("rfc8037")));
}
END_TEST

START_TEST(unsupported_keys_are_ignored)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(parse(
        "{\"x\":1,\"keys\":[" RSA ",{\"kty\":\"oct\",\"k\":\"AQ\"},"
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"use\":\"enc\",\"x\":\"AQ\"}," KEY("a") "]}",
        &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_ptr_nonnull(keyset_find(set, SLICE("a")));
}
END_TEST

/* RFC 7517 A.1: an EC key for encryption, an RSA key for RS256. */
START_TEST(a_key_for_another_use_is_ignored)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    size_t n;
    CLEANUP(cleanup_free) char *text = forge_data("rfc/rfc7517_A.1.jwkset", &n);

    ck_assert_ok(keyset_parse(NULL, (struct slice){text, n}, alg_set_default(), &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_str_eq(key_alg(keyset_at(set, 0))->name, "RS256");
    ck_assert_ptr_nonnull(keyset_find(set, SLICE("2011-04-29")));
}
END_TEST

/* A secret is used only where HMAC is allowed, alone, from a file that only the owner can read.
 */
#define SECRET                                                                                 \
    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"s\",\"k\":"                                  \
    "\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"                                          \
    "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\""                                              \
    "}"

START_TEST(a_secret_is_used_only_where_its_algorithm_is_allowed)
{
    const alg_set hs256 = alg_bit(alg_find(SLICE("HS256")));
    struct keyset *set = NULL;
    struct errmsg errmsg = {0};

    ck_assert_err(parse(SECRET, &set, &errmsg), TOK_KEYS);
    ck_assert_msg(strstr(errmsg.text, "HS256 is not allowed (algorithms=)"), "%s", errmsg.text);
    ck_assert_err(keyset_parse(NULL, text_slice(SECRET), alg_bit(alg_find(SLICE("HS384"))),
                               &set, &errmsg),
                  TOK_KEYS);
    ck_assert_ptr_null(set);
    ck_assert_ok(keyset_parse(NULL, text_slice(SECRET), hs256, &set, &errmsg));
    ck_assert_uint_eq(keyset_size(set), 1);
    keyset_free(set);
}
END_TEST

START_TEST(a_secret_among_public_keys_is_not_used)
{
    static const char *const files[] = {"{\"keys\":[" SECRET "," KEY("a") "]}",
                                        "{\"keys\":[" KEY("a") "," SECRET "]}"};
    const alg_set sets[] = {~(alg_set)0, alg_set_default(), alg_bit(alg_find(SLICE("HS256")))};

    for (size_t i = 0; i < 6; i++) {
        struct keyset *set = NULL;
        struct errmsg errmsg = {0};

        /* Where HS256 alone is allowed, the public key is the one that is skipped. */
        ck_assert_ok(keyset_parse(NULL, text_slice(files[i % 2]), sets[i / 2], &set, &errmsg));
        ck_assert_str_eq(key_alg(keyset_at(set, 0))->name, i / 2 == 2 ? "HS256" : "EdDSA");
        ck_assert_uint_eq(keyset_size(set), 1);
        ck_assert_ptr_nonnull(keyset_skipped(set, 0));
        keyset_free(set);
    }
}
END_TEST

START_TEST(a_secret_that_others_can_read_is_refused)
{
    const alg_set hs256 = alg_bit(alg_find(SLICE("HS256")));
    char dir[] = "/tmp/keyset-XXXXXX", path[64];
    struct keyset *set = NULL;
    struct errmsg errmsg = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/secret.jwk", dir);
    ck_assert_ok(file_write(path, text_slice(SECRET), 0600, &errmsg));
    for (unsigned bit = 01; bit <= 040; bit <<= 1) {
        ck_assert_int_eq(chmod(path, 0600 | bit), 0);
        ck_assert_err(
            keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, hs256}, &set, &errmsg),
            TOK_KEYS);
        ck_assert_ptr_null(set);
    }
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_err(
        keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, hs256}, &set, &errmsg),
        TOK_KEYS);
    ck_assert_msg(
        strstr(errmsg.text, "has a secret (oct) key and mode 0644; expected no permission"),
        "%s", errmsg.text);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_ok(
        keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, hs256}, &set, &errmsg));
    keyset_free(set);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_set_without_a_usable_key_is_refused)
{
    static const struct {
        const char *file, *says;
    } files[] = {
        {"rfc/rfc7517_A.2.jwkset",
         "no usable key; key 1: use: expected \"sig\" (kid 1); key 2: d: found a private key"},
        {"rfc/rfc7517_A.3.jwkset", "no usable key; key 1: alg"},
        {"rfc/rfc7515_A.1.jwk", "no usable key; key 1: alg"},
        {"rfc/rfc7515_A.2.jwk", "no usable key; key 1: d: found a private key"},
        {"rfc/rfc7515_A.3.jwk", "no usable key; key 1: d: found a private key"}};
    struct keyset *set = NULL;
    struct errmsg errmsg;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t n;
        CLEANUP(cleanup_free) char *text = forge_data(files[i].file, &n);

        ck_assert_err(
            keyset_parse(NULL, (struct slice){text, n}, alg_set_default(), &set, &errmsg),
            TOK_KEYS);
        ck_assert_msg(strstr(errmsg.text, files[i].says) == errmsg.text, "%s: %s",
                      files[i].file, errmsg.text);
    }
    ck_assert_err(parse("{\"keys\":[]}", &set, &errmsg), TOK_KEYS);
    ck_assert_err(keyset_parse(NULL, text_slice(RFC8037_PUBLIC), 0, &set, &errmsg), TOK_KEYS);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(a_text_that_is_no_set_is_refused)
{
    static const struct {
        const char *json, *says;
    } wrong[] = {
        {"", "expected a JWK Set, a JWK or PEM"},
        {"[" KEY("a") "]", "expected a JWK Set, a JWK or PEM"},
        {"\xef\xbb\xbf{\"keys\":[" KEY("a") "]}",
         "expected a JWK Set, a JWK or PEM: byte order mark"},
        {"{}", "expected a JWK Set (keys)"},
        {"{\"keys\":{}}", "keys"},
        {"{\"keys\":null}", "keys"},
        {"{\"keys\":[" KEY("a") "],\"keys\":[]}",
         "expected a JWK Set, a JWK or PEM: duplicate member"},
        {"{\"keys\":[" KEY("a") ",{\"kty\":\"RSA\",\"kty\":\"oct\"}]}",
         "expected a JWK Set, a JWK or PEM: duplicate member"},
        {"{\"keys\":[" KEY("a") ",{]}", "expected a JWK Set, a JWK or PEM"},
        {RFC8037_PRIVATE, "no usable key; key 1: d"},
        {"{\"kty\":7}", "no usable key; key 1: kty"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct keyset *set = NULL;
        struct errmsg errmsg = {0};

        ck_assert_err(parse(wrong[i].json, &set, &errmsg), TOK_KEYS);
        ck_assert_msg(strstr(errmsg.text, wrong[i].says) == errmsg.text, "%s: %s",
                      wrong[i].json, errmsg.text);
        ck_assert_ptr_null(set);
    }
}
END_TEST

START_TEST(a_key_that_cannot_be_used_is_skipped_and_the_reason_kept)
{
    static const struct {
        const char *key, *says;
    } wrong[] = {
        {"1", "key 2: expected a JWK or PEM"},
        {"null", "key 2: expected a JWK or PEM"},
        {"\"-----BEGIN PUBLIC KEY-----\"", "key 2: expected a JWK or PEM"},
        {"{}", "key 2: kty: missing"},
        {"{\"kid\":\"b\"}", "key 2: kty: missing (kid b)"},
        {RSA, "key 2: alg: not supported (kid a)"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"A\"}", "key 2: x"},
        {RFC8037_PRIVATE, "key 2: d: found a private key"},
        {"{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"" RFC8037_X "\"}", "key 2: alg: HS256"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CLEANUP(cleanup_keyset) struct keyset *set = NULL;
        CLEANUP(cleanup_free) char *text = NULL;
        struct errmsg errmsg = {0};

        ck_assert_int_gt(
            asprintf(&text, "{\"keys\":[%s,%s,%s]}", KEY("a"), wrong[i].key, KEY("c")), 0);
        ck_assert_msg(parse(text, &set, &errmsg) == TOK_OK, "%s", errmsg.text);
        ck_assert_uint_eq(keyset_size(set), 2);
        ck_assert_ptr_nonnull(keyset_find(set, SLICE("c")));
        ck_assert_msg(strstr(keyset_skipped(set, 0), wrong[i].says) == keyset_skipped(set, 0),
                      "%s", keyset_skipped(set, 0));
        ck_assert_ptr_null(keyset_skipped(set, 1));
        ck_assert_str_eq(errmsg.text, "");
    }
}
END_TEST

START_TEST(only_the_first_reasons_are_kept)
{
    char text[512] = "{\"keys\":[";
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    for (size_t i = 0; i < KEYSET_SKIPPED_MAX + 3; i++)
        (void)strcat(text, "1,");
    (void)strcat(text, KEY("a") "]}");
    ck_assert_ok(parse(text, &set, NULL));
    ck_assert_ptr_nonnull(strstr(keyset_skipped(set, KEYSET_SKIPPED_MAX - 2), "key 15: "));
    ck_assert_str_eq(keyset_skipped(set, KEYSET_SKIPPED_MAX - 1), "and 4 more");
    ck_assert_ptr_null(keyset_skipped(set, KEYSET_SKIPPED_MAX));
}
END_TEST

#define OTHER_X "C0I-Qp-VPxW5TSb5oLVgRrBjk0kSpxiUqaWZ-LcoiC8"
#define EC_KEY(kid)                                                                            \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\","                                   \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                   \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

START_TEST(keys_are_known_by_kid_and_alg)
{
    static const struct {
        const char *keys;
        size_t usable, skipped;
    } sets[] = {
        {KEY("a") "," EC_KEY("a"), 2, 0},
        {KEY("a") "," EC_KEY("a") "," KEY("\\u0061"), 2, 0}, /* the same key twice */
        {KEY("a") ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"use\":\"enc\",\"x\":"
                  "\"AA\"}",
         1, 1},
        /* Two keys: neither, however often and in whatever order they come. */
        {EC_KEY("a") "," KEY(
             "a") ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"" OTHER_X "\"}",
         1, 2},
        {EC_KEY("a") "," KEY(
             "a") ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"" OTHER_X
                  "\"}," KEY("a") "," KEY("b"),
         2, 2},
    };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        CLEANUP(cleanup_keyset) struct keyset *set = NULL;
        CLEANUP(cleanup_free) char *text = NULL;
        size_t skipped = 0;

        ck_assert_int_gt(asprintf(&text, "{\"keys\":[%s]}", sets[i].keys), 0);
        ck_assert_ok(parse(text, &set, NULL));
        while (keyset_skipped(set, skipped))
            skipped++;
        ck_assert_msg(keyset_size(set) == sets[i].usable && skipped == sets[i].skipped,
                      "%s: %zu, %zu", sets[i].keys, keyset_size(set), skipped);
    }
}
END_TEST

START_TEST(two_keys_without_kid_are_no_duplicates)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(parse("{\"keys\":[" NO_KID "," NO_KID "]}", &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 2);
}
END_TEST

/* A set of n keys, k0 and so on; free it. */
static char *many(size_t n)
{
    size_t size = n * 128 + 16, at = 0;
    char *json = malloc(size);

    ck_assert_ptr_nonnull(json);
    at += (size_t)snprintf(json, size, "{\"keys\":[");
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(json + at, size - at,
                               "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k%zu\","
                               "\"x\":\"" RFC8037_X "\"}",
                               i ? "," : "", i);
    (void)snprintf(json + at, size - at, "]}");
    return json;
}

START_TEST(ten_thousand_keys_are_all_found)
{
    CLEANUP(cleanup_free) char *json = many(10000);
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(parse(json, &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 10000);
    for (size_t i = 0; i < 10000; i++) {
        char kid[16];

        (void)snprintf(kid, sizeof(kid), "k%zu", i);
        ck_assert_ptr_eq(keyset_find(set, text_slice(kid)), keyset_at(set, i));
    }
    ck_assert_ptr_null(keyset_find(set, SLICE("k10000")));
}
END_TEST

START_TEST(a_file_is_read_and_its_path_begins_the_message)
{
    char dir[] = "/tmp/keyset-XXXXXX", path[64], start[128];
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    struct errmsg errmsg = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", dir);
    ck_assert_err(keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, alg_set_default()},
                              &set, &errmsg),
                  TOK_KEYS);
    ck_assert_msg(strstr(errmsg.text, path) != NULL, "%s", errmsg.text);
    ck_assert_ok(file_write(path, SLICE(RFC8037_PUBLIC), 0644, &errmsg));
    ck_assert_ok(keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, alg_set_default()},
                             &set, &errmsg));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_err(keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, alg_set_default()},
                              &set, &errmsg),
                  TOK_KEYS);
    ck_assert_ok(file_write(path, SLICE("{\"keys\":[1]}"), 0644, &errmsg));
    ck_assert_err(keyset_load(&(struct keyset_source){NULL, path, FILE_OWN, alg_set_default()},
                              &set, &errmsg),
                  TOK_KEYS);
    (void)snprintf(start, sizeof(start), "%s: no usable key; key 1: ", path);
    ck_assert_msg(strstr(errmsg.text, start) == errmsg.text, "%s", errmsg.text);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_changed_key_file_is_read_again_and_whole)
{
    CLEANUP(keyset_file_clear) struct keyset_file file = {0};
    char dir[] = "/tmp/keyset-XXXXXX", path[64], other[80];
    const struct keyset *set, *again;
    struct errmsg errmsg = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", dir);
    (void)snprintf(other, sizeof(other), "%s/other", dir);
    file.from = (struct keyset_source){NULL, path, FILE_OWN, alg_set_default()};
    ck_assert_err(keyset_file_get(&file, &set, &errmsg), TOK_KEYS);
    ck_assert_msg(strstr(errmsg.text, path) == errmsg.text, "%s", errmsg.text);
    ck_assert_ok(file_write(path, SLICE(KEY("a")), 0644, &errmsg));
    ck_assert_ok(keyset_file_get(&file, &set, &errmsg));
    ck_assert_ptr_nonnull(keyset_find(set, SLICE("a")));
    ck_assert_ok(keyset_file_get(&file, &again, &errmsg));
    ck_assert_ptr_eq(set, again); /* the same file is not read again */
    ck_assert_ok(file_write(path, SLICE(KEY("b")), 0644, &errmsg)); /* of the same size */
    ck_assert_ok(keyset_file_get(&file, &set, &errmsg));
    ck_assert_ptr_nonnull(keyset_find(set, SLICE("b")));
    ck_assert_ptr_null(keyset_find(set, SLICE("a")));

    /* Wrong, not trusted any more, a link, removed: no keys, not the old ones. */
    ck_assert_ok(file_write(path, SLICE("{\"keys\":[1]}"), 0644, &errmsg));
    ck_assert_err(keyset_file_get(&file, &set, &errmsg), TOK_KEYS);
    ck_assert_ok(file_write(path, SLICE(KEY("d")), 0644, &errmsg));
    ck_assert_ok(keyset_file_get(&file, &set, &errmsg));
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_err(keyset_file_get(&file, &set, &errmsg), TOK_KEYS);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ok(keyset_file_get(&file, &set, &errmsg));
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_err(keyset_file_get(&file, &set, &errmsg), TOK_KEYS);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_err(keyset_file_get(&file, &set, &errmsg), TOK_KEYS);
    ck_assert_int_eq(unlink(other), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(one_pem_is_a_set_of_one_key_without_kid)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    CLEANUP(cleanup_free) char *pem = NULL;
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;

    ck_assert_ok(key_public_pem(key, &pem));
    ck_assert_ok(keyset_parse(NULL, text_slice(pem), alg_set_default(), &set, NULL));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_uint_eq(key_kid(keyset_at(set, 0)).n, 0);
    ck_assert_str_eq(key_alg(keyset_at(set, 0))->name, "EdDSA");
}
END_TEST

UNIT_MAIN("keyset", a_key_is_found_by_its_kid, one_jwk_is_a_set_of_one,
          unsupported_keys_are_ignored, a_key_for_another_use_is_ignored,
          a_secret_is_used_only_where_its_algorithm_is_allowed,
          a_secret_among_public_keys_is_not_used, a_secret_that_others_can_read_is_refused,
          a_set_without_a_usable_key_is_refused, a_text_that_is_no_set_is_refused,
          a_key_that_cannot_be_used_is_skipped_and_the_reason_kept,
          only_the_first_reasons_are_kept, keys_are_known_by_kid_and_alg,
          two_keys_without_kid_are_no_duplicates, ten_thousand_keys_are_all_found,
          a_file_is_read_and_its_path_begins_the_message,
          a_changed_key_file_is_read_again_and_whole, one_pem_is_a_set_of_one_key_without_kid)
