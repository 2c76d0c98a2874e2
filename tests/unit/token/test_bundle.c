/* A bundle is what the issuer wrote, or it is refused. */
#include "common/token/bundle.h"

#include "common/jose/jws.h"
#include "tests/unit/forge.h"

#define NOW INT64_C(1800000000)

/* ---- helpers ---- */

/* Three bundle keys, oldest first, two keys for tokens, and a stranger's. */
static struct key *old_key, *middle_key, *new_key, *signer, *next, *stranger;
static char trust_text[KEY_THUMBPRINT_LEN + 1];
static char *trusted[] = {trust_text, NULL};
static const struct bundle_trust trust = {.thumbprints = trusted};

static struct key *make_key(const char *alg)
{
    struct key *key;

    ck_assert_ok(key_generate(NULL, alg_find(text_slice(alg)), &key));
    return key;
}

static void trust_in(const struct key *key)
{
    ck_assert_ok(key_thumbprint(key, trust_text));
}

static void setup(void)
{
    old_key = make_key("EdDSA");
    middle_key = make_key("EdDSA");
    new_key = make_key("EdDSA");
    signer = make_key("EdDSA");
    next = make_key("ES256");
    stranger = make_key("EdDSA");
    trust_in(old_key);
}

static void teardown(void)
{
    struct key *const keys[] = {old_key, middle_key, new_key, signer, next, stranger};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        key_free(keys[i]);
}

static struct bundle sample(void)
{
    return (struct bundle){
        .iss = "https://issuer.example",
        .iat = NOW,
        .exp = NOW + BUNDLE_LIFETIME,
        .epoch = 2,
        .seq = NOW * 1000000,
        .n_keys = 2,
        .keys = {signer, next},
        .states = {BUNDLE_KEY_SIGNING, BUNDLE_KEY_NEXT},
        .n_chain = 1,
        .chain = {old_key},
        .revoked = {.count = 3, .sha256 = {1, 2, 3}},
        .pruned_until = NOW - 300,
    };
}

static struct bundle sample_chain(void)
{
    struct bundle b = sample();

    b.n_chain = 3;
    b.chain[1] = middle_key;
    b.chain[2] = new_key;
    return b;
}

static struct slice write_bundle(const struct bundle *b, struct secret *ret)
{
    ck_assert_ok(bundle_write(b, ret));
    return secret_slice(ret);
}

static enum tok_err try_read(struct slice text)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = bundle_read(&trust, text, &b, &errmsg);

    ck_assert_msg(!err == (errmsg.text[0] == '\0'), "%s", errmsg.text);
    ck_assert(!err == (b.n_chain > 0)); /* written only on success */
    return err;
}

/* The payload of a bundle; free it. */
static char *payload_of(const struct bundle *b)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct jws jws;
    char *payload;
    size_t n;

    ck_assert_ok(jws_split(write_bundle(b, &text), &jws));
    payload = calloc(1, jws.payload.n + 1);
    ck_assert_ptr_nonnull(payload);
    ck_assert_ok(base64url_decode(jws.payload, payload, jws.payload.n, &n));
    return payload;
}

/* The text with the first `from` replaced; free it. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out;

    ck_assert_msg(at != NULL, "%s is not in %s", from, text);
    ck_assert_int_ge(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)),
                     0);
    return out;
}

static char *header_of(const struct key *key, const char *alg, const char *typ)
{
    char *header;

    ck_assert_int_ge(asprintf(&header, "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"%.*s\"}", alg,
                              typ, (int)key_kid(key).n, key_kid(key).p),
                     0);
    return header;
}

/* What a reader makes of this payload when the right key signed it. */
static enum tok_err try_payload(const char *payload)
{
    CLEANUP(cleanup_free) char *header = header_of(old_key, "EdDSA", "jwt-bundle");
    CLEANUP(cleanup_free) char *text = forge(old_key, text_slice(header), text_slice(payload));

    return try_read(text_slice(text));
}

static enum tok_err try_replaced(const char *from, const char *to)
{
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free) char *changed = replaced(payload, from, to);

    return try_payload(changed);
}

/* ---- promises ---- */

START_TEST(what_was_written_is_read)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(bundle_clear) struct bundle got = {0};
    struct bundle b = sample();
    struct errmsg errmsg;

    ck_assert_ok(bundle_read(&trust, write_bundle(&b, &text), &got, &errmsg));
    ck_assert_str_eq(got.iss, b.iss);
    ck_assert_int_eq(got.iat, b.iat);
    ck_assert_int_eq(got.exp, b.exp);
    ck_assert_int_eq(got.epoch, b.epoch);
    ck_assert_int_eq(got.seq, b.seq);
    ck_assert_int_eq(got.pruned_until, b.pruned_until);
    ck_assert(revoked_digest_equal(&got.revoked, &b.revoked));
    ck_assert_uint_eq(got.n_keys, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(slice_eq(key_kid(got.keys[i]), key_kid(b.keys[i])));
        ck_assert(!key_is_private(got.keys[i]));
        ck_assert_ptr_eq(key_alg(got.keys[i]), key_alg(b.keys[i]));
        ck_assert_int_eq(got.states[i], b.states[i]);
    }
    ck_assert_uint_eq(got.n_chain, 1);
    ck_assert(slice_eq(key_kid(got.chain[0]), key_kid(old_key)));
}
END_TEST

START_TEST(a_usual_bundle_has_at_most_2_KB)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample_chain();

    /* Two keys and a successor of the bundle key; with 250 characters of issuer. */
    b.keys[1] = stranger;
    b.n_chain = 2;
    memset(b.iss, 'a', 250);
    ck_assert_uint_le(write_bundle(&b, &text).n, 2048);
}
END_TEST

START_TEST(a_bundle_that_is_too_long_is_not_written)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample();
    CLEANUP(cleanup_key) struct key *rsa = make_key("RS256");

    b.n_keys = BUNDLE_KEYS_MAX;
    for (size_t i = 0; i < b.n_keys; i++)
        b.keys[i] = signer;
    (void)write_bundle(&b, &text);
    for (size_t i = 0; i < b.n_keys; i++)
        b.keys[i] = rsa;
    ck_assert_err(bundle_write(&b, &text), TOK_TOO_LONG);
}
END_TEST

START_TEST(the_key_set_is_the_keys)
{
    CLEANUP(secret_clear) struct secret jwks = {0};
    CLEANUP(cleanup_free) char *a = NULL;
    CLEANUP(cleanup_free) char *b = NULL;
    struct bundle bundle = sample();
    char want[2048];

    ck_assert_ok(bundle_jwks(&bundle, &jwks));
    ck_assert_ok(key_public_jwk(signer, &a));
    ck_assert_ok(key_public_jwk(next, &b));
    snprintf(want, sizeof(want), "{\"keys\":[%s,%s]}\n", a, b);
    ck_assert_str_eq(jwks.p, want);
}
END_TEST

START_TEST(a_successor_is_reached_from_each_earlier_key)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample_chain();
    struct slice bundle = write_bundle(&b, &text);

    for (size_t i = 0; i < 3; i++) {
        trust_in(b.chain[i]);
        ck_assert_ok(try_read(bundle));
    }
    trust_in(stranger);
    ck_assert_err(try_read(bundle), TOK_UNKNOWN_KEY);
    trust_in(signer);
    ck_assert_err(try_read(bundle), TOK_UNKNOWN_KEY);
}
END_TEST

START_TEST(a_retired_bundle_key_is_not_trusted_by_who_knows_its_successor)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample();

    trust_in(middle_key); /* as after a bundle of the successor */
    ck_assert_err(try_read(write_bundle(&b, &text)), TOK_UNKNOWN_KEY);
}
END_TEST

/* Of several trusted keys, as of several issuers. */
START_TEST(a_key_without_a_signature_of_the_one_before_begins_the_chain)
{
    char second[KEY_THUMBPRINT_LEN + 1] = "";
    char *both[] = {trust_text, second, NULL};
    const struct bundle_trust two = {.thumbprints = both};
    struct bundle b = sample_chain();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free) char *header = header_of(new_key, "EdDSA", "jwt-bundle");
    /* The first link is damaged, the second one is not. */
    CLEANUP(cleanup_free) char *changed = replaced(payload, "\"signature\":", "\"nothing\":");
    CLEANUP(cleanup_free) char *text = forge(new_key, text_slice(header), text_slice(changed));
    struct errmsg errmsg;

    ck_assert_ok(key_thumbprint(middle_key, second));
    for (int whole = 0; whole < 2; whole++) {
        CLEANUP(cleanup_free)
        char *bundle =
            forge(new_key, text_slice(header), text_slice(whole ? payload : changed));
        CLEANUP(bundle_clear) struct bundle got = {0};

        ck_assert_ok(bundle_read(&two, text_slice(bundle), &got, &errmsg));
        ck_assert_uint_eq(got.linked, whole ? 0 : 1);
    }
    ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE); /* the first one alone */
}
END_TEST

/* The attacker's own key, behind the real chain or in its place. */
START_TEST(a_chain_cannot_be_extended_or_bent)
{
    struct bundle forged = sample();
    CLEANUP(cleanup_free) char *payload = NULL;
    CLEANUP(cleanup_free) char *header = header_of(stranger, "EdDSA", "jwt-bundle");
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(cleanup_free) char *own = NULL;
    char tail[64];

    /* The real key is named, and its signature is a guess. */
    forged.n_chain = 2;
    forged.chain[1] = stranger;
    payload = payload_of(&forged);
    snprintf(tail, sizeof(tail), "%.20s", strstr(payload, "\"signature\":\""));
    own = replaced(payload, tail, "\"signature\":\"AAAAAAA");
    text = forge(stranger, text_slice(header), text_slice(own));
    ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE);
    /* Without any link */
    free(own);
    own = replaced(payload, ",\"by\"", ",\"nothing\"");
    free(text);
    text = forge(stranger, text_slice(header), text_slice(own));
    ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE);
    /* Alone: its thumbprint is trusted by no one */
    forged.n_chain = 1;
    forged.chain[0] = stranger;
    free(own);
    own = payload_of(&forged);
    free(text);
    text = forge(stranger, text_slice(header), text_slice(own));
    ck_assert_err(try_read(text_slice(text)), TOK_UNKNOWN_KEY);
}
END_TEST

START_TEST(a_link_of_another_issuer_or_key_is_refused)
{
    struct bundle b = sample_chain();
    CLEANUP(cleanup_free) char *header = header_of(new_key, "EdDSA", "jwt-bundle");
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free)
    char *changed = replaced(payload, "https://issuer.example", "https://issuer.exampel");
    CLEANUP(cleanup_free) char *text = forge(new_key, text_slice(header), text_slice(changed));

    ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE);
}
END_TEST

/* A stolen key that signs tokens signs no bundle. */
START_TEST(a_key_for_tokens_cannot_sign_a_bundle)
{
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    const struct key *signers[] = {signer, next, stranger, new_key};

    for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
        const struct key *names[] = {signers[i], old_key};

        for (size_t k = 0; k < 2; k++) {
            CLEANUP(cleanup_free)
            char *header = header_of(names[k], key_alg(signers[i])->name, "jwt-bundle");
            CLEANUP(cleanup_free)
            char *text = forge(signers[i], text_slice(header), text_slice(payload));
            enum tok_err err = try_read(text_slice(text));

            ck_assert_err(err, k == 0 ? TOK_UNKNOWN_KEY : i == 1 ? TOK_ALG : TOK_SIGNATURE);
        }
    }
}
END_TEST

START_TEST(another_issuers_bundle_is_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample();

    b.chain[0] = stranger;
    ck_assert_err(try_read(write_bundle(&b, &text)), TOK_UNKNOWN_KEY);
}
END_TEST

START_TEST(a_part_of_a_bundle_is_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample();
    struct slice whole = write_bundle(&b, &text);

    for (size_t n = 0; n < whole.n; n++)
        ck_assert_int_ne(try_read((struct slice){whole.p, n}), TOK_OK);
    ck_assert_ok(try_read(whole));
}
END_TEST

START_TEST(a_changed_letter_is_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample_chain();
    struct slice whole = write_bundle(&b, &text);

    for (size_t i = 0; i < whole.n; i++) {
        char was = text.p[i];

        text.p[i] = was == 'A' ? 'B' : 'A';
        ck_assert_int_ne(try_read(whole), TOK_OK);
        text.p[i] = was;
    }
}
END_TEST

START_TEST(other_types_and_algorithms_are_refused)
{
    static const struct {
        const char *alg, *typ;
        enum tok_err err;
    } rows[] = {
        {"EdDSA", "jwt-bundle", TOK_OK},
        {"EdDSA", "application/JWT-Bundle", TOK_OK},
        {"Ed25519", "jwt-bundle", TOK_OK},
        {"EdDSA", "JWT", TOK_TYP},
        {"EdDSA", "at+jwt", TOK_TYP},
        {"EdDSA", "jwt-bundles", TOK_TYP},
        {"EdDSA", "", TOK_TYP},
        {"none", "jwt-bundle", TOK_ALG},
        {"HS256", "jwt-bundle", TOK_ALG},
        {"ES256", "jwt-bundle", TOK_ALG},
        {"eddsa", "jwt-bundle", TOK_ALG},
    };
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(cleanup_free) char *header = header_of(old_key, rows[i].alg, rows[i].typ);
        CLEANUP(cleanup_free)
        char *text = forge(old_key, text_slice(header), text_slice(payload));

        ck_assert_err(try_read(text_slice(text)), rows[i].err);
    }
}
END_TEST

START_TEST(no_signature_and_a_mac_with_the_public_key_are_refused)
{
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free) char *header = header_of(old_key, "EdDSA", "jwt-bundle");
    CLEANUP(cleanup_free)
    char *text = forge_with(text_slice(header), text_slice(payload), SLICE(""));

    ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE);
}
END_TEST

START_TEST(headers_that_change_the_meaning_are_refused_and_keys_in_them_ignored)
{
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free) char *jwk = NULL;
    static const struct {
        const char *more;
        enum tok_err err;
    } rows[] = {
        {"\"crit\":[\"exp\"]", TOK_CRIT},
        {"\"b64\":false", TOK_UNSUPPORTED},
        {"\"zip\":\"DEF\"", TOK_UNSUPPORTED},
        {"\"typ\":\"jwt-bundle\"", TOK_JSON},
        {"\"jku\":\"https://evil.example/\"", TOK_OK},
    };
    char header[1024];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(cleanup_free) char *text = NULL;

        snprintf(header, sizeof(header),
                 "{\"alg\":\"EdDSA\",\"typ\":\"jwt-bundle\",\"kid\":\"%.*s\",%s}",
                 (int)key_kid(old_key).n, key_kid(old_key).p, rows[i].more);
        text = forge(old_key, text_slice(header), text_slice(payload));
        ck_assert_err(try_read(text_slice(text)), rows[i].err);
    }
    /* the stranger's own key in the header */
    ck_assert_ok(key_public_jwk(stranger, &jwk));
    snprintf(header, sizeof(header),
             "{\"alg\":\"EdDSA\",\"typ\":\"jwt-bundle\",\"kid\":\"%.*s\",\"jwk\":%s}",
             (int)key_kid(old_key).n, key_kid(old_key).p, jwk);
    {
        CLEANUP(cleanup_free)
        char *text = forge(stranger, text_slice(header), text_slice(payload));

        ck_assert_err(try_read(text_slice(text)), TOK_SIGNATURE);
    }
}
END_TEST

START_TEST(members_have_one_form)
{
    static const struct {
        const char *from, *to;
        enum tok_err err;
    } rows[] = {
        {"{\"iss\":", "{\"more\":[1,{\"x\":null}],\"iss\":", TOK_OK},
        {"\"iss\":\"https://issuer.example\",", "", TOK_CLAIM_TYPE},
        {"\"https://issuer.example\"", "\"\"", TOK_CLAIM_TYPE},
        {"\"https://issuer.example\"", "\"a b\"", TOK_CLAIM_TYPE},
        {"\"https://issuer.example\"", "\"a\\u0000b\"", TOK_CLAIM_TYPE},
        {"\"https://issuer.example\"", "[\"a\"]", TOK_CLAIM_TYPE},
        {"{\"iss\":", "{\"iss\":\"https://other\",\"iss\":", TOK_JSON},
        {"{\"sha256\":", "{\"count\":3,\"sha256\":", TOK_JSON},
        {"\"iat\":1800000000", "\"iat\":-1", TOK_CLAIM_TYPE},
        {"\"iat\":1800000000", "\"iat\":1.5", TOK_CLAIM_TYPE},
        {"\"iat\":1800000000", "\"iat\":\"1800000000\"", TOK_CLAIM_TYPE},
        {"\"iat\":1800000000", "\"iat\":18e8", TOK_CLAIM_TYPE},
        {"\"iat\":1800000000", "\"iat\":1800003600", TOK_CLAIM_TYPE}, /* exp <= iat */
        {"\"exp\":1800003600", "\"exp\":99999999999999999999999", TOK_CLAIM_TYPE},
        {"\"exp\":1800003600", "\"exp\":9007199254740992", TOK_CLAIM_TYPE},
        {"\"exp\":1800003600", "\"exp\":9007199254740991", TOK_OK},
        {"\"exp\":1800003600,", "", TOK_CLAIM_TYPE},
        {"\"epoch\":2", "\"epoch\":0", TOK_CLAIM_TYPE},
        {"\"epoch\":2", "\"epoch\":true", TOK_CLAIM_TYPE},
        {"\"epoch\":2", "\"epoch\":2,\"epoch\":3", TOK_JSON},
        {"\"seq\":", "\"seq\":-", TOK_CLAIM_TYPE},
        {"\"seq\":", "\"Seq\":", TOK_CLAIM_TYPE},
        {"\"state\":\"signing\"", "\"state\":\"stolen\"", TOK_CLAIM_TYPE},
        {",\"state\":\"signing\"", "", TOK_CLAIM_TYPE},
        {"\"kty\":\"OKP\"", "\"kty\":\"New\"", TOK_OK}, /* the other key is left */
        {"\"crv\":\"Ed25519\"", "\"crv\":\"Ed25519\",\"d\":\"AA\"", TOK_KEYS},
        {"\"kid\":", "\"kit\":", TOK_KEYS},
        {"\"keys\":[", "\"keys\":{\"a\":[", TOK_JSON},
        {"\"keys\":[", "\"keys\":null,\"others\":[", TOK_CLAIM_TYPE},
        {"\"keys\":[", "\"keys\":[],\"others\":[", TOK_CLAIM_TYPE},
        {"\"keys\":[", "\"keys\":[1,", TOK_CLAIM_TYPE},
        {"\"bundle_keys\":[", "\"bundle_keys\":[],\"others\":[", TOK_UNKNOWN_KEY},
        {"\"bundle_keys\":[", "\"bundle_keys\":[7,", TOK_CLAIM_TYPE},
        {"\"bundle_keys\":[{", "\"others\":[{", TOK_CLAIM_TYPE},
        {"\"count\":3", "\"count\":-3", TOK_CLAIM_TYPE},
        {"\"count\":3", "\"count\":1e1", TOK_CLAIM_TYPE},
        {"\"pruned_until\":", "\"pruned\":", TOK_CLAIM_TYPE},
        {"\"sha256\":\"", "\"sha256\":\"AAAA", TOK_CLAIM_TYPE},
        {"\"sha256\":\"AQ", "\"sha256\":\"A+", TOK_CLAIM_TYPE},
        {"\"revoked\":{", "\"revoked\":[{", TOK_JSON},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum tok_err err = try_replaced(rows[i].from, rows[i].to);

        ck_assert_msg(err == rows[i].err, "%s to %s: %s", rows[i].from, rows[i].to,
                      tok_err_word(err));
    }
}
END_TEST

START_TEST(keys_of_one_kid_and_secrets_are_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_key) struct key *secret = make_key("HS256");
    struct bundle b = sample();

    b.keys[1] = signer;
    ck_assert_err(try_read(write_bundle(&b, &text)), TOK_KEYS);
    ck_assert_err(try_replaced("\"keys\":[", "\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\","
                                             "\"kid\":\"s\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAA"
                                             "AAAAAAAAAAAAAAAAAA\",\"state\":\"old\"},"),
                  TOK_KEYS);
    b = sample();
    b.keys[0] = secret;
    secret_clear(&text);
    ck_assert_err(bundle_write(&b, &text), TOK_KEYS);
    b = sample();
    b.chain[0] = next; /* ES256 */
    ck_assert_err(bundle_write(&b, &text), TOK_KEYS);
}
END_TEST

START_TEST(what_is_no_object_or_too_long_is_refused)
{
    UNINITIALIZED char text[BUNDLE_MAX + 2];

    ck_assert_int_ne(try_payload("[]"), TOK_OK);
    ck_assert_int_ne(try_payload("{}"), TOK_OK);
    ck_assert_int_ne(try_payload("x"), TOK_OK);
    memset(text, 'A', sizeof(text));
    text[10] = text[20] = '.';
    ck_assert_err(try_read((struct slice){text, BUNDLE_MAX + 1}), TOK_TOO_LONG);
    ck_assert_err(try_read(SLICE("")), TOK_MALFORMED);
}
END_TEST

/* ---- key documents ---- */

static struct slice write_document(const struct bundle *b, struct secret *ret)
{
    ck_assert_ok(key_document_write(b, ret));
    return secret_slice(ret);
}

static enum tok_err try_document(struct slice text)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = key_document_read(&trust, "https://issuer.example", text, &b, &errmsg);

    ck_assert_msg(!err == (errmsg.text[0] == '\0'), "%s", errmsg.text);
    ck_assert(!err || strncmp(errmsg.text, "key document: ", 14) == 0);
    ck_assert(!err == (b.n_chain > 0));
    return err;
}

START_TEST(a_key_document_is_what_was_written)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(bundle_clear) struct bundle got = {0};
    struct bundle b = sample_chain();
    struct errmsg errmsg;
    struct slice document = write_document(&b, &text);

    ck_assert_ok(key_document_read(&trust, b.iss, document, &got, &errmsg));
    ck_assert_int_eq(got.iat, b.iat);
    ck_assert_int_eq(got.seq, b.seq);
    ck_assert_uint_eq(got.n_chain, 3);
    ck_assert_uint_eq(got.n_keys, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(slice_eq(key_kid(got.keys[i]), key_kid(b.keys[i])));
        ck_assert(!key_is_private(got.keys[i]));
        ck_assert_int_eq(got.states[i], b.states[i]);
    }
    ck_assert(!memmem(document.p, document.n, "revoked", 7));
    for (size_t i = 0; i < 3; i++) {
        trust_in(b.chain[i]);
        ck_assert_ok(try_document(document));
    }
}
END_TEST

START_TEST(a_bundle_is_no_key_document_and_a_key_document_no_bundle)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(secret_clear) struct secret document = {0};
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);

    ck_assert_err(try_document(write_bundle(&b, &text)), TOK_TYP);
    ck_assert_err(try_read(write_document(&b, &document)), TOK_TYP);
    /* The type decides, whatever the payload has. */
    for (int i = 0; i < 3; i++) {
        static const char *const types[] = {"jwt-bundle", "JWT", "jwt-issuer-keys"};
        CLEANUP(cleanup_free) char *header = header_of(old_key, "EdDSA", types[i]);
        CLEANUP(cleanup_free)
        char *forged = forge(old_key, text_slice(header), text_slice(payload));

        ck_assert_err(try_document(text_slice(forged)), i == 2 ? TOK_OK : TOK_TYP);
        ck_assert_err(try_read(text_slice(forged)), i == 0 ? TOK_OK : TOK_TYP);
    }
}
END_TEST

START_TEST(a_key_document_of_another_issuer_or_key_is_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(secret_clear) struct secret other = {0};
    CLEANUP(secret_clear) struct secret own = {0};
    struct bundle b = sample();

    strcpy(b.iss, "https://other.example");
    ck_assert_err(try_document(write_document(&b, &other)), TOK_ISSUER);
    b = sample();
    b.chain[0] = stranger;
    ck_assert_err(try_document(write_document(&b, &text)), TOK_UNKNOWN_KEY);
    b.chain[0] = signer; /* signs tokens */
    ck_assert_err(try_document(write_document(&b, &own)), TOK_UNKNOWN_KEY);
    trust_in(middle_key); /* the one that replaced the document's */
    b = sample();
    secret_clear(&text);
    ck_assert_err(try_document(write_document(&b, &text)), TOK_UNKNOWN_KEY);
}
END_TEST

START_TEST(an_altered_or_cut_key_document_is_refused)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct bundle b = sample_chain();
    struct slice whole = write_document(&b, &text);

    for (size_t i = 0; i < whole.n; i++) {
        char was = text.p[i];

        ck_assert_int_ne(try_document((struct slice){whole.p, i}), TOK_OK);
        text.p[i] = was == 'A' ? 'B' : 'A';
        ck_assert_int_ne(try_document(whole), TOK_OK);
        text.p[i] = was;
    }
    ck_assert_ok(try_document(whole));
}
END_TEST

START_TEST(a_key_document_has_one_form)
{
    static const struct {
        const char *from, *to;
        enum tok_err err;
    } rows[] = {
        {"{\"iss\":", "{\"more\":1,\"iss\":", TOK_OK},
        {"\"iat\":1800000000", "\"iat\":0", TOK_CLAIM_TYPE},
        {"\"seq\":", "\"number\":", TOK_CLAIM_TYPE},
        {"\"seq\":", "\"seq\":-", TOK_CLAIM_TYPE},
        {"\"seq\":", "\"seq\":1,\"seq\":", TOK_JSON},
        {"\"keys\":[", "\"keys\":[],\"others\":[", TOK_CLAIM_TYPE},
        {"\"state\":\"signing\"", "\"state\":\"stolen\"", TOK_CLAIM_TYPE},
        {"\"crv\":\"Ed25519\"", "\"crv\":\"Ed25519\",\"d\":\"AA\"", TOK_KEYS},
        {"\"keys\":[",
         "\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"s\",\"k\":"
         "\"AAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAAAAAAAAAAA\",\"state\":\"old\"},",
         TOK_KEYS},
    };
    struct bundle b = sample();
    CLEANUP(cleanup_free) char *payload = payload_of(&b);
    CLEANUP(cleanup_free) char *header = header_of(old_key, "EdDSA", "jwt-issuer-keys");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(cleanup_free) char *changed = replaced(payload, rows[i].from, rows[i].to);
        CLEANUP(cleanup_free)
        char *text = forge(old_key, text_slice(header), text_slice(changed));
        enum tok_err err = try_document(text_slice(text));

        ck_assert_msg(err == rows[i].err, "%s to %s: %s", rows[i].from, rows[i].to,
                      tok_err_word(err));
    }
}
END_TEST

START_TEST(a_key_document_that_is_too_long_or_has_secrets_or_one_kid_twice_is_refused)
{
    UNINITIALIZED char long_text[BUNDLE_MAX + 1];
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_key) struct key *secret = make_key("HS256");
    struct bundle b = sample();

    b.keys[1] = signer;
    ck_assert_err(try_document(write_document(&b, &text)), TOK_KEYS);
    secret_clear(&text);
    b.keys[1] = secret;
    ck_assert_err(key_document_write(&b, &text), TOK_KEYS);
    memset(long_text, 'A', sizeof(long_text));
    long_text[10] = long_text[20] = '.';
    ck_assert_err(try_document((struct slice){long_text, sizeof(long_text)}), TOK_TOO_LONG);
    ck_assert_err(try_document(SLICE("")), TOK_MALFORMED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_written_is_read,
        a_usual_bundle_has_at_most_2_KB,
        a_bundle_that_is_too_long_is_not_written,
        the_key_set_is_the_keys,
        a_successor_is_reached_from_each_earlier_key,
        a_retired_bundle_key_is_not_trusted_by_who_knows_its_successor,
        a_key_without_a_signature_of_the_one_before_begins_the_chain,
        a_chain_cannot_be_extended_or_bent,
        a_link_of_another_issuer_or_key_is_refused,
        a_key_for_tokens_cannot_sign_a_bundle,
        another_issuers_bundle_is_refused,
        a_part_of_a_bundle_is_refused,
        a_changed_letter_is_refused,
        other_types_and_algorithms_are_refused,
        no_signature_and_a_mac_with_the_public_key_are_refused,
        headers_that_change_the_meaning_are_refused_and_keys_in_them_ignored,
        members_have_one_form,
        keys_of_one_kid_and_secrets_are_refused,
        what_is_no_object_or_too_long_is_refused,
        a_key_document_is_what_was_written,
        a_bundle_is_no_key_document_and_a_key_document_no_bundle,
        a_key_document_of_another_issuer_or_key_is_refused,
        an_altered_or_cut_key_document_is_refused,
        a_key_document_has_one_form,
        a_key_document_that_is_too_long_or_has_secrets_or_one_kid_twice_is_refused,
    };

    return unit_run_with("bundle", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
