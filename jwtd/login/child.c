#include "jwtd/login/child.h"

#include "jwtd/login/signal_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends what the process has of the daemon: its descriptors but keep, its signal mask, its right
 * to send signals. It is killed when the daemon ends. */
static void leave_daemon(int keep)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if ((keep > 3 && close_range(3, (unsigned)keep - 1, 0) < 0) ||
        close_range((unsigned)keep + 1, ~0U, 0) < 0 || !signal_filter_install())
        _exit(EXIT_FAILURE);
}

static _Noreturn void answer(const struct check_setup *setup,
                             const struct wire_message *request, int out)
{
    struct check_verdict v = {.status = WIRE_UNAVAILABLE};

    leave_daemon(out);
    if (request->request->op == WIRE_CHECK)
        check_password(setup, request->v[0].text, request->v[1].text, request->v[2].text, &v);
    else
        check_account(setup, request->v[0].text, &v);
    _exit(write(out, &v, sizeof(v)) == (ssize_t)sizeof(v) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The pid is not reused before the process is waited for. */
static int open_child(pid_t pid)
{
    int fd = pidfd_open(pid, 0), error = errno;

    if (fd >= 0)
        return fd;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return -error;
}

int child_start(const struct check_setup *setup, const struct wire_message *request,
                int *ret_pipe)
{
    int ends[2], child;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        answer(setup, request, ends[1]);
    child = pid < 0 ? -errno : open_child(pid);
    if (child < 0)
        (void)close(ends[0]);
    else
        *ret_pipe = ends[0];
    (void)close(ends[1]);
    return child;
}

bool child_read(int pipe, struct check_verdict *ret)
{
    struct check_verdict v;

    if (read(pipe, &v, sizeof(v)) != (ssize_t)sizeof(v))
        return false;
    if ((unsigned)v.status >= WIRE_STATUS_COUNT || v.stamp_n > sizeof(v.stamp))
        return false;
    v.reason[sizeof(v.reason) - 1] = '\0';
    v.user[sizeof(v.user) - 1] = '\0';
    *ret = v;
    return true;
}
