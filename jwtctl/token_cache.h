/*
 * Where the tokens of a login are kept: one file in $XDG_STATE_HOME/jwt (or
 * ~/.local/state/jwt), directory 0700, file 0600, never through a link, replaced whole. The
 * lock is on the directory.
 */
#pragma once

#include "jwtctl/text.h"

struct cache {
    int dir;    /* -1: there is no directory yet */
    char *path; /* of the file */
};

enum cache_mode {
    CACHE_LOOK,   /* a directory that is missing is no error: nothing is kept then */
    CACHE_CREATE, /* it is made */
};

/* TOK_FILE with a sentence: no home, or a directory that is another's. */
enum tok_err cache_open(enum cache_mode mode, struct cache *ret,
                        struct errmsg *errmsg) MUST_CHECK;
void cache_close(struct cache *c);

/* Waits until no other process holds it. Held until cache_unlock or cache_close. */
enum tok_err cache_lock(struct cache *c, struct errmsg *errmsg) MUST_CHECK;
void cache_unlock(struct cache *c);

/* The file's bytes; empty (p NULL) when there is none. */
enum tok_err cache_read(const struct cache *c, struct secret *ret,
                        struct errmsg *errmsg) MUST_CHECK;
enum tok_err cache_write(const struct cache *c, struct slice bytes,
                         struct errmsg *errmsg) MUST_CHECK;

/* A file that is not there is removed already. */
enum tok_err cache_remove(const struct cache *c, struct errmsg *errmsg) MUST_CHECK;
