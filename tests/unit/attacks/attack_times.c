/* The edges of time: NOW is 1700000100, the leeway 5 seconds where no word says another. */
#include "tests/unit/attacks/attack.h"

/* NULL: the claim is not there. */
static const struct {
    const char *name, *exp, *nbf, *iat, *words;
    enum tok_err err;
} times[] = {
    /* exp: over when now >= exp + leeway */
    {"exp now", "1700000100", NULL, "1700000000", "leeway=0", TOK_EXPIRED},
    {"exp a second from now", "1700000101", NULL, "1700000000", "leeway=0", TOK_OK},
    {"exp a second ago", "1700000099", NULL, "1700000000", "leeway=0", TOK_EXPIRED},
    {"exp at the leeway", "1700000095", NULL, "1700000000", NULL, TOK_EXPIRED},
    {"exp within the leeway", "1700000096", NULL, "1700000000", NULL, TOK_OK},
    {"exp at five minutes of leeway", "1699999800", NULL, "1699999000", "leeway=300",
     TOK_EXPIRED},
    {"exp within five minutes of leeway", "1699999801", NULL, "1699999000", "leeway=300",
     TOK_OK},
    {"exp and a fraction, now", "1700000100.9", NULL, "1700000000", "leeway=0", TOK_EXPIRED},
    {"exp and a fraction, a second from now", "1700000101.0", NULL, "1700000000", "leeway=0",
     TOK_OK},
    {"exp 0", "0", NULL, "0", NULL, TOK_EXPIRED},
    {"exp -0", "-0", NULL, "0", NULL, TOK_EXPIRED},
    {"exp 1", "1", NULL, "0", NULL, TOK_EXPIRED},
    {"exp -1", "-1", NULL, "-2", NULL, TOK_EXPIRED},
    {"exp -0.5", "-0.5", NULL, "-2", NULL, TOK_EXPIRED},
    {"exp in 32 bits, wrapped", "-2594967196", NULL, "1700000000", NULL, TOK_EXPIRED},
    {"exp in milliseconds", "1700000900000", NULL, "1700000000", NULL, TOK_LIFETIME},
    {"exp 2^31", "2147483648", NULL, "1700000000", NULL, TOK_LIFETIME},
    {"exp 2^32", "4294967296", NULL, "1700000000", NULL, TOK_LIFETIME},
    {"exp 2^53 - 1", "9007199254740991", NULL, "1700000000", NULL, TOK_LIFETIME},
    {"exp 2^53", "9007199254740992", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp -2^53 + 1", "-9007199254740991", NULL, "1700000000", NULL, TOK_EXPIRED},
    {"exp -2^53", "-9007199254740992", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 2^63", "9223372036854775808", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 2^64", "18446744073709551616", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 2^64 and the right time", "18446744075409552516", NULL, "1700000000", NULL,
     TOK_CLAIM_TYPE},
    {"exp of 60 digits", "170000090000000000000000000000000000000000000000000000000000", NULL,
     "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp with an exponent", "17000009e2", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 1e9", "1e9", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 1E400", "1E400", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp 1.7000009e9", "1.7000009e9", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp with exponent 0", "1700000900e0", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp of many zeros behind the dot", "1700000900.00000000000000000000000000000000000", NULL,
     "1700000000", NULL, TOK_OK},
    {"exp in a string", "\"1700000900\"", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp as a date", "\"2033-05-18T03:33:20Z\"", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp null", "null", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    {"exp in an array", "[1700000900]", NULL, "1700000000", NULL, TOK_CLAIM_TYPE},
    /* nbf: ahead when nbf > now + leeway */
    {"nbf now", "1700000900", "1700000100", "1700000000", "leeway=0", TOK_OK},
    {"nbf a second from now", "1700000900", "1700000101", "1700000000", "leeway=0",
     TOK_NOT_YET},
    {"nbf at the leeway", "1700000900", "1700000105", "1700000000", NULL, TOK_OK},
    {"nbf behind the leeway", "1700000900", "1700000106", "1700000000", NULL, TOK_NOT_YET},
    {"nbf at the leeway and a fraction", "1700000900", "1700000105.1", "1700000000", NULL,
     TOK_NOT_YET},
    {"nbf now and a fraction", "1700000900", "1700000100.000001", "1700000000", "leeway=0",
     TOK_NOT_YET},
    {"nbf of a fraction of zeros", "1700000900", "1700000105.000", "1700000000", NULL, TOK_OK},
    {"nbf 2^53 - 1", "1700000900", "9007199254740991", "1700000000", NULL, TOK_NOT_YET},
    {"nbf 2^53", "1700000900", "9007199254740992", "1700000000", NULL, TOK_CLAIM_TYPE},
    {"nbf -2^53 + 1", "1700000900", "-9007199254740991", "1700000000", NULL, TOK_OK},
    {"nbf with an exponent", "1700000900", "0e0", "1700000000", NULL, TOK_CLAIM_TYPE},
    {"nbf in milliseconds", "1700000900", "1700000000000", "1700000000", NULL, TOK_NOT_YET},
    {"nbf null", "1700000900", "null", "1700000000", NULL, TOK_CLAIM_TYPE},
    {"nbf behind exp", "1700000104", "1700000105", "1700000000", NULL, TOK_OK},
    {"nbf ahead and exp over", "1700000000", "1700009000", "1700000000", NULL, TOK_EXPIRED},
    /* iat likewise */
    {"iat now", "1700000900", NULL, "1700000100", "leeway=0", TOK_OK},
    {"iat a second from now", "1700000900", NULL, "1700000101", "leeway=0", TOK_NOT_YET},
    {"iat at the leeway", "1700000900", NULL, "1700000105", NULL, TOK_OK},
    {"iat behind the leeway", "1700000900", NULL, "1700000106", NULL, TOK_NOT_YET},
    {"iat at the leeway and a fraction", "1700000900", NULL, "1700000105.9", NULL, TOK_OK},
    {"iat 2^53 - 1", "1700000900", NULL, "9007199254740991", NULL, TOK_NOT_YET},
    {"iat 2^53", "1700000900", NULL, "9007199254740992", NULL, TOK_CLAIM_TYPE},
    {"iat with an exponent", "1700000900", NULL, "1.7e9", NULL, TOK_CLAIM_TYPE},
    {"iat true", "1700000900", NULL, "true", NULL, TOK_CLAIM_TYPE},
    {"iat behind exp", "1700000099", NULL, "1700000103", NULL, TOK_CLAIM},
    /* exp - iat: at most max_lifetime */
    {"a day", "1700086400", NULL, "1700000000", NULL, TOK_OK},
    {"a day and a second", "1700086401", NULL, "1700000000", NULL, TOK_LIFETIME},
    {"a day and a fraction", "1700086400.9", NULL, "1700000000", NULL, TOK_OK},
    {"a day, begun a fraction later", "1700086401", NULL, "1700000000.9", NULL, TOK_LIFETIME},
    {"900 seconds of 900", "1700000900", NULL, "1700000000", "max_lifetime=900", TOK_OK},
    {"900 seconds of 899", "1700000900", NULL, "1700000000", "max_lifetime=899", TOK_LIFETIME},
    {"iat long ago", "1700000900", NULL, "0", NULL, TOK_LIFETIME},
    {"iat before all time", "1700000900", NULL, "-9007199254740991", NULL, TOK_LIFETIME},
    {"the longest there is", "9007199254740991", NULL, "-9007199254740991", NULL, TOK_LIFETIME},
    {"ten years where so many are allowed", "2015360000", NULL, "1700000000",
     "max_lifetime=3650d", TOK_OK},
    {"ten years and a second", "2015360001", NULL, "1700000000", "max_lifetime=3650d",
     TOK_LIFETIME},
    {"no iat: from now, a day", "1700086500", NULL, NULL, "require=sub", TOK_OK},
    {"no iat: from now, a second more", "1700086501", NULL, NULL, "require=sub", TOK_LIFETIME},
};

static void add(FILE *out, const char *claim, const char *value)
{
    if (value)
        (void)fprintf(out, "%s\"%s\":%s", ftell(out) > 0 ? "," : "", claim, value);
}

void attack_times(struct range *r)
{
    char header[HEADER_MAX];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        CLEANUP(cleanup_free) char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);

        ck_assert_ptr_nonnull(out);
        add(out, "exp", times[i].exp);
        add(out, "nbf", times[i].nbf);
        add(out, "iat", times[i].iat);
        ck_assert_int_eq(fclose(out), 0);

        CLEANUP(cleanup_free) char *payload = range_payload("exp iat", text);

        range_words(r, times[i].words);
        attack_signed(r, "time", times[i].name, text_slice(header), text_slice(payload),
                      times[i].err);
        range_words_reset(r);
    }
}
