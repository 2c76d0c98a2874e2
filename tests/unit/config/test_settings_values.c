/*
 * Each setting: its default, good and bad values, and how it is listed.
 */
#include "tests/unit/config/settings_unit.h"

START_TEST(defaults_are_those_of_the_design)
{
    CLEANUP(settings_clear) struct settings set = {0};

    ck_assert_ok(settings_init(&set));
    ck_assert_uint_eq(set.token.access_lifetime, 900 * SEC);
    ck_assert_uint_eq(set.token.refresh_lifetime, 604800 * SEC);
    ck_assert_uint_eq(set.token.sliding_lifetime, 900 * SEC);
    ck_assert_uint_eq(set.token.sliding_refresh_lifetime, 86400 * SEC);
    ck_assert(!set.token.sliding_tokens);
    ck_assert_str_eq(set.token.algorithm->name, "EdDSA");
    ck_assert_ptr_null(set.token.issuer);
    ck_assert_ptr_null(set.token.audience);
    ck_assert_uint_eq(set.token.leeway, 0);
    ck_assert_str_eq(set.token.user_id_claim, "sub");
    ck_assert_str_eq(set.token.token_type_claim, "token_type");
    ck_assert_str_eq(set.token.jti_claim, "jti");
    ck_assert(!set.token.amr_claim);
    ck_assert_uint_eq(set.token.max_token_length, 511);
    ck_assert_uint_eq(set.token.revoked_max_age, 0);
    ck_assert(set.session.rotate_refresh_tokens && set.session.blacklist_after_rotation);
    ck_assert_uint_eq(set.session.rotation_grace, 10 * SEC);
    ck_assert_uint_eq(set.session.idle_lifetime, 604800 * SEC);
    ck_assert_uint_eq(set.session.absolute_lifetime, 2592000 * SEC);
    ck_assert_uint_eq(set.session.max_sessions_per_user, 64);
    ck_assert(set.session.end_on_password_change && set.session.check_account);
    ck_assert_uint_eq(set.session.account_cache_time, 10 * SEC);
    ck_assert_ptr_null(set.session.allow_users);
    ck_assert_ptr_null(set.session.allow_groups);
    words_are(set.session.deny_users, "root");
    ck_assert_uint_eq(set.session.failures_per_user.count, 10);
    ck_assert_uint_eq(set.session.failures_per_user.per, 60 * SEC);
    ck_assert_uint_eq(set.session.logins_per_user.count, 60);
    ck_assert_uint_eq(set.session.logins_per_user.per, 60 * SEC);
    ck_assert_ptr_null(set.session.otp_prompt);
    words_are(set.http.auth_header_types, "Bearer");
    ck_assert_str_eq(set.http.auth_header_name, "Authorization");
    ck_assert_ptr_null(set.http.allowed_hosts);
    ck_assert_ptr_null(set.http.trusted_proxies);
    ck_assert_ptr_null(set.http.allowed_origins);
    ck_assert_uint_eq(set.http.failures_per_source.count, 30);
    ck_assert_uint_eq(set.http.failures_per_source.per, 60 * SEC);
    ck_assert_uint_eq(set.http.max_connections, 256);
    ck_assert_uint_eq(set.http.max_connections_per_source, 16);
    ck_assert_uint_eq(set.http.failure_time, 2 * SEC);
    ck_assert_uint_eq(set.daemon.idle_timeout, 600 * SEC);
    ck_assert_ptr_null(set.store.path);
    ck_assert_ptr_null(set.store.database);
    ck_assert_ptr_null(set.fleet.issuers);
    ck_assert_uint_eq(set.n_issuers, 0);
}
END_TEST

START_TEST(every_setting_is_read)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Token]\nAccessTokenLifetime=1min\nRefreshTokenLifetime=2min\n"
                  "SlidingTokenLifetime=3min\nSlidingTokenRefreshLifetime=4min\n"
                  "SlidingTokens=off\nAlgorithm=Ed25519\nIssuer=https://i\nAudience=a  b\n"
                  "Leeway=5\nUserIdClaim=user_id\nTokenTypeClaim=tt\nJtiClaim=id\n"
                  "AmrClaim=yes\nMaxTokenLength=1024\nRevokedMaxAge=1h\n"
                  "KeyPropagation=1h\n"
                  "IssueLifetime=2h\n"
                  "[Session]\nRotateRefreshTokens=no\nBlacklistAfterRotation=false\n"
                  "RotationGrace=0\nIdleLifetime=6min\nAbsoluteLifetime=7min\n"
                  "MaxSessionsPerUser=8\nEndOnPasswordChange=0\nCheckAccount=off\n"
                  "AccountCacheTime=9s\nAllowUsers=alice carol\nAllowGroups=sudo\nDenyUsers=\n"
                  "FailuresPerUser=0\nLoginsPerUser=90/h\nOtpPrompt=Verification code:\n"
                  "[Http]\nAuthHeaderTypes=JWT Bearer\nAuthHeaderName=X-Auth\n"
                  "AllowedHosts=h.example "
                  "[::1]\nTrustedProxies=www-data\nAllowedOrigins=https://a http://b:1\n"
                  "FailuresPerSource=100/h\nMaxConnections=10\nMaxConnectionsPerSource=11\n"
                  "FailureTime=1500ms\n"
                  "[Daemon]\nIdleTimeout=12s\n[Store]\nPath=/srv/s.db\n"
                  "Database=postgresql://jwtd@db1,db2/jwt\n"
                  "[Fleet]\nIssuers=YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs\n"
                  "[Sync]\nURL=https://login.example/"
                  "x\nTrust=YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs\n"
                  "Audience=web2 web2.example\nInterval=5s");

    ck_assert_uint_eq(set.token.access_lifetime, 60 * SEC);
    ck_assert_uint_eq(set.token.refresh_lifetime, 120 * SEC);
    ck_assert_uint_eq(set.token.sliding_lifetime, 180 * SEC);
    ck_assert_uint_eq(set.token.sliding_refresh_lifetime, 240 * SEC);
    ck_assert_str_eq(set.token.algorithm->name, "EdDSA");
    ck_assert_str_eq(set.token.issuer, "https://i");
    words_are(set.token.audience, "a b");
    ck_assert_uint_eq(set.token.leeway, 5 * SEC);
    ck_assert_str_eq(set.token.user_id_claim, "user_id");
    ck_assert_str_eq(set.token.token_type_claim, "tt");
    ck_assert_str_eq(set.token.jti_claim, "id");
    ck_assert(set.token.amr_claim);
    ck_assert_uint_eq(set.token.max_token_length, 1024);
    ck_assert_uint_eq(set.token.revoked_max_age, 3600 * SEC);
    ck_assert_uint_eq(set.token.key_propagation, 3600 * SEC);
    ck_assert_uint_eq(set.token.issue_lifetime, 7200 * SEC);
    ck_assert(!set.session.rotate_refresh_tokens && !set.session.blacklist_after_rotation);
    ck_assert_uint_eq(set.session.rotation_grace, 0);
    ck_assert_uint_eq(set.session.idle_lifetime, 360 * SEC);
    ck_assert_uint_eq(set.session.absolute_lifetime, 420 * SEC);
    ck_assert_uint_eq(set.session.max_sessions_per_user, 8);
    ck_assert(!set.session.end_on_password_change && !set.session.check_account);
    ck_assert_uint_eq(set.session.account_cache_time, 9 * SEC);
    words_are(set.session.allow_users, "alice carol");
    words_are(set.session.allow_groups, "sudo");
    ck_assert_ptr_null(set.session.deny_users);
    ck_assert_uint_eq(set.session.failures_per_user.count, 0);
    ck_assert_uint_eq(set.session.logins_per_user.count, 90);
    ck_assert_uint_eq(set.session.logins_per_user.per, 3600 * SEC);
    ck_assert_str_eq(set.session.otp_prompt, "Verification code:");
    words_are(set.http.auth_header_types, "JWT Bearer");
    ck_assert_str_eq(set.http.auth_header_name, "X-Auth");
    words_are(set.http.allowed_hosts, "h.example [::1]");
    words_are(set.http.trusted_proxies, "www-data");
    words_are(set.http.allowed_origins, "https://a http://b:1");
    ck_assert_uint_eq(set.http.failures_per_source.count, 100);
    ck_assert_uint_eq(set.http.failures_per_source.per, 3600 * SEC);
    ck_assert_uint_eq(set.http.max_connections, 10);
    ck_assert_uint_eq(set.http.max_connections_per_source, 11);
    ck_assert_uint_eq(set.http.failure_time, 1500000);
    ck_assert_uint_eq(set.daemon.idle_timeout, 12 * SEC);
    ck_assert_str_eq(set.store.path, "/srv/s.db");
    ck_assert_str_eq(set.store.database, "postgresql://jwtd@db1,db2/jwt");
    words_are(set.fleet.issuers, "YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs");
    ck_assert_str_eq(set.sync.url, "https://login.example/x");
    words_are(set.sync.trust, "YR5qZLk3sGFIlAQyIp7BpTHtK4bQ3UcgIXW8n31mHrs");
    words_are(set.sync.audience, "web2 web2.example");
    ck_assert_uint_eq(set.sync.interval, 5 * SEC);
}
END_TEST

static const struct bad_value {
    const char *section, *line, *form;
} bad_values[] = {
    {"Token", "AccessTokenLifetime=0",
     "a time span from 1s to 1d in whole seconds, such as 15min"},
    {"Token", "AccessTokenLifetime=25h", "a time span from 1s to 1d in whole seconds"},
    {"Token", "AccessTokenLifetime=1500ms", "whole seconds"},
    {"Token", "AccessTokenLifetime=", "whole seconds"},
    {"Token", "AccessTokenLifetime=1month", "whole seconds"},
    {"Token", "AccessTokenLifetime=\"15min\"", "whole seconds"},
    {"Token", "RefreshTokenLifetime=366d", "from 1s to 365d in whole seconds, such as 7d"},
    {"Token", "SlidingTokenLifetime=2d", "from 1s to 1d"},
    {"Token", "SlidingTokenRefreshLifetime=0", "from 1s to 365d"},
    {"Token", "SlidingTokens=maybe", "expected yes or no"},
    {"Token", "SlidingTokens=", "expected yes or no"},
    {"Token", "JtiClaim=amr", "the name of a claim that has no other meaning"},
    {"Token", "AmrClaim=otp", "expected yes or no"},
    {"Token", "JtiClaim=refresh_exp", "the name of a claim that has no other meaning"},
    {"Token", "Algorithm=none", "expected one of EdDSA"},
    {"Token", "Algorithm=eddsa", "expected one of EdDSA"},
    {"Token", "Algorithm=", "expected one of EdDSA"},
    {"Token", "Issuer=", "expected a URL such as https://host.example"},
    {"Token", "Issuer=a b", "expected a URL such as"},
    {"Token", "Issuer='a'", "expected a URL such as"},
    {"Token", "Issuer=\"a\"", "expected a URL such as"},
    {"Token", "Audience=", "one or more names, each"},
    {"Token", "Audience=a b#k",
     "one or more names, each 1 to 255 bytes without spaces, quotes, commas and '#'"},
    {"Token", "Audience=a,b", "one or more names, each"},
    {"Token", "Leeway=301", "a time span from 0 to 5min in whole seconds"},
    {"Token", "Leeway=1ms", "a time span from 0 to 5min in whole seconds"},
    {"Token", "UserIdClaim=", "the name of a claim"},
    {"Token", "UserIdClaim=exp", "the name of a claim that has no other meaning"},
    {"Token", "TokenTypeClaim=iss", "the name of a claim that has no other meaning"},
    {"Token", "JtiClaim=sid", "the name of a claim that has no other meaning"},
    {"Token", "JtiClaim=a b", "the name of a claim"},
    {"Token", "KeyPropagation=8d", "a time span from 0 to 7d in whole seconds"},
    {"Token", "IssueLifetime=25h", "a time span from 1s to 1d in whole seconds"},
    {"Token", "MaxTokenLength=127", "a number from 128 to 8192"},
    {"Token", "RevokedMaxAge=500ms", "a time span from 1s to 3650d in whole seconds"},
    {"Token", "MaxTokenLength=8193", "a number from 128 to 8192"},
    {"Token", "MaxTokenLength=0511", "a number from 128 to 8192"},
    {"Token", "MaxTokenLength=511B", "a number from 128 to 8192"},
    {"Token", "MaxTokenLength=18446744073709552127", "a number from 128 to 8192"},
    {"Session", "RotateRefreshTokens=maybe", "yes or no"},
    {"Session", "BlacklistAfterRotation=", "yes or no"},
    {"Session", "EndOnPasswordChange=Yes", "yes or no"},
    {"Session", "CheckAccount=2", "yes or no"},
    {"Session", "RotationGrace=301", "a time span from 0 to 5min in whole seconds"},
    {"Session", "IdleLifetime=0", "from 1s to 3650d"},
    {"Session", "AbsoluteLifetime=infinity", "from 1s to 3650d"},
    {"Session", "MaxSessionsPerUser=0", "a number from 1 to 100000"},
    {"Session", "AccountCacheTime=61min", "a time span from 0 to 1h in whole seconds"},
    {"Session", "AllowUsers=alice,carol", "user names, separated by spaces"},
    {"Session", "AllowUsers=a:b", "user names, separated by spaces"},
    {"Session", "AllowGroups=a,b",
     "group names, in quotes those with spaces, separated by spaces"},
    {"Session", "AllowGroups=\"domain admins", "group names, in quotes those with spaces"},
    {"Session", "DenyUsers=root,alice", "user names, separated by spaces"},
    {"Session", "FailuresPerUser=10", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=10/day", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=0/min", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=/min", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=10/", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=-1/min", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "FailuresPerUser=", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "LoginsPerUser=60", "COUNT/s, COUNT/min or COUNT/h"},
    {"Http", "FailuresPerSource=1000001/s", "COUNT/s, COUNT/min or COUNT/h"},
    {"Session", "OtpPrompt=", "the beginning of the prompt for a one-time code"},
    {"Http", "AuthHeaderTypes=", "one or more schemes"},
    {"Http", "AuthHeaderTypes=Bearer,JWT", "one or more schemes"},
    {"Http", "AuthHeaderName=a b", "the name of a header"},
    {"Http", "AuthHeaderName=a:", "the name of a header"},
    {"Http", "AllowedHosts=h:80", "without ports"},
    {"Http", "AllowedHosts=*", "without ports"},
    {"Http", "AllowedHosts=[]", "without ports"},
    {"Http", "AllowedOrigins=*", "without a path, a wildcard"},
    {"Http", "AllowedOrigins=https://a null", "null is not an origin"},
    {"Http", "AllowedOrigins=https://a/", "without a path"},
    {"Http", "TrustedProxies=10.0.0.1,x", "user names, separated by spaces"},
    {"Http", "MaxConnections=0", "a number from 1 to 4096"},
    {"Http", "MaxConnectionsPerSource=4097", "a number from 1 to 4096"},
    {"Http", "FailureTime=0", "a time span from 100ms to 30s, such as 2s"},
    {"Http", "FailureTime=31s", "a time span from 100ms to 30s"},
    {"Daemon", "IdleTimeout=0", "a time span from 1s to 1d, such as 10min"},
    {"Store", "Path=sessions.db", "an absolute path"},
    {"Store", "Path=", "an absolute path"},
    {"Store", "Database=...", "expected postgresql://[USER@]HOST"},
    {"Fleet", "Issuers=YR5qZLk3", "thumbprints of 43 base64url letters"},
    {"Sync", "URL=http://login.example", "https://HOST[:PORT][/PATH]"},
    {"Sync", "URL=", "https://HOST[:PORT][/PATH]"},
    {"Sync", "Trust=YR5qZLk3", "thumbprints of 43 base64url letters"},
    {"Sync", "Audience=", "one or more names"},
    {"Sync", "Audience=a#b", "one or more names"},
    {"Sync", "Interval=0", "a time span from 1s to 1h, such as 1min"},
    {"Issuer u", "Keys=jwks.json", "Keys=jwks.json: expected an absolute path"},
    {"Issuer u", "Keys=", "an absolute path"},
    {"Issuer u", "Audience=", "separated by spaces"},
    {"Issuer u", "Algorithms=none", "one or more of EdDSA"},
    {"Issuer u", "AllowRoot=", "yes or no"},
    {"Issuer u", "UserClaim=a b", "the name of a claim"},
    {"Issuer u", "AudienceClaim=a b", "the name of a claim"},
    {"Issuer u", "Type=a b", "a token_type such as access, or an empty value"},
    {"Issuer u", "Typ=JWS", "one or more of JWT, at+jwt and absent"},
    {"Issuer u", "Require=a,b", "the names of one or more claims"},
    {"Issuer u", "Claim=ab", "PATH:VALUE"},
    {"Issuer u", "Scope=maybe", "optional or required"},
    {"Issuer u", "OneTime=yes", "optional or required"},
    {"Issuer u", "Leeway=6min", "a time span from 0 to 5min in whole seconds"},
    {"Issuer u", "MaxLifetime=0", "a time span from 1s to 3650d in whole seconds"},
    {"Issuer u", "MaxLength=65537", "a number of bytes from 1 to 65536"},
    {"Issuer u", "Revoked=list", "an absolute path or none"},
    {"Issuer u", "KeysUrl=http://h/k", "discover or https://HOST[:PORT][/PATH][?QUERY]"},
    {"Issuer u", "RevokedMaxAge=3651d", "a time span from 1s to 3650d in whole seconds"},
    {"Issuer u", "UserMap=", "none, same or an absolute path"},
    {"Issuer u", "UserMap=map", "none, same or an absolute path"},
};

START_TEST(each_bad_value_is_refused_with_the_expected_form)
{
    char text[256];

    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        (void)snprintf(text, sizeof(text), "# a comment\n[%s]\n\n%s\n", bad_values[i].section,
                       bad_values[i].line);
        refuse(text, 4, bad_values[i].form);
        refuse(text, 4, bad_values[i].line);
    }
}
END_TEST

static void has_bad_value(void *arg, const char *section, const char *key, const char *value,
                          bool is_default)
{
    size_t n = strlen(key);

    (void)arg;
    (void)value;
    (void)is_default;
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
        if (strcmp(bad_values[i].section, section) == 0 &&
            strncmp(bad_values[i].line, key, n) == 0 && bad_values[i].line[n] == '=')
            return;
    ck_abort_msg("[%s] %s has no bad value in the table", section, key);
}

/* settings_each lists a key of an [Issuer URL] section only where the section has it. */
START_TEST(each_setting_is_tested_with_a_bad_value)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Issuer u]\nKeys=/k\nAudience=a\nAlgorithms=EdDSA\nUserClaim=u\nType=a\n"
                  "Typ=JWT\nRequire=exp\nClaim=a:b\nScope=required\nOneTime=required\n"
                  "Leeway=1\nMaxLifetime=1\nMaxLength=1\nAllowRoot=yes\nRevoked=none\n"
                  "RevokedMaxAge=1h\nUserMap=same\n");

    ck_assert_ok(settings_each(&set, has_bad_value, NULL));
}
END_TEST

START_TEST(a_long_value_is_cut_in_the_message)
{
    char text[2000] = "[Token]\nIssuer=";

    memset(text + strlen(text), 'a', 1500);
    refuse(text, 2, "a: expected a URL such as");
}
END_TEST

START_TEST(a_password_in_a_url_of_a_database_is_refused_and_not_shown)
{
    static const char *const bad[] = {"postgresql://u:secret@h/d",
                                      "postgresql://u@h/d?password=secret",
                                      "postgres:/u:secret@h/d"};
    char text[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "[Store]\nDatabase=%s\n", bad[i]);
        refuse(text, 2, "Database=...: expected postgresql://");
    }
}
END_TEST

START_TEST(two_claims_with_one_name_are_refused)
{
    refuse("[Token]\nUserIdClaim=jti\n", 2, "UserIdClaim and JtiClaim are both jti");
    refuse("[Token]\nTokenTypeClaim=x\nLeeway=1\nUserIdClaim=x\nAudience=a\n", 4,
           "TokenTypeClaim and UserIdClaim are both x");
    CLEANUP(settings_clear)
    struct settings set = read_text("[Token]\nUserIdClaim=x\nJtiClaim=y\n");
    /* The check is at the end of a file: names may change places in it. */
    add(&set, "[Token]\nUserIdClaim=y\nJtiClaim=x\n");
    ck_assert_str_eq(set.token.user_id_claim, "y");
}
END_TEST

struct listing {
    char p[8192];
    size_t n;
    bool all_default;
};

static void add_line(void *arg, const char *section, const char *key, const char *value,
                     bool is_default)
{
    struct listing *t = arg;

    t->all_default = t->all_default && is_default;
    t->n += (size_t)snprintf(t->p + t->n, sizeof(t->p) - t->n, "[%s] %s=%s%s\n", section, key,
                             value, is_default ? " (default)" : "");
}

START_TEST(defaults_are_listed_as_a_file_spells_them)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct listing t = {.all_default = true};

    ck_assert_ok(settings_init(&set));
    ck_assert_ok(settings_each(&set, add_line, &t));
    ck_assert_msg(t.all_default, "%s", t.p);
    ck_assert_ptr_nonnull(strstr(t.p, "[Token] AccessTokenLifetime=15min (default)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Token] Issuer=https://HOSTNAME (default)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Session] AbsoluteLifetime=30d (default)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Http] FailuresPerSource=30/min (default)\n"));
}
END_TEST

START_TEST(values_are_listed_as_a_file_spells_them)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Token]\nAccessTokenLifetime=90\nAudience=a  b\nAlgorithm=Ed25519\n"
                  "[Session]\nDenyUsers=\nRotateRefreshTokens=0\nFailuresPerUser=0\n"
                  "[Http]\nFailureTime=1500ms\nFailuresPerSource=7/h\n"
                  "[Issuer u]\nKeys=/k\nTyp=at+jwt jwt\nClaim=a:b c\nClaim=d:e\n"
                  "MaxLifetime=3600\nScope=required\nAllowRoot=1\nMaxLength=9\n");
    struct listing t = {.n = 0};
    static const char *const want[] = {
        "[Token] AccessTokenLifetime=90s\n",
        "[Token] Audience=a b\n",
        "[Token] Algorithm=EdDSA (default)\n",
        "[Session] DenyUsers=\n",
        "[Session] RotateRefreshTokens=no\n",
        "[Session] FailuresPerUser=0\n",
        "[Http] FailureTime=1500ms\n",
        "[Http] FailuresPerSource=7/h\n",
        "[Issuer u] Keys=/k\n",
        "[Issuer u] Typ=JWT at+jwt\n",
        "[Issuer u] Claim=a:b c\n[Issuer u] Claim=d:e\n",
        "[Issuer u] Scope=required\n",
        "[Issuer u] MaxLifetime=1h\n",
        "[Issuer u] MaxLength=9\n",
        "[Issuer u] AllowRoot=yes\n",
        "[Issuer u] UserMap=none\n",
    };

    ck_assert_ok(settings_each(&set, add_line, &t));
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        ck_assert_msg(strstr(t.p, want[i]) != NULL, "no %s in %s", want[i], t.p);
}
END_TEST

UNIT_MAIN("settings_values", each_setting_is_tested_with_a_bad_value,
          defaults_are_those_of_the_design, every_setting_is_read,
          each_bad_value_is_refused_with_the_expected_form, a_long_value_is_cut_in_the_message,
          a_password_in_a_url_of_a_database_is_refused_and_not_shown,
          two_claims_with_one_name_are_refused, defaults_are_listed_as_a_file_spells_them,
          values_are_listed_as_a_file_spells_them)
