/*
 * Which hosts and origins are those of this server.
 */
#include "jwtd/http/hosts.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const struct {
    const char *origin, *host, *issuer;
    bool own;
} cases[] = {
    /* By Host: host and port. A proxy hides the scheme. */
    {"https://login.example", "login.example", "", true},
    {"http://login.example", "login.example", "", true},
    {"https://LOGIN.example", "login.EXAMPLE", "", true},
    {"https://login.example", "login.example:443", "", true},
    {"https://login.example:443", "login.example", "", true},
    {"http://login.example", "login.example:80", "", true},
    {"http://localhost:8598", "localhost:8598", "", true},
    {"http://[::1]:8598", "[::1]:8598", "", true},
    {"https://login.example:8443", "login.example:8443", "", true},
    {"https://login.example:8443", "login.example", "", false},
    {"https://login.example", "login.example:8443", "", false},
    {"https://login.example", "login.example:80", "", false},
    {"http://login.example", "login.example:443", "", false},
    {"http://localhost:3000", "localhost:8598", "", false},
    {"http://localhost:3000", "localhost", "", false},
    {"https://evil.example", "login.example", "", false},
    {"https://login.example.evil", "login.example", "", false},
    {"https://evil-login.example", "login.example", "", false},
    {"https://login.exampl", "login.example", "", false},
    {"https://login.example.", "login.example", "", false},
    {"https://login.example@evil", "login.example", "", false},
    {"https://evil/login.example", "login.example", "", false},
    {"https://login.example/", "login.example", "", false},
    {"https://login.example?x", "login.example", "", false},
    {"https://login.example#x", "login.example", "", false},
    {"https://login.example:", "login.example", "", false},
    {"https://login.example:x", "login.example", "", false},
    {"https://login.example:99999", "login.example", "", false},
    {"https://login.example https://evil", "login.example", "", false},
    {"login.example", "login.example", "", false},
    {"//login.example", "login.example", "", false},
    {"ftp://login.example", "login.example", "", false},
    {"capacitor://localhost", "localhost", "", false},
    {"httpss://login.example", "login.example", "", false},
    {"null", "login.example", "", false},
    {"null", "null", "", false},
    {"*", "login.example", "", false},
    {"", "login.example", "", false},
    {"https://", "login.example", "", false},
    {"https://", "", "", false},
    {"https://login.example", "", "", false},
    /* By the issuer: scheme, host and port. */
    {"https://login.example", "localhost", "https://login.example", true},
    {"https://login.example", "localhost", "https://Login.Example/", true},
    {"https://login.example", "localhost", "https://login.example/realm?x#y", true},
    {"https://login.example", "localhost", "https://login.example:443", true},
    {"https://login.example:8443", "localhost", "https://login.example:8443/a", true},
    {"http://login.example", "localhost", "http://login.example", true},
    {"http://login.example", "localhost", "https://login.example", false},
    {"https://login.example", "localhost", "http://login.example", false},
    {"http://login.example:443", "localhost", "https://login.example", false},
    {"https://login.example:8443", "localhost", "https://login.example", false},
    {"https://login.example", "localhost", "https://login.example:8443", false},
    {"https://evil.example", "localhost", "https://login.example/https://evil.example", false},
    {"https://evil.example", "localhost", "https://login.example?https://evil.example", false},
    {"https://login.example", "localhost", "login.example", false},
    {"https://login.example", "localhost", "https://login.example@evil", false},
    {"https://login.example", "localhost", "https:/", false},
    {"https://login.example", "localhost", "https://", false},
};

static bool is_own(struct slice origin, struct slice host, const char *issuer)
{
    struct hosts hosts = {0};

    (void)snprintf(hosts.issuer, sizeof(hosts.issuer), "%s", issuer);
    return hosts_is_own_origin(&hosts, origin, host);
}

START_TEST(an_origin_is_own_by_host_and_port_or_as_the_issuers)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(is_own(slice_of(cases[i].origin), slice_of(cases[i].host),
                             cases[i].issuer) == cases[i].own,
                      "%s %s %s", cases[i].origin, cases[i].host, cases[i].issuer);
}
END_TEST

/* No byte may be added, removed or changed. */
START_TEST(every_other_byte_makes_it_another_origin)
{
    static const char own[] = "https://login.example:8443";
    const struct slice host = SLICE("login.example:8443");
    char text[sizeof(own) + 1];

    for (size_t i = 0; i < sizeof(own); i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            bool same;

            memcpy(text, own, sizeof(own));
            memmove(text + i + 1, text + i, sizeof(own) - i);
            text[i] = (char)byte;
            if (is_own((struct slice){text, sizeof(own)}, host, "") &&
                !(byte == '0' && i == strlen("https://login.example:")))
                ck_abort_msg("byte %u added at %zu", byte, i);
            if (i + 1 == sizeof(own))
                continue;
            memcpy(text, own, sizeof(own));
            text[i] = (char)byte;
            /* The case of the letters is ignored. */
            same = strncasecmp(text, own, sizeof(own)) == 0;
            if (is_own((struct slice){text, sizeof(own) - 1}, host, "") != same)
                ck_abort_msg("byte %u at %zu", byte, i);
        }
    }
}
END_TEST

static bool allows(const struct hosts *hosts, const char *name)
{
    return hosts_allow(hosts, (struct slice){name, strlen(name)});
}

START_TEST(only_allowed_hosts_are_answered)
{
    char *extra[] = {(char[]){"login.example.org"}, NULL};
    struct hosts hosts = {
        .hostname = "box", .issuer = "https://sso.example.org", .allowed = extra};
    struct hosts bare = {0};

    ck_assert(allows(&hosts, "localhost"));
    ck_assert(allows(&hosts, "LocalHost"));
    ck_assert(allows(&hosts, "127.0.0.1"));
    ck_assert(allows(&hosts, "[::1]"));
    ck_assert(allows(&hosts, "BOX"));
    ck_assert(allows(&hosts, "sso.example.org"));
    ck_assert(allows(&hosts, "Login.Example.org"));
    ck_assert(!allows(&hosts, "example.org"));
    ck_assert(!allows(&hosts, "box.evil"));
    ck_assert(!allows(&hosts, "localhost.evil"));
    ck_assert(!allows(&hosts, "127.0.0.2"));
    ck_assert(!allows(&bare, "box"));
    ck_assert(!allows(&bare, "login.example.org"));
    ck_assert(!allows(&bare, ""));
}
END_TEST

START_TEST(an_issuer_has_the_host_of_its_url)
{
    struct hosts hosts = {.issuer = "https://sso.example.org:8443/a/b"};
    const char *const others[] = {"sso", "https:///x", "https://user@host/", "https://sso#x"};

    ck_assert(allows(&hosts, "sso.example.org"));
    ck_assert(!allows(&hosts, "sso.example.org:8443"));
    (void)strcpy(hosts.issuer, "https://[2001:db8::1]/x");
    ck_assert(allows(&hosts, "[2001:db8::1]"));
    for (size_t i = 0; i < 3; i++) {
        (void)strcpy(hosts.issuer, others[i]);
        ck_assert(!allows(&hosts, "sso") && !allows(&hosts, "host") && !allows(&hosts, "user"));
    }
    (void)strcpy(hosts.issuer, others[3]);
    ck_assert(allows(&hosts, "sso"));
}
END_TEST

UNIT_MAIN("hosts", an_origin_is_own_by_host_and_port_or_as_the_issuers,
          every_other_byte_makes_it_another_origin, only_allowed_hosts_are_answered,
          an_issuer_has_the_host_of_its_url)
