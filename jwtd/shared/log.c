/* The journal's CODE_FILE= and CODE_LINE= would always be those of this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "jwtd/shared/log.h"

#include "common/base/username.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_LEN 1024
#define FIELDS_MAX 12

/* A line under construction; what does not fit is cut off. */
struct line {
    char text[LINE_LEN];
    size_t n;
};

static void add_byte(struct line *l, char c)
{
    if (l->n < sizeof(l->text) - 1)
        l->text[l->n++] = c;
    l->text[l->n] = '\0';
}

static void add_bytes(struct line *l, const char *s)
{
    while (*s)
        add_byte(l, *s++);
}

/* Other bytes than printable ASCII could control the terminal that shows the line. In a user
 * name they cannot. */
static void add_text(struct line *l, const char *s)
{
    if (username_valid(slice_of(s))) {
        add_bytes(l, s);
        return;
    }
    for (; *s; s++)
        add_byte(l, *s < ' ' || *s > '~' ? '?' : *s);
}

/* Quoted where it could be mistaken for more than one value. */
static void add_value(struct line *l, const char *s)
{
    if (*s && !strpbrk(s, " \"=")) {
        add_text(l, s);
        return;
    }
    add_byte(l, '"');
    for (; *s; s++)
        add_text(l, (const char[]){*s == '"' ? '\'' : *s, '\0'});
    add_byte(l, '"');
}

/* $JOURNAL_STREAM is the device and inode of the standard error that systemd set up. */
bool log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[48];
    struct stat st;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

static void log_journal(int priority, const char *message_id, const char *message,
                        const struct log_field *fields)
{
    struct line lines[FIELDS_MAX + 3] = {0};
    struct iovec iov[FIELDS_MAX + 3];
    size_t n = 0;

    add_text(&lines[n], "PRIORITY=");
    add_byte(&lines[n++], (char)('0' + (priority & LOG_PRIMASK)));
    add_text(&lines[n], "MESSAGE_ID=");
    add_text(&lines[n++], message_id);
    add_text(&lines[n], "MESSAGE=");
    add_bytes(&lines[n++], message);
    for (; fields->name && n < FIELDS_MAX + 3; fields++) {
        if (!fields->value)
            continue;
        add_text(&lines[n], "JWT_");
        for (const char *c = fields->name; *c; c++)
            add_byte(&lines[n], *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
        add_byte(&lines[n], '=');
        add_text(&lines[n++], fields->value);
    }
    for (size_t i = 0; i < n; i++)
        iov[i] = (struct iovec){lines[i].text, lines[i].n};
    (void)sd_journal_sendv(iov, (int)n);
}

void log_event(int priority, const char *message_id, const char *message,
               const struct log_field *fields)
{
    struct line line = {0};

    add_text(&line, message);
    for (const struct log_field *f = fields; f->name; f++) {
        if (!f->value)
            continue;
        add_byte(&line, ' ');
        add_text(&line, f->name);
        add_byte(&line, '=');
        add_value(&line, f->value);
    }
    if (log_is_journal())
        log_journal(priority, message_id, line.text, fields);
    else
        (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, line.text);
}
