#include "common/jose/jws.h"

#include "tests/unit/forge.h"

START_TEST(three_parts_are_split)
{
    struct jws jws;

    ck_assert_ok(jws_split(SLICE("aa.bb.cc"), &jws));
    ck_assert(slice_is(jws.header, "aa") && slice_is(jws.payload, "bb"));
    ck_assert(slice_is(jws.signature, "cc") && slice_is(jws.input, "aa.bb"));
    ck_assert_ok(jws_split(SLICE("aa.bb."), &jws));
    ck_assert_uint_eq(jws.signature.n, 0);
}
END_TEST

START_TEST(anything_but_three_parts_of_letters_is_malformed)
{
    const struct slice wrong[] = {
        {NULL, 0},
        SLICE(""),
        SLICE("a"),
        SLICE("a.b"),
        SLICE("."),
        SLICE(".."),
        SLICE("..c"),
        SLICE("a..c"),
        SLICE(".b.c"),
        SLICE("a.b.c.d"),
        SLICE("a.b.c.d.e"),
        SLICE("a.b.c."),
        SLICE(" a.b.c"),
        SLICE("a.b.c "),
        SLICE("a.b.c\n"),
        SLICE("a.b.c\0"),
        SLICE("a\0.b.c"),
        SLICE("a.b.c="),
        SLICE("a=.b.c"),
        SLICE("a.b+.c"),
        SLICE("a.b/.c"),
        SLICE("Bearer a.b.c"),
        SLICE("a.b.\xc3\xa9"),
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct jws jws = {.input = SLICE("untouched")};

        ck_assert_msg(jws_split(wrong[i], &jws) == TOK_MALFORMED, "%zu", i);
        ck_assert(slice_is(jws.input, "untouched"));
    }
}
END_TEST

/* Encodes a header and reads it. */
static enum tok_err read_bytes(struct slice json, struct jws_header *ret)
{
    char letters[8192];

    ck_assert_uint_le(BASE64URL_LEN(json.n), sizeof(letters));
    base64url_encode(json, letters);
    return jws_read_header((struct slice){letters, BASE64URL_LEN(json.n)}, ret);
}

static enum tok_err parse(const char *json, struct jws_header *ret)
{
    return read_bytes(text_slice(json), ret);
}

START_TEST(our_own_header_is_read)
{
    struct jws_header h;

    ck_assert_ok(parse("{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"kPrK_qmx\"}", &h));
    ck_assert_ptr_eq(h.alg, alg_find(SLICE("EdDSA")));
    ck_assert_int_eq(h.typ, JWS_TYP_JWT);
    ck_assert(h.has_kid && slice_is((struct slice){h.kid, h.kid_len}, "kPrK_qmx"));
    ck_assert_ok(parse(" {\"alg\":\"Ed25519\"} ", &h));
    ck_assert_int_eq(h.typ, JWS_TYP_ABSENT);
    ck_assert(!h.has_kid);
}
END_TEST

START_TEST(each_wrong_header_has_its_own_error)
{
    static const struct {
        const char *json;
        enum tok_err err;
    } wrong[] = {
        {"", TOK_JSON},
        {"null", TOK_JSON},
        {"[\"alg\"]", TOK_JSON},
        {"{\"alg\":\"EdDSA\"", TOK_JSON},
        {"{\"alg\":\"EdDSA\"}{}", TOK_JSON},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", TOK_JSON},
        {"{\"alg\":\"none\",\"\\u0061lg\":\"EdDSA\"}", TOK_JSON},
        {"{}", TOK_HEADER},
        {"{\"alg\":null}", TOK_HEADER},
        {"{\"alg\":[\"EdDSA\"]}", TOK_HEADER},
        {"{\"alg\\u0000\":\"EdDSA\"}", TOK_HEADER},
        {"{\"ALG\":\"EdDSA\"}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"typ\":1}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"typ\":null}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"kid\":1}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"kid\":null}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":[\"exp\"],\"exp\":1}", TOK_CRIT},
        {"{\"alg\":\"EdDSA\",\"crit\":[]}", TOK_CRIT},
        {"{\"alg\":\"EdDSA\",\"crit\":null}", TOK_CRIT},
        {"{\"alg\":\"EdDSA\",\"b64\":false,\"crit\":[\"b64\"]}", TOK_CRIT},
        {"{\"alg\":\"EdDSA\",\"b64\":true}", TOK_UNSUPPORTED},
        {"{\"alg\":\"EdDSA\",\"zip\":\"DEF\"}", TOK_UNSUPPORTED},
        {"{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", TOK_UNSUPPORTED},
        {"{\"alg\":\"none\"}", TOK_ALG},
        {"{\"alg\":\"None\"}", TOK_ALG},
        {"{\"alg\":\"NONE\"}", TOK_ALG},
        {"{\"alg\":\"nOnE\"}", TOK_ALG},
        {"{\"alg\":\"\"}", TOK_ALG},
        {"{\"alg\":\"eddsa\"}", TOK_ALG},
        {"{\"alg\":\"EdDSA\\u0000\"}", TOK_ALG},
        {"{\"alg\":\"hs256\"}", TOK_ALG},
        {"{\"alg\":\"RS1\"}", TOK_ALG},
        {"{\"alg\":\"ES1\"}", TOK_ALG},
        {"{\"alg\":\"EdDSAEdDSAEdDSAEdDSAEdDSAEdDSAEdDSA\"}", TOK_ALG},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct jws_header h = {.kid_len = 77};

        ck_assert_msg(parse(wrong[i].json, &h) == wrong[i].err, "%s", wrong[i].json);
        ck_assert_uint_eq(h.kid_len, 77);
    }
}
END_TEST

START_TEST(keys_in_the_header_are_ignored)
{
    struct jws_header h;

    ck_assert_ok(parse("{\"alg\":\"EdDSA\",\"jwk\":" RFC8037_PUBLIC ",\"jku\":\"http://x/\","
                       "\"x5u\":5,\"x5c\":null,\"cty\":1}",
                       &h));
    ck_assert(!h.has_kid);
}
END_TEST

START_TEST(typ_is_a_media_type)
{
    static const struct {
        const char *typ;
        enum jws_typ is;
    } types[] = {
        {"JWT", JWS_TYP_JWT},
        {"jwt", JWS_TYP_JWT},
        {"application/jwt", JWS_TYP_JWT},
        {"APPLICATION/JWT", JWS_TYP_JWT},
        {"J\\u0057T", JWS_TYP_JWT},
        {"at+jwt", JWS_TYP_AT_JWT},
        {"application/at+JWT", JWS_TYP_AT_JWT},
        {"jwt-bundle", JWS_TYP_BUNDLE},
        {"jwt-issuer-keys", JWS_TYP_ISSUER_KEYS},
        {"jwt-issuer-key", JWS_TYP_OTHER},
        {"", JWS_TYP_OTHER},
        {"JW", JWS_TYP_OTHER},
        {"JWT ", JWS_TYP_OTHER},
        {"JWT\\u0000", JWS_TYP_OTHER},
        {"application/", JWS_TYP_OTHER},
        {"application/application/jwt", JWS_TYP_OTHER},
        {"text/jwt", JWS_TYP_OTHER},
        {"secevent+jwt", JWS_TYP_OTHER},
        {"dpop+jwt", JWS_TYP_OTHER},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         JWS_TYP_OTHER},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct jws_header h;
        char json[256];

        (void)snprintf(json, sizeof(json), "{\"alg\":\"EdDSA\",\"typ\":\"%s\"}", types[i].typ);
        ck_assert_ok(parse(json, &h));
        ck_assert_msg(h.typ == types[i].is, "%s", types[i].typ);
    }
}
END_TEST

START_TEST(a_kid_is_any_text_up_to_1024_bytes)
{
    struct jws_header h;
    char kid[KEY_KID_MAX + 2], json[KEY_KID_MAX + 512];

    ck_assert_ok(parse("{\"alg\":\"EdDSA\",\"kid\":\"a\\u0000\\u00e9\"}", &h));
    ck_assert(slice_eq((struct slice){h.kid, h.kid_len}, SLICE("a\0\xc3\xa9")));
    ck_assert_ok(parse("{\"alg\":\"EdDSA\",\"kid\":\"\"}", &h));
    ck_assert(h.has_kid && h.kid_len == 0);
    memset(kid, 'k', sizeof(kid));
    (void)snprintf(json, sizeof(json), "{\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}", KEY_KID_MAX,
                   kid);
    ck_assert_ok(parse(json, &h));
    ck_assert_uint_eq(h.kid_len, KEY_KID_MAX);
    (void)snprintf(json, sizeof(json), "{\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}", KEY_KID_MAX + 1,
                   kid);
    ck_assert_err(parse(json, &h), TOK_HEADER);
}
END_TEST

START_TEST(a_header_has_bounds)
{
    char json[JWS_HEADER_MAX + 2];
    struct emit out = {.p = json, .size = sizeof(json)};
    struct jws_header h;

    memset(json, ' ', sizeof(json));
    emit_text(&out, "{\"alg\":\"EdDSA\"}");
    ck_assert_ok(read_bytes((struct slice){json, JWS_HEADER_MAX}, &h));
    ck_assert_err(read_bytes((struct slice){json, JWS_HEADER_MAX + 1}, &h), TOK_HEADER);

    size_t at = (size_t)snprintf(json, sizeof(json), "{\"alg\":\"EdDSA\"");
    for (int i = 0; i < 32; i++)
        at += (size_t)snprintf(json + at, sizeof(json) - at, ",\"%d\":0", i);
    json[at++] = '}';
    ck_assert_err(read_bytes((struct slice){json, at}, &h), TOK_JSON);
}
END_TEST

START_TEST(letters_that_are_not_canonical_are_refused)
{
    struct jws_header h;

    /* {"alg":"EdDSA"} has a multiple of three bytes: one letter more, or unused bits. */
    ck_assert_ok(jws_read_header(SLICE("eyJhbGciOiJFZERTQSJ9"), &h));
    ck_assert_err(jws_read_header(SLICE("eyJhbGciOiJFZERTQSJ9I"), &h), TOK_BASE64);
    ck_assert_ok(jws_read_header(SLICE("eyJhbGciOiJFZERTQSJ9IA"), &h));
    ck_assert_err(jws_read_header(SLICE("eyJhbGciOiJFZERTQSJ9IB"), &h), TOK_BASE64);
    ck_assert_err(jws_read_header(SLICE("eyJhbGciOiJFZERTQSJ9IA=="), &h), TOK_BASE64);
}
END_TEST

START_TEST(the_rfc7515_examples_are_read_and_the_one_without_signature_refused)
{
    static const struct {
        const char *file, *alg;
    } files[] = {{"rfc/rfc7515_A.1.jwsc", "HS256"},
                 {"rfc/rfc7515_A.2.jwsc", "RS256"},
                 {"rfc/rfc7515_A.3.jwsc", "ES256"},
                 {"rfc/rfc7515_A.4.jwsc", "ES512"},
                 {"rfc/rfc7515_A.5.jwsc", NULL}};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t n;
        CLEANUP(cleanup_free) char *text = forge_data(files[i].file, &n);
        struct jws_header h;
        struct jws jws;

        ck_assert_ok(jws_split((struct slice){text, n}, &jws));
        ck_assert_err(jws_read_header(jws.header, &h), files[i].alg ? TOK_OK : TOK_ALG);
        ck_assert(!files[i].alg || h.alg == alg_find(text_slice(files[i].alg)));
        ck_assert(jws_is_shaped((struct slice){text, n}));
    }
}
END_TEST

START_TEST(a_damaged_token_is_still_shaped_like_one)
{
    const struct slice shaped[] = {
        SLICE("eyJhbGciOiJFZERTQSJ9.e30.c2ln"),
        SLICE("eyJhbGciOiJFZERTQSJ9."),
        SLICE("eyJhbGciOiJFZERTQSJ9.e30"),
        SLICE("Bearer eyJhbGciOiJFZERTQSJ9.e30.x"),
        SLICE(" \t bearer  eyJhbGciOiJFZERTQSJ9.e30.x"),
        SLICE("\neyJhbGciOiJFZERTQSJ9.e30.x\n"),
        SLICE("BEARER eyJhbGciOiJub25lIn0.e30."),
        SLICE("eyJhbGciOiJFZERTQSJ9.!!!"),
        SLICE("ewogImFsZyI6IjEiIH0.e30.x"),
        SLICE("eyJhbGciOiJFZERTQSJ9.e30.a.b.c"),
        SLICE("\"eyJhbGciOiJFZERTQSJ9.e30.x\""),
        SLICE("'eyJhbGciOiJFZERTQSJ9.e30.x'"),
        SLICE("access=eyJhbGciOiJFZERTQSJ9.e30.x"),
        SLICE("{\"access\":\"eyJhbGciOiJFZERTQSJ9.e30.x\"}"),
        SLICE("Authorization: Bearer eyJhbGciOiJFZERTQSJ9.e30.x"),
        SLICE("QSJ9.eyJhbGciOiJFZERTQSJ9.x"),
    };
    const struct slice not_shaped[] = {
        {NULL, 0},
        SLICE(""),
        SLICE("correct horse battery staple"),
        SLICE("eyJhbGciOiJFZERTQSJ9"),
        SLICE("eyJhbGciOiJF."),
        SLICE("eyJhbGci OiJFZERTQSJ9.e30.x"),
        SLICE("aaaaaaaaaaaaaaaa.bbbb.cccc"),
        SLICE("eaaaaaaaaaaaaaaa.bbbb.cccc"),
        SLICE("Bearer"),
        SLICE("Bearer hunter2"),
        SLICE("\b\n\r\177INCORRECT"),
        SLICE("www.example.com/eyJhbGciOiJFZERTQSJ9"),
    };

    for (size_t i = 0; i < sizeof(shaped) / sizeof(shaped[0]); i++)
        ck_assert_msg(jws_is_shaped(shaped[i]), "%zu", i);
    for (size_t i = 0; i < sizeof(not_shaped) / sizeof(not_shaped[0]); i++)
        ck_assert_msg(!jws_is_shaped(not_shaped[i]), "%zu", i);
}
END_TEST

UNIT_MAIN("jws", three_parts_are_split, anything_but_three_parts_of_letters_is_malformed,
          our_own_header_is_read, each_wrong_header_has_its_own_error,
          keys_in_the_header_are_ignored, typ_is_a_media_type,
          a_kid_is_any_text_up_to_1024_bytes, a_header_has_bounds,
          letters_that_are_not_canonical_are_refused,
          the_rfc7515_examples_are_read_and_the_one_without_signature_refused,
          a_damaged_token_is_still_shaped_like_one)
