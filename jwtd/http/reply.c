#include "jwtd/http/reply.h"

#include "common/base/cleanup.h"
#include "jwtd/shared/json_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

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

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

static bool has_body(const struct reply *reply)
{
    return reply->status != 204 && reply->status != 304;
}

void reply_init(struct reply *reply, int status)
{
    reply_clear(reply);
    *reply = (struct reply){.status = status};
}

void reply_clear(struct reply *reply)
{
    secret_clear(&reply->body);
    if (reply->has_file)
        (void)close(reply->file);
    reply->has_file = false;
}

void reply_bytes(struct reply *reply, int status, struct slice body)
{
    reply_init(reply, status);
    reply->no_memory = secret_copy(body, &reply->body) != TOK_OK;
}

void reply_file(struct reply *reply, int fd, off_t size)
{
    reply_init(reply, 200);
    reply->file = fd;
    reply->file_size = size;
    reply->has_file = true;
}

void reply_json(struct reply *reply, int status, struct json_object *body)
{
    struct slice text = {NULL, 0};

    if (body)
        text.p = json_compact(body, &text.n);
    if (text.p) {
        reply_bytes(reply, status, text);
    } else {
        reply_init(reply, status);
        reply->no_memory = true;
    }
    json_object_put(body);
}

void reply_detail(struct reply *reply, int status, const char *detail, const char *code)
{
    struct json_object *body =
        json_with(json_object_new_object(), "detail", json_string(slice_of(detail)));

    if (code)
        body = json_with(body, "code", json_string(slice_of(code)));
    reply_json(reply, status, body);
}

void reply_emit(struct reply *reply, emit_fn *emit, const void *arg)
{
    reply_init(reply, 200);
    reply->cache = "no-store";
    reply->no_memory = emit_secret(emit, arg, &reply->body) != TOK_OK;
}

struct two_tokens {
    const char *name, *second_name;
    struct slice token, second;
};

static void emit_two(struct emit *out, const void *arg)
{
    const struct two_tokens *t = arg;

    emit_begin(out);
    emit_member_string(out, t->name, t->token);
    if (t->second.n > 0)
        emit_member_string(out, t->second_name, t->second);
    emit_end(out);
}

void reply_tokens(struct reply *reply, const char *name, struct slice token,
                  const char *second_name, struct slice second)
{
    reply_emit(reply, emit_two, &(struct two_tokens){name, second_name, token, second});
}

static void add_field(FILE *head, const char *name, const char *value)
{
    if (value && *value)
        (void)fprintf(head, "%s: %s\r\n", name, value);
}

/* IMF-fixdate (RFC 9110 5.6.7). The locale is always C, so strftime writes English names. */
static void add_date(FILE *head, time_t date)
{
    char text[64];
    struct tm tm;

    if (gmtime_r(&date, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
        add_field(head, "Date", text);
}

/* The Fetch standard (CORS protocol). The methods, fields and age are those of
 * django-cors-headers, but for methods that no route has. */
static void add_cors(FILE *head, const struct reply *reply)
{
    if (!reply->origin || !*reply->origin)
        return;
    add_field(head, "Access-Control-Allow-Origin", reply->origin);
    if (!reply->preflight)
        return;
    add_field(head, "Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, POST");
    (void)fprintf(
        head,
        "Access-Control-Allow-Headers: accept, accept-encoding, %s, content-type, dnt, origin, "
        "user-agent, x-csrftoken, x-requested-with\r\n",
        reply->preflight);
    add_field(head, "Access-Control-Max-Age", "86400");
}

static const char *vary_of(const struct reply *reply)
{
    if (!reply->by_origin)
        return reply->allow ? "Accept" : NULL;
    return reply->allow ? "Accept, Origin" : "Origin";
}

static void make_head(const struct reply *reply, time_t date, FILE *head)
{
    (void)fprintf(head, "HTTP/1.1 %d %s\r\n", reply->status, phrase_of(reply->status));
    add_date(head, date);
    if (has_body(reply)) {
        uint64_t n = reply->has_file ? (uint64_t)reply->file_size : reply->body.n;

        if (n > 0)
            add_field(head, "Content-Type", reply->type ? reply->type : "application/json");
        (void)fprintf(head, "Content-Length: %" PRIu64 "\r\n", n);
    }
    add_field(head, "Allow", reply->allow);
    add_field(head, "Vary", vary_of(reply));
    add_cors(head, reply);
    if (reply->status == 401 && reply->challenge)
        (void)fprintf(head, "WWW-Authenticate: %s realm=\"api\"\r\n", reply->challenge);
    if (reply->retry_after > 0)
        (void)fprintf(head, "Retry-After: %" PRIu64 "\r\n", reply->retry_after);
    add_field(head, "X-Forwarded-User", reply->user);
    add_field(head, "X-Auth-Request-User", reply->user);
    add_field(head, "Cache-Control", reply->cache);
    add_field(head, "ETag", reply->etag);
    (void)fprintf(head, "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
}

enum tok_err reply_pack(const struct reply *reply, bool with_body, time_t date,
                        struct secret *ret)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t body = with_body && has_body(reply) ? reply->body.n : 0, n;
    struct secret out = {0};
    FILE *head = reply->no_memory ? NULL : open_memstream(&text, &n);

    if (!head)
        return TOK_NO_MEMORY;
    make_head(reply, date, head);
    if (fclose(head) != 0 || secret_alloc(n + body, &out) != TOK_OK)
        return TOK_NO_MEMORY;
    memcpy(out.p, text, n);
    if (body > 0)
        memcpy(out.p + n, reply->body.p, body);
    *ret = out;
    return TOK_OK;
}
