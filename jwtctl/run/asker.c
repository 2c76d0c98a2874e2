#include "jwtctl/run/asker.h"

#include "common/base/cleanup.h"
#include "common/base/slice.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define FILE_MAX 4096 /* bytes of /proc/PID/stat and status that are read */

/* At most the first FILE_MAX bytes. False: it cannot be read. */
static bool read_proc(pid_t pid, const char *name, char ret[FILE_MAX + 1])
{
    CLEANUP(cleanup_close) int fd = -1;
    char path[64];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, ret, FILE_MAX);
    if (n <= 0)
        return false;
    ret[n] = '\0';
    return true;
}

bool process_number(const char **text, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(*text, &end, 10);
    if (errno != 0 || end == *text)
        return false;
    *text = end;
    return true;
}

/* What follows n fields and their spaces; NULL: there are fewer. */
static const char *skip_fields(const char *text, int n)
{
    for (; text && n > 0; n--) {
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    return text;
}

bool process_read(pid_t pid, struct process *ret, pid_t *ret_parent)
{
    char text[FILE_MAX + 1];
    const char *state, *parent, *start;

    if (!read_proc(pid, "stat", text))
        return false;
    /* "PID (NAME) STATE PPID ...", where the name may contain anything; field 22 is the start.
     */
    state = skip_fields(strrchr(text, ')'), 1);
    parent = skip_fields(state, 1);
    start = skip_fields(state, 19);
    if (!start)
        return false;
    *ret = (struct process){pid, strtoull(start, NULL, 10)};
    *ret_parent = (pid_t)strtol(parent, NULL, 10);
    return ret->start > 0;
}

bool process_self(struct process *ret)
{
    pid_t parent;

    return process_read(getpid(), ret, &parent);
}

static bool read_uids(pid_t pid, uid_t *ret_real, uid_t *ret_effective)
{
    char text[FILE_MAX + 1];
    const char *at;
    uint64_t real, effective;

    if (!read_proc(pid, "status", text))
        return false;
    at = strstr(text, "\nUid:");
    if (!at)
        return false;
    at += strlen("\nUid:");
    if (!process_number(&at, &real) || !process_number(&at, &effective))
        return false;
    *ret_real = (uid_t)real;
    *ret_effective = (uid_t)effective;
    return true;
}

void asker_close(struct asker *a)
{
    cleanup_close(&a->pidfd);
    a->pidfd = -1;
}

bool asker_is_alive(const struct asker *a)
{
    struct pollfd exited = {.fd = a->pidfd, .events = POLLIN};

    return poll(&exited, 1, 0) == 0 && getppid() == a->process.pid;
}

bool asker_open(struct asker *ret)
{
    CLEANUP(asker_close) struct asker a = {.pidfd = -1, .process = {.pid = getppid()}};
    struct process self;
    pid_t parent;

    a.pidfd = (int)syscall(SYS_pidfd_open, a.process.pid, 0);
    if (a.pidfd < 0 || !process_self(&self))
        return false;
    a.hidden = !process_read(a.process.pid, &a.process, &parent) ||
               !read_uids(a.process.pid, &a.real, &a.effective);
    if (!asker_is_alive(&a))
        return false;
    *ret = a;
    a.pidfd = -1;
    return true;
}

bool asker_has_all_uids(void)
{
    uint64_t inside, outside, count;
    char text[FILE_MAX + 1];
    const char *at = text;

    return read_proc(getpid(), "uid_map", text) && process_number(&at, &inside) &&
           process_number(&at, &outside) && process_number(&at, &count) && inside == 0 &&
           outside == 0 && count == UINT32_MAX;
}

bool asker_is_sudo(const struct asker *a)
{
    return !a->hidden && getuid() != 0 && a->real == getuid() && a->effective == 0 &&
           asker_has_all_uids();
}
