/*
 * What jwtctl prints: answers to standard output, errors to standard error.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* "jwtctl: ..." and a newline. Characters that are not safe for a terminal (safe_text.h) become
 * '?', here and below. */
void print_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The same of a function's error message. Returns the status. */
int print_failure(int status, const struct errmsg *errmsg);

/* "HEADING: TEXT" on standard output. */
void print_note(const char *heading, const char *text);

/* Prints "COMMAND: ..." and a reference to --help, and exits with EXIT_USAGE. */
void bad_usage(const char *command, const char *fmt, ...) PRINTF_LIKE(2, 3)
    __attribute__((noreturn));

/* Prints an error and exits with EXIT_FAILURE. */
void out_of_memory(void) __attribute__((noreturn));

void print_version(void);

/* Flushes standard output; when a write failed, prints an error and exits with this status.
 * main() calls it at the end, so that callers of printf need not check. */
void flush_output(int status);

/* Prints text of unknown origin: spaces and all but printable ASCII become '?'. "-" for an
 * empty text and for NULL. */
void print_word(const char *text);

/* Room for format_time and format_span. */
#define FORMAT_MAX 64

/* "Mon 2025-12-01 14:05", local time; seconds since the Epoch. */
const char *format_time(int64_t epoch, char ret[FORMAT_MAX]);

/* "45 s", "15 min", "12 h", "7 days": in the largest unit of which there are two or more, or
 * exactly one; rounded down. Seconds, 0 or more. */
const char *format_span(int64_t seconds, char ret[FORMAT_MAX]);
