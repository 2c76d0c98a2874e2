#include "tests/unit/forge.h"

#include <openssl/err.h>

#define OKP "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
#define X "\"x\":\"" RFC8037_X "\""
#define D "\"d\":\"" RFC8037_D "\""

struct wrong {
    const char *jwk;
    enum tok_err err;
    const char *says; /* the message begins so */
};

static void check_wrong(const struct wrong *wrong, size_t n, enum key_part part)
{
    for (size_t i = 0; i < n; i++) {
        struct key *key = (struct key *)&key; /* must not be changed */
        struct errmsg errmsg = {0};
        enum tok_err err = key_from_jwk(NULL, text_slice(wrong[i].jwk), part, &key, &errmsg);

        ck_assert_msg(err == wrong[i].err, "%s: %s", wrong[i].jwk, tok_err_word(err));
        ck_assert_msg(strstr(errmsg.text, wrong[i].says) == errmsg.text, "%s: %s", wrong[i].jwk,
                      errmsg.text);
        ck_assert_ptr_eq(key, (struct key *)&key);
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
}

#define CHECK_WRONG(wrong, part) check_wrong(wrong, sizeof(wrong) / sizeof((wrong)[0]), part)

START_TEST(the_error_of_a_jwk_names_the_wrong_member)
{
    static const struct wrong wrong[] = {
        {"", TOK_KEYS, "expected a JWK or PEM"},
        {"[]", TOK_KEYS, "expected a JWK or PEM"},
        {OKP X "}x", TOK_KEYS, "expected a JWK or PEM"},
        {OKP X "," X "}", TOK_KEYS, "expected a JWK or PEM: duplicate member"},
        {"{}", TOK_KEYS, "kty"},
        {"{\"kty\":1}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":null,\"crv\":\"Ed25519\"," X "}", TOK_KEYS, "kty"},
        {"{\"kty\":\"OKP\"," X "}", TOK_KEYS, "crv"},
        {"{\"kty\":\"OKP\",\"crv\":7," X "}", TOK_UNSUPPORTED, "crv"},
        {OKP "\"alg\":7," X "}", TOK_UNSUPPORTED, "alg"},
        {OKP "\"alg\":\"ES256\"," X "}", TOK_KEYS, "alg: does not match crv"},
        {OKP "\"alg\":\"HS256\"," X "}", TOK_KEYS, "alg: does not match crv"},
        {OKP "\"use\":\"enc\"," X "}", TOK_UNSUPPORTED, "use"},
        {OKP "\"use\":\"SIG\"," X "}", TOK_UNSUPPORTED, "use"},
        {OKP "\"use\":[\"sig\"]," X "}", TOK_UNSUPPORTED, "use"},
        {OKP "\"key_ops\":\"verify\"," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"key_ops\":[]," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"key_ops\":[\"sign\"]," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"key_ops\":[[\"verify\"]]," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"key_ops\":[\"Verify\",\"encrypt\",1,null]," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"use\":\"enc\",\"key_ops\":[\"verify\"]," X "}", TOK_UNSUPPORTED, "use"},
        {OKP "\"use\":\"sig\",\"key_ops\":[\"encrypt\"]," X "}", TOK_UNSUPPORTED, "key_ops"},
        {OKP "\"use\":\"enc\",\"alg\":\"none\"," X "}", TOK_UNSUPPORTED, "use"},
        {OKP "\"kid\":1," X "}", TOK_KEYS, "kid"},
        {OKP "\"kid\":\"a\\nb\"," X "}", TOK_KEYS, "kid"},
        {OKP "\"kid\":\"a\\u0000b\"," X "}", TOK_KEYS, "kid"},
        {OKP "\"kid\":\"a\\u007fb\"," X "}", TOK_KEYS, "kid"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", TOK_KEYS, "x: missing"},
        {OKP "\"x\":1}", TOK_KEYS, "x"},
        {OKP "\"x\":\"\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"" RFC8037_X "==\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"" RFC8037_X "\\n\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"=" RFC8037_X "\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"" RFC8037_X "A\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR\"}", TOK_KEYS, "x"},
        {OKP "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}", TOK_KEYS, "x"},
        {OKP D "," X "}", TOK_KEYS, "d"},
        {OKP "\"d\":\"\"," X "}", TOK_KEYS, "d"},
    };

    CHECK_WRONG(wrong, KEY_PUBLIC);
}
END_TEST

START_TEST(the_error_of_a_private_jwk_names_the_wrong_member)
{
    static const struct wrong wrong[] = {
        {OKP X "}", TOK_KEYS, "d: missing"},
        {OKP D "}", TOK_KEYS, "x: missing"},
        {OKP X ",\"d\":null}", TOK_KEYS, "d: missing"},
        {OKP X ",\"d\":\"\"}", TOK_KEYS, "d"},
        {OKP X ",\"d\":\"" RFC8037_D "=\"}", TOK_KEYS, "d: expected a string of base64url"},
        {OKP X ",\"d\":\"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}", TOK_KEYS,
         "d: expected a string of base64url"},
        {OKP X ",\"d\":\"AJ1hsZ3v_VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\"}", TOK_KEYS,
         "d: has 33 bytes; expected 32"},
        {OKP X ",\"d\":\"" RFC8037_D "AA\"}", TOK_KEYS, "d"},
        {OKP X ",\"d\":\"" RFC8037_X "\"}", TOK_KEYS, "d: does not match the public key"},
        {OKP D ",\"x\":\"" RFC8037_D "\"}", TOK_KEYS, "d: does not match the public key"},
        {OKP X "," D ",\"key_ops\":[\"verify\"]}", TOK_UNSUPPORTED, "key_ops"},
    };

    CHECK_WRONG(wrong, KEY_PRIVATE);
}
END_TEST

START_TEST(a_key_of_an_unknown_kind_is_refused)
{
    static const struct wrong wrong[] = {
        {"{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}", TOK_UNSUPPORTED, "alg"},
        {"{\"kty\":\"oct\",\"k\":\"AQ\"}", TOK_UNSUPPORTED, "alg"},
        {"{\"kty\":\"EC\",\"crv\":\"P-192\"}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"EC\",\"crv\":\"Ed25519\"," X "}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\"," X "}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256 \"}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"ec\",\"crv\":\"P-256\"}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"\"}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\"}", TOK_UNSUPPORTED, "alg"},
        {"{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\"}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"okp\",\"crv\":\"Ed25519\"," X "}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"a name longer than any key type that we know\"}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"OKP\\u0000\",\"crv\":\"Ed25519\"," X "}", TOK_UNSUPPORTED, "kty"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\"," X "}", TOK_UNSUPPORTED, "crv"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\"," X "}", TOK_UNSUPPORTED, "crv"},
        {OKP "\"alg\":\"none\"," X "}", TOK_UNSUPPORTED, "alg"},
        {OKP "\"alg\":\"ES256K\"," X "}", TOK_UNSUPPORTED, "alg"},
    };

    CHECK_WRONG(wrong, KEY_PUBLIC);
}
END_TEST

START_TEST(a_kid_has_at_most_1024_bytes)
{
    char kid[KEY_KID_MAX + 2], jwk[KEY_KID_MAX + 512];
    struct key *key = NULL;

    memset(kid, 'k', sizeof(kid) - 1);
    kid[KEY_KID_MAX + 1] = '\0';
    (void)snprintf(jwk, sizeof(jwk), OKP X ",\"kid\":\"%s\"}", kid);
    ck_assert_err(key_from_jwk(NULL, text_slice(jwk), KEY_PUBLIC, &key, NULL), TOK_KEYS);
    kid[KEY_KID_MAX] = '\0';
    (void)snprintf(jwk, sizeof(jwk), OKP X ",\"kid\":\"%s\"}", kid);
    ck_assert_ok(key_from_jwk(NULL, text_slice(jwk), KEY_PUBLIC, &key, NULL));
    ck_assert_uint_eq(key_kid(key).n, KEY_KID_MAX);
    key_free(key);
}
END_TEST

START_TEST(redundant_and_unknown_members_are_accepted)
{
    static const char *const good[] = {
        OKP X "}",
        OKP X ",\"alg\":\"EdDSA\",\"use\":\"sig\",\"key_ops\":[\"verify\"]}",
        OKP X ",\"alg\":\"Ed25519\",\"key_ops\":[\"sign\",\"verify\"]}",
        OKP X ",\"key_ops\":[\"verify\",\"verif\\u0079\",1]}",
        OKP X ",\"kid\":\"\"}",
        OKP X
        ",\"kid\":null,\"alg\":null,\"use\":null,\"key_ops\":null,\"d\":null,\"x5c\":null}",
        OKP X ",\"x5c\":[\"AA==\"],\"x5u\":\"http://x/\",\"ext\":true,\"nested\":{\"kty\":1}}",
        "{\"\\u006bty\":\"\\u004fKP\",\"crv\":\"Ed25519\"," X "}",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        key_free(forge_key(good[i], KEY_PUBLIC));
}
END_TEST

static struct key *read_public(const char *jwk)
{
    return forge_key(jwk, KEY_PUBLIC);
}

static void check_same(const char *jwk, const char *as)
{
    CLEANUP(cleanup_key) struct key *key = read_public(jwk);
    CLEANUP(cleanup_key) struct key *want = read_public(as);
    char got[KEY_THUMBPRINT_LEN], expected[KEY_THUMBPRINT_LEN];

    ck_assert_ok(key_thumbprint(key, got));
    ck_assert_ok(key_thumbprint(want, expected));
    ck_assert_msg(memcmp(got, expected, sizeof(got)) == 0, "%s", jwk);
    ck_assert(key_is_same(key, want));
    ck_assert_uint_eq(key_sig_len(key), key_sig_len(want));
}

START_TEST(public_numbers_are_read_in_the_forms_that_are_published)
{
    static const char *const okp[] = {
        OKP "\"x\":\"" RFC8037_X "=\"}",
        OKP "\"x\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        OKP "\"x\":\"11qYAYKxCrfVS\\/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}",
    };

    for (size_t i = 0; i < sizeof(okp) / sizeof(okp[0]); i++)
        check_same(okp[i], OKP X "}");
}
END_TEST

START_TEST(a_written_key_is_read_as_the_same_key)
{
    CLEANUP(cleanup_key)
    struct key *key =
        forge_key(OKP D "," X ",\"kid\":\"a \\\"quoted\\\" \\\\ \\u00e9\"}", KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_free) char *public_text = NULL;

    ck_assert_ok(key_private_jwk(key, &text));
    ck_assert_ok(key_public_jwk(key, &public_text));
    ck_assert_ptr_null(strstr(public_text, RFC8037_D));
    ck_assert_ptr_nonnull(strstr(text.p, D));

    CLEANUP(cleanup_key) struct key *again = forge_key(text.p, KEY_PRIVATE);
    CLEANUP(cleanup_key) struct key *verifier = forge_key(public_text, KEY_PUBLIC);
    CLEANUP(secret_clear) struct secret text_again = {0};

    ck_assert_ok(key_private_jwk(again, &text_again));
    ck_assert_str_eq(text.p, text_again.p);
    ck_assert(slice_eq(key_kid(key), key_kid(verifier)));
    ck_assert(slice_is(key_kid(verifier), "a \"quoted\" \\ \xc3\xa9"));
}
END_TEST

START_TEST(a_public_jwk_has_this_form)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(OKP X "}", KEY_PUBLIC);
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(key_public_jwk(key, &text));
    ck_assert_str_eq(text, OKP X ",\"kid\":\"kPrK_qmx\",\"alg\":\"EdDSA\",\"use\":\"sig\"}");
    ck_assert_uint_eq(key_kid(key).n, 0);
}
END_TEST

START_TEST(either_part_is_the_one_that_is_there)
{
    static const struct {
        const char *jwk;
        bool is_private;
    } keys[] = {
        {OKP X "}", false},
        {OKP D "," X "}", true},
        {"{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"" RFC8037_X "\"}", true},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        CLEANUP(cleanup_key) struct key *key = forge_key(keys[i].jwk, KEY_EITHER);

        ck_assert_int_eq(key_is_private(key), keys[i].is_private);
    }
}
END_TEST

UNIT_MAIN("key_jwk", the_error_of_a_jwk_names_the_wrong_member,
          the_error_of_a_private_jwk_names_the_wrong_member,
          a_key_of_an_unknown_kind_is_refused, a_kid_has_at_most_1024_bytes,
          redundant_and_unknown_members_are_accepted,
          public_numbers_are_read_in_the_forms_that_are_published,
          a_written_key_is_read_as_the_same_key, a_public_jwk_has_this_form,
          either_part_is_the_one_that_is_there)
