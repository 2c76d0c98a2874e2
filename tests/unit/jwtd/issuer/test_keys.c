#include "jwtd/issuer/keys/keys.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char top[sizeof("/tmp/test-keys-XXXXXX")];
static char dir[64];

static void setup(void)
{
    umask(077);
    /* Anew for each test: under CK_FORK=no they share this process. */
    memcpy(top, "/tmp/test-keys-XXXXXX", sizeof(top));
    ck_assert_ptr_nonnull(mkdtemp(top));
    (void)snprintf(dir, sizeof(dir), "%s/keys", top);
}

static void teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a path of our own making */
}

static const struct alg *eddsa(void)
{
    return alg_find(SLICE("EdDSA"));
}

static void make(const char *where)
{
    struct errmsg errmsg = {""};
    enum tok_err err = keys_create(where, eddsa(), &errmsg);

    ck_assert_msg(err == TOK_OK, "%s", errmsg.text);
}

static struct signing_keys load(void)
{
    struct signing_keys keys = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = keys_load(dir, eddsa(), &keys, &errmsg);

    ck_assert_msg(err == TOK_OK, "%s", errmsg.text);
    return keys;
}

static void path_of(const char *where, const struct key *key, char ret[128])
{
    char kid[KEY_KID_LEN + 1] = "";

    ck_assert_uint_eq(key_kid(key).n, KEY_KID_LEN);
    memcpy(kid, key_kid(key).p, KEY_KID_LEN);
    (void)snprintf(ret, 128, "%s/%s.jwk", where, kid);
}

/* Adds a key with this time of its file. */
static void add_key(time_t mtime)
{
    CLEANUP(keys_clear) struct signing_keys second = {0};
    char keep[128], from[128], to[128];
    struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    char aside[96];

    (void)snprintf(aside, sizeof(aside), "%s/aside-%lld", top, (long long)mtime);
    (void)snprintf(keep, sizeof(keep), "%s/keep", top);
    ck_assert_int_eq(rename(dir, keep), 0);
    make(dir);
    second = load();
    path_of(dir, second.signer, from);
    path_of(keep, second.signer, to);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, to, times, 0), 0);
    ck_assert_int_eq(rename(dir, aside), 0);
    ck_assert_int_eq(rename(keep, dir), 0);
}

START_TEST(a_new_key_is_private)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    struct stat st;
    char path[128];

    umask(0);
    make(dir);
    keys = load();
    ck_assert_uint_eq(keys.n, 1);
    ck_assert_uint_eq(key_kid(keys.signer).n, KEY_KID_LEN);
    path_of(dir, keys.signer, path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(what_is_published_holds_no_private_part)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};

    make(dir);
    keys = load();
    ck_assert_ptr_nonnull(strstr(keys.jwks, "\"x\":"));
    ck_assert_ptr_null(strstr(keys.jwks, "\"d\":"));
    ck_assert_uint_eq(keyset_size(keys.set), 1);
}
END_TEST

START_TEST(keys_are_never_made_over_keys)
{
    struct errmsg errmsg;

    make(dir);
    ck_assert_err(keys_create(dir, eddsa(), &errmsg), TOK_FILE);
}
END_TEST

START_TEST(a_killed_first_start_is_begun_again)
{
    char unfinished[96];
    CLEANUP(keys_clear) struct signing_keys keys = {0};

    (void)snprintf(unfinished, sizeof(unfinished), "%s.new", dir);
    ck_assert_int_eq(mkdir(unfinished, 0700), 0);
    make(dir);
    keys = load();
    ck_assert_uint_eq(keys.n, 1);
}
END_TEST

START_TEST(the_newest_signs_and_all_are_published)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    char kid[KEY_KID_LEN + 1] = "";

    make(dir);
    {
        CLEANUP(keys_clear) struct signing_keys first = load();

        memcpy(kid, key_kid(first.signer).p, KEY_KID_LEN);
    }
    add_key(1000);
    keys = load();
    ck_assert_uint_eq(keys.n, 2);
    ck_assert_uint_eq(keyset_size(keys.set), 2);
    ck_assert(slice_is(key_kid(keys.signer), kid));
    keys_clear(&keys);
    add_key(4000000000);
    keys = load();
    ck_assert_uint_eq(keys.n, 3);
    ck_assert(!slice_is(key_kid(keys.signer), kid));
    ck_assert_ptr_nonnull(keys_find(&keys, kid));
    ck_assert_ptr_null(keys_find(&keys, "another"));
}
END_TEST

START_TEST(a_directory_without_keys_is_refused)
{
    struct signing_keys keys;
    struct errmsg errmsg = {""};

    ck_assert_err(keys_load(dir, eddsa(), &keys, &errmsg), TOK_KEYS);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_err(keys_load(dir, eddsa(), &keys, &errmsg), TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "contains no key"));
}
END_TEST

START_TEST(a_key_that_others_can_read_is_refused)
{
    struct signing_keys keys;
    struct errmsg errmsg = {""};
    char path[128];

    make(dir);
    keys = load();
    path_of(dir, keys.signer, path);
    keys_clear(&keys);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_err(keys_load(dir, eddsa(), &keys, &errmsg), TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, path));
}
END_TEST

START_TEST(one_wrong_file_refuses_the_directory)
{
    struct signing_keys keys;
    struct errmsg errmsg = {""};
    char path[128];
    FILE *f;

    make(dir);
    (void)snprintf(path, sizeof(path), "%s/wrong.jwk", dir);
    f = fopen(path, "we");
    (void)fputs("{\"kty\":\"OKP\"}", f);
    (void)fclose(f);
    ck_assert_err(keys_load(dir, eddsa(), &keys, &errmsg), TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, path));
}
END_TEST

/* A key by the name of the signer that is another key: its tokens would not verify. */
START_TEST(two_keys_of_one_kid_refuse_the_directory)
{
    CLEANUP(keys_clear) struct signing_keys keys = {0};
    struct errmsg errmsg = {""};
    CLEANUP(cleanup_key) struct key *other = NULL;
    CLEANUP(secret_clear) struct secret jwk = {0};
    char path[160], *at;

    make(dir);
    keys = load();
    ck_assert_ok(key_generate(NULL, eddsa(), &other));
    ck_assert_ok(key_private_jwk(other, &jwk));
    at = strstr(jwk.p, "\"kid\":\"");
    ck_assert_ptr_nonnull(at);
    memcpy(at + strlen("\"kid\":\""), key_kid(keys.signer).p, KEY_KID_LEN);
    (void)snprintf(path, sizeof(path), "%s/other.jwk", dir);
    ck_assert_ok(file_write(path, secret_slice(&jwk), 0600, &errmsg));
    keys_clear(&keys);
    keys = (struct signing_keys){0};
    ck_assert_err(keys_load(dir, eddsa(), &keys, &errmsg), TOK_KEYS);
    ck_assert_msg(strstr(errmsg.text, "kid: another key has the same kid"), "%s", errmsg.text);
}
END_TEST

START_TEST(every_algorithm_has_a_first_start)
{
    static const char *const names[] = {"HS256", "HS384", "HS512", "RS256", "PS512",
                                        "ES256", "ES384", "ES512", "EdDSA"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(keys_clear) struct signing_keys keys = {0};
        const struct alg *alg = alg_find((struct slice){names[i], strlen(names[i])});
        bool is_secret = alg->kind == ALG_OCT;
        char signature[KEY_SIGNATURE_MAX];
        struct errmsg errmsg = {""};

        (void)snprintf(dir, sizeof(dir), "%s/%s", top, names[i]);
        ck_assert_ok(keys_create(dir, alg, &errmsg));
        ck_assert_msg(keys_load(dir, alg, &keys, &errmsg) == TOK_OK, "%s: %s", names[i],
                      errmsg.text);
        ck_assert_ok(key_sign(keys.signer, SLICE("x"), signature));
        ck_assert_uint_eq(keyset_size(keys.set), 1);
        ck_assert_ok(key_verify(keyset_find(keys.set, key_kid(keys.signer)), SLICE("x"),
                                (struct slice){signature, key_sig_len(keys.signer)}));
        ck_assert_int_eq(strcmp(keys.jwks, "{\"keys\":[]}\n") == 0, is_secret);
        ck_assert_ptr_null(strstr(keys.jwks, "\"d\":"));
        ck_assert_ptr_null(strstr(keys.jwks, "\"k\":"));
    }
}
END_TEST

START_TEST(secrets_beside_key_pairs_are_refused)
{
    CLEANUP(cleanup_key) struct key *secret = NULL;
    CLEANUP(secret_clear) struct secret jwk = {0};
    struct signing_keys none = {0};
    struct errmsg errmsg = {""};
    char path[128];

    make(dir);
    ck_assert_ok(key_generate(NULL, alg_find(SLICE("HS256")), &secret));
    ck_assert_ok(key_private_jwk(secret, &jwk));
    path_of(dir, secret, path);
    ck_assert_ok(file_write(path, secret_slice(&jwk), 0600, &errmsg));
    ck_assert_err(keys_load(dir, eddsa(), &none, &errmsg), TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "contains HMAC secrets beside"));
    ck_assert_err(keys_load(dir, alg_find(SLICE("HS256")), &none, &errmsg), TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "contains HMAC secrets beside"));
    ck_assert_ptr_null(none.keys);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_key_is_private,
        what_is_published_holds_no_private_part,
        keys_are_never_made_over_keys,
        a_killed_first_start_is_begun_again,
        the_newest_signs_and_all_are_published,
        a_directory_without_keys_is_refused,
        a_key_that_others_can_read_is_refused,
        one_wrong_file_refuses_the_directory,
        two_keys_of_one_kid_refuse_the_directory,
        every_algorithm_has_a_first_start,
        secrets_beside_key_pairs_are_refused,
    };

    return unit_run_with("keys", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
