#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/keys/signer.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B43 "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static char dir[sizeof("/tmp/test-signer-XXXXXX")];
static char path[64];

static void setup(void)
{
    umask(0);
    memcpy(dir, "/tmp/test-signer-XXXXXX", sizeof(dir));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/" SIGNER_FILE, dir);
}

static void teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a path of our own making */
}

static enum tok_err read_text(const char *text, struct signer *ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err;

    ck_assert_ok(file_write(path, (struct slice){text, strlen(text)}, 0600, &errmsg));
    err = signer_read(dir, ret, &errmsg);
    if (err != TOK_OK)
        ck_assert_ptr_nonnull(strstr(errmsg.text, path));
    return err;
}

static const struct alg *alg_of(const char *name)
{
    return alg_find((struct slice){name, strlen(name)});
}

static struct signing_keys load(const char *alg)
{
    struct signing_keys keys = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = keys_load(dir, alg_of(alg), &keys, &errmsg);

    ck_assert_msg(err == TOK_OK, "%s", errmsg.text);
    return keys;
}

/* *ret_kid as keys_add gives it. */
static void add(const char *alg, char ret_kid[KEY_KID_LEN + 1])
{
    CLEANUP(cleanup_free) char *made = NULL;
    struct errmsg errmsg = {""};

    ck_assert_ok(keys_add(dir, alg_of(alg), ret_kid, &made, &errmsg));
}

static const struct signing_key *find(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->n; i++)
        if (slice_is(key_kid(keys->keys[i].key), kid))
            return &keys->keys[i];
    ck_abort_msg("%s is not there", kid);
}

START_TEST(what_is_written_is_read_back_from_a_private_file)
{
    struct signer s = {.n = 2, .lines[1].until = 1795537045}, back = {0};
    struct errmsg errmsg = {""};
    struct stat st;

    memcpy(s.lines[0].thumbprint, A43, KEY_THUMBPRINT_LEN);
    memcpy(s.lines[1].thumbprint, B43, KEY_THUMBPRINT_LEN);
    ck_assert_ok(signer_write(dir, &s, &errmsg));
    ck_assert_ok(signer_read(dir, &back, &errmsg));
    ck_assert_uint_eq(back.n, 2);
    ck_assert_int_eq(back.lines[1].until, 1795537045);
    ck_assert_ptr_eq(signer_find(&back, B43), &back.lines[1]);
    ck_assert_ptr_null(signer_find(&back, &A43 B43[1]));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & ALLPERMS, 0600);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_err(signer_read(dir, &back, &errmsg), TOK_KEYS);
}
END_TEST

START_TEST(a_missing_file_has_no_lines)
{
    struct signer s = {.n = 3};
    struct errmsg errmsg;

    ck_assert_ok(signer_read(dir, &s, &errmsg));
    ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(a_malformed_file_is_refused)
{
    static const char *const bad[] = {
        "",
        "\n",
        A43,
        A43 " \n",
        A43 " 1\n",
        A43 "A\n",
        A43 "\n\n",
        A43 "\n" B43 "\n",
        A43 "\n" B43 " \n",
        A43 "\n" B43 " -1\n",
        A43 "\n" B43 " 1 \n",
        A43 "\n" B43 "  1\n",
        A43 "\n" B43 " 1",
        A43 "\n" B43 " 1234567890123456789\n",
        A43 "\r\n",
        "=" A43 "\n",
    };
    struct signer s;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(read_text(bad[i], &s) == TOK_KEYS, "%zu", i);
    ck_assert_ok(read_text(A43 "\n" B43 " 123456789012345678\n", &s));
}
END_TEST

START_TEST(the_key_that_is_named_signs_however_old_its_file)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    char old[KEY_KID_LEN + 1], new[KEY_KID_LEN + 1];
    struct errmsg errmsg = {""};

    add("EdDSA", old);
    keys = load("EdDSA");
    ck_assert(!keys.signer_outdated);
    ck_assert_ok(keys_set_signer(dir, &keys, keys.signer, 7000, &errmsg));
    add("EdDSA", new);
    keys_clear(&keys);
    keys = load("EdDSA");
    ck_assert_uint_eq(keys.n, 2);
    ck_assert(slice_is(key_kid(keys.signer), old));
    ck_assert_ok(keys_set_signer(dir, &keys, keys_find(&keys, new), 8000, &errmsg));
    ck_assert(slice_is(key_kid(keys.signer), new));
    ck_assert_int_eq(find(&keys, old)->until, 8000);
    ck_assert_int_eq(utimensat(AT_FDCWD, find(&keys, new)->path,
                               (struct timespec[]){{.tv_sec = 1}, {.tv_sec = 1}}, 0),
                     0);
    keys_clear(&keys);
    keys = load("EdDSA");
    ck_assert(!keys.signer_outdated);
    ck_assert(slice_is(key_kid(keys.signer), new));
    ck_assert_int_eq(find(&keys, old)->until, 8000);
    ck_assert_int_eq(find(&keys, new)->until, 0);
}
END_TEST

/* A time is kept when the signer changes again; the key that signs has no time. */
START_TEST(a_signer_of_another_algorithm_is_outdated_until_it_is_replaced)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    char first[KEY_KID_LEN + 1], other[KEY_KID_LEN + 1], third[KEY_KID_LEN + 1];
    struct errmsg errmsg = {""};

    add("EdDSA", first);
    add("ES256", other);
    keys = load("EdDSA");
    ck_assert_ok(keys_set_signer(dir, &keys, keys.signer, 5000, &errmsg));
    ck_assert_int_eq(find(&keys, other)->until, 5000);
    keys_clear(&keys);
    keys = load("ES256");
    ck_assert(keys.signer_outdated);
    ck_assert(slice_is(key_kid(keys.signer), other));
    add("ES256", third);
    ck_assert_ok(keys_set_signer(dir, &keys, keys.signer, 6000, &errmsg));
    ck_assert_int_eq(find(&keys, first)->until, 6000);
    ck_assert_int_eq(find(&keys, other)->until, 0);
    keys_clear(&keys);
    keys = load("ES256");
    ck_assert(!keys.signer_outdated);
    ck_assert_ok(keys_set_signer(dir, &keys, keys_find(&keys, third), 9000, &errmsg));
    ck_assert_int_eq(find(&keys, first)->until, 6000);
    ck_assert_int_eq(find(&keys, other)->until, 9000);
}
END_TEST

START_TEST(a_removed_key_is_gone_and_a_missing_one_is_an_error)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    char one[KEY_KID_LEN + 1], two[KEY_KID_LEN + 1];
    struct errmsg errmsg = {""};

    add("EdDSA", one);
    add("EdDSA", two);
    keys = load("EdDSA");
    ck_assert_ok(keys_remove(dir, find(&keys, one), &errmsg));
    ck_assert_err(keys_remove(dir, find(&keys, one), &errmsg), TOK_FILE);
    keys_clear(&keys);
    keys = load("EdDSA");
    ck_assert_uint_eq(keys.n, 1);
    ck_assert(slice_is(key_kid(keys.signer), two));
}
END_TEST

START_TEST(secrets_and_key_pairs_are_not_compatible)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    char kid[KEY_KID_LEN + 1];

    add("EdDSA", kid);
    keys = load("EdDSA");
    ck_assert(keys_compatible(&keys, alg_of("RS256")));
    ck_assert(!keys_compatible(&keys, alg_of("HS256")));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read_back_from_a_private_file,
        a_missing_file_has_no_lines,
        a_malformed_file_is_refused,
        the_key_that_is_named_signs_however_old_its_file,
        a_signer_of_another_algorithm_is_outdated_until_it_is_replaced,
        a_removed_key_is_gone_and_a_missing_one_is_an_error,
        secrets_and_key_pairs_are_not_compatible,
    };

    return unit_run_with("signer", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
