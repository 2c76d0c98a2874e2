/*
 * Bytes as a bundle. The first byte selects:
 *
 *   'T'  the rest is the text of a bundle
 *   'P'  the rest is a payload, which a trusted key signs
 *   'K'  the same as a key document
 *   'C'  a byte for each of up to eight bundle keys (which key, and whether it is left as
 * written or its link is damaged), then 8 bytes of numbers: a bundle that is written, perhaps
 * damaged, and read
 *
 * Beyond "no crash": what is read from a text of other origin than a trusted key is an error;
 * what was written and not damaged is read with the same values, and can be written again to
 * the same text.
 */
#include "common/base/base64url.h"
#include "common/jose/jws.h"
#include "common/json/emit.h"
#include "common/token/bundle.h"
#include "tests/fuzz/fuzz.h"

/* Of RFC 8037, so that a seed can have its public half. */
#define RFC8037                                                                                \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc8037\","                                \
    "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","                                   \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define KEYS 4

static struct key *keys[KEYS];
static char thumbprint[KEY_THUMBPRINT_LEN + 1];
static char *trusted[] = {thumbprint, NULL};
static const struct bundle_trust trust = {.thumbprints = trusted};

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(key_from_jwk(NULL, SLICE(RFC8037), KEY_PRIVATE, &keys[0], NULL) == TOK_OK);
    for (size_t i = 1; i < KEYS; i++)
        must(key_generate(NULL, alg_find(SLICE("EdDSA")), &keys[i]) == TOK_OK);
    must(key_thumbprint(keys[0], thumbprint) == TOK_OK);
    return 0;
}

static enum tok_err read_bundle(struct slice text, struct bundle *ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err = bundle_read(&trust, text, ret, &errmsg);

    must(!err == (errmsg.text[0] == '\0'));
    must(!err == (ret->n_chain > 0));
    return err;
}

static enum tok_err read_document(struct slice text, struct bundle *ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err = key_document_read(&trust, "https://issuer.example", text, ret, &errmsg);

    must(!err == (errmsg.text[0] == '\0'));
    must(!err == (ret->n_chain > 0));
    return err;
}

static void check_payload(struct slice payload, bool is_document)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    CLEANUP(bundle_clear) struct bundle other = {0};
    CLEANUP(secret_clear) struct secret text = {0};
    const char *typ = is_document ? "jwt-issuer-keys" : "jwt-bundle";
    enum tok_err err;

    if (jws_sign(keys[0], typ, payload, BUNDLE_MAX, &text))
        return;
    must((is_document ? read_bundle : read_document)(secret_slice(&text), &other) != TOK_OK);
    err = (is_document ? read_document : read_bundle)(secret_slice(&text), &b);
    if (err)
        return;
    must(b.seq > 0 && b.iat > 0 && b.linked < b.n_chain);
    must(is_document || (b.epoch > 0 && b.exp > b.iat && b.pruned_until >= 0));
    must(b.n_keys > 0 && b.n_keys <= BUNDLE_KEYS_MAX && b.n_chain <= BUNDLE_CHAIN_MAX);
    must(value_is_name(slice_of(b.iss)));
}

static void check_written(struct slice in)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(bundle_clear) struct bundle got = {0};
    struct bundle b = {.iss = "https://issuer.example", .n_keys = 1, .keys = {keys[1]}};
    size_t n = take_byte(&in) % BUNDLE_CHAIN_MAX + 1;
    bool reached = false;
    uint64_t number = 0;

    for (size_t i = 0; i < n; i++) {
        b.chain[i] = keys[take_byte(&in) % KEYS];
        reached = reached || b.chain[i] == keys[0];
    }
    b.n_chain = n;
    for (size_t i = 0; i < 6; i++)
        number = number << 8 | (uint8_t)take_byte(&in);
    b.iat = (int64_t)number + 1;
    b.exp = b.iat + 1;
    b.epoch = b.seq = (int64_t)(number >> 3) + 1;
    b.pruned_until = (int64_t)number;
    b.revoked.count = number;
    must(bundle_write(&b, &text) == TOK_OK);
    if (in.n >= 2) {
        size_t at = (size_t)(uint8_t)in.p[0] * text.n / 256;

        /* Only the last letter of a part may differ without a change of its bytes; it then is
         * not canonical. */
        text.p[at] ^= (char)((uint8_t)in.p[1] | 1);
        must(read_bundle(secret_slice(&text), &got) != TOK_OK);
        return;
    }
    must((read_bundle(secret_slice(&text), &got) == TOK_OK) == reached);
    if (reached)
        must(got.iat == b.iat && got.seq == b.seq && got.pruned_until == b.pruned_until &&
             revoked_digest_equal(&got.revoked, &b.revoked) && got.n_chain == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    CLEANUP(bundle_clear) struct bundle b = {0};

    switch (take_byte(&in)) {
    case 'T':
        must(read_bundle(in, &b) != TOK_OK && read_document(in, &b) != TOK_OK);
        return 0;
    case 'P':
    case 'K':
        check_payload(in, data[0] == 'K');
        return 0;
    case 'C':
        check_written(in);
        return 0;
    default:
        return -1;
    }
}
