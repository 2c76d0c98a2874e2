/*
 * Words for people: complaints, points in time, spans.
 */
#pragma once

#include "common/base/error.h"

#include <stdint.h>

/* "jwtctl: ..." and a newline to standard error; control bytes become '?'. */
void complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Tells of an argument that is too much or missing, and where help is. EXIT_USAGE. */
int complain_usage(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for what the two below write. */
#define SAY_MAX 64

/* "Mon 2025-12-01 14:05" in local time. */
const char *say_time(int64_t epoch, char ret[SAY_MAX]);

/* "45 s", "15 min", "12 h", "7 days": the largest unit that leaves at least two of it, or one
 * exactly; cut, not rounded. Seconds, 0 or more. */
const char *say_span(int64_t seconds, char ret[SAY_MAX]);
