#include "common/base/value.h"

#include "common/base/base64url.h"
#include "common/base/text.h"

/* True when there are no control characters and none of these. */
static bool has_none_of(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++)
        if (text_is_control(text.p[i]) || strchr(marks, text.p[i]))
            return false;
    return true;
}

/* True for 1 to VALUE_NAME_MAX letters, digits and these. */
static bool has_only(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++)
        if (!text_is_alnum(text.p[i]) && (text.p[i] == '\0' || !strchr(marks, text.p[i])))
            return false;
    return text.n > 0 && text.n <= VALUE_NAME_MAX;
}

bool value_is_printable(struct slice text)
{
    return has_none_of(text, "");
}

bool value_is_name(struct slice text)
{
    return text.n > 0 && text.n <= VALUE_NAME_MAX && has_none_of(text, " \"',");
}

bool value_is_audience(struct slice text)
{
    return value_is_name(text) && !memchr(text.p, '#', text.n);
}

bool value_is_path(struct slice text)
{
    return text.n > 0 && text.p[0] == '/' && value_is_printable(text);
}

bool value_is_token(struct slice text)
{
    return has_only(text, "!#$%&'*+-.^_`|~");
}

bool value_is_host(struct slice text)
{
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        return has_only((struct slice){text.p + 1, text.n - 2}, ":.");
    return has_only(text, ".-_");
}

static bool is_scheme(struct slice text)
{
    return text.n > 0 && text_is_letter(text.p[0]) && has_only(text, "+-.");
}

/* The port of "host:port", with its colon; it may be empty. */
static struct slice port_of(struct slice authority)
{
    const char *colon = memrchr(authority.p, ':', authority.n);
    const char *bracket = memrchr(authority.p, ']', authority.n);

    if (!colon || (bracket && bracket > colon))
        return (struct slice){authority.p + authority.n, 0};
    return slice_skip(authority, (size_t)(colon - authority.p));
}

/* SCHEME://HOST[:PORT][/...]. */
struct url_parts {
    struct slice scheme, host;
    struct slice port; /* with its colon; empty: none */
    struct slice rest;
};

static bool split_url(struct slice text, struct url_parts *ret)
{
    const char *mark = memmem(text.p, text.n, "://", 3), *slash;
    struct slice authority;
    uint64_t number;

    if (!mark || text.n > VALUE_NAME_MAX)
        return false;
    ret->scheme = (struct slice){text.p, (size_t)(mark - text.p)};
    authority = slice_skip(text, ret->scheme.n + 3);
    slash = memchr(authority.p, '/', authority.n);
    ret->rest = slice_skip(authority, slash ? (size_t)(slash - authority.p) : authority.n);
    authority.n -= ret->rest.n;
    ret->port = port_of(authority);
    ret->host = (struct slice){authority.p, authority.n - ret->port.n};
    if (!is_scheme(ret->scheme) || !value_is_host(ret->host))
        return false;
    return ret->port.n == 0 || (slice_digits(slice_skip(ret->port, 1), &number) && number > 0 &&
                                number <= UINT16_MAX && ret->port.p[1] != '0');
}

bool value_is_origin(struct slice text)
{
    struct url_parts url;

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != text_lower(text.p[i]))
            return false;
    return split_url(text, &url) && url.rest.n == 0 &&
           !(slice_is(url.scheme, "http") && slice_is(url.port, ":80")) &&
           !(slice_is(url.scheme, "https") && slice_is(url.port, ":443"));
}

static bool split_web_url(struct slice text, struct url_parts *ret)
{
    if (!split_url(text, ret))
        return false;
    for (size_t i = 0; i < ret->rest.n; i++)
        if (!text_is_alnum(ret->rest.p[i]) &&
            (ret->rest.p[i] == '\0' || !strchr("/-._~%:@!$&()*+,;=", ret->rest.p[i])))
            return false;
    return slice_is(ret->scheme, "https") || slice_is(ret->scheme, "http");
}

bool value_is_url(struct slice text)
{
    struct url_parts url;

    return split_web_url(text, &url) &&
           (slice_is(url.scheme, "https") || slice_is(url.host, "localhost") ||
            slice_is(url.host, "127.0.0.1") || slice_is(url.host, "[::1]"));
}

bool value_is_issuer(struct slice text)
{
    struct url_parts url;

    return split_web_url(text, &url) && value_is_name(text);
}

bool value_is_https_url(struct slice text)
{
    struct slice base = text, query = {0};

    (void)slice_cut(text, '?', &base, &query);
    return text.n <= VALUE_NAME_MAX && base.n > 8 && memcmp(base.p, "https://", 8) == 0 &&
           value_is_url(base) && value_is_printable(query) && !memchr(text.p, ' ', text.n);
}

bool value_is_thumbprint(struct slice text)
{
    uint8_t bytes[32];
    size_t n;

    return text.n == BASE64URL_LEN(sizeof(bytes)) &&
           base64url_decode(text, bytes, sizeof(bytes), &n) == TOK_OK;
}

/* NAME=VALUE&... without a password. libpq decodes names, such as %70assword. */
static bool is_query(struct slice query)
{
    struct slice one, name, value;

    while (query.n > 0) {
        one = query;
        query.n = 0;
        (void)slice_cut(one, '&', &one, &query);
        if (!slice_cut(one, '=', &name, &value) || !has_only(name, "_") ||
            slice_is(name, "password") || slice_is(name, "sslpassword"))
            return false;
    }
    return true;
}

bool value_is_database(struct slice text)
{
    struct slice scheme, rest, user = {0}, host, query = {0};

    if (!has_none_of(text, " ") || !slice_cut(text, ':', &scheme, &rest) || rest.n < 2 ||
        memcmp(rest.p, "//", 2) != 0)
        return false;
    rest = host = slice_skip(rest, 2);
    (void)slice_cut(rest, '/', &host, &query);
    if (slice_cut(host, '@', &user, &host))
        rest = slice_skip(rest, user.n + 1);
    query.n = 0;
    (void)slice_cut(rest, '?', &rest, &query);
    return (slice_is(scheme, "postgresql") || slice_is(scheme, "postgres")) &&
           !(user.n > 0 && memchr(user.p, ':', user.n)) && is_query(query);
}
