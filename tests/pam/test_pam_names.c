/* Names as directories have them: PAM_USER, the account and the token's user must be one. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* What a directory of the test adds to /etc/passwd: name as it is asked for and as it is
 * spelled. libpam calls this program's getpwnam_r (export_dynamic). */
static struct {
    const char *asked, *spelled;
    uid_t uid;
} directory[] = {
    {"ALICE", "alice", 23001},
    {"Corp\\Ann", "CORP\\ann", 24001},
    {"CORP\\ann", "CORP\\ann", 24001},
    {"ann@corp.example", "ann@corp.example", 24002},
    {"j\xc3\xbcrgen", "j\xc3\xbcrgen", 24003},
    {"123456", "123456", 24004},
    {"x+y", "x+y", 24005},
    /* Two spellings of one name that are two accounts. */
    {"CAROL", "carol", 24006},
    /* No account has this spelling. */
    {"GONE", "gone", 24007},
    {"lone", "LONE", 24008},
    {"LONE", "lone", 24008},
    {"a:b", "a:b", 24009},
    {"admin", "toor", 0},
};

__attribute__((visibility("default"))) int
getpwnam_r(const char *name, struct passwd *entry, char *room, size_t size, struct passwd **ret)
{
    static int (*real)(const char *, struct passwd *, char *, size_t, struct passwd **);

    for (size_t i = 0; i < sizeof(directory) / sizeof(directory[0]); i++) {
        if (strcmp(directory[i].asked, name) != 0)
            continue;
        (void)snprintf(room, size, "%s", directory[i].spelled);
        *entry = (struct passwd){.pw_name = room,
                                 .pw_passwd = room + strlen(room),
                                 .pw_gecos = room + strlen(room),
                                 .pw_dir = room + strlen(room),
                                 .pw_shell = room + strlen(room),
                                 .pw_uid = directory[i].uid,
                                 .pw_gid = directory[i].uid};
        *ret = entry;
        return 0;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getpwnam_r");
    return real(name, entry, room, size, ret);
}

/* The token's user as JSON text without quotes, PAM_USER, and the name in the log. */
static const struct {
    const char *sub, *user, *reason, *logged;
} logins[] = {
    {"alice", "ALICE", "ok", "alice"},
    {"ALICE", "ALICE", "wrong_user", "alice"},
    {"ALICE", "alice", "wrong_user", "alice"},
    {"CORP\\\\ann", "CORP\\ann", "ok", "CORP\\ann"},
    {"CORP\\\\ann", "Corp\\Ann", "ok", "CORP\\ann"},
    {"Corp\\\\Ann", "Corp\\Ann", "wrong_user", "CORP\\ann"},
    {"ann@corp.example", "ann@corp.example", "ok", "ann@corp.example"},
    {"Ann@corp.example", "ann@corp.example", "wrong_user", "ann@corp.example"},
    {"j\\u00fcrgen", "j\xc3\xbcrgen", "ok", "j\xc3\xbcrgen"},
    {"ju\\u0308rgen", "j\xc3\xbcrgen", "wrong_user", "j\xc3\xbcrgen"},
    {"jurgen", "j\xc3\xbcrgen", "wrong_user", "j\xc3\xbcrgen"},
    {"j\\u00fcrgen\\u200b", "j\xc3\xbcrgen", "bad_user_name", "j\xc3\xbcrgen"},
    {"123456", "123456", "ok", "123456"},
    {"0123456", "123456", "wrong_user", "123456"},
    {"x+y", "x+y", "ok", "x+y"},
    {"carol", "CAROL", "wrong_user", "-"},
    {"CAROL", "CAROL", "no_account", "-"},
    {"gone", "GONE", "wrong_user", "-"},
    {"GONE", "GONE", "no_account", "-"},
    {"LONE", "lone", "wrong_user", "-"},
    {"lone", "lone", "no_account", "-"},
    {"a:b", "a:b", "bad_user_name", "a:b"},
    {"toor", "admin", "root_refused", "toor"},
    {"admin", "admin", "wrong_user", "toor"},
};

START_TEST(token_pam_user_and_account_must_be_one)
{
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        struct plan plan = plan_good("alice");
        char *token, word[80];
        bool ok = strcmp(logins[i].reason, "ok") == 0;
        int rc;

        (void)snprintf(plan.sub, sizeof(plan.sub), "\"%s\"", logins[i].sub);
        token = mint_sign(&plan);
        rig_log_clear();
        rc = rig_login(RIG_PROBE, logins[i].user, token);
        ck_assert_msg((rc == PAM_SUCCESS) == ok, "%s for %s gave %d", logins[i].sub,
                      logins[i].user, rc);
        (void)snprintf(word, sizeof(word), "user=%s rhost=", logins[i].logged);
        ck_assert_msg(strstr(rig_log_line(0), word) != NULL, "no %s in %s", word,
                      rig_log_line(0));
        (void)snprintf(word, sizeof(word), "reason=%s", logins[i].reason);
        ck_assert_msg(strstr(rig_log_line(0), word) != NULL, "no %s in %s", word,
                      rig_log_line(0));
        free(token);
    }
}
END_TEST

START_TEST(account_that_is_renamed_between_the_phases_is_refused)
{
    struct plan plan = plan_good("ann@corp.example");
    char *token = mint_sign(&plan);
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "ann@corp.example", &talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_set_item(pamh, PAM_USER, "ALICE"), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

RIG_MAIN("pam_names", token_pam_user_and_account_must_be_one,
         account_that_is_renamed_between_the_phases_is_refused)
