#include "jwtd/issuer/requests/page.h"

#include "common/json/emit.h"
#include "jwtd/issuer/issuer.h"

#include <string.h>

#define ROW_MAX 1024 /* a name of 255 letters, two texts of 64 with each letter escaped */

struct page {
    const uint8_t *current;
    struct emit out;
};

/* What jwtd says of a source is anything. */
static void emit_printable(struct emit *out, const char *name, const char *text)
{
    char clean[STORE_SOURCE_MAX + 1];
    size_t n = strnlen(text, STORE_SOURCE_MAX);

    for (size_t i = 0; i < n; i++)
        clean[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    emit_member_string(out, name, (struct slice){clean, n});
}

static void emit_time(struct emit *out, const char *name, int64_t time)
{
    emit_member(out, name);
    emit_integer(out, time);
}

static void emit_row(const struct page *page, const struct store_session *s, struct emit *out)
{
    int64_t end = s->idle_exp < s->absolute_exp ? s->idle_exp : s->absolute_exp;

    emit_begin(out);
    emit_member_base64url(out, "sid", (struct slice){(const char *)s->sid, sizeof(s->sid)});
    if (!page->current)
        emit_member_string(out, "user", slice_of(s->user));
    emit_time(out, "created", s->created_at);
    emit_time(out, "last_used", s->last_used);
    emit_time(out, "expires", end);
    emit_printable(out, "source", s->source);
    emit_printable(out, "client", s->client);
    if (page->current) {
        emit_member(out, "current");
        emit_text(out, memcmp(page->current, s->sid, sizeof(s->sid)) == 0 ? "true" : "false");
    }
    emit_end(out);
}

/* False when the page is full. */
static bool add_row(void *arg, const struct store_session *s)
{
    struct page *page = arg;
    char row[ROW_MAX];
    struct emit out = {.p = row, .size = sizeof(row)};

    emit_row(page, s, &out);
    if (out.n > sizeof(row) || page->out.n + out.n + 2 > page->out.size)
        return false;
    if (page->out.n > 1)
        emit_text(&page->out, ",");
    emit_bytes(&page->out, (struct slice){row, out.n});
    return true;
}

enum step page_say(struct issuer *x, struct job *job, const char *user, const uint8_t *current,
                   struct slice after)
{
    char text[WIRE_JSON_MAX];
    struct page page = {.current = current, .out = {.p = text, .size = sizeof(text)}};
    uint8_t next[ISSUE_ID_BYTES] = {0};
    bool more;

    if (after.n != 0 && after.n != ISSUE_ID_BYTES) {
        job_say(job, WIRE_NO_SESSION, NULL);
        return STEP_ANSWER;
    }
    emit_text(&page.out, "[");
    if (store_page(x->store, user, after.n > 0 ? (const uint8_t *)after.p : NULL, add_row,
                   &page, next, &more) != STORE_DONE)
        return STEP_FAILED;
    emit_text(&page.out, "]");
    job_say(job, WIRE_OK,
            (union wire_value[]){
                {.text = {text, page.out.n}},
                {.text = {(const char *)next, more ? sizeof(next) : 0}},
            });
    return STEP_ANSWER;
}

enum step page_admin_step(struct issuer *x, struct job *job)
{
    char user[WIRE_USER_MAX + 1];

    job_copy_text(job, 0, user, sizeof(user));
    return page_say(x, job, user[0] ? user : NULL, NULL, job_text(job, 1));
}
