/* A directory of a test's own that it works in, and that goes with it. */
#pragma once

#include "common/base/cleanup.h"
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char path[32];
} __attribute__((unused)); /* it only waits to leave */

static inline struct place place_enter(void)
{
    struct place p = {"/tmp/test-place-XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(p.path));
    ck_assert_int_eq(chdir(p.path), 0);
    return p;
}

static inline int place_remove_one(const char *path, const struct stat *st, int kind,
                                   struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void place_leave(struct place *p)
{
    ck_assert_int_eq(nftw(p->path, place_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
