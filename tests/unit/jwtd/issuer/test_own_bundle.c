/* What hosts may rely on in the bundles of one issuer, whatever its clock and its files do. */
#include "jwtd/issuer/keys/own_bundle.h"

#include "common/base/file.h"
#include "common/base/timespan.h"
#include "jwtd/issuer/keys/rotation.h"
#include "jwtd/issuer/keys/signer.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

#define NOW (UINT64_C(1800000000) * SECOND)
#define ISSUER "https://issuer.example"

/* ---- helpers ---- */

static char dir[sizeof("/tmp/test-own-bundle-XXXXXX")];
static struct own_bundle own;
static struct signing_keys keys; /* for tokens */
static char path[96];

static const char *at(const char *name)
{
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void load(void)
{
    struct errmsg errmsg = {""};

    own = (struct own_bundle){.dir = strdup(at("bundle"))};
    ck_assert_msg(own_bundle_load(&own, &errmsg) == TOK_OK, "%s", errmsg.text);
}

static void setup(void)
{
    memcpy(dir, "/tmp/test-own-bundle-XXXXXX", sizeof(dir));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_ok(keys_create(at("keys"), alg_find(SLICE("EdDSA")), NULL));
    ck_assert_ok(keys_load(at("keys"), alg_find(SLICE("EdDSA")), &keys, NULL));
    load();
}

static void teardown(void)
{
    char command[128];

    own_bundle_clear(&own);
    keys_clear(&keys);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

/* A host that trusts the key of this thumbprint. */
static enum tok_err read_by(const char *thumbprint, struct bundle *ret)
{
    char *trusted[] = {(char *)thumbprint, NULL};

    return bundle_read(&(struct bundle_trust){.thumbprints = trusted}, secret_slice(&own.text),
                       ret, NULL);
}

static void thumbprint_of(const struct key *key, char ret[KEY_THUMBPRINT_LEN + 1])
{
    ck_assert_ok(key_thumbprint(key, ret));
    ret[KEY_THUMBPRINT_LEN] = '\0';
}

/* The seq of the bundle at this time, which a host can read. */
static int64_t seq_at(uint64_t wall)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    char thumbprint[KEY_THUMBPRINT_LEN + 1];

    thumbprint_of(own.keys.signer, thumbprint);
    ck_assert_ok(own_bundle_sign(&own, &keys, ISSUER, wall, NULL));
    ck_assert_ok(read_by(thumbprint, &b));
    ck_assert_str_eq(b.iss, ISSUER);
    ck_assert_int_eq(b.seq, own.seq);
    ck_assert_int_eq(b.exp, b.iat + BUNDLE_LIFETIME);
    return b.seq;
}

/* As `jwtctl key rotate --bundle` does. */
static void rotate(void)
{
    struct key_rotation r = {.keys = &own.keys,
                             .dir = own.dir,
                             .algorithm = alg_find(SLICE("EdDSA")),
                             .last_exp = own_bundle_next_time(&own, NOW / SECOND)};
    char kid[KEY_KID_LEN + 1];

    ck_assert_ok(rotation_add(&r, r.algorithm, 0, kid, NULL));
    ck_assert_ok(rotation_sign_with(&r, keys_find(&own.keys, kid), NULL));
    own_bundle_changed(&own);
}

/* ---- promises ---- */

START_TEST(a_signature_is_used_again_for_30_seconds)
{
    int64_t first = seq_at(NOW);

    ck_assert_int_eq(first, (int64_t)NOW);
    ck_assert_int_eq(seq_at(NOW + OWN_BUNDLE_REUSE - 1), first);
    ck_assert_int_eq(seq_at(NOW + OWN_BUNDLE_REUSE), (int64_t)(NOW + OWN_BUNDLE_REUSE));
    own_bundle_changed(&own);
    ck_assert_int_eq(seq_at(NOW + OWN_BUNDLE_REUSE + 1), (int64_t)(NOW + OWN_BUNDLE_REUSE + 1));
}
END_TEST

START_TEST(seq_grows_while_the_clock_is_behind_or_stands)
{
    int64_t last = seq_at(NOW);

    for (int i = 0; i < 5; i++) {
        own_bundle_changed(&own);
        ck_assert_int_eq(seq_at(NOW - DAY), ++last);
    }
    own_bundle_clear(&own);
    load(); /* a restart */
    ck_assert_int_eq(seq_at(NOW - DAY), ++last);
    ck_assert_int_eq(seq_at(NOW + DAY), (int64_t)(NOW + DAY));
}
END_TEST

START_TEST(a_clock_set_back_does_not_keep_an_old_signature)
{
    int64_t first = seq_at(NOW);

    ck_assert_int_eq(seq_at(NOW - 1), first + 1);
}
END_TEST

START_TEST(epoch_and_pruned_time_are_kept)
{
    own.pruned_until = 1234;
    ck_assert_ok(own_bundle_new_epoch(&own, NULL));
    (void)seq_at(NOW);
    own_bundle_clear(&own);
    load();
    ck_assert_int_eq(own.epoch, 2);
    ck_assert_int_eq(own.pruned_until, 1234);
    ck_assert_int_eq(own.seq, (int64_t)NOW);
}
END_TEST

/* After a clock that was far ahead, hosts refuse the seq of then. */
START_TEST(an_epoch_begins_with_the_clock)
{
    (void)seq_at(NOW + 1000 * SECOND);
    ck_assert_int_gt(seq_at(NOW), (int64_t)(NOW + 1000 * SECOND));
    ck_assert_ok(own_bundle_new_epoch(&own, NULL));
    ck_assert_int_eq(seq_at(NOW), (int64_t)NOW);
}
END_TEST

START_TEST(a_damaged_state_is_refused)
{
    static const char *const bad[] = {"", "\n", "x", "1 2", "1 x 3\n", "1  "};
    struct errmsg errmsg;
    struct own_bundle b = {.dir = own.dir};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_ok(file_write(at("bundle/state"), slice_of(bad[i]), 0600, NULL));
        ck_assert_err(own_bundle_load(&b, &errmsg), TOK_KEYS);
        ck_assert_ptr_nonnull(strstr(errmsg.text, "three numbers"));
        keys_clear(&b.keys);
    }
}
END_TEST

START_TEST(the_files_are_private)
{
    struct stat st;

    (void)seq_at(NOW);
    ck_assert_int_eq(stat(at("bundle"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(at("bundle/state"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_host_of_any_earlier_key_reads_the_newest_bundle)
{
    char prints[BUNDLE_CHAIN_MAX][KEY_THUMBPRINT_LEN + 1];

    for (size_t i = 0; i < BUNDLE_CHAIN_MAX; i++) {
        if (i > 0)
            rotate();
        thumbprint_of(own.keys.signer, prints[i]);
    }
    own_bundle_clear(&own);
    load();
    (void)seq_at(NOW);
    for (size_t i = 0; i < BUNDLE_CHAIN_MAX; i++) {
        CLEANUP(bundle_clear) struct bundle b = {0};

        ck_assert_ok(read_by(prints[i], &b));
        ck_assert_uint_eq(b.n_chain, BUNDLE_CHAIN_MAX);
    }
}
END_TEST

START_TEST(a_key_that_a_crash_left_without_a_time_is_not_in_the_chain)
{
    CLEANUP(cleanup_free) char *file = NULL;
    CLEANUP(bundle_clear) struct bundle b = {0};
    char kid[KEY_KID_LEN + 1], thumbprint[KEY_THUMBPRINT_LEN + 1];

    rotate();
    ck_assert_ok(keys_add(own.dir, alg_find(SLICE("EdDSA")), kid, &file, NULL));
    own_bundle_clear(&own);
    load();
    ck_assert_uint_eq(own.keys.n, 3);
    thumbprint_of(own.keys.signer, thumbprint);
    (void)seq_at(NOW);
    ck_assert_ok(read_by(thumbprint, &b));
    ck_assert_uint_eq(b.n_chain, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signature_is_used_again_for_30_seconds,
        seq_grows_while_the_clock_is_behind_or_stands,
        a_clock_set_back_does_not_keep_an_old_signature,
        epoch_and_pruned_time_are_kept,
        an_epoch_begins_with_the_clock,
        a_damaged_state_is_refused,
        the_files_are_private,
        a_host_of_any_earlier_key_reads_the_newest_bundle,
        a_key_that_a_crash_left_without_a_time_is_not_in_the_chain,
    };

    return unit_run_with("own_bundle", tests, sizeof(tests) / sizeof(tests[0]), setup,
                         teardown);
}
