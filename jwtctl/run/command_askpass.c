/* jwtctl askpass PROMPT, and libexec/jwt/askpass PROMPT: what ssh and sudo start to get a
 * password. Standard output is the answer; exit status 1 is "no answer". Where `jwtctl run`
 * knew what it started, a token is made for each question that opens nothing else. */
#include "jwtctl/run/askpass.h"

#include "common/base/cleanup.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"
#include "jwtctl/run/prompt.h"
#include "jwtctl/terminal.h"

#include <getopt.h>
#include <string.h>

/* What `jwtctl run` said: whom the command asks for a password, and which host ssh was told to
 * go to. Empty words count as none. */
struct said {
    enum prompt_asker asker; /* PROMPT_ANY: every question gets the whole token */
    const char *host, *alias;
};

static const char *word(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

static struct said read_said(void)
{
    const char *service = word(ASKPASS_SERVICE);
    struct said said = {.host = word(ASKPASS_HOST), .alias = word(ASKPASS_ALIAS)};

    if (service && strcmp(service, "sshd") == 0)
        said.asker = PROMPT_SSH;
    else if (service && strcmp(service, "sudo") == 0)
        said.asker = PROMPT_SUDO;
    return said;
}

static bool is_same(struct slice name, const char *other)
{
    return other && strlen(other) == name.n && strncasecmp(name.p, other, name.n) == 0;
}

/* The host that this question is for. False: ssh was told to go to one host, and another asks
 * (a jump host on the way, or an old ssh that lets the server choose the words): no token. */
static bool find_host(const struct said *said, const struct prompt *p, struct secret *ret)
{
    struct slice host = p->host;

    if (said->host && host.n > 0 && !is_same(host, said->host) && !is_same(host, said->alias))
        return false;
    if (said->host)
        host = slice_of(said->host);
    return secret_copy(host, ret) == TOK_OK;
}

/* For one login at the one host. */
static enum tok_err for_ssh(const struct session *s, const char *host, struct secret *ret,
                            struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret audience = {0};
    struct narrow n = {.scope = ASKPASS_SSH_SCOPE, .one_time = true};
    enum tok_err err = narrow_audience(s, host[0] ? host : NULL, &audience, errmsg);

    if (err)
        return err;
    n.audience = audience.p;
    err = narrow_token(s, &n, ret, errmsg);
    if (err)
        complain("no token for one login can be had; `jwtctl run --whole` gives the host the "
                 "session's own, which needs no server");
    return err;
}

/* This machine's root, who could read the session's own token anyway, gets that one where no
 * other can be had: sudo is what a daemon that is down is mended with. */
static void for_sudo(struct session *s, struct secret *ret)
{
    struct errmsg errmsg;

    if (narrow_token(s, &(struct narrow){.scope = ASKPASS_SUDO_SCOPE}, ret, &errmsg) == TOK_OK)
        return;
    *ret = s->access;
    s->access = (struct secret){0};
}

static enum tok_err get_token(const struct said *said, const struct prompt *p, const char *host,
                              struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct session s = {0};
    enum prompt_asker asker = p->asker != PROMPT_ANY ? p->asker : said->asker;
    enum tok_err err = session_get(&s, errmsg);

    if (err)
        return err;
    if (said->asker == PROMPT_ANY) {
        *ret = s.access;
        s.access = (struct secret){0};
        return TOK_OK;
    }
    if (asker == PROMPT_SSH)
        return for_ssh(&s, host, ret, errmsg);
    for_sudo(&s, ret);
    return TOK_OK;
}

/* ssh names a question that is no password's: "confirm", "none". */
static enum prompt_kind kind_of(const struct prompt *p)
{
    return word("SSH_ASKPASS_PROMPT") && p->kind == PROMPT_PASSWORD ? PROMPT_OTHER : p->kind;
}

static enum tok_err get_answer(const char *text, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret host = {0};
    struct prompt p = prompt_read(text);
    struct said said = read_said();

    switch (kind_of(&p)) {
    case PROMPT_PASSWORD:
        if (find_host(&said, &p, &host))
            return get_token(&said, &p, host.p, ret, errmsg);
        break;
    case PROMPT_CONFIRM:
        return terminal_ask(text, true, ret, errmsg);
    case PROMPT_OTHER:
        break;
    }
    return terminal_ask(text, false, ret, errmsg);
}

int askpass_answer(const char *prompt)
{
    CLEANUP(secret_clear) struct secret answer = {0};
    CLEANUP(text_clear) struct text line = {0};
    struct errmsg errmsg;

    if (get_answer(prompt, &answer, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    text_add(&line, secret_slice(&answer));
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_askpass(int argc, char **argv)
{
    static const struct option options[] = {{0}};

    if (getopt_long(argc, argv, "+", options, NULL) != -1)
        return EXIT_USAGE;
    if (argc - optind != 1)
        return complain_usage(argv[0], "one prompt is needed, as one argument");
    return askpass_answer(argv[optind]);
}
