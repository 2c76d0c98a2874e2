#include "jwtd/http/form.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"

#include <string.h>

#define BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

static bool fail(struct form *m, const char *what)
{
    m->fault = what;
    return false;
}

static struct slice rest_of(const struct form *m)
{
    return (struct slice){m->bytes.p + m->at, m->bytes.n - m->at};
}

static bool take(struct form *m, struct slice want)
{
    struct slice rest = rest_of(m);

    if (rest.n < want.n || memcmp(rest.p, want.p, want.n) != 0)
        return false;
    m->at += want.n;
    return true;
}

/* Reads up to the next occurrence of stop, and over it. */
static bool take_until(struct form *m, struct slice stop, struct slice *ret)
{
    struct slice rest = rest_of(m);
    const char *found = memmem(rest.p, rest.n, stop.p, stop.n);

    if (!found)
        return false;
    *ret = (struct slice){rest.p, (size_t)(found - rest.p)};
    m->at += ret->n + stop.n;
    return true;
}

/* After a boundary: the end of its line, or "--" and the end of the body. */
static bool end_boundary(struct form *m)
{
    if (take(m, SLICE("\r\n")))
        return true;
    if (!take(m, SLICE("--")))
        return fail(m, "a boundary must be followed by a line end");
    (void)take(m, SLICE("\r\n"));
    m->ended = true;
    return m->at == m->bytes.n || fail(m, "there are bytes after the last boundary");
}

/* *name: p NULL for none so far. */
static bool read_disposition(struct slice value, struct slice *name)
{
    struct slice type, parameter, text;

    if (name->p || !field_type(&value, &type) || !field_is(type, "form-data"))
        return false;
    while (field_parameter(&value, &parameter, &text)) {
        if (!field_is(parameter, "name") || name->p)
            return false;
        *name = text;
    }
    return value.n == 0 && name->p;
}

static bool is_plain_type(struct slice value)
{
    struct field_media media;

    return field_media(value, &media) && field_is(media.type, "text/plain") &&
           (!media.charset.p || field_is(media.charset, "utf-8"));
}

static bool is_plain_encoding(struct slice value)
{
    return field_is(value, "7bit") || field_is(value, "8bit") || field_is(value, "binary");
}

static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && (s.p[i] < ' ' || s.p[i] > '~'))
            return false;
    return true;
}

static bool read_field(struct form *m, struct slice line, struct slice *name)
{
    struct slice field, value;

    if (!slice_cut(line, ':', &field, &value) || !field_is_token(field) || !is_text(line))
        return fail(m, "malformed header field in a part");
    value = text_trim(value);
    if (field_is(field, "Content-Disposition") && !read_disposition(value, name))
        return fail(m, "Content-Disposition must be form-data with a name and nothing else");
    if (field_is(field, "Content-Type") && !is_plain_type(value))
        return fail(m, "a part is not text/plain in UTF-8");
    if (field_is(field, "Content-Transfer-Encoding") && !is_plain_encoding(value))
        return fail(m, "the Content-Transfer-Encoding of a part must be 7bit, 8bit or binary");
    return true;
}

/* Reads the header fields of a part, and the name in them. */
static bool read_head(struct form *m, struct slice *name)
{
    struct slice line;

    *name = (struct slice){0};
    while (take_until(m, SLICE("\r\n"), &line)) {
        if (line.n == 0)
            return name->p || fail(m, "a part has no Content-Disposition");
        if (!read_field(m, line, name))
            return false;
    }
    return fail(m, "a part has no end");
}

/* Reads the first boundary. stop: CRLF, two dashes and the boundary, which end a part. */
static bool begin(struct form *m, struct slice stop)
{
    if (!take(m, slice_skip(stop, 2)))
        return fail(m, "the body does not start with the boundary");
    return end_boundary(m);
}

bool form_next_part(struct form *m, struct slice *ret_name, struct slice *ret_value)
{
    char room[4 + BOUNDARY_MAX] = {'\r', '\n', '-', '-'};
    struct slice stop = {room, 4 + m->boundary.n}, name, value;

    if (m->fault || m->ended)
        return false;
    if (m->boundary.n == 0 || m->boundary.n > BOUNDARY_MAX)
        return fail(m, "Content-Type needs a boundary of 1 to 70 characters");
    memcpy(room + 4, m->boundary.p, m->boundary.n);
    if (m->at == 0 && (!begin(m, stop) || m->ended))
        return false;
    if (!read_head(m, &name))
        return false;
    if (!take_until(m, stop, &value))
        return fail(m, "a part has no end");
    if (!form_is_utf8(value))
        return fail(m, "invalid UTF-8");
    if (!end_boundary(m))
        return false;
    *ret_name = name;
    *ret_value = value;
    return true;
}
