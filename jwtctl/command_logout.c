/* jwtctl logout: revokes the session at its server, or every session of its user, and removes
 * the tokens. */
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

#include <inttypes.h>
#include <stdio.h>

static enum tok_err forget(struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    enum tok_err err = token_cache_open(TOKEN_CACHE_READ, &c, errmsg);

    if (!err)
        err = token_cache_lock(&c, errmsg);
    return err ? err : token_cache_remove(&c, errmsg);
}

static int log_out_all(void)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg;
    int64_t n = 0;
    enum tok_err err = session_get(&s, &errmsg);

    if (!err)
        err = session_send(
            &s, (struct client_request){.method = "POST", .path = "/api/logout/all/"}, &reply,
            &errmsg);
    if (!err)
        err = forget(&errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (json_member_integer(reply.body, "ended", &n))
        printf("Logged out everywhere: %" PRId64 " session%s revoked\n", n, n == 1 ? "" : "s");
    else
        puts("Logged out everywhere");
    return EXIT_SUCCESS;
}

/* 401: the server has no such session any more. */
static enum tok_err end_session(const struct client_session *s, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err = session_post_refresh(s, "/api/token/blacklist/", &reply, errmsg);

    if (err || reply.status == 200 || reply.status == 401)
        return err;
    return client_refused(s->server.p, &reply, errmsg);
}

static int log_out(void)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg;
    enum tok_err err;

    err = token_cache_open(TOKEN_CACHE_READ, &c, &errmsg);
    if (!err)
        err = token_cache_lock(&c, &errmsg);
    if (!err)
        err = session_read(&c, &s, &errmsg);
    if (!err && s.server.p)
        err = end_session(&s, &errmsg);
    if (!err)
        err = token_cache_remove(&c, &errmsg);
    if (!err) {
        puts(s.server.p ? "Logged out" : "Not logged in");
        return EXIT_SUCCESS;
    }
    print_error("%s", errmsg.text);
    if (s.server.p)
        print_error("still logged in; the tokens are kept");
    return EXIT_FAILURE;
}

int command_logout(int argc, char **argv)
{
    bool all = false;
    const struct option_row options[] = {
        {"all", NULL, "revoke every session of the user", .flag = &all}, {0}};

    arguments_parse(argc, argv, options, 0);
    return all ? log_out_all() : log_out();
}
