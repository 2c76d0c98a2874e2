#include "jwtd/login/child.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define NUMBER offsetof(struct seccomp_data, nr)
/* The lower half of an argument. */
#define ARGUMENT(n)                                                                            \
    (offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER == __BIG_ENDIAN ? 4 : 0))
#define DENY BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define DENY_IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), DENY
/* The next n instructions are for this system call alone. */
#define FOR_CALL(number, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, n)

/* fcntl and ioctl name a process that gets SIGIO, or the signal of F_SETSIG. */
#define FCNTL(number)                                                                          \
    FOR_CALL(number, 6), LOAD(ARGUMENT(1)), DENY_IF(F_SETOWN), DENY_IF(F_SETOWN_EX), ALLOW

/* System calls of other architectures have other numbers: SystemCallArchitectures=native of the
 * unit refuses them. */
static struct sock_filter filter_program[] = {
    LOAD(NUMBER),
    DENY_IF(SYS_kill),
    DENY_IF(SYS_tkill),
    DENY_IF(SYS_tgkill),
    DENY_IF(SYS_rt_sigqueueinfo),
    DENY_IF(SYS_rt_tgsigqueueinfo),
    DENY_IF(SYS_pidfd_send_signal),
    DENY_IF(SYS_setpriority),
    FCNTL(SYS_fcntl),
#ifdef SYS_fcntl64
    FCNTL(SYS_fcntl64),
#endif
    FOR_CALL(SYS_ioctl, 6),
    LOAD(ARGUMENT(1)),
    DENY_IF(FIOSETOWN),
    DENY_IF(SIOCSPGRP),
    ALLOW,
    /* A limit of processor time ends a process; 0 is the caller. */
    FOR_CALL(SYS_prlimit64, 3),
    LOAD(ARGUMENT(0)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
    DENY,
    ALLOW,
};

/* After it this process, and every program that it starts, cannot send signals, and cannot
 * change the limits or the priority of another process: with uid 0, which pam_faillock needs,
 * PAM modules could otherwise end any process of root, and without it the checks of other
 * users. It cannot be removed. False, with errno set, when the kernel refuses it. */
static bool install_filter(void)
{
    const struct sock_fprog filter = {sizeof(filter_program) / sizeof(filter_program[0]),
                                      filter_program};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

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
        close_range((unsigned)keep + 1, ~0U, 0) < 0 || !install_filter())
        _exit(EXIT_FAILURE);
}

static _Noreturn void answer(const struct check_setup *setup,
                             const struct wire_message *request, int out)
{
    struct check_verdict v = {.status = WIRE_UNAVAILABLE};

    leave_daemon(out);
    if (request->request->op == WIRE_CHECK)
        check_password(setup,
                       &(struct check_login){.user = request->v[0].text,
                                             .password = request->v[1].text,
                                             .source = request->v[2].text,
                                             .otp = request->v[3].text},
                       &v);
    else
        check_account(setup, request->v[0].text, &v);
    _exit(write(out, &v, sizeof(v)) == (ssize_t)sizeof(v) ? EXIT_SUCCESS : EXIT_FAILURE);
}

pid_t child_start(const struct check_setup *setup, const struct wire_message *request,
                  int *ret_pipe)
{
    int ends[2], error;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    error = errno;
    if (pid == 0)
        answer(setup, request, ends[1]);
    (void)close(ends[1]);
    if (pid > 0)
        *ret_pipe = ends[0];
    else
        (void)close(ends[0]);
    return pid > 0 ? pid : -error;
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
