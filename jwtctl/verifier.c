#include "jwtctl/verifier.h"

#include "common/config/disabled.h"
#include "jwtctl/output.h"
#include "jwtctl/safe_text.h"

#include <pwd.h>
#include <stdio.h>

void verifier_close(struct verifier *v)
{
    for (size_t i = 0; v->rules && i <= v->settings.n_issuers; i++) {
        if (v->rules[i].loaded && v->rules[i].err == TOK_OK)
            resolve_clear(&v->rules[i].rules);
    }
    free(v->rules);
    settings_clear(&v->settings);
    parsed_token_clear(&v->token);
    *v = (struct verifier){0};
}

enum tok_err verifier_open(const struct resolve_params *params, struct verifier *ret,
                           struct errmsg *errmsg)
{
    struct verifier v = {.params = *params};
    enum tok_err err = resolve_settings(params, &v.settings, errmsg);

    if (err)
        return err;
    v.rules = calloc(v.settings.n_issuers + 1, sizeof(*v.rules));
    if (!v.rules)
        out_of_memory();
    *ret = v;
    return TOK_OK;
}

static struct verifier_rules *find_rules(struct verifier *v)
{
    const struct policy *section = resolve_section(&v->settings, &v->token);
    struct verifier_rules *r =
        &v->rules[section ? (size_t)(section - v->settings.issuers) : v->settings.n_issuers];

    if (!r->loaded) {
        r->loaded = true;
        r->err = resolve_load(&v->params, &v->settings, section, &r->rules, &r->errmsg);
    }
    return r;
}

/* pam_jwt refuses a user without an account in any case. */
static enum tok_err check_mapped(const struct verify_result *token, struct errmsg *errmsg)
{
    const struct passwd *account = token->map_line ? getpwnam(token->user) : NULL;

    return account ? usermap_check_uid(token->map_line, account->pw_uid, errmsg) : TOK_OK;
}

void verifier_check(struct verifier *v, struct slice token, const struct policy_params *check,
                    struct verifier_result *ret)
{
    ret->errmsg = (struct errmsg){""};
    parsed_token_clear(&v->token);
    ret->err = disabled_check(&ret->errmsg);
    if (!ret->err)
        ret->err = token_parse(jws_trim(token), &v->token);
    if (!ret->err) {
        struct verifier_rules *r = find_rules(v);

        ret->err = r->err;
        ret->errmsg = r->errmsg;
        if (!ret->err)
            ret->err = resolve_verify(&r->rules, &v->token, check, &ret->token, &ret->errmsg);
        if (!ret->err)
            ret->err = check_mapped(&ret->token, &ret->errmsg);
    }
    if (!*ret->errmsg.text)
        (void)errmsg_set(&ret->errmsg, ret->err, "%s", tok_err_text(ret->err));
}

void print_disabled(void)
{
    struct errmsg errmsg;

    if (disabled_check(&errmsg) != TOK_OK)
        print_error("%s", errmsg.text);
}

void verifier_print(const struct verifier_result *r)
{
    if (r->err == TOK_OK)
        printf("accepted, for user ");
    else
        printf("%s: ", tok_err_is_ours(r->err) ? "not verified" : "refused");
    safe_text_print(stdout, slice_of(r->err ? r->errmsg.text : r->token.user));
    putchar('\n');
}

struct json_object *verifier_json(const struct verifier_result *r)
{
    struct json_object *json = json_new_object();

    json_add_bool(json, "valid", r->err == TOK_OK);
    if (r->err == TOK_OK) {
        json_add_string(json, "user", slice_of(r->token.user));
        if (r->token.map_line)
            json_add_integer(json, "user_map_line", r->token.map_line->line);
        json_add_verbatim(json, "claims", r->token.payload);
    } else {
        json_add_string(json, "error", slice_of(tok_err_word(r->err)));
        json_add_string(json, "reason", slice_of(r->errmsg.text));
    }
    return json;
}
