/*
 * Every vector of tests/data/wycheproof, by its number. Signatures go through key_verify(),
 * whole JWS through verify_token(), where "accepted" means that header, key and signature were:
 * the payloads are not claims.
 *
 * `decided` lists the vectors that are valid there and refused here, with the reason. A listed
 * vector that is accepted is a failure, too.
 */
#include "tests/unit/forge.h"

#include "common/token/verify.h"

#include <json-c/json.h>

enum how { SIGNATURES, MACS, TOKENS };

static const struct file {
    const char *name, *alg;
    enum how how;
    size_t n, accepted;
} files[] = {
    {"ed25519", "EdDSA", SIGNATURES, 151, 88},
    {"ed448", "EdDSA", SIGNATURES, 87, 0},
    {"ecdsa_secp256r1_sha256_p1363", "ES256", SIGNATURES, 262, 173},
    {"ecdsa_secp384r1_sha384_p1363", "ES384", SIGNATURES, 280, 193},
    {"ecdsa_secp521r1_sha512_p1363", "ES512", SIGNATURES, 318, 231},
    {"ecdsa_secp256k1_sha256_p1363", "ES256", SIGNATURES, 252, 0},
    {"rsa_signature_2048_sha256", "RS256", SIGNATURES, 259, 9},
    {"rsa_signature_2048_sha384", "RS384", SIGNATURES, 258, 7},
    {"rsa_signature_2048_sha512", "RS512", SIGNATURES, 259, 8},
    {"rsa_pss_2048_sha256_mgf1_0", "PS256", SIGNATURES, 103, 1},
    {"rsa_pss_2048_sha256_mgf1_32", "PS256", SIGNATURES, 108, 63},
    {"rsa_pss_2048_sha384_mgf1_48", "PS384", SIGNATURES, 141, 95},
    {"rsa_pss_4096_sha512_mgf1_64", "PS512", SIGNATURES, 179, 132},
    {"hmac_sha256", "HS256", MACS, 174, 30},
    {"hmac_sha384", "HS384", MACS, 174, 30},
    {"hmac_sha512", "HS512", MACS, 174, 30},
    {"json_web_signature", NULL, TOKENS, 401, 36},
    {"json_web_key", NULL, TOKENS, 26, 6},
    {"json_web_crypto", NULL, TOKENS, 83, 4},
};

static const struct decision {
    const char *file;
    int first, last; /* tcId */
    bool accepted;   /* here, other than in the file */
    const char *reason;
} decided[] = {
    {"ed448", 1, 87, false, "Ed448 is no algorithm of ours"},
    {"ecdsa_secp256k1_sha256_p1363", 1, 252, false, "ES256K is no algorithm of ours"},
    {"rsa_pss_2048_sha256_mgf1_0", 1, 68, false,
     "RFC 7518 3.5: the salt is as long as the hash"},
    {"rsa_pss_2048_sha256_mgf1_0", 69, 69, true, "a salt of 32 bytes: what PS256 asks for"},
    {"rsa_pss_2048_sha256_mgf1_0", 70, 103, false, "as those before"},
    {"hmac_sha256", 82, 162, false, "RFC 7518 3.2: a MAC is never cut"},
    {"hmac_sha256", 163, 168, false, "RFC 7518 3.2: the key is as long as the hash"},
    {"hmac_sha256", 172, 174, false, "a MAC is never cut"},
    {"hmac_sha384", 82, 162, false, "as with hmac_sha256"},
    {"hmac_sha384", 163, 168, false, ""},
    {"hmac_sha384", 172, 174, false, ""},
    {"hmac_sha512", 82, 162, false, "as with hmac_sha256"},
    {"hmac_sha512", 163, 168, false, ""},
    {"hmac_sha512", 172, 174, false, ""},
    {"json_web_signature", 259, 259, false, "a payload of no bytes is no JWT (RFC 7519 7.2)"},
    {"json_web_signature", 264, 264, false, ""},
    {"json_web_signature", 268, 268, false, ""},
    {"json_web_signature", 272, 272, false, ""},
    {"json_web_signature", 320, 320, false, ""},
    {"json_web_signature", 325, 325, false, ""},
    {"json_web_signature", 346, 346, false, "the key says PS256, the header PS384"},
    {"json_web_signature", 347, 347, false, "the key says ES521, which is no algorithm"},
    {"json_web_signature", 350, 350, false, "the key says PS256, the header PS384"},
    {"json_web_signature", 351, 351, false, "the key says ES521, which is no algorithm"},
    {"json_web_signature", 367, 367, true,
     "no padding in the file: the bytes of the valid 357"},
    {"json_web_signature", 370, 370, true, "the same bytes"},
    {"json_web_signature", 372, 373, false, "'?' is no letter of base64url (RFC 7515 2)"},
    {"json_web_key", 4, 4, true,
     "two keys of one kid, but the second is not base64url and is skipped (RFC 7517 5); "
     "two well-formed ones are refused: see attack_pairs()"},
    {"json_web_crypto", 50, 83, false, "a JWE"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct decision *decision_of(const char *file, int id)
{
    for (size_t i = 0; i < COUNT(decided); i++)
        if (strcmp(decided[i].file, file) == 0 && id >= decided[i].first &&
            id <= decided[i].last)
            return &decided[i];
    return NULL;
}

static struct json_object *get(struct json_object *o, const char *name)
{
    return json_object_object_get(o, name);
}

static const char *text_of(struct json_object *o, const char *name)
{
    return json_object_get_string(get(o, name));
}

/* Compares the result of a vector with the file and with `decided`. */
static bool count(const struct file *file, struct json_object *vector, bool accepted,
                  enum tok_err err)
{
    int id = json_object_get_int(get(vector, "tcId"));
    const struct decision *decision = decision_of(file->name, id);
    bool want = decision ? decision->accepted : strcmp(text_of(vector, "result"), "valid") == 0;

    ck_assert_msg(accepted == want, "%s %d (%s, %s): %s", file->name, id,
                  text_of(vector, "comment"), text_of(vector, "result"), tok_err_word(err));
    return accepted;
}

static char *unhex(const char *hex, size_t *ret_n)
{
    size_t n = strlen(hex) / 2;
    char *out = calloc(1, n + 1);

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        out[i] = (char)strtoul(digits, NULL, 16);
    }
    *ret_n = n;
    return out;
}

/* Signatures and MACs */

static enum tok_err read_key(const char *text, const char *alg, struct key **ret)
{
    struct errmsg errmsg = {""};

    return key_read(&(struct key_reading){NULL, KEY_PUBLIC, alg_bit(alg_find(text_slice(alg)))},
                    text_slice(text), ret, &errmsg);
}

/* The key of a group: a JWK, PEM, or both, which must be the same key. */
static struct key *key_of_group(const struct file *file, struct json_object *group)
{
    struct json_object *jwk = get(group, "publicKeyJwk");
    const char *pem = text_of(group, "publicKeyPem");
    struct key *one = NULL, *other = NULL;
    char a[KEY_THUMBPRINT_LEN], b[KEY_THUMBPRINT_LEN];

    jwk = jwk ? jwk : get(group, "keyJwk");
    if (jwk && read_key(json_object_to_json_string(jwk), file->alg, &one))
        one = NULL;
    if (read_key(pem, file->alg, &other))
        return one;
    if (!one)
        return other;
    ck_assert_ok(key_thumbprint(one, a));
    ck_assert_ok(key_thumbprint(other, b));
    ck_assert_mem_eq(a, b, sizeof(a));
    key_free(other);
    return one;
}

static struct key *key_of_secret(const struct file *file, struct json_object *vector)
{
    size_t n;
    CLEANUP(cleanup_free) char *bytes = unhex(text_of(vector, "key"), &n);
    struct emit out = {.p = calloc(1, n * 2 + 64), .size = n * 2 + 64};
    struct key *key = NULL;

    emit_begin(&out);
    emit_member_string(&out, "kty", SLICE("oct"));
    emit_member_base64url(&out, "k", (struct slice){bytes, n});
    emit_end(&out);
    if (read_key(out.p, file->alg, &key))
        key = NULL;
    free(out.p);
    return key;
}

static bool run_signature(const struct file *file, const struct key *key,
                          struct json_object *vector)
{
    size_t n, n_sig;
    CLEANUP(cleanup_free) char *input = unhex(text_of(vector, "msg"), &n);
    CLEANUP(cleanup_free)
    char *sig = unhex(text_of(vector, file->how == MACS ? "tag" : "sig"), &n_sig);
    enum tok_err err = TOK_KEYS;

    if (key)
        err = key_verify(key, (struct slice){input, n}, (struct slice){sig, n_sig});
    ck_assert(!key || err == TOK_OK || err == TOK_SIGNATURE);
    return count(file, vector, err == TOK_OK, err);
}

/* Tokens */

static enum tok_err verify(struct json_object *group, const char *token, bool *ret_authentic)
{
    struct json_object *keys = get(group, "public");
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    CLEANUP(policy_clear) struct policy policy = {0};
    struct verify_result result;
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    struct verify_params ask = {.token = &parsed, .policy = &policy};
    struct errmsg errmsg;
    enum tok_err err;

    keys = keys ? keys : get(group, "private");
    *ret_authentic = false;
    ck_assert_ok(policy_init(&policy));
    policy.algorithms = ~(alg_set)0;
    err = keyset_parse(NULL, text_slice(json_object_to_json_string(keys)), ~(alg_set)0, &set,
                       &errmsg);
    if (err)
        return err;
    ask.keys = set;
    ck_assert_ok(token_parse(text_slice(token), &parsed));
    err = verify_token(&ask, &result, NULL);
    /* Only the payload is decoded after the signature was verified. */
    *ret_authentic = result.authentic && err != TOK_BASE64;
    return err;
}

static bool run_token(const struct file *file, struct json_object *group,
                      struct json_object *vector)
{
    const char *token = text_of(vector, "jws");
    bool authentic;
    enum tok_err err = verify(group, token ? token : text_of(vector, "jwe"), &authentic);

    return count(file, vector, authentic, err);
}

static void run_group(const struct file *file, struct json_object *group, size_t *seen,
                      size_t *accepted)
{
    struct json_object *tests = get(group, "tests");
    CLEANUP(cleanup_key)
    struct key *key = file->how == SIGNATURES ? key_of_group(file, group) : NULL;

    for (size_t i = 0; i < json_object_array_length(tests); i++, ++*seen) {
        struct json_object *vector = json_object_array_get_idx(tests, i);
        CLEANUP(cleanup_key)
        struct key *secret = file->how == MACS ? key_of_secret(file, vector) : NULL;

        if (file->how == TOKENS)
            *accepted += run_token(file, group, vector);
        else
            *accepted += run_signature(file, secret ? secret : key, vector);
    }
}

START_TEST(each_vector_has_its_expected_result)
{
    const struct file *file = &files[_i];
    size_t n, seen = 0, accepted = 0;
    char name[128];

    (void)snprintf(name, sizeof(name), "wycheproof/%s_test.json", file->name);

    CLEANUP(cleanup_free) char *text = forge_data(name, &n);
    struct json_object *all = json_tokener_parse(text);
    struct json_object *groups = get(all, "testGroups");

    for (size_t i = 0; i < json_object_array_length(groups); i++)
        run_group(file, json_object_array_get_idx(groups, i), &seen, &accepted);
    json_object_put(all);
    ck_assert_uint_eq(seen, file->n);
    ck_assert_uint_eq(accepted, file->accepted);
}
END_TEST

int main(void)
{
    const struct unit_loop loops[] = {{each_vector_has_its_expected_result, (int)COUNT(files)}};

    return unit_run_all("wycheproof", NULL, 0, loops, 1, NULL, NULL);
}
