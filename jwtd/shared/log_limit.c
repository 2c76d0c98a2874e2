#include "jwtd/shared/log_limit.h"

#include "common/base/timespan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_row(struct log_limit_row *row, uint64_t now)
{
    struct log_field fields[LOG_LIMIT_FIELDS + 2] = {0};
    char count[24];
    size_t n = 0;

    for (; n < LOG_LIMIT_FIELDS && row->names[n]; n++)
        fields[n] = (struct log_field){row->names[n], row->values[n]};
    (void)snprintf(count, sizeof(count), "%" PRIu64, row->count);
    if (row->count > 1)
        fields[n] = (struct log_field){"count", count};
    log_event(row->priority, row->message_id, row->message, fields);
    row->count = 0;
    row->until = now + MINUTE;
}

static bool is_free(const struct log_limit_row *row, uint64_t now)
{
    return row->count == 0 && row->until <= now;
}

/* The row of a source, or a free one. NULL: all are in use. */
static struct log_limit_row *find_row(struct log_limit *l, const char *source, uint64_t now)
{
    struct log_limit_row *found = NULL;

    for (size_t i = 0; i < LOG_LIMIT_ROWS; i++) {
        if (is_free(&l->rows[i], now))
            found = found ? found : &l->rows[i];
        else if (strncmp(l->rows[i].source, source, LOG_LIMIT_VALUE - 1) == 0)
            return &l->rows[i];
    }
    return found;
}

static void fill(struct log_limit_row *row, const struct limited_event *e)
{
    size_t n = 0;

    (void)snprintf(row->source, LOG_LIMIT_VALUE, "%s", e->source);
    row->priority = e->priority;
    row->message_id = e->message_id;
    row->message = e->message;
    memset((void *)row->names, 0, sizeof(row->names));
    for (const struct log_field *f = e->fields; f->name && n < LOG_LIMIT_FIELDS; f++) {
        if (!f->value)
            continue;
        row->names[n] = f->name;
        (void)snprintf(row->values[n++], LOG_LIMIT_VALUE, "%s", f->value);
    }
}

static int on_time(sd_event_source *source, uint64_t usec, void *arg)
{
    log_limit_flush(arg, usec);
    return 0;
}

/* At the end of the first minute in which something was counted. */
static void set_timer(struct log_limit *l)
{
    uint64_t at = UINT64_MAX;

    for (size_t i = 0; i <= LOG_LIMIT_ROWS; i++)
        if (l->rows[i].count > 0 && l->rows[i].until < at)
            at = l->rows[i].until;
    if (!l->loop || at == UINT64_MAX)
        return;
    if (!l->timer)
        (void)sd_event_add_time(l->loop, &l->timer, CLOCK_MONOTONIC, at, SECOND, on_time, l);
    else if (sd_event_source_set_time(l->timer, at) >= 0)
        (void)sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

void log_limit_write(struct log_limit *l, const struct limited_event *event, uint64_t now)
{
    static const char further[] = "Refused requests of further sources";
    const struct limited_event others = {
        event->priority, event->message_id, further, "", {{0}}};
    struct log_limit_row *row = find_row(l, event->source, now);

    if (row)
        fill(row, event);
    else
        fill(row = &l->rows[LOG_LIMIT_ROWS], &others);
    row->count++;
    if (row->until <= now)
        write_row(row, now);
    else if (row->count == 1)
        set_timer(l);
}

void log_limit_flush(struct log_limit *l, uint64_t now)
{
    for (size_t i = 0; i <= LOG_LIMIT_ROWS; i++)
        if (l->rows[i].count > 0 && l->rows[i].until <= now)
            write_row(&l->rows[i], now);
    set_timer(l);
}

void log_limit_end(struct log_limit *l)
{
    l->loop = NULL;
    l->timer = sd_event_source_disable_unref(l->timer);
    log_limit_flush(l, UINT64_MAX);
}
