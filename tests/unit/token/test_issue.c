#include "common/token/issue.h"

#include "common/jose/jws.h"
#include "tests/unit/forge.h"
#include "tests/unit/wiped.h"

static const uint8_t jti[ISSUE_ID_BYTES] = {0x01, 0x8f, 1, 2, 3, 4, 0x70, 5, 0x80};
static const uint8_t sid[ISSUE_ID_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static char *one_audience[] = {(char[]){"host"}, NULL};
static char *two_audiences[] = {(char[]){"host"}, (char[]){"other"}, NULL};

static struct issue_claims sample(void)
{
    return (struct issue_claims){
        .names = {"sub", "token_type", "jti", NULL},
        .token_type = "access",
        .exp = 1700000900,
        .iat = 1700000000,
        .jti = jti,
        .sid = sid,
        .user = "alice",
        .issuer = "https://host",
        .audience = one_audience,
        .gen = -1,
    };
}

/* The decoded bytes of a token's part; free it. */
static char *decode_part(struct slice letters)
{
    char *text = calloc(1, BASE64URL_BYTES(letters.n) + 1);
    size_t n;

    ck_assert_ptr_nonnull(text);
    ck_assert_ok(base64url_decode(letters, text, BASE64URL_BYTES(letters.n), &n));
    return text;
}

/* A token of RFC 8037's key, and its parts. */
static void cut_token(const struct issue_claims *claims, struct secret *ret,
                      struct jws *ret_jws)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);

    ck_assert_ok(issue_token(key, claims, 0, ret));
    ck_assert_ok(jws_split(secret_slice(ret), ret_jws));
}

static void check_payload(const struct issue_claims *claims, const char *want)
{
    CLEANUP(secret_clear) struct secret token = {0};
    struct jws jws;

    cut_token(claims, &token, &jws);

    CLEANUP(cleanup_free) char *payload = decode_part(jws.payload);

    ck_assert_str_eq(payload, want);
}

START_TEST(an_access_token_has_this_form)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret token = {0};
    struct issue_claims claims = sample();
    char signature[64];
    struct jws jws;
    size_t n;

    ck_assert_ok(issue_token(key, &claims, 511, &token));
    ck_assert_ok(jws_split(secret_slice(&token), &jws));

    CLEANUP(cleanup_free) char *header = decode_part(jws.header);

    ck_assert_str_eq(header, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"rfc8037\"}");
    ck_assert_ok(base64url_decode(jws.signature, signature, sizeof(signature), &n));
    ck_assert_ok(key_verify(key, jws.input, (struct slice){signature, n}));
    check_payload(&claims, "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"sub\":\"alice\","
                           "\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\"}");
}
END_TEST

START_TEST(optional_claims_come_last_in_order)
{
    struct issue_claims claims = sample();

    claims.token_type = "refresh";
    claims.gen = 7;
    claims.scope = "pam:sshd";
    claims.one_time = true;
    claims.audience = two_audiences;
    check_payload(&claims,
                  "{\"token_type\":\"refresh\",\"exp\":1700000900,\"iat\":1700000000,"
                  "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"sub\":\"alice\","
                  "\"iss\":\"https://host\",\"aud\":[\"host\",\"other\"],"
                  "\"sid\":\"_____________________w\",\"gen\":7,\"scope\":\"pam:sshd\","
                  "\"one_time\":true}");
}
END_TEST

START_TEST(amr_is_an_array_also_of_one_word)
{
    struct issue_claims claims = sample();

    claims.scope = "pam:sudo";
    claims.amr = "pwd otp";
    check_payload(&claims, "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"sub\":\"alice\","
                           "\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\","
                           "\"amr\":[\"pwd\",\"otp\"],\"scope\":\"pam:sudo\"}");
    claims.amr = "otp";
    claims.scope = NULL;
    check_payload(&claims, "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"sub\":\"alice\","
                           "\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\","
                           "\"amr\":[\"otp\"]}");
    claims.amr = "";
    check_payload(&claims, "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"sub\":\"alice\","
                           "\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\"}");
}
END_TEST

START_TEST(a_sliding_tokens_second_end_stands_where_simplejwt_puts_it)
{
    struct issue_claims claims = sample();

    claims.token_type = "sliding";
    claims.refresh_exp = 1700086400;
    check_payload(&claims, "{\"token_type\":\"sliding\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"refresh_exp\":1700086400,"
                           "\"sub\":\"alice\",\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\"}");
}
END_TEST

START_TEST(claims_are_called_as_the_settings_say)
{
    struct issue_claims claims = sample();

    claims.names = (struct claims_names){"user_id", "kind", "id", NULL};
    check_payload(&claims, "{\"kind\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"id\":\"AY8BAgMEcAWAAAAAAAAAAA\",\"user_id\":\"alice\","
                           "\"iss\":\"https://host\",\"aud\":\"host\","
                           "\"sid\":\"_____________________w\"}");
}
END_TEST

START_TEST(text_is_escaped_so_that_it_stays_inside_its_claim)
{
    char *audience[] = {(char[]){"a\",\"x\":\""}, NULL};
    struct issue_claims claims = sample();

    claims.user = "al\",\"sub\":\"root";
    claims.scope = "back\\slash\ttab";
    claims.issuer = "\xc3\xa9";
    claims.audience = audience;
    check_payload(&claims, "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
                           "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\","
                           "\"sub\":\"al\\\",\\\"sub\\\":\\\"root\",\"iss\":\"\xc3\xa9\","
                           "\"aud\":\"a\\\",\\\"x\\\":\\\"\","
                           "\"sid\":\"_____________________w\","
                           "\"scope\":\"back\\\\slash\\u0009tab\"}");
}
END_TEST

START_TEST(the_same_claims_give_the_same_bytes)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret a = {0};
    CLEANUP(secret_clear) struct secret b = {0};
    struct issue_claims claims = sample();

    ck_assert_ok(issue_token(key, &claims, 0, &a));
    ck_assert_ok(issue_token(key, &claims, 0, &b));
    ck_assert(secret_equal(secret_slice(&a), secret_slice(&b)));
}
END_TEST

START_TEST(a_token_over_the_limit_is_not_issued)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret token = {0};
    struct issue_claims claims = sample();
    size_t n;

    ck_assert_ok(issue_token(key, &claims, 0, &token));
    n = token.n;
    secret_clear(&token);
    ck_assert_uint_eq(issue_length(key, &claims), n);
    ck_assert_err(issue_token(key, &claims, n - 1, &token), TOK_TOO_LONG);
    ck_assert_ptr_null(token.p);
    ck_assert_ok(issue_token(key, &claims, n, &token));
    ck_assert_uint_eq(token.n, n);
}
END_TEST

START_TEST(a_payload_of_any_length_is_minted_whole)
{
    static const char before[] = "{\"token_type\":\"access\",\"exp\":1700000900,"
                                 "\"iat\":1700000000,\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\","
                                 "\"sub\":\"alice\",\"iss\":\"https://host\",\"aud\":\"host\","
                                 "\"sid\":\"_____________________w\",\"scope\":\"";
    char scope[4000] = "", want[5000];
    struct issue_claims claims = sample();

    claims.scope = scope;
    for (size_t n = 0; n < sizeof(scope); n += n < 700 || n > 850 ? 50 : 1) {
        memset(scope, 'x', n);
        scope[n] = '\0';
        (void)snprintf(want, sizeof(want), "%s%s\"}", before, scope);
        check_payload(&claims, want);
    }
}
END_TEST

static size_t wipes_of(struct slice bytes, const struct issue_claims *claims, size_t max,
                       enum tok_err want)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret token = {0};

    wiped.wanted = bytes;
    wiped.found = 0;
    ck_assert_err(issue_token(key, claims, max, &token), want);
    wiped.wanted = (struct slice){0};
    return wiped.found;
}

START_TEST(claims_are_wiped_where_they_were_put_together)
{
    const struct slice user = SLICE("\"sub\":\"alice\"");
    char scope[2000] = "";
    struct issue_claims claims = sample();

    ck_assert_uint_eq(wipes_of(user, &claims, 0, TOK_OK), 1);
    ck_assert_uint_eq(wipes_of(user, &claims, 10, TOK_TOO_LONG), 1);
    memset(scope, 'x', sizeof(scope) - 1);
    claims.scope = scope;
    ck_assert_uint_eq(wipes_of(user, &claims, 0, TOK_OK), 1);
    claims.names.jti = "iss";
    ck_assert_uint_eq(wipes_of(user, &claims, 0, TOK_JSON), 1);
    claims.scope = NULL;
    ck_assert_uint_eq(wipes_of(user, &claims, 0, TOK_JSON), 1);
}
END_TEST

START_TEST(a_signature_is_wiped_where_it_was_copied_from)
{
    CLEANUP(secret_clear) struct secret token = {0};
    struct issue_claims claims = sample();
    char signature[64];
    struct jws jws;
    size_t n;

    cut_token(&claims, &token, &jws);
    ck_assert_ok(base64url_decode(jws.signature, signature, sizeof(signature), &n));
    ck_assert_uint_eq(wipes_of((struct slice){signature, n}, &claims, 0, TOK_OK), 2);
}
END_TEST

START_TEST(what_we_would_refuse_is_never_signed)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret token = {0};
    struct issue_claims claims = sample();

    claims.names.user = "iss";
    ck_assert_err(issue_token(key, &claims, 0, &token), TOK_JSON);
    claims = sample();
    claims.user = "al\xffice";
    ck_assert_err(issue_token(key, &claims, 0, &token), TOK_JSON);
    claims = sample();
    claims.exp = INT64_MAX;
    ck_assert_err(issue_token(key, &claims, 0, &token), TOK_CLAIM_TYPE);
    ck_assert_ptr_null(token.p);
}
END_TEST

START_TEST(a_public_key_mints_nothing)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    CLEANUP(secret_clear) struct secret token = {0};
    struct issue_claims claims = sample();

    ck_assert_err(issue_token(key, &claims, 0, &token), TOK_KEYS);
    ck_assert_ptr_null(token.p);
}
END_TEST

START_TEST(an_id_is_a_uuid_of_version_seven)
{
    static const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zeros[10] = {0};
    /* RFC 9562 A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F */
    static const uint8_t rfc_random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc,
                                           0x0c, 0x0c, 0x07, 0x39, 0x8f};
    static const uint8_t rfc_id[ISSUE_ID_BYTES] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0,
                                                   0x7c, 0xc3, 0x98, 0xc4, 0xdc, 0x0c,
                                                   0x0c, 0x07, 0x39, 0x8f};
    uint8_t id[ISSUE_ID_BYTES];

    issue_id(0x017f22e279b0, rfc_random, id);
    ck_assert_mem_eq(id, rfc_id, sizeof(id));
    issue_id(0, ones, id);
    ck_assert_uint_eq(id[6], 0x7f);
    ck_assert_uint_eq(id[8], 0xbf);
    issue_id(UINT64_MAX, zeros, id);
    ck_assert_uint_eq(id[0], 0xff);
    ck_assert_uint_eq(id[6], 0x70);
    ck_assert_uint_eq(id[8], 0x80);
}
END_TEST

START_TEST(later_ids_sort_after_earlier_ones)
{
    static const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zeros[10] = {0};
    uint8_t a[ISSUE_ID_BYTES], b[ISSUE_ID_BYTES];

    issue_id(255, ones, a);
    issue_id(256, zeros, b);
    ck_assert_int_lt(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

START_TEST(a_long_name_on_a_long_host_fits_sudo)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(secret_clear) struct secret token = {0};
    char *audience[] = {(char[]){"login-node-17.cluster.example.org"}, NULL};
    struct issue_claims claims = sample();

    claims.user = "a-user-name-of-thirty-two-letter";
    claims.issuer = "https://login-node-17.cluster.example.org";
    claims.audience = audience;
    ck_assert_ok(issue_token(key, &claims, 511, &token));
}
END_TEST

/* The length of a token by a key as jwtd-issuer makes them. */
static size_t length_of(const struct issue_claims *claims)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(secret_clear) struct secret token = {0};

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &key));
    ck_assert_ok(issue_token(key, claims, 0, &token));
    return token.n;
}

/* Of the design: what each part of a token may cost of sudo's 511 characters. */
START_TEST(each_part_of_a_token_keeps_to_its_budget)
{
    char *audience[] = {(char[]){"web1"}, NULL},
         *bound[] = {(char[]){"web1#0123456789012345678901"}, NULL};
    char *longest[] = {(char[]){"12345678#0123456789012345678901"}, NULL};
    struct issue_claims claims = sample();
    size_t whole, n;

    claims.exp = claims.iat = INT32_MAX;
    claims.user = "alice";
    claims.issuer = "https://web1";
    claims.audience = audience;
    whole = length_of(&claims);
    ck_assert_uint_le(whole, 140 + 230);
    claims.scope = "pam:sudo";
    n = length_of(&claims);
    ck_assert_uint_le(n, whole + 28);
    claims.one_time = true;
    whole = length_of(&claims);
    ck_assert_uint_le(whole, n + 23);
    claims.audience = bound;
    n = length_of(&claims);
    ck_assert_uint_le(n, whole + 32);
    claims.user = "a-user-name-of-thirty-two-letter";
    claims.issuer = "https://1234567";
    claims.audience = longest;
    n = length_of(&claims);
    ck_assert_uint_le(n, 511);
    printf("# %zu characters for a user name of 32 letters\n", n);
}
END_TEST

START_TEST(an_id_is_read_back_from_its_letters_and_from_nothing_else)
{
    static const char *const none[] = {"",
                                       "AZjmXvZ0cKqkz1y9sUe3v",
                                       "AZjmXvZ0cKqkz1y9sUe3vAA",
                                       "AZjmXvZ0cKqkz1y9sUe3v=",
                                       "AZjmXvZ0cKqkz1y9sUe3vB",
                                       "AZjmXvZ0cKqkz1y9sUe3+A"};
    uint8_t id[ISSUE_ID_BYTES];
    char letters[ISSUE_ID_LEN + 1] = "";

    ck_assert(issue_id_read(SLICE("AZjmXvZ0cKqkz1y9sUe3vA"), id));
    base64url_encode((struct slice){(const char *)id, sizeof(id)}, letters);
    ck_assert_str_eq(letters, "AZjmXvZ0cKqkz1y9sUe3vA");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        ck_assert_msg(!issue_id_read(slice_of(none[i]), id), "%s", none[i]);
}
END_TEST

UNIT_MAIN("issue", an_access_token_has_this_form, optional_claims_come_last_in_order,
          amr_is_an_array_also_of_one_word,
          a_sliding_tokens_second_end_stands_where_simplejwt_puts_it,
          claims_are_called_as_the_settings_say,
          text_is_escaped_so_that_it_stays_inside_its_claim,
          the_same_claims_give_the_same_bytes, a_token_over_the_limit_is_not_issued,
          a_payload_of_any_length_is_minted_whole,
          claims_are_wiped_where_they_were_put_together,
          a_signature_is_wiped_where_it_was_copied_from, what_we_would_refuse_is_never_signed,
          a_public_key_mints_nothing, an_id_is_a_uuid_of_version_seven,
          an_id_is_read_back_from_its_letters_and_from_nothing_else,
          later_ids_sort_after_earlier_ones, a_long_name_on_a_long_host_fits_sudo,
          each_part_of_a_token_keeps_to_its_budget)
