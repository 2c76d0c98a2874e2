#include "common/config/settings_rows.h"

#include "common/base/timespan.h"
#include "common/base/username.h"

#define S SECOND

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
#define FLAG(member, std) SETTING(struct settings, SETTING_FLAG, member, \
    .form = VALUE_FLAG_FORM, .standard = (std))
#define NUMBER(member, low, high, std) SETTING(struct settings, SETTING_NUMBER, member, \
    .min = (low), .max = (high), .standard = (std))
#define SPAN(member, low, high, by, std) SETTING(struct settings, SETTING_SPAN, member, \
    .min = (low), .max = (high), .step = (by), .unit = 1, .standard = (std))
#define RATE(member, std) SETTING(struct settings, SETTING_RATE, member, \
    .form = SETTING_RATE_FORM, .standard = (std))
#define TEXT(member, is, says, std) SETTING(struct settings, SETTING_TEXT, member, \
    .ok = (is), .form = (says), .standard = (std))
#define WORDS(member, least, is, says, std) SETTING(struct settings, SETTING_WORDS, member, \
    .min = (least), .ok = (is), .form = (says), .standard = (std))

static const struct settings_row table[] = {
    /* What checks a token takes max_lifetime=1d by default. */
    {"Token", "AccessTokenLifetime", false, SPAN(token.access_lifetime, S, DAY, S, "15min")},
    {"Token", "RefreshTokenLifetime", false, SPAN(token.refresh_lifetime, S, 365 * DAY, S, "7d")},
    {"Token", "SlidingTokenLifetime", false, SPAN(token.sliding_lifetime, S, DAY, S, "15min")},
    {"Token", "SlidingTokenRefreshLifetime", false, SPAN(token.sliding_refresh_lifetime, S, 365 * DAY, S,
         "1d")},
    {"Token", "SlidingTokens", false, FLAG(token.sliding_tokens, "no")},
    {"Token", "Algorithm", false,
     SETTING(struct settings, SETTING_ALGORITHM, token.algorithm, .standard = "EdDSA")},
    {"Token", "Issuer", true, TEXT(token.issuer, value_is_name,
     "a name such as https://host.example, " VALUE_NAME_FORM, "https://HOSTNAME")},
    {"Token", "Audience", true, WORDS(token.audience, 1, value_is_name,
     "one or more names parted by blanks, each " VALUE_NAME_FORM, "HOSTNAME")},
    {"Token", "Leeway", false, SPAN(token.leeway, 0, POLICY_LEEWAY_MAX * S, S, "0")},
    {"Token", "UserIdClaim", false, TEXT(token.user_id_claim, is_free_claim, CLAIM_FORM, "sub")},
    {"Token", "TokenTypeClaim", false, TEXT(token.token_type_claim, is_free_claim, CLAIM_FORM,
         "token_type")},
    {"Token", "JtiClaim", false, TEXT(token.jti_claim, is_free_claim, CLAIM_FORM, "jti")},
    {"Token", "MaxTokenLength", false, NUMBER(token.max_token_length, 128, 8192, "511")},

    {"Session", "RotateRefreshTokens", false, FLAG(session.rotate_refresh_tokens, "yes")},
    {"Session", "BlacklistAfterRotation", false, FLAG(session.blacklist_after_rotation, "yes")},
    {"Session", "RotationGrace", false, SPAN(session.rotation_grace, 0, 5 * MINUTE, S, "10s")},
    {"Session", "IdleLifetime", false, SPAN(session.idle_lifetime, S, 3650 * DAY, S, "7d")},
    {"Session", "AbsoluteLifetime", false, SPAN(session.absolute_lifetime, S, 3650 * DAY, S, "30d")},
    {"Session", "MaxSessionsPerUser", false, NUMBER(session.max_sessions_per_user, 1, 100000, "64")},
    {"Session", "EndOnPasswordChange", false, FLAG(session.end_on_password_change, "yes")},
    {"Session", "CheckAccount", false, FLAG(session.check_account, "yes")},
    {"Session", "AccountCacheTime", false, SPAN(session.account_cache_time, 0, HOUR, S, "10s")},
    {"Session", "AllowUsers", false, WORDS(session.allow_users, 0, username_valid,
          "user names parted by blanks", "")},
    {"Session", "AllowGroups", false, WORDS(session.allow_groups, 0, value_is_name,
          "group names parted by blanks", "")},
    {"Session", "DenyUsers", false, WORDS(session.deny_users, 0, username_valid,
          "user names parted by blanks", "root")},
    {"Session", "FailuresPerUser", false, RATE(session.failures_per_user, "10/min")},

    {"Http", "AuthHeaderTypes", false, WORDS(http.auth_header_types, 1, value_is_token,
          "one or more schemes such as Bearer, parted by blanks", "Bearer")},
    {"Http", "AuthHeaderName", false, TEXT(http.auth_header_name, value_is_token,
         "a header's name such as Authorization", "Authorization")},
    {"Http", "AllowedHosts", false, WORDS(http.allowed_hosts, 0, value_is_host,
          "host names or addresses such as host.example or [2001:db8::1], without ports, "
          "parted by blanks", "")},
    {"Http", "TrustedProxies", false, WORDS(http.trusted_proxies, 0, username_valid,
          "user names parted by blanks", "")},
    {"Http", "FailuresPerSource", false, RATE(http.failures_per_source, "30/min")},
    {"Http", "MaxConnections", false, NUMBER(http.max_connections, 1, 4096, "256")},
    {"Http", "MaxConnectionsPerSource", false, NUMBER(http.max_connections_per_source, 1, 4096, "16")},
    {"Http", "FailureTime", false, SPAN(http.failure_time, S / 10, 30 * S, 1, "2s")},

    {"Daemon", "IdleTimeout", false, SPAN(daemon.idle_timeout, S, DAY, 1, "10min")},

    {"Store", "Path", true, TEXT(store.path, value_is_path, VALUE_PATH_FORM, "")},
};
/* clang-format on */

#define N_ROWS (sizeof(table) / sizeof(table[0]))

_Static_assert(N_ROWS <= SETTINGS_ROWS_MAX, "the reader has a bit a row");

const struct settings_row *settings_row_at(size_t i)
{
    return i < N_ROWS ? &table[i] : NULL;
}
