#include "ini.h"

#include <string.h>

/* The bytes of the UTF-8 sequence at p (n > 0), 0 when there is no good one. Overlong forms,
 * surrogates and what is beyond U+10FFFF have no second byte in range. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n < length)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return length;
}

/* C0 but for the tab, DEL, and C1 in its two bytes. */
static bool is_control(const unsigned char *p, size_t length)
{
    return (*p < 0x20 && *p != '\t') || *p == 0x7f ||
           (length == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static enum tok_err refuse(const struct ini *ini, const char *what, struct why *why)
{
    return why_set(why, TOK_SETTINGS, "%s:%u: %s", ini->name, ini->line, what);
}

static enum tok_err check_bytes(const struct ini *ini, struct slice line, struct why *why)
{
    const unsigned char *p = (const unsigned char *)line.p;

    for (size_t at = 0, length; at < line.n; at += length) {
        length = utf8_length(p + at, line.n - at);
        if (length == 0)
            return refuse(ini, "a byte that is no UTF-8; allowed is UTF-8 text", why);
        if (p[at] == '\r')
            return refuse(ini, "a carriage return; allowed is a newline alone as a line's end",
                          why);
        if (is_control(p + at, length))
            return refuse(ini,
                          "a control character; allowed are printable characters, blanks "
                          "and tabs",
                          why);
    }
    return TOK_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice text)
{
    while (text.n > 0 && is_blank(*text.p)) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && is_blank(text.p[text.n - 1]))
        text.n--;
    return text;
}

static struct slice take_line(struct ini *ini)
{
    const char *end = memchr(ini->rest.p, '\n', ini->rest.n);
    struct slice line = {ini->rest.p, end ? (size_t)(end - ini->rest.p) : ini->rest.n};
    size_t taken = line.n + (end ? 1 : 0);

    ini->rest = (struct slice){ini->rest.p + taken, ini->rest.n - taken};
    ini->line++;
    return line;
}

static enum tok_err read_section(struct ini *ini, struct slice line, struct ini_line *ret,
                                 struct why *why)
{
    if (line.n < 3 || line.p[line.n - 1] != ']')
        return refuse(ini, "a section without its end; allowed is [SECTION]", why);
    ini->in_section = true;
    *ret = (struct ini_line){.kind = INI_SECTION, .section = {line.p + 1, line.n - 2}};
    return TOK_OK;
}

static enum tok_err read_key(const struct ini *ini, struct slice line, struct ini_line *ret,
                             struct why *why)
{
    const char *equals = memchr(line.p, '=', line.n);
    struct slice key, value;

    if (!equals)
        return refuse(ini,
                      "a line without '='; allowed are [SECTION], KEY=VALUE and comments "
                      "that begin with # or ;",
                      why);
    key = trim((struct slice){line.p, (size_t)(equals - line.p)});
    value = trim((struct slice){equals + 1, line.n - (size_t)(equals - line.p) - 1});
    if (key.n == 0)
        return refuse(ini, "a value without a key; allowed is KEY=VALUE", why);
    if (!ini->in_section)
        return refuse(ini, "a key before the first section; allowed is a [SECTION] above it",
                      why);
    *ret = (struct ini_line){.kind = INI_KEY, .key = key, .value = value};
    return TOK_OK;
}

enum tok_err ini_next_line(struct ini *ini, struct slice *ret, bool *ret_end, struct why *why)
{
    struct slice line = {0};
    enum tok_err err;

    *ret_end = ini->rest.n == 0;
    if (*ret_end)
        return TOK_OK;
    line = take_line(ini);
    if (ini->line == 1 && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
        return refuse(ini, "a byte order mark; allowed is UTF-8 text without one", why);
    err = check_bytes(ini, line, why);
    if (err)
        return err;
    *ret = trim(line);
    return TOK_OK;
}

enum tok_err ini_next(struct ini *ini, struct ini_line *ret, struct why *why)
{
    struct slice line = {0};
    bool end;

    for (;;) {
        enum tok_err err = ini_next_line(ini, &line, &end, why);

        if (err)
            return err;
        if (end)
            break;
        if (line.n == 0 || *line.p == '#' || *line.p == ';')
            continue;
        if (line.p[line.n - 1] == '\\')
            return refuse(ini, "a backslash at the end; allowed is one line for each setting",
                          why);
        return *line.p == '[' ? read_section(ini, line, ret, why)
                              : read_key(ini, line, ret, why);
    }
    *ret = (struct ini_line){.kind = INI_END};
    return TOK_OK;
}
