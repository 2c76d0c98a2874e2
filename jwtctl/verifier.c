#include "jwtctl/verifier.h"

void judge_close(struct judge *j)
{
    for (size_t i = 0; j->rules && i <= j->settings.n_issuers; i++) {
        if (j->rules[i].tried && j->rules[i].err == TOK_OK)
            resolve_clear(&j->rules[i].rules);
    }
    free(j->rules);
    settings_clear(&j->settings);
    parsed_token_clear(&j->token);
    *j = (struct judge){0};
}

enum tok_err judge_open(const struct resolve_params *ask, struct judge *ret,
                        struct errmsg *errmsg)
{
    struct judge j = {.ask = *ask};
    enum tok_err err;

    err = resolve_settings(ask, &j.settings, errmsg);
    if (err)
        return err;
    j.rules = calloc(j.settings.n_issuers + 1, sizeof(*j.rules));
    if (!j.rules) {
        judge_close(&j);
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    }
    *ret = j;
    return TOK_OK;
}

static struct judge_rules *find_rules(struct judge *j)
{
    const struct settings_issuer *section = resolve_section(&j->settings, &j->token);
    struct judge_rules *r;

    r = &j->rules[section ? (size_t)(section - j->settings.issuers) : j->settings.n_issuers];
    if (!r->tried) {
        r->tried = true;
        r->err = resolve_load(&j->ask, &j->settings, section, &r->rules, &r->errmsg);
    }
    return r;
}

void judge_token(struct judge *j, struct slice token, const struct policy_params *check,
                 struct judgement *ret)
{
    struct judge_rules *r;

    ret->errmsg = (struct errmsg){""};
    parsed_token_clear(&j->token);
    ret->err = token_parse(token, &j->token);
    if (!ret->err) {
        r = find_rules(j);
        ret->err = r->err;
        ret->errmsg = r->errmsg;
    }
    if (!ret->err)
        ret->err = resolve_verify(&r->rules, &j->token, check, &ret->result, &ret->errmsg);
    if (!*ret->errmsg.text)
        (void)errmsg_set(&ret->errmsg, ret->err, "%s", tok_err_text(ret->err));
}

void judge_write(const struct judgement *j, struct text *line)
{
    const char *word = tok_err_word(j->err);

    if (j->err == TOK_OK) {
        text_puts(line, "{\"valid\":true,\"user\":");
        text_json(line, slice_of(j->result.user));
        text_puts(line, ",\"claims\":");
        text_compact(line, j->result.payload);
        text_puts(line, "}");
        return;
    }
    text_puts(line, "{\"valid\":false,\"error\":");
    text_json(line, slice_of(word));
    text_puts(line, ",\"reason\":");
    text_json(line, slice_of(j->errmsg.text));
    text_puts(line, "}");
}
