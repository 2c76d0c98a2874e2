/*
 * CLEANUP(f) calls f(&local) when the local goes out of scope. DEFINE_CLEANUP defines such a
 * function for a pointer type; it does nothing for NULL.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(f) __attribute__((cleanup(f)))

#define DEFINE_CLEANUP(type, name, free_fn)                                                    \
    static inline void name(__typeof__(type) *p)                                               \
    {                                                                                          \
        if (*p)                                                                                \
            free_fn(*p);                                                                       \
    }

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

/* Closes a descriptor unless it is negative. errno does not change. */
static inline void cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;

        (void)close(*fd);
        errno = saved;
    }
}
