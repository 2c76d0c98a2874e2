/* Out of memory, at each allocation in turn, anywhere in libpam, the module and libcrypto: no
 * crash, no success that lacks what a success leaves, no PAM_IGNORE. */
#include "tests/pam/once.h"

#include <errno.h>
#include <sys/wait.h>

#define STEPS 200 /* points that are tried, spread over all */

static size_t count;     /* allocations so far */
static size_t fail_from; /* 0: none fails */
static size_t fail_to;

static bool fails(void)
{
    count++;
    return fail_from != 0 && count >= fail_from && count <= fail_to;
}

/* Each in front of the C library's own, for everything in this process. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t n)
{
    if (!fails())
        return __libc_malloc(n);
    errno = ENOMEM;
    return NULL;
}

EXPORTED void *calloc(size_t n, size_t size)
{
    if (!fails())
        return __libc_calloc(n, size);
    errno = ENOMEM;
    return NULL;
}

EXPORTED void *realloc(void *p, size_t n)
{
    if (!fails())
        return __libc_realloc(p, n);
    errno = ENOMEM;
    return NULL;
}

/* Allocation number `from` and all up to `to` fail from now on. */
static void begin_failing(size_t from, size_t to)
{
    fail_from = from;
    fail_to = to;
    count = 0;
}

/* alice's login with allocation number `from` (and all up to `to`) failing; the code it gave.
 */
static int login(const char *user, const char *token, size_t from, size_t to)
{
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, user, &talk);
    int rc;

    begin_failing(from, to);
    rc = pam_authenticate(pamh, 0);
    fail_from = 0;
    if (rc == PAM_SUCCESS && !pam_getenv(pamh, "JWT_EXP"))
        rc = -1;
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0) == PAM_SUCCESS ? rc : -1;
    (void)pam_end(pamh, rc);
    return rc;
}

/* The same, failing in the session's beginning instead. */
static int open_session(const char *user, const char *token, size_t from, size_t to)
{
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start("login", user, &talk);
    int rc = pam_authenticate(pamh, 0);

    ck_assert_pam(rc, PAM_SUCCESS);
    begin_failing(from, to);
    rc = pam_open_session(pamh, 0);
    fail_from = 0;
    if (rc == PAM_SUCCESS && !pam_getenv(pamh, "SHOWN_LIMIT"))
        rc = -1;
    (void)pam_end(pamh, rc);
    return rc;
}

typedef int (*login_fn)(const char *user, const char *token, size_t from, size_t to);

static int in_child(login_fn fn, const char *user, const char *token, size_t from, size_t to)
{
    pid_t pid = fork();
    int status = 0;

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(fn(user, token, from, to) & 0xff);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "signal %d with allocation %zu failing", WTERMSIG(status),
                  from);
    return WEXITSTATUS(status);
}

/* Every point up to `n`, STEPS of them; with all after it failing too, or it alone. A one-time
 * token is spent by a success and by nothing else. */
static void sweep_by(login_fn fn, const char *user, const char *token, bool good,
                     bool all_after)
{
    size_t n, step;
    bool once;

    ck_assert_pam(fn(user, token, 0, 0), good ? PAM_SUCCESS : PAM_AUTH_ERR);
    n = count;
    once = notes() > 0;
    step = n / STEPS + 1;
    for (size_t from = 1; from <= n; from += step) {
        int rc;

        rig_run_clear();
        rig_run_make();
        rc = in_child(fn, user, token, from, all_after ? SIZE_MAX : from);
        ck_assert_msg(rc != 0xff, "half a success with allocation %zu failing", from);
        ck_assert_msg(rc != RIG_IGNORED && rc != PAM_IGNORE,
                      "ignored with allocation %zu failing", from);
        ck_assert_msg(good || rc != PAM_SUCCESS, "taken with allocation %zu failing", from);
        /* libpam's audit comes after the module and has a say of its own. */
        if (rc != PAM_SYSTEM_ERR)
            ck_assert_msg(notes() == (once && rc == PAM_SUCCESS ? 1 : 0),
                          "%d and %zu notes with allocation %zu failing", rc, notes(), from);
    }
}

static void sweep(const char *user, const char *token, bool good, bool all_after)
{
    sweep_by(login, user, token, good, all_after);
}

START_TEST(good_token_without_memory_is_never_half_taken)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    sweep("alice", token, true, false);
    sweep("alice", token, true, true);
    free(token);
}
END_TEST

START_TEST(bad_token_without_memory_is_never_taken)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    sweep("carol", token, false, false);
    sweep("carol", token, false, true);
    free(token);
}
END_TEST

START_TEST(one_time_token_without_memory_is_spent_by_a_success_alone)
{
    char *token = token_once();

    sweep("alice", token, true, false);
    rig_run_clear();
    rig_run_make();
    sweep("alice", token, true, true);
    free(token);
}
END_TEST

START_TEST(mapped_token_without_memory_is_no_other_user)
{
    struct plan plan = plan_good("someone.else");
    char *token = mint_sign(&plan), options[512];

    rig_write("usermap", RIG_ISSUER " someone.else alice\n" RIG_ISSUER " x carol\n");
    (void)snprintf(options, sizeof(options), "# user_map=%s", rig_path("usermap"));
    rig_probe(options);
    sweep("alice", token, true, false);
    sweep("carol", token, false, true);
    free(token);
}
END_TEST

START_TEST(session_without_memory_is_limited_or_none)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);

    rig_stack("login", "auth required @ #\nsession required @ # session_limit\n"
                       "session required ~\n");
    sweep_by(open_session, "alice", token, true, false);
    sweep_by(open_session, "alice", token, true, true);
    free(token);
}
END_TEST

RIG_MAIN("pam_memory", good_token_without_memory_is_never_half_taken,
         bad_token_without_memory_is_never_taken,
         one_time_token_without_memory_is_spent_by_a_success_alone,
         mapped_token_without_memory_is_no_other_user,
         session_without_memory_is_limited_or_none)
