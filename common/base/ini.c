#include "common/base/ini.h"

#include "common/base/text.h"
#include "common/base/utf8.h"

/* C0 except the tab, DEL, and C1 (two bytes in UTF-8). */
static bool is_control(const char *p, size_t length)
{
    return (text_is_control(*p) && *p != '\t') ||
           (length == 2 && p[0] == '\xc2' && (unsigned char)p[1] < 0xa0);
}

static enum tok_err refuse(const struct ini *ini, const char *what, struct errmsg *errmsg)
{
    return INI_REFUSE(ini, errmsg, "%s", what);
}

static enum tok_err check_bytes(const struct ini *ini, struct slice line, struct errmsg *errmsg)
{
    const char *end = line.p + line.n;
    size_t length;

    for (const char *p = line.p; p < end; p += length) {
        length = utf8_length(p, end);
        if (length == 0)
            return refuse(ini, "invalid UTF-8: expected UTF-8 text", errmsg);
        if (*p == '\r')
            return refuse(ini, "carriage return: expected a newline alone at the end of a line",
                          errmsg);
        if (is_control(p, length))
            return refuse(ini, "control character: expected printable text, spaces and tabs",
                          errmsg);
    }
    return TOK_OK;
}

static struct slice take_line(struct ini *ini)
{
    struct slice line = ini->rest;

    if (!slice_cut(ini->rest, '\n', &line, &ini->rest))
        ini->rest.n = 0;
    ini->line++;
    return line;
}

static enum tok_err read_section(struct ini *ini, struct slice line, struct ini_line *ret,
                                 struct errmsg *errmsg)
{
    if (line.n < 3 || line.p[line.n - 1] != ']')
        return refuse(ini, "section without a closing bracket: expected [SECTION]", errmsg);
    ini->in_section = true;
    *ret = (struct ini_line){.kind = INI_SECTION, .section = {line.p + 1, line.n - 2}};
    return TOK_OK;
}

static enum tok_err read_key(const struct ini *ini, struct slice line, struct ini_line *ret,
                             struct errmsg *errmsg)
{
    struct slice key, value;

    if (!slice_cut(line, '=', &key, &value))
        return refuse(ini,
                      "line without '=': expected [SECTION], KEY=VALUE, or a comment that "
                      "begins with # or ;",
                      errmsg);
    key = text_trim(key);
    if (key.n == 0)
        return refuse(ini, "value without a key: expected KEY=VALUE", errmsg);
    if (!ini->in_section)
        return refuse(ini, "key before the first section: expected a [SECTION] line above it",
                      errmsg);
    *ret = (struct ini_line){.kind = INI_KEY, .key = key, .value = text_trim(value)};
    return TOK_OK;
}

enum tok_err ini_next_line(struct ini *ini, struct slice *ret, bool *ret_end,
                           struct errmsg *errmsg)
{
    struct slice line = {0};
    enum tok_err err;

    *ret_end = ini->rest.n == 0;
    if (*ret_end)
        return TOK_OK;
    line = take_line(ini);
    if (ini->line == 1 && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
        return refuse(ini, "byte order mark: expected UTF-8 text without one", errmsg);
    err = check_bytes(ini, line, errmsg);
    if (err)
        return err;
    *ret = text_trim(line);
    return TOK_OK;
}

enum tok_err ini_next(struct ini *ini, struct ini_line *ret, struct errmsg *errmsg)
{
    struct slice line = {0};
    bool end;

    for (;;) {
        enum tok_err err = ini_next_line(ini, &line, &end, errmsg);

        if (err)
            return err;
        if (end)
            break;
        if (line.n == 0 || *line.p == '#' || *line.p == ';')
            continue;
        if (line.p[line.n - 1] == '\\')
            return refuse(ini, "backslash at the end: expected each setting on one line",
                          errmsg);
        return *line.p == '[' ? read_section(ini, line, ret, errmsg)
                              : read_key(ini, line, ret, errmsg);
    }
    *ret = (struct ini_line){.kind = INI_END};
    return TOK_OK;
}
