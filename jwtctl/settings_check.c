#include "jwtctl/settings_check.h"

#include "common/config/pam_stack.h"
#include "common/config/resolve.h"
#include "common/token/issue.h"

#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>

#define LOGIN_DROP_IN "jwtd-login.service.d/faillock.conf"
#define STATE_DIR "/var/lib/jwtd-issuer"

struct settings_problems {
    const struct settings *s;
    settings_problem_fn *fn;
    void *arg;
};

static void add(const struct settings_problems *p, enum settings_level level,
                const char *remedy, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void add(const struct settings_problems *p, enum settings_level level,
                const char *remedy, const char *fmt, ...)
{
    struct errmsg errmsg;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(errmsg.text, sizeof(errmsg.text), fmt, args);
    va_end(args);
    p->fn(p->arg, level, &errmsg, remedy);
}

/* The daemons and screen lockers read the files, not root. */
static void check_readable(const struct settings_problems *p, const char *path, mode_t bits)
{
    struct errmsg remedy;
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & bits) == bits)
        return;
    (void)errmsg_set(&remedy, TOK_OK, "chmod a+r%s %s", bits & S_IXOTH ? "x" : "", path);
    add(p, SETTINGS_ERROR, remedy.text, "%s: cannot be read by the daemons: expected mode %04o",
        path, bits & S_IXOTH ? 0755 : 0644);
}

static void check_files(const struct settings_problems *p, const char *path)
{
    char pattern[PATH_MAX];
    glob_t found;

    check_readable(p, path, S_IROTH);
    (void)snprintf(pattern, sizeof(pattern), "%s.d", path);
    check_readable(p, pattern, S_IROTH | S_IXOTH);
    (void)snprintf(pattern, sizeof(pattern), "%s.d/*.conf", path);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_readable(p, found.gl_pathv[i], S_IROTH);
    globfree(&found);
}

/* A directory may be out of reach now. */
static void check_names(const struct settings_problems *p)
{
    for (word_list w = p->s->session.allow_groups; w && *w; w++)
        if (!getgrnam(*w))
            add(p, SETTINGS_WARNING, NULL, "AllowGroups=: no such group: %s", *w);
    for (word_list w = p->s->http.trusted_proxies; w && *w; w++)
        if (!getpwnam(*w))
            add(p, SETTINGS_ERROR, NULL, "TrustedProxies=: there is no user %s", *w);
}

/* A line whose value an earlier one matches never applies to it. */
static void check_map(const struct settings_problems *p, const char *path)
{
    CLEANUP(usermap_clear) struct usermap map = {0};
    const struct usermap_line *first;
    struct errmsg errmsg;

    if (resolve_map(path, FILE_SETTINGS, &map, &errmsg) != TOK_OK)
        p->fn(p->arg, SETTINGS_ERROR, &errmsg, NULL);
    for (const struct usermap_line *l = map.lines; l < map.lines + map.n; l++)
        if ((first = usermap_find(&map, l->issuer, l->value)) != l)
            add(p, SETTINGS_WARNING, NULL, "%s:%u: overlaps with line %u, which applies first",
                path, l->line, first->line);
}

/* Files of another issuer. Those that a user cannot read are left to root. */
static void check_issuer(const struct settings_problems *p, const struct policy *issuer)
{
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    const struct keyset_source from = {NULL, issuer->keys, FILE_KEYS, issuer->algorithms};
    struct revoked list = {.fd = -1};
    const char *skipped;
    struct errmsg errmsg;

    if (keyset_load(&from, &keys, &errmsg) != TOK_OK && (geteuid() == 0 || errno != EACCES))
        add(p, SETTINGS_ERROR, NULL, "%s; Keys= of [Issuer %s]", errmsg.text, issuer->issuer);
    for (size_t i = 0; keys && (skipped = keyset_skipped(keys, i)); i++)
        add(p, SETTINGS_NOTE, NULL, "%s: not used: %s", issuer->keys, skipped);
    if (strcmp(issuer->user_map, "same") != 0)
        check_map(p, issuer->user_map);
    if (policy_given(issuer, "revoked") && strcmp(issuer->revoked, "none") != 0) {
        if (revoked_open(issuer->revoked, FILE_PUBLIC, &list, &errmsg) != TOK_OK)
            p->fn(p->arg, SETTINGS_ERROR, &errmsg, NULL);
        else
            revoked_close(&list);
    }
}

/* What jwtd-issuer keeps once it has made a token. */
static void check_recorded_names(const struct settings_problems *p)
{
    CLEANUP(policy_clear) struct policy recorded = {0};
    const char *issuer = p->s->token.issuer;
    word_list audience = p->s->token.audience;
    struct errmsg ignored;

    if (access(STATE_DIR, F_OK) != 0 ||
        policy_read_pinned(&recorded, POLICY_PINNED, &ignored) != TOK_OK)
        return;
    if ((issuer && strcmp(issuer, recorded.issuer) != 0) ||
        (audience && !word_list_equal(audience, recorded.audience)))
        add(p, SETTINGS_NOTE, NULL,
            "Issuer= or Audience= differ from those in use (%s): after a reload, run jwtctl "
            "config apply-names",
            POLICY_PINNED);
}

/* What an exchange needs: jwtd-issuer, which is not root, reads the files; without an audience
 * any token of the issuer for this host's own audience could be exchanged. */
static void check_exchange(const struct settings_problems *p, const struct policy *issuer)
{
    const char *map = issuer->user_map;

    if (!issuer->exchange) {
        if (issuer->session || policy_given(issuer, "exchange_lifetime"))
            add(p, SETTINGS_WARNING, NULL,
                "[Issuer %s]: Session= and ExchangeLifetime= have no effect without "
                "Exchange=yes",
                issuer->issuer);
        return;
    }
    if (!p->s->session.check_account)
        add(p, SETTINGS_ERROR, NULL,
            "[Issuer %s]: Exchange=yes has no effect with CheckAccount=no", issuer->issuer);
    if (strcmp(map, "none") == 0)
        add(p, SETTINGS_WARNING, NULL,
            "[Issuer %s]: Exchange=yes has no effect without UserMap=", issuer->issuer);
    if (!policy_given(issuer, "audience"))
        add(p, SETTINGS_WARNING, NULL,
            "[Issuer %s]: Exchange=yes without Audience=: tokens must have the audience of "
            "this "
            "host",
            issuer->issuer);
    if (issuer->scope_required || issuer->one_time_required)
        add(p, SETTINGS_WARNING, NULL,
            "[Issuer %s]: Exchange=yes with Scope=required or OneTime=required: such tokens "
            "are "
            "not exchanged",
            issuer->issuer);
    check_readable(p, issuer->keys, S_IROTH);
    if (*map == '/')
        check_readable(p, map, S_IROTH);
}

/* SQLite makes files beside the store. */
static void check_store(const struct settings_problems *p)
{
    const char *path = p->s->store.path, *slash = path ? strrchr(path, '/') : NULL;
    char dir[PATH_MAX];
    struct stat st;

    if (!slash)
        return;
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path) + 1, path);
    if (stat(dir, &st) != 0 && errno != EACCES)
        add(p, SETTINGS_ERROR, NULL, "Path=%s: there is no directory %s", path, dir);
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        add(p, SETTINGS_ERROR, NULL, "Path=%s: expected a regular file", path);
}

/* The issuer signs with a key of Algorithm=. Secrets are not published. */
static void check_algorithm(const struct settings_problems *p)
{
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    const struct alg *alg = p->s->token.algorithm;
    const struct keyset_source from = {NULL, POLICY_KEYS, FILE_PUBLIC, alg_bit(alg)};
    struct errmsg errmsg;

    if (alg->kind == ALG_OCT || access(STATE_DIR, F_OK) != 0 ||
        access(POLICY_KEYS, F_OK) != 0 || keyset_load(&from, &keys, &errmsg) == TOK_OK)
        return;
    (void)errmsg_set(&errmsg, TOK_OK, "jwtctl key rotate --alg=%s", alg->name);
    add(p, SETTINGS_ERROR, errmsg.text,
        "Algorithm=%s: there is no key of this algorithm in " POLICY_KEYS, alg->name);
}

/* The longest token that the issuer makes for sudo. Its default names fit; it may have pinned
 * others. */
static void check_length(const struct settings_problems *p)
{
    const struct settings *s = p->s;
    const uint8_t id[ISSUE_ID_BYTES] = {0};
    char bound[VALUE_NAME_MAX + 1 + HOST_KEY_LEN + 1], *audience[] = {bound, NULL};
    CLEANUP(policy_clear) struct policy pinned = {0};
    size_t user = settings_user_length(s);
    struct issue_claims claims = {
        .names = {s->token.user_id_claim, s->token.token_type_claim, s->token.jti_claim, NULL},
        .token_type = "access",
        .exp = INT32_MAX,
        .iat = INT32_MAX,
        .jti = id,
        .sid = id,
        .user = &"12345678901234567890123456789012"[SETTINGS_USER_LENGTH - user],
        .issuer = s->token.issuer ? s->token.issuer : "https://default",
        .audience = audience,
        .amr = s->token.amr_claim ? "pwd otp" : NULL,
        .gen = -1,
        .scope = "pam:sudo",
        .one_time = true};
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(secret_clear) struct secret token = {0};
    struct errmsg unused;
    word_list names = s->token.audience;

    if (s->token.amr_claim && policy_read_pinned(&pinned, POLICY_PINNED, &unused) == TOK_OK) {
        names = names ? names : pinned.audience;
        claims.issuer = s->token.issuer ? s->token.issuer : pinned.issuer;
    }
    (void)snprintf(bound, sizeof(bound), "%s#%0*d", names ? names[0] : "default1", HOST_KEY_LEN,
                   0);
    if (s->token.algorithm->kind == ALG_RSA || key_generate(NULL, s->token.algorithm, &key) ||
        issue_token(key, &claims, 0, &token) || token.n <= s->token.max_token_length)
        return;
    add(p, s->token.amr_claim ? SETTINGS_ERROR : SETTINGS_WARNING, NULL,
        "tokens for sudo have up to %zu characters for a user name of %zu letters, "
        "MaxTokenLength=%llu: shorten Issuer= or Audience=%s",
        token.n, user, (unsigned long long)s->token.max_token_length,
        s->token.amr_claim ? ", or remove AmrClaim=yes" : "");
}

static bool add_lockout(void *arg, const char *dir)
{
    add(arg, SETTINGS_ERROR,
        "install -D -m 644 " JWT_DATADIR "/faillock.conf /etc/systemd/system/" LOGIN_DROP_IN
        " && systemctl daemon-reload && systemctl try-restart jwtd-login",
        "the PAM stack of service jwtd contains pam_faillock, and jwtd-login cannot write the "
        "tallies in %s: every login is answered with 503; see jwtd-login(8)",
        dir);
    return false;
}

/* Finds pam_faillock as jwtd-login does, which also tries to write the directory. */
static void check_lockout(struct settings_problems *p)
{
    glob_t found;

    if (glob("{/etc,/run,/usr/lib}/systemd/system/" LOGIN_DROP_IN, GLOB_BRACE, NULL, &found) ==
        0)
        globfree(&found);
    else
        (void)pam_stack_each_faillock("jwtd", NULL, add_lockout, p);
}

void settings_check(const struct settings *settings, const char *path, settings_problem_fn *fn,
                    void *arg)
{
    struct settings_problems p = {settings, fn, arg};

    check_files(&p, path ? path : POLICY_CONFIG);
    check_names(&p);
    for (size_t i = 0; i < settings->n_issuers; i++) {
        check_issuer(&p, &settings->issuers[i]);
        check_exchange(&p, &settings->issuers[i]);
    }
    check_recorded_names(&p);
    check_store(&p);
    check_algorithm(&p);
    check_length(&p);
    if (!path)
        check_lockout(&p);
}
