/*
 * Preloaded into a daemon: it dies by SIGKILL right before or after its Nth call that brings a
 * file to disk, N being the number in the file that KILL_AT names (odd: before a call, even:
 * after it). Without that file nothing is counted.
 */
#include "tests/http/preload.h"

#include <signal.h>
#include <stdio.h>

static int calls;

static void step(void)
{
    long n = number_in_file("KILL_AT");

    if (n > 0 && ++calls == n)
        (void)kill(getpid(), SIGKILL);
}

VISIBLE int fsync(int fd)
{
    static int (*real)(int);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    step();
    r = real(fd);
    step();
    return r;
}

VISIBLE int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    static int (*real)(int, const char *, int, const char *);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "renameat");
    step();
    r = real(from_dir, from, to_dir, to);
    step();
    return r;
}

VISIBLE int unlink(const char *path)
{
    static int (*real)(const char *);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    step();
    r = real(path);
    step();
    return r;
}

VISIBLE int unlinkat(int dir, const char *path, int flags)
{
    static int (*real)(int, const char *, int);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "unlinkat");
    step();
    r = real(dir, path, flags);
    step();
    return r;
}
