/*
 * Strings of JSON text (RFC 8259 7), for scan alone: checking one while it is read, and
 * ordering two that were checked. Nothing is copied or allocated.
 */
#pragma once

#include "common/json/scan.h"

#include <endian.h>
#include <string.h>

#define SCAN_BYTES(c) (UINT64_C(0x0101010101010101) * (c))

/* Of eight bytes, the first of memory lowest: the top bit of the first that is a quote, a
 * backslash, a control character or no ASCII; 0: none is. Each difference sets a byte's top bit
 * just when the byte is such a one; a borrow can mark wrongly only bytes above one that is
 * marked rightly, so the lowest mark is right. */
static inline uint64_t scan_string_marks(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    w = le64toh(w);
    return (w | (w - SCAN_BYTES(0x20)) | ((w ^ SCAN_BYTES('"')) - SCAN_BYTES(1)) |
            ((w ^ SCAN_BYTES('\\')) - SCAN_BYTES(1))) &
           SCAN_BYTES(0x80);
}

static inline bool scan_is_plain(char c)
{
    return (unsigned char)c - 0x20U < 0x60U && c != '"' && c != '\\';
}

/* Are the eight bytes from p on digits? They are the bytes from 0x30 on that 6 more leave below
 * 0x40. */
static inline bool scan_all_digits(const char *p)
{
    const uint64_t high = SCAN_BYTES(0xf0), three = SCAN_BYTES(0x30);
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return (((w & high) ^ three) | (((w + SCAN_BYTES(6)) & high) ^ three)) == 0;
}

/* From p on, the first byte before end that is not plain (a quote, a backslash, a control
 * character, no ASCII), or end. */
static inline const char *scan_string_plain(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t marks = scan_string_marks(p);

        if (marks)
            return p + __builtin_ctzll(marks) / 8;
    }
    while (p < end && scan_is_plain(*p))
        p++;
    return p;
}

/* What scan_string_plain finds, or the text's last byte, for who asks it again and again along
 * a text: of SCAN_WINDOW bytes at a time it is known which are not plain. Finding one from the
 * other then waits for no byte of the text. */
#define SCAN_WINDOW 64

struct scan_window {
    const char *start, *end; /* of the text */
    const char *from;
    uint64_t marks; /* a bit a byte that is not plain, or the last; none past the end */
};

/* Moves the window to p, which is before the text's end. */
void scan_window_move(struct scan_window *w, const char *p);

static inline const char *scan_window_plain(struct scan_window *w, const char *p)
{
    for (;;) {
        size_t at = (size_t)(p - w->from);

        if (at < SCAN_WINDOW) {
            uint64_t marks = w->marks >> at;

            if (marks)
                return p + (unsigned)__builtin_ctzll(marks);
            p = w->from + SCAN_WINDOW;
        }
        scan_window_move(w, p);
    }
}

/* What was met in a string on the way to its closing quote. */
struct scan_string_seen {
    const char *lone; /* the first lone surrogate's backslash, or NULL */
    uint32_t lone_code;
    const char *bad; /* when refused: where, and what (static) */
    const char *what;
};

/* at is an opening quote before end. Yields the string with its quotes. A lone surrogate is
 * told in *seen and refused by the caller, who knows what the string is. TOK_JSON. */
enum tok_err scan_string_check(const char *at, const char *end, struct scan_value *ret,
                               struct scan_string_seen *seen) MUST_CHECK;

/* The string whose opening quote is at, in a text that was checked and ends at end. */
struct scan_value scan_string_at(const char *at, const char *end);

/* Below, equal to or above 0 as a's decoded characters come before, equal or follow b's. Both
 * were checked and hold no lone surrogate. */
int scan_string_order(const struct scan_value *a, const struct scan_value *b) MUST_CHECK;
