/* jwtctl sessions: the live sessions of the caller, by their token; root's also of others. */
#include "common/base/cleanup.h"
#include "common/json/json.h"
#include "jwtctl/admin.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

#include <getopt.h>
#include <string.h>

#define MEMBERS 16
#define EMPTY "[]"

/* Whose sessions stand in which column. */
enum view { VIEW_OWN, VIEW_ADMIN };

static void add_text(struct text *line, const struct scan_member *m, size_t n, const char *name)
{
    const struct scan_value *v = scan_find(m, n, name);

    text_puts(line, "  ");
    text_plain(line, v && v->type == SCAN_STRING ? scan_string_raw(*v) : (struct slice){0});
}

static void add_time(struct text *line, const struct scan_member *m, size_t n, const char *name)
{
    const struct scan_value *v = scan_find(m, n, name);
    char when[SAY_MAX];
    int64_t t;

    text_puts(line, "  ");
    text_puts(line, v && scan_integer(*v, &t) == TOK_OK ? say_time(t, when) : "-");
}

/* The blank within "uid 1000" may stay: the source is the last column but one. */
static void add_source(struct text *line, const struct scan_member *m, size_t n)
{
    const struct scan_value *v = scan_find(m, n, "source");
    struct slice text = v && v->type == SCAN_STRING ? scan_string_raw(*v) : (struct slice){0};
    const char *blank = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;
    size_t head = blank ? (size_t)(blank - text.p) : text.n;

    text_puts(line, "  ");
    text_plain(line, (struct slice){text.p, head});
    if (!blank || head + 1 == text.n)
        return;
    text_puts(line, " ");
    text_plain(line, (struct slice){blank + 1, text.n - head - 1});
}

static void add_row(struct text *table, struct scan_value session, enum view view)
{
    struct scan_member m[MEMBERS];
    const struct scan_value *v;
    size_t n;

    if (scan_object(session.text, m, MEMBERS, &n, NULL) != TOK_OK)
        return;
    text_puts(table, "\n");
    v = scan_find(m, n, "sid");
    text_plain(table, v && v->type == SCAN_STRING ? scan_string_raw(*v) : (struct slice){0});
    if (view == VIEW_ADMIN)
        add_text(table, m, n, "user");
    add_time(table, m, n, "created");
    add_time(table, m, n, "last_used");
    add_time(table, m, n, "expires");
    add_source(table, m, n);
    v = scan_find(m, n, "current");
    if (v && v->type == SCAN_TRUE)
        text_puts(table, "  (this one)");
}

/* One line of JSON, or a table. */
static int print(struct slice json, enum view view, bool as_json)
{
    CLEANUP(text_clear) struct text out = {0};
    struct scan_value list, session;
    size_t pos = 0;

    if (scan_document(json, &list, NULL) != TOK_OK || list.type != SCAN_ARRAY) {
        complain("the server's reply is no list of sessions");
        return EXIT_FAILURE;
    }
    if (as_json) {
        text_compact(&out, list.text);
        return text_print_line(&out) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    text_puts(&out, view == VIEW_ADMIN ? "SESSION  USER  SINCE  LAST USED  UNTIL  FROM"
                                       : "SESSION  SINCE  LAST USED  UNTIL  FROM");
    while (scan_next_element(list, &pos, &session))
        add_row(&out, session, view);
    return text_print_line(&out) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int own(const struct admin_options *o)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct session s = {0};
    struct errmsg errmsg;
    enum tok_err err = session_get(&s, &errmsg);

    if (!err)
        err = session_ask(&s, "GET", "/api/sessions/", NULL, &reply, &errmsg);
    if (err) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    return print(text_slice(&reply.body), VIEW_OWN, o->json);
}

/* Adds a page, an array without blanks around it, to an array that is not closed yet. */
static void add_page(struct text *all, struct slice page)
{
    if (page.n <= strlen(EMPTY))
        return;
    if (all->n > 1)
        text_puts(all, ",");
    text_add(all, (struct slice){page.p + 1, page.n - 2});
}

static enum tok_err collect(const struct admin_options *o, struct text *all,
                            struct errmsg *errmsg)
{
    struct admin_answer answer;
    uint8_t after[WIRE_SID_BYTES];
    struct slice next = {(const char *)after, 0};

    text_puts(all, "[");
    do {
        const char *user = o->user ? o->user : "";
        enum tok_err err =
            admin_ask(o->socket, WIRE_ADMIN_SESSIONS,
                      (union wire_value[]){{.text = slice_of(user)}, {.text = next}}, &answer,
                      NULL, errmsg);

        if (err)
            return err;
        if (answer.message.status != WIRE_OK)
            return errmsg_set(errmsg, TOK_FILE, "the sessions changed meanwhile: try again");
        add_page(all, answer.message.v[0].text);
        next.n = answer.message.v[1].text.n == sizeof(after) ? sizeof(after) : 0;
        memcpy(after, answer.message.v[1].text.p, next.n);
    } while (next.n > 0);
    text_puts(all, "]");
    return text_err(all) ? errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory") : TOK_OK;
}

static int others(const struct admin_options *o)
{
    CLEANUP(text_clear) struct text all = {0};
    struct errmsg errmsg;

    if (collect(o, &all, &errmsg)) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    return print(text_slice(&all), VIEW_ADMIN, o->json);
}

int command_sessions(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"user", required_argument, NULL, 'u'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"socket", required_argument, NULL, 's'},
                                            {0}};
    struct admin_options o;
    int status = admin_parse(argc, argv, options, 0, &o);

    if (status)
        return status;
    if (o.user && (o.all || !o.user[0]))
        return complain_usage(argv[0], "either --user=USER or --all");
    if (!o.user && !o.all)
        return own(&o);
    return admin_is_root(argv[0]) ? others(&o) : EXIT_FAILURE;
}
