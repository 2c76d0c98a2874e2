/*
 * The process that asks for a password: the parent of askpass and of the helper hostkey. What
 * it is given depends on what /proc says about it, so it is held by a pidfd while that is read:
 * a pid alone could be another process by then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process since boot: pids are reused, start times are not. */
struct process {
    pid_t pid;
    uint64_t start; /* clock ticks after boot (proc(5)); 0: hidden */
};

struct asker {
    int pidfd; /* -1: none */
    struct process process;
    bool hidden; /* /proc does not show it (hidepid), and what follows is unknown */
    uid_t real, effective;
};

/* False when the parent has exited, is outside the PID namespace, or cannot be read. */
bool asker_open(struct asker *ret);
void asker_close(struct asker *a);

/* True when it has not exited, and its /proc is still its own. */
bool asker_is_alive(const struct asker *a);

/* A setuid-root program that this user has started, such as sudo. Never true for root, and in a
 * user namespace, where uid 0 is no root. */
bool asker_is_sudo(const struct asker *a);

/* False in a user namespace of fewer users than all, where any user can have uid 0. */
bool asker_has_all_uids(void);

/* Reads a decimal number, with blanks before it, and moves *text behind it. For text of /proc.
 */
bool process_number(const char **text, uint64_t *ret);

/* The process itself, and the start time and the parent of any other. False when /proc does not
 * show it. */
bool process_self(struct process *ret);
bool process_read(pid_t pid, struct process *ret, pid_t *ret_parent);
