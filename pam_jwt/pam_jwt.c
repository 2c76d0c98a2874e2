/*
 * pam_jwt: authentication by an access token in place of a password. pam_jwt(8) says what each
 * of the six entry points promises.
 */
#include "pam_jwt/auth_state.h"
#include "pam_jwt/call.h"
#include "pam_jwt/onetime.h"
#include "pam_jwt/pam_code.h"
#include "pam_jwt/report.h"
#include "pam_jwt/session_limit.h"
#include "pam_jwt/token_check.h"

#include <string.h>
#include <time.h>

#define ENTRY __attribute__((visibility("default")))

/* The service with which jwtd-login checks passwords. A token must not obtain new tokens. */
#define LOGIN_SERVICE "jwtd"

#define LIMIT_MAX (INT64_C(3650) * 86400) /* seconds of a session */

/* ---- pam_authenticate ---- */

static int refuse_at_login(const struct pam_call *call)
{
    const struct report report = {.err = TOK_SCOPE,
                                  .reason = "service",
                                  .detail = "a token cannot be used to obtain tokens"};

    report_result(call, &report);
    return PAM_AUTH_ERR;
}

static void report_rules(const struct pam_call *call, const struct resolved *r)
{
    const struct policy *p = &r->policy;
    const char *skipped;

    if (p->issuer)
        report_debug(
            call, "debug: settings: issuer=%s%s keys=%s revoked=%s user_claim=%s user_map=%s",
            p->issuer, r->foreign ? " ([Issuer] section)" : "", p->keys,
            r->list.fd >= 0 ? p->revoked : "none", p->user_claim,
            r->mapped ? p->user_map : "same");
    else
        report_debug(call,
                     "debug: no settings: the token is malformed, or they cannot be loaded");
    for (size_t i = 0; r->keys.set && (skipped = keyset_skipped(r->keys.set, i)); i++)
        report_debug(call, "debug: not used in %s: %s", p->keys, skipped);
}

/* Keeps what the next phases need, and takes the token off the handle, so that no later module
 * unlocks or sends anything with it. Using a one-time token up comes last: nothing after it can
 * refuse the login. */
static int store_result(const struct pam_call *call, struct token_check *c, int64_t now,
                        struct report *report)
{
    int rc = auth_state_store(call->pamh, &c->rules, &c->token);

    if (rc == PAM_SUCCESS)
        rc = pam_set_item(call->pamh, PAM_AUTHTOK, NULL);
    if (rc != PAM_SUCCESS) {
        report->err = TOK_NO_MEMORY;
    } else if (c->token.claims.one_time) {
        report->err =
            onetime_spend(c->ctx, c->rules.policy.issuer, &c->token.claims, now, &c->errmsg);
        if (report->err == TOK_FILE)
            report->shown = "this program cannot record the use of a one-time token";
        rc = pam_code_auth(report->err);
    }
    if (rc == PAM_SUCCESS)
        return PAM_SUCCESS;
    return auth_state_clear(call->pamh) == PAM_SUCCESS ? rc : PAM_BUF_ERR;
}

static int accept_token(const struct pam_call *call, struct token_check *c, int64_t now,
                        struct report *report)
{
    if (!call->account) {
        report->err = TOK_USER;
        report->reason = "no_account";
        report->detail = "no such account on this host";
        return PAM_USER_UNKNOWN;
    }
    if (call->account->pw_uid == 0 && !c->rules.policy.allow_root) {
        report->err = TOK_ROOT;
        return pam_code_auth(report->err);
    }
    return store_result(call, c, now, report);
}

static int authenticate(struct pam_call *call, struct slice token)
{
    CLEANUP(token_check_clear) struct token_check c = {.rules.list.fd = -1};
    struct report report = {0};
    char jti[VERIFY_ID_MAX + 1], sid[VERIFY_ID_MAX + 1];
    int64_t now = time(NULL);
    int rc;

    call_find_account(call);
    if (strcmp(call->service, LOGIN_SERVICE) == 0)
        return refuse_at_login(call);
    report.err = token_check(call, token, now, &c);
    report.detail = c.errmsg.text;
    report.authentic = c.token.authentic;
    if (c.token.authentic) {
        report.issuer = c.rules.policy.issuer;
        report.kid = c.token.kid;
        verify_id(c.token.claims.jti, jti);
        verify_id(c.token.claims.sid, sid);
        report.jti = jti;
        report.sid = sid;
    }
    report_rules(call, &c.rules);
    if (c.token.map_line)
        report_debug(call, "debug: line %u of the user map applies", c.token.map_line->line);
    rc = report.err ? pam_code_auth(report.err) : accept_token(call, &c, now, &report);
    report_result(call, &report);
    return rc;
}

ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct module_options options = {0};
    struct pam_call call = {.pamh = pamh, .flags = flags, .options = &options};
    struct slice token;
    /* Before the options: where they are wrong, a password may follow. */
    int rc = auth_state_clear(pamh);

    if (rc == PAM_SUCCESS)
        rc = options_read(pamh, argc, argv, &options);
    if (rc == PAM_SUCCESS)
        rc = call_read_names(&call);
    if (rc == PAM_SUCCESS)
        rc = call_read_token(&call, &token);
    if (rc != PAM_SUCCESS)
        return rc;
    /* Before any file is read: an error in one must not lock out passwords. */
    if (options.ignore_non_token && !jws_is_shaped(token))
        return PAM_IGNORE;
    return authenticate(&call, token);
}

/* ---- pam_acct_mgmt ---- */

/* Stacks ignore PAM_SERVICE_ERR, so that a wrong option locks out no password (pam_jwt(8)). A
 * login that a token opened cannot be checked or limited without the options, and is refused.
 */
static int read_options(const struct pam_call *call, int argc, const char **argv,
                        struct module_options *ret)
{
    int rc = options_read(call->pamh, argc, argv, ret);
    int64_t exp;

    if (rc != PAM_SERVICE_ERR)
        return rc;
    /* The environment may have lost what a child left in it, the note has not. */
    return auth_state_exists(call->pamh) || auth_state_exp(call->pamh, &exp) ? PAM_PERM_DENIED
                                                                             : rc;
}

/* Only a refusal is logged: the acceptance was, by pam_authenticate. */
static int check_again(struct pam_call *call)
{
    const struct auth_state *state = auth_state_get(call->pamh);
    struct report report = {.authentic = true};
    struct auth_env env = {0};
    struct errmsg errmsg = {""};

    if (!state && !auth_state_read_env(call->pamh, &env))
        return PAM_IGNORE;
    call_find_account(call);
    if (state) {
        report.issuer = state->policy.issuer;
        report.kid = state->kid;
        report.jti = state->jti;
        report.sid = state->sid;
        report.err = token_check_again(call, state, time(NULL), &errmsg);
    } else {
        report.err = token_check_env(call, &env, time(NULL), &errmsg);
    }
    if (report.err == TOK_OK)
        return PAM_SUCCESS;
    report.detail = errmsg.text;
    report_result(call, &report);
    return pam_code_account(report.err);
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct module_options options = {0};
    struct pam_call call = {.pamh = pamh, .flags = flags, .options = &options};
    int rc = read_options(&call, argc, argv, &options);

    if (rc == PAM_SUCCESS)
        rc = call_read_names(&call);
    return rc == PAM_SUCCESS ? check_again(&call) : rc;
}

/* ---- pam_setcred and the session ---- */

/* PAM_SUCCESS where this module authenticated, because PAM_IGNORE there fails a `sufficient`
 * stack; PAM_IGNORE where it did not, because PAM_SUCCESS there makes success=done skip the
 * setcred of the modules after it. */
static int authenticated_here(const struct pam_call *call)
{
    bool here = auth_state_exists(call->pamh);

    report_debug(call, "debug: authenticated by this module: %s", here ? "yes" : "no");
    return here ? PAM_SUCCESS : PAM_IGNORE;
}

/* A limit was asked for and cannot be had, so there is no session. sudo goes on after
 * PAM_SESSION_ERR. */
static int refuse_session(struct pam_call *call, enum tok_err err)
{
    const struct report report = {.err = err, .authentic = true};

    call_find_account(call);
    report_result(call, &report);
    return PAM_PERM_DENIED;
}

/* The session ends when the token expires. here: what authenticated_here() returned, which the
 * PAM environment decides where a child authenticated. */
static int limit_session(struct pam_call *call, int here)
{
    const struct auth_state *state = auth_state_get(call->pamh);
    const int64_t leeway = state ? state->policy.leeway : call->options->words.leeway;
    const int64_t now = time(NULL);
    int64_t exp, left;

    if (!auth_state_exp(call->pamh, &exp))
        return here == PAM_SUCCESS ? refuse_session(call, TOK_MISSING) : here;
    if (exp <= now - leeway)
        return refuse_session(call, TOK_EXPIRED);
    left = exp > now ? exp - now : 1; /* 0 would be no limit, and so would too large a number */
    if (left > LIMIT_MAX)
        left = LIMIT_MAX;
    report_debug(call, "debug: the session ends in %lld seconds", (long long)left);
    return session_limit_set(call->pamh, left);
}

ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct module_options options = {0};
    struct pam_call call = {.pamh = pamh, .flags = flags, .options = &options};
    int rc = options_read(pamh, argc, argv, &options);

    return rc == PAM_SUCCESS ? authenticated_here(&call) : rc;
}

ENTRY int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct module_options options = {0};
    struct pam_call call = {.pamh = pamh, .flags = flags, .options = &options};
    int here, rc = read_options(&call, argc, argv, &options);

    if (rc == PAM_SUCCESS)
        rc = call_read_names(&call);
    if (rc != PAM_SUCCESS)
        return rc;
    here = authenticated_here(&call);
    return options.session_limit ? limit_session(&call, here) : here;
}

ENTRY int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_sm_setcred(pamh, flags, argc, argv);
}

/* ---- pam_chauthtok ---- */

/* A token cannot be changed here; the modules of the password do it. */
ENTRY int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct module_options options = {0};
    int rc = options_read(pamh, argc, argv, &options);

    (void)flags;
    return rc == PAM_SUCCESS ? PAM_IGNORE : rc;
}
