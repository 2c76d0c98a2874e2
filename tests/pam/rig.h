/*
 * What each case of the pam suite stands on: the real libpam, the real module, PAM stacks in a
 * directory of the suite's own, keys, a list of ended sessions, and the log lines of everything
 * in the process. Users live in the private mount namespace that ./run makes.
 *
 * A stack's text has short forms: '@' is the module's path, '~' that of pam_show.so, '%' this
 * rig's directory, '#' the options that name its keys, issuer, audience and list.
 */
#pragma once

#include <security/pam_appl.h>

#include "common/jose/key.h"
#include "tests/unit/unit.h"

#define RIG_ISSUER "https://jwt.example"
#define RIG_AUDIENCE "host.example"
#define RIG_ALICE_PASSWORD "correct horse battery staple"
#define RIG_CAROL_PASSWORD "staple battery horse correct"

/* A stack in which each phase's code is the module's own; its PAM_IGNORE shows as
 * PAM_MODULE_UNKNOWN. */
#define RIG_PROBE "probe"
#define RIG_IGNORED PAM_MODULE_UNKNOWN

/* The control words that pam_jwt(8) recommends where a password module follows. */
#define RIG_AUTH                                                                               \
    "auth [success=done ignore=ignore module_unknown=ignore service_err=ignore default=die] "
#define RIG_ACCOUNT                                                                            \
    "account [success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore "             \
    "service_err=ignore default=bad] "
#define RIG_SESSION                                                                            \
    "session [success=ok ignore=ignore module_unknown=ignore service_err=ignore default=bad] "

/* The stack that pam_jwt(8) recommends, before pam_unix. */
#define RIG_RECOMMENDED "recommended"

#define ck_assert_pam(got, want)                                                               \
    do {                                                                                       \
        int got_ = (got), want_ = (want);                                                      \
        ck_assert_msg(got_ == want_, "%s gave %d (%s), not %d (%s)", #got, got_,               \
                      pam_strerror(NULL, got_), want_, pam_strerror(NULL, want_));             \
    } while (0)

/* The program's side of the conversation. */
struct talk {
    const char *answer; /* NULL: end of file */
    const char *second; /* to every prompt after the first one; NULL: answer */
    int fail;           /* a PAM code instead of an answer; 0: none */
    unsigned prompts;
    char prompt[64];
    char shown[512]; /* every PAM_ERROR_MSG and PAM_TEXT_INFO, a line each */
};

/* RIG/NAME, in a ring of static buffers. */
const char *rig_path(const char *name);
const struct key *rig_key(void);

/* How many names a directory holds. */
size_t rig_entries(const char *path);

void rig_write(const char *name, const char *text);
void rig_stack(const char *service, const char *text);

/* jwks.json anew, with rig_key in it. */
void rig_keys(void);

/* The probe stack with these options instead. */
void rig_probe(const char *options);

/* A copy of a file of the rig's, 0644. */
void rig_copy(const char *name, const char *path);

/* The rig's names, keys and list where the module looks by itself. */
void rig_publish(void);

/* Lines of sid: 22 letters each, ended with "". */
void rig_revoke(const char *sid);

pam_handle_t *rig_start(const char *service, const char *user, struct talk *talk);

/* The auth phase alone, on a handle of its own; account is asked too when that succeeds. */
int rig_auth(const char *service, const char *user, const char *answer);
int rig_login(const char *service, const char *user, const char *answer);

/* The same in the probe stack by a process that is not root. */
int rig_login_as_nobody(const char *user, const char *answer);

/* /run/jwt as tmpfiles.d makes it, which each test begins with, an hour old; away with it; the
 * mtime of its since. */
void rig_run_make(void);
void rig_run_clear(void);
void rig_run_since(int64_t mtime);

/* What time(2) says to everything in this process; 0: the truth. Each test begins with that. */
void rig_clock_set(int64_t now);

/* Lines this process wrote to the log through pam_jwt since rig_log_clear. */
size_t rig_log_lines(void);
const char *rig_log_line(size_t i);
int rig_log_priority(size_t i);
void rig_log_clear(void);

/* Any line of any module holds this text. */
bool rig_log_holds(const char *text);

/* unit.h's UNIT_MAIN; each test has a directory, a key, jwks.json, an empty revoked and the two
 * stacks above, all its own. */
int rig_run(const char *name, const TTest *const *tests, size_t n);

/* The same with unit.h's loops. */
int rig_run_all(const char *name, const TTest *const *tests, size_t n,
                const struct unit_loop *loops, size_t n_loops);

#define RIG_MAIN(name, ...)                                                                    \
    int main(void)                                                                             \
    {                                                                                          \
        const TTest *const tests[] = {__VA_ARGS__};                                            \
                                                                                               \
        return rig_run(name, tests, sizeof(tests) / sizeof(tests[0]));                         \
    }
