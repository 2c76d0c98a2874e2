/* The five forms of PEM, written by libcrypto, and other texts. */
#include "tests/unit/forge.h"

#include <openssl/bio.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

DEFINE_CLEANUP(EVP_PKEY *, cleanup_pkey, EVP_PKEY_free)

static EVP_PKEY *generate(const char *alg)
{
    EVP_PKEY *pkey;

    if (strncmp(alg, "RS", 2) == 0 || strncmp(alg, "PS", 2) == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    else if (strcmp(alg, "EdDSA") == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", alg_find(text_slice(alg))->crv);
    ck_assert_ptr_nonnull(pkey);
    return pkey;
}

/* structure: a name in libcrypto. NULL when this key has no such form. Free it. */
static char *write_pem(EVP_PKEY *pkey, int selection, const char *structure)
{
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(pkey, selection, "PEM", structure, NULL);
    unsigned char *data = NULL;
    char *text = NULL;
    size_t n = 0;

    ck_assert_ptr_nonnull(encoder);
    if (OSSL_ENCODER_to_data(encoder, &data, &n) == 1) {
        text = calloc(1, n + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text, data, n);
    }
    OPENSSL_free(data);
    OSSL_ENCODER_CTX_free(encoder);
    return text;
}

static enum tok_err read_pem(const char *text, enum key_part part, const char *alg,
                             const char *says, struct key **ret)
{
    struct errmsg errmsg = {""};
    alg_set set = alg ? alg_bit(alg_find(text_slice(alg))) : alg_set_default();
    enum tok_err err =
        key_read(&(struct key_reading){NULL, part, set}, text_slice(text), ret, &errmsg);

    ck_assert_msg(!says || strstr(errmsg.text, says) == errmsg.text, "not '%s' but '%s'", says,
                  errmsg.text);
    return err;
}

static void check_pair(const char *private_pem, const char *public_pem, const char *alg)
{
    CLEANUP(cleanup_key) struct key *signer = NULL;
    CLEANUP(cleanup_key) struct key *verifier = NULL;
    struct key *none = NULL;
    char signature[KEY_SIGNATURE_MAX];

    ck_assert_ok(read_pem(private_pem, KEY_PRIVATE, alg, NULL, &signer));
    ck_assert_ok(read_pem(public_pem, KEY_PUBLIC, alg, NULL, &verifier));
    ck_assert_str_eq(key_alg(verifier)->name, alg);
    ck_assert_uint_eq(key_kid(verifier).n, 0);
    ck_assert_ok(key_sign(signer, SLICE("x"), signature));
    ck_assert_ok(
        key_verify(verifier, SLICE("x"), (struct slice){signature, key_sig_len(verifier)}));
    ck_assert_err(read_pem(private_pem, KEY_PUBLIC, alg, "PEM: found a private key", &none),
                  TOK_KEYS);
    ck_assert_err(read_pem(public_pem, KEY_PRIVATE, alg, "PEM: found a public key", &none),
                  TOK_KEYS);
    ck_assert_ptr_null(none);
}

START_TEST(each_form_of_each_kind_is_read)
{
    static const struct {
        const char *alg;
        bool has_old_private, has_old_public; /* SEC 1 or PKCS#1 */
    } kinds[] = {
        {"RS256", true, true},  {"PS512", true, true},  {"ES256", true, false},
        {"ES384", true, false}, {"ES512", true, false}, {"EdDSA", false, false},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate(kinds[i].alg);
        CLEANUP(cleanup_free)
        char *spki = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
        CLEANUP(cleanup_free)
        char *pkcs8 = write_pem(pkey, EVP_PKEY_KEYPAIR, "PrivateKeyInfo");
        CLEANUP(cleanup_free)
        char *old_private = write_pem(pkey, EVP_PKEY_KEYPAIR, "type-specific");
        CLEANUP(cleanup_free)
        char *old_public = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "pkcs1");

        check_pair(pkcs8, spki, kinds[i].alg);
        ck_assert_int_eq(old_private != NULL, kinds[i].has_old_private);
        ck_assert_int_eq(old_public != NULL, kinds[i].has_old_public);
        if (old_private)
            check_pair(old_private, old_public ? old_public : spki, kinds[i].alg);
    }
}
END_TEST

START_TEST(exactly_one_allowed_algorithm_must_fit)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *rsa = generate("RS256");
    CLEANUP(cleanup_pkey) EVP_PKEY *ec = generate("ES384");
    CLEANUP(cleanup_free)
    char *rsa_pem = write_pem(rsa, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_free)
    char *ec_pem = write_pem(ec, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_key) struct key *key = NULL;

    ck_assert_err(read_pem(rsa_pem, KEY_PUBLIC, NULL, "PEM: several algorithms", &key),
                  TOK_KEYS);
    ck_assert_err(read_pem(rsa_pem, KEY_PUBLIC, "ES384", "PEM: no allowed", &key),
                  TOK_UNSUPPORTED);
    ck_assert_err(read_pem(ec_pem, KEY_PUBLIC, "ES256", "PEM: no allowed", &key),
                  TOK_UNSUPPORTED);
    ck_assert_ptr_null(key);
    ck_assert_ok(read_pem(ec_pem, KEY_PUBLIC, NULL, NULL, &key)); /* only one fits */
    ck_assert_str_eq(key_alg(key)->name, "ES384");
}
END_TEST

/* CVE-2016-10555 and others: the public key used as an HMAC secret. */
START_TEST(pem_is_never_a_secret)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512"};
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("RS256");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    struct key *key = NULL;

    for (size_t i = 0; i < 3; i++) {
        static const char *const before[] = {"",       " ",  "\n", "\r\n", "\xef\xbb\xbf",
                                             "key:\n", "\"", "-"};

        for (size_t k = 0; k < sizeof(before) / sizeof(before[0]); k++) {
            CLEANUP(cleanup_free) char *text = NULL;

            ck_assert_int_gt(asprintf(&text, "%s%s", before[k], pem), 0);
            ck_assert_err(read_pem(text, KEY_PUBLIC, algs[i],
                                   k ? "expected a JWK or PEM" : "PEM: no allowed", &key),
                          k ? TOK_KEYS : TOK_UNSUPPORTED);
            if (k)
                ck_assert_err(
                    read_pem(text, KEY_PUBLIC, "RS256", "expected a JWK or PEM", &key),
                    TOK_KEYS);
        }
        ck_assert_err(key_from_jwk(NULL, text_slice(pem), KEY_PUBLIC, &key, NULL), TOK_KEYS);
    }
    ck_assert_ptr_null(key);
}
END_TEST

static char *around(const char *before, const char *pem, const char *after)
{
    char *text;

    ck_assert_int_gt(asprintf(&text, "%s%s%s", before, pem, after), 0);
    return text;
}

START_TEST(only_white_space_may_follow_the_block)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("EdDSA");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_free) char *twice = around(pem, pem, "");
    CLEANUP(cleanup_free) char *tail = around("", pem, "x");
    CLEANUP(cleanup_free) char *blanks = around("", pem, " \r\n\t\n");
    CLEANUP(cleanup_key) struct key *key = NULL;

    ck_assert_err(read_pem(twice, KEY_PUBLIC, "EdDSA", "PEM: text after", &key), TOK_KEYS);
    ck_assert_err(read_pem(tail, KEY_PUBLIC, "EdDSA", "PEM: text after", &key), TOK_KEYS);
    for (size_t n = strlen("-----BEGIN "); n + 2 < strlen(pem); n++) {
        CLEANUP(cleanup_free) char *cut = strndup(pem, n);

        ck_assert_err(read_pem(cut, KEY_PUBLIC, "EdDSA", "PEM: ", &key), TOK_KEYS);
    }
    ck_assert_ptr_null(key);
    ck_assert_ok(read_pem(blanks, KEY_PUBLIC, "EdDSA", NULL, &key));
}
END_TEST

START_TEST(other_and_encrypted_blocks_are_refused_by_name)
{
    static const struct {
        const char *label, *header, *says;
    } wrong[] = {
        {"CERTIFICATE", "", "PEM: CERTIFICATE is not a key"},
        {"TRUSTED CERTIFICATE", "", "PEM: TRUSTED CERTIFICATE is not a key"},
        {"ENCRYPTED PRIVATE KEY", "",
         "PEM: ENCRYPTED PRIVATE KEY is not supported; remove the passphrase"},
        {"RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
         "PEM: RSA PRIVATE KEY is encrypted; remove the passphrase"},
        {"EC PARAMETERS", "", "PEM: EC PARAMETERS is not a key"},
        {"DSA PRIVATE KEY", "", "PEM: DSA PRIVATE KEY is not supported"},
        {"OPENSSH PRIVATE KEY", "", "PEM: OPENSSH PRIVATE KEY is not supported"},
        {"CERTIFICATE REQUEST", "", "PEM: CERTIFICATE REQUEST is not supported"},
        {"public key", "", "PEM: public key is not supported"},
        {"PUBLIC KEY", "", "PEM: invalid PUBLIC KEY"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CLEANUP(cleanup_free) char *text = NULL;
        struct key *key = NULL;

        ck_assert_int_gt(asprintf(&text, "-----BEGIN %s-----\n%sAAAA\n-----END %s-----\n",
                                  wrong[i].label, wrong[i].header, wrong[i].label),
                         0);
        ck_assert_err(read_pem(text, KEY_PUBLIC, NULL, wrong[i].says, &key), TOK_KEYS);
        ck_assert_ptr_null(key);
    }
}
END_TEST

START_TEST(other_types_and_curves_are_unsupported_and_weak_keys_refused)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *k1 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    CLEANUP(cleanup_pkey) EVP_PKEY *ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    CLEANUP(cleanup_pkey) EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    EVP_PKEY *const unknown[] = {k1, ed448};
    struct key *key = NULL;

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(cleanup_free)
        char *pem = write_pem(unknown[i], EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");

        ck_assert_err(
            read_pem(pem, KEY_PUBLIC, NULL, "PEM: key type or curve not supported", &key),
            TOK_UNSUPPORTED);
    }

    CLEANUP(cleanup_free)
    char *pem = write_pem(small, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");

    ck_assert_err(read_pem(pem, KEY_PUBLIC, "RS256", "n: has 1024 bits", &key), TOK_KEYS);
    ck_assert_ptr_null(key);
}
END_TEST

/* CVE-2020-0601: a curve given by parameters may have any generator. */
START_TEST(a_curve_given_by_parameters_is_refused)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("ES256");
    struct key *key = NULL;

    ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);

    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");

    ck_assert_err(read_pem(pem, KEY_PUBLIC, NULL, "PEM: key type or curve not supported", &key),
                  TOK_UNSUPPORTED);
    ck_assert_ptr_null(key);
}
END_TEST

UNIT_MAIN("key_pem", each_form_of_each_kind_is_read, exactly_one_allowed_algorithm_must_fit,
          pem_is_never_a_secret, only_white_space_may_follow_the_block,
          other_and_encrypted_blocks_are_refused_by_name,
          other_types_and_curves_are_unsupported_and_weak_keys_refused,
          a_curve_given_by_parameters_is_refused)
