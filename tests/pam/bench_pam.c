/* What a login costs: pam_authenticate and pam_acct_mgmt on a fresh handle each, by a token and
 * by pam_unix for the same user. Beside them what neither can go below: pam_permit, which is
 * libpam and a module's loading alone, and libcrypto's share of a token in a context of its
 * own. */
#include "tests/pam/bench_rig.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200
#define FIRST_ROUNDS 40

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
    struct errmsg errmsg;

    ck_assert_ptr_nonnull(ctx);
    ck_assert_ok(key_from_jwk(ctx, (struct slice){made.jwk, strlen(made.jwk)}, KEY_PUBLIC, &key,
                              &errmsg));
    ck_assert_ok(key_verify(key, SLICE(signed_text), signature));
    key_free(key);
    OSSL_LIB_CTX_free(ctx);
}

static void print_row(const char *name, double *spent, size_t n)
{
    qsort(spent, n, sizeof(spent[0]), by_value);
    (void)printf("# %-20s %12.0f %12.0f\n", name, spent[0], spent[n / 2]);
    (void)fflush(stdout);
}

static void run_row(const struct row *row)
{
    if (row->answer)
        ck_assert_pam(rig_login(row->name, "alice", row->answer), PAM_SUCCESS);
    else
        verify_in_own_context();
    rig_log_clear();
}

/* Round after round through all rows, so that what else the machine does befalls all alike. */
static void time_rows(const struct row *rows, size_t n, double ret[][ROUNDS])
{
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < n; i++) {
            double start = microseconds();

            if (round < rows[i].rounds)
                run_row(&rows[i]);
            ret[i][round] = microseconds() - start;
        }
    }
    for (size_t i = 0; i < n; i++)
        print_row(rows[i].name, ret[i], rows[i].rounds);
}

#define N_ROWS 5

START_TEST(a_login_by_token_is_timed_beside_pam_unix)
{
    static double spent[N_ROWS][ROUNDS];
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    const struct row rows[N_ROWS] = {{"pam_jwt", token, ROUNDS},
                                     {BENCH_FOUR, token, ROUNDS},
                                     {"pam_unix", RIG_ALICE_PASSWORD, 30},
                                     {"pam_permit", "-", ROUNDS},
                                     {"libcrypto", NULL, ROUNDS}};

    ck_assert_ok(key_public_jwk(rig_key(), &made.jwk));
    ck_assert_ok(key_sign(rig_key(), SLICE(signed_text), made.signature));
    bench_stacks();
    (void)printf("# %-20s %12s %12s   us a login\n", "module", "minimum", "median");
    time_rows(rows, N_ROWS, spent);
    (void)printf(
        "# pam_unix takes %.0f times as long as a token of four issuers by the minima\n",
        spent[2][0] / spent[1][0]);
    free(made.jwk);
    free(token);
}
END_TEST

/* A new program for each round: nothing but libpam is loaded before. */
static void time_first(const char *service, const char *answer)
{
    char command[1024];
    double spent[FIRST_ROUNDS];

    rig_write("answer", answer);
    (void)snprintf(command, sizeof(command), "%s %s '%s' alice <%s", getenv("PAM_FIRST_LOGIN"),
                   rig_path("pam.d"), service, rig_path("answer"));
    for (size_t i = 0; i < FIRST_ROUNDS; i++) {
        FILE *f = popen(command, "re"); /* the suite's own paths and words */

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%lf", &spent[i]), 1);
        ck_assert_int_eq(pclose(f), 0);
    }
    print_row(service, spent, FIRST_ROUNDS);
}

START_TEST(the_first_login_of_a_program_is_timed)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    bench_stacks();
    (void)printf("# %-20s %12s %12s   us from dlopen to the first verdict\n", "module",
                 "minimum", "median");
    time_first("pam_jwt", token);
    time_first(BENCH_FOUR, token);
    time_first("pam_permit", "-");
    free(token);
}
END_TEST

RIG_MAIN("bench_pam", a_login_by_token_is_timed_beside_pam_unix,
         the_first_login_of_a_program_is_timed)
