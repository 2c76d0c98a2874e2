/*
 * The source of a request: addresses as proxies write them, loopback, owners of uids.
 */
#include "jwtd/http/source.h"

#include "common/base/file.h"
#include "jwtd/http/subuid.h"
#include "tests/unit/place.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LONG_V6 "2001:db8:1:2:3:4:5:6"

/* want NULL: not an address. */
static const struct {
    const char *text, *want;
} forwarded[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:80", "192.0.2.1"},
    {"192.0.2.1:65535", "192.0.2.1"},
    {"192.0.2.1:0", "192.0.2.1"},
    {"2001:db8::1", "2001:db8::/64"},
    {"2001:DB8::ABCD", "2001:db8::/64"},
    {"2001:db8::1:65535", "2001:db8::/64"},
    {"2001:db8::1:8080", "2001:db8::/64"},
    {LONG_V6, "2001:db8:1:2::/64"},
    {LONG_V6 ":443", "2001:db8:1:2::/64"},
    {LONG_V6 ":65535", "2001:db8:1:2::/64"},
    {"[2001:db8::1]", "2001:db8::/64"},
    {"[2001:db8::1]:443", "2001:db8::/64"},
    {"[" LONG_V6 "]:1", "2001:db8:1:2::/64"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"[::ffff:192.0.2.1]", "192.0.2.1"},
    {"[::ffff:c000:201]:80", "192.0.2.1"},
    {"::ffff:192.0.2.1:80", "192.0.2.1"},
    {"2001:db8:1:2:3:4:192.0.2.1", "2001:db8:1:2::/64"},
    {"127.0.0.1", "127.0.0.1"},
    {"127.255.3.4:9", "127.0.0.1"},
    {"::1", "127.0.0.1"},
    {"[::1]:80", "127.0.0.1"},
    {"::ffff:127.9.9.9", "127.0.0.1"},
    {"126.255.255.255", "126.255.255.255"},
    {"128.0.0.1", "128.0.0.1"},
    {"::2", "::/64"},
    {"", NULL},
    {"x", NULL},
    {"unknown", NULL},
    {"_hidden", NULL},
    {"unix:", NULL},
    {"localhost", NULL},
    {"host.example:80", NULL},
    {"for=192.0.2.1", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.01", NULL},
    {"192.0.2.1.", NULL},
    {"192.0.2.1 ", NULL},
    {"192.0.2.1:", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:123456", NULL},
    {"192.0.2.1:+1", NULL},
    {"192.0.2.1:8a", NULL},
    {"192.0.2.1:80:80", NULL},
    {"192.0.2.1/24", NULL},
    {"192.0.2.1%eth0", NULL},
    {"3221225985", NULL},
    {"0xc0.0.2.1", NULL},
    {"\"192.0.2.1\"", NULL},
    {"[192.0.2.1]", NULL},
    {"[192.0.2.1]:80", NULL},
    {"2001:db8::g", NULL},
    {"2001:db8", NULL},
    {"2001:db8::1::2", NULL},
    {LONG_V6 ":7:8", NULL},
    {"fe80::1%eth0", NULL},
    {"[fe80::1%eth0]", NULL},
    {"[", NULL},
    {"]", NULL},
    {"[]", NULL},
    {"[]:80", NULL},
    {"[2001:db8::1", NULL},
    {"2001:db8::1]", NULL},
    {"[2001:db8::1]443", NULL},
    {"[2001:db8::1]:", NULL},
    {"[2001:db8::1]:65536", NULL},
    {"[2001:db8::1]]", NULL},
    {"[[2001:db8::1]]", NULL},
    {"[2001:db8::1:443", NULL},
    {":80", NULL},
    {":", NULL},
    {"::1:80:", NULL},
};

START_TEST(addresses_are_read_in_each_form_that_proxies_write)
{
    char text[SOURCE_TEXT];
    struct source s;

    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
        bool is_address = source_of_text(slice_of(forwarded[i].text), &s);

        ck_assert_msg(is_address == (forwarded[i].want != NULL), "%s", forwarded[i].text);
        if (!is_address)
            continue;
        source_text(&s, text);
        ck_assert_msg(strcmp(text, forwarded[i].want) == 0, "%s: %s", forwarded[i].text, text);
    }
    ck_assert(!source_of_text(SLICE("192.0.2.1\0"), &s));
    ck_assert(!source_of_text(SLICE("192.0.2.1:8\0"), &s));
}
END_TEST

START_TEST(every_text_of_one_address_is_one_source)
{
    static const char *const ports[] = {"", ":0", ":443", ":65535"};
    char buf[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
    struct source bare, s;
    struct in6_addr address;
    unsigned seed = 1;

    for (int n = 0; n < 20000; n++) {
        for (size_t i = 0; i < sizeof(address); i++) {
            seed = seed * 1103515245 + 12345;
            /* Many zeros: they are what has several spellings. */
            address.s6_addr[i] = seed >> 29 > 3 ? (uint8_t)(seed >> 16) : 0;
        }
        ck_assert_ptr_nonnull(inet_ntop(AF_INET6, &address, buf, sizeof(buf)));
        ck_assert_msg(source_of_text(slice_of(buf), &bare), "%s", buf);
        for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
            (void)snprintf(text, sizeof(text), "[%s]%s", buf, ports[i]);
            if (!source_of_text(slice_of(text), &s) || !source_equal(&s, &bare))
                ck_abort_msg("%s", text);
        }
    }
}
END_TEST

START_TEST(an_ipv6_source_is_its_64)
{
    struct source a, b;

    ck_assert(source_of_text(SLICE("2001:db8::1"), &a));
    ck_assert(source_of_text(SLICE("2001:db8::ffff:1"), &b));
    ck_assert(source_equal(&a, &b));
    ck_assert(source_of_text(SLICE("2001:db8:0:1::1"), &b));
    ck_assert(!source_equal(&a, &b));
}
END_TEST

/* Subordinate uids */

static void write_ranges(const char *text)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(file_write("subuid", slice_of(text), 0644, &errmsg) == TOK_OK, "%s",
                  errmsg.text);
}

static void update(struct subuids *s, enum tok_err want)
{
    struct errmsg errmsg = {""};
    enum tok_err err = subuids_update(s, "subuid", &errmsg);

    ck_assert_msg(err == want, "%s", errmsg.text);
    ck_assert((errmsg.text[0] != '\0') == (err != TOK_OK));
}

START_TEST(a_uid_of_a_range_counts_as_its_owner)
{
    NEEDS_ROOT();

    static const struct {
        uid_t uid, owner;
    } uids[] = {{99999, 99999},   {100000, 1000},           {165535, 1000},
                {165536, 165536}, {200000, 1001},           {300000, 2},
                {300001, 2},      {300002, 300002},         {400000, 400000},
                {400009, 400000}, {500000, 500000},         {500001, 500000},
                {600000, 600000}, {4294967294, 4294967294}, {7, 7},
                {1000, 1000}};
    CLEANUP(subuids_clear) struct subuids s = {0};
    CLEANUP(place_leave) struct place place = place_enter();

    update(&s, TOK_OK); /* no file is no error */
    ck_assert_uint_eq(subuids_owner(&s, 100000), 100000);
    write_ranges("1000:100000:65536\n# bin:600000:5\n1001: 200000 : 5\n\nbin:300000:2\n"
                 "1003:100000:65536\nroot:400000:10\nno-such-user:500000:10\n"
                 ":7\nbin:7\nbin:x:7\nbin:7:x\nbin:7:-1\nbin:600000:0\nroot:0:10\n"
                 "bin:99999999999:5\n1005:4294967290:1");
    update(&s, TOK_OK);
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++)
            ck_assert_uint_eq(subuids_owner(&s, uids[i].uid), uids[i].owner);
    ck_assert_uint_eq(subuids_owner(&s, 4294967290), 1005);
    (void)place;
}
END_TEST

START_TEST(a_change_of_the_ranges_is_seen_and_an_unusable_file_changes_nothing)
{
    NEEDS_ROOT();

    CLEANUP(subuids_clear) struct subuids s = {0};
    CLEANUP(place_leave) struct place place = place_enter();

    write_ranges("1000:100000:10\n");
    update(&s, TOK_OK);
    ck_assert_uint_eq(subuids_owner(&s, 100000), 1000);
    write_ranges("1001:100000:10\n");
    update(&s, TOK_OK);
    ck_assert_uint_eq(subuids_owner(&s, 100000), 1001);
    ck_assert_int_eq(chmod("subuid", 0666), 0);
    update(&s, TOK_FILE);
    update(&s, TOK_OK); /* is reported once */
    ck_assert_uint_eq(subuids_owner(&s, 100000), 1001);
    ck_assert_int_eq(unlink("subuid"), 0);
    update(&s, TOK_OK);
    ck_assert_uint_eq(subuids_owner(&s, 100000), 100000);
    (void)place;
}
END_TEST

START_TEST(a_file_over_a_mebibyte_is_refused_and_one_of_20000_lines_is_read)
{
    NEEDS_ROOT();

    CLEANUP(cleanup_free) char *text = calloc(2048, 1024);
    CLEANUP(subuids_clear) struct subuids s = {0};
    CLEANUP(place_leave) struct place place = place_enter();
    size_t n = 0;

    ck_assert_ptr_nonnull(text);
    for (unsigned i = 0; i < 20000; i++)
        n += (size_t)snprintf(text + n, 64, "%u:%u:65536\n", 1000 + i, 100000 + i * 65536);
    write_ranges(text);
    update(&s, TOK_OK);
    ck_assert_uint_eq(subuids_owner(&s, 100000 + 19999 * 65536 + 65535), 20999);
    memset(text, 'x', (size_t)1024 * 1024 + 1);
    write_ranges(text);
    update(&s, TOK_FILE);
    (void)place;
}
END_TEST

UNIT_MAIN("source", addresses_are_read_in_each_form_that_proxies_write,
          every_text_of_one_address_is_one_source, an_ipv6_source_is_its_64,
          a_uid_of_a_range_counts_as_its_owner,
          a_change_of_the_ranges_is_seen_and_an_unusable_file_changes_nothing,
          a_file_over_a_mebibyte_is_refused_and_one_of_20000_lines_is_read)
