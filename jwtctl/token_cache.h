/*
 * The file that keeps the tokens of a login: session.json in $XDG_STATE_HOME/jwt, by default
 * ~/.local/state/jwt. The directory has mode 0700 and the file 0600; symbolic links are
 * refused, and the file is replaced atomically. The lock is on the directory.
 */
#pragma once

#include "common/base/secret.h"

struct token_cache {
    int dir;    /* -1: there is no directory yet */
    char *path; /* of session.json */
};

enum token_cache_mode {
    TOKEN_CACHE_READ,   /* a missing directory is no error */
    TOKEN_CACHE_CREATE, /* a missing directory is made */
};

/* TOK_FILE with a message, here and below: no home, or a directory of another user. */
enum tok_err token_cache_open(enum token_cache_mode mode, struct token_cache *ret,
                              struct errmsg *errmsg) MUST_CHECK;
void token_cache_close(struct token_cache *c);

/* Waits while another process holds it. Held until token_cache_close. */
enum tok_err token_cache_lock(struct token_cache *c, struct errmsg *errmsg) MUST_CHECK;

/* The file's bytes; ret->p stays NULL when there is no file. */
enum tok_err token_cache_read(const struct token_cache *c, struct secret *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* Writes the JSON text and a newline. */
enum tok_err token_cache_write(const struct token_cache *c, struct slice json,
                               struct errmsg *errmsg) MUST_CHECK;

/* A missing file is no error. */
enum tok_err token_cache_remove(const struct token_cache *c, struct errmsg *errmsg) MUST_CHECK;
