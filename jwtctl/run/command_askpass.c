/* jwtctl askpass PROMPT, and libexec/jwt/askpass PROMPT: what ssh and sudo start to get a
 * password. The answer goes to standard output; the exit status is 1 when there is none. Where
 * `jwtctl run` knows what it started, each prompt is answered by a token narrowed to it. */
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

/* What `jwtctl run` said of the command. */
struct askpass_context {
    enum prompt_program program; /* PROMPT_ANY: each prompt gets the session's own token */
    const char *host, *alias;    /* that ssh goes to, and asks by; NULL: unknown */
};

/* NULL for an empty one too. */
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

/* True when ssh goes to one host and another one asks: a jump host, or, before ssh 8.5, a
 * server that chooses the prompt's text. */
static bool is_other_host(const struct askpass_context *c, const struct prompt *p)
{
    return c->host && p->host.n > 0 && !is_same_host(p->host, c->host) &&
           !is_same_host(p->host, c->alias);
}

/* For one login at this host; p NULL: unknown. */
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
        print_error("no token for one login can be had; `jwtctl run --whole` gives the host "
                    "the session's own, which needs no server");
    return err;
}

static void take_session_token(struct client_session *s, struct secret *ret)
{
    *ret = s->access;
    s->access = (struct secret){0};
}

/* Without the server, the session's own token: the root of this machine could read it anyway,
 * and sudo is what a broken daemon is repaired with. */
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

    /* ssh sets it for prompts that no password answers: "confirm", "none". */
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
    const struct argument_option options[] = {{0}};
    int status = arguments_parse(argc, argv, options, ARGUMENTS_COMMAND);

    if (status)
        return status;
    if (argc - optind != 1)
        return print_usage_error(argv[0], "one prompt is needed, as one argument");
    return askpass_answer(argv[optind]);
}
