/* The SSH keys of this host: which files count, and which fingerprint is one of theirs. */
#include "common/base/file.h"
#include "common/token/host_key.h"
#include "tests/unit/host_keys.h"
#include "tests/unit/place.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NOBODY 65534

static char pattern[96];
static struct errmsg errmsg;

/* The place's directory, without links in its path. */
static const char *here(const char *name)
{
    static char ring[4][128];
    static unsigned next;
    char *path = ring[next++ % 4], *cwd = getcwd(NULL, 0);

    ck_assert_ptr_nonnull(cwd);
    (void)snprintf(path, sizeof(ring[0]), "%s/%s", cwd, name);
    free(cwd);
    return path;
}

static void put(const char *name, const char *text)
{
    ck_assert_ok(file_write(here(name), slice_of(text), 0644, NULL));
}

/* Both halves of a key. */
static void put_key(const char *name, const char *line)
{
    char public[64];

    (void)snprintf(public, sizeof(public), "%s.pub", name);
    put(public, line);
    put(name, "");
}

static enum tok_err check(const char *key)
{
    errmsg = (struct errmsg){""};
    (void)snprintf(pattern, sizeof(pattern), "%s", here("host_*_key.pub"));
    return host_key_check(pattern, slice_of(key), &errmsg);
}

/* The file host_1_key.pub does not count: alone there is no key, and beside another one it is
 * not the host's. */
static void is_left_out(const char *why)
{
    (void)unlink("host_2_key.pub");
    ck_assert_err(check(HOST_KEY_1), TOK_FILE);
    ck_assert_msg(strstr(errmsg.text, why) != NULL, "%s", errmsg.text);
    put_key("host_2_key", HOST_KEY_LINE_2);
    ck_assert_err(check(HOST_KEY_1), TOK_HOST_KEY);
    ck_assert_msg(strstr(errmsg.text, why) != NULL, "%s", errmsg.text);
    ck_assert_ok(check(HOST_KEY_2));
}

static bool split_is(const char *audience, const char *name, const char *key)
{
    struct slice got_name = {0}, got_key = {0};

    return host_key_split(slice_of(audience), &got_name, &got_key) &&
           slice_is(got_name, name) && slice_is(got_key, key);
}

START_TEST(an_audience_is_split_at_its_last_mark)
{
    struct slice name = SLICE("same"), key = name;

    ck_assert(split_is("a#b", "a", "b"));
    ck_assert(split_is("a#b#c", "a#b", "c"));
    ck_assert(split_is("#", "", ""));
    ck_assert(split_is("a#", "a", ""));
    ck_assert(split_is("#b", "", "b"));
    ck_assert(!host_key_split(SLICE("host.example"), &name, &key));
    ck_assert(!host_key_split((struct slice){0}, &name, &key));
    ck_assert(slice_is(name, "same") && slice_is(key, "same"));
}
END_TEST

START_TEST(a_key_of_an_audience_is_22_letters_of_base64url)
{
    static const char *const bad[] = {"",
                                      "rVWF0XYY8VdYnGdcftaeP",
                                      "rVWF0XYY8VdYnGdcftaePg9",
                                      "rVWF0XYY8VdYnGdcftaeP+",
                                      "rVWF0XYY8VdYnGdcftaeP/",
                                      "rVWF0XYY8VdYnGdcftaeP=",
                                      "rVWF0XYY8VdYnGdcftaeP#",
                                      "SHA256:rVWF0XYY8VdYnGd"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!host_key_is_valid(slice_of(bad[i])), "%s", bad[i]);
    ck_assert(host_key_is_valid(SLICE(HOST_KEY_1)) && host_key_is_valid(SLICE(HOST_KEY_2)));
    ck_assert(host_key_is_valid(SLICE("----------__________aZ")));
}
END_TEST

START_TEST(a_key_is_read_from_what_ssh_keygen_prints)
{
    static const char *const bad[] = {"",
                                      "SHA256:",
                                      "SHA256:zE20i+QHEaHF6j2iZIvaor",
                                      "SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y=",
                                      "sha256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y",
                                      "MD5:60:53:a0:20:d1:93:06:cd:ee:30:f6:be:8c:e7:b8:8d",
                                      "zE20i+QHEaHF6j2iZIvao",
                                      "zE20i+QHEaHF6j2iZIvaor=",
                                      "zE20i+QHEaHF6j2iZIvao="};
    char key[HOST_KEY_LEN + 1] = "same";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!host_key_read(slice_of(bad[i]), key), "%s", bad[i]);
    ck_assert(!host_key_read((struct slice){HOST_KEY_1 "\0", HOST_KEY_LEN + 1}, key));
    ck_assert(!host_key_read((struct slice){"zE20i+QHEaHF6j2iZIvao\0", HOST_KEY_LEN}, key));
    ck_assert_str_eq(key, "same");
    ck_assert(host_key_read(SLICE("SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y"), key));
    ck_assert_str_eq(key, HOST_KEY_2);
    ck_assert(host_key_read(SLICE("zE20i+QHEaHF6j2iZIvaor"), key));
    ck_assert_str_eq(key, HOST_KEY_2);
    ck_assert(host_key_read(SLICE(HOST_KEY_1), key));
    ck_assert_str_eq(key, HOST_KEY_1);
}
END_TEST

START_TEST(each_key_of_the_host_is_found_and_no_other)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();
    char cut[] = HOST_KEY_1;

    put_key("host_1_key", HOST_KEY_LINE_1);
    put_key("host_2_key", HOST_KEY_LINE_2);
    ck_assert_ok(check(HOST_KEY_1));
    ck_assert_ok(check(HOST_KEY_2));
    ck_assert_str_eq(errmsg.text, "");
    for (size_t i = 0; i < HOST_KEY_LEN; i++) {
        cut[i] ^= 1;
        ck_assert_err(check(cut), TOK_HOST_KEY);
        cut[i] ^= 1;
    }
    cut[HOST_KEY_LEN - 1] = '\0';
    ck_assert_err(check(cut), TOK_HOST_KEY);
    ck_assert_err(check(""), TOK_HOST_KEY);
    ck_assert_err(check(HOST_KEY_1 "9"), TOK_HOST_KEY);
}
END_TEST

START_TEST(a_key_is_named_as_by_ssh_keygen)
{
    static const char *const types[] = {"ed25519", "ecdsa", "rsa -b 4096", "rsa -b 1024"};
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();
    char command[256], line[256];

    if (system("command -v ssh-keygen >/dev/null") != 0)
        exit(UNIT_SKIPPED);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        FILE *out;
        char *key;

        (void)snprintf(command, sizeof(command),
                       "ssh-keygen -q -t %s -N '' -C '' -f host_%zu_key && "
                       "ssh-keygen -l -E sha256 -f host_%zu_key | tr +/ -_",
                       types[i], i, i);
        out = popen(command, "r");
        ck_assert_ptr_nonnull(out);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), out));
        ck_assert_int_eq(pclose(out), 0);
        key = strstr(line, "SHA256:");
        ck_assert_ptr_nonnull(key);
        key += strlen("SHA256:");
        key[HOST_KEY_LEN] = '\0';
        ck_assert_msg(check(key) == TOK_OK, "%s: %s", types[i], errmsg.text);
    }
}
END_TEST

START_TEST(a_host_without_keys_says_so)
{
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_err(check(HOST_KEY_1), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "no such file"));
    put("host_1_key", HOST_KEY_LINE_1);
    put("host_1_keys.pub", HOST_KEY_LINE_1);
    ck_assert_err(check(HOST_KEY_1), TOK_FILE);
}
END_TEST

START_TEST(a_public_key_without_its_private_half_does_not_count)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    put("host_1_key.pub", HOST_KEY_LINE_1);
    is_left_out("no private key");
}
END_TEST

START_TEST(a_symbolic_link_does_not_count)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    put_key("other", HOST_KEY_LINE_1);
    ck_assert_int_eq(symlink("other.pub", "host_1_key.pub"), 0);
    put("host_1_key", "");
    is_left_out("symbolic link");
}
END_TEST

START_TEST(a_directory_that_is_reached_by_a_symbolic_link_does_not_count)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_int_eq(mkdir("real", 0755), 0);
    ck_assert_int_eq(mkdir("real/ssh", 0755), 0);
    ck_assert_int_eq(symlink("real", "link"), 0);
    put_key("real/ssh/host_1_key", HOST_KEY_LINE_1);
    ck_assert_ok(host_key_check(here("real/ssh/host_*.pub"), SLICE(HOST_KEY_1), &errmsg));
    ck_assert_ok(host_key_check(here("rea*/*/host_*.pub"), SLICE(HOST_KEY_1), &errmsg));
    ck_assert_err(host_key_check(here("link/ssh/host_*.pub"), SLICE(HOST_KEY_1), &errmsg),
                  TOK_FILE);
    ck_assert_msg(strstr(errmsg.text, "symbolic link") != NULL, "%s", errmsg.text);
}
END_TEST

START_TEST(any_key_is_one_that_is_accepted)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();
    char key[HOST_KEY_LEN + 1] = "unchanged";

    ck_assert_err(host_key_any(here("host_*_key.pub"), key, &errmsg), TOK_FILE);
    put("host_1_key.pub", HOST_KEY_LINE_1);
    ck_assert_err(host_key_any(here("host_*_key.pub"), key, &errmsg), TOK_FILE);
    ck_assert_str_eq(key, "unchanged");
    put_key("host_2_key", HOST_KEY_LINE_2);
    ck_assert_ok(host_key_any(here("host_*_key.pub"), key, &errmsg));
    ck_assert_str_eq(key, HOST_KEY_2);
    ck_assert_err(check(""), TOK_HOST_KEY);
}
END_TEST

START_TEST(a_key_of_another_owner_does_not_count)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    put_key("host_1_key", HOST_KEY_LINE_1);
    ck_assert_int_eq(chown("host_1_key.pub", NOBODY, 0), 0);
    is_left_out("owned by uid");
    /* Nor does one in a directory of its owner. */
    ck_assert_int_eq(chown(".", NOBODY, 0), 0);
    is_left_out("owned by uid");
}
END_TEST

START_TEST(a_key_that_others_can_write_does_not_count)
{
    static const mode_t modes[] = {0664, 0646, 0666, 0622};

    NEEDS_ROOT();
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        CLEANUP(place_leave) struct place p = place_enter();

        put_key("host_1_key", HOST_KEY_LINE_1);
        ck_assert_int_eq(chmod("host_1_key.pub", modes[i]), 0);
        is_left_out("has mode");
    }
}
END_TEST

START_TEST(what_is_no_regular_file_does_not_count)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    put("host_1_key", "");
    ck_assert_int_eq(mkfifo("host_1_key.pub", 0644), 0);
    is_left_out("not a regular file");
}
END_TEST

START_TEST(what_is_no_public_key_does_not_count)
{
    static const char *const texts[] = {
        "",
        "\n" HOST_KEY_LINE_1,
        "ssh-ed25519\n",
        "ssh-ed25519 \n",
        "ssh-ed25519 =\n",
        "ssh-ed25519 AAAA\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n",
        "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAILHJTm+SsyVD5zh"
        "LlVd2wjk5ZOeTpWZnR+oKPc+Fdg0U\n",
        "ssh-ed25518 AAAAC3NzaC1lZDI1NTE5AAAAILHJTm+SsyVD5zhLlVd2wjk5"
        "ZOeTpWZnR+oKPc+Fdg0U\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A!\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A\n"};

    NEEDS_ROOT();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(place_leave) struct place p = place_enter();

        put_key("host_1_key", texts[i]);
        is_left_out("not a public key");
    }
}
END_TEST

START_TEST(files_have_a_size_and_a_number)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();
    static char large[4098];
    char name[32];

    memset(large, 'A', sizeof(large) - 1);
    put_key("host_0_key", large);
    ck_assert_err(check(HOST_KEY_1), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "the limit is 4096"));
    for (int i = 1; i < 16; i++) {
        (void)snprintf(name, sizeof(name), "host_%d_key", i);
        put_key(name, HOST_KEY_LINE_1);
    }
    ck_assert_ok(check(HOST_KEY_1));
    put_key("host_16_key", HOST_KEY_LINE_1);
    ck_assert_err(check(HOST_KEY_1), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "matches 17 files; the limit is 16"));
}
END_TEST

/* An unreadable private half is enough: nothing of it is read. */
START_TEST(the_private_key_is_not_opened)
{
    NEEDS_ROOT();
    CLEANUP(place_leave) struct place p = place_enter();

    put("host_1_key.pub", HOST_KEY_LINE_1);
    /* Opening a FIFO to read it would wait for a writer. */
    ck_assert_int_eq(mkfifo("host_1_key", 0), 0);
    ck_assert_ok(check(HOST_KEY_1));
}
END_TEST

UNIT_MAIN("host_key", an_audience_is_split_at_its_last_mark,
          a_key_of_an_audience_is_22_letters_of_base64url,
          a_key_is_read_from_what_ssh_keygen_prints, each_key_of_the_host_is_found_and_no_other,
          a_key_is_named_as_by_ssh_keygen, any_key_is_one_that_is_accepted,
          a_host_without_keys_says_so, a_public_key_without_its_private_half_does_not_count,
          a_symbolic_link_does_not_count,
          a_directory_that_is_reached_by_a_symbolic_link_does_not_count,
          a_key_of_another_owner_does_not_count, a_key_that_others_can_write_does_not_count,
          what_is_no_regular_file_does_not_count, what_is_no_public_key_does_not_count,
          files_have_a_size_and_a_number, the_private_key_is_not_opened)
