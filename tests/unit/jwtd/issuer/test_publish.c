#include "common/token/revoked.h"
#include "jwtd/issuer/keys/publish.h"
#include "tests/unit/unit.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOW 1800000000
#define ISSUER_TEXT "Issuer=https://login.example\nAudience=one two\n"

static char dir[sizeof("/tmp/test-publish-XXXXXX")];
static char store_path[80];
static struct store *store;
static struct own_bundle bundle;

static const char *at(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void setup(void)
{
    struct errmsg errmsg;

    umask(077);
    /* Anew for each test: under CK_FORK=no they share this process. */
    memcpy(dir, "/tmp/test-publish-XXXXXX", sizeof(dir));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(store_path, sizeof(store_path), "%s/sessions.db", dir);
    ck_assert_ok(store_open(store_path, "", &store, &errmsg));
    bundle = (struct own_bundle){.pruned_until = NOW - POLICY_LEEWAY_MAX};
}

static void teardown(void)
{
    static const char *const names[] = {"sessions.db", "sessions.db-wal", "sessions.db-shm",
                                        "issuer",      "jwks.json",       "revoked"};

    store_close(store);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(at(names[i]));
    (void)rmdir(dir);
}

static void put(const char *name, const char *text)
{
    struct errmsg errmsg = {""};

    ck_assert_ok(file_write(at(name), (struct slice){text, strlen(text)}, 0644, &errmsg));
}

static void expect(const char *name, const char *text)
{
    CLEANUP(secret_clear) struct secret bytes = {0};
    struct errmsg errmsg = {""};

    ck_assert_ok(file_read(at(name), FILE_PUBLIC, 1 << 20, &bytes, &errmsg));
    ck_assert_str_eq(bytes.p, text);
}

/* A revoked session, whose sid is 16 times this byte. */
static void end_session(uint8_t byte, int64_t last_access_exp)
{
    struct store_revoked s = {.last_access_exp = last_access_exp, .last_exp = NOW + 10000};

    memset(s.sid, byte, sizeof(s.sid));
    ck_assert_int_eq(store_begin(store, NOW - 10000, 1000), STORE_DONE);
    ck_assert_int_eq(store_add_revoked(store, &s), STORE_DONE);
    ck_assert_int_eq(store_commit(store), STORE_DONE);
}

static enum tok_err publish(void)
{
    struct errmsg errmsg;
    struct revoked_digest of_file;
    struct revoked list;
    enum tok_err err = publish_revoked(dir, store, &bundle, &errmsg);

    if (err)
        return err;
    ck_assert_ok(revoked_open(at("revoked"), FILE_PUBLIC, &list, &errmsg));
    ck_assert_ok(revoked_digest(&list, INT64_MIN, &of_file));
    ck_assert(revoked_digest_equal(&bundle.revoked, &of_file));
    revoked_close(&list);
    return TOK_OK;
}

/* 16 times 0x00, 0x11, 0xff. */
#define SID_00 "AAAAAAAAAAAAAAAAAAAAAA"
#define SID_11 "EREREREREREREREREREREQ"
#define SID_FF "_____________________w"

START_TEST(a_first_list_is_empty_and_readable_by_all)
{
    struct stat st;

    ck_assert_ok(publish());
    expect("revoked", "");
    ck_assert_int_eq(stat(at("revoked"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(the_list_is_sorted_lines_of_one_width)
{
    end_session(0xff, NOW + 1);
    end_session(0x00, NOW + 20);
    end_session(0x11, NOW + 3);
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000020\n" SID_11 " 1800000003\n" SID_FF " 1800000001\n");
}
END_TEST

/* Revokes the sessions from first to before end, and publishes them. */
static void publish_many(uint32_t first, uint32_t end)
{
    struct revoked list;
    struct errmsg errmsg;

    ck_assert_int_eq(store_begin(store, NOW - 10000, 1000), STORE_DONE);
    for (uint32_t i = first; i < end; i++) {
        struct store_revoked s = {.last_access_exp = NOW + 5, .last_exp = NOW + 10000};
        uint32_t big = htobe32(i);

        memcpy(s.sid, &big, sizeof(big));
        ck_assert_int_eq(store_add_revoked(store, &s), STORE_DONE);
    }
    ck_assert_int_eq(store_commit(store), STORE_DONE);
    ck_assert_ok(publish());
    ck_assert_ok(revoked_open(at("revoked"), FILE_PUBLIC, &list, &errmsg));
    ck_assert_int_eq(list.size, (off_t)end * REVOKED_LINE_LEN);
    revoked_close(&list);
}

/* In two steps. */
START_TEST(a_long_list_is_published_whole)
{
    publish_many(0, (1 << 18) + 100);
}
END_TEST

START_TEST(one_session_more_and_many_more_are_added)
{
    publish_many(0, 1);
    publish_many(1, 2);
    publish_many(2, 4097);
    publish_many(4097, 8193);
    publish_many(8193, 12290);
    publish_many(12290, 12291);
}
END_TEST

START_TEST(a_list_that_was_removed_or_put_back_gets_all_sessions_of_the_store)
{
    end_session(0x00, NOW + 20);
    ck_assert_ok(publish());
    ck_assert_int_eq(unlink(at("revoked")), 0);
    end_session(0x11, NOW + 20);
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000020\n" SID_11 " 1800000020\n");
    put("revoked", "");
    end_session(0xff, NOW + 20);
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000020\n" SID_11 " 1800000020\n" SID_FF " 1800000020\n");
}
END_TEST

START_TEST(a_store_that_was_opened_again_is_published_whole)
{
    struct errmsg errmsg;

    ck_assert_ok(publish());
    end_session(0x00, NOW + 20);
    store_close(store);
    ck_assert_ok(store_open(store_path, "", &store, &errmsg));
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000020\n");
}
END_TEST

START_TEST(what_was_rolled_back_is_not_published)
{
    struct store_revoked s = {.last_access_exp = NOW + 20, .last_exp = NOW + 10000};

    ck_assert_ok(publish());
    ck_assert_int_eq(store_begin(store, NOW - 10000, 1000), STORE_DONE);
    ck_assert_int_eq(store_add_revoked(store, &s), STORE_DONE);
    store_rollback(store);
    end_session(0x11, NOW + 20);
    ck_assert_ok(publish());
    expect("revoked", SID_11 " 1800000020\n");
}
END_TEST

START_TEST(pam_finds_what_was_published)
{
    struct revoked list;
    struct errmsg errmsg;

    for (int i = 0; i < 200; i++)
        end_session((uint8_t)i, NOW + i);
    ck_assert_ok(publish());
    ck_assert_ok(revoked_open(at("revoked"), FILE_PUBLIC, &list, &errmsg));
    ck_assert_err(revoked_check(&list, SLICE(SID_11)), TOK_REVOKED);
    ck_assert_ok(revoked_check(&list, SLICE(SID_FF)));
    revoked_close(&list);
}
END_TEST

START_TEST(unexpired_lines_stay_even_if_the_store_lacks_them)
{
    put("revoked", SID_11 " 1800000500\n");
    end_session(0x00, NOW + 20);
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000020\n" SID_11 " 1800000500\n");
}
END_TEST

START_TEST(past_lines_are_dropped_when_no_leeway_reaches_them)
{
    put("revoked", SID_00 " 1799999700\n" SID_11 " 1799999701\n");
    end_session(0xff, NOW - POLICY_LEEWAY_MAX);
    ck_assert_ok(publish());
    expect("revoked", SID_11 " 1799999701\n");
}
END_TEST

START_TEST(of_two_lines_of_one_session_the_later_is_published)
{
    put("revoked", SID_00 " 1800000500\n" SID_11 " 1800000010\n");
    end_session(0x00, NOW + 20);
    end_session(0x11, NOW + 30);
    ck_assert_ok(publish());
    expect("revoked", SID_00 " 1800000500\n" SID_11 " 1800000030\n");
}
END_TEST

START_TEST(a_malformed_list_is_left_as_it_is)
{
    static const char *const bad[] = {
        SID_00 " 1800000500",
        SID_00 " 1800000500\nx",
        SID_00 " 18000005x0\n",
        SID_00 "_1800000500\n",
        "AAAAAAAAAAAAAAAAAAAA+A 1800000500\n",
        SID_00 " 1800000500\n" SID_11 " 1800000500 ",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put("revoked", bad[i]);
        ck_assert_err(publish(), TOK_LIST);
        expect("revoked", bad[i]);
    }
}
END_TEST

START_TEST(an_unchanged_list_is_not_written_again)
{
    struct stat before, after;

    end_session(0x00, NOW + 20);
    ck_assert_ok(publish());
    ck_assert_int_eq(stat(at("revoked"), &before), 0);
    ck_assert_ok(publish());
    ck_assert_int_eq(stat(at("revoked"), &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(an_open_list_stays_as_it_was)
{
    struct revoked list;
    struct errmsg errmsg;

    ck_assert_ok(publish());
    ck_assert_ok(revoked_open(at("revoked"), FILE_PUBLIC, &list, &errmsg));
    end_session(0x11, NOW + 20);
    ck_assert_ok(publish());
    ck_assert_ok(revoked_check(&list, SLICE(SID_11)));
    revoked_close(&list);
}
END_TEST

static const struct issuer_names no_settings;

static struct issuer_names find_names(word_list audience)
{
    struct issuer_names settings = {.audience = audience};
    struct issuer_names names = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = issuer_names_find(dir, &settings, "Host-7.Example", &names, &errmsg);

    ck_assert_msg(err == TOK_OK, "%s", errmsg.text);
    return names;
}

START_TEST(names_come_from_the_host_in_lower_case)
{
    CLEANUP(issuer_names_clear) struct issuer_names names = find_names(NULL);
    struct errmsg errmsg;

    ck_assert_str_eq(names.issuer, "https://host-7.example");
    ck_assert_str_eq(names.audience[0], "host-7.example");
    ck_assert_ptr_null(names.audience[1]);
    ck_assert_ok(publish_names(dir, &names, &errmsg));
    expect("issuer", "Issuer=https://host-7.example\nAudience=host-7.example\n");
}
END_TEST

START_TEST(only_what_the_host_name_gave_is_made_shorter)
{
    char audience[] = "set";
    char *words[] = {audience, NULL};
    CLEANUP(issuer_names_clear) struct issuer_names host = find_names(NULL);
    CLEANUP(issuer_names_clear) struct issuer_names half = find_names(words);
    CLEANUP(issuer_names_clear) struct issuer_names one = {0}, two = {0}, rest = {0};

    ck_assert(host.issuer_is_host && host.audience_is_host);
    ck_assert(half.issuer_is_host && !half.audience_is_host);
    ck_assert_ok(issuer_names_shorten(&host, &one));
    ck_assert_ok(issuer_names_shorten(&host, &two));
    ck_assert_uint_eq(strlen(one.issuer), strlen("https://1234567"));
    ck_assert_uint_eq(strlen(one.audience[0]), strlen("12345678"));
    ck_assert_ptr_null(one.audience[1]);
    ck_assert_str_ne(one.issuer, two.issuer);
    ck_assert_str_ne(one.audience[0], two.audience[0]);
    ck_assert_ok(issuer_names_shorten(&half, &rest));
    ck_assert_str_eq(rest.audience[0], "set");
    put("issuer", ISSUER_TEXT);
    {
        CLEANUP(issuer_names_clear) struct issuer_names pinned = find_names(NULL);

        ck_assert(!pinned.issuer_is_host && !pinned.audience_is_host);
    }
}
END_TEST

START_TEST(names_once_published_outlive_a_new_host_name)
{
    put("issuer", ISSUER_TEXT);
    {
        CLEANUP(issuer_names_clear) struct issuer_names names = find_names(NULL);

        ck_assert_str_eq(names.issuer, "https://login.example");
        ck_assert_str_eq(names.audience[0], "one");
        ck_assert_str_eq(names.audience[1], "two");
    }
}
END_TEST

START_TEST(a_setting_is_stronger_than_what_was_published)
{
    char audience[] = "three";
    char *words[] = {audience, NULL};
    CLEANUP(issuer_names_clear) struct issuer_names names = {0};
    struct errmsg errmsg;

    put("issuer", ISSUER_TEXT);
    names = find_names(words);
    ck_assert_str_eq(names.issuer, "https://login.example");
    ck_assert_ok(publish_names(dir, &names, &errmsg));
    expect("issuer", "Issuer=https://login.example\nAudience=three\n");
}
END_TEST

START_TEST(an_invalid_host_name_is_refused)
{
    static const char *const hosts[] = {"", "a b", "a\nAudience=x", "\xc3\xa4", "a/b"};
    struct issuer_names names;
    struct errmsg errmsg;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        ck_assert_err(issuer_names_find(dir, &no_settings, hosts[i], &names, &errmsg),
                      TOK_SETTINGS);
}
END_TEST

START_TEST(a_malformed_names_file_is_refused)
{
    struct issuer_names names;
    struct errmsg errmsg = {""};

    put("issuer", "Issuer=\n");
    ck_assert_err(issuer_names_find(dir, &no_settings, "host", &names, &errmsg), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "issuer"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_first_list_is_empty_and_readable_by_all,
        the_list_is_sorted_lines_of_one_width,
        a_long_list_is_published_whole,
        one_session_more_and_many_more_are_added,
        a_list_that_was_removed_or_put_back_gets_all_sessions_of_the_store,
        a_store_that_was_opened_again_is_published_whole,
        what_was_rolled_back_is_not_published,
        pam_finds_what_was_published,
        unexpired_lines_stay_even_if_the_store_lacks_them,
        past_lines_are_dropped_when_no_leeway_reaches_them,
        of_two_lines_of_one_session_the_later_is_published,
        a_malformed_list_is_left_as_it_is,
        an_unchanged_list_is_not_written_again,
        an_open_list_stays_as_it_was,
        names_come_from_the_host_in_lower_case,
        only_what_the_host_name_gave_is_made_shorter,
        names_once_published_outlive_a_new_host_name,
        a_setting_is_stronger_than_what_was_published,
        an_invalid_host_name_is_refused,
        a_malformed_names_file_is_refused,
    };

    return unit_run_with("publish", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
