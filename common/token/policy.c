#include "common/token/policy.h"

#include "common/base/file.h"
#include "common/token/usermap.h"

#include <string.h>

#define PINNED_MAX 65536 /* bytes of the pinned file */

#define PINNED_FORM                                                                            \
    "the two lines Issuer=NAME and Audience=NAME..., audiences parted by single blanks"

/* Takes a line of this key off the text, yielding its value. */
static bool take_line(struct slice *text, struct slice key, struct slice *ret)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    size_t line = end ? (size_t)(end - text->p) : text->n;

    if (line < key.n || memcmp(text->p, key.p, key.n) != 0)
        return false;
    *ret = (struct slice){text->p + key.n, line - key.n};
    line += end ? 1 : 0;
    *text = (struct slice){text->p + line, text->n - line};
    return true;
}

static enum tok_err pinned_wrong(const char *path, unsigned line, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_SETTINGS,
                      "%s:%u: the line is out of form; allowed are " PINNED_FORM, path, line);
}

static enum tok_err read_pinned(const char *path, struct slice text, char **ret_issuer,
                                word_list *ret_audience, struct errmsg *errmsg)
{
    CLEANUP(cleanup_word_list) word_list audience = NULL;
    struct slice issuer_text, audience_text;
    enum tok_err err;

    if (!take_line(&text, SLICE("Issuer="), &issuer_text) || !value_is_name(issuer_text))
        return pinned_wrong(path, 1, errmsg);
    if (!take_line(&text, SLICE("Audience="), &audience_text))
        return pinned_wrong(path, 2, errmsg);
    err = word_list_parse(audience_text, ' ', value_is_name, &audience);
    if (err == TOK_SETTINGS || (!err && !audience))
        return pinned_wrong(path, 2, errmsg);
    if (!err && text.n > 0)
        return pinned_wrong(path, 3, errmsg);
    if (!err)
        err = text_copy(issuer_text, ret_issuer);
    if (err)
        return err;
    *ret_audience = audience;
    audience = NULL;
    return TOK_OK;
}

enum tok_err policy_read_pinned(struct policy *p, const char *path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(cleanup_free) char *issuer = NULL;
    CLEANUP(cleanup_word_list) word_list audience = NULL;
    size_t n;
    enum tok_err err;

    if (p->issuer && p->audience)
        return TOK_OK;
    err = file_read(path, FILE_PUBLIC, PINNED_MAX, &text, &n, NULL, errmsg);
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    err = read_pinned(path, (struct slice){text, n}, &issuer, &audience, errmsg);
    if (err == TOK_NO_MEMORY)
        return errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err));
    if (err)
        return err;
    if (!p->issuer) {
        p->issuer = issuer;
        issuer = NULL;
    }
    if (!p->audience) {
        p->audience = audience;
        audience = NULL;
    }
    return TOK_OK;
}

/* Sums and differences that stop at the ends of the range instead of wrapping. */
static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static int64_t subtract(int64_t a, int64_t b)
{
    int64_t difference;

    if (__builtin_sub_overflow(a, b, &difference))
        return b < 0 ? INT64_MAX : INT64_MIN;
    return difference;
}

struct claims_names policy_claims_names(const struct policy *p)
{
    return (struct claims_names){
        .user = p->user_claim, .token_type = p->token_type_claim, .jti = p->jti_claim};
}

static enum tok_err judge_required(const struct policy *p, const struct claims *c)
{
    if (!c->has_exp)
        return TOK_MISSING;
    for (char **name = p->require; name && *name; name++)
        if (!claims_has(c, *name))
            return TOK_MISSING;
    return TOK_OK;
}

static enum tok_err judge_times(const struct policy *p, const struct claims *c, int64_t now)
{
    if (now >= add(c->exp, p->leeway))
        return TOK_EXPIRED;
    if (c->has_nbf && c->nbf > add(now, p->leeway))
        return TOK_NOT_YET;
    if (c->has_iat && c->iat > add(now, p->leeway))
        return TOK_NOT_YET;
    return TOK_OK;
}

static enum tok_err judge_lifetime(const struct policy *p, const struct claims *c, int64_t now)
{
    return subtract(c->exp, c->has_iat ? c->iat : now) > p->max_lifetime ? TOK_LIFETIME
                                                                         : TOK_OK;
}

static bool string_is(const struct scan_value *v, const char *text)
{
    return v && scan_string_is_text(v, text);
}

static bool audience_ok(const struct policy *p, const struct claims *c)
{
    for (char **a = p->audience; a && *a; a++)
        if (**a && claims_has_audience(c, *a))
            return true;
    return false;
}

/* A number or a boolean equals its JSON text; null, a list and an object equal nothing. */
static bool claim_ok(const struct claims *c, const struct policy_claim *wanted)
{
    const struct scan_value *v = scan_find(c->members, c->n, wanted->name);

    if (!v)
        return false;
    switch (v->type) {
    case SCAN_STRING:
        return string_is(v, wanted->value);
    case SCAN_NUMBER:
    case SCAN_TRUE:
    case SCAN_FALSE:
        return slice_is(v->text, wanted->value);
    case SCAN_OBJECT:
    case SCAN_ARRAY:
    case SCAN_NULL:
        return false;
    }
    return false;
}

static enum tok_err judge_purpose(const struct policy *p, const struct claims *c)
{
    if (!p->issuer || !*p->issuer || !string_is(c->iss, p->issuer))
        return TOK_ISSUER;
    if (!audience_ok(p, c))
        return TOK_AUDIENCE;
    if (!p->type || (*p->type && !string_is(c->token_type, p->type)))
        return TOK_TYPE;
    for (size_t i = 0; i < p->n_claims; i++)
        if (!claim_ok(c, &p->claims[i]))
            return TOK_CLAIM;
    return c->bound ? TOK_BOUND : TOK_OK;
}

/* What the pam: words of a scope say. */
struct pam_words {
    bool any, grant;
};

static void judge_word(struct slice word, struct slice service, struct pam_words *w)
{
    static const char prefix[] = "pam:";
    const size_t n = sizeof(prefix) - 1;
    struct slice named;

    if (word.n < n || memcmp(word.p, prefix, n) != 0)
        return;
    named = (struct slice){word.p + n, word.n - n};
    w->any = true;
    if (slice_is(named, "*") || (service.n > 0 && slice_eq(named, service)))
        w->grant = true;
}

static struct pam_words read_words(struct slice scope, struct slice service)
{
    struct pam_words words = {0};

    for (size_t start = 0, end; start < scope.n; start = end + 1) {
        for (end = start; end < scope.n && scope.p[end] != ' '; end++)
            ;
        judge_word((struct slice){scope.p + start, end - start}, service, &words);
    }
    return words;
}

bool policy_scope_binds(struct slice scope)
{
    return read_words(scope, (struct slice){0}).any;
}

/* Its text is kilobytes that a token without scope never touches. */
__attribute__((noinline)) static enum tok_err
judge_words(const struct policy *p, const struct scan_value *scope, struct slice service)
{
    UNINITIALIZED char text[CLAIMS_SCOPE_MAX];
    struct pam_words words;
    size_t n;

    if (scan_string(*scope, text, sizeof(text), &n) != TOK_OK)
        return TOK_SCOPE;
    words = read_words((struct slice){text, n}, service);
    if (p->scope_required && !words.any)
        return TOK_SCOPE;
    return words.any && service.p && !words.grant ? TOK_SCOPE : TOK_OK;
}

static enum tok_err judge_scope(const struct policy *p, const struct claims *c,
                                struct slice service)
{
    if (c->scope)
        return judge_words(p, c->scope, service);
    return p->scope_required ? TOK_SCOPE : TOK_OK;
}

/* A token for one use can be kept to one by whoever spends it, when its id tells it from all
 * others (jti), it says when it was made (iat), and no second host may take it too. No leeway
 * on iat: it is compared with the time since when uses are known. */
static enum tok_err judge_one_time(const struct policy *p, const struct claims *c,
                                   const struct policy_ask *ask)
{
    if (!c->one_time)
        return p->one_time_required ? TOK_ONE_TIME : TOK_OK;
    if (!ask->spends || claims_audiences(c) != 1)
        return TOK_ONE_TIME;
    if (!c->jti || !c->has_iat)
        return TOK_MISSING;
    return c->iat > ask->now ? TOK_NOT_YET : TOK_OK;
}

/* The local user whom the map has for the claim's value. */
static enum tok_err map_user(const struct policy *p, const struct scan_value *claim,
                             const struct usermap *map, struct slice *ret)
{
    UNINITIALIZED char value[USERMAP_VALUE_MAX];
    size_t n;

    if (scan_string(*claim, value, sizeof(value), &n) != TOK_OK)
        return TOK_UNMAPPED;
    return usermap_find(map, slice_of(p->issuer), (struct slice){value, n}, ret);
}

/* The claim's own value is the user. A portable name needs no escapes, but may have them. */
static enum tok_err read_user(const struct scan_value *claim, char buf[USER_NAME_MAX],
                              struct slice *ret)
{
    size_t n;

    if (!claim->escaped) {
        *ret = scan_string_raw(*claim);
        return TOK_OK;
    }
    if (scan_string(*claim, buf, USER_NAME_MAX, &n) != TOK_OK)
        return TOK_USER_NAME;
    *ret = (struct slice){buf, n};
    return TOK_OK;
}

static enum tok_err judge_user(const struct policy *p, const struct claims *c,
                               const struct policy_ask *ask, char ret_user[USER_NAME_MAX + 1])
{
    UNINITIALIZED char buf[USER_NAME_MAX];
    struct slice user;
    enum tok_err err;

    if (!c->user)
        return TOK_MISSING;
    if (c->user->type != SCAN_STRING)
        return TOK_CLAIM_TYPE;
    err = ask->map ? map_user(p, c->user, ask->map, &user) : read_user(c->user, buf, &user);
    if (err)
        return err;
    if (!username_valid(user))
        return TOK_USER_NAME;
    if (ask->user.p && !slice_eq(ask->user, user))
        return TOK_USER;
    if (!p->allow_root && slice_is(user, "root"))
        return TOK_ROOT;
    memcpy(ret_user, user.p, user.n);
    ret_user[user.n] = '\0';
    return TOK_OK;
}

enum tok_err policy_judge(const struct policy *p, const struct claims *c,
                          const struct policy_ask *ask, char ret_user[USER_NAME_MAX + 1])
{
    enum tok_err err = judge_required(p, c);

    if (!err)
        err = judge_times(p, c, ask->now);
    if (!err)
        err = judge_purpose(p, c);
    /* After the purpose: a refresh token is told as one, not as a token that lives too long. */
    if (!err)
        err = judge_lifetime(p, c, ask->now);
    if (!err)
        err = judge_scope(p, c, ask->service);
    if (!err)
        err = judge_one_time(p, c, ask);
    return err ? err : judge_user(p, c, ask, ret_user);
}
