#include "pam_jwt/token_check.h"

#include "common/config/disabled.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define NO_LIST "none"

void token_check_clear(struct token_check *c)
{
    resolve_clear(&c->rules); /* the keys go before their context */
    OSSL_LIB_CTX_free(c->ctx);
    c->ctx = NULL;
    parsed_token_clear(&c->parsed);
}

static enum tok_err resolve(const struct module_options *o, struct token_check *c)
{
    struct resolve_params params = {
        .words = &o->words, .config = o->config, .trust = FILE_PUBLIC};

    c->ctx = OSSL_LIB_CTX_new();
    if (!c->ctx)
        return TOK_NO_MEMORY;
    params.ctx = c->ctx;
    return resolve_token(&params, &c->parsed, &c->rules, &c->errmsg);
}

static struct policy_params params_of(const struct pam_call *call, int64_t now)
{
    return (struct policy_params){.now = now,
                                  .user = slice_of(call->user),
                                  .service = slice_of(call->service),
                                  .accept_one_time = true,
                                  .host_key = host_key_check};
}

enum tok_err token_check(const struct pam_call *call, struct slice token, int64_t now,
                         struct token_check *ret)
{
    const struct policy_params params = params_of(call, now);
    enum tok_err err = disabled_check(&ret->errmsg);

    if (!err)
        err = token_parse(token, &ret->parsed);
    if (!err)
        err = ret->parsed.split_err;
    if (err)
        return err;
    (void)ERR_set_mark();
    err = resolve(call->options, ret);
    if (!err)
        err = resolve_verify(&ret->rules, &ret->parsed, &params, &ret->token, &ret->errmsg);
    if (!err && call->account)
        err = usermap_check_uid(ret->token.map_line, call->account->pw_uid, &ret->errmsg);
    (void)ERR_pop_to_mark();
    return err;
}

static enum tok_err check_list(const char *path, const char *sid, struct errmsg *errmsg)
{
    struct revoked list;
    enum tok_err err = revoked_open(path, FILE_PUBLIC, &list, errmsg);

    if (err)
        return err;
    err = revoked_check(&list, slice_of(sid));
    revoked_close(&list);
    return err;
}

enum tok_err token_check_again(const struct pam_call *call, const struct auth_state *state,
                               int64_t now, struct errmsg *errmsg)
{
    const struct policy *p = &state->policy;
    const struct claims_names names = policy_claims_names(p);
    struct policy_params params = params_of(call, now);
    const struct usermap_line *line = NULL;
    CLEANUP(usermap_clear) struct usermap map = {0};
    char user[USER_NAME_MAX + 1];
    struct claims claims;
    enum tok_err err = disabled_check(errmsg);

    if (err)
        return err;
    if (state->mapped) {
        err = resolve_map(p->user_map, FILE_PUBLIC, &map, errmsg);
        if (err)
            return err;
        params.map = &map;
        params.ret_map_line = &line;
    }
    (void)ERR_set_mark();
    err = claims_read(secret_slice(&state->payload), &names, &claims, errmsg);
    if (!err)
        err = policy_check(p, &claims, &params, user, errmsg);
    if (!err && call->account)
        err = usermap_check_uid(line, call->account->pw_uid, errmsg);
    (void)ERR_pop_to_mark();
    if (err || !state->has_list || !state->sid[0])
        return err;
    return check_list(p->revoked, state->sid, errmsg);
}

/* The local list may be missing on a host that has other issuers only. */
static enum tok_err check_local_list(const struct settings *settings, const char *sid,
                                     struct errmsg *errmsg)
{
    if (settings->n_issuers > 0 && access(POLICY_PINNED, F_OK) != 0 && errno == ENOENT)
        return TOK_OK;
    return check_list(POLICY_REVOKED, sid, errmsg);
}

static enum tok_err check_every_list(const struct module_options *o, const char *sid,
                                     struct errmsg *errmsg)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    struct resolve_params ask = {.words = &o->words, .config = o->config};
    enum tok_err err = resolve_settings(&ask, &settings, errmsg);

    if (err == TOK_OK)
        err = check_local_list(&settings, sid, errmsg);
    for (size_t i = 0; err == TOK_OK && i < settings.n_issuers; i++) {
        const struct policy *p = &settings.issuers[i];

        if (policy_given(p, "revoked") && strcmp(p->revoked, NO_LIST) != 0)
            err = check_list(p->revoked, sid, errmsg);
    }
    return err;
}

enum tok_err token_check_env(const struct pam_call *call, const struct auth_env *env,
                             int64_t now, struct errmsg *errmsg)
{
    const struct module_options *o = call->options;
    enum tok_err err = disabled_check(errmsg);

    if (err)
        return err;
    if (env->exp <= now - o->words.leeway)
        return TOK_EXPIRED;
    if (!env->sid[0])
        return TOK_OK;
    if (!policy_given(&o->words, "revoked"))
        return check_every_list(o, env->sid, errmsg);
    if (strcmp(o->words.revoked, NO_LIST) == 0)
        return TOK_OK;
    return check_list(o->words.revoked, env->sid, errmsg);
}
