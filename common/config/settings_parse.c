#include "common/base/ini.h"
#include "common/config/settings.h"

#include <stdio.h>

#define NAME_SHOWN 64 /* bytes of a wrong section or key in a message */

/* One file while it is read. Where a key was set is a line, 0 while it was not. */
struct settings_reader {
    struct settings *s;
    struct ini ini;
    struct errmsg *errmsg;
    const char *section;   /* of settings_keywords; NULL in an issuer's and before any */
    struct policy *issuer; /* of an [Issuer URL] section */
    unsigned section_line;
    unsigned lines[SETTINGS_KEYWORDS_MAX];      /* in this file */
    unsigned issuer_lines[POLICY_KEYWORDS_MAX]; /* in this section */
    uint64_t sections_seen, issuers_seen; /* a bit for the first keyword, for the issuer */
};

#define REFUSE(r, ...) INI_REFUSE(&(r)->ini, (r)->errmsg, __VA_ARGS__)

/* Keys that are fetched have a directory of the program that writes them, and a file each. */
static enum tok_err check_keys_url(const struct settings_reader *r, const struct policy *issuer)
{
    const size_t dir = sizeof(SETTINGS_KEYS_DIR) - 1;
    const char *name = issuer->keys + dir, *fault = NULL;

    if (!issuer->keys_url)
        return TOK_OK;
    if (strncmp(issuer->keys, SETTINGS_KEYS_DIR, dir) != 0 || *name == '.' || !*name ||
        strlen(name) > SETTINGS_KEYS_NAME_MAX || !value_is_token(slice_of(name)))
        fault = "Keys=" SETTINGS_KEYS_DIR "NAME beside KeysUrl=";
    else if (strcmp(issuer->keys_url, POLICY_DISCOVER) == 0 &&
             !value_is_https_url(slice_of(issuer->issuer)))
        fault = "an issuer of the form " VALUE_HTTPS_URL_FORM " for KeysUrl=" POLICY_DISCOVER;
    for (size_t i = 0; !fault && i < r->s->n_issuers; i++)
        if (&r->s->issuers[i] != issuer && strcmp(r->s->issuers[i].keys, issuer->keys) == 0)
            fault = "another file in Keys= than that of another issuer";
    return !fault ? TOK_OK
                  : errmsg_set(r->errmsg, TOK_SETTINGS, "%s:%u: [Issuer %s]: expected %s",
                               r->ini.name, r->section_line, issuer->issuer, fault);
}

static enum tok_err end_section(struct settings_reader *r)
{
    const struct policy *issuer = r->issuer;

    r->section = NULL;
    r->issuer = NULL;
    if (issuer && policy_given(issuer, "audience_claim") && !policy_given(issuer, "audience"))
        return errmsg_set(
            r->errmsg, TOK_SETTINGS,
            "%s:%u: [Issuer %s] has AudienceClaim= and no Audience=: expected the "
            "accepted values of this claim",
            r->ini.name, r->section_line, issuer->issuer);
    if (!issuer)
        return TOK_OK;
    if (policy_given(issuer, "keys"))
        return check_keys_url(r, issuer);
    return errmsg_set(r->errmsg, TOK_SETTINGS,
                      "%s:%u: [Issuer %s] has no Keys=: expected Keys=PATH, the file of the "
                      "issuer's public keys",
                      r->ini.name, r->section_line, issuer->issuer);
}

static enum tok_err add_issuer(struct settings *s, struct slice url)
{
    struct policy *more = reallocarray(s->issuers, s->n_issuers + 1, sizeof(*more));
    enum tok_err err;

    if (!more)
        return TOK_NO_MEMORY;
    s->issuers = more;
    err = policy_init(&more[s->n_issuers]);
    return err ? err : text_copy(url, &more[s->n_issuers++].issuer);
}

static enum tok_err begin_issuer(struct settings_reader *r, struct slice url)
{
    struct settings *s = r->s;
    size_t i = 0;

    if (!value_is_name(url))
        return REFUSE(r, "[Issuer %.*s]: expected [Issuer URL], a URL of " VALUE_NAME_FORM,
                      slice_shown(url, NAME_SHOWN), url.p);
    while (i < s->n_issuers && !slice_is(url, s->issuers[i].issuer))
        i++;
    if (i == SETTINGS_ISSUERS_MAX)
        return REFUSE(r, "too many issuers: expected at most %d [Issuer URL] sections",
                      SETTINGS_ISSUERS_MAX);
    if (r->issuers_seen & UINT64_C(1) << i)
        return REFUSE(r, "[Issuer %s] appears twice in this file: expected one section",
                      s->issuers[i].issuer);
    if (i == s->n_issuers && add_issuer(s, url))
        return TOK_NO_MEMORY;
    r->issuers_seen |= UINT64_C(1) << i;
    r->issuer = &s->issuers[i];
    memset(r->issuer_lines, 0, sizeof(r->issuer_lines));
    return TOK_OK;
}

static enum tok_err begin_section(struct settings_reader *r, struct slice name)
{
    const struct slice issuer = SLICE("Issuer ");
    const struct keyword *k = settings_keywords;
    uint64_t bit;
    enum tok_err err = end_section(r);

    if (err)
        return err;
    r->section_line = r->ini.line;
    if (name.n >= issuer.n && memcmp(name.p, issuer.p, issuer.n) == 0)
        return begin_issuer(r, slice_skip(name, issuer.n));
    while (k->type && !slice_is(name, k->section))
        k++;
    if (!k->type)
        return REFUSE(r,
                      "unknown section [%.*s]: expected [Token], [Session], [Http], [Daemon], "
                      "[Store], [Fleet], [Sync] or [Issuer URL]",
                      slice_shown(name, NAME_SHOWN), name.p);
    bit = UINT64_C(1) << (k - settings_keywords);
    if (r->sections_seen & bit)
        return REFUSE(r, "[%s] appears twice in this file: expected one section", k->section);
    r->sections_seen |= bit;
    r->section = k->section;
    return TOK_OK;
}

/* The issuer of an [Issuer URL] section is its URL, not a key. */
static bool is_allowed(const struct settings_reader *r, const struct keyword *k)
{
    return r->issuer ? k->name && strcmp(k->name, "Issuer") != 0
                     : strcmp(k->section, r->section) == 0;
}

static enum tok_err unknown_key(struct settings_reader *r, const struct keyword *table,
                                struct slice key)
{
    char known[384] = "";
    size_t n = 0;

    for (const struct keyword *k = table; k->type && n < sizeof(known); k++)
        if (is_allowed(r, k))
            n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n > 0 ? ", " : "",
                                  k->name);
    return REFUSE(r, "unknown key %.*s in [%s]: expected one of %s",
                  slice_shown(key, NAME_SHOWN), key.p, r->issuer ? "Issuer URL" : r->section,
                  known);
}

/* "AllowGroups=staff # text": its words would be part of the value. */
static bool ends_in_comment(struct slice value)
{
    for (size_t i = 0; i < value.n; i++)
        if ((value.p[i] == '#' || value.p[i] == ';') &&
            (i == 0 || text_is_blank(value.p[i - 1])))
            return true;
    return false;
}

static enum tok_err set_key(struct settings_reader *r, const struct ini_line *line)
{
    const struct keyword *table = r->issuer ? policy_keywords : settings_keywords;
    const struct keyword *k = keyword_find(table, r->section, line->key);
    const struct keyword_value v = {k, line->key, line->value, ' '};
    struct errmsg errmsg = {""};
    unsigned *set_on;
    enum tok_err err;

    if (!k || !is_allowed(r, k))
        return unknown_key(r, table, line->key);
    if (ends_in_comment(line->value))
        return REFUSE(r, "%s= has a comment after its value: expected it on a separate line",
                      k->name);
    set_on = r->issuer ? &r->issuer_lines[k - table] : &r->lines[k - table];
    if (*set_on > 0 && !k->type->adds)
        return REFUSE(r, "%s= is already set on line %u: remove one", k->name, *set_on);
    /* What earlier files added is replaced. */
    if (*set_on == 0 && k->type->adds)
        keyword_clear(k, r->issuer);
    *set_on = r->ini.line;
    err = r->issuer ? policy_assign(r->issuer, &v, &errmsg) : keyword_assign(&v, r->s, &errmsg);
    return err ? errmsg_set(r->errmsg, err, "%s:%u: %s", r->ini.name, r->ini.line, errmsg.text)
               : TOK_OK;
}

/* A token cannot have two claims of one name. Checked at the end of a file, which may set the
 * three in any order. */
static enum tok_err check_claims(const struct settings_reader *r)
{
    static const char *const keys[] = {"TokenTypeClaim", "UserIdClaim", "JtiClaim"};
    const char *names[3];
    unsigned lines[3];

    for (size_t i = 0; i < 3; i++) {
        const struct keyword *k = keyword_find(settings_keywords, "Token", slice_of(keys[i]));

        names[i] = *(char *const *)keyword_member(k, r->s);
        lines[i] = r->lines[k - settings_keywords];
    }
    for (size_t i = 0, next = 1; i < 3; i++, next = (i + 1) % 3)
        if (strcmp(names[i], names[next]) == 0)
            return errmsg_set(
                r->errmsg, TOK_SETTINGS,
                "%s:%u: %s and %s are both %s: expected a different name for each", r->ini.name,
                lines[i] > lines[next] ? lines[i] : lines[next], keys[i], keys[next], names[i]);
    return TOK_OK;
}

enum tok_err settings_parse(struct settings *s, const char *name, struct slice text,
                            struct errmsg *errmsg)
{
    struct settings_reader r = {.s = s, .ini = {.name = name, .rest = text}, .errmsg = errmsg};
    struct ini_line line;
    enum tok_err err;

    do {
        err = ini_next(&r.ini, &line, errmsg);
        if (!err && line.kind == INI_KEY)
            err = set_key(&r, &line);
        else if (!err)
            err = line.kind == INI_SECTION ? begin_section(&r, line.section) : end_section(&r);
    } while (!err && line.kind != INI_END);
    return err ? err : check_claims(&r);
}
