/*
 * Time spans in systemd's spelling (systemd.time(7)): "15min", "1h 30min", "7d"; a bare number
 * is seconds. Units: us ms s m min h d w and their long names (usec, msec, sec, second(s),
 * minute(s), hr, hour(s), day(s), week(s)). Refused: fractions, months and years (no fixed
 * length), signs, "infinity", overflow, an empty text. No library in Debian 12 exports a parser
 * of these; `systemd-analyze timespan` is the reference.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* Units of time, in microseconds. */
#define MILLISECOND UINT64_C(1000)
#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

/* Yields microseconds. TOK_SETTINGS for a text that is no time span. */
enum tok_err timespan_parse(struct slice text, uint64_t *ret_usec) MUST_CHECK;

/* Writes the span in the largest unit that divides it: "90s", "15min". */
#define TIMESPAN_TEXT 32
void timespan_format(uint64_t usec, char ret[TIMESPAN_TEXT]);

/* What a value must be, for messages. */
#define TIMESPAN_FORM "a time span such as 30s, 15min, 12h or 7d"
