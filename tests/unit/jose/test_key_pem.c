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

static alg_set rsa_algs(void)
{
    alg_set set = 0;

    for (size_t i = 0; alg_at(i); i++)
        set |= alg_at(i)->kind == ALG_RSA ? alg_bit(alg_at(i)) : 0;
    return set;
}

START_TEST(a_public_rsa_key_serves_all_that_is_allowed_and_any_other_key_one)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *rsa = generate("RS256");
    CLEANUP(cleanup_pkey) EVP_PKEY *ec = generate("ES384");
    CLEANUP(cleanup_free)
    char *rsa_pem = write_pem(rsa, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_free)
    char *ec_pem = write_pem(ec, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_free)
    char *rsa_private = write_pem(rsa, EVP_PKEY_KEYPAIR, "PrivateKeyInfo");
    CLEANUP(cleanup_key) struct key *key = NULL;

    ck_assert_err(read_pem(rsa_pem, KEY_EITHER, NULL, "alg: missing, and several", &key),
                  TOK_KEYS);
    ck_assert_err(read_pem(rsa_private, KEY_PRIVATE, NULL, "alg: missing, and several", &key),
                  TOK_KEYS);
    ck_assert_err(read_pem(rsa_pem, KEY_PUBLIC, "ES384", "alg: missing, and no", &key),
                  TOK_UNSUPPORTED);
    ck_assert_err(read_pem(rsa_pem, KEY_PUBLIC, "HS256", "alg: missing, and no", &key),
                  TOK_UNSUPPORTED);
    ck_assert_err(read_pem(ec_pem, KEY_PUBLIC, "ES256", "alg: missing, and no", &key),
                  TOK_UNSUPPORTED);
    ck_assert_ptr_null(key);
    ck_assert_ok(read_pem(rsa_pem, KEY_PUBLIC, NULL, NULL, &key));
    ck_assert_uint_eq(key_algs(key), rsa_algs());
    key_free(key);
    key = NULL;
    ck_assert_ok(read_pem(ec_pem, KEY_PUBLIC, NULL, NULL, &key)); /* only one fits */
    ck_assert_str_eq(key_alg(key)->name, "ES384");
}
END_TEST

static char *around(const char *before, const char *pem, const char *after)
{
    char *text;

    ck_assert_int_gt(asprintf(&text, "%s%s%s", before, pem, after), 0);
    return text;
}

/* CVE-2016-10555 and others: the public key used as an HMAC secret. */
START_TEST(pem_is_never_a_secret)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512"};
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("RS256");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    struct key *key = NULL;

    for (size_t i = 0; i < 3; i++) {
        static const char *const before[] = {"", " ", "\n", "\r\n", "key:\n"};

        for (size_t k = 0; k < sizeof(before) / sizeof(before[0]); k++) {
            CLEANUP(cleanup_free) char *text = around(before[k], pem, "");

            ck_assert_err(
                read_pem(text, KEY_PUBLIC, algs[i], "alg: missing, and no allowed", &key),
                TOK_UNSUPPORTED);
        }
        ck_assert_err(key_from_jwk(NULL, text_slice(pem), KEY_PUBLIC, &key, NULL), TOK_KEYS);
    }
    ck_assert_ptr_null(key);
}
END_TEST

/* RFC 7468 2: text around it; what openssl(1), Windows and people write. */
START_TEST(text_and_other_blocks_around_the_key_are_passed_over)
{
    static const struct {
        const char *before, *after;
    } texts[] = {
        {"Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n", ""},
        {"# the key of id.example\r\n\r\n", "# rotated in May"},
        {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", ""},
        {"", "subject=CN = x\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"{\"not\": \"JSON\"\n", NULL},
        {"\xef\xbb\xbf", NULL},
        {"\"", NULL},
        {"-", NULL},
        {"", "-----BEGIN PUBLIC KEY-----\nAAAA\n"},
    };
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("ES256");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(cleanup_key) struct key *key = NULL;
        bool ok = texts[i].after && !strstr(texts[i].after, "BEGIN PUBLIC");
        CLEANUP(cleanup_free)
        char *text = around(texts[i].before, pem, texts[i].after ? texts[i].after : "");

        ck_assert_msg(read_pem(text, KEY_PUBLIC, "ES256", NULL, &key) ==
                          (ok ? TOK_OK : TOK_KEYS),
                      "%zu", i);
    }
}
END_TEST

/* Each line with this before and behind it. */
static char *each_line(const char *pem, const char *before, const char *behind)
{
    char *text = calloc(1, 8 * strlen(pem) + 64), *out = text;

    ck_assert_ptr_nonnull(text);
    for (; *pem; pem += strcspn(pem, "\n") + 1)
        out = stpcpy(mempcpy(stpcpy(out, before), pem, strcspn(pem, "\n")), behind);
    return text;
}

START_TEST(indented_lines_and_crlf_are_read_and_a_written_newline_is_named)
{
    static const struct {
        const char *before, *behind;
        bool ok;
    } lines[] = {{"", "\r\n", true},
                 {"    ", "\n", true},
                 {"\t", "  \r\n", true},
                 {"", "\\n", false},
                 {"> ", "\n", false}};
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("RS256");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CLEANUP(cleanup_key) struct key *key = NULL;
        CLEANUP(cleanup_free) char *text = each_line(pem, lines[i].before, lines[i].behind);
        const char *says = strcmp(lines[i].behind, "\\n") == 0
                               ? "PEM: found \"\\n\", expected a newline in its place"
                               : NULL;

        ck_assert_err(read_pem(text, KEY_PUBLIC, "RS256", says, &key),
                      lines[i].ok ? TOK_OK : TOK_KEYS);
    }
}
END_TEST

START_TEST(exactly_one_whole_key_is_expected)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = generate("EdDSA");
    CLEANUP(cleanup_free)
    char *pem = write_pem(pkey, EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo");
    CLEANUP(cleanup_free) char *twice = around(pem, pem, "");
    CLEANUP(cleanup_free) char *blanks = around("", pem, " \r\n\t\n");
    CLEANUP(cleanup_key) struct key *key = NULL;

    ck_assert_err(read_pem(twice, KEY_PUBLIC, "EdDSA", "PEM: more than one key", &key),
                  TOK_KEYS);
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

UNIT_MAIN("key_pem", each_form_of_each_kind_is_read,
          a_public_rsa_key_serves_all_that_is_allowed_and_any_other_key_one,
          pem_is_never_a_secret, text_and_other_blocks_around_the_key_are_passed_over,
          indented_lines_and_crlf_are_read_and_a_written_newline_is_named,
          exactly_one_whole_key_is_expected, other_and_encrypted_blocks_are_refused_by_name,
          other_types_and_curves_are_unsupported_and_weak_keys_refused,
          a_curve_given_by_parameters_is_refused)
