/*
 * Members of an object as nearly all of them are, for scan alone: a name and a string, or a
 * whole number above zero, of plain bytes, without a blank between them. Such a one is read in
 * a few dozen steps. What is not plain is not judged here.
 */
#pragma once

#include "common/json/scan_string.h"

#define SCAN_PLAIN_LEN                                                                         \
    (1 + 8) /* bytes from a member on, so that eight of its name can be read */

/* scan_begin of a text after which there are as many bytes. */
static inline uint64_t scan_plain_begin(struct slice raw)
{
    uint64_t begin;

    memcpy(&begin, raw.p, sizeof(begin));
    begin = le64toh(begin);
    return raw.n < sizeof(begin) ? begin & ((UINT64_C(1) << 8 * raw.n) - 1) : begin;
}

/* Past the digits at p, before a byte that is none; times have more than eight. */
static inline const char *scan_plain_digits(const char *p, const char *end)
{
    while (end - p >= 8 && scan_all_digits(p))
        p += 8;
    while ((unsigned char)(*p - '0') <= 9)
        p++;
    return p;
}

/* Past the string or the whole number above zero at p, or NULL: there is none, or it has more
 * to it than plain bytes. */
static inline const char *scan_plain_value(struct scan_window *window, const char *p,
                                           struct scan_value *ret)
{
    const char *from = p;

    if (*p == '"') {
        p = scan_window_plain(window, p + 1);
        if (*p != '"')
            return NULL;
        p++;
        ret->type = SCAN_STRING;
    } else if ((unsigned char)(*p - '1') <= 8) {
        p = scan_plain_digits(p, window->end);
        ret->type = SCAN_NUMBER;
    } else {
        return NULL;
    }
    ret->escaped = false;
    ret->text = (struct slice){from, (size_t)(p - from)};
    return p;
}

/* Past the member at p and the comma or the brace after it, as nearly all are: plain, without
 * blanks. NULL: it is another, or wrong. The text's last byte is a brace, so that after a
 * quote, a colon or a digit there is always one more; from p on it has SCAN_PLAIN_LEN bytes. */
static inline const char *scan_plain_member(struct scan_window *window, const char *p,
                                            struct scan_member *ret)
{
    const char *from = p;

    if (*p != '"')
        return NULL;
    p = scan_window_plain(window, p + 1);
    if (p[0] != '"' || p[1] != ':')
        return NULL;
    ret->name.type = SCAN_STRING;
    ret->name.escaped = false;
    ret->name.text = (struct slice){from, (size_t)(p + 1 - from)};
    ret->begin = scan_plain_begin(scan_string_raw(ret->name));
    p = scan_plain_value(window, p + 2, &ret->value);
    return p && (*p == ',' || *p == '}') ? p + 1 : NULL;
}
