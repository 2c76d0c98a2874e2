/* jwtctl logout: revokes the session at its server, or every session of its user, and removes
 * the tokens. */
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

#include <inttypes.h>
#include <stdio.h>

struct logout_options {
    const char *server;
    bool all, forget;
};

/* Removes the tokens; with --forget also the name of the login. */
static enum tok_err forget(const struct logout_options *o, struct token_cache *c,
                           const struct client_session *s, struct errmsg *errmsg)
{
    return o->forget ? token_cache_remove(c, errmsg) : session_forget(c, s, errmsg);
}

/* The file of the login, locked. *ret: it has no tokens when the user is not logged in. */
static enum tok_err open_login(const struct logout_options *o, struct token_cache *c,
                               struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session selected = {0};
    enum tok_err err = logins_open(TOKEN_CACHE_READ, c, errmsg);

    if (!err)
        err = logins_select(c, o->server, &selected, errmsg);
    if (!err)
        err = token_cache_lock(c, errmsg);
    if (!err)
        err = session_read(c, ret, errmsg);
    if (err || ret->server.p)
        return err;
    ret->server = selected.server;
    selected.server = (struct secret){0};
    return TOK_OK;
}

static int log_out_all(struct logout_options *o)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct client_session s = {0}, kept = {0};
    struct errmsg errmsg;
    int64_t n = 0;
    enum tok_err err = session_get(o->server, &s, &errmsg);

    if (!err)
        err = session_send(
            &s, (struct client_request){.method = "POST", .path = "/api/logout/all/"}, &reply,
            &errmsg);
    o->server = s.server.p;
    if (!err)
        err = open_login(o, &c, &kept, &errmsg);
    if (!err)
        err = forget(o, &c, &kept, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (json_member_integer(reply.body, "ended", &n))
        printf("%" PRId64 " session%s ended at %s; tokens removed here\n", n, n == 1 ? "" : "s",
               s.server.p);
    else
        printf("All sessions ended at %s; tokens removed here\n", s.server.p);
    return EXIT_SUCCESS;
}

static int report_logout(const struct client_session *s, bool already)
{
    if (already)
        printf("The session at %s had already ended; tokens removed here\n", s->server.p);
    else
        printf("Session ended at %s; tokens removed here\n", s->server.p);
    return EXIT_SUCCESS;
}

/* The session was not ended: a copy of its tokens would still be valid. */
static int report_session_lives(const struct client_session *s, const struct errmsg *cause)
{
    struct token_times refresh = {0};
    char time[FORMAT_MAX];

    print_error("%s", cause->text);
    if (session_end_times(s, &refresh) != TOK_OK)
        refresh.exp = 0;
    print_error("tokens removed here; the session was not ended and lasts until %s",
                format_time(refresh.exp, time));
    return EXIT_FAILURE;
}

static int log_out(const struct logout_options *o)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg, cause;
    bool already = false;
    enum tok_err end_err = TOK_OK, err = open_login(o, &c, &s, &errmsg);

    if (!err && s.access.p)
        end_err = session_end(&s, &already, &cause);
    if (!err && (s.access.p || o->forget))
        err = forget(o, &c, &s, &errmsg);
    if (end_err && err)
        print_error("%s", cause.text);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (end_err)
        return report_session_lives(&s, &cause);
    if (s.access.p)
        return report_logout(&s, already);
    printf("Not logged in at %s\n", s.server.p);
    return EXIT_SUCCESS;
}

int command_logout(int argc, char **argv)
{
    struct logout_options o = {0};
    const struct option_row options[] = {
        {"all", NULL, "revoke every session of the user at that server", .flag = &o.all},
        {"forget", NULL, "remove the name of the login, too", .flag = &o.forget},
        OPTION_SERVER(&o.server),
        {0},
    };

    arguments_parse(argc, argv, options, 0);
    return o.all ? log_out_all(&o) : log_out(&o);
}
