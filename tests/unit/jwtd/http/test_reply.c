/*
 * Replies byte for byte, and the names a server answers to.
 */
#include "common/base/cleanup.h"
#include "jwtd/http/reply.h"
#include "tests/unit/unit.h"

#include <string.h>

static void packs_as(struct reply *reply, bool body_too, const char *want)
{
    CLEANUP(secret_clear) struct secret out = {0};

    ck_assert_ok(reply_pack(reply, body_too, 784111777, &out));
    ck_assert_msg(slice_is(secret_slice(&out), want), "%s", out.p);
    reply_clear(reply);
}

START_TEST(a_refused_token_is_reported_as_by_simplejwt)
{
    struct reply reply = {0};

    reply_detail(&reply, 401, "Token is expired", "token_not_valid");
    reply.allow = "POST, OPTIONS";
    reply.challenge = "Bearer";
    packs_as(&reply, true,
             "HTTP/1.1 401 Unauthorized\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Content-Type: application/json\r\n"
             "Content-Length: 54\r\n"
             "Allow: POST, OPTIONS\r\n"
             "Vary: Accept\r\n"
             "WWW-Authenticate: Bearer realm=\"api\"\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n"
             "{\"detail\":\"Token is expired\",\"code\":\"token_not_valid\"}");
}
END_TEST

START_TEST(head_gets_the_length_and_no_body)
{
    struct reply reply = {0};

    reply_detail(&reply, 404, "Not found.", NULL);
    packs_as(&reply, false,
             "HTTP/1.1 404 Not Found\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Content-Type: application/json\r\n"
             "Content-Length: 23\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n");
}
END_TEST

START_TEST(only_a_401_has_a_challenge)
{
    struct reply reply = {0};

    reply_detail(&reply, 503, "x", NULL);
    reply.challenge = "Bearer";
    reply.retry_after = 1;
    packs_as(&reply, true,
             "HTTP/1.1 503 Service Unavailable\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Content-Type: application/json\r\n"
             "Content-Length: 14\r\n"
             "Retry-After: 1\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n"
             "{\"detail\":\"x\"}");
}
END_TEST

START_TEST(not_modified_has_a_tag_and_no_body)
{
    struct reply reply = {0};

    reply_init(&reply, 304);
    memcpy(reply.etag, "\"0\"", sizeof("\"0\""));
    reply.cache = "public";
    packs_as(&reply, true,
             "HTTP/1.1 304 Not Modified\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Cache-Control: public\r\n"
             "ETag: \"0\"\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n");
}
END_TEST

START_TEST(no_content_has_neither_body_nor_length)
{
    struct reply reply = {0};

    reply_init(&reply, 204);
    memcpy(reply.user, "alice", sizeof("alice"));
    packs_as(&reply, true,
             "HTTP/1.1 204 No Content\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "X-Forwarded-User: alice\r\n"
             "X-Auth-Request-User: alice\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n");
}
END_TEST

START_TEST(a_pair_of_tokens_is_formatted_as_by_simplejwt)
{
    struct reply reply = {0};

    reply_tokens(&reply, "refresh", SLICE("a.b.c"), "access", SLICE("d.e.f"));
    packs_as(&reply, true,
             "HTTP/1.1 200 OK\r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Content-Type: application/json\r\n"
             "Content-Length: 36\r\n"
             "Cache-Control: no-store\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n"
             "\r\n"
             "{\"refresh\":\"a.b.c\",\"access\":\"d.e.f\"}");
    reply_tokens(&reply, "access", SLICE("a.b.c"), "refresh", SLICE(""));
    ck_assert(slice_is(secret_slice(&reply.body), "{\"access\":\"a.b.c\"}"));
    reply_clear(&reply);
}
END_TEST

START_TEST(a_reply_that_could_not_be_made_is_never_sent)
{
    CLEANUP(secret_clear) struct secret out = {0};
    struct reply reply = {0};

    reply_json(&reply, 200, NULL);
    ck_assert_err(reply_pack(&reply, true, 0, &out), TOK_NO_MEMORY);
    ck_assert_ptr_null(out.p);
    reply_clear(&reply);
}
END_TEST

UNIT_MAIN("reply", a_refused_token_is_reported_as_by_simplejwt,
          head_gets_the_length_and_no_body, only_a_401_has_a_challenge,
          not_modified_has_a_tag_and_no_body, no_content_has_neither_body_nor_length,
          a_pair_of_tokens_is_formatted_as_by_simplejwt,
          a_reply_that_could_not_be_made_is_never_sent)
