/* jwtctl logout: ends the session, or every session of its user, at the server; then forgets it
 * here. */
#include "common/base/cleanup.h"
#include "jwtctl/client.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

#include <getopt.h>
#include <stdio.h>

/* 401 is the server's word that there is no such session any more: what was wanted. */
static enum tok_err end_session(const struct session *s, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err = session_post(s, "/api/token/blacklist/", &reply, errmsg);

    if (err || reply.status == 200 || reply.status == 401)
        return err;
    return client_refused(s->server.p, &reply, errmsg);
}

/* The access token speaks for its user; it is exchanged first when it is about to expire. */
static int log_out_all(void)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(cache_close) struct cache c = {.dir = -1};
    CLEANUP(session_clear) struct session s = {0};
    struct errmsg errmsg;
    int64_t n = 0;
    enum tok_err err;

    err = session_get(&s, &errmsg);
    if (!err)
        err = session_ask(&s, "POST", "/api/logout/all/", NULL, &reply, &errmsg);
    if (!err)
        err = cache_open(CACHE_LOOK, &c, &errmsg);
    if (!err)
        err = cache_lock(&c, &errmsg);
    if (!err)
        err = cache_remove(&c, &errmsg);
    if (err) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    if (text_integer(text_slice(&reply.body), "ended", &n) == TOK_OK)
        printf("Logged out everywhere: %lld session%s ended\n", (long long)n,
               n == 1 ? "" : "s");
    else
        puts("Logged out everywhere");
    return EXIT_SUCCESS;
}

/* *ret_was: there was a session to end. */
static enum tok_err log_out(bool *ret_was, struct errmsg *errmsg)
{
    CLEANUP(cache_close) struct cache c = {.dir = -1};
    CLEANUP(session_clear) struct session s = {0};
    enum tok_err err;

    err = cache_open(CACHE_LOOK, &c, errmsg);
    if (!err)
        err = cache_lock(&c, errmsg);
    if (!err)
        err = session_read(&c, &s, errmsg);
    if (err)
        return err;
    *ret_was = s.server.p != NULL;
    if (s.server.p)
        err = end_session(&s, errmsg);
    return err ? err : cache_remove(&c, errmsg);
}

int command_logout(int argc, char **argv)
{
    static const struct option options[] = {{"all", no_argument, NULL, 'a'}, {0}};
    bool was = false, all = false;
    struct errmsg errmsg;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'a')
            return EXIT_USAGE;
        all = true;
    }
    if (optind < argc)
        return complain_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    if (all)
        return log_out_all();
    if (log_out(&was, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        if (was)
            complain("still logged in: the tokens are kept");
        return EXIT_FAILURE;
    }
    puts(was ? "Logged out" : "Nobody was logged in");
    return EXIT_SUCCESS;
}
