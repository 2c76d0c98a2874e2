#include "common/config/settings.h"

#include "common/base/timespan.h"

#include <stdio.h>

#define RATE_MAX 1000000

static enum tok_err parse_rate(const struct keyword_value *v, void *to)
{
    static const struct {
        const char *name;
        uint64_t usec;
    } units[] = {{"s", SECOND}, {"min", MINUTE}, {"h", HOUR}};
    struct settings_rate *rate = keyword_member(v->k, to);
    struct slice digits, unit;
    uint64_t count;

    if (slice_is(v->text, "0")) {
        *rate = (struct settings_rate){0};
        return TOK_OK;
    }
    if (!slice_cut(v->text, '/', &digits, &unit) || !slice_digits(digits, &count) ||
        *digits.p == '0' || count > RATE_MAX)
        return TOK_SETTINGS;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_is(unit, units[i].name)) {
            *rate = (struct settings_rate){(unsigned)count, units[i].usec};
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

static enum tok_err format_rate(const struct keyword *k, const void *from, char **ret)
{
    const struct settings_rate *rate = keyword_member(k, from);
    char span[TIMESPAN_TEXT], text[TIMESPAN_TEXT + 16] = "0";

    timespan_format(rate->per, span);
    if (rate->count > 0) /* the unit is the span "1min" without its number */
        (void)snprintf(text, sizeof(text), "%u/%s", rate->count, span + 1);
    return text_copy(slice_of(text), ret);
}

static const struct keyword_type rate = {.parse = parse_rate, .format = format_rate};

static enum tok_err parse_algorithm(const struct keyword_value *v, void *to)
{
    const struct alg *alg = alg_find(v->text);

    if (!alg)
        return TOK_SETTINGS;
    *(const struct alg **)keyword_member(v->k, to) = alg;
    return TOK_OK;
}

static enum tok_err format_algorithm(const struct keyword *k, const void *from, char **ret)
{
    const struct alg *const *alg = keyword_member(k, from);

    return text_copy(slice_of((*alg)->name), ret);
}

static const struct keyword_type algorithm = {.parse = parse_algorithm,
                                              .format = format_algorithm};

/* Other claims have a meaning that no setting changes. */
static bool is_free_claim(struct slice name)
{
    static const char *const taken[] = {"exp",      "nbf", "iat",         "iss",
                                        "aud",      "sid", "scope",       "gen",
                                        "one_time", "cnf", "refresh_exp", "amr"};

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (slice_is(name, taken[i]))
            return false;
    return value_is_name(name);
}

/* A comma would be a list of another form. */
static bool is_user(struct slice name)
{
    return username_valid(name) && !memchr(name.p, ',', name.n);
}

static bool is_group(struct slice name)
{
    return name.n > 0 && name.n <= VALUE_NAME_MAX && value_is_printable(name) &&
           !memchr(name.p, ',', name.n) && !memchr(name.p, '"', name.n);
}

/* An empty one would be the beginning of every prompt. */
static bool is_prompt(struct slice text)
{
    return text.n > 0 && value_is_printable(text);
}

/* clang-format off */
#define ROW(member, type, ...) KEYWORD(struct settings, member, type, __VA_ARGS__)
#define FLAG(member, def) ROW(member, keyword_flag, KEYWORD_YES_NO, .initial = (def))
#define NUMBER(member, low, high, def) ROW(member, keyword_number, .min = (low), .max = (high), \
    .form = "a number from " low " to " high, .initial = (def))
#define SPAN(member, low, high, def) ROW(member, keyword_span, .min = (low), .max = (high), \
    .step = 1, .unit = 1, .form = "a time span from " low " to " high ", such as " def, .initial = (def))
#define SECONDS(member, low, high, def) ROW(member, keyword_span, .min = (low), .max = (high), \
    .step = SECOND, .unit = 1, .initial = (def), \
    .form = "a time span from " low " to " high " in whole seconds, such as " def)
#define RATE(member, def) ROW(member, rate, .initial = (def), \
    .form = "COUNT/s, COUNT/min or COUNT/h, such as 30/min, or 0 for no limit")
#define TEXT(member, is, says, ...) ROW(member, keyword_text, .valid = (is), .form = (says), __VA_ARGS__)
#define CLAIM(member, def) TEXT(member, is_free_claim, \
    "the name of a claim that has no other meaning, " VALUE_NAME_FORM, .initial = (def))
#define WORDS(member, is, says, def) ROW(member, keyword_words, .valid = (is), .form = (says), \
    .initial = (def), .may_be_empty = true)

const struct keyword settings_keywords[] = {
    /* pam_jwt and other verifiers accept at most max_lifetime=1d by default. */
    {"AccessTokenLifetime", "Token", SECONDS(token.access_lifetime, "1s", "1d", "15min")},
    {"RefreshTokenLifetime", "Token", SECONDS(token.refresh_lifetime, "1s", "365d", "7d")},
    {"SlidingTokenLifetime", "Token", SECONDS(token.sliding_lifetime, "1s", "1d", "15min")},
    {"SlidingTokenRefreshLifetime", "Token",
     SECONDS(token.sliding_refresh_lifetime, "1s", "365d", "1d")},
    {"SlidingTokens", "Token", FLAG(token.sliding_tokens, "no")},
    {"Algorithm", "Token", ROW(token.algorithm, algorithm, .form = "one of " ALG_NAMES,
        .initial = "EdDSA")},
    {"Issuer", "Token", TEXT(token.issuer, value_is_issuer, VALUE_ISSUER_FORM,
        .shown = "https://HOSTNAME")},
    {"Audience", "Token", ROW(token.audience, keyword_words, .valid = value_is_audience,
        .form = "one or more names, each " VALUE_AUDIENCE_FORM, .shown = "HOSTNAME")},
    {"Leeway", "Token", SECONDS(token.leeway, "0", "5min", "0")},
    {"UserIdClaim", "Token", CLAIM(token.user_id_claim, "sub")},
    {"TokenTypeClaim", "Token", CLAIM(token.token_type_claim, "token_type")},
    {"JtiClaim", "Token", CLAIM(token.jti_claim, "jti")},
    {"AmrClaim", "Token", FLAG(token.amr_claim, "no")},
    {"MaxTokenLength", "Token", NUMBER(token.max_token_length, "128", "8192", "511")},
    {"RevokedMaxAge", "Token", ROW(token.revoked_max_age, keyword_span, .min = "0", .max = "3650d",
        .step = SECOND, .unit = 1, .initial = "0",
        .form = "a time span from 1s to 3650d in whole seconds, such as 1h, or 0 for no limit")},
    {"KeyPropagation", "Token", SECONDS(token.key_propagation, "0", "7d", "0")},
    {"IssueLifetime", "Token", SECONDS(token.issue_lifetime, "1s", "1d", "1h")},

    {"RotateRefreshTokens", "Session", FLAG(session.rotate_refresh_tokens, "yes")},
    {"BlacklistAfterRotation", "Session", FLAG(session.blacklist_after_rotation, "yes")},
    {"RotationGrace", "Session", SECONDS(session.rotation_grace, "0", "5min", "10s")},
    {"IdleLifetime", "Session", SECONDS(session.idle_lifetime, "1s", "3650d", "7d")},
    {"AbsoluteLifetime", "Session", SECONDS(session.absolute_lifetime, "1s", "3650d", "30d")},
    {"MaxSessionsPerUser", "Session", NUMBER(session.max_sessions_per_user, "1", "100000", "64")},
    {"EndOnPasswordChange", "Session", FLAG(session.end_on_password_change, "yes")},
    {"CheckAccount", "Session", FLAG(session.check_account, "yes")},
    {"AccountCacheTime", "Session", SECONDS(session.account_cache_time, "0", "1h", "10s")},
    {"AllowUsers", "Session", WORDS(session.allow_users, is_user, "user names", "")},
    {"AllowGroups", "Session", WORDS(session.allow_groups, is_group, "group names, in quotes those with spaces", "")},
    {"DenyUsers", "Session", WORDS(session.deny_users, is_user, "user names", "root")},
    {"FailuresPerUser", "Session", RATE(session.failures_per_user, "10/min")},
    {"LoginsPerUser", "Session", RATE(session.logins_per_user, "60/min")},
    {"OtpPrompt", "Session", TEXT(session.otp_prompt, is_prompt,
        "the beginning of the prompt for a one-time code, such as Verification code", .shown = "")},

    {"AuthHeaderTypes", "Http", ROW(http.auth_header_types, keyword_words,
        .valid = value_is_token, .form = "one or more schemes such as Bearer", .initial = "Bearer")},
    {"AuthHeaderName", "Http", TEXT(http.auth_header_name, value_is_token,
        "the name of a header such as Authorization", .initial = "Authorization")},
    {"AllowedHosts", "Http", WORDS(http.allowed_hosts, value_is_host,
        "host names or addresses without ports, such as host.example or [2001:db8::1]", "")},
    {"AllowedOrigins", "Http", WORDS(http.allowed_origins, value_is_origin, VALUE_ORIGIN_FORM, "")},
    {"TrustedProxies", "Http", WORDS(http.trusted_proxies, is_user, "user names", "")},
    {"FailuresPerSource", "Http", RATE(http.failures_per_source, "30/min")},
    {"MaxConnections", "Http", NUMBER(http.max_connections, "1", "4096", "256")},
    {"MaxConnectionsPerSource", "Http",
     NUMBER(http.max_connections_per_source, "1", "4096", "16")},
    {"FailureTime", "Http", SPAN(http.failure_time, "100ms", "30s", "2s")},

    {"IdleTimeout", "Daemon", SPAN(daemon.idle_timeout, "1s", "1d", "10min")},

    {"Path", "Store", TEXT(store.path, value_is_path, VALUE_PATH_FORM, .shown = "")},
    {"Database", "Store", TEXT(store.database, value_is_database, VALUE_DATABASE_FORM,
        .shown = "", .hidden = true)},

    {"Issuers", "Fleet", WORDS(fleet.issuers, value_is_thumbprint, VALUE_THUMBPRINT_FORM, "")},

    {"URL", "Sync", TEXT(sync.url, value_is_url, VALUE_URL_FORM, .shown = "")},
    {"Trust", "Sync", WORDS(sync.trust, value_is_thumbprint, VALUE_THUMBPRINT_FORM, "")},
    {"Audience", "Sync", ROW(sync.audience, keyword_words, .valid = value_is_audience,
        .form = "one or more names, each " VALUE_AUDIENCE_FORM, .shown = "HOSTNAME")},
    {"Interval", "Sync", SPAN(sync.interval, "1s", "1h", "1min")},
    {0},
};
/* clang-format on */

_Static_assert(sizeof(settings_keywords) / sizeof(settings_keywords[0]) <=
                   SETTINGS_KEYWORDS_MAX,
               "the parser has an array of them");
