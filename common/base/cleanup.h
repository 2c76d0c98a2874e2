/*
 * CLEANUP(f) on a local calls f(&local) when it leaves scope, so every early return frees what
 * it owns. DEFINE_CLEANUP makes the function for a pointer type whose free function takes NULL.
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

/* Closes a descriptor that is not -1; errno stays as it was. */
static inline void cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;

        (void)close(*fd);
        errno = saved;
    }
}
