/* jwtctl askpass PROMPT, and libexec/jwt/askpass PROMPT: the password program of ssh and sudo.
 * Prints the answer; exit status 1 means no answer. */
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"
#include "jwtctl/run/askpass.h"
#include "jwtctl/run/prompt.h"
#include "jwtctl/terminal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What `jwtctl run` knows about its command. */
struct askpass_context {
    enum prompt_program program; /* PROMPT_ANY: answer with the session's own token */
    const char *host, *alias;    /* of ssh; NULL: unknown */
};

/* NULL when unset or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

static struct askpass_context read_context(void)
{
    const char *service = variable(ASKPASS_SERVICE);
    struct askpass_context c = {.host = variable(ASKPASS_HOST),
                                .alias = variable(ASKPASS_ALIAS)};

    if (service && strcmp(service, "sshd") == 0)
        c.program = PROMPT_SSH;
    else if (service && strcmp(service, "sudo") == 0)
        c.program = PROMPT_SUDO;
    return c;
}

static bool is_same_host(struct slice name, const char *other)
{
    return other && strlen(other) == name.n && strncasecmp(name.p, other, name.n) == 0;
}

/* True when the prompt names another host than the one that ssh goes to: a jump host, or a
 * server that chooses the prompt's text (ssh before 8.5). */
static bool is_other_host(const struct askpass_context *c, const struct prompt *p)
{
    return c->host && p->host.n > 0 && !is_same_host(p->host, c->host) &&
           !is_same_host(p->host, c->alias);
}

/* A one-time token for sshd at this host; p NULL: unknown. */
static enum tok_err get_ssh_token(const struct client_session *s, struct slice host,
                                  struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret audience = {0};
    struct narrow_request request = {.scope = ASKPASS_SSH_SCOPE, .one_time = true};
    enum tok_err err = narrow_audience(s, host, &audience, errmsg);

    if (err)
        return err;
    request.audience = audience.p;
    err = narrow_token(s, &request, ret, errmsg);
    if (err)
        print_error(
            "cannot get a one-time token; 'jwtctl run --whole' sends the session's own access "
            "token instead, which needs no server");
    return err;
}

static void take_session_token(struct client_session *s, struct secret *ret)
{
    *ret = s->access;
    s->access = (struct secret){0};
}

/* Without a server, the session's own token: root of this machine could read it anyway, and
 * sudo is needed to repair the daemon. */
static void get_sudo_token(struct client_session *s, struct secret *ret)
{
    const struct narrow_request request = {.scope = ASKPASS_SUDO_SCOPE};
    struct errmsg errmsg;

    if (narrow_token(s, &request, ret, &errmsg) != TOK_OK)
        take_session_token(s, ret);
}

static enum tok_err get_token(const struct askpass_context *c, const struct prompt *p,
                              struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    enum prompt_program program = p->program != PROMPT_ANY ? p->program : c->program;
    enum tok_err err = session_get(&s, errmsg);

    if (err)
        return err;
    if (c->program == PROMPT_ANY) {
        take_session_token(&s, ret);
        return TOK_OK;
    }
    if (program == PROMPT_SUDO) {
        get_sudo_token(&s, ret);
        return TOK_OK;
    }
    return get_ssh_token(&s, c->host ? slice_of(c->host) : p->host, ret, errmsg);
}

static enum tok_err get_answer(const char *text, struct secret *ret, struct errmsg *errmsg)
{
    struct prompt p = prompt_read(text);
    struct askpass_context c = read_context();

    /* ssh sets it ("confirm", "none") for prompts that want no password. */
    if (variable("SSH_ASKPASS_PROMPT") && p.kind == PROMPT_PASSWORD)
        p.kind = PROMPT_OTHER;
    if (p.kind == PROMPT_PASSWORD && !is_other_host(&c, &p))
        return get_token(&c, &p, ret, errmsg);
    return terminal_ask(text, p.kind == PROMPT_CONFIRM, ret, errmsg);
}

int askpass_answer(const char *prompt)
{
    CLEANUP(secret_clear) struct secret answer = {0};
    struct errmsg errmsg;

    if (get_answer(prompt, &answer, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    (void)fwrite(answer.p, 1, answer.n, stdout);
    putchar('\n');
    return EXIT_SUCCESS;
}

int command_askpass(int argc, char **argv)
{
    const struct option_row options[] = {{0}};
    int status = arguments_parse(argc, argv, options, ARGUMENTS_COMMAND);

    if (status)
        return status;
    if (argc - optind != 1)
        return bad_usage(argv[0], "expected one argument, the prompt");
    return askpass_answer(argv[optind]);
}
