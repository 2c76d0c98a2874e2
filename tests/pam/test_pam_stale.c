/* revoked_max_age: the age of the last bundle that jwtctl sync installed. */
#include "common/token/synced.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* The last bundle is so many seconds old. */
static void sync_ago(int64_t ago)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "Bundle=%lld\nEpoch=1\nSeq=2\nIssuer=" RIG_ISSUER "\n",
                   (long long)(time(NULL) - ago));
    rig_write("synced", text);
    rig_copy("synced", SYNCED_PATH);
}

/* A host that jwtctl sync serves. */
static void begin(const char *options)
{
    rig_publish();
    (void)unlink(SYNCED_PATH);
    rig_probe(options);
}

static int try_good(void)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    int rc;

    rig_log_clear();
    rc = rig_login(RIG_PROBE, "alice", token);
    free(token);
    return rc;
}

static void refused_as_stale(const char *sentence)
{
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "token verification error, " SYNCED_PATH));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), sentence));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "user=alice"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=stale"));
}

START_TEST(without_the_option_no_bundle_is_needed)
{
    begin("");
    ck_assert_pam(try_good(), PAM_SUCCESS);
    sync_ago(1000000);
    ck_assert_pam(try_good(), PAM_SUCCESS);
}
END_TEST

START_TEST(an_old_missing_future_or_malformed_bundle_is_unavailable)
{
    begin("revoked_max_age=1h");
    refused_as_stale("no such file");
    sync_ago(3700);
    refused_as_stale("s old, expected at most 1h");
    sync_ago(-400);
    refused_as_stale("s in the future");
    sync_ago(0);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    ck_assert_int_eq(chmod(SYNCED_PATH, 0666), 0);
    refused_as_stale("");
    rig_write("synced", "Bundle=soon\n");
    rig_copy("synced", SYNCED_PATH);
    refused_as_stale("expected lines KEY=VALUE");
}
END_TEST

START_TEST(tokens_are_accepted_until_the_bundle_has_that_age)
{
    begin("revoked_max_age=10min");
    sync_ago(500);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    rig_clock_set(time(NULL) + 90);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    rig_clock_set(time(NULL) + 20);
    refused_as_stale("s old, expected at most 10min");
}
END_TEST

START_TEST(the_setting_applies_and_the_option_overrides_it)
{
    FILE *f;

    (void)mkdir("/etc/jwt", 0755);
    f = fopen("/etc/jwt/jwt.conf", "we");
    ck_assert_ptr_nonnull(f);
    (void)fputs("[Token]\nRevokedMaxAge=1h\n", f);
    ck_assert_int_eq(fclose(f), 0);
    begin("");
    sync_ago(3700);
    refused_as_stale("expected at most 1h");
    begin("revoked_max_age=2h");
    sync_ago(3700);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    begin("revoked_max_age=0");
    ck_assert_pam(try_good(), PAM_SUCCESS);
}
END_TEST

START_TEST(the_issuing_host_needs_no_bundle)
{
    begin("revoked_max_age=1h");
    refused_as_stale("no such file");
    ck_assert_int_eq(chown("/var/lib/jwt", 1, 1), 0);
    ck_assert_int_eq(chown("/var/lib/jwt/issuer", 1, 1), 0);
    refused_as_stale("no such file"); /* a user of jwtctl sync */
    ck_assert_int_eq(mkdir("/var/lib/jwtd-issuer", 0700), 0);
    refused_as_stale("no such file");
    ck_assert_int_eq(chown("/var/lib/jwtd-issuer", 1, 1), 0);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    sync_ago(3700); /* left from a time when it was none */
    refused_as_stale("expected at most 1h");
    ck_assert_int_eq(unlink(SYNCED_PATH), 0);
    ck_assert_int_eq(chown("/var/lib/jwt/issuer", 0, 0), 0);
    refused_as_stale("no such file");
    ck_assert_int_eq(chown("/var/lib/jwtd-issuer", 0, 0), 0);
    refused_as_stale("no such file");
    ck_assert_int_eq(rmdir("/var/lib/jwtd-issuer"), 0);
    ck_assert_int_eq(chown("/var/lib/jwt", 0, 0), 0);
}
END_TEST

START_TEST(a_password_is_never_refused_for_a_stale_bundle)
{
    begin("ignore_non_token revoked_max_age=1h");
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", RIG_ALICE_PASSWORD), RIG_IGNORED);
}
END_TEST

RIG_MAIN("pam_stale", without_the_option_no_bundle_is_needed,
         an_old_missing_future_or_malformed_bundle_is_unavailable,
         tokens_are_accepted_until_the_bundle_has_that_age,
         the_setting_applies_and_the_option_overrides_it, the_issuing_host_needs_no_bundle,
         a_password_is_never_refused_for_a_stale_bundle)
