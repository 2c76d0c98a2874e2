/*
 * What common/ wipes, seen on its way to libc: a block that was freed and a frame that was left
 * can't be looked at. For one file of a program.
 */
#pragma once

#include "common/base/slice.h"

#include <string.h>

static struct {
    const void *p; /* the last one */
    size_t n;
    char bytes[16]; /* as they were before */
    struct slice wanted;
    size_t found; /* how many of all held the wanted bytes */
} wiped;

/* Not static: clang takes the functions below, which the C library declares inline, for users
 * from another file. */
void wipe(void *p, size_t n);
void wipe(void *p, size_t n)
{
    volatile char *byte = p;

    wiped.p = p;
    wiped.n = n;
    memcpy(wiped.bytes, p, n < sizeof(wiped.bytes) ? n : sizeof(wiped.bytes));
    if (wiped.wanted.n && memmem(p, n, wiped.wanted.p, wiped.wanted.n))
        wiped.found++;
    for (size_t i = 0; i < n; i++)
        byte[i] = 0;
}

#undef explicit_bzero
void explicit_bzero(void *p, size_t n)
{
    wipe(p, n);
}

/* The name that _FORTIFY_SOURCE gives it. */
void __explicit_bzero_chk(void *p, size_t n, size_t room);
void __explicit_bzero_chk(void *p, size_t n, size_t room)
{
    (void)room;
    wipe(p, n);
}
