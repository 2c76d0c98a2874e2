/* The signed examples of RFC 7515 and RFC 7520, with their keys. */
#include "tests/unit/forge.h"

#include "common/jose/jws.h"

#include <json-c/json.h>

static const struct example {
    const char *jwk, *jws, *alg;
    bool is_fixed; /* signing again gives the same signature */
} examples[] = {
    {"rfc/rfc7515_A.1.jwk", "rfc/rfc7515_A.1.jwsc", "HS256", true},
    {"rfc/rfc7515_A.2.jwk", "rfc/rfc7515_A.2.jwsc", "RS256", true},
    {"rfc/rfc7515_A.3.jwk", "rfc/rfc7515_A.3.jwsc", "ES256", false},
    {"rfc/rfc7515_A.4.jwk", "rfc/rfc7515_A.4.jwsc", "ES512", false},
    {"rfc/rfc7520_3.4.jwk", "rfc/rfc7520_4.1.jwsc", "RS256", true},
    {"rfc/rfc7520_3.4.jwk", "rfc/rfc7520_4.2.jwsc", "PS384", false},
    {"rfc/rfc7520_3.2.jwk", "rfc/rfc7520_4.3.jwsc", "ES512", false},
    {"rfc/rfc7520_3.5.jwk", "rfc/rfc7520_4.4.jwsc", "HS256", true},
};

#define N_EXAMPLES ((int)(sizeof(examples) / sizeof(examples[0])))

static struct key *read_file(const char *name, enum key_part part, const char *alg)
{
    size_t n;
    CLEANUP(cleanup_free) char *text = forge_data(name, &n);
    struct key *key = NULL;
    struct errmsg errmsg = {""};

    ck_assert_msg(
        key_read(&(struct key_reading){NULL, part, alg_bit(alg_find(text_slice(alg)))},
                 (struct slice){text, n}, &key, &errmsg) == TOK_OK,
        "%s: %s", name, errmsg.text);
    return key;
}

static void check_example(const struct example *e)
{
    size_t n, n_sig;
    CLEANUP(cleanup_free) char *text = forge_data(e->jws, &n);
    CLEANUP(cleanup_key) struct key *key = read_file(e->jwk, KEY_PRIVATE, e->alg);
    char theirs[KEY_SIGNATURE_MAX], ours[KEY_SIGNATURE_MAX];
    struct slice signature = {theirs, 0};
    struct jws_header header;
    struct jws jws;

    ck_assert_ok(jws_split((struct slice){text, n}, &jws));
    ck_assert_ok(jws_read_header(jws.header, &header));
    ck_assert_ptr_eq(header.alg, key_alg(key));
    ck_assert_ok(base64url_decode(jws.signature, theirs, sizeof(theirs), &n_sig));
    ck_assert_uint_eq(n_sig, key_sig_len(key));
    signature.n = n_sig;
    ck_assert_ok(key_verify(key, jws.input, signature));
    ck_assert_ok(key_sign(key, jws.input, ours));
    ck_assert_ok(key_verify(key, jws.input, (struct slice){ours, n_sig}));
    ck_assert_int_eq(memcmp(ours, theirs, n_sig) == 0, e->is_fixed);
    for (size_t i = 0; i < n_sig; i++) {
        theirs[i] ^= 1;
        ck_assert_err(key_verify(key, jws.input, signature), TOK_SIGNATURE);
        theirs[i] ^= 1;
    }
    jws.input.n--;
    ck_assert_err(key_verify(key, jws.input, signature), TOK_SIGNATURE);
}

START_TEST(the_rfc_examples_are_verified_and_reproduced)
{
    check_example(&examples[_i]);
}
END_TEST

/* Each key is written and read again, and the public key verifies its signatures. */
START_TEST(each_key_of_the_rfcs_is_written_as_it_was_read)
{
    const struct example *e = &examples[_i];
    CLEANUP(cleanup_key) struct key *key = read_file(e->jwk, KEY_PRIVATE, e->alg);
    CLEANUP(secret_clear) struct secret text = {0}, again_text = {0};
    CLEANUP(cleanup_free) char *public_text = NULL, *pem = NULL;
    char signature[KEY_SIGNATURE_MAX];

    ck_assert_ok(key_private_jwk(key, &text));

    CLEANUP(cleanup_key) struct key *again = forge_key(text.p, KEY_PRIVATE);

    ck_assert_ok(key_private_jwk(again, &again_text));
    ck_assert_str_eq(text.p, again_text.p);
    ck_assert_ok(key_sign(again, SLICE("x"), signature));
    if (key_alg(key)->kind == ALG_OCT) {
        ck_assert_err(key_public_jwk(key, &public_text), TOK_KEYS);
        ck_assert_err(key_public_pem(key, &pem), TOK_KEYS);
        return;
    }
    ck_assert_ok(key_public_jwk(key, &public_text));
    ck_assert_ok(key_public_pem(key, &pem));

    CLEANUP(cleanup_key) struct key *verifier = forge_key(public_text, KEY_PUBLIC);
    CLEANUP(cleanup_key) struct key *from_pem = NULL;

    ck_assert_ok(key_read(&(struct key_reading){NULL, KEY_PUBLIC, alg_bit(key_alg(key))},
                          text_slice(pem), &from_pem, NULL));
    ck_assert_ok(key_verify(verifier, SLICE("x"), (struct slice){signature, key_sig_len(key)}));
    ck_assert_ok(key_verify(from_pem, SLICE("x"), (struct slice){signature, key_sig_len(key)}));
    ck_assert_err(key_sign(verifier, SLICE("x"), signature), TOK_KEYS);
}
END_TEST

/* tests/data/cookbook: the examples of RFC 7520, also those that are not a compact JWS:
 * detached, in JSON, b64=false. */
static const struct recipe {
    const char *file, *alg;
    enum tok_err err; /* of splitting or of the header; TOK_OK: the signature must be valid */
} recipes[] = {
    {"cookbook/jws/4_1.rsa_v15_signature.json", "RS256", TOK_OK},
    {"cookbook/jws/4_2.rsa-pss_signature.json", "PS384", TOK_OK},
    {"cookbook/jws/4_3.ecdsa_signature.json", "ES512", TOK_OK},
    {"cookbook/jws/4_4.hmac-sha2_integrity_protection.json", "HS256", TOK_OK},
    {"cookbook/jws/4_5.signature_with_detached_content.json", "HS256", TOK_MALFORMED},
    {"cookbook/jws/4_6.protecting_specific_header_fields.json", "HS256", TOK_MALFORMED},
    {"cookbook/jws/4_7.protecting_content_only.json", "HS256", TOK_MALFORMED},
    {"cookbook/jws/4_8.multiple_signatures.json", NULL, TOK_MALFORMED},
    {"cookbook/rfc7797/4.2.hmac-sha2_b64_false.json", "HS256", TOK_MALFORMED},
    {"cookbook/rfc7797/hmac-sha2_b64_false.json", "HS256", TOK_MALFORMED},
    {"cookbook/curve25519/jws.json", "EdDSA", TOK_OK},
    {"cookbook/curve25519/ecdh-es.json", NULL, TOK_MALFORMED},
};

static enum tok_err read_token(struct json_object *output, struct jws *ret,
                               struct jws_header *header)
{
    struct json_object *compact = json_object_object_get(output, "compact");
    const char *token =
        compact ? json_object_get_string(compact) : json_object_to_json_string(output);
    enum tok_err err = jws_split(text_slice(token), ret);

    return err ? err : jws_read_header(ret->header, header);
}

START_TEST(the_compact_jws_of_the_cookbook_are_verified)
{
    const struct recipe *r = &recipes[_i];
    size_t n;
    CLEANUP(cleanup_free) char *text = forge_data(r->file, &n);
    struct json_object *all = json_tokener_parse(text);
    struct json_object *output = json_object_object_get(all, "output");
    struct json_object *input = json_object_object_get(all, "input");
    struct key *key = NULL;
    char signature[KEY_SIGNATURE_MAX];
    struct jws_header header;
    struct jws jws;

    ck_assert_err(read_token(output, &jws, &header), r->err);
    if (r->alg)
        ck_assert_ok(key_read(
            &(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg_find(text_slice(r->alg)))},
            text_slice(json_object_to_json_string(json_object_object_get(input, "key"))), &key,
            NULL));
    if (r->err == TOK_OK) {
        ck_assert_str_eq(header.alg->name, r->alg);
        ck_assert_ok(base64url_decode(jws.signature, signature, sizeof(signature), &n));
        ck_assert_ok(key_verify(key, jws.input, (struct slice){signature, n}));
    }
    key_free(key);
    json_object_put(all);
}
END_TEST

START_TEST(rfc7638_3_1_is_the_thumbprint)
{
    CLEANUP(cleanup_key)
    struct key *key = read_file("rfc/rfc7638_3.1.jwk", KEY_PUBLIC, "RS256");
    size_t n;
    CLEANUP(cleanup_free) char *want = forge_data("rfc/rfc7638_3.1.thp", &n);
    char got[KEY_THUMBPRINT_LEN];

    ck_assert_ok(key_thumbprint(key, got));
    ck_assert_mem_eq(got, want, KEY_THUMBPRINT_LEN);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rfc7638_3_1_is_the_thumbprint};
    const struct unit_loop loops[] = {
        {the_rfc_examples_are_verified_and_reproduced, N_EXAMPLES},
        {each_key_of_the_rfcs_is_written_as_it_was_read, N_EXAMPLES},
        {the_compact_jws_of_the_cookbook_are_verified,
         (int)(sizeof(recipes) / sizeof(recipes[0]))},
    };

    return unit_run_all("rfc", tests, 1, loops, 3, NULL, NULL);
}
