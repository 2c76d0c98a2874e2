#include "common/token/policy.h"

#include "common/token/claim_test.h"

#include <string.h>

struct claims_names policy_claims_names(const struct policy *p)
{
    return (struct claims_names){.user = p->user_claim,
                                 .token_type = p->token_type_claim,
                                 .jti = p->jti_claim,
                                 .audience = p->audience_claim};
}

/* What every step of a check gets. */
struct check {
    const struct policy *policy;
    const struct claims *claims;
    const struct policy_params *params;
    char *ret_user;
    struct errmsg *errmsg;
};

#define SHOWN_MAX 64 /* bytes of a claim's value in a message */
#define AUDIENCE_MAX (VALUE_NAME_MAX + 1 + HOST_KEY_LEN) /* bytes of one that is bound */

/* A value for a message: its JSON text when that is short and plain. Any other could forge a
 * key=value pair in a log line. */
static const char *shown(const struct scan_value *v, char room[SHOWN_MAX + 1])
{
    if (!v)
        return "nothing";
    for (size_t i = 0; i < v->text.n; i++) {
        char c = v->text.p[i];

        if (i == SHOWN_MAX || !(text_is_alnum(c) || strchr("\".,:/_@+-[]", c)))
            return "another value";
        room[i] = c;
    }
    room[v->text.n] = '\0';
    return room;
}

static bool is_same(const struct scan_value *a, const struct scan_value *b)
{
    return a && b && a->text.p == b->text.p;
}

/* Who the user is is not shown: a log names accounts only. */
static enum tok_err mismatch(const struct check *c, enum tok_err err, struct slice name,
                             struct slice expected, const struct scan_value *v)
{
    char room[SHOWN_MAX + 1];
    const char *quote = expected.n > 0 && *expected.p == '"' ? "" : "\"";
    bool is_user = is_same(v, c->claims->user) || is_same(v, c->claims->sub);

    return errmsg_set(c->errmsg, err, "claim \"%.*s\": expected %s%.*s%s, got %s", (int)name.n,
                      name.p, quote, (int)expected.n, expected.p, quote,
                      is_user ? "another value" : shown(v, room));
}

static enum tok_err check_text(const struct check *c, enum tok_err err, const char *name,
                               const char *expected, const struct scan_value *v)
{
    return v && scan_string_is_text(v, expected)
               ? TOK_OK
               : mismatch(c, err, slice_of(name), slice_of(expected), v);
}

static enum tok_err missing(const struct check *c, const char *name)
{
    (void)errmsg_set(c->errmsg, TOK_MISSING, "claim \"%s\": required, but missing", name);
    return TOK_MISSING;
}

/* No sum or difference in the comparisons below overflows: times of claims are at most 2^53
 * (scan_time), leeway and max_lifetime at most INT64_MAX / 2. now may be anything. */
static long long seconds_between(int64_t later, int64_t earlier)
{
    int64_t seconds;

    return __builtin_sub_overflow(later, earlier, &seconds) ? INT64_MAX : seconds;
}

static enum tok_err in_future(const struct check *c, const char *name, int64_t time)
{
    return errmsg_set(c->errmsg, TOK_NOT_YET,
                      "claim \"%s\": %lld s in the future; compare the clocks of issuer and "
                      "host",
                      name, seconds_between(time, c->params->now));
}

/* exp is required whatever the list says. */
static enum tok_err check_required(const struct check *c)
{
    if (!c->claims->has_exp)
        return missing(c, "exp");
    for (char **name = c->policy->require; name && *name; name++)
        if (!claims_has(c->claims, *name))
            return missing(c, *name);
    return TOK_OK;
}

static enum tok_err check_exp(const struct check *c)
{
    if (c->params->now < c->claims->exp + c->policy->leeway)
        return TOK_OK;
    return errmsg_set(c->errmsg, TOK_EXPIRED, "claim \"exp\": the token expired %lld s ago",
                      seconds_between(c->params->now, c->claims->exp));
}

static enum tok_err check_nbf(const struct check *c)
{
    int64_t earliest = c->claims->nbf - c->policy->leeway;

    return c->claims->has_nbf && c->params->now < earliest ? in_future(c, "nbf", c->claims->nbf)
                                                           : TOK_OK;
}

static enum tok_err check_iat(const struct check *c)
{
    int64_t earliest = c->claims->iat - c->policy->leeway;

    if (!c->claims->has_iat)
        return TOK_OK;
    if (c->params->now < earliest)
        return in_future(c, "iat", c->claims->iat);
    return c->claims->exp > c->claims->iat
               ? TOK_OK
               : errmsg_set(c->errmsg, TOK_CLAIM,
                            "claim \"exp\": expected a time after \"iat\" %lld, got %lld",
                            (long long)c->claims->iat, (long long)c->claims->exp);
}

static enum tok_err check_issuer(const struct check *c)
{
    const char *issuer = c->policy->issuer;

    if (!issuer || !*issuer)
        return TOK_ISSUER;
    return check_text(c, TOK_ISSUER, "iss", issuer, c->claims->iss);
}

/* A token whose one audience is A#K, where A is one of the policy's. */
static bool is_for_host_key(const struct check *c, char room[AUDIENCE_MAX],
                            struct slice *ret_key)
{
    struct slice audience = {room, 0};
    struct scan_value only;

    return c->params->host_key && claims_only_audience(c->claims, &only) &&
           scan_string(only, room, AUDIENCE_MAX, &audience.n) == TOK_OK &&
           host_key_split(audience, &audience, ret_key) && audience.n > 0 &&
           word_list_has(c->policy->audience, audience);
}

static enum tok_err check_audience(const struct check *c)
{
    char room[SHOWN_MAX + 1], bound[AUDIENCE_MAX], **audience = c->policy->audience;
    CLEANUP(cleanup_free) char *names = NULL;
    struct slice key;

    for (char **name = audience; name && *name; name++)
        if (**name && claims_has_audience(c->claims, *name))
            return TOK_OK;
    if (is_for_host_key(c, bound, &key))
        return c->params->host_key(c->policy->host_keys, key, c->errmsg);
    if (!audience || !*audience)
        return TOK_AUDIENCE;
    if (!audience[1])
        return mismatch(c, TOK_AUDIENCE, slice_of(c->policy->audience_claim),
                        slice_of(*audience), c->claims->aud);
    if (word_list_format(audience, ' ', &names) != TOK_OK)
        return TOK_NO_MEMORY;
    return errmsg_set(c->errmsg, TOK_AUDIENCE, "claim \"%s\": got %s, expected one of: %s",
                      c->policy->audience_claim, shown(c->claims->aud, room), names);
}

static enum tok_err check_token_type(const struct check *c)
{
    const char *type = c->policy->type;

    if (!type || !*type)
        return type ? TOK_OK : TOK_TYPE;
    return check_text(c, TOK_TYPE, c->policy->token_type_claim, type, c->claims->token_type);
}

/* claim=PATH:VALUE */
static enum tok_err check_wanted_claims(const struct check *c)
{
    for (char **word = c->policy->claims; word && *word; word++) {
        struct slice path, wanted;
        struct scan_value found = {.type = SCAN_NULL};

        if (!claim_test_split(slice_of(*word), &path, &wanted))
            return TOK_CLAIM;
        if (!claim_test_holds(c->claims, path, wanted, &found))
            return mismatch(c, TOK_CLAIM, path, wanted, found.text.p ? &found : NULL);
    }
    return TOK_OK;
}

/* A token bound to a key (RFC 7800) is not a bearer token. */
static enum tok_err check_unbound(const struct check *c)
{
    return c->claims->bound ? TOK_BOUND : TOK_OK;
}

static enum tok_err check_lifetime(const struct check *c)
{
    int64_t start = c->claims->has_iat ? c->claims->iat : c->params->now;

    if (start >= c->claims->exp - c->policy->max_lifetime)
        return TOK_OK;
    return errmsg_set(c->errmsg, TOK_LIFETIME,
                      "claim \"exp\": expected at most max_lifetime=%lld s after %s, got %lld",
                      (long long)c->policy->max_lifetime,
                      c->claims->has_iat ? "\"iat\"" : "now",
                      seconds_between(c->claims->exp, start));
}

bool policy_service_covered(struct slice named, struct slice service)
{
    return slice_is(named, "*") ||
           (service.n > 0 && (slice_eq(named, service) ||
                              (slice_is(named, "sudo") && slice_is(service, "sudo-i"))));
}

/* What the words pam:SERVICE of a scope say. */
struct scope_services {
    bool any;    /* there is such a word */
    bool listed; /* one of them includes this service */
};

static void read_services(struct slice scope, struct slice service, struct scope_services *ret)
{
    while (scope.n > 0) {
        struct slice word = scope;

        if (!slice_cut(scope, ' ', &word, &scope))
            scope.n = 0;
        if (!text_begins_with(word, "pam:"))
            continue;
        ret->any = true;
        if (policy_service_covered(slice_skip(word, strlen("pam:")), service))
            ret->listed = true;
    }
}

bool policy_scope_names_service(struct slice scope)
{
    struct scope_services services = {0};

    read_services(scope, (struct slice){0}, &services);
    return services.any;
}

/* Each element of an array may hold several words: as one word "openid pam:sudo" would restrict
 * nothing. */
static enum tok_err check_scope(const struct check *c)
{
    UNINITIALIZED char text[CLAIMS_SCOPE_MAX];
    struct scope_services services = {0};
    char room[SHOWN_MAX + 1];
    struct scan_value v;
    size_t n, pos = 0;

    while (claims_next_text(c->claims->scope, &pos, &v)) {
        if (scan_string(v, text, sizeof(text), &n) != TOK_OK)
            return TOK_SCOPE;
        read_services((struct slice){text, n}, c->params->service, &services);
    }
    if (services.any ? services.listed || !c->params->service.p : !c->policy->scope_required)
        return TOK_OK;
    return errmsg_set(c->errmsg, TOK_SCOPE, "claim \"scope\": expected \"pam:%.*s\", got %s",
                      slice_shown(c->params->service, SHOWN_MAX), c->params->service.p,
                      shown(c->claims->scope, room));
}

/* A one-time token needs an id that no other token has (jti), a time (iat) that is compared
 * with the time since when uses are recorded, hence without leeway, and one audience alone:
 * a second host would accept it once more. */
static enum tok_err check_one_time(const struct check *c)
{
    struct scan_value only;

    if (!c->claims->one_time && c->policy->one_time_required)
        return errmsg_set(c->errmsg, TOK_ONE_TIME,
                          "claim \"one_time\": expected true (one_time=required)");
    if (!c->claims->one_time)
        return TOK_OK;
    if (!c->params->accept_one_time)
        return errmsg_set(c->errmsg, TOK_ONE_TIME,
                          "claim \"one_time\": a one-time token is accepted at logins alone");
    if (!claims_only_audience(c->claims, &only))
        return errmsg_set(c->errmsg, TOK_ONE_TIME,
                          "claim \"aud\": expected exactly one audience in a one-time token");
    if (!c->claims->jti)
        return missing(c, c->policy->jti_claim);
    if (!c->claims->has_iat)
        return missing(c, "iat");
    return c->claims->iat > c->params->now ? in_future(c, "iat", c->claims->iat) : TOK_OK;
}

/* The value is not shown, as in mismatch(). */
static enum tok_err user_error(const struct check *c, enum tok_err err, const char *text)
{
    (void)errmsg_set(c->errmsg, err, "claim \"%s\": %s", c->policy->user_claim, text);
    return err;
}

/* The value of the user claim as text. A map may name an integer. */
static enum tok_err read_user_claim(const struct check *c, char room[USERMAP_VALUE_MAX],
                                    struct slice *ret)
{
    const struct scan_value *v = c->claims->user;
    int64_t number;
    size_t n;

    if (!v)
        return missing(c, c->policy->user_claim);
    if (c->params->map && scan_integer(*v, &number) == TOK_OK) {
        *ret = v->text;
        return TOK_OK;
    }
    if (v->type != SCAN_STRING)
        return user_error(c, TOK_CLAIM_TYPE, "expected a string");
    if (scan_string(*v, room, USERMAP_VALUE_MAX, &n) != TOK_OK)
        return user_error(c, c->params->map ? TOK_UNMAPPED : TOK_USER_NAME,
                          "the value is too long");
    *ret = (struct slice){room, n};
    return TOK_OK;
}

/* The local user whom the map has for the claim's value. A pattern names no number. */
static enum tok_err map_user(const struct check *c, struct slice value,
                             char ret[USER_NAME_MAX + 1])
{
    const struct usermap_line *line =
        usermap_find(c->params->map, slice_of(c->policy->issuer), value);
    enum tok_err err;

    if (!line || (line->pattern && c->claims->user->type != SCAN_STRING)) {
        (void)errmsg_set(c->errmsg, TOK_UNMAPPED,
                         "claim \"%s\": no line of the user map %s is for it and issuer %s",
                         c->policy->user_claim, c->policy->user_map, c->policy->issuer);
        return TOK_UNMAPPED;
    }
    if (c->params->ret_map_line)
        *c->params->ret_map_line = line;
    err = usermap_apply(line, value, ret);
    if (err)
        (void)errmsg_set(c->errmsg, err, "line %u of the user map: %s", line->line,
                         err == TOK_UNMAPPED
                             ? "the name has digits alone or ends in '$', which needs the word "
                               "\"system\" on this line"
                             : "the claim yields a name that no local user can have");
    return err;
}

static enum tok_err check_user(const struct check *c)
{
    UNINITIALIZED char room[USERMAP_VALUE_MAX];
    char user[USER_NAME_MAX + 1];
    struct slice value;
    enum tok_err err = read_user_claim(c, room, &value);

    if (!err && c->params->map)
        err = map_user(c, value, user);
    else if (!err && !username_valid(value))
        err = user_error(c, TOK_USER_NAME, "not a name that a local user can have");
    else if (!err)
        *(char *)mempcpy(user, value.p, value.n) = '\0';
    if (err)
        return err;
    if (c->params->user.p && !slice_is(c->params->user, user))
        return user_error(c, TOK_USER, "the token is for another user than the one logging in");
    if (!c->policy->allow_root && strcmp(user, "root") == 0)
        return user_error(c, TOK_ROOT, "the token is for root, and allow_root is not set");
    memcpy(c->ret_user, user, sizeof(user));
    return TOK_OK;
}

enum tok_err policy_check(const struct policy *p, const struct claims *claims,
                          const struct policy_params *params, char ret_user[USER_NAME_MAX + 1],
                          struct errmsg *errmsg)
{
    /* The lifetime comes after the type: a refresh token is reported as one. */
    static enum tok_err (*const steps[])(const struct check *c) = {
        check_required, check_exp,        check_nbf,           check_iat,     check_issuer,
        check_audience, check_token_type, check_wanted_claims, check_unbound, check_lifetime,
        check_scope,    check_one_time,   check_user,
    };
    const struct check check = {p, claims, params, ret_user, errmsg};
    enum tok_err err = TOK_OK;

    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = steps[i](&check);
    return err;
}
