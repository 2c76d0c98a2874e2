#include "pam_jwt/judge.h"

#include "pam_jwt/log.h"
#include "pam_jwt/onetime.h"
#include "pam_jwt/session.h"
#include "pam_jwt/token.h"
#include "pam_jwt/verdict.h"

#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <time.h>

/* The service by which jwtd-login asks PAM for a password. */
#define SERVICE_THAT_SELLS_TOKENS "jwtd"

#define LIMIT_MAX (INT64_C(3650) * 86400) /* seconds of a session */

static void tell(pam_handle_t *pamh, int flags, const struct options *o, enum tok_err err)
{
    if ((flags & PAM_SILENT) == 0 && !o->quiet && verdict_is_told(err))
        (void)pam_error(pamh, "pam_jwt: %s", tok_err_text(err));
}

static const char *detail_of(const struct errmsg *errmsg)
{
    return errmsg->text[0] ? errmsg->text : NULL;
}

static int refuse_at_login(pam_handle_t *pamh, struct log_event *event)
{
    event->err = TOK_SCOPE;
    event->reason = "service";
    event->detail = "a token buys no tokens";
    log_verdict(pamh, event);
    return PAM_AUTH_ERR;
}

/* The last step of all: nothing after it can refuse a login that cost a token. */
static int spend(struct token_check *c, int64_t now, struct log_event *event)
{
    if (!c->token.claims.one_time)
        return PAM_SUCCESS;
    event->err =
        onetime_spend(c->ctx, c->rules.policy.issuer, &c->token.claims, now, &c->errmsg);
    event->detail = detail_of(&c->errmsg);
    return verdict_auth(event->err);
}

/* The token holds: the account, what the next phases need, and the token off the handle, so
 * that no module after this one unlocks or sends anything with it. */
static int accept(pam_handle_t *pamh, struct token_check *c, const struct passwd *account,
                  int64_t now, struct log_event *event)
{
    int rc;

    if (!account) {
        event->err = TOK_USER;
        event->reason = "no_account";
        event->detail = "there is no such account here";
        return PAM_USER_UNKNOWN;
    }
    if (account->pw_uid == 0 && !c->rules.policy.allow_root) {
        event->err = TOK_ROOT;
        return verdict_auth(TOK_ROOT);
    }
    rc = session_keep(pamh, &c->rules, &c->token);
    if (rc == PAM_SUCCESS)
        rc = pam_set_item(pamh, PAM_AUTHTOK, NULL);
    if (rc != PAM_SUCCESS)
        event->err = TOK_NO_MEMORY;
    else
        rc = spend(c, now, event);
    if (rc == PAM_SUCCESS)
        return PAM_SUCCESS;
    return session_forget(pamh) == PAM_SUCCESS ? rc : PAM_BUF_ERR;
}

/* By whose rules, for who wonders why. */
static void debug_rules(pam_handle_t *pamh, const struct options *o, const struct resolved *r)
{
    const struct policy *p = &r->policy;

    if (p->issuer)
        log_debug(pamh, o,
                  "debug: rules: issuer=%s%s keys=%s revoked=%s user_claim=%s user_map=%s",
                  p->issuer, r->foreign ? " (its section)" : "", p->keys,
                  r->list.fd >= 0 ? p->revoked : "none", p->user_claim,
                  r->mapped ? p->user_map : "same");
    else
        log_debug(pamh, o, "debug: no rules were found, or none were asked");
}

int judge_token(pam_handle_t *pamh, int flags, const struct options *o,
                const struct asked *asked, struct slice token)
{
    CLEANUP(token_check_clear) struct token_check c = TOKEN_CHECK_EMPTY;
    const struct passwd *account = pam_modutil_getpwnam(pamh, asked->user);
    struct log_event event = {.service = asked->service, .account = account};
    char jti[VERIFY_ID_MAX + 1], sid[VERIFY_ID_MAX + 1];
    int64_t now = time(NULL);
    int rc;

    if (strcmp(asked->service, SERVICE_THAT_SELLS_TOKENS) == 0)
        return refuse_at_login(pamh, &event);
    event.err = token_check(o, asked, token, now, &c);
    event.detail = detail_of(&c.errmsg);
    if (c.token.authentic) {
        event.issuer = c.rules.policy.issuer;
        event.kid = c.token.kid;
        verify_id(c.token.claims.jti, jti);
        verify_id(c.token.claims.sid, sid);
        event.jti = jti;
        event.sid = sid;
    }
    debug_rules(pamh, o, &c.rules);
    rc = event.err == TOK_OK ? accept(pamh, &c, account, now, &event) : verdict_auth(event.err);
    log_verdict(pamh, &event);
    if (c.token.authentic)
        tell(pamh, flags, o, event.err);
    return rc;
}

int judge_account(pam_handle_t *pamh, int flags, const struct options *o,
                  const struct asked *asked)
{
    const struct session *session = session_data(pamh);
    struct session_env env = {0};
    struct log_event event = {.service = asked->service};
    struct errmsg errmsg = {""};

    if (session) {
        event.issuer = session->policy.issuer;
        event.kid = session->kid;
        event.jti = session->jti;
        event.sid = session->sid;
        event.err = token_check_again(session, asked, time(NULL), &errmsg);
    } else if (session_read_env(pamh, &env)) {
        event.err = token_check_env(o, &env, time(NULL), &errmsg);
    } else {
        return PAM_IGNORE;
    }
    if (event.err == TOK_OK)
        return PAM_SUCCESS;
    event.account = pam_modutil_getpwnam(pamh, asked->user);
    event.detail = detail_of(&errmsg);
    log_verdict(pamh, &event);
    tell(pamh, flags, o, event.err);
    return verdict_account(event.err);
}

int judge_ours(pam_handle_t *pamh, const struct options *o)
{
    bool ours = session_is_ours(pamh);

    log_debug(pamh, o, "debug: a token opened this login: %s", ours ? "yes" : "no");
    return ours ? PAM_SUCCESS : PAM_IGNORE;
}

/* The limit was asked for and can't be had: then there is no session. */
static int refuse_session(pam_handle_t *pamh, int flags, const struct options *o,
                          const struct asked *asked, enum tok_err err)
{
    struct log_event event = {.service = asked->service,
                              .account = pam_modutil_getpwnam(pamh, asked->user),
                              .err = err};

    log_verdict(pamh, &event);
    tell(pamh, flags, o, err);
    return PAM_SESSION_ERR;
}

int judge_session(pam_handle_t *pamh, int flags, const struct options *o,
                  const struct asked *asked)
{
    const struct session *session = session_data(pamh);
    const int64_t leeway = session ? session->policy.leeway : o->words.leeway;
    const int64_t now = time(NULL);
    int64_t exp, left;

    if (!session_exp(pamh, &exp))
        return refuse_session(pamh, flags, o, asked, TOK_MISSING);
    if (exp <= now - leeway)
        return refuse_session(pamh, flags, o, asked, TOK_EXPIRED);
    left = exp > now ? exp - now : 1; /* 0 would be no limit, and so would what is too large */
    if (left > LIMIT_MAX)
        left = LIMIT_MAX;
    log_debug(pamh, o, "debug: the session ends in %lld seconds", (long long)left);
    return session_limit(pamh, left);
}
