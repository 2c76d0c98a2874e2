#include "common/base/value.h"

#include "tests/unit/forge.h"

/* Each word with whether it passes: a name, a token of HTTP, a host, a path. */
START_TEST(each_kind_of_value_accepts_its_bytes)
{
    static const struct {
        struct slice word;
        bool name, token, host, path;
    } words[] = {
        {{"", 0}, false, false, false, false},
        {{"a", 1}, true, true, true, false},
        {{"Z9", 2}, true, true, true, false},
        {{"a b", 3}, false, false, false, false},
        {{"a\tb", 3}, false, false, false, false},
        {{"a,b", 3}, false, false, false, false},
        {{"a\"b", 3}, false, false, false, false},
        {{"a\0b", 3}, false, false, false, false},
        {{"a\x7f", 2}, false, false, false, false},
        {{"X-Auth!", 7}, true, true, false, false},
        {{"a:b", 3}, true, false, false, false},
        {{"host.example", 12}, true, true, true, false},
        {{"[::1]", 5}, true, false, true, false},
        {{"[]", 2}, true, false, false, false},
        {{"[::1", 4}, true, false, false, false},
        {{"/", 1}, true, false, false, true},
        {{"/etc/x", 6}, true, false, false, true},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct slice w = words[i].word;

        ck_assert_msg(value_is_name(w) == words[i].name, "name %s", w.p);
        ck_assert_msg(value_is_token(w) == words[i].token, "token %s", w.p);
        ck_assert_msg(value_is_host(w) == words[i].host, "host %s", w.p);
        ck_assert_msg(value_is_path(w) == words[i].path, "path %s", w.p);
    }
}
END_TEST

START_TEST(values_have_a_longest_length)
{
    char bytes[300];

    memset(bytes, 'a', sizeof(bytes));
    ck_assert(value_is_name((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_name((struct slice){bytes, VALUE_NAME_MAX + 1}));
    ck_assert(value_is_token((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_token((struct slice){bytes, VALUE_NAME_MAX + 1}));
}
END_TEST

START_TEST(an_origin_is_exact_and_as_browsers_write_it)
{
    static const char *const good[] = {"https://app.example", "http://localhost:3000",
                                       "https://[::1]:8443",  "http://192.0.2.1",
                                       "http://h:443",        "https://h:80",
                                       "https://h:65535",     "capacitor://localhost",
                                       "ionic+x://localhost", "tauri://localhost:80"};
    static const char *const bad[] = {"*",
                                      "null",
                                      "",
                                      "https://*",
                                      "https://*.example",
                                      "https://",
                                      "app.example",
                                      "://h",
                                      "//h",
                                      "https:h",
                                      "https:/h",
                                      "https://h/",
                                      "https://h/x",
                                      "https://h?x",
                                      "https://h#x",
                                      "https://H",
                                      "HTTPS://h",
                                      "https://h:",
                                      "https://h:0",
                                      "https://h:443",
                                      "http://h:80",
                                      "https://h:080",
                                      "https://h:65536",
                                      "https://h:8x",
                                      "https://u@h",
                                      "https://a://b",
                                      "1://h",
                                      "https://[::1",
                                      "https://::1",
                                      "https://h:1:2",
                                      "https://a,https://b",
                                      "https://h:-1",
                                      "https://[]"};
    char bytes[300];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(value_is_origin(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!value_is_origin(slice_of(bad[i])), "%s", bad[i]);
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "http://", 7);
    ck_assert(value_is_origin((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_origin((struct slice){bytes, VALUE_NAME_MAX + 1}));
    ck_assert(!value_is_origin(SLICE("http://a\0b")));
}
END_TEST

START_TEST(an_address_is_https_or_of_this_host)
{
    static const char *const good[] = {"https://login.example",     "https://login.example/",
                                       "https://H:8443/a/b-c.d",    "https://[2001:db8::1]/x",
                                       "http://localhost:8598",     "http://127.0.0.1",
                                       "http://[::1]:8598/prefix/", "https://h:443"};
    static const char *const bad[] = {"",
                                      "login.example",
                                      "http://login.example",
                                      "http://127.0.0.2",
                                      "http://localhost.example",
                                      "http://localhost@evil.example",
                                      "ftp://localhost",
                                      "file:///etc/passwd",
                                      "https://user@h",
                                      "https://user:password@h",
                                      "https://h?x",
                                      "https://h/?x",
                                      "https://h/#x",
                                      "https://h/a b",
                                      "https://h/a\nb",
                                      "https://h/\"",
                                      "https://h/\\x",
                                      "https://h:0",
                                      "https://h:65536",
                                      "https:///x",
                                      "https://",
                                      "https:h"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(value_is_url(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!value_is_url(slice_of(bad[i])), "%s", bad[i]);
    ck_assert(!value_is_url(SLICE("https://h/a\0b")));
}
END_TEST

START_TEST(an_address_of_keys_is_https_and_may_have_a_query)
{
    static const char *const good[] = {"https://h", "https://h:1/a/b?p=c&d=%20/?",
                                       "https://[::1]/?"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "http://localhost/k",
                                      "HTTPS://h",
                                      "https://u@h/",
                                      "https://h/#f",
                                      "https://h/?a b",
                                      "https://h/?a\n",
                                      "https://?h",
                                      "discover"};
    char text[300] = "https://h/?";

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(value_is_https_url(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!value_is_https_url(slice_of(bad[i])), "%s", bad[i]);
    memset(text + strlen(text), 'a', VALUE_NAME_MAX + 1 - strlen(text));
    ck_assert(!value_is_https_url(slice_of(text)));
    ck_assert(value_is_https_url((struct slice){text, VALUE_NAME_MAX}));
}
END_TEST

START_TEST(a_database_has_no_password)
{
    static const char *const good[] = {
        "postgresql://db/jwt", "postgres://jwtd@db1:5432,[::1]:5433/jwt?sslmode=verify-full",
        "postgresql:///jwt?host=/run/postgresql&port=5433",
        "postgresql://%2Frun%2Fpostgresql/jwt", "postgresql://"};
    static const char *const bad[] = {"",
                                      "postgresql",
                                      "postgresql:/db",
                                      "mysql://db/jwt",
                                      "host=db dbname=jwt",
                                      "postgresql://db/jwt?a b=c",
                                      "postgresql://u:p@db/jwt",
                                      "postgresql://u:@db/jwt",
                                      "postgresql://db/jwt?password=p",
                                      "postgresql://db/jwt?sslmode=require&password=p",
                                      "postgresql://db/jwt?%70assword=p",
                                      "postgresql://u?a=b@db/jwt?password=p",
                                      "postgresql://db/jwt?sslpassword=p",
                                      "postgresql://db/jwt?sslmode",
                                      "postgresql://db/jwt\n"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(value_is_database(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!value_is_database(slice_of(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(a_thumbprint_is_one_of_sha256)
{
    char letters[] = "YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs";

    ck_assert(value_is_thumbprint(slice_of(letters)));
    ck_assert(!value_is_thumbprint((struct slice){letters, 42}));
    ck_assert(!value_is_thumbprint(SLICE("YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrsA")));
    letters[42] = 't'; /* its last two bits are not zero */
    ck_assert(!value_is_thumbprint(slice_of(letters)));
    letters[42] = '=';
    ck_assert(!value_is_thumbprint(slice_of(letters)));
}
END_TEST

UNIT_MAIN("value", each_kind_of_value_accepts_its_bytes, values_have_a_longest_length,
          an_origin_is_exact_and_as_browsers_write_it, an_address_is_https_or_of_this_host,
          an_address_of_keys_is_https_and_may_have_a_query, a_database_has_no_password,
          a_thumbprint_is_one_of_sha256)
