#include "jwtctl/run/choose.h"

#include "jwtctl/audience.h"
#include "jwtctl/run/token.h"
#include "jwtctl/session.h"

#include <stdio.h>

/* How well the session fits; 0: not at all. */
typedef int fit_fn(const struct client_session *s, const void *arg);

static int fit_ssh(const struct client_session *s, const void *arg)
{
    const struct record *ssh = arg;

    return audience_fit(s, (const char *const[]){ssh->host, ssh->name, NULL});
}

static int fit_sudo(const struct client_session *s, const void *arg)
{
    return token_fits_sudo(s);
}

static enum tok_err list_logins(struct logins *ret, struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    const char *chosen = getenv(SERVER_VARIABLE);
    enum tok_err err = TOK_OK;

    if (chosen && chosen[0])
        return TOK_OK;
    err = logins_open(TOKEN_CACHE_READ, &c, errmsg);
    return err ? err : logins_list(&c, ret, errmsg);
}

static enum tok_err several_fit(const struct client_session *a, const struct client_session *b,
                                struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_AUDIENCE,
                      "several logins are for this host (%s, %s); choose one with: jwtctl use",
                      logins_name(a), logins_name(b));
}

/* The list begins with the one in use. Where none fits, that one has the reason. */
static enum tok_err choose(fit_fn *fit, const void *arg, struct client_session *ret,
                           struct errmsg *errmsg)
{
    CLEANUP(logins_clear) struct logins logins = {0};
    const struct client_session *best = NULL, *second = NULL;
    int best_fit = 0;
    enum tok_err err = list_logins(&logins, errmsg);

    if (err)
        return err;
    for (size_t i = 0; i < logins.n && logins.n > 1; i++) {
        const struct client_session *s = &logins.items[i];
        int n = s->access.p ? fit(s, arg) : 0;

        if (n > best_fit) {
            best = s;
            best_fit = n;
            second = NULL;
        } else if (n == best_fit && best && !best->in_use && !second) {
            second = s;
        }
    }
    if (second)
        return several_fit(best, second, errmsg);
    return session_get(best ? best->server.p : NULL, ret, errmsg);
}

enum tok_err choose_for_ssh(const struct record *ssh, struct client_session *ret,
                            struct errmsg *errmsg)
{
    /* Without a host, token_for_ssh() has the reason. */
    return ssh->host ? choose(fit_ssh, ssh, ret, errmsg) : session_get(NULL, ret, errmsg);
}

enum tok_err choose_for_sudo(struct client_session *ret, struct errmsg *errmsg)
{
    return choose(fit_sudo, NULL, ret, errmsg);
}

enum tok_err choose_any(struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(logins_clear) struct logins logins = {0};
    struct errmsg ignored;
    enum tok_err err = session_get(NULL, ret, errmsg);

    if (!err || list_logins(&logins, &ignored) != TOK_OK)
        return err;
    for (size_t i = 0; err && i < logins.n; i++) {
        if (logins.items[i].access.p && !logins.items[i].in_use)
            err = session_get(logins.items[i].server.p, ret, &ignored);
    }
    return err;
}
