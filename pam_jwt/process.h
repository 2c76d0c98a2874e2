/* When a process was started, by a clock that is never set. */
#pragma once

#include "common/base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* In clock ticks since the boot of the machine (proc(5), starttime). Process ids are used
 * again; with this number they are not. False, with errno set: it cannot be read. */
bool process_start(pid_t pid, int64_t *ret_ticks) MUST_CHECK;

/* The time, on the scale of now, at which process 1 was started: that of the boot, or of the
 * container, whose uptime is the host's. It does not depend on what the clock showed then.
 * TOK_FILE, with a message: /proc/1/stat cannot be read. */
enum tok_err process_boot_time(int64_t now, int64_t *ret, struct errmsg *errmsg) MUST_CHECK;
