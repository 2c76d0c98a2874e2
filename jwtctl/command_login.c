/* jwtctl login [USER]: obtains a pair of tokens with a password. */
#include "common/json/emit.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/terminal.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>

struct login_options {
    const char *user, *server;
    bool json;
};

static const char *own_name(void)
{
    const struct passwd *pw = getpwuid(getuid());

    return pw ? pw->pw_name : NULL;
}

static void parse_login(int argc, char **argv, struct login_options *o)
{
    const struct option_row options[] = {
        {"server", "URL", "an https URL; the default is the local server", .value = &o->server},
        OPTION_OUTPUT(&o->json),
        {0}};
    struct errmsg errmsg;

    arguments_parse(argc, argv, options, 1);
    if (client_check_server(o->server, &errmsg) != TOK_OK)
        bad_usage(argv[0], "--server: %s", errmsg.text);
    o->user = optind < argc ? argv[optind] : own_name();
    if (!o->user)
        bad_usage(argv[0], "no passwd entry for the current user; expected a user name");
    if (o->user[0] == '\0')
        bad_usage(argv[0], "expected a user name, found an empty argument");
}

static enum tok_err ask_password(const char *user, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *prompt = NULL;
    enum tok_err err;

    if (!isatty(STDIN_FILENO)) {
        err = terminal_read_line(STDIN_FILENO, ret, errmsg);
        return err ? errmsg_set(errmsg, err,
                                "expected the password as one line of standard input")
                   : err;
    }
    if (asprintf(&prompt, "Password for %s: ", user) < 0)
        out_of_memory();
    return terminal_ask(prompt, false, ret, errmsg);
}

static void emit_login(struct emit *out, const char *user, const struct secret *password)
{
    emit_begin(out);
    emit_member_string(out, "username", slice_of(user));
    emit_member_string(out, "password", secret_slice(password));
    emit_end(out);
}

/* Without json-c, which would leave copies of the password in freed memory. */
static void write_login(const char *user, const struct secret *password, struct secret *ret)
{
    struct emit out = {0};

    emit_login(&out, user, password);
    if (secret_alloc(out.n, ret) != TOK_OK)
        out_of_memory();
    out = (struct emit){.p = ret->p, .size = ret->n};
    emit_login(&out, user, password);
}

static enum tok_err obtain(const char *user, const struct secret *password,
                           struct client_session *s, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(secret_clear) struct secret body = {0};
    struct token_times times;
    enum tok_err err;

    write_login(user, password, &body);
    err = client_send(&(struct client_request){.server = s->server.p,
                                               .method = "POST",
                                               .path = "/api/token/",
                                               .body = secret_slice(&body),
                                               .seconds = CLIENT_PAIR_SECONDS},
                      &reply, errmsg);
    if (err)
        return err;
    if (reply.status == 401)
        return errmsg_set(errmsg, TOK_FILE,
                          "login failed: wrong password, or the account may not log in");
    if (reply.status != 200)
        return client_refused(s->server.p, &reply, errmsg);
    if (!session_take_token(&reply, "access", &s->access) ||
        !session_take_token(&reply, "refresh", &s->refresh) ||
        session_token_times(&s->access, &times) != TOK_OK ||
        session_token_times(&s->refresh, &times) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected an access and a refresh token in the reply",
                          s->server.p);
    return TOK_OK;
}

/* A session whose tokens cannot be saved is of no use to its user. */
static enum tok_err abandon(const struct client_session *s, const struct errmsg *cause,
                            struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    struct errmsg unused;
    bool ended = session_post_refresh(s, "/api/token/blacklist/", &reply, &unused) == TOK_OK &&
                 reply.status == 200;

    return errmsg_set(errmsg, TOK_FILE, "not logged in: the tokens cannot be saved: %s; %s",
                      cause->text,
                      ended ? "the new session was revoked"
                            : "the new session could not be revoked; after a successful login, "
                              "revoke it with: jwtctl logout --all");
}

/* What can be checked before the request is: a session that cannot be kept must not begin. */
static enum tok_err log_in(const struct login_options *o, struct client_session *s,
                           struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(secret_clear) struct secret password = {0};
    struct errmsg cause;
    enum tok_err err;

    err = token_cache_open(TOKEN_CACHE_CREATE, &c, errmsg);
    if (!err)
        err = ask_password(o->user, &password, errmsg);
    if (!err)
        err = token_cache_lock(&c, errmsg);
    if (!err)
        err = session_reserve(&c, s, errmsg);
    if (err)
        return err;
    if (secret_copy(slice_of(o->server), &s->server) != TOK_OK)
        out_of_memory();
    err = obtain(o->user, &password, s, errmsg);
    if (!err && session_write(&c, s, &cause) != TOK_OK)
        err = abandon(s, &cause, errmsg);
    return err;
}

static int report_login(const struct login_options *o, const struct client_session *s)
{
    CLEANUP(cleanup_json) struct json_object *answer = NULL;
    char until[FORMAT_MAX], span[FORMAT_MAX];
    struct token_times access, refresh;

    if (session_token_times(&s->refresh, &refresh) != TOK_OK ||
        session_token_times(&s->access, &access) != TOK_OK)
        return EXIT_FAILURE;
    if (!o->json) {
        printf("Logged in as %s until %s (access token valid for %s, refreshed when needed)\n",
               o->user, format_time(refresh.exp, until),
               format_span(access.exp - access.iat, span));
        return EXIT_SUCCESS;
    }
    answer = json_new_object();
    json_add_string(answer, "user", slice_of(o->user));
    json_add_string(answer, "server", slice_of(o->server));
    json_add_integer(answer, "access_expires", access.exp);
    json_add_integer(answer, "session_expires", refresh.exp);
    json_print(answer);
    return EXIT_SUCCESS;
}

int command_login(int argc, char **argv)
{
    CLEANUP(session_clear) struct client_session s = {0};
    struct login_options o = {.server = CLIENT_SOCKET};
    struct errmsg errmsg;

    parse_login(argc, argv, &o);
    if (log_in(&o, &s, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    return report_login(&o, &s);
}
