#include "jwtd/http/multipart.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"
#include "jwtd/http/form.h"

#include <string.h>

static bool fail(struct multipart *m, const char *what)
{
    m->fault = what;
    return false;
}

static struct slice rest_of(const struct multipart *m)
{
    return (struct slice){m->bytes.p + m->at, m->bytes.n - m->at};
}

static bool take(struct multipart *m, struct slice want)
{
    struct slice rest = rest_of(m);

    if (rest.n < want.n || memcmp(rest.p, want.p, want.n) != 0)
        return false;
    m->at += want.n;
    return true;
}

/* Reads up to the next occurrence of stop, and over it. */
static bool take_until(struct multipart *m, struct slice stop, struct slice *ret)
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
static bool end_boundary(struct multipart *m)
{
    if (take(m, SLICE("\r\n")))
        return true;
    if (!take(m, SLICE("--")))
        return fail(m, "a boundary must be followed by a line end");
    (void)take(m, SLICE("\r\n"));
    m->ended = true;
    return m->at == m->bytes.n || fail(m, "there are bytes after the last boundary");
}

struct part {
    struct slice name; /* p NULL: none so far */
};

static bool read_disposition(struct part *part, struct slice value)
{
    struct slice type, name, text;

    if (part->name.p || !field_type(&value, &type) || !field_is(type, "form-data"))
        return false;
    while (field_parameter(&value, &name, &text)) {
        if (!field_is(name, "name") || part->name.p)
            return false;
        part->name = text;
    }
    return value.n == 0 && part->name.p;
}

static bool read_type(struct part *part, struct slice value)
{
    struct field_media media;

    return field_media(value, &media) && field_is(media.type, "text/plain") &&
           (!media.charset.p || field_is(media.charset, "utf-8"));
}

static bool read_encoding(struct part *part, struct slice value)
{
    return field_is(value, "7bit") || field_is(value, "8bit") || field_is(value, "binary");
}

static const struct {
    const char *name;
    bool (*read)(struct part *part, struct slice value);
    const char *fault;
} known_fields[] = {
    {"Content-Disposition", read_disposition,
     "Content-Disposition must be form-data with a name and nothing else"},
    {"Content-Type", read_type, "a part is not text/plain in UTF-8"},
    {"Content-Transfer-Encoding", read_encoding,
     "the Content-Transfer-Encoding of a part must be 7bit, 8bit or binary"},
};

static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && (s.p[i] < ' ' || s.p[i] > '~'))
            return false;
    return true;
}

static bool read_field(struct multipart *m, struct part *part, struct slice line)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct slice name, value;

    if (!colon || !is_text(line))
        return fail(m, "malformed header field in a part");
    name = (struct slice){line.p, (size_t)(colon - line.p)};
    value = text_trim((struct slice){colon + 1, line.n - name.n - 1});
    if (!field_is_token(name))
        return fail(m, "malformed header field in a part");
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++)
        if (field_is(name, known_fields[i].name) && !known_fields[i].read(part, value))
            return fail(m, known_fields[i].fault);
    return true;
}

static bool read_head(struct multipart *m, struct part *part)
{
    struct slice line;

    while (take_until(m, SLICE("\r\n"), &line)) {
        if (line.n == 0)
            return part->name.p || fail(m, "a part has no Content-Disposition");
        if (!read_field(m, part, line))
            return false;
    }
    return fail(m, "a part has no end");
}

/* CRLF, two dashes and the boundary, which end a part. */
static struct slice delimiter(const struct multipart *m, char room[MULTIPART_BOUNDARY_MAX + 4])
{
    static const char dashes[] = {'\r', '\n', '-', '-'};

    memcpy(room, dashes, sizeof(dashes));
    memcpy(room + sizeof(dashes), m->boundary.p, m->boundary.n);
    return (struct slice){room, m->boundary.n + 4};
}

/* Reads the first boundary. */
static bool begin(struct multipart *m, struct slice stop)
{
    if (!take(m, (struct slice){stop.p + 2, stop.n - 2}))
        return fail(m, "the body does not start with the boundary");
    return end_boundary(m);
}

bool multipart_next(struct multipart *m, struct slice *ret_name, struct slice *ret_value)
{
    char room[MULTIPART_BOUNDARY_MAX + 4];
    struct part part = {0};
    struct slice stop, value;

    if (m->fault || m->ended)
        return false;
    if (m->boundary.n == 0 || m->boundary.n > MULTIPART_BOUNDARY_MAX)
        return fail(m, "Content-Type needs a boundary of 1 to 70 characters");
    stop = delimiter(m, room);
    if (m->at == 0 && (!begin(m, stop) || m->ended))
        return false;
    if (!read_head(m, &part))
        return false;
    if (!take_until(m, stop, &value))
        return fail(m, "a part has no end");
    if (!form_is_utf8(value))
        return fail(m, "invalid UTF-8");
    if (!end_boundary(m))
        return false;
    *ret_name = part.name;
    *ret_value = value;
    return true;
}
