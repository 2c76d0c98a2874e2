/*
 * The reader of requests: what is refused, with which status, however the bytes are cut.
 */
#include "jwtd/http/request.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define H "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"
#define POST "POST /api/token/ HTTP/1.1\r\n" H JSON
#define GET "GET / HTTP/1.1\r\n" H
#define END "\r\n"

enum {
    MORE = 0,  /* the head is not whole */
    BODY = 1,  /* the body is not whole */
    WHOLE = 2, /* otherwise the status of the refusal */
};

struct row {
    const char *text;
    size_t n;
    int want;
};

#define ROW(text, want) text, sizeof(text) - 1, want

static const struct row rows[] = {
    /* Good */
    {ROW(GET END, WHOLE)},
    {ROW("GET / HTTP/1.0\r\n" H END, WHOLE)},
    {ROW("HEAD /healthz HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("OPTIONS /api/token/ HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("DELETE /x HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("PUT /x HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("PATCH /x HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("TRACE /x HTTP/1.1\r\n" H END, WHOLE)},
    {ROW(POST "Content-Length: 2\r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: 0\r\n\r\n", WHOLE)},
    {ROW(POST "Content-Length: 00000000000000000000002\r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n", WHOLE)},
    {ROW(POST "content-LENGTH:2\r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: \t 2 \t \r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n{}", WHOLE)},
    {ROW(POST "Content-Length: 2\r\nContent-Encoding: identity\r\n\r\n{}", WHOLE)},
    {ROW("GET /a?b=%20&c=/?:@ HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("GET /%41 HTTP/1.1\r\n" H END, WHOLE)},
    {ROW("GET / HTTP/1.1\r\nHost: LOCALHOST:8598\r\n\r\n", WHOLE)},
    {ROW("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", WHOLE)},
    {ROW("GET / HTTP/1.1\r\nHost:localhost\r\n\r\n", WHOLE)},
    {ROW(GET "X: \xc3\xa4\xff\r\n\r\n", WHOLE)},
    {ROW(GET "X:\r\n\r\n", WHOLE)},
    {ROW(GET "X: a\tb\r\n\r\n", WHOLE)},
    {ROW(GET "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", WHOLE)},
    {ROW(GET "Authorization: Bearer x\r\n\r\n", WHOLE)},
    {ROW(GET "Content-Length: 3\r\n\r\nabc", WHOLE)},
    {ROW(GET "Accept: text/html\r\nAccept: */*\r\n\r\n", WHOLE)},
    {ROW(GET "!#$%&'*+-.^_`|~09az: x\r\n\r\n", WHOLE)},
    {ROW("POST / HTTP/1.1\r\n" H "Content-Type: application/json; charset=\"UTF-8\"\r\n"
         "Content-Length: 0\r\n\r\n",
         WHOLE)},
    {ROW("POST / HTTP/1.1\r\n" H "Content-Type: a/b;;x=y; \r\nContent-Length: 0\r\n\r\n",
         WHOLE)},
    /* Not whole yet */
    {ROW("", MORE)},
    {ROW("G", MORE)},
    {ROW("GET / HTTP/1.1", MORE)},
    {ROW("GET / HTTP/1.1\r", MORE)},
    {ROW("GET / HTTP/1.1\r\n", MORE)},
    {ROW(GET, MORE)},
    {ROW(GET "\r", MORE)},
    {ROW(GET "X: y", MORE)},
    {ROW(POST "Content-Length: 2\r\n\r\n{", BODY)},
    {ROW(POST "Content-Length: 16384\r\n\r\n", BODY)},
    /* The request line */
    {ROW("\r\n", 400)},
    {ROW("\r\nGET / HTTP/1.1\r\n", 400)},
    {ROW("\n", 400)},
    {ROW(" GET / HTTP/1.1\r\n", 400)},
    {ROW("GET  / HTTP/1.1\r\n", 400)},
    {ROW("GET /  HTTP/1.1\r\n", 400)},
    {ROW("GET / HTTP/1.1 \r\n", 400)},
    {ROW("GET / x HTTP/1.1\r\n", 400)},
    {ROW("GET\t/ HTTP/1.1\r\n", 400)},
    {ROW("GET /\tHTTP/1.1\r\n", 400)},
    {ROW("GET\r\n", 400)},
    {ROW("GET /\r\n", 400)},
    {ROW("GET HTTP/1.1\r\n", 400)},
    {ROW("/ HTTP/1.1\r\n", 400)},
    {ROW("GET / HTTP/1.1\n", 400)},
    {ROW("GET / HTTP/1.1\r\r\n", 400)},
    {ROW("GET / HTTP/1.1\rX", 400)},
    {ROW("GET /\r HTTP/1.1\r\n", 400)},
    {ROW("GET / HTTP/1.1\0\r\n", 400)},
    {ROW("GET /\0 HTTP/1.1\r\n", 400)},
    {ROW("G\0ET / HTTP/1.1\r\n", 400)},
    {ROW("\0", 400)},
    {ROW("GET /\x7f HTTP/1.1\r\n", 400)},
    {ROW("GET /\x01 HTTP/1.1\r\n", 400)},
    {ROW("GET /\xc3\xa4 HTTP/1.1\r\n", 400)},
    {ROW("G@T / HTTP/1.1\r\n", 400)},
    {ROW("GET: / HTTP/1.1\r\n", 400)},
    {ROW("GET * HTTP/1.1\r\n", 400)},
    {ROW("OPTIONS * HTTP/1.1\r\n", 400)},
    {ROW("GET http://localhost/ HTTP/1.1\r\n", 400)},
    {ROW("CONNECT localhost:80 HTTP/1.1\r\n", 400)},
    {ROW("GET api HTTP/1.1\r\n", 400)},
    {ROW("GET ?x HTTP/1.1\r\n", 400)},
    {ROW("GET /# HTTP/1.1\r\n", 400)},
    {ROW("GET /\" HTTP/1.1\r\n", 400)},
    {ROW("GET /< HTTP/1.1\r\n", 400)},
    {ROW("GET /\\ HTTP/1.1\r\n", 400)},
    {ROW("GET /{} HTTP/1.1\r\n", 400)},
    {ROW("GET /[] HTTP/1.1\r\n", 400)},
    {ROW("GET /^ HTTP/1.1\r\n", 400)},
    {ROW("GET /| HTTP/1.1\r\n", 400)},
    {ROW("GET /` HTTP/1.1\r\n", 400)},
    {ROW("GET /% HTTP/1.1\r\n", 400)},
    {ROW("GET /%4 HTTP/1.1\r\n", 400)},
    {ROW("GET /%zz HTTP/1.1\r\n", 400)},
    {ROW("GET /?%g0 HTTP/1.1\r\n", 400)},
    {ROW("GET / HTTP/1.\r\n", 400)},
    {ROW("GET / HTTP/11\r\n", 400)},
    {ROW("GET / HTTP/1.11\r\n", 400)},
    {ROW("GET / HTTP/01.1\r\n", 400)},
    {ROW("GET / http/1.1\r\n", 400)},
    {ROW("GET / HTTP/x.y\r\n", 400)},
    {ROW("GET / HTTP 1.1\r\n", 400)},
    {ROW("GET / HTTPS/1.1\r\n", 400)},
    {ROW("GET / HTTP/1,1\r\n", 400)},
    {ROW("GET / HTTP/2.0\r\n", 505)},
    {ROW("GET / HTTP/0.9\r\n", 505)},
    {ROW("GET / HTTP/1.2\r\n", 505)},
    {ROW("PRI * HTTP/2.0\r\n", 400)},
    {ROW("get / HTTP/1.1\r\n", 501)},
    {ROW("FOO / HTTP/1.1\r\n", 501)},
    {ROW("GETT / HTTP/1.1\r\n", 501)},
    {ROW("GE / HTTP/1.1\r\n", 501)},
    {ROW("CONNECT / HTTP/1.1\r\n", 501)},
    {ROW("\x16\x03\x01\x02", 400)}, /* TLS */
    /* Lines of fields */
    {ROW(GET " X: y\r\n", 400)},
    {ROW(GET "\tX: y\r\n", 400)},
    {ROW(GET "X: y\r\n z\r\n", 400)},
    {ROW(GET "X: y\r\n\tz\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\n Host: localhost\r\n", 400)},
    {ROW(GET "X : y\r\n", 400)},
    {ROW(GET "X\t: y\r\n", 400)},
    {ROW(GET ": y\r\n", 400)},
    {ROW(GET "X\r\n", 400)},
    {ROW(GET "X Y: z\r\n", 400)},
    {ROW(GET "X(: y\r\n", 400)},
    {ROW(GET "X\0: y\r\n", 400)},
    {ROW(GET "\0X: y\r\n", 400)},
    {ROW(GET "X\x7f: y\r\n", 400)},
    {ROW(GET "X\xc3: y\r\n", 400)},
    {ROW(GET "X: y\n", 400)},
    {ROW(GET "X: y\nZ: w\r\n", 400)},
    {ROW(GET "X: y\rZ: w\r\n", 400)},
    {ROW(GET "X: y\r\r\n", 400)},
    {ROW(GET "X: y\0\r\n", 400)},
    {ROW(GET "X: y\x01\r\n", 400)},
    {ROW(GET "X: y\x0b\r\n", 400)},
    {ROW(GET "X: y\x7f\r\n", 400)},
    {ROW(GET "X: y\x1b[31m\r\n", 400)},
    {ROW(GET "\n", 400)},
    {ROW(GET "\rX", 400)},
    {ROW(GET "\r\rX", 400)},
    /* Host */
    {ROW("GET / HTTP/1.1\r\n\r\n", 400)},
    {ROW("GET / HTTP/1.0\r\n\r\n", 400)},
    {ROW(GET H, 400)},
    {ROW(GET "host: localhost\r\n", 400)},
    {ROW(GET "Host: other\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost:\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: \r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a b\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a,b\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a/b\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a@b\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: http://a\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a:\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a:b\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a:-1\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a:123456\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a:80:80\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: :80\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: [::1\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: [1]\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: [::1]x\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: [::g]\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: ::1\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: a%41\r\n", 400)},
    {ROW("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n", 400)},
    /* How long the body is */
    {ROW(POST END, 411)},
    {ROW("POST / HTTP/1.0\r\n" H END, 411)},
    {ROW(POST "Content-Length:\r\n", 400)},
    {ROW(POST "Content-Length: +2\r\n", 400)},
    {ROW(POST "Content-Length: -1\r\n", 400)},
    {ROW(POST "Content-Length: 2,2\r\n", 400)},
    {ROW(POST "Content-Length: 2 2\r\n", 400)},
    {ROW(POST "Content-Length: 0x2\r\n", 400)},
    {ROW(POST "Content-Length: 2.0\r\n", 400)},
    {ROW(POST "Content-Length: 1e1\r\n", 400)},
    {ROW(POST "Content-Length: two\r\n", 400)},
    {ROW(POST "Content-Length: 2\r\nContent-Length: 2\r\n", 400)},
    {ROW(POST "Content-Length: 2\r\ncontent-length: 3\r\n", 400)},
    {ROW(POST "Content-Length: 99999999999999999999999999999x\r\n", 400)},
    {ROW(POST "Content-Length: 16385\r\n", 413)},
    {ROW(POST "Content-Length: 18446744073709551618\r\n", 413)},
    {ROW(POST "Content-Length: 99999999999999999999999999999\r\n", 413)},
    {ROW(POST "Transfer-Encoding: chunked\r\n", 501)},
    {ROW(POST "transfer-encoding: identity\r\n", 501)},
    {ROW(POST "Transfer-Encoding:\r\n", 501)},
    {ROW(POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 501)},
    {ROW(POST "Transfer-Encoding : chunked\r\n", 400)},
    {ROW(GET "Transfer-Encoding: chunked\r\n", 501)},
    /* What it is */
    {ROW(POST JSON, 400)},
    {ROW("POST / HTTP/1.1\r\nContent-Type:\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: json\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: /json\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json x\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json, text/plain\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json; charset\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json; charset=\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json; charset=\"utf-8\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json; charset=latin1\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: application/json; charset=utf-16\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: a/b; charset=utf-8; charset=utf-7\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: a/b; charset=utf-7; charset=utf-8\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: a/b/c\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: a/b; x =y\r\n", 415)},
    {ROW("POST / HTTP/1.1\r\nContent-Type: a/b; x=\"\\\"\"\r\n", 415)},
    {ROW(POST "Content-Encoding: gzip\r\n", 415)},
    {ROW(POST "Content-Encoding: identity, gzip\r\n", 415)},
    {ROW(POST "Content-Encoding:\r\n", 415)},
    {ROW(POST "Content-Encoding: identity\r\nContent-Encoding: identity\r\n", 400)},
    {ROW(GET "Authorization: a\r\nAuthorization: b\r\n", 400)},
    {ROW(GET "Authorization:\r\nauthorization: b\r\n", 400)},
    {ROW(POST "Expect: 200-ok\r\n", 417)},
    {ROW(POST "Expect:\r\n", 417)},
    {ROW(POST "Expect: 100-continue, x\r\n", 417)},
    {ROW(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n", 400)},
};

static int verdict_of(const struct http_request *r)
{
    switch (r->state) {
    case REQUEST_IN_HEAD:
        return MORE;
    case REQUEST_IN_BODY:
        return BODY;
    case REQUEST_WHOLE:
        return WHOLE;
    case REQUEST_REFUSED:
        return r->status;
    }
    return -1;
}

/* Bytes in a block of exactly their size, so that a sanitizer sees a step past them. */
static char *exact(const char *text, size_t n)
{
    char *p = malloc(n > 0 ? n : 1);

    ck_assert_ptr_nonnull(p);
    memcpy(p, text, n);
    return p;
}

/* Shows the bytes in pieces that end at each multiple of step. */
static int read_by(const char *text, size_t n, size_t step)
{
    struct http_request r = {0};
    char *bytes = exact(text, n);
    int verdict;

    for (size_t shown = 0; shown < n && r.state != REQUEST_REFUSED; shown += step)
        (void)request_read(&r, "Authorization",
                           (struct slice){bytes, shown + step < n ? shown + step : n});
    verdict = verdict_of(&r);
    free(bytes);
    return verdict;
}

/* Up to the cut, then all. */
static int read_cut(const char *text, size_t n, size_t cut)
{
    struct http_request r = {0};

    if (request_read(&r, "Authorization", (struct slice){text, cut}) != REQUEST_REFUSED)
        (void)request_read(&r, "Authorization", (struct slice){text, n});
    return verdict_of(&r);
}

START_TEST(each_request_gets_its_status)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = read_by(rows[i].text, rows[i].n, rows[i].n + 1);

        ck_assert_msg(got == rows[i].want, "row %zu, %s: %d, not %d", i, rows[i].text, got,
                      rows[i].want);
    }
}
END_TEST

START_TEST(no_cut_changes_a_result)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(read_by(rows[i].text, rows[i].n, 1) == rows[i].want,
                      "row %zu, a byte at a time", i);
        for (size_t cut = 0; cut <= rows[i].n; cut++)
            ck_assert_msg(read_cut(rows[i].text, rows[i].n, cut) == rows[i].want,
                          "row %zu, cut at %zu", i, cut);
    }
}
END_TEST

/* The byte that is wrong is the last one shown: no further one is waited for. */
START_TEST(a_wrong_byte_is_refused_when_it_is_seen)
{
    static const struct row seen[] = {
        {ROW("\n", 400)},
        {ROW("GET / HTTP/1.1\n", 400)},
        {ROW("GET /\0", 400)},
        {ROW("GET / HTTP/1.1\rX", 400)},
        {ROW("GET / HTTP/1.1\r\n ", 400)},
        {ROW("GET / HTTP/1.1\r\n:", 400)},
        {ROW(GET "X ", 400)},
        {ROW(GET "X: y\0", 400)},
        {ROW(GET "X: y\n", 400)},
        {ROW(GET "X: y\r\n\t", 400)},
    };

    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        ck_assert_int_eq(read_by(seen[i].text, seen[i].n - 1, 1), MORE);
        ck_assert_int_eq(read_by(seen[i].text, seen[i].n, 1), seen[i].want);
    }
}
END_TEST

/* A head of exactly n bytes, END included; one more for a NUL. */
static size_t make_head(char *buf, size_t n)
{
    int fill = (int)(n - strlen(GET "X: " END END));

    ck_assert_int_eq(snprintf(buf, n + 1, GET "X: %0*d" END END, fill, 0), (int)n);
    return n;
}

START_TEST(a_head_over_8_KiB_is_refused)
{
    static char buf[REQUEST_HEAD_MAX + 16];

    ck_assert_int_eq(read_by(buf, make_head(buf, REQUEST_HEAD_MAX), 4096), WHOLE);
    ck_assert_int_eq(read_by(buf, make_head(buf, REQUEST_HEAD_MAX + 1), 4096), 431);
    ck_assert_int_eq(read_by(buf, make_head(buf, REQUEST_HEAD_MAX + 1), 1), 431);
    memset(buf, 'A', sizeof(buf));
    ck_assert_int_eq(read_by(buf, REQUEST_HEAD_MAX, 512), MORE);
    ck_assert_int_eq(read_by(buf, REQUEST_HEAD_MAX + 1, 512), 431);
}
END_TEST

static int read_fields(int n)
{
    char buf[1024] = GET;
    size_t at = strlen(buf);

    for (int i = 1; i < n; i++)
        at += (size_t)snprintf(buf + at, sizeof(buf) - at, "X: y\r\n");
    at += (size_t)snprintf(buf + at, sizeof(buf) - at, END);
    return read_by(buf, at, 7);
}

START_TEST(over_32_fields_are_refused)
{
    ck_assert_int_eq(read_fields(REQUEST_FIELDS_MAX), WHOLE);
    ck_assert_int_eq(read_fields(REQUEST_FIELDS_MAX + 1), 431);
}
END_TEST

START_TEST(a_body_of_16_KiB_is_read_whole)
{
    static char buf[REQUEST_MAX];
    struct http_request r = {0};
    size_t head = (size_t)sprintf(buf, POST "Content-Length: 16384\r\n\r\n");

    memset(buf + head, 'x', REQUEST_BODY_MAX);
    ck_assert_int_eq(
        request_read(&r, "Authorization", (struct slice){buf, head + REQUEST_BODY_MAX - 1}),
        REQUEST_IN_BODY);
    ck_assert_int_eq(
        request_read(&r, "Authorization", (struct slice){buf, head + REQUEST_BODY_MAX}),
        REQUEST_WHOLE);
    ck_assert_uint_eq(r.body.n, REQUEST_BODY_MAX);
    ck_assert_ptr_eq(r.body.p, buf + head);
}
END_TEST

static struct http_request read_whole(const char *auth_header, const char *text)
{
    struct http_request r = {0};

    ck_assert_int_eq(request_read(&r, auth_header, (struct slice){text, strlen(text)}),
                     REQUEST_WHOLE);
    return r;
}

START_TEST(what_is_read_is_what_was_sent)
{
    struct http_request r =
        read_whole("Authorization", "POST /api/token/?x=/y HTTP/1.1\r\n"
                                    "hOST:  Example.org:8598 \r\n"
                                    "Content-Type: application/json \r\n"
                                    "Authorization: Bearer a.b.c\r\n"
                                    "X-Forwarded-For: 192.0.2.1\r\n"
                                    "X-Forwarded-For: 192.0.2.2, 192.0.2.3\r\n"
                                    "If-None-Match: \"x\"\r\n"
                                    "Expect: 100-continue\r\n"
                                    "Content-Length: 4\r\n\r\n{  }more");

    ck_assert_int_eq(r.method, METHOD_POST);
    ck_assert(!r.http_1_0);
    ck_assert(slice_is(r.path, "/api/token/"));
    ck_assert(slice_is(r.host, "Example.org"));
    ck_assert(slice_is(r.content_type, "application/json"));
    ck_assert(slice_is(r.authorization, "Bearer a.b.c"));
    ck_assert(slice_is(r.forwarded_for, "192.0.2.2, 192.0.2.3"));
    ck_assert(slice_is(r.if_none_match, "\"x\""));
    ck_assert(slice_is(r.body, "{  }"));
    ck_assert(r.expects_continue);
    ck_assert(r.accepts_json);
}
END_TEST

START_TEST(a_client_of_http_1_0_gets_no_interim_answer)
{
    struct http_request r =
        read_whole("Authorization", "GET / HTTP/1.0\r\n" H "Expect: 100-continue\r\n\r\n");

    ck_assert(r.http_1_0);
    ck_assert(!r.expects_continue);
}
END_TEST

START_TEST(the_token_is_read_from_the_header_that_is_set)
{
    struct http_request r =
        read_whole("X-Auth", GET "Authorization: Bearer a\r\nx-auth: Bearer b\r\n\r\n");

    ck_assert(slice_is(r.authorization, "Bearer b"));
}
END_TEST

START_TEST(all_lines_of_accept_count)
{
    static const struct {
        const char *text;
        bool want;
    } accepts[] = {
        {GET END, true},
        {GET "Accept: application/json\r\n\r\n", true},
        {GET "Accept: APPLICATION/JSON;q=0.5\r\n\r\n", true},
        {GET "Accept: text/html, */*;q=0.1\r\n\r\n", true},
        {GET "Accept: application/*\r\n\r\n", true},
        {GET "Accept:\r\n\r\n", true},
        {GET "Accept: text/html\r\nAccept: application/json\r\n\r\n", true},
        {GET "Accept: application/json\r\nAccept: text/html\r\n\r\n", true},
        {GET "Accept: text/html\r\n\r\n", false},
        {GET "Accept: application/jsonp\r\n\r\n", false},
        {GET "Accept: xapplication/json\r\n\r\n", false},
        {GET "Accept: text/*, application/xml\r\n\r\n", false},
    };

    for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++)
        ck_assert_msg(read_whole("Authorization", accepts[i].text).accepts_json ==
                          accepts[i].want,
                      "%s", accepts[i].text);
}
END_TEST

START_TEST(an_unsupported_type_is_refused_without_words_of_its_own)
{
    struct http_request r = {0};
    static const char text[] = GET "Content-Type: a/b; charset=latin1\r\n";

    ck_assert_int_eq(request_read(&r, "Authorization", SLICE(text)), REQUEST_REFUSED);
    ck_assert_ptr_null(r.detail);
    ck_assert(slice_is(r.content_type, "a/b; charset=latin1"));
}
END_TEST

UNIT_MAIN("request", each_request_gets_its_status, no_cut_changes_a_result,
          a_wrong_byte_is_refused_when_it_is_seen, a_head_over_8_KiB_is_refused,
          over_32_fields_are_refused, a_body_of_16_KiB_is_read_whole,
          what_is_read_is_what_was_sent, a_client_of_http_1_0_gets_no_interim_answer,
          the_token_is_read_from_the_header_that_is_set, all_lines_of_accept_count,
          an_unsupported_type_is_refused_without_words_of_its_own)
