/* jwtctl sessions: the live sessions of the caller; for root also those of other users. */
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/logins.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <string.h>

struct sessions_options {
    const char *user, *server, *socket;
    bool all, json;
};

static void print_time(struct json_object *session, const char *name)
{
    char time[FORMAT_MAX];
    int64_t t;

    printf("  %s", json_member_integer(session, name, &t) ? format_time(t, time) : "-");
}

/* "uid 1000" is the only form with a space. */
static void print_source(const char *source)
{
    bool uid = source && strncmp(source, "uid ", 4) == 0;

    printf(uid ? "  uid " : "  ");
    print_word(uid ? source + 4 : source);
}

static void print_session(struct json_object *session, bool with_user)
{
    print_word(json_member_text(session, "sid"));
    if (with_user) {
        printf("  ");
        print_word(json_member_text(session, "user"));
    }
    print_time(session, "created");
    print_time(session, "last_used");
    print_time(session, "expires");
    print_source(json_member_text(session, "source"));
    puts(json_object_get_boolean(json_member(session, "current")) ? "  (this one)" : "");
}

static void print_sessions(struct json_object *list, bool with_user, bool json)
{
    if (json) {
        json_print(list);
        return;
    }
    printf("SESSION  %sSINCE  LAST USED  UNTIL  FROM\n", with_user ? "USER  " : "");
    for (size_t i = 0; i < json_length(list); i++)
        print_session(json_object_array_get_idx(list, i), with_user);
}

static int not_a_list(void)
{
    print_error("expected a list of sessions in the reply");
    return EXIT_FAILURE;
}

static int list_own(const struct sessions_options *o)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg;
    enum tok_err err = session_get(o->server, &s, &errmsg);

    if (!err)
        err =
            session_send(&s, (struct client_request){.method = "GET", .path = "/api/sessions/"},
                         &reply, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (!json_object_is_type(reply.body, json_type_array))
        return not_a_list();
    print_sessions(reply.body, false, o->json);
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
            return not_a_list();
        for (size_t i = 0; i < json_length(page); i++)
            json_append(list, json_object_get(json_object_array_get_idx(page, i)));
        next.n = answer.message.v[1].text.n == sizeof(after) ? sizeof(after) : 0;
        memcpy(after, answer.message.v[1].text.p, next.n);
    } while (next.n > 0);
    print_sessions(list, true, o->json);
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
