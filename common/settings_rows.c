#include "settings_rows.h"

#include "policy_field.h"

#include <stdio.h>
#include <string.h>

#define S VALUE_SECOND
#define MINUTE VALUE_MINUTE
#define HOUR VALUE_HOUR
#define DAY VALUE_DAY

/* Claims whose meaning no setting changes. */
static bool is_free_claim(struct slice name)
{
    static const char *const taken[] = {"exp",   "nbf", "iat",      "iss", "aud",        "sid",
                                        "scope", "gen", "one_time", "cnf", "refresh_exp"};

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (slice_is(name, taken[i]))
            return false;
    return value_is_name(name);
}

#define CLAIM_FORM "a claim's name that has no other meaning, " VALUE_NAME_FORM

/* clang-format off */
#define ROW(s, k, to, member) .section = (s), .key = (k), .kind = (to), \
    .offset = offsetof(struct settings, member)
#define FLAG(s, k, member, std) \
    {ROW(s, k, SETTING_FLAG, member), .standard = (std)}
#define NUMBER(s, k, member, low, high, std) \
    {ROW(s, k, SETTING_NUMBER, member), .min = (low), .max = (high), .standard = (std)}
#define SPAN(s, k, member, low, high, by, std) \
    {ROW(s, k, SETTING_SPAN, member), .min = (low), .max = (high), .step = (by), \
     .standard = (std)}
#define RATE(s, k, member, std) \
    {ROW(s, k, SETTING_RATE, member), .standard = (std)}
#define TEXT(s, k, member, is, says, std) \
    {ROW(s, k, SETTING_TEXT, member), .ok = (is), .form = (says), .standard = (std)}
#define WORDS(s, k, member, least, is, says, std) \
    {ROW(s, k, SETTING_WORDS, member), .min = (least), .ok = (is), .form = (says), \
     .standard = (std)}

static const struct settings_row table[] = {
    /* What checks a token takes max_lifetime=1d by default. */
    SPAN("Token", "AccessTokenLifetime", token.access_lifetime, S, DAY, S, "15min"),
    SPAN("Token", "RefreshTokenLifetime", token.refresh_lifetime, S, 365 * DAY, S, "7d"),
    SPAN("Token", "SlidingTokenLifetime", token.sliding_lifetime, S, DAY, S, "15min"),
    SPAN("Token", "SlidingTokenRefreshLifetime", token.sliding_refresh_lifetime, S, 365 * DAY, S,
         "1d"),
    FLAG("Token", "SlidingTokens", token.sliding_tokens, "no"),
    {ROW("Token", "Algorithm", SETTING_ALGORITHM, token.algorithm), .standard = "EdDSA"},
    {ROW("Token", "Issuer", SETTING_TEXT, token.issuer), .ok = value_is_name,
     .form = "a name such as https://host.example, " VALUE_NAME_FORM,
     .standard = "https://HOSTNAME", .unset = true},
    {ROW("Token", "Audience", SETTING_WORDS, token.audience), .min = 1, .ok = value_is_name,
     .form = "one or more names parted by blanks, each " VALUE_NAME_FORM,
     .standard = "HOSTNAME", .unset = true},
    SPAN("Token", "Leeway", token.leeway, 0, POLICY_LEEWAY_MAX * S, S, "0"),
    TEXT("Token", "UserIdClaim", token.user_id_claim, is_free_claim, CLAIM_FORM, "sub"),
    TEXT("Token", "TokenTypeClaim", token.token_type_claim, is_free_claim, CLAIM_FORM,
         "token_type"),
    TEXT("Token", "JtiClaim", token.jti_claim, is_free_claim, CLAIM_FORM, "jti"),
    NUMBER("Token", "MaxTokenLength", token.max_token_length, 128, 8192, "511"),

    FLAG("Session", "RotateRefreshTokens", session.rotate_refresh_tokens, "yes"),
    FLAG("Session", "BlacklistAfterRotation", session.blacklist_after_rotation, "yes"),
    SPAN("Session", "RotationGrace", session.rotation_grace, 0, 5 * MINUTE, S, "10s"),
    SPAN("Session", "IdleLifetime", session.idle_lifetime, S, 3650 * DAY, S, "7d"),
    SPAN("Session", "AbsoluteLifetime", session.absolute_lifetime, S, 3650 * DAY, S, "30d"),
    NUMBER("Session", "MaxSessionsPerUser", session.max_sessions_per_user, 1, 100000, "64"),
    FLAG("Session", "EndOnPasswordChange", session.end_on_password_change, "yes"),
    FLAG("Session", "CheckAccount", session.check_account, "yes"),
    SPAN("Session", "AccountCacheTime", session.account_cache_time, 0, HOUR, S, "10s"),
    WORDS("Session", "AllowUsers", session.allow_users, 0, policy_user_name_ok,
          "user names parted by blanks", ""),
    WORDS("Session", "AllowGroups", session.allow_groups, 0, value_is_name,
          "group names parted by blanks", ""),
    WORDS("Session", "DenyUsers", session.deny_users, 0, policy_user_name_ok,
          "user names parted by blanks", "root"),
    RATE("Session", "FailuresPerUser", session.failures_per_user, "10/min"),

    WORDS("Http", "AuthHeaderTypes", http.auth_header_types, 1, value_is_token,
          "one or more schemes such as Bearer, parted by blanks", "Bearer"),
    TEXT("Http", "AuthHeaderName", http.auth_header_name, value_is_token,
         "a header's name such as Authorization", "Authorization"),
    WORDS("Http", "AllowedHosts", http.allowed_hosts, 0, value_is_host,
          "host names or addresses such as host.example or [2001:db8::1], without ports, "
          "parted by blanks", ""),
    WORDS("Http", "TrustedProxies", http.trusted_proxies, 0, policy_user_name_ok,
          "user names parted by blanks", ""),
    RATE("Http", "FailuresPerSource", http.failures_per_source, "30/min"),
    NUMBER("Http", "MaxConnections", http.max_connections, 1, 4096, "256"),
    NUMBER("Http", "MaxConnectionsPerSource", http.max_connections_per_source, 1, 4096, "16"),
    SPAN("Http", "FailureTime", http.failure_time, S / 10, 30 * S, 1, "2s"),

    SPAN("Daemon", "IdleTimeout", daemon.idle_timeout, S, DAY, 1, "10min"),

    {ROW("Store", "Path", SETTING_TEXT, store.path), .ok = value_is_path,
     .form = VALUE_PATH_FORM, .standard = "", .unset = true},
};
/* clang-format on */

#define N_ROWS (sizeof(table) / sizeof(table[0]))

_Static_assert(N_ROWS <= SETTINGS_ROWS_MAX, "the reader has a bit a row");

const struct settings_row *settings_row_at(size_t i)
{
    return i < N_ROWS ? &table[i] : NULL;
}

static void *value_at(struct settings *s, const struct settings_row *row)
{
    return (char *)s + row->offset;
}

static const void *const_value_at(const struct settings *s, const struct settings_row *row)
{
    return (const char *)s + row->offset;
}

static const struct rate_unit {
    const char *name;
    uint64_t usec;
} rate_units[] = {{"s", S}, {"min", MINUTE}, {"h", HOUR}};

#define RATE_FORM "COUNT/s, COUNT/min or COUNT/h, such as 30/min, or 0: no limit"
#define RATE_MAX 1000000

static enum tok_err set_rate(struct settings_rate *at, struct slice value)
{
    const char *slash = value.n > 0 ? memchr(value.p, '/', value.n) : NULL;
    struct slice unit;
    uint64_t count;
    enum tok_err err;

    if (slice_is(value, "0")) {
        *at = (struct settings_rate){0};
        return TOK_OK;
    }
    if (!slash)
        return TOK_SETTINGS;
    unit = (struct slice){slash + 1, value.n - (size_t)(slash - value.p) - 1};
    err = value_number((struct slice){value.p, (size_t)(slash - value.p)}, 1, RATE_MAX, &count);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof(rate_units) / sizeof(rate_units[0]); i++) {
        if (slice_is(unit, rate_units[i].name)) {
            *at = (struct settings_rate){.count = (unsigned)count, .per = rate_units[i].usec};
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

static enum tok_err set_algorithm(const struct alg **at, struct slice value)
{
    const struct alg *alg = alg_find(value);

    if (!alg)
        return TOK_SETTINGS;
    *at = alg;
    return TOK_OK;
}

static enum tok_err set_text(char **at, const struct settings_row *row, struct slice value)
{
    char *text;
    enum tok_err err;

    if (!row->ok(value))
        return TOK_SETTINGS;
    err = value_text(value, &text);
    if (err)
        return err;
    free(*at);
    *at = text;
    return TOK_OK;
}

static enum tok_err set_words(word_list *at, const struct settings_row *row, struct slice value)
{
    word_list list;
    enum tok_err err = value_words(value, ' ', row->ok, &list);

    if (err)
        return err;
    if (!list && row->min > 0)
        return TOK_SETTINGS;
    word_list_free(*at);
    *at = list;
    return TOK_OK;
}

enum tok_err settings_row_set(struct settings *s, const struct settings_row *row,
                              struct slice value)
{
    void *at = value_at(s, row);

    switch (row->kind) {
    case SETTING_FLAG:
        return value_flag(value, at);
    case SETTING_NUMBER:
        return value_number(value, row->min, row->max, at);
    case SETTING_SPAN:
        return value_span(value, row->min, row->max, row->step, at);
    case SETTING_RATE:
        return set_rate(at, value);
    case SETTING_ALGORITHM:
        return set_algorithm(at, value);
    case SETTING_TEXT:
        return set_text(at, row, value);
    case SETTING_WORDS:
        return set_words(at, row, value);
    }
    return TOK_SETTINGS;
}

static void rate_text(const struct settings_rate *rate, char *ret, size_t size)
{
    const char *unit = "";

    for (size_t i = 0; i < sizeof(rate_units) / sizeof(rate_units[0]); i++)
        if (rate_units[i].usec == rate->per)
            unit = rate_units[i].name;
    (void)snprintf(ret, size, rate->count == 0 ? "%u" : "%u/%s", rate->count, unit);
}

enum tok_err settings_row_text(const struct settings *s, const struct settings_row *row,
                               char **ret)
{
    const void *at = const_value_at(s, row);
    char made[VALUE_SPAN_TEXT] = "";
    const char *text = made;

    switch (row->kind) {
    case SETTING_FLAG:
        text = *(const bool *)at ? "yes" : "no";
        break;
    case SETTING_NUMBER:
        (void)snprintf(made, sizeof(made), "%llu", *(const unsigned long long *)at);
        break;
    case SETTING_SPAN:
        value_span_text(*(const uint64_t *)at, made);
        break;
    case SETTING_RATE:
        rate_text(at, made, sizeof(made));
        break;
    case SETTING_ALGORITHM:
        text = (*(const struct alg *const *)at)->name;
        break;
    case SETTING_TEXT:
        text = *(char *const *)at ? *(char *const *)at : "";
        break;
    case SETTING_WORDS:
        return value_words_text(*(const word_list *)at, ' ', ret);
    }
    return value_text(slice_of(text), ret);
}

void settings_row_clear(struct settings *s, const struct settings_row *row)
{
    if (row->kind == SETTING_TEXT)
        free(*(char **)value_at(s, row));
    else if (row->kind == SETTING_WORDS)
        word_list_free(*(word_list *)value_at(s, row));
}

static void span_form(const struct settings_row *row, char ret[SETTINGS_FORM])
{
    char min[VALUE_SPAN_TEXT], max[VALUE_SPAN_TEXT];

    value_span_text(row->min, min);
    value_span_text(row->max, max);
    (void)snprintf(ret, SETTINGS_FORM, "%s from %s to %s, such as %s",
                   row->step == S ? "whole seconds" : "a time span", min, max,
                   row->min == 0 ? "10s" : row->standard);
}

void settings_row_form(const struct settings_row *row, char ret[SETTINGS_FORM])
{
    char names[POLICY_ALGORITHMS_TEXT];

    switch (row->kind) {
    case SETTING_FLAG:
        (void)snprintf(ret, SETTINGS_FORM, "%s", VALUE_FLAG_FORM);
        break;
    case SETTING_NUMBER:
        (void)snprintf(ret, SETTINGS_FORM, "a number from %llu to %llu",
                       (unsigned long long)row->min, (unsigned long long)row->max);
        break;
    case SETTING_SPAN:
        span_form(row, ret);
        break;
    case SETTING_RATE:
        (void)snprintf(ret, SETTINGS_FORM, "%s", RATE_FORM);
        break;
    case SETTING_ALGORITHM:
        policy_algorithms_text(~(alg_set)0, ' ', names);
        (void)snprintf(ret, SETTINGS_FORM, "one of %s", names);
        break;
    case SETTING_TEXT:
    case SETTING_WORDS:
        (void)snprintf(ret, SETTINGS_FORM, "%s", row->form);
        break;
    }
}
