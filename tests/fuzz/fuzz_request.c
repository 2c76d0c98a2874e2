/*
 * Any bytes at all as a request. Beyond "no crash": however they are cut the verdict is the
 * same; what a whole request yields lies within its bytes; a refusal has a status and is final;
 * its body, read as JSON and as either form, yields values that hold no NUL, and of each kind
 * what that kind promises; and bytes that are an address are the same one with a port.
 *
 * The first byte is the size of the pieces, 0: all at once.
 */
#include "jwtd/http/body.h"
#include "jwtd/http/field.h"
#include "jwtd/http/hosts.h"
#include "jwtd/http/request.h"
#include "jwtd/http/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static struct http_request read_by(struct slice bytes, size_t step)
{
    struct http_request r = {0};
    size_t shown = 0;

    while (shown < bytes.n && r.state != REQUEST_REFUSED) {
        shown = bytes.n - shown < step ? bytes.n : shown + step;
        (void)request_read(&r, "Authorization", (struct slice){bytes.p, shown});
    }
    return r;
}

static void lies_within(struct slice part, struct slice bytes)
{
    if (part.p)
        must(part.p >= bytes.p && part.p + part.n <= bytes.p + bytes.n);
}

static void same_slice(struct slice a, struct slice b)
{
    must(a.p == b.p && a.n == b.n);
}

static void same_verdict(const struct http_request *a, const struct http_request *b)
{
    must(a->state == b->state && a->status == b->status && a->detail == b->detail);
    if (a->state != REQUEST_WHOLE)
        return;
    must(a->method == b->method && a->http_1_0 == b->http_1_0);
    must(a->accepts_json == b->accepts_json && a->expects_continue == b->expects_continue);
    same_slice(a->path, b->path);
    same_slice(a->host, b->host);
    same_slice(a->authorization, b->authorization);
    same_slice(a->content_type, b->content_type);
    same_slice(a->forwarded_for, b->forwarded_for);
    same_slice(a->if_none_match, b->if_none_match);
    same_slice(a->origin, b->origin);
    same_slice(a->host_field, b->host_field);
    must(a->cross_site == b->cross_site && a->is_preflight == b->is_preflight);
    same_slice(a->body, b->body);
}

/* An origin is not that of this server and at the same time that of another one. */
static void origin_is_sound(struct slice origin, struct slice host)
{
    const struct hosts none = {0}, other = {.issuer = "https://other.invalid:1"};

    if (origin.p && hosts_is_own_origin(&none, origin, host))
        must(field_is_token((struct slice){origin.p, 4}) && origin.n > strlen("http://") &&
             !hosts_is_own_origin(&other, origin, SLICE("other.invalid:1")));
}

static void whole_is_sound(const struct http_request *r, struct slice bytes)
{
    must(r->method > METHOD_UNKNOWN && r->method < METHOD_COUNT);
    must(r->path.n > 0 && r->path.p[0] == '/');
    must(r->host.n > 0);
    must(r->body.n == r->body_len && r->body_len <= REQUEST_BODY_MAX);
    must(r->at <= REQUEST_HEAD_MAX);
    lies_within(r->path, bytes);
    lies_within(r->host, bytes);
    lies_within(r->authorization, bytes);
    lies_within(r->content_type, bytes);
    lies_within(r->forwarded_for, bytes);
    lies_within(r->if_none_match, bytes);
    lies_within(r->origin, bytes);
    lies_within(r->host_field, bytes);
    origin_is_sound(r->origin, r->host_field);
    lies_within(r->body, bytes);
}

static void body_is_sound(struct slice type, struct slice bytes)
{
    struct body_field fields[] = {{.name = "username", .trim = true}, {.name = "password"}};
    struct body body;

    switch (body_read(type, bytes, fields, 2, &body)) {
    case BODY_GOOD:
        for (size_t i = 0; i < 2; i++)
            must(fields[i].value.n > 0 && !memchr(fields[i].value.p, '\0', fields[i].value.n));
        break;
    case BODY_BAD_FIELDS:
        must(fields[0].error != BODY_OK || fields[1].error != BODY_OK);
        break;
    case BODY_UNPARSED:
        must(body.what && body.format && body.at <= bytes.n);
        break;
    case BODY_NO_OBJECT:
    case BODY_UNSUPPORTED:
    case BODY_NO_MEMORY:
        break;
    }
    body_clear(&body);
}

/* At most one blank between words, none at the ends, nothing below a blank. */
static void words_are_sound(struct slice text)
{
    must(text.n <= BODY_WORDS_MAX);
    for (size_t i = 0; i < text.n; i++)
        must((unsigned char)text.p[i] > ' ' ||
             (text.p[i] == ' ' && i > 0 && i + 1 < text.n && text.p[i - 1] != ' '));
}

/* Each kind of field under the names that the seeds use. */
static void kinds_are_sound(struct slice type, struct slice bytes)
{
    struct body_field fields[] = {
        {.name = "scope", .kind = BODY_WORDS, .optional = true, .trim = true},
        {.name = "aud", .kind = BODY_NAMES, .optional = true, .trim = true},
        {.name = "lifetime", .kind = BODY_SECONDS, .optional = true, .trim = true},
        {.name = "one_time", .kind = BODY_FLAG, .optional = true, .trim = true},
    };
    struct body body;

    if (body_read(type, bytes, fields, 4, &body) == BODY_GOOD) {
        words_are_sound(fields[0].value);
        words_are_sound(fields[1].value);
        must(fields[0].given == (fields[0].value.n > 0));
        must(fields[1].given == (fields[1].value.n > 0));
        must(fields[2].number <= INT32_MAX && fields[2].given == (fields[2].number > 0));
        must(fields[3].number <= 1);
    }
    body_clear(&body);
}

static void bodies_are_sound(struct slice type, struct slice bytes)
{
    body_is_sound(type, bytes);
    kinds_are_sound(type, bytes);
}

/* A text that is an address is one with a port, and as X-Forwarded-For's last element. */
static void source_is_sound(struct slice text)
{
    char shown[SOURCE_TEXT], room[128];
    struct source source, again;

    if (text.n > sizeof(room) / 2 || !source_of_text(text, &source))
        return;
    must(source.kind == SOURCE_IPV4 || source.kind == SOURCE_IPV6);
    source_text(&source, shown);
    must(strlen(shown) < SOURCE_TEXT);
    (void)snprintf(room, sizeof(room), "junk, %.*s", (int)text.n, text.p);
    must(source_of_text(field_last(slice_of(room)), &again) && source_equal(&source, &again));
    /* With ":65535" an address cannot be read as a longer one. */
    (void)snprintf(room, sizeof(room), "%.*s:65535", (int)text.n, text.p);
    if (source_of_text(slice_of(room), &again))
        must(source_equal(&source, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data + 1, size - 1};
    struct http_request all, pieces;

    if (size == 0)
        return 0;
    all = read_by(bytes, SIZE_MAX);
    pieces = read_by(bytes, data[0] > 0 ? data[0] : 1);
    same_verdict(&all, &pieces);
    if (all.state == REQUEST_REFUSED)
        must(all.status >= 400 && all.status < 600 && (all.detail || all.content_type.p));
    if (all.state == REQUEST_WHOLE) {
        whole_is_sound(&all, bytes);
        bodies_are_sound(all.content_type, all.body);
    }
    source_is_sound(bytes);
    if (all.state == REQUEST_WHOLE && all.forwarded_for.p)
        source_is_sound(field_last(all.forwarded_for));
    bodies_are_sound(SLICE("application/json"), bytes);
    bodies_are_sound(SLICE("application/x-www-form-urlencoded"), bytes);
    bodies_are_sound(SLICE("multipart/form-data; boundary=x"), bytes);
    return 0;
}
