#include "common/base/text.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/json_build.h"

#include <stdio.h>
#include <string.h>

/* The JSON array of wire.h while it is built. */
struct session_list {
    const uint8_t *current;   /* sid of the session that asks; NULL: root asks */
    struct json_object *rows; /* NULL: no memory */
    size_t size;              /* of its text */
};

/* The source is jwtd's word, and may be any bytes. */
static struct json_object *printable(const char *text)
{
    char clean[STORE_SOURCE_MAX + 1];

    (void)snprintf(clean, sizeof(clean), "%s", text);
    text_make_printable(clean);
    return json_string(slice_of(clean));
}

/* ["pwd","otp"] */
static struct json_object *word_array(const char *words)
{
    struct json_object *list = json_object_new_array();
    struct slice rest = slice_of(words), word;

    while (text_next_word(&rest, ' ', &word))
        list = json_list_with(list, json_string(word));
    return list;
}

static struct json_object *row_of(const struct store_session *s, const uint8_t *current)
{
    int64_t end = s->idle_exp < s->absolute_exp ? s->idle_exp : s->absolute_exp;
    bool is_current = current && memcmp(current, s->sid, sizeof(s->sid)) == 0;
    struct json_object *row = json_object_new_object();
    char sid[ISSUE_ID_LEN + 1];

    request_write_id(s->sid, sid);
    row = json_with(row, "sid", json_string(slice_of(sid)));
    if (!current)
        row = json_with(row, "user", json_string(slice_of(s->user)));
    row = json_with(row, "created", json_object_new_int64(s->created_at));
    row = json_with(row, "last_used", json_object_new_int64(s->last_used));
    row = json_with(row, "expires", json_object_new_int64(end));
    row = json_with(row, "source", printable(s->source));
    row = json_with(row, "client", printable(s->client));
    row = json_with(row, "method", json_string(slice_of(s->method)));
    row = json_with(row, "amr", word_array(s->amr));
    return current ? json_with(row, "current", json_object_new_boolean(is_current)) : row;
}

/* False when the page is full. */
static bool add_row(void *arg, const struct store_session *s)
{
    struct session_list *list = arg;
    struct json_object *row = row_of(s, list->current);
    size_t n = 0;

    if (row)
        (void)json_compact(row, &n);
    list->size += n + 1; /* with a comma or the closing bracket */
    if (list->size > WIRE_JSON_MAX) {
        json_object_put(row);
        return false;
    }
    list->rows = json_list_with(list->rows, row);
    return list->rows;
}

/* user NULL: all users. current: as in session_list. */
static enum wire_status reply_page(struct issuer *x, struct issuer_request *r, const char *user,
                                   const uint8_t *current)
{
    struct slice after = request_text(r, 1);
    struct session_list list = {.current = current, .size = 1};
    struct store_page page = {.user = user, .fn = add_row, .arg = &list};
    enum wire_status status = WIRE_UNAVAILABLE;
    struct slice rows = {0};

    if (after.n != 0 && after.n != ISSUE_ID_BYTES)
        return WIRE_NO_SESSION;
    page.after = after.n > 0 ? (const uint8_t *)after.p : NULL;
    list.rows = json_object_new_array();
    if (store_page(x->store, &page) == STORE_DONE && list.rows)
        rows.p = json_compact(list.rows, &rows.n);
    if (rows.p)
        status = request_reply(
            r, (union wire_value[]){
                   {.text = rows},
                   {.text = {(const char *)page.next, page.more ? sizeof(page.next) : 0}},
               });
    json_object_put(list.rows);
    return status;
}

enum wire_status handle_sessions(struct issuer *x, struct issuer_request *r)
{
    return reply_page(x, r, r->session.user, r->session.sid);
}

enum wire_status handle_admin_sessions(struct issuer *x, struct issuer_request *r)
{
    char user[WIRE_USER_MAX + 1];

    request_copy_text(r, 0, user, sizeof(user));
    return reply_page(x, r, user[0] ? user : NULL, NULL);
}
