/* jwtctl sessions: the live sessions of the caller; for root also those of other users. jwtctl
 * sessions end: ends sessions of the caller. */
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/table.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHORT_LETTERS 8 /* of an id, at least */
#define NOT_A_LIST "expected a list of sessions in the reply"

struct sessions_options {
    const char *user, *server, *socket;
    bool all, json;
};

/* The seconds from one time to the other, of which one is a member of the session. */
static void add_span(struct table *t, int64_t from, int64_t to)
{
    char span[FORMAT_MAX];

    table_add(t, from > 0 && to > 0 ? format_span(to > from ? to - from : 0, span) : NULL);
}

/* 0: missing */
static int64_t time_of(struct json_object *session, const char *name)
{
    int64_t at = 0;

    (void)json_member_integer(session, name, &at);
    return at;
}

/* "jwtctl/0.2 (laptop)" is program and device; of others both are what the client says. */
static void add_client(struct table *t, const char *client)
{
    CLEANUP(cleanup_free) char *text = NULL;
    char *open;

    if (asprintf(&text, "%s", client ? client : "") < 0)
        out_of_memory();
    open = strchr(text, '(');
    if (open)
        open[strcspn(open, ");")] = '\0';
    table_add(t, open ? open + 1 : NULL);
    text[strcspn(text, " ")] = '\0';
    table_add(t, text);
}

/* How the user was authenticated: "pwd,otp"; else how the session began. */
static void add_amr(struct table *t, struct json_object *session)
{
    struct json_object *amr = json_member(session, "amr");
    char text[64] = "";
    size_t n = 0;

    for (size_t i = 0; i < json_length(amr) && n < sizeof(text); i++) {
        const char *word = json_text(json_object_array_get_idx(amr, i));

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? "," : "",
                              word ? word : "?");
    }
    table_add(t, n > 0 ? text : json_member_text(session, "method"));
}

static bool is_current(struct json_object *session)
{
    return json_object_get_boolean(json_member(session, "current"));
}

/* How many letters tell each id from the others. */
static int unique_letters(struct json_object *list)
{
    size_t n = SHORT_LETTERS;

    for (size_t i = 1; i < json_length(list); i++) {
        const char *a = json_member_text(json_object_array_get_idx(list, i), "sid");

        for (size_t k = 0; k < i; k++) {
            const char *b = json_member_text(json_object_array_get_idx(list, k), "sid");
            size_t same = 0;

            while (a && b && a[same] && a[same] == b[same])
                same++;
            n = same >= n ? same + 1 : n;
        }
    }
    return (int)n;
}

/* For root with user names and whole ids, which `jwtctl revoke` takes; otherwise ids are cut,
 * and the session of the caller is marked. */
static void print_sessions(struct json_object *list, bool with_user)
{
    static const struct table_column own[] = {{"SESSION", 0}, {"DEVICE", 12}, {"PROGRAM", 11},
                                              {"IDLE", 0},    {"ENDS IN", 0}, {"BY", 8},
                                              {"FROM", 0}};
    static const struct table_column all[] = {{"SESSION", 0}, {"USER", 12}, {"IDLE", 0},
                                              {"ENDS IN", 0}, {"BY", 8},    {"FROM", 0}};
    struct table t = {.columns = with_user ? all : own, .n_columns = with_user ? 6 : 7};
    int letters = with_user ? INT_MAX : unique_letters(list);
    int64_t now = (int64_t)time(NULL);

    for (size_t i = 0; i < json_length(list); i++) {
        struct json_object *session = json_object_array_get_idx(list, i);
        const char *sid = json_member_text(session, "sid");
        CLEANUP(cleanup_free) char *cut = NULL;

        if (asprintf(&cut, "%.*s%s", letters, sid ? sid : "-", is_current(session) ? "*" : "") <
            0)
            out_of_memory();
        table_add(&t, cut);
        if (with_user)
            table_add(&t, json_member_text(session, "user"));
        else
            add_client(&t, json_member_text(session, "client"));
        add_span(&t, time_of(session, "last_used"), now);
        add_span(&t, now, time_of(session, "expires"));
        add_amr(&t, session);
        table_add(&t, json_member_text(session, "source"));
    }
    table_print(&t);
}

static enum tok_err get_own(const struct client_session *s, struct client_reply *ret,
                            struct errmsg *errmsg)
{
    enum tok_err err = session_send(
        s, (struct client_request){.method = "GET", .path = "/api/sessions/"}, ret, errmsg);

    if (!err && !json_object_is_type(ret->body, json_type_array))
        err = errmsg_set(errmsg, TOK_FILE, NOT_A_LIST);
    return err;
}

static int list_own(const struct sessions_options *o)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg;
    enum tok_err err = session_get(o->server, &s, &errmsg);

    if (!err)
        err = get_own(&s, &reply, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (o->json)
        json_print(reply.body);
    else
        print_sessions(reply.body, false);
    return EXIT_SUCCESS;
}

static int list_others(const char *command, const struct sessions_options *o)
{
    CLEANUP(cleanup_json) struct json_object *list = json_new_array();
    struct admin_answer answer;
    char after[WIRE_SID_BYTES];
    struct slice next = {after, 0};

    do {
        CLEANUP(cleanup_json) struct json_object *page = NULL;
        union wire_value values[] = {{.text = slice_of(o->user ? o->user : "")},
                                     {.text = next}};
        int status = admin_call(command, o->socket, WIRE_ADMIN_SESSIONS, values, &answer);

        if (status)
            return status;
        if (answer.message.status != WIRE_OK) {
            print_error("the sessions changed while they were listed; try again");
            return EXIT_FAILURE;
        }
        if (json_read(answer.message.v[0].text, &page) != TOK_OK)
            return print_failure(EXIT_FAILURE, &(struct errmsg){NOT_A_LIST});
        for (size_t i = 0; i < json_length(page); i++)
            json_append(list, json_object_get(json_object_array_get_idx(page, i)));
        next.n = answer.message.v[1].text.n == sizeof(after) ? sizeof(after) : 0;
        memcpy(after, answer.message.v[1].text.p, next.n);
    } while (next.n > 0);
    if (o->json)
        json_print(list);
    else
        print_sessions(list, true);
    return EXIT_SUCCESS;
}

int command_sessions(int argc, char **argv)
{
    struct sessions_options o = {.socket = ADMIN_SOCKET};
    const struct option_row options[] = {
        {"user", "USER", "as root: the sessions of this user", .value = &o.user},
        {"all", NULL, "as root: the sessions of all users", .flag = &o.all},
        OPTION_SERVER(&o.server),
        ADMIN_ROW(&o.socket),
        OPTION_OUTPUT(&o.json),
        {0}};

    arguments_parse(argc, argv, options, 0);
    if (o.user && (o.all || !o.user[0]))
        bad_usage(argv[0], "expected either --user=USER or --all");
    return o.user || o.all ? list_others(argv[0], &o) : list_own(&o);
}

/* The id that begins with this text, of the only session that has such a one. */
static enum tok_err find_session(struct json_object *list, const char *text, const char **ret,
                                 struct errmsg *errmsg)
{
    struct json_object *found = NULL;

    for (size_t i = 0; i < json_length(list); i++) {
        struct json_object *session = json_object_array_get_idx(list, i);
        const char *sid = json_member_text(session, "sid");

        if (!sid || !text[0] || strncmp(sid, text, strlen(text)) != 0)
            continue;
        if (found)
            return errmsg_set(errmsg, TOK_FILE,
                              "'%s': several sessions begin with this; expected more letters",
                              text);
        found = session;
    }
    if (!found)
        return errmsg_set(errmsg, TOK_FILE,
                          "'%s': you have no session that begins with this; see: jwtctl "
                          "sessions",
                          text);
    if (is_current(found))
        return errmsg_set(errmsg, TOK_FILE, "'%s' is this session; end it with: jwtctl logout",
                          text);
    *ret = json_member_text(found, "sid");
    return TOK_OK;
}

/* *n: one more, if it was still live. */
static enum tok_err end_session(const struct client_session *s, const char *sid, int64_t *n,
                                struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err;

    if (asprintf(&path, "/api/sessions/%s/", sid) < 0)
        out_of_memory();
    err = session_send(s, (struct client_request){.method = "DELETE", .path = path}, &reply,
                       errmsg);
    *n += !err && reply.status != 404;
    return err;
}

static enum tok_err end_others(const struct client_session *s, struct json_object *list,
                               int64_t *n, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    for (size_t i = 0; !err && i < json_length(list); i++) {
        struct json_object *session = json_object_array_get_idx(list, i);
        const char *sid = json_member_text(session, "sid");

        if (sid && !is_current(session))
            err = end_session(s, sid, n, errmsg);
    }
    return err;
}

/* Nothing is ended unless all ids are found. */
static enum tok_err end_named(const struct client_session *s, struct json_object *list,
                              char **names, int64_t *n, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;
    const char *sid = NULL;

    for (char **name = names; !err && *name; name++)
        err = find_session(list, *name, &sid, errmsg);
    for (; !err && *names; names++) {
        err = find_session(list, *names, &sid, errmsg);
        if (!err)
            err = end_session(s, sid, n, errmsg);
    }
    return err;
}

static void report_ended(const struct client_session *s, int64_t n, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add_integer(answer, "ended", n);
    if (json)
        json_print(answer);
    else
        printf("%" PRId64 " session%s ended at %s\n", n, n == 1 ? "" : "s", s->server.p);
}

int command_sessions_end(int argc, char **argv)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct client_session s = {0};
    const char *server = NULL;
    bool others = false, json = false;
    const struct option_row options[] = {
        {"others", NULL, "end all of your sessions but this one", .flag = &others},
        OPTION_SERVER(&server),
        OPTION_OUTPUT(&json),
        {0},
    };
    struct errmsg errmsg;
    int64_t n = 0;
    enum tok_err err;

    arguments_parse(argc, argv, options, INT_MAX);
    if (others != (optind >= argc))
        bad_usage(argv[0], "expected ids of sessions, or --others alone");
    err = session_get(server, &s, &errmsg);
    if (!err)
        err = get_own(&s, &reply, &errmsg);
    if (!err)
        err = others ? end_others(&s, reply.body, &n, &errmsg)
                     : end_named(&s, reply.body, argv + optind, &n, &errmsg);
    if (!err || n > 0)
        report_ended(&s, n, json);
    return err ? print_failure(EXIT_FAILURE, &errmsg) : EXIT_SUCCESS;
}
