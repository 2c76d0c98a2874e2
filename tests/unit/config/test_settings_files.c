/*
 * Settings on disk: the file, its drop-ins, who may own them, how large they may be.
 */
#include "tests/unit/config/settings_unit.h"
#include "tests/unit/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place enter(void)
{
    NEEDS_ROOT(); /* the owner of settings files */
    (void)umask(022);
    return place_enter();
}

static void make(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* Loading fails with a message that begins so, and leaves *ret zero. */
static void refuse_load(const char *begin)
{
    struct settings set = {.n_issuers = 0};
    struct errmsg errmsg = {""};

    ck_assert_err(settings_load("jwt.conf", &set, &errmsg), TOK_SETTINGS);
    ck_assert_msg(strncmp(errmsg.text, begin, strlen(begin)) == 0, "not '%s' but '%s'", begin,
                  errmsg.text);
    ck_assert_ptr_null(set.token.user_id_claim);
    settings_clear(&set);
}

static uint64_t loaded_length(void)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct errmsg errmsg = {""};

    ck_assert_msg(settings_load("jwt.conf", &set, &errmsg) == TOK_OK, "%s", errmsg.text);
    return set.token.max_token_length;
}

START_TEST(without_any_file_there_are_defaults)
{
    CLEANUP(place_leave) struct place p = enter();
    CLEANUP(settings_clear) struct settings set = {0};

    struct errmsg errmsg = {""};

    ck_assert_uint_eq(loaded_length(), 511);
    ck_assert_ok(settings_load("/nonexistent/jwt.conf", &set, &errmsg));
    ck_assert_str_eq(errmsg.text, "");
}
END_TEST

START_TEST(rsa_needs_a_larger_max_token_length_in_any_file)
{
    CLEANUP(place_leave) struct place p = enter();
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[64], begin[64];

        (void)snprintf(text, sizeof(text), "[Token]\nAlgorithm=%s\n", names[i]);
        (void)snprintf(begin, sizeof(begin), "jwt.conf: Algorithm=%s makes tokens", names[i]);
        make("jwt.conf", text);
        refuse_load(begin);
        (void)snprintf(text, sizeof(text), "[Token]\nMaxTokenLength=511\nAlgorithm=%s\n",
                       names[i]);
        make("jwt.conf", text);
        refuse_load(begin);
        (void)snprintf(text, sizeof(text), "[Token]\nMaxTokenLength=1024\nAlgorithm=%s\n",
                       names[i]);
        make("jwt.conf", text);
        ck_assert_uint_eq(loaded_length(), 1024);
    }
    make("jwt.conf", "[Token]\nAlgorithm=RS256\n");
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    make("jwt.conf.d/1.conf", "[Token]\nMaxTokenLength=2000\n");
    ck_assert_uint_eq(loaded_length(), 2000);
    make("jwt.conf", "[Token]\nAlgorithm=HS512\n");
    make("jwt.conf.d/1.conf", "[Token]\nAlgorithm=ES384\n");
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

#define FLEET "[Fleet]\nIssuers=YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs\n"
#define DATABASE "[Store]\nDatabase=postgresql://db/jwt\n"
#define NAMES "[Token]\nIssuer=https://i\nAudience=a\n"

/* The check is made when all files are read. */
START_TEST(issuers_need_a_database_and_names_and_key_pairs)
{
    CLEANUP(place_leave) struct place p = enter();
    static const struct {
        const char *file, *begin;
    } bad[] = {
        {"[Store]\nDatabase=postgresql://db/jwt\nPath=/s\n",
         "jwt.conf: [Store] has Path= and Database=: expected one"},
        {NAMES FLEET, "jwt.conf: [Fleet] has Issuers=: expected Database="},
        {DATABASE FLEET, "jwt.conf: [Fleet] has Issuers=: expected Issuer= and Audience="},
        {"[Token]\nIssuer=https://i\n" DATABASE FLEET,
         "jwt.conf: [Fleet] has Issuers=: expected Issuer= and Audience="},
        {NAMES "Algorithm=HS256\n" DATABASE FLEET,
         "jwt.conf: [Fleet] has Issuers=: expected another Algorithm= than an HMAC"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        make("jwt.conf", bad[i].file);
        refuse_load(bad[i].begin);
    }
    make("jwt.conf", DATABASE FLEET);
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    make("jwt.conf.d/1.conf", NAMES);
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

START_TEST(drop_ins_are_read_in_byte_order)
{
    CLEANUP(place_leave) struct place p = enter();

    make("jwt.conf", "[Token]\nMaxTokenLength=1001\n");
    ck_assert_uint_eq(loaded_length(), 1001);
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    ck_assert_uint_eq(loaded_length(), 1001);
    make("jwt.conf.d/B.conf", "[Token]\nMaxTokenLength=1002\n");
    ck_assert_uint_eq(loaded_length(), 1002);
    make("jwt.conf.d/a.conf", "[Token]\nMaxTokenLength=1003\n"); /* "a" > "B" in bytes */
    ck_assert_uint_eq(loaded_length(), 1003);
    make("jwt.conf.d/10.conf", "[Token]\nMaxTokenLength=1004\n");
    make("jwt.conf.d/9.conf", "[Token]\nLeeway=1\n");
    ck_assert_uint_eq(loaded_length(), 1003);
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_uint_eq(loaded_length(), 1003);
}
END_TEST

START_TEST(hidden_and_backup_files_are_ignored)
{
    static const char *const names[] = {".a.conf", "a.conf~", "a.conf.dpkg-old", "a.bak",
                                        ".conf",   "conf",    "#a.conf#",        "a.CONF"};
    CLEANUP(place_leave) struct place p = enter();
    char path[64];

    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "jwt.conf.d/%s", names[i]);
        make(path, "nonsense\n");
    }
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

START_TEST(an_error_names_its_file)
{
    CLEANUP(place_leave) struct place p = enter();

    make("jwt.conf", "[Token]\n\nNo=1\n");
    refuse_load("jwt.conf:3: unknown key No in [Token]");
    make("jwt.conf", "[Token]\nLeeway=1\n");
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    make("jwt.conf.d/a.conf", "[Token]\nLeeway=2\nLeeway=3\n");
    refuse_load("jwt.conf.d/a.conf:3: Leeway= is already set on line 2");
}
END_TEST

START_TEST(a_settings_file_must_be_owned_by_root)
{
    CLEANUP(place_leave) struct place p = enter();

    make("jwt.conf", "");
    ck_assert_int_eq(chmod("jwt.conf", 0664), 0);
    refuse_load("jwt.conf: has mode 0664; expected");
    ck_assert_int_eq(chmod("jwt.conf", 0644), 0);
    ck_assert_int_eq(chown("jwt.conf", 54321, 0), 0);
    refuse_load("jwt.conf: is owned by uid 54321; expected root");
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_int_eq(symlink("elsewhere", "jwt.conf"), 0);
    refuse_load("jwt.conf: is a symbolic link");
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_int_eq(mkdir("jwt.conf", 0755), 0);
    refuse_load("jwt.conf: is not a regular file");
}
END_TEST

START_TEST(a_drop_in_directory_must_be_owned_by_root)
{
    CLEANUP(place_leave) struct place p = enter();

    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    ck_assert_int_eq(symlink("/dev/null", "jwt.conf.d/a.conf"), 0);
    refuse_load("jwt.conf.d/a.conf: is a symbolic link");
    ck_assert_int_eq(unlink("jwt.conf.d/a.conf"), 0);
    ck_assert_int_eq(mkdir("jwt.conf.d/a.conf", 0755), 0);
    refuse_load("jwt.conf.d/a.conf: is not a regular file");
    ck_assert_int_eq(rmdir("jwt.conf.d/a.conf"), 0);
    make("jwt.conf.d/a.conf", "");
    ck_assert_int_eq(chmod("jwt.conf.d/a.conf", 0646), 0);
    refuse_load("jwt.conf.d/a.conf: has mode 0646");
    ck_assert_int_eq(chmod("jwt.conf.d/a.conf", 0644), 0);
    ck_assert_int_eq(chmod("jwt.conf.d", 0775), 0);
    refuse_load("jwt.conf.d: owner is uid 0, mode is 0775: expected owner root");
    ck_assert_int_eq(chmod("jwt.conf.d", 0755), 0);
    ck_assert_int_eq(chown("jwt.conf.d", 54321, 0), 0);
    refuse_load("jwt.conf.d: owner is uid 54321");
    ck_assert_int_eq(chown("jwt.conf.d", 0, 0), 0);
    ck_assert_uint_eq(loaded_length(), 511);
    ck_assert_int_eq(rename("jwt.conf.d", "elsewhere"), 0);
    ck_assert_int_eq(symlink("elsewhere", "jwt.conf.d"), 0);
    refuse_load("jwt.conf.d: cannot open");
    ck_assert_int_eq(rename("elsewhere", "gone"), 0); /* the link leads nowhere */
    refuse_load("jwt.conf.d: cannot open");
}
END_TEST

START_TEST(a_file_has_a_size_limit)
{
    CLEANUP(place_leave) struct place p = enter();
    CLEANUP(cleanup_free) char *text = malloc(SETTINGS_FILE_MAX + 2);

    ck_assert_ptr_nonnull(text);
    memset(text, '#', SETTINGS_FILE_MAX + 1);
    text[SETTINGS_FILE_MAX + 1] = '\0';
    make("jwt.conf", text);
    refuse_load("jwt.conf: has 262145 bytes; the limit is 262144");
    make("jwt.conf", text + 1);
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

UNIT_MAIN("settings_files", without_any_file_there_are_defaults,
          rsa_needs_a_larger_max_token_length_in_any_file,
          issuers_need_a_database_and_names_and_key_pairs, drop_ins_are_read_in_byte_order,
          hidden_and_backup_files_are_ignored, an_error_names_its_file,
          a_settings_file_must_be_owned_by_root, a_drop_in_directory_must_be_owned_by_root,
          a_file_has_a_size_limit)
