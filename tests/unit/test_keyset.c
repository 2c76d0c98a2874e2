#include "keyset.h"

#include "forge.h"

#include <sys/stat.h>

#define KEY(kid)                                                                               \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid "\",\"x\":\"" RFC8037_X "\"}"
#define NO_KID "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\"}"
#define RSA "{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQ\",\"e\":\"AQAB\"}"

static enum tok_err parse(const char *json, struct keyset **ret, struct why *why)
{
    return keyset_parse(NULL, text_slice(json), alg_set_default(), ret, why);
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

START_TEST(keys_of_other_kinds_are_passed_over)
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

START_TEST(a_set_without_a_usable_key_is_refused)
{
    static const char *const files[] = {"rfc/rfc7517_A.1.jwkset", "rfc/rfc7517_A.2.jwkset",
                                        "rfc/rfc7517_A.3.jwkset", "rfc/rfc7515_A.1.jwk",
                                        "rfc/rfc7515_A.2.jwk",    "rfc/rfc7515_A.3.jwk"};
    struct keyset *set = NULL;
    struct why why;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t n;
        CLEANUP(cleanup_free) char *text = forge_data(files[i], &n);

        ck_assert_err(
            keyset_parse(NULL, (struct slice){text, n}, alg_set_default(), &set, &why),
            TOK_KEYS);
        ck_assert_msg(strstr(why.text, "no key"), "%s: %s", files[i], why.text);
    }
    ck_assert_err(parse("{\"keys\":[]}", &set, &why), TOK_KEYS);
    ck_assert_err(keyset_parse(NULL, text_slice(RFC8037_PUBLIC), 0, &set, &why), TOK_KEYS);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(what_is_wrong_in_a_known_key_refuses_the_set_and_is_named)
{
    static const struct {
        const char *json, *says;
    } wrong[] = {
        {"", "no JSON object"},
        {"[" KEY("a") "]", "no JSON object"},
        {"{}", "neither"},
        {"{\"keys\":{}}", "keys"},
        {"{\"keys\":null}", "keys"},
        {"{\"keys\":[" KEY("a") "],\"keys\":[]}", "no JSON object: duplicate member"},
        {"{\"keys\":[" KEY("a") ",1]}", "key 2: no JSON object"},
        {"{\"keys\":[" RSA "," KEY("a") ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"A\"}]}",
         "key 3: x"},
        {"{\"keys\":[" KEY("a") "," RFC8037_PRIVATE "]}", "key 2: d"},
        {"{\"keys\":[" KEY(
             "a") ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"" RFC8037_X
                  "\"}]}",
         "key 2: use"},
        {"{\"keys\":[" KEY("a") "," KEY("b") "," KEY("\\u0061") "]}", "kid: two keys"},
        {RFC8037_PRIVATE, "d"},
        {"{\"kty\":7}", "kty"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct keyset *set = NULL;
        struct why why = {0};

        ck_assert_err(parse(wrong[i].json, &set, &why), TOK_KEYS);
        ck_assert_msg(strstr(why.text, wrong[i].says) == why.text, "%s: %s", wrong[i].json,
                      why.text);
        ck_assert_ptr_null(set);
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

START_TEST(a_file_is_read_and_its_path_begins_the_sentence)
{
    char dir[] = "/tmp/keyset-XXXXXX", path[64], start[80];
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    struct why why = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", dir);
    ck_assert_err(keyset_load(NULL, path, FILE_OWN, alg_set_default(), &set, &why), TOK_KEYS);
    ck_assert_msg(strstr(why.text, path) != NULL, "%s", why.text);
    ck_assert_ok(file_write(path, SLICE(RFC8037_PUBLIC), 0644, &why));
    ck_assert_ok(keyset_load(NULL, path, FILE_OWN, alg_set_default(), &set, &why));
    ck_assert_uint_eq(keyset_size(set), 1);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_err(keyset_load(NULL, path, FILE_OWN, alg_set_default(), &set, &why), TOK_KEYS);
    ck_assert_ok(file_write(path, SLICE("{\"keys\":[1]}"), 0644, &why));
    ck_assert_err(keyset_load(NULL, path, FILE_OWN, alg_set_default(), &set, &why), TOK_KEYS);
    (void)snprintf(start, sizeof(start), "%s: key 1: ", path);
    ck_assert_msg(strstr(why.text, start) == why.text, "%s", why.text);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

UNIT_MAIN("keyset", a_key_is_found_by_its_kid, one_jwk_is_a_set_of_one,
          keys_of_other_kinds_are_passed_over, a_set_without_a_usable_key_is_refused,
          what_is_wrong_in_a_known_key_refuses_the_set_and_is_named,
          two_keys_without_kid_are_no_duplicates, ten_thousand_keys_are_all_found,
          a_file_is_read_and_its_path_begins_the_sentence)
