#include "common/token/parsed_token.h"
#include "common/token/policy.h"
#include "tests/unit/forge.h"

#define HEADER "{\"alg\":\"EdDSA\"}"

static struct parsed_token parse(const char *token)
{
    struct parsed_token parsed;

    ck_assert_ok(token_parse(text_slice(token), &parsed));
    ck_assert_uint_eq(parsed.length, strlen(token));
    return parsed;
}

static enum tok_err issuer_of(struct slice payload, char ret[VALUE_NAME_MAX + 1])
{
    CLEANUP(cleanup_free) char *token = forge_with(SLICE(HEADER), payload, SLICE("s"));
    CLEANUP(parsed_token_clear) struct parsed_token parsed = parse(token);

    return unverified_issuer(&parsed, ret);
}

START_TEST(a_token_is_split_and_its_payload_decoded)
{
    CLEANUP(cleanup_free) char *token = forge_with(SLICE(HEADER), SLICE("{}\n"), SLICE("s"));
    CLEANUP(parsed_token_clear) struct parsed_token parsed = parse(token);

    ck_assert_ok(parsed.split_err);
    ck_assert_ok(parsed.payload_err);
    ck_assert(slice_is(secret_slice(&parsed.payload), "{}\n"));
    ck_assert(slice_is(parsed.jws.signature, "cw"));
    ck_assert_ptr_eq(parsed.jws.header.p, token);
    parsed_token_clear(&parsed);
    ck_assert_ptr_null(parsed.payload.p);
}
END_TEST

START_TEST(what_is_no_token_has_no_payload)
{
    static const char *const texts[] = {"",     "junk",       "a.b",       "..",
                                        "....", "YQ.e30.c w", "YQ.e3 .cw", "Y=.e30.cw"};
    char iss[VALUE_NAME_MAX + 1];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(parsed_token_clear) struct parsed_token parsed = parse(texts[i]);

        ck_assert_err(parsed.split_err, TOK_MALFORMED);
        ck_assert_ptr_null(parsed.payload.p);
        ck_assert_err(unverified_issuer(&parsed, iss), TOK_MALFORMED);
    }
}
END_TEST

START_TEST(a_payload_that_is_not_canonical_is_kept_as_an_error)
{
    static const char *const texts[] = {"YQ.e31.cw", "YQ.e.cw", "YQ.e30e3.cw"};
    char iss[VALUE_NAME_MAX + 1];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(parsed_token_clear) struct parsed_token parsed = parse(texts[i]);

        ck_assert_ok(parsed.split_err);
        ck_assert_err(parsed.payload_err, TOK_BASE64);
        ck_assert_ptr_null(parsed.payload.p);
        ck_assert_err(unverified_issuer(&parsed, iss), TOK_MALFORMED);
    }
}
END_TEST

START_TEST(a_payload_of_a_token_over_every_limit_is_not_decoded)
{
    static const char begin[] = "e30.";
    char *text = malloc(POLICY_LENGTH_MAX + 2);
    size_t n = POLICY_LENGTH_MAX;

    ck_assert_ptr_nonnull(text);
    memset(text, 'A', n + 1);
    memcpy(text, begin, strlen(begin));
    text[n - 4] = '.';
    text[n] = '\0';
    for (int longer = 0; longer <= 1; longer++) {
        CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};

        ck_assert_ok(token_parse((struct slice){text, n + (size_t)longer}, &parsed));
        ck_assert_ok(parsed.split_err);
        ck_assert_err(parsed.payload_err, longer ? TOK_TOO_LONG : TOK_OK);
        ck_assert_int_eq(parsed.payload.p != NULL, !longer);
        text[n] = 'A';
    }
    free(text);
}
END_TEST

START_TEST(the_issuer_is_read_without_a_key)
{
    char iss[VALUE_NAME_MAX + 1], payload[VALUE_NAME_MAX + 64];

    ck_assert_ok(issuer_of(SLICE("{\"iss\":\"https:\\/\\/x\"}"), iss));
    ck_assert_str_eq(iss, "https://x");
    for (size_t n = VALUE_NAME_MAX; n <= VALUE_NAME_MAX + 1; n++) {
        int at = snprintf(payload, sizeof(payload), "{\"iss\":\"");

        memset(payload + at, 'i', n);
        (void)snprintf(payload + at + n, 8, "\"}");
        ck_assert_err(issuer_of(text_slice(payload), iss),
                      n == VALUE_NAME_MAX ? TOK_OK : TOK_MALFORMED);
        ck_assert_uint_eq(strlen(iss), VALUE_NAME_MAX);
    }
}
END_TEST

START_TEST(no_issuer_is_read_from_a_faulty_payload)
{
    const struct slice payloads[] = {
        SLICE("{}"),
        SLICE("[]"),
        SLICE("{"),
        SLICE("{\"iss\":1}"),
        SLICE("{\"iss\":null}"),
        SLICE("{\"iss\":[\"x\"]}"),
        SLICE("\xff\xff"),
        SLICE("{\"iss\":\"x\\u0000y\"}"),
        SLICE("{\"iss\":\"x\",\"iss\":\"y\"}"),
    };
    char iss[VALUE_NAME_MAX + 1] = "same";

    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        ck_assert_msg(issuer_of(payloads[i], iss) == TOK_MALFORMED, "%zu", i);
        ck_assert_str_eq(iss, "same");
    }
}
END_TEST

UNIT_MAIN("parsed_token", a_token_is_split_and_its_payload_decoded,
          what_is_no_token_has_no_payload, a_payload_that_is_not_canonical_is_kept_as_an_error,
          a_payload_of_a_token_over_every_limit_is_not_decoded,
          the_issuer_is_read_without_a_key, no_issuer_is_read_from_a_faulty_payload)
