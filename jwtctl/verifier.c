#include "jwtctl/verifier.h"

#include "common/base/base64url.h"

void judge_close(struct judge *j)
{
    for (size_t i = 0; j->rules && i <= j->settings.n_issuers; i++) {
        if (j->rules[i].tried && j->rules[i].err == TOK_OK)
            resolve_clear(&j->rules[i].rules);
    }
    free(j->rules);
    settings_clear(&j->settings);
    secret_clear(&j->scratch);
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
    err = j.rules ? secret_alloc(BASE64URL_BYTES(POLICY_LENGTH_MAX) + 1, &j.scratch)
                  : TOK_NO_MEMORY;
    if (err) {
        judge_close(&j);
        return errmsg_set(errmsg, err, "out of memory");
    }
    *ret = j;
    return TOK_OK;
}

static enum tok_err find_rules(struct judge *j, struct slice token, struct judge_rules **ret)
{
    const struct settings_issuer *section;
    struct judge_rules *r;
    enum tok_err err;

    err = resolve_section(&j->settings, token, &section);
    if (err)
        return err;
    r = &j->rules[section ? (size_t)(section - j->settings.issuers) : j->settings.n_issuers];
    if (!r->tried) {
        r->tried = true;
        r->err = resolve_load(&j->ask, &j->settings, section, &r->rules, &r->errmsg);
    }
    *ret = r;
    return TOK_OK;
}

void judge_token(struct judge *j, const struct verify_params *ask, struct judgement *ret)
{
    struct verify_params full = *ask;
    struct judge_rules *r;

    ret->errmsg = (struct errmsg){""};
    full.scratch = j->scratch.p;
    full.scratch_size = j->scratch.n;
    ret->err = find_rules(j, ask->token, &r);
    if (!ret->err && r->err) {
        ret->err = r->err;
        ret->errmsg = r->errmsg;
        return;
    }
    if (!ret->err)
        ret->err = resolve_verify(&r->rules, &full, &ret->result, &ret->errmsg);
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
