/* jwtctl login [USER]: obtains a pair of tokens with a password, or by a token of another
 * issuer.
 */
#include "common/json/emit.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/exchange.h"
#include "jwtctl/otp.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/terminal.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct login_options {
    const char *user, *server, *name;
    const char *otp_command, *token_file;
    char **cacert; /* absolute; NULL: that of the login that is replaced */
    bool otp, json;
};

/* A login while it is made. */
struct new_login {
    struct token_cache cache;
    struct client_session session;
    struct client_session replaced; /* the one at the same server */
};

static void new_login_clear(struct new_login *n)
{
    token_cache_close(&n->cache);
    session_clear(&n->session);
    session_clear(&n->replaced);
}

/* What a login is made with. */
struct login_secrets {
    const char *user;
    struct secret password;
    struct secret otp;   /* empty: none was asked for */
    struct secret token; /* of another issuer, in place of both */
    bool otp_required;   /* by the server, after a login without one */
};

static void login_secrets_clear(struct login_secrets *l)
{
    secret_clear(&l->password);
    secret_clear(&l->otp);
    secret_clear(&l->token);
}

static const char *own_name(void)
{
    const struct passwd *pw = getpwuid(getuid());

    return pw ? pw->pw_name : NULL;
}

/* Later commands may have another working directory. */
static void parse_cacert(const char *command, const char *value, void *arg)
{
    char **to = arg, *path = realpath(value, NULL);

    if (!path)
        bad_usage(command, "--cacert=%s: %s", value, strerror(errno));
    free(*to);
    *to = path;
}

static void parse_login(int argc, char **argv, struct login_options *o)
{
    const struct option_row options[] = {
        {"server", "SERVER", "the server: an https URL, or the name of a login",
         .value = &o->server},
        {"cacert", "FILE", "the certificate authority of the server, in PEM",
         .parse = parse_cacert, .arg = o->cacert},
        {"name", "NAME", "the name of this login for --server", .value = &o->name},
        {"otp", NULL, "ask for a one-time code after the password", .flag = &o->otp},
        {"otp-command", "CMD", "a shell command that prints the one-time code",
         .value = &o->otp_command},
        {"token-file", "FILE", "exchange the token in this file; -: standard input",
         .value = &o->token_file},
        OPTION_OUTPUT(&o->json),
        {0},
    };

    arguments_parse(argc, argv, options, 1);
    if (o->otp && o->otp_command)
        bad_usage(argv[0], "--otp and --otp-command: expected one of them");
    if (o->token_file && (optind < argc || o->otp || o->otp_command))
        bad_usage(argv[0], "--token-file: expected neither a user, whom the token names, nor a "
                           "one-time code");
    if (o->token_file)
        return;
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

/* Without json-c, which would leave copies of the password in freed memory. */
static void emit_login(struct emit *out, const void *arg)
{
    const struct login_secrets *l = arg;

    emit_begin(out);
    emit_member_string(out, "username", slice_of(l->user));
    emit_member_string(out, "password", secret_slice(&l->password));
    if (l->otp.n > 0)
        emit_member_string(out, "otp", secret_slice(&l->otp));
    emit_end(out);
}

static enum tok_err refused_login(const struct client_reply *reply, struct login_secrets *l,
                                  struct errmsg *errmsg)
{
    const char *code = json_member_text(reply->body, "code");

    l->otp_required = l->otp.n == 0 && code && strcmp(code, "otp_required") == 0;
    if (l->otp_required)
        return errmsg_set(errmsg, TOK_FILE,
                          "login failed: the server requires a one-time code; use --otp or "
                          "--otp-command");
    return errmsg_set(errmsg, TOK_FILE,
                      "login failed: wrong password%s, or the account may not log in",
                      l->otp.n > 0 ? " or one-time code" : "");
}

static enum tok_err obtain(struct login_secrets *l, struct client_session *s,
                           struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(secret_clear) struct secret body = {0};
    struct token_times times;
    enum tok_err err;

    if (l->token.p)
        return exchange_token(&l->token, s, errmsg);
    if (emit_secret(emit_login, l, &body) != TOK_OK)
        out_of_memory();
    err = session_post(s, "/api/token/", secret_slice(&body), &reply, errmsg);
    if (err)
        return err;
    if (reply.status == 401)
        return refused_login(&reply, l, errmsg);
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
    struct errmsg unused;
    bool already;

    return errmsg_set(errmsg, TOK_FILE, "not logged in: the tokens cannot be saved: %s; %s",
                      cause->text,
                      session_end(s, &already, &unused) == TOK_OK
                          ? "the new session was revoked"
                          : "the new session could not be revoked; after a successful login, "
                            "revoke it with: jwtctl logout --all");
}

static enum tok_err ask_secrets(const struct login_options *o, struct login_secrets *l,
                                struct errmsg *errmsg)
{
    enum tok_err err;

    if (o->token_file)
        return exchange_read(o->token_file, &l->token, errmsg);
    err = ask_password(o->user, &l->password, errmsg);
    if (!err && o->otp)
        err = otp_ask(o->user, &l->otp, errmsg);
    if (!err && o->otp_command)
        err = otp_run(o->otp_command, &l->otp, errmsg);
    return err;
}

/* What is not given with the new login is that of the login that is replaced. */
static void copy_kept(const char *given, const struct secret *replaced, struct secret *ret)
{
    struct slice text = given ? slice_of(given) : secret_slice(replaced);

    secret_clear(ret);
    if (text.n > 0 && secret_copy(text, ret) != TOK_OK)
        out_of_memory();
}

static enum tok_err obtain_and_save(const struct login_options *o, struct login_secrets *l,
                                    struct new_login *n, struct errmsg *errmsg)
{
    enum tok_err err = token_cache_lock(&n->cache, errmsg);
    struct errmsg cause;

    if (err)
        return err;
    session_clear(&n->replaced);
    if (session_read(&n->cache, &n->replaced, &cause) != TOK_OK)
        print_error("warning: %s", cause.text);
    copy_kept(o->name, &n->replaced.name, &n->session.name);
    copy_kept(*o->cacert, &n->replaced.cacert, &n->session.cacert);
    err = session_reserve(&n->cache, &n->session, errmsg);
    if (!err)
        err = obtain(l, &n->session, errmsg);
    if (!err && session_write(&n->cache, &n->session, &cause) != TOK_OK)
        err = abandon(&n->session, &cause, errmsg);
    token_cache_unlock(&n->cache);
    return err;
}

/* What can be checked before the request is: a session that cannot be kept must not begin. No
 * prompt waits under the lock. */
static enum tok_err log_in(const struct login_options *o, struct new_login *n,
                           struct errmsg *errmsg)
{
    CLEANUP(login_secrets_clear) struct login_secrets l = {.user = o->user};
    enum tok_err err = ask_secrets(o, &l, errmsg);

    if (!err)
        err = obtain_and_save(o, &l, n, errmsg);
    if (!l.otp_required || !isatty(STDIN_FILENO))
        return err;
    err = otp_ask(o->user, &l.otp, errmsg);
    return err ? err : obtain_and_save(o, &l, n, errmsg);
}

/* What follows when the tokens are saved; a failure is no failure of the login. */
static void finish_login(struct new_login *l)
{
    struct errmsg cause;
    bool already;

    if (!l->session.in_use && logins_use(&l->cache, &l->session.server, &cause) != TOK_OK)
        print_error("warning: this login is not in use: %s", cause.text);
    if (l->replaced.access.p && session_end(&l->replaced, &already, &cause) != TOK_OK)
        print_error("warning: the session that this login replaces was not revoked: %s",
                    cause.text);
}

static void print_login_of(const char *user, const struct token_times *access, int64_t end)
{
    char until[FORMAT_MAX], span[FORMAT_MAX];

    printf("Logged in as ");
    print_word(user);
    printf(" until %s", format_time(end, until));
    if (end == access->exp)
        puts(" (access token only, it cannot be refreshed)");
    else
        printf(" (access token valid for %s, refreshed when needed)\n",
               format_span(access->exp - access->iat, span));
}

static int report_login(const struct login_options *o, const struct client_session *s)
{
    CLEANUP(cleanup_json) struct json_object *answer = NULL, *claims = NULL;
    struct token_times access, refresh;
    const char *user = o->user;

    if (session_end_times(s, &refresh) != TOK_OK ||
        session_token_times(&s->access, &access) != TOK_OK ||
        session_token_claims(&s->access, &claims) != TOK_OK)
        return EXIT_FAILURE;
    if (!user)
        user = json_member_text(claims, "sub");
    if (!o->json) {
        print_login_of(user, &access, refresh.exp);
        return EXIT_SUCCESS;
    }
    answer = json_new_object();
    json_add_string(answer, "user", slice_of(user ? user : ""));
    json_add_string(answer, "server", secret_slice(&s->server));
    json_add_integer(answer, "access_expires", access.exp);
    json_add_integer(answer, "session_expires", refresh.exp);
    json_print(answer);
    return EXIT_SUCCESS;
}

int command_login(int argc, char **argv)
{
    CLEANUP(new_login_clear) struct new_login l = {.cache = TOKEN_CACHE_CLOSED};
    CLEANUP(cleanup_free) char *cacert = NULL;
    struct login_options o = {.cacert = &cacert};
    struct errmsg errmsg;
    enum tok_err err;

    parse_login(argc, argv, &o);
    err = logins_open(TOKEN_CACHE_CREATE, &l.cache, &errmsg);
    if (!err)
        err = logins_select(&l.cache, o.server, &l.session, &errmsg);
    if (!err && o.name)
        err = logins_check_name(&l.cache, o.name, &l.session.server, &errmsg);
    if (err == TOK_SETTINGS)
        bad_usage(argv[0], "%s: %s", l.session.server.p ? "--name" : "--server", errmsg.text);
    if (!err)
        err = log_in(&o, &l, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    finish_login(&l);
    return report_login(&o, &l.session);
}
