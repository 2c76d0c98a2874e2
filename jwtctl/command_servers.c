/* jwtctl servers: the logins that are kept. jwtctl use: chooses the one for later commands. */
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/table.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>

/* What is known without the server. */
struct login_facts {
    struct json_object *claims;
    const char *user; /* NULL: unknown; lives as long as the claims */
    int64_t until;    /* 0: not logged in */
};

static void login_facts_clear(struct login_facts *f)
{
    json_object_put(f->claims);
}

static void read_facts(const struct client_session *s, struct login_facts *ret)
{
    struct token_times times;

    if (!s->access.p)
        return;
    if (session_token_claims(&s->access, &ret->claims) == TOK_OK)
        ret->user = json_member_text(ret->claims, "sub");
    if (session_end_times(s, &times) == TOK_OK)
        ret->until = times.exp;
}

static void print_table(const struct logins *l)
{
    static const struct table_column columns[] = {
        {"", 0}, {"NAME", 24}, {"USER", 16}, {"LOGGED IN UNTIL", 0}, {"SERVER", 0}};
    struct table table = {.columns = columns, .n_columns = 5};

    for (size_t i = 0; i < l->n; i++) {
        const struct client_session *s = &l->items[i];
        CLEANUP(login_facts_clear) struct login_facts facts = {0};
        char until[FORMAT_MAX];

        read_facts(s, &facts);
        table_add(&table, s->in_use ? "*" : " ");
        table_add(&table, logins_name(s));
        table_add(&table, facts.user);
        table_add(&table, facts.until <= 0            ? "not logged in"
                          : facts.until <= time(NULL) ? "expired"
                                                      : format_time(facts.until, until));
        table_add(&table, s->server.p);
    }
    table_print(&table);
}

static void print_servers_json(const struct logins *l)
{
    CLEANUP(cleanup_json) struct json_object *list = json_new_array();

    for (size_t i = 0; i < l->n; i++) {
        const struct client_session *s = &l->items[i];
        struct json_object *row = json_new_object();
        CLEANUP(login_facts_clear) struct login_facts facts = {0};

        read_facts(s, &facts);
        json_add_string(row, "name", slice_of(logins_name(s)));
        json_add_string(row, "server", secret_slice(&s->server));
        json_add_bool(row, "in_use", s->in_use);
        json_add_string(row, "user",
                        facts.user ? slice_of(facts.user) : (struct slice){NULL, 0});
        if (facts.until > 0)
            json_add_integer(row, "session_expires", facts.until);
        json_append(list, row);
    }
    json_print(list);
}

int command_servers(int argc, char **argv)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(logins_clear) struct logins logins = {0};
    bool json = false;
    const struct option_row options[] = {OPTION_OUTPUT(&json), {0}};
    struct errmsg errmsg;
    enum tok_err err;

    arguments_parse(argc, argv, options, 0);
    err = logins_open(TOKEN_CACHE_READ, &c, &errmsg);
    if (!err)
        err = logins_list(&c, &logins, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (logins.damaged.text[0])
        print_error("warning: %s", logins.damaged.text);
    if (json)
        print_servers_json(&logins);
    else if (logins.n > 0)
        print_table(&logins);
    else
        print_error("no login is kept; log in with: jwtctl login");
    return EXIT_SUCCESS;
}

int command_use(int argc, char **argv)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(session_clear) struct client_session selected = {0}, kept = {0};
    const struct option_row options[] = {{0}};
    struct errmsg errmsg;
    enum tok_err err;

    arguments_parse(argc, argv, options, 1);
    if (optind >= argc)
        bad_usage(argv[0], "expected the name or the URL of a server; see: jwtctl servers");
    err = logins_open(TOKEN_CACHE_READ, &c, &errmsg);
    if (!err)
        err = logins_select(&c, argv[optind], &selected, &errmsg);
    if (!err)
        err = session_read(&c, &kept, &errmsg);
    if (!err && !kept.server.p && strcmp(selected.server.p, CLIENT_SOCKET) != 0)
        err = errmsg_set(&errmsg, TOK_FILE,
                         "%s: no login is kept; log in with: jwtctl login --server=%s",
                         selected.server.p, selected.server.p);
    if (!err && c.dir >= 0)
        err = logins_use(&c, &selected.server, &errmsg);
    if (err)
        return print_failure(err == TOK_SETTINGS ? EXIT_USAGE : EXIT_FAILURE, &errmsg);
    printf("The login in use is %s, at %s\n", logins_name(kept.server.p ? &kept : &selected),
           selected.server.p);
    return EXIT_SUCCESS;
}
