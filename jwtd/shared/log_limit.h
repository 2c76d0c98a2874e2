/*
 * Log lines of requests that anyone can send, such as those with a wrong password or an invalid
 * token: at most one per source and minute, and LOG_LIMIT_ROWS + 1 a minute in all, so that
 * they do not push other lines over journald's rate limit. The others are counted: `count=` is
 * the number of requests that a line stands for, 1 when it is absent, and the line shows the
 * last of them. What was counted is written a minute after the source's last line, also when no
 * further request arrives. Requests of more sources than there are rows share one line.
 */
#pragma once

#include "jwtd/shared/log.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define LOG_LIMIT_ROWS 59
#define LOG_LIMIT_FIELDS 6  /* at most, of an event */
#define LOG_LIMIT_VALUE 104 /* bytes of a value; what exceeds it is cut off */

struct limited_event {
    int priority;
    const char *message_id, *message;              /* not copied */
    const char *source;                            /* by which lines are counted */
    struct log_field fields[LOG_LIMIT_FIELDS + 1]; /* names are not copied */
};

struct log_limit_row {
    char source[LOG_LIMIT_VALUE];
    uint64_t until; /* monotonic microseconds: no line before */
    uint64_t count; /* of events since the last line */
    int priority;   /* of the last event, as what follows */
    const char *message_id, *message;
    const char *names[LOG_LIMIT_FIELDS];
    char values[LOG_LIMIT_FIELDS][LOG_LIMIT_VALUE];
};

/* Zeroed, and `loop` set: without it, nothing is written without a call. */
struct log_limit {
    sd_event *loop;
    sd_event_source *timer;
    struct log_limit_row rows[LOG_LIMIT_ROWS + 1]; /* the last: of further sources */
};

/* Writes the event, or counts it. now: monotonic microseconds, here and below. */
void log_limit_write(struct log_limit *l, const struct limited_event *event, uint64_t now);

/* The same as an expression, with the fields of the event after its source. */
#define LOG_LIMITED(limit, priority, message_id, message, source, ...)                         \
    log_limit_write(                                                                           \
        limit, &(struct limited_event){priority, message_id, message, source, {__VA_ARGS__}},  \
        service_monotonic())

/* Writes the counts whose minute is over. The timer calls it. */
void log_limit_flush(struct log_limit *l, uint64_t now);

/* Writes all counts. Call it before the loop is freed. */
void log_limit_end(struct log_limit *l);
