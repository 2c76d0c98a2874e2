#include "common/base/base64url.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/reply_json.h"
#include "jwtd/issuer/requests/token_session.h"

#include <string.h>

/* The JSON array of wire.h while it is built. */
struct session_list {
    const uint8_t *current; /* sid of the session that asks; NULL: root asks */
    struct json_object *rows;
    size_t size; /* of its text */
    bool no_memory;
};

/* The source is jwtd's word, and may be any bytes. */
static bool add_printable(struct json_object *row, const char *name, const char *text)
{
    char clean[STORE_SOURCE_MAX + 1];
    size_t n = strnlen(text, STORE_SOURCE_MAX);

    for (size_t i = 0; i < n; i++)
        clean[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    return reply_json_add_string(row, name, (struct slice){clean, n});
}

static bool fill_row(const struct session_list *list, const struct store_session *s,
                     struct json_object *row)
{
    int64_t end = s->idle_exp < s->absolute_exp ? s->idle_exp : s->absolute_exp;
    const uint8_t *asks = list->current;
    bool current = asks && memcmp(asks, s->sid, sizeof(s->sid)) == 0;
    char sid[ISSUE_ID_LEN];

    base64url_encode((struct slice){(const char *)s->sid, sizeof(s->sid)}, sid);
    return reply_json_add_string(row, "sid", (struct slice){sid, sizeof(sid)}) &&
           (asks || reply_json_add_string(row, "user", slice_of(s->user))) &&
           reply_json_add_number(row, "created", s->created_at) &&
           reply_json_add_number(row, "last_used", s->last_used) &&
           reply_json_add_number(row, "expires", end) &&
           add_printable(row, "source", s->source) && add_printable(row, "client", s->client) &&
           (!asks || reply_json_add(row, "current", json_object_new_boolean(current)));
}

/* False when the page is full. */
static bool add_row(void *arg, const struct store_session *s)
{
    struct session_list *list = arg;
    struct json_object *row = json_object_new_object();
    size_t size;

    list->no_memory = !reply_json_add(list->rows, NULL, row) || !fill_row(list, s, row);
    if (list->no_memory)
        return false;
    size = list->size + reply_json_text(row).n + 1; /* with its comma or the last bracket */
    if (size > WIRE_JSON_MAX) {
        (void)json_object_array_del_idx(list->rows, json_object_array_length(list->rows) - 1,
                                        1);
        return false;
    }
    list->size = size;
    return true;
}

/* user NULL: all users. after: where the page before ended; empty: the first page. */
static enum wire_status reply_page(struct issuer *x, struct issuer_request *r, const char *user,
                                   const uint8_t *current)
{
    CLEANUP(cleanup_json) struct json_object *rows = json_object_new_array();
    struct slice after = request_text(r, 1);
    struct session_list list = {.current = current, .rows = rows, .size = 1};
    struct store_page page = {.user = user, .fn = add_row, .arg = &list};

    if (after.n != 0 && after.n != ISSUE_ID_BYTES)
        return WIRE_NO_SESSION;
    page.after = after.n > 0 ? (const uint8_t *)after.p : NULL;
    if (!rows || store_page(x->store, &page) != STORE_DONE || list.no_memory)
        return WIRE_UNAVAILABLE;
    return request_reply(
        r, (union wire_value[]){
               {.text = reply_json_text(rows)},
               {.text = {(const char *)page.next, page.more ? sizeof(page.next) : 0}},
           });
}

enum wire_status handle_sessions(struct issuer *x, struct issuer_request *r)
{
    struct store_session s;
    enum wire_status status = token_session_of_bearer(x, r, TOKEN_MANAGE, &s);

    return status == WIRE_OK ? reply_page(x, r, s.user, s.sid) : status;
}

enum wire_status handle_admin_sessions(struct issuer *x, struct issuer_request *r)
{
    char user[WIRE_USER_MAX + 1];

    request_copy_text(r, 0, user, sizeof(user));
    return reply_page(x, r, user[0] ? user : NULL, NULL);
}
