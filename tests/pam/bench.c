/* What a login costs: pam_authenticate and pam_acct_mgmt on a fresh handle each, by a token and
 * by pam_unix for the same user. Beside them what neither can go below: pam_permit, which is
 * libpam and a module's loading alone, and libcrypto's share of a token in a context of its
 * own. */
#include "mint.h"
#include "rig.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200

struct row {
    const char *name;
    const char *answer; /* NULL: libcrypto alone */
    size_t rounds;      /* at most ROUNDS; a hash of 100 ms needs no more than a few */
};

static const char signed_text[] = "a text of the length that a token has";

static struct {
    char *jwk;
    unsigned char signature[KEY_SIGNATURE_MAX];
} made;

static double microseconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A context, a key in it, one signature checked, all freed. */
static void verify_in_own_context(void)
{
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    struct slice signature = {(const char *)made.signature, key_alg(rig_key())->sig_len};
    struct key *key = NULL;
    struct why why;

    ck_assert_ptr_nonnull(ctx);
    ck_assert_ok(
        key_from_jwk(ctx, (struct slice){made.jwk, strlen(made.jwk)}, KEY_PUBLIC, &key, &why));
    ck_assert_ok(key_verify(key, SLICE(signed_text), signature));
    key_free(key);
    OSSL_LIB_CTX_free(ctx);
}

static void time_row(const struct row *row)
{
    double spent[ROUNDS];

    for (size_t i = 0; i < row->rounds; i++) {
        double start = microseconds();

        if (row->answer)
            ck_assert_pam(rig_login(row->name, "alice", row->answer), PAM_SUCCESS);
        else
            verify_in_own_context();
        spent[i] = microseconds() - start;
        rig_log_clear();
    }
    qsort(spent, row->rounds, sizeof(spent[0]), by_value);
    (void)printf("# %-12s %12.0f %12.0f\n", row->name, spent[0], spent[row->rounds / 2]);
    (void)fflush(stdout);
}

START_TEST(a_login_by_token_is_timed_beside_pam_unix)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    const struct row rows[] = {{"pam_jwt", token, ROUNDS},
                               {"pam_unix", RIG_ALICE_PASSWORD, 30},
                               {"pam_permit", "-", ROUNDS},
                               {"libcrypto", NULL, ROUNDS}};

    ck_assert_ok(key_public_jwk(rig_key(), &made.jwk));
    ck_assert_ok(key_sign(rig_key(), SLICE(signed_text), made.signature));
    rig_stack("pam_jwt", "auth required @ #\naccount required @ #\n");
    rig_stack("pam_unix", "auth required pam_unix.so\naccount required pam_unix.so\n");
    rig_stack("pam_permit", "auth required pam_permit.so\naccount required pam_permit.so\n");
    (void)printf("# %-12s %12s %12s   us a login\n", "module", "minimum", "median");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        time_row(&rows[i]);
    free(made.jwk);
    free(token);
}
END_TEST

RIG_MAIN("bench_pam", a_login_by_token_is_timed_beside_pam_unix)
