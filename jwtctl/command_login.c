/* jwtctl login [USER]: a password buys a pair of tokens. */
#include "common/base/cleanup.h"
#include "jwtctl/client.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/terminal.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct login {
    const char *user, *server;
    bool json;
};

static int parse(int argc, char **argv, struct login *l)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {0},
    };
    struct errmsg errmsg;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 's')
            l->server = optarg;
        else if (c == 'j')
            l->json = true;
        else
            return EXIT_USAGE;
    }
    if (argc - optind > 1)
        return complain_usage(argv[0], "one user at most, not '%s' too", argv[optind + 1]);
    if (client_check_server(l->server, &errmsg) != TOK_OK)
        return complain_usage(argv[0], "--server: %s", errmsg.text);
    l->user = argv[optind];
    if (l->user && l->user[0] == '\0')
        return complain_usage(argv[0], "the user's name is empty");
    return EXIT_SUCCESS;
}

static enum tok_err ask_password(const char *user, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *prompt = NULL;
    enum tok_err err;

    if (!isatty(STDIN_FILENO)) {
        err = terminal_read_line(STDIN_FILENO, ret, errmsg);
        return err ? errmsg_set(errmsg, err, "no password on standard input") : err;
    }
    if (asprintf(&prompt, "Password for %s: ", user) < 0) {
        prompt = NULL;
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    }
    return terminal_ask(prompt, false, ret, errmsg);
}

static enum tok_err take_pair(const struct client_reply *reply, struct session *s,
                              struct errmsg *errmsg)
{
    int64_t iat, exp;

    if (text_member(text_slice(&reply->body), "access", &s->access) != TOK_OK ||
        text_member(text_slice(&reply->body), "refresh", &s->refresh) != TOK_OK ||
        session_token_times(secret_slice(&s->access), &iat, &exp) != TOK_OK ||
        session_token_times(secret_slice(&s->refresh), &iat, &exp) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "%s: the reply holds no pair of tokens",
                          s->server.p);
    return TOK_OK;
}

static enum tok_err buy(const char *user, const struct secret *password, struct session *s,
                        struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(text_clear) struct text body = {0};
    enum tok_err err;

    text_puts(&body, "{\"username\":");
    text_json(&body, slice_of(user));
    text_puts(&body, ",\"password\":");
    text_json(&body, secret_slice(password));
    text_puts(&body, "}");
    err = client_ask(
        s->server.p,
        &(struct client_request){.method = "POST", .path = "/api/token/", .body = &body},
        &reply, errmsg);
    if (err)
        return err;
    if (reply.status == 401)
        return errmsg_set(errmsg, TOK_FILE,
                          "login refused: a wrong password, or no account that may log in");
    if (reply.status != 200)
        return client_refused(s->server.p, &reply, errmsg);
    return take_pair(&reply, s, errmsg);
}

/* The cache is opened before the password is asked for: a session that can't be kept is not
 * to be begun. */
static enum tok_err log_in(const struct login *l, struct session *s, struct errmsg *errmsg)
{
    CLEANUP(cache_close) struct cache c = {.dir = -1};
    CLEANUP(secret_clear) struct secret password = {0};
    enum tok_err err;

    err = cache_open(CACHE_CREATE, &c, errmsg);
    if (!err)
        err = ask_password(l->user, &password, errmsg);
    if (err)
        return err;
    if (secret_copy(slice_of(l->server), &s->server))
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    err = buy(l->user, &password, s, errmsg);
    if (!err)
        err = cache_lock(&c, errmsg);
    return err ? err : session_write(&c, s, errmsg);
}

static int report(const struct login *l, const struct session *s)
{
    CLEANUP(text_clear) struct text line = {0};
    char until[SAY_MAX], span[SAY_MAX];
    int64_t iat = 0, exp = 0, end = 0;

    if (session_token_times(secret_slice(&s->refresh), &iat, &end) != TOK_OK ||
        session_token_times(secret_slice(&s->access), &iat, &exp) != TOK_OK)
        return EXIT_FAILURE;
    if (!l->json) {
        printf("Logged in as %s until %s (access token %s, refreshed by itself)\n", l->user,
               say_time(end, until), say_span(exp - iat, span));
        return EXIT_SUCCESS;
    }
    text_puts(&line, "{\"user\":");
    text_json(&line, slice_of(l->user));
    text_puts(&line, ",\"server\":");
    text_json(&line, secret_slice(&s->server));
    text_puts(&line, ",\"access_expires\":");
    text_json_int(&line, exp);
    text_puts(&line, ",\"session_expires\":");
    text_json_int(&line, end);
    text_puts(&line, "}");
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_login(int argc, char **argv)
{
    CLEANUP(session_clear) struct session s = {0};
    struct login l = {.server = CLIENT_SOCKET};
    const struct passwd *pw;
    struct errmsg errmsg;
    int status = parse(argc, argv, &l);

    if (status)
        return status;
    if (!l.user) {
        pw = getpwuid(getuid());
        l.user = pw ? pw->pw_name : NULL;
    }
    if (!l.user)
        return complain_usage(argv[0], "you have no name here: name the user");
    if (log_in(&l, &s, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    return report(&l, &s);
}
