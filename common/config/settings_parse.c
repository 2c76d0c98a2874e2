#include "common/base/ini.h"
#include "common/config/settings_rows.h"

#include <stdio.h>
#include <string.h>

#define KEY_SHOWN 64    /* bytes of an unknown key or section in a sentence */
#define VALUE_SHOWN 100 /* bytes of a wrong value */

/* One file as it is read. Sections are known by the number of their first row. */
struct reader {
    struct settings *s;
    struct ini ini;
    struct errmsg *errmsg;
    const char *section;            /* NULL: none yet, or an issuer's */
    struct settings_issuer *issuer; /* NULL: none */
    struct policy words;            /* what this issuer's section says, here */
    unsigned section_line;
    unsigned row_line[SETTINGS_ROWS_MAX]; /* where each row was set; 0: not here */
    uint64_t sections_seen, issuers_seen;
};

#define REFUSE(r, ...) INI_REFUSE(&(r)->ini, (r)->errmsg, __VA_ARGS__)

/* A failure that has no sentence yet. */
static enum tok_err plain(const struct reader *r, enum tok_err err)
{
    return errmsg_set(r->errmsg, err, "%s:%u: %s", r->ini.name, r->ini.line, tok_err_text(err));
}

/* Ends the section before: its words are laid on what earlier files said of this issuer. */
static enum tok_err end_section(struct reader *r)
{
    struct settings_issuer *issuer = r->issuer;
    enum tok_err err;

    r->section = NULL;
    r->issuer = NULL;
    if (!issuer)
        return TOK_OK;
    err = policy_override(&issuer->policy, &r->words);
    policy_clear(&r->words);
    if (err)
        return plain(r, err);
    if (!policy_given(&issuer->policy, "keys"))
        return errmsg_set(
            r->errmsg, TOK_SETTINGS,
            "%s:%u: [Issuer %s] has no Keys=; allowed is Keys=PATH, the file of its "
            "public keys",
            r->ini.name, r->section_line, issuer->url);
    return TOK_OK;
}

static enum tok_err add_issuer(struct settings *s, struct slice url)
{
    struct settings_issuer issuer = {0};
    struct settings_issuer *more;
    enum tok_err err = policy_init(&issuer.policy);

    if (!err)
        err = text_copy(url, &issuer.url);
    if (!err)
        err = text_copy(url, &issuer.policy.issuer);
    more = err ? NULL : reallocarray(s->issuers, s->n_issuers + 1, sizeof(*more));
    if (!more) {
        free(issuer.url);
        policy_clear(&issuer.policy);
        return TOK_NO_MEMORY;
    }
    more[s->n_issuers++] = issuer;
    s->issuers = more;
    return TOK_OK;
}

static enum tok_err begin_issuer(struct reader *r, struct slice url)
{
    const struct settings_issuer *found;
    uint64_t bit;
    enum tok_err err;

    if (!value_is_name(url))
        return REFUSE(r, "[Issuer %.*s]: no issuer; allowed is [Issuer URL] with a URL of %s",
                      slice_shown(url, VALUE_SHOWN), url.p, VALUE_NAME_FORM);
    found = settings_find_issuer(r->s, url);
    if (!found) {
        if (r->s->n_issuers == SETTINGS_ISSUERS_MAX)
            return REFUSE(r, "one issuer too many; allowed are %d", SETTINGS_ISSUERS_MAX);
        err = add_issuer(r->s, url);
        if (err)
            return plain(r, err);
        found = &r->s->issuers[r->s->n_issuers - 1];
    }
    r->issuer = &r->s->issuers[found - r->s->issuers];
    bit = UINT64_C(1) << (found - r->s->issuers);
    if (r->issuers_seen & bit)
        return REFUSE(r, "[Issuer %s] is here twice; allowed is once in a file",
                      r->issuer->url);
    r->issuers_seen |= bit;
    return TOK_OK;
}

static enum tok_err begin_section(struct reader *r, struct slice name)
{
    const struct slice issuer = SLICE("Issuer ");
    const struct settings_row *row;
    size_t i;
    enum tok_err err = end_section(r);

    if (err)
        return err;
    r->section_line = r->ini.line;
    if (name.n >= issuer.n && memcmp(name.p, issuer.p, issuer.n) == 0)
        return begin_issuer(r, (struct slice){name.p + issuer.n, name.n - issuer.n});
    for (i = 0; (row = settings_row_at(i)); i++)
        if (slice_is(name, row->section))
            break;
    if (!row)
        return REFUSE(r,
                      "unknown section [%.*s]; allowed are [Token], [Session], [Http], "
                      "[Daemon], [Store] and [Issuer URL]",
                      slice_shown(name, KEY_SHOWN), name.p);
    if (r->sections_seen & UINT64_C(1) << i)
        return REFUSE(r, "[%s] is here twice; allowed is once in a file", row->section);
    r->sections_seen |= UINT64_C(1) << i;
    r->section = row->section;
    return TOK_OK;
}

static enum tok_err twice(struct reader *r, struct slice key)
{
    return REFUSE(r, "%.*s= is here twice; allowed is once in a file",
                  slice_shown(key, KEY_SHOWN), key.p);
}

/* A list of names with commas between, for a sentence. */
static void append_name(char *list, size_t size, const char *name)
{
    size_t n = strlen(list);

    (void)snprintf(list + n, size - n, "%s%s", n > 0 ? ", " : "", name);
}

static enum tok_err unknown_key(struct reader *r, struct slice key)
{
    char known[384] = "";
    const struct settings_row *row;
    const char *word;

    for (size_t i = 0; r->section && (row = settings_row_at(i)); i++)
        if (strcmp(row->section, r->section) == 0)
            append_name(known, sizeof(known), row->key);
    for (size_t i = 0; r->issuer && (word = policy_word_at(POLICY_CAMEL, i)); i++)
        if (strcmp(word, "Issuer") != 0)
            append_name(known, sizeof(known), word);
    return REFUSE(r, "unknown key %.*s in [%s]; allowed are %s", slice_shown(key, KEY_SHOWN),
                  key.p, r->issuer ? "Issuer URL" : r->section, known);
}

static enum tok_err set_issuer_word(struct reader *r, const struct ini_line *line)
{
    const uint64_t before = r->words.given;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (slice_is(line->key, "Issuer"))
        return unknown_key(r, line->key);
    err = policy_set(&r->words, POLICY_CAMEL, line->key, line->value, &errmsg);
    if (err == TOK_UNSUPPORTED)
        return unknown_key(r, line->key);
    if (err)
        return errmsg_set(r->errmsg, err, "%s:%u: %s", r->ini.name, r->ini.line, errmsg.text);
    if (r->words.given == before && !slice_is(line->key, "Claim"))
        return twice(r, line->key);
    return TOK_OK;
}

static enum tok_err set_row(struct reader *r, const struct ini_line *line)
{
    const struct settings_row *row;
    char form[SETTING_FORM];
    size_t i;
    enum tok_err err;

    for (i = 0; (row = settings_row_at(i)); i++)
        if (strcmp(row->section, r->section) == 0 && slice_is(line->key, row->key))
            break;
    if (!row)
        return unknown_key(r, line->key);
    if (r->row_line[i] > 0)
        return twice(r, line->key);
    r->row_line[i] = r->ini.line;
    err = setting_set(r->s, &row->setting, line->value, ' ');
    if (err == TOK_SETTINGS) {
        setting_form(&row->setting, form);
        return REFUSE(r, "%s=%.*s: the value is out of form; allowed is %s", row->key,
                      slice_shown(line->value, VALUE_SHOWN), line->value.p, form);
    }
    return err ? plain(r, err) : TOK_OK;
}

/* The last line here that set one of the two keys. */
static unsigned line_of(const struct reader *r, const char *a, const char *b)
{
    const struct settings_row *row;
    unsigned line = 0;

    for (size_t i = 0; (row = settings_row_at(i)); i++)
        if ((strcmp(row->key, a) == 0 || strcmp(row->key, b) == 0) && r->row_line[i] > line)
            line = r->row_line[i];
    return line;
}

/* Two claims of one name can't both be minted. */
static enum tok_err check_claims(struct reader *r)
{
    const char *const names[] = {r->s->token.user_id_claim, r->s->token.token_type_claim,
                                 r->s->token.jti_claim};
    static const char *const keys[] = {"UserIdClaim", "TokenTypeClaim", "JtiClaim"};

    for (size_t i = 0; i < 3; i++)
        for (size_t k = i + 1; k < 3; k++)
            if (strcmp(names[i], names[k]) == 0)
                return errmsg_set(r->errmsg, TOK_SETTINGS,
                                  "%s:%u: %s and %s are both %s; allowed is a name for each",
                                  r->ini.name, line_of(r, keys[i], keys[k]), keys[i], keys[k],
                                  names[i]);
    return TOK_OK;
}

static enum tok_err read_lines(struct reader *r)
{
    struct ini_line line;
    enum tok_err err;

    while ((err = ini_next(&r->ini, &line, r->errmsg)) == TOK_OK) {
        switch (line.kind) {
        case INI_SECTION:
            err = begin_section(r, line.section);
            break;
        case INI_KEY:
            err = r->issuer ? set_issuer_word(r, &line) : set_row(r, &line);
            break;
        case INI_END:
            err = end_section(r);
            return err ? err : check_claims(r);
        }
        if (err)
            return err;
    }
    return err;
}

enum tok_err settings_parse(struct settings *s, const char *name, struct slice text,
                            struct errmsg *errmsg)
{
    struct reader r = {.s = s, .ini = {.name = name, .rest = text}, .errmsg = errmsg};
    enum tok_err err = read_lines(&r);

    policy_clear(&r.words);
    return err;
}
