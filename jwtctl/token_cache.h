/*
 * The files that keep the tokens of logins, in the state directory (state_dir.h). Such a file
 * has mode 0600; a symbolic link is refused, and the file is replaced atomically. Its lock is
 * on a file beside it, which stays.
 *
 * Room for the next tokens is reserved before they are asked for: a refresh token is exchanged
 * once, so that tokens that cannot be saved end the session.
 */
#pragma once

#include "common/base/secret.h"

struct token_cache {
    int dir;  /* -1: there is no directory yet */
    int lock; /* -1: not held */
    int room; /* the file with reserved room; -1: none */
    char *dir_path;
    char *name, *path; /* of the file; NULL until token_cache_select */
};

#define TOKEN_CACHE_CLOSED ((struct token_cache){.dir = -1, .lock = -1, .room = -1})

enum token_cache_mode {
    TOKEN_CACHE_READ,   /* a missing directory is no error */
    TOKEN_CACHE_CREATE, /* a missing directory is made */
};

/* TOK_FILE with a message, here and below. */
enum tok_err token_cache_open(enum token_cache_mode mode, struct token_cache *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* Drops reserved room that was not used. */
void token_cache_close(struct token_cache *c);

/* The file that the functions below are for, instead of another. */
void token_cache_select(struct token_cache *c, const char *name);

/* For another file of the same directory, while that of c stays selected and locked. Ends with
 * token_cache_deselect, before c is closed. */
struct token_cache token_cache_other(const struct token_cache *c);

/* Gives up the file, its lock and its room. */
void token_cache_deselect(struct token_cache *c);

/* Waits while another process holds it. Held until token_cache_unlock or
 * token_cache_deselect, which also drop reserved room. */
enum tok_err token_cache_lock(struct token_cache *c, struct errmsg *errmsg) MUST_CHECK;
void token_cache_unlock(struct token_cache *c);

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
