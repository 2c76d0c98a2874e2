/*
 * The file that keeps the tokens of a login: session.json in the state directory
 * (state_dir.h). It has mode 0600; a symbolic link is refused, and the file is replaced
 * atomically. The lock is on the directory.
 *
 * Room for the next tokens is reserved before they are asked for: a refresh token is exchanged
 * once, so that tokens that cannot be saved end the session.
 */
#pragma once

#include "common/base/secret.h"

struct token_cache {
    int dir;    /* -1: there is no directory yet */
    int room;   /* the file with reserved room; -1: none */
    char *path; /* of session.json */
};

#define TOKEN_CACHE_CLOSED ((struct token_cache){.dir = -1, .room = -1})

enum token_cache_mode {
    TOKEN_CACHE_READ,   /* a missing directory is no error */
    TOKEN_CACHE_CREATE, /* a missing directory is made */
};

/* TOK_FILE with a message, here and below. */
enum tok_err token_cache_open(enum token_cache_mode mode, struct token_cache *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* Drops reserved room that was not used. */
void token_cache_close(struct token_cache *c);

/* Waits while another process holds it. Held until token_cache_close. */
enum tok_err token_cache_lock(struct token_cache *c, struct errmsg *errmsg) MUST_CHECK;

/* The file's bytes; ret->p stays NULL when there is no file. */
enum tok_err token_cache_read(const struct token_cache *c, struct secret *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* Under the lock: reserves this many bytes of the disk and of the user's quota. */
enum tok_err token_cache_reserve(struct token_cache *c, size_t bytes,
                                 struct errmsg *errmsg) MUST_CHECK;

/* After token_cache_reserve: writes the JSON text and a newline. */
enum tok_err token_cache_write(struct token_cache *c, struct slice json,
                               struct errmsg *errmsg) MUST_CHECK;

/* A missing file is no error. */
enum tok_err token_cache_remove(const struct token_cache *c, struct errmsg *errmsg) MUST_CHECK;
