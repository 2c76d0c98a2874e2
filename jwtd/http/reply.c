#include "jwtd/http/reply.h"

#include <stdio.h>
#include <string.h>

#define HEAD_MAX 1024
#define DETAIL_MAX 512

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

#define PHRASES (sizeof(phrases) / sizeof(phrases[0]))
_Static_assert(PHRASES < REPLY_STATUSES, "each status has a number");

size_t reply_status_number(int status)
{
    for (size_t i = 0; i < PHRASES; i++)
        if (phrases[i].status == status)
            return i;
    return REPLY_STATUSES - 1;
}

int reply_status_of(size_t number)
{
    return number < PHRASES ? phrases[number].status : 0;
}

static const char *phrase_of(int status)
{
    size_t number = reply_status_number(status);

    return number < PHRASES ? phrases[number].phrase : "";
}

static bool has_body(const struct reply *reply)
{
    return reply->status != 204 && reply->status != 304;
}

void reply_begin(struct reply *reply, int status, size_t room)
{
    *reply = (struct reply){.status = status};
    if (secret_alloc(room, &reply->room) == TOK_OK)
        reply->body = (struct emit){.p = reply->room.p, .size = room};
}

void reply_clear(struct reply *reply)
{
    secret_clear(&reply->room);
}

void reply_detail(struct reply *reply, int status, const char *detail, const char *code)
{
    reply_begin(reply, status, DETAIL_MAX);
    emit_begin(&reply->body);
    emit_member_string(&reply->body, "detail", slice_of(detail));
    if (code)
        emit_member_string(&reply->body, "code", slice_of(code));
    emit_end(&reply->body);
}

static void field(struct emit *out, const char *name, const char *value)
{
    if (!value)
        return;
    emit_text(out, name);
    emit_text(out, ": ");
    emit_text(out, value);
    emit_text(out, "\r\n");
}

static void field_number(struct emit *out, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    field(out, name, text);
}

/* IMF-fixdate (RFC 9110 5.6.7). The program never leaves the C locale, so strftime gives
 * English names. */
static void field_date(struct emit *out, time_t date)
{
    char text[64];
    struct tm tm;

    if (gmtime_r(&date, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
        field(out, "Date", text);
}

static void emit_head(const struct reply *reply, time_t date, struct emit *out)
{
    emit_text(out, "HTTP/1.1 ");
    emit_integer(out, reply->status);
    emit_text(out, " ");
    emit_text(out, phrase_of(reply->status));
    emit_text(out, "\r\n");
    field_date(out, date);
    if (has_body(reply)) {
        field(out, "Content-Type", reply->type ? reply->type : "application/json");
        field_number(out, "Content-Length", reply->body.n);
    }
    field(out, "Allow", reply->allow);
    field(out, "Vary", reply->allow ? "Accept" : NULL);
    if (reply->status == 401 && reply->challenge) {
        emit_text(out, "WWW-Authenticate: ");
        emit_text(out, reply->challenge);
        emit_text(out, " realm=\"api\"\r\n");
    }
    if (reply->retry_after > 0)
        field_number(out, "Retry-After", reply->retry_after);
    field(out, "X-Forwarded-User", reply->user);
    field(out, "X-Auth-Request-User", reply->user);
    field(out, "Cache-Control", reply->cache);
    field(out, "ETag", reply->etag);
    field(out, "X-Content-Type-Options", "nosniff");
    field(out, "Connection", "close");
    emit_text(out, "\r\n");
}

enum tok_err reply_pack(const struct reply *reply, bool body_too, time_t date,
                        struct secret *ret)
{
    char head_room[HEAD_MAX];
    struct emit head = {.p = head_room, .size = sizeof(head_room)};
    size_t body = body_too && has_body(reply) ? reply->body.n : 0;
    struct secret out = {0};

    if (reply->body.n > reply->body.size)
        return reply->room.p ? TOK_TOO_LONG : TOK_NO_MEMORY;
    emit_head(reply, date, &head);
    if (head.n > head.size)
        return TOK_TOO_LONG;
    if (secret_alloc(head.n + body, &out) != TOK_OK)
        return TOK_NO_MEMORY;
    memcpy(out.p, head_room, head.n);
    if (body > 0)
        memcpy(out.p + head.n, reply->body.p, body);
    *ret = out;
    return TOK_OK;
}
