#include "jwtd/login/signal_filter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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
static struct sock_filter program[] = {
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

bool signal_filter_install(void)
{
    const struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
