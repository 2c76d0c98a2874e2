#include "jwtd/http/request.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"

const char *const request_methods[METHOD_COUNT] = {
    [METHOD_UNKNOWN] = "",      [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",
    [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH",
    [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS", [METHOD_TRACE] = "TRACE",
};

/* False, as every function of the reader returns when it refuses the request. */
static bool refuse(struct http_request *r, int status, const char *detail)
{
    r->state = REQUEST_REFUSED;
    r->status = status;
    r->detail = detail;
    return false;
}

static bool refuse_line(struct http_request *r)
{
    return refuse(r, 400,
                  "The request line must be a method, a path and HTTP/1.0 or HTTP/1.1, "
                  "separated by one space each.");
}

static enum request_method find_method(struct slice s)
{
    for (int m = METHOD_GET; m < METHOD_COUNT; m++)
        if (slice_is(s, request_methods[m]))
            return (enum request_method)m;
    return METHOD_UNKNOWN;
}

/* Origin form (RFC 9112 3.2.1): a path and an optional query of the characters of RFC 3986 3.3
 * and 3.4. Nothing is decoded, because no route has a character that needs an escape. */
static bool target_is_valid(struct slice target)
{
    static const char others[] = "-._~!$&'()*+,;=:@/?";

    if (target.n == 0 || target.p[0] != '/')
        return false;
    for (size_t i = 0; i < target.n; i++) {
        char c = target.p[i];

        if (c == '%' && target.n - i > 2 && text_hex_digit(target.p[i + 1]) >= 0 &&
            text_hex_digit(target.p[i + 2]) >= 0)
            continue;
        if (!text_is_alnum(c) && memchr(others, c, sizeof(others) - 1) == NULL)
            return false;
    }
    return true;
}

static bool version_is_valid(struct slice v)
{
    return v.n == 8 && memcmp(v.p, "HTTP/", 5) == 0 && text_is_digit(v.p[5]) && v.p[6] == '.' &&
           text_is_digit(v.p[7]);
}

static bool read_request_line(struct http_request *r, struct slice line)
{
    const char *first = memchr(line.p, ' ', line.n);
    const char *last = memrchr(line.p, ' ', line.n);
    struct slice method, target, version;
    const char *query;

    if (!first || first == last)
        return refuse_line(r);
    method = (struct slice){line.p, (size_t)(first - line.p)};
    target = (struct slice){first + 1, (size_t)(last - first - 1)};
    version = (struct slice){last + 1, line.n - (size_t)(last + 1 - line.p)};
    if (!field_is_token(method) || !target_is_valid(target) || !version_is_valid(version))
        return refuse_line(r);
    r->http_1_0 = slice_is(version, "HTTP/1.0");
    if (!r->http_1_0 && !slice_is(version, "HTTP/1.1"))
        return refuse(r, 505, "The HTTP version must be 1.0 or 1.1.");
    r->method = find_method(method);
    if (r->method == METHOD_UNKNOWN)
        return refuse(r, 501, "Unknown method.");
    query = memchr(target.p, '?', target.n);
    r->path = (struct slice){target.p, query ? (size_t)(query - target.p) : target.n};
    return true;
}

static bool read_host(struct http_request *r, struct slice value)
{
    if (!field_host(value, &r->host))
        return refuse(r, 400, "Host must be a host name or address, with an optional port.");
    r->host_field = value;
    return true;
}

static bool read_length(struct http_request *r, struct slice value)
{
    uint64_t n = 0;

    r->has_length = true;
    if (!field_is_number(value))
        return refuse(r, 400, "Content-Length must be a decimal number.");
    if (!slice_digits(value, &n) || n > REQUEST_BODY_MAX)
        return refuse(r, 413, "The body must not exceed 16384 bytes.");
    r->body_len = (size_t)n;
    return true;
}

static bool read_transfer(struct http_request *r, struct slice value)
{
    return refuse(r, 501, "Transfer-Encoding is not supported; use Content-Length.");
}

static bool read_type(struct http_request *r, struct slice value)
{
    struct field_media media;

    r->content_type = value;
    if (!field_media(value, &media) || (media.charset.p && !field_is(media.charset, "utf-8")))
        return refuse(r, 415, NULL);
    return true;
}

static bool read_encoding(struct http_request *r, struct slice value)
{
    if (!field_is(value, "identity"))
        return refuse(r, 415, "Content-Encoding must be identity.");
    return true;
}

static bool read_expect(struct http_request *r, struct slice value)
{
    if (!field_is(value, "100-continue"))
        return refuse(r, 417, "Expect must be 100-continue.");
    /* An HTTP/1.0 client would take it for the final response (RFC 9110 10.1.1). */
    r->expects_continue = !r->http_1_0;
    return true;
}

static bool read_accept(struct http_request *r, struct slice value)
{
    bool takes = field_accepts_json(value);

    r->accepts_json = r->has_accept ? r->accepts_json || takes : takes;
    r->has_accept = true;
    return true;
}

static bool read_origin(struct http_request *r, struct slice value)
{
    r->origin = r->origin.p ? (struct slice){value.p, 0} : value;
    return true;
}

static bool read_fetch_site(struct http_request *r, struct slice value)
{
    r->cross_site = r->cross_site || field_is(value, "cross-site");
    return true;
}

static bool read_preflight(struct http_request *r, struct slice value)
{
    r->is_preflight = true;
    return true;
}

#define ONE(what) "There must be exactly one " what "."

static const struct {
    const char *name;                                         /* NULL: AuthHeaderName */
    bool (*read)(struct http_request *r, struct slice value); /* NULL: the value is stored */
    const char *twice; /* refuses a second one; NULL: there may be several */
    size_t at;         /* in http_request: where it is stored */
} known_fields[] = {
    {NULL, NULL, ONE("field with the token"), offsetof(struct http_request, authorization)},
    {"Host", read_host, ONE("Host field"), 0},
    {"Content-Length", read_length, ONE("Content-Length field"), 0},
    {"Transfer-Encoding", read_transfer, NULL, 0},
    {"Content-Type", read_type, ONE("Content-Type field"), 0},
    {"Content-Encoding", read_encoding, ONE("Content-Encoding field"), 0},
    {"Expect", read_expect, ONE("Expect field"), 0},
    {"Accept", read_accept, NULL, 0},
    {"X-Forwarded-For", NULL, NULL, offsetof(struct http_request, forwarded_for)},
    {"User-Agent", NULL, NULL, offsetof(struct http_request, user_agent)},
    {"If-None-Match", NULL, NULL, offsetof(struct http_request, if_none_match)},
    {"Origin", read_origin, NULL, 0},
    {"Sec-Fetch-Site", read_fetch_site, NULL, 0},
    {"Access-Control-Request-Method", read_preflight, NULL, 0},
};

static bool read_field(struct http_request *r, const char *auth_header, struct slice line)
{
    struct slice name, value;

    if (!slice_cut(line, ':', &name, &value))
        return refuse(r, 400, "A header field must consist of a name, a colon and a value.");
    if (r->lines > REQUEST_FIELDS_MAX)
        return refuse(r, 431, "There must be at most 32 header fields.");
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
        const char *known = known_fields[i].name ? known_fields[i].name : auth_header;

        if (!field_is(name, known))
            continue;
        if (known_fields[i].twice && (r->seen & 1U << i))
            return refuse(r, 400, known_fields[i].twice);
        r->seen |= 1U << i;
        value = text_trim(value);
        if (known_fields[i].read)
            return known_fields[i].read(r, value);
        memcpy((char *)r + known_fields[i].at, &value, sizeof(value));
        return true;
    }
    return true;
}

static bool end_head(struct http_request *r)
{
    if (!r->host.p)
        return refuse(r, 400, ONE("Host field"));
    if (r->method == METHOD_POST && !r->has_length)
        return refuse(r, 411, "POST requires a Content-Length.");
    if (!r->has_accept)
        r->accepts_json = true;
    r->state = REQUEST_IN_BODY;
    return true;
}

static bool end_line(struct http_request *r, const char *auth_header, struct slice line)
{
    bool ok = r->lines == 0 ? read_request_line(r, line)
              : line.n == 0 ? end_head(r)
                            : read_field(r, auth_header, line);

    r->lines++;
    r->line = r->at;
    r->in_value = false;
    r->after_cr = false;
    return ok;
}

static bool is_text(unsigned char c)
{
    return c >= 0x20 && c != 0x7f;
}

/* True for a byte that is allowed where the reader is. */
static bool byte_is_allowed(struct http_request *r, unsigned char c)
{
    if (r->lines == 0)
        return is_text(c) && c < 0x80;
    if (r->in_value)
        return is_text(c) || c == '\t';
    r->in_value = c == ':' && r->at - 1 > r->line;
    return r->in_value || field_is_tchar(c);
}

static bool read_byte(struct http_request *r, const char *auth_header, const char *buffer)
{
    unsigned char c = (unsigned char)buffer[r->at];

    if (r->at == REQUEST_HEAD_MAX)
        return refuse(r, 431, "The request line and header fields must not exceed 8192 bytes.");
    r->at++;
    if (r->after_cr && c != '\n')
        return refuse(r, 400, "A carriage return must be followed by a line feed.");
    if (r->after_cr)
        return end_line(r, auth_header, (struct slice){buffer + r->line, r->at - r->line - 2});
    if (c == '\r')
        r->after_cr = true;
    else if (!byte_is_allowed(r, c))
        return refuse(
            r, 400,
            "The request line or a header field contains a byte that is not allowed there.");
    return true;
}

enum request_state request_read(struct http_request *r, const char *auth_header,
                                struct slice bytes)
{
    while (r->state == REQUEST_IN_HEAD && r->at < bytes.n)
        if (!read_byte(r, auth_header, bytes.p))
            break;
    if (r->state == REQUEST_IN_BODY && bytes.n - r->at >= r->body_len) {
        r->body = (struct slice){bytes.p + r->at, r->body_len};
        r->state = REQUEST_WHOLE;
    }
    return r->state;
}
