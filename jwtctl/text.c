#include "jwtctl/text.h"

#include "common/base/cleanup.h"
#include "common/json/json.h"
#include "jwtctl/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMBERS_MAX 16

void text_clear(struct text *t)
{
    secret_clear(&t->room);
    *t = (struct text){0};
}

/* secret_alloc and not realloc: what is left behind must be wiped. */
static bool make_room(struct text *t, size_t n)
{
    struct secret larger = {0};

    if (t->failed || n > SIZE_MAX / 4 - t->n) {
        t->failed = true;
        return false;
    }
    if (t->room.p && t->n + n <= t->room.n)
        return true;
    if (secret_alloc(2 * (t->n + n) + 64, &larger) != TOK_OK) {
        t->failed = true;
        return false;
    }
    if (t->room.p)
        memcpy(larger.p, t->room.p, t->n);
    secret_clear(&t->room);
    t->room = larger;
    return true;
}

void text_add(struct text *t, struct slice bytes)
{
    if (bytes.n == 0 || !make_room(t, bytes.n))
        return;
    memcpy(t->room.p + t->n, bytes.p, bytes.n);
    t->n += bytes.n;
}

void text_puts(struct text *t, const char *s)
{
    text_add(t, slice_of(s));
}

void text_plain(struct text *t, struct slice bytes)
{
    if (bytes.n == 0)
        text_puts(t, "-");
    for (size_t i = 0; i < bytes.n; i++)
        text_add(t, (unsigned char)bytes.p[i] > 0x20 && (unsigned char)bytes.p[i] < 0x7f
                        ? (struct slice){bytes.p + i, 1}
                        : SLICE("?"));
}

void text_json(struct text *t, struct slice bytes)
{
    static const char hex[] = "0123456789abcdef";

    text_puts(t, "\"");
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        char escape[] = "\\u0000";

        if (c == '"' || c == '\\') {
            text_puts(t, "\\");
            text_add(t, (struct slice){bytes.p + i, 1});
        } else if (c >= 0x20 && c != 0x7f) {
            text_add(t, (struct slice){bytes.p + i, 1});
        } else {
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 15];
            text_puts(t, escape);
        }
    }
    text_puts(t, "\"");
}

void text_json_int(struct text *t, int64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRId64, value);
    text_puts(t, digits);
}

void text_compact(struct text *t, struct slice json)
{
    bool in_string = false;
    size_t from = 0;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];

        if (in_string) {
            if (c == '\\')
                i++;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            text_add(t, (struct slice){json.p + from, i - from});
            from = i + 1;
        }
    }
    text_add(t, (struct slice){json.p + from, json.n - from});
}

struct slice text_slice(const struct text *t)
{
    return (struct slice){t->room.p ? t->room.p : "", t->n};
}

enum tok_err text_err(const struct text *t)
{
    return t->failed ? TOK_NO_MEMORY : TOK_OK;
}

bool text_print_line(struct text *t)
{
    text_puts(t, "\n");
    if (t->failed) {
        complain("out of memory");
        return false;
    }
    if (fwrite(t->room.p, 1, t->n, stdout) == t->n && fflush(stdout) == 0)
        return true;
    complain("standard output: %s", strerror(errno));
    return false;
}

static enum tok_err find_member(struct slice json, const char *name,
                                struct scan_member members[MEMBERS_MAX],
                                const struct scan_value **ret)
{
    size_t count;
    enum tok_err err = scan_object(json, members, MEMBERS_MAX, &count, NULL);

    if (err)
        return err;
    *ret = scan_find(members, count, name);
    return *ret ? TOK_OK : TOK_JSON;
}

enum tok_err text_member(struct slice json, const char *name, struct secret *ret)
{
    CLEANUP(secret_clear) struct secret room = {0};
    struct scan_member members[MEMBERS_MAX];
    const struct scan_value *value;
    size_t n;
    enum tok_err err = find_member(json, name, members, &value);

    if (err)
        return err;
    if (value->type != SCAN_STRING)
        return TOK_JSON;
    err = secret_alloc(value->text.n, &room);
    if (!err)
        err = scan_string(*value, room.p, room.n, &n);
    if (err)
        return err;
    return secret_copy((struct slice){room.p, n}, ret);
}

enum tok_err text_integer(struct slice json, const char *name, int64_t *ret)
{
    struct scan_member members[MEMBERS_MAX];
    const struct scan_value *value;
    enum tok_err err = find_member(json, name, members, &value);

    return err ? err : scan_integer(*value, ret);
}
