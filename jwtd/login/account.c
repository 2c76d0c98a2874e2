#include "jwtd/login/account.h"

#include "common/base/secret.h"

#include <grp.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

const char *account_state_text(enum account_state state)
{
    static const char *const texts[] = {
        [ACCOUNT_USABLE] = "the account is usable",
        [ACCOUNT_GONE] = "no such account",
        [ACCOUNT_RENAMED] = "expected the name as the account database spells it",
        [ACCOUNT_EXPIRED] = "the account has expired",
        [ACCOUNT_AGED] = "the password expired more than its inactive days ago",
        [ACCOUNT_LOCKED] = "the account is locked",
        [ACCOUNT_REFUSED] = "the account is excluded by AllowUsers, AllowGroups or DenyUsers",
        [ACCOUNT_UNREACHABLE] = "the account database is unavailable",
    };

    return texts[state];
}

/* The state after a lookup that found nothing. When there is no entry, NSS leaves errno as it
 * was or sets ENOENT or ESRCH; any other value is an error. */
static enum account_state not_found(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH ? ACCOUNT_GONE : ACCOUNT_UNREACHABLE;
}

static bool list_empty(const word_list list)
{
    return !list || !list[0];
}

/* ACCOUNT_USABLE when one of the gids belongs to one of the groups named in allowed. A group
 * that cannot be looked up excludes no member of another one. */
static enum account_state groups_have(const gid_t *gids, int n, const word_list allowed)
{
    enum account_state state = ACCOUNT_REFUSED;

    for (size_t i = 0; allowed[i]; i++) {
        const struct group *gr;

        errno = 0;
        gr = getgrnam(allowed[i]);
        if (!gr && not_found(errno) == ACCOUNT_UNREACHABLE)
            state = ACCOUNT_UNREACHABLE;
        for (int g = 0; gr && g < n; g++)
            if (gids[g] == gr->gr_gid)
                return ACCOUNT_USABLE;
    }
    return state;
}

static enum account_state groups_allow(const struct passwd *pw, const word_list allowed)
{
    enum account_state state = ACCOUNT_UNREACHABLE;
    gid_t *gids;
    int n = 0;

    (void)getgrouplist(pw->pw_name, pw->pw_gid, NULL, &n);
    if (n <= 0 || n > GROUPS_MAX)
        return ACCOUNT_UNREACHABLE;
    gids = calloc((size_t)n, sizeof(*gids));
    if (gids && getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) >= 0)
        state = groups_have(gids, n, allowed);
    free(gids);
    return state;
}

static enum account_state lists_allow(const struct passwd *pw, const struct settings *settings)
{
    const word_list deny = settings->session.deny_users;
    const word_list users = settings->session.allow_users;
    const word_list groups = settings->session.allow_groups;

    /* DenyUsers=root covers every name of uid 0. */
    if (word_list_has(deny, slice_of(pw->pw_name)) ||
        (pw->pw_uid == 0 && word_list_has(deny, SLICE("root"))))
        return ACCOUNT_REFUSED;
    if (!list_empty(users) && !word_list_has(users, slice_of(pw->pw_name)))
        return ACCOUNT_REFUSED;
    return list_empty(groups) ? ACCOUNT_USABLE : groups_allow(pw, groups);
}

/* A directory service (nslcd) shows "*" in place of a password. */
static bool is_hidden(const struct spwd *sp)
{
    const struct spwd *local;
    bool found = false;
    FILE *f;

    if (!sp->sp_pwdp || strcmp(sp->sp_pwdp, "*") != 0)
        return false;
    f = fopen("/etc/shadow", "re");
    if (!f)
        return false;
    while (!found && (local = fgetspent(f)))
        found = strcmp(local->sp_namp, sp->sp_namp) == 0;
    (void)fclose(f);
    return !found;
}

/* As pam_unix does in its account phase; and locked passwords, which it does not report. */
static enum account_state shadow_allows(const struct spwd *sp, long today)
{
    if (sp->sp_expire != -1 && today >= sp->sp_expire)
        return ACCOUNT_EXPIRED;
    if (sp->sp_max != -1 && sp->sp_inact != -1 && sp->sp_lstchg > 0 && today > sp->sp_lstchg &&
        today - sp->sp_lstchg - sp->sp_max > sp->sp_inact)
        return ACCOUNT_AGED;
    if (sp->sp_pwdp && (sp->sp_pwdp[0] == '!' || sp->sp_pwdp[0] == '*') && !is_hidden(sp))
        return ACCOUNT_LOCKED;
    return ACCOUNT_USABLE;
}

static bool make_stamp(const char *name, const struct spwd *sp, uint8_t ret[WIRE_STAMP_LEN])
{
    CLEANUP(secret_clear) struct secret text = {0};
    const char *hash = sp->sp_pwdp ? sp->sp_pwdp : "";
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t digest_n = 0;
    int n;

    if (secret_alloc(strlen(name) + strlen(hash) + 32, &text) != TOK_OK)
        return false;
    n = snprintf(text.p, text.n, "%s%c%s%c%ld", name, 0, hash, 0, sp->sp_lstchg);
    if (n < 0 || (size_t)n >= text.n ||
        EVP_Q_digest(NULL, "SHA256", NULL, text.p, (size_t)n, digest, &digest_n) != 1 ||
        digest_n < WIRE_STAMP_LEN)
        return false;
    memcpy(ret, digest, WIRE_STAMP_LEN);
    return true;
}

static enum account_state look(const char *name, long today, const struct settings *settings,
                               struct login_account *ret)
{
    const struct passwd *pw;
    const struct spwd *sp;
    enum account_state state;

    errno = 0;
    pw = getpwnam(name);
    if (!pw)
        return not_found(errno);
    /* A directory service may ignore case or add a domain; the user of a token is compared
     * exactly. */
    if (strcmp(pw->pw_name, name) != 0) {
        (void)snprintf(ret->spelled, sizeof(ret->spelled), "%s", pw->pw_name);
        return ACCOUNT_RENAMED;
    }
    ret->uid = pw->pw_uid;
    state = lists_allow(pw, settings);
    if (state == ACCOUNT_UNREACHABLE)
        return state;
    errno = 0;
    sp = getspnam(name);
    if (!sp)
        return not_found(errno) == ACCOUNT_GONE ? state : ACCOUNT_UNREACHABLE;
    if (!make_stamp(name, sp, ret->stamp))
        return ACCOUNT_UNREACHABLE;
    ret->stamp_n = WIRE_STAMP_LEN;
    return state == ACCOUNT_USABLE ? shadow_allows(sp, today) : state;
}

void account_look(const char *name, long today, const struct settings *settings,
                  struct login_account *ret)
{
    struct login_account made = {0};

    made.state = look(name, today, settings, &made);
    *ret = made;
}
