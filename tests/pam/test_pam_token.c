/* Which tokens open, and which don't: one wrong thing a test. The auth phase's code, the
 * account phase's code after it, and the one line in the log are asserted for each. */
#include "common/base/base64url.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static void assert_no_part_logged(const char *token)
{
    char part[32];

    /* No run of 24 letters of a token may be in any line. */
    for (size_t at = 0; strlen(token) >= at + 24; at += 8) {
        (void)snprintf(part, sizeof(part), "%.24s", token + at);
        ck_assert_msg(!rig_log_holds(part), "the log holds %s", part);
    }
}

/* user shows token to the probe stack: refused with code, and reason in the one line. */
static void assert_refused_as(const char *user, const char *token, int code, const char *reason)
{
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, user, &talk);
    char word[64];

    rig_log_clear();
    ck_assert_pam(pam_authenticate(pamh, 0), code);
    (void)snprintf(word, sizeof(word), "reason=%s", reason);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "service=probe"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "rhost=192.0.2.7"));
    ck_assert_msg(strstr(rig_log_line(0), word) != NULL, "no %s in: %s", word, rig_log_line(0));
    assert_no_part_logged(token);
    ck_assert_str_eq(talk.prompt, "Password: ");
    /* What was refused leaves nothing that a later phase could take for a success. */
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_JTI"));
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_EXP"));
    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_pam(pam_end(pamh, code), PAM_SUCCESS);
}

static void assert_refused(char *token, const char *reason)
{
    assert_refused_as("alice", token, PAM_AUTH_ERR, reason);
    ck_assert_int_eq(rig_log_priority(0), LOG_NOTICE);
    free(token);
}

static void assert_plan_refused(const struct plan *plan, const char *reason)
{
    assert_refused(mint_sign(plan), reason);
}

/* A test of one plan of alice's with one thing wrong: one for each word of the log. The unit
 * tests try every way to come to it. */
#define REFUSED(name, reason, ...)                                                             \
    START_TEST(name)                                                                           \
    {                                                                                          \
        struct plan plan = plan_good("alice");                                                 \
        __VA_ARGS__;                                                                           \
        assert_plan_refused(&plan, reason);                                                    \
    }                                                                                          \
    END_TEST

#define SET(member, ...) (void)snprintf(plan.member, sizeof(plan.member), __VA_ARGS__)
#define NOW ((int64_t)time(NULL))

START_TEST(good_token_opens)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_int_eq(rig_log_priority(0), LOG_INFO);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "user=alice"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "jti=AZjmXvZ0cKqkz1y9sUe3vQ"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "sid=" MINT_SID));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=ok"));
    assert_no_part_logged(token);
    ck_assert_str_eq(talk.shown, "");
    ck_assert_uint_eq(talk.prompts, 1);
    ck_assert_str_eq(talk.prompt, "Password: ");
    ck_assert_pam(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(token_of_alice_is_refused_for_carol)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    assert_refused_as("carol", token, PAM_AUTH_ERR, "wrong_user");
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "user=carol"));
    free(token);
}
END_TEST

START_TEST(names_are_compared_exactly)
{
    static const char *const subs[] = {"Alice", "alic", "alicee", "alice\\u0000",
                                       "alice\\u0000x"};

    for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
        struct plan plan = plan_good("alice");
        char *token;

        SET(sub, "\"%s\"", subs[i]);
        token = mint_sign(&plan);
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
        free(token);
    }
}
END_TEST

START_TEST(token_for_a_user_without_account_is_user_unknown)
{
    struct plan plan = plan_good("ghost");
    char *token = mint_sign(&plan);

    assert_refused_as("ghost", token, PAM_USER_UNKNOWN, "no_account");
    ck_assert_ptr_null(strstr(rig_log_line(0), "ghost"));
    free(token);
}
END_TEST

START_TEST(uid_0_is_refused_by_every_name)
{
    struct plan root = plan_good("root"), toor = plan_good("toor");
    char *token = mint_sign(&root);

    assert_refused_as("root", token, PAM_AUTH_ERR, "root_refused");
    free(token);
    token = mint_sign(&toor);
    assert_refused_as("toor", token, PAM_AUTH_ERR, "root_refused");
    free(token);
}
END_TEST

START_TEST(allow_root_lets_root_in)
{
    struct plan plan = plan_good("root");
    char *token = mint_sign(&plan);

    rig_probe("# allow_root");
    ck_assert_pam(rig_login(RIG_PROBE, "root", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(expired_token_is_refused_and_the_holder_informed)
{
    struct plan plan = plan_good("alice");
    char *token;
    struct talk talk = {0};
    pam_handle_t *pamh;

    SET(exp, "%" PRId64, NOW - 60);
    SET(iat, "%" PRId64, NOW - 960);
    token = mint_sign(&plan);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "pam_jwt: the token has expired\n");
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "jti=AZjmXvZ0cKqkz1y9sUe3vQ"));
    talk.shown[0] = '\0';
    ck_assert_pam(pam_authenticate(pamh, PAM_SILENT), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "");
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
    assert_refused(token, "expired");
}
END_TEST

START_TEST(nothing_is_shown_or_believed_before_the_signature_is_verified)
{
    struct plan plan = plan_good("alice");
    unsigned char zeros[64] = {0};
    char *token;
    struct talk talk = {0};
    pam_handle_t *pamh;

    SET(exp, "%" PRId64, NOW - 60);
    token = mint_with_signature(&plan, zeros, sizeof(zeros));
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "");
    ck_assert_ptr_nonnull(
        strstr(rig_log_line(0), "issuer=- kid=- jti=- sid=- reason=bad_signature"));
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
    free(token);
}
END_TEST

REFUSED(token_without_exp_is_refused, "missing_claim", plan.exp[0] = '\0')
REFUSED(exp_as_a_string_is_refused, "bad_claim_type", SET(exp, "\"%" PRId64 "\"", NOW + 900))
REFUSED(token_for_another_aud_is_refused, "wrong_audience", SET(aud, "\"other.example\""))
REFUSED(aud_prefix_is_refused, "wrong_audience", SET(aud, "\"host.example.org\""))
REFUSED(token_of_another_iss_is_refused, "wrong_issuer", SET(iss, "\"https://evil.example\""))
REFUSED(nbf_ahead_is_refused, "not_yet_valid", SET(more, ",\"nbf\":%" PRId64, NOW + 600))
REFUSED(year_of_lifetime_is_refused, "lifetime_too_long",
        SET(exp, "%" PRId64, NOW + INT64_C(365) * 86400))
REFUSED(refresh_token_is_refused, "wrong_type", SET(token_type, "\"refresh\""))
REFUSED(bound_token_is_refused, "bound", SET(more, ",\"cnf\":{\"jkt\":\"x\"}"))
REFUSED(scope_of_another_service_is_refused, "wrong_scope",
        SET(more, ",\"scope\":\"pam:sudo\""))
REFUSED(duplicate_sub_is_refused, "bad_json", SET(more, ",\"sub\":\"alice\""))
REFUSED(crit_is_refused, "crit",
        SET(header, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"crit\":[\"exp\"],\"exp\":1}"))
REFUSED(unknown_kid_is_refused, "unknown_key",
        SET(header, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"AAAAAAAA\"}"))
REFUSED(another_typ_is_refused, "wrong_typ",
        SET(header, "{\"alg\":\"EdDSA\",\"typ\":\"dpop+jwt\"}"))

START_TEST(token_with_our_aud_among_others_opens)
{
    struct plan plan = plan_good("alice");
    char *token;

    SET(aud, "[\"other.example\",\"" RIG_AUDIENCE "\"]");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(scope_of_this_service_opens)
{
    struct plan plan = plan_good("alice");
    char *token;

    SET(more, ",\"scope\":\"pam:sudo pam:probe\"");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(signature_of_another_key_is_refused)
{
    struct plan plan = plan_good("alice");
    CLEANUP(cleanup_key) struct key *other = NULL;

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &other));
    assert_refused(mint_sign_by(&plan, other), "bad_signature");
}
END_TEST

START_TEST(tampered_signature_is_refused)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    mint_spoil(token);
    assert_refused(token, "bad_signature");
}
END_TEST

START_TEST(tampered_payload_is_refused)
{
    struct plan alice = plan_good("alice"), carol = plan_good("carol");
    char *token = mint_sign(&alice), *other = mint_sign(&carol);

    /* carol's header and payload with the signature of alice's. */
    ck_assert_uint_eq(strlen(token), strlen(other));
    memcpy(token, other, (size_t)(strrchr(other, '.') - other));
    free(other);
    assert_refused_as("carol", token, PAM_AUTH_ERR, "bad_signature");
    free(token);
}
END_TEST

START_TEST(tampered_header_is_refused)
{
    struct plan plan = plan_good("alice"), other = plan_good("alice");
    char *token = mint_sign(&plan), *changed;
    struct slice kid = key_kid(rig_key());

    /* The same header in another spelling: only the signature differs. */
    (void)snprintf(other.header, sizeof(other.header),
                   "{\"typ\":\"JWT\",\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}", (int)kid.n, kid.p);
    changed = mint_sign(&other);
    ck_assert_uint_eq(strlen(token), strlen(changed));
    memcpy(strrchr(changed, '.'), strrchr(token, '.'), strlen(strrchr(token, '.')));
    free(token);
    assert_refused(changed, "bad_signature");
}
END_TEST

START_TEST(cut_token_is_refused)
{
    struct plan plan = plan_good("alice");

    for (size_t i = 1; i <= 86; i += 17) {
        char *token = mint_sign(&plan);

        token[strlen(token) - i] = '\0';
        ck_assert_pam(rig_auth(RIG_RECOMMENDED, "alice", token), PAM_AUTH_ERR);
        free(token);
    }
}
END_TEST

START_TEST(token_cut_to_511_never_reaches_the_password_module)
{
    struct plan plan = plan_good("alice");
    char *token;

    SET(more, ",\"pad\":\"%0300d\"", 0);
    token = mint_sign(&plan);
    token[511] = '\0';
    rig_log_clear();
    ck_assert_pam(rig_auth(RIG_RECOMMENDED, "alice", token), PAM_AUTH_ERR);
    ck_assert(!rig_log_holds("pam_unix"));
    ck_assert_uint_eq(rig_log_lines(), 1);
    free(token);
}
END_TEST

START_TEST(lengthened_token_is_refused)
{
    struct plan plan = plan_good("alice");
    static const char *const tails[] = {"A", "AA", "AAAA", ".", ".AAAA", "=", " x", "\x7f"};

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char *token = mint_sign(&plan);
        char text[2048];

        (void)snprintf(text, sizeof(text), "%s%s", token, tails[i]);
        ck_assert_pam(rig_auth(RIG_RECOMMENDED, "alice", text), PAM_AUTH_ERR);
        free(token);
    }
}
END_TEST

START_TEST(alg_none_is_refused)
{
    static const char *const names[] = {"none", "None", "NONE", ""};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct plan plan = plan_good("alice");

        SET(header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[i]);
        assert_refused(mint_with_signature(&plan, "", 0), "bad_alg");
        assert_refused(mint_sign(&plan), "bad_alg");
    }
}
END_TEST

START_TEST(hmac_with_the_public_key_is_refused)
{
    struct plan plan = plan_good("alice");
    CLEANUP(cleanup_free) char *jwk = NULL;
    struct slice kid = key_kid(rig_key());

    ck_assert_ok(key_public_jwk(rig_key(), &jwk));
    SET(header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}", (int)kid.n, kid.p);
    assert_refused(mint_hmac(&plan, jwk, strlen(jwk)), "bad_alg");
}
END_TEST

START_TEST(white_space_around_a_pasted_token_is_taken_off)
{
    struct plan plan = plan_good("alice");
    static const char *const around[][2] = {
        {"", " "}, {" ", ""}, {"", "\r"}, {"", "\r\n"}, {"\t", " \t\r"}};

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        char *token = mint_sign(&plan), text[2048];

        (void)snprintf(text, sizeof(text), "%s%s%s", around[i][0], token, around[i][1]);
        ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", text), PAM_SUCCESS);
        free(token);
    }
}
END_TEST

START_TEST(token_within_other_text_is_refused_with_what_to_paste)
{
    struct plan plan = plan_good("alice");
    static const char *const around[][2] = {{"Bearer ", ""},
                                            {"\"", "\""},
                                            {"'", "'"},
                                            {"access=", ""},
                                            {"{\"access\":\"", "\"}"},
                                            {"Authorization: Bearer ", ""},
                                            {"\"", ""},
                                            {"token: ", ""}};

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        char *token = mint_sign(&plan), text[2048];
        struct talk talk = {.answer = text};
        pam_handle_t *pamh = rig_start(RIG_RECOMMENDED, "alice", &talk);

        (void)snprintf(text, sizeof(text), "%s%s%s", around[i][0], token, around[i][1]);
        free(token);
        rig_log_clear();
        ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
        ck_assert_str_eq(talk.shown,
                         "pam_jwt: expected the token alone, which begins with eyJ: no "
                         "quotes, no \"Bearer\" and no other text\n");
        ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
        ck_assert_msg(!rig_log_holds("pam_unix"), "%s reached the next module", around[i][0]);
        assert_refused_as("alice", text, PAM_AUTH_ERR, "pasted");
    }
}
END_TEST

/* more: so that the token has more than n characters. */
static void assert_cut(const struct plan *plan, size_t n, const char *reason)
{
    char *token = mint_sign(plan);

    ck_assert_uint_gt(strlen(token), n);
    token[n] = '\0';
    assert_refused_as("alice", token, PAM_AUTH_ERR, reason);
    free(token);
}

START_TEST(token_cut_to_the_limit_of_a_program_is_reported_as_truncated)
{
    struct plan plan = plan_good("alice");
    size_t n;
    char *token;

    (void)snprintf(plan.more, sizeof(plan.more), ",\"x\":\"%0200d\"", 0);
    token = mint_sign(&plan);
    n = strlen(token);
    free(token);
    ck_assert_uint_gt(n, 511 + 86); /* cut in its claims */
    assert_cut(&plan, 511, "truncated");
    assert_cut(&plan, 510, "malformed");
    (void)snprintf(plan.more, sizeof(plan.more), ",\"x\":\"%0*d\"",
                   (int)(200 - (n - 530) * 3 / 4), 0);
    assert_cut(&plan, 511, "truncated"); /* cut in its signature */
    assert_cut(&plan, 510, "bad_signature");
    (void)snprintf(plan.more, sizeof(plan.more), ",\"x\":\"%0490d\"", 0);
    assert_cut(&plan, 1023, "truncated");
}
END_TEST

START_TEST(empty_answer_is_refused)
{
    assert_refused_as("alice", "", PAM_AUTH_ERR, "malformed");
}
END_TEST

START_TEST(junk_is_refused)
{
    static const char *const junk[] = {".",
                                       "..",
                                       "...",
                                       "a.b.c",
                                       "eyJ.eyJ.",
                                       "eyJhbGciOiJFZERTQSJ9..",
                                       "\b\n\r\177INCORRECT",
                                       "\xff\xfe",
                                       "%s%n%s%n",
                                       RIG_ALICE_PASSWORD};

    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        rig_log_clear();
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", junk[i]), PAM_AUTH_ERR);
        ck_assert_uint_eq(rig_log_lines(), 1);
        ck_assert(strlen(junk[i]) < 4 || !rig_log_holds(junk[i]));
    }
}
END_TEST

START_TEST(token_over_max_length_is_refused)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    rig_probe("# max_length=200");
    assert_refused(token, "too_long");
}
END_TEST

START_TEST(revoked_session_is_refused_and_the_holder_informed)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    rig_revoke(MINT_SID);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "pam_jwt: the token's session was revoked\n");
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
    assert_refused(token, "revoked");
}
END_TEST

START_TEST(scope_of_another_service_is_shown)
{
    struct plan plan = plan_good("alice");
    struct talk talk = {0};
    pam_handle_t *pamh;
    char *token;

    SET(more, ",\"scope\":\"pam:sudo\"");
    token = mint_sign(&plan);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "pam_jwt: the token's scope does not include this service\n");
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(another_session_lives_on)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    rig_revoke("AZjmXvZ0cKqkz1y9sUe3vB");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(leeway_is_kept_and_no_more)
{
    struct plan plan = plan_good("alice");
    char *token;

    SET(exp, "%" PRId64, NOW - 3);
    SET(iat, "%" PRId64, NOW - 900);
    token = mint_sign(&plan);
    rig_probe("# leeway=60");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    rig_probe("# leeway=0");
    assert_refused(token, "expired");
}
END_TEST

RIG_MAIN("pam_token", good_token_opens, token_of_alice_is_refused_for_carol,
         names_are_compared_exactly, token_for_a_user_without_account_is_user_unknown,
         uid_0_is_refused_by_every_name, allow_root_lets_root_in,
         expired_token_is_refused_and_the_holder_informed,
         nothing_is_shown_or_believed_before_the_signature_is_verified,
         token_without_exp_is_refused, exp_as_a_string_is_refused,
         token_for_another_aud_is_refused, aud_prefix_is_refused,
         token_of_another_iss_is_refused, nbf_ahead_is_refused, year_of_lifetime_is_refused,
         refresh_token_is_refused, bound_token_is_refused, scope_of_another_service_is_refused,
         duplicate_sub_is_refused, crit_is_refused, unknown_kid_is_refused,
         another_typ_is_refused, token_with_our_aud_among_others_opens,
         scope_of_this_service_opens, signature_of_another_key_is_refused,
         tampered_signature_is_refused, tampered_payload_is_refused, tampered_header_is_refused,
         cut_token_is_refused, token_cut_to_511_never_reaches_the_password_module,
         lengthened_token_is_refused, alg_none_is_refused, hmac_with_the_public_key_is_refused,
         white_space_around_a_pasted_token_is_taken_off,
         token_within_other_text_is_refused_with_what_to_paste,
         token_cut_to_the_limit_of_a_program_is_reported_as_truncated, empty_answer_is_refused,
         junk_is_refused, token_over_max_length_is_refused,
         revoked_session_is_refused_and_the_holder_informed, another_session_lives_on,
         scope_of_another_service_is_shown, leeway_is_kept_and_no_more)
