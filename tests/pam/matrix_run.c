/* One cell: a login as a program does it, phase after phase until one refuses. */
#include "tests/pam/matrix.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AUTH, ACCOUNT, SETCRED, OPEN_SESSION, CLOSE_SESSION, CHAUTHTOK };

const char *matrix_code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {MATRIX_NOT_ASKED, "-"},
        {PAM_SUCCESS, "success"},
        {PAM_SERVICE_ERR, "service_err"},
        {PAM_SYSTEM_ERR, "system_err"},
        {PAM_BUF_ERR, "buf_err"},
        {PAM_PERM_DENIED, "perm_denied"},
        {PAM_AUTH_ERR, "auth_err"},
        {PAM_CRED_INSUFFICIENT, "cred_insufficient"},
        {PAM_AUTHINFO_UNAVAIL, "authinfo_unavail"},
        {PAM_USER_UNKNOWN, "user_unknown"},
        {PAM_MAXTRIES, "maxtries"},
        {PAM_NEW_AUTHTOK_REQD, "new_authtok_reqd"},
        {PAM_ACCT_EXPIRED, "acct_expired"},
        {PAM_SESSION_ERR, "session_err"},
        {PAM_CRED_UNAVAIL, "cred_unavail"},
        {PAM_CRED_ERR, "cred_err"},
        {PAM_CONV_ERR, "conv_err"},
        {PAM_AUTHTOK_ERR, "authtok_err"},
        {PAM_IGNORE, "ignore"},
        {PAM_ABORT, "abort"},
        {PAM_MODULE_UNKNOWN, "module_unknown"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].code == code)
            return names[i].name;
    return "?";
}

static void remove_tally(const char *user)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "faillock/%s", user);
    (void)unlink(rig_path(name));
}

/* The rig as each cell finds it. */
static void set_up(const struct matrix_stack *stack)
{
    rig_stack(stack->name, stack->text);
    rig_stack("sub-auth", RIG_AUTH "@ ignore_non_token #\n"
                                   "auth required pam_unix.so\n");
    rig_stack("lock-out", "auth required pam_faillock.so authfail deny=2 dir=%/faillock\n");
    rig_stack("elsewhere", "auth required @ #\n");
    rig_run_clear();
    rig_run_make();
    rig_write("access", "-:carol:ALL\n+:ALL:ALL\n");
    rig_write("text.so", "#!/bin/sh\n");
    rig_write("limits", "alice hard core 0\n");
    rig_keys();
    rig_revoke("");
    (void)unlink("/etc/jwt/jwt.conf");
    (void)unlink("/etc/jwt/disabled");
    remove_tally("alice");
    remove_tally("carol");
}

static int authenticate(pam_handle_t *pamh, const struct matrix_case *c,
                        struct matrix_cell *cell)
{
    if (c->answer)
        cell->code[AUTH] = pam_authenticate(pamh, 0);
    if (c->answer && cell->code[AUTH] != PAM_SUCCESS)
        return cell->code[AUTH];
    if (c->after_auth)
        c->after_auth();
    cell->code[ACCOUNT] = pam_acct_mgmt(pamh, 0);
    return cell->code[ACCOUNT];
}

/* What a child sends: the cell so far, then the PAM environment, as in sshd. */
static void tell_parent(int fd, pam_handle_t *pamh, const struct matrix_cell *cell)
{
    char **env = pam_getenvlist(pamh);

    if (write(fd, cell, sizeof(*cell)) != (ssize_t)sizeof(*cell))
        _exit(1);
    for (size_t i = 0; env && env[i]; i++)
        if (write(fd, env[i], strlen(env[i]) + 1) < 0)
            _exit(1);
    _exit(0);
}

static void hear_child(int fd, pam_handle_t *pamh, struct matrix_cell *cell)
{
    char room[4096];
    ssize_t n;
    size_t used = 0;

    ck_assert_int_eq(read(fd, cell, sizeof(*cell)), (ssize_t)sizeof(*cell));
    while ((n = read(fd, room + used, sizeof(room) - used)) > 0)
        used += (size_t)n;
    for (size_t at = 0; at < used; at += strlen(room + at) + 1)
        ck_assert_pam(pam_putenv(pamh, room + at), PAM_SUCCESS);
}

static int authenticate_in_child(pam_handle_t *pamh, const struct matrix_case *c,
                                 struct matrix_cell *cell)
{
    int pipe_fd[2];
    int status;
    pid_t child;

    ck_assert_int_eq(pipe(pipe_fd), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)authenticate(pamh, c, cell);
        tell_parent(pipe_fd[1], pamh, cell);
    }
    ck_assert_int_eq(close(pipe_fd[1]), 0);
    hear_child(pipe_fd[0], pamh, cell);
    ck_assert_int_eq(close(pipe_fd[0]), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return cell->code[AUTH] == PAM_SUCCESS ? cell->code[ACCOUNT] : cell->code[AUTH];
}

static int log_in(pam_handle_t *pamh, const struct matrix_case *c, struct matrix_cell *cell)
{
    int rc = c->in_child ? authenticate_in_child(pamh, c, cell) : authenticate(pamh, c, cell);

    if (rc != PAM_SUCCESS)
        return rc;
    rc = cell->code[SETCRED] = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    if (rc != PAM_SUCCESS)
        return rc;
    rc = cell->code[OPEN_SESSION] = pam_open_session(pamh, 0);
    if (rc != PAM_SUCCESS)
        return rc;
    return cell->code[CLOSE_SESSION] = pam_close_session(pamh, 0);
}

struct matrix_cell matrix_run(const struct matrix_stack *stack, const struct matrix_case *c)
{
    struct matrix_cell cell;
    struct talk talk = {.fail = c->fail};
    char *answer;
    pam_handle_t *pamh;
    int rc;

    for (size_t i = 0; i < MATRIX_PHASES; i++)
        cell.code[i] = MATRIX_NOT_ASKED;
    set_up(stack);
    answer = c->answer ? c->answer(c->user, stack->name) : NULL;
    if (c->before)
        c->before(stack->name);
    talk.answer = answer;
    pamh = rig_start(stack->name, c->user, &talk);
    rc = log_in(pamh, c, &cell);
    ck_assert_pam(pam_end(pamh, rc), PAM_SUCCESS);
    pamh = rig_start(stack->name, c->user, &talk);
    cell.code[CHAUTHTOK] = pam_chauthtok(pamh, 0);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(answer);
    rig_log_clear();
    return cell;
}
