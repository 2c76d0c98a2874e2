/*
 * The file `signer` beside the keys: which key signs, when the last token of every earlier
 * signer has expired, and from when on a later one signs. It is replaced atomically, so that a
 * crash leaves either the old or the new order. Its first line is the thumbprint (RFC 7638) of
 * the key that signs; each further line is a thumbprint, a space and seconds since the Epoch;
 * of a later signer "0 " and these seconds. Mode 0600.
 */
#pragma once

#include "common/jose/key.h"

#define SIGNER_FILE "signer"
#define KEYS_MAX 64 /* rotation keeps a few; with more it is the wrong directory */

struct signer_line {
    char thumbprint[KEY_THUMBPRINT_LEN];
    int64_t until, from;
};

struct signer {
    size_t n; /* lines; 0: no such file */
    struct signer_line lines[KEYS_MAX];
};

/* A missing file is no error and gives no lines. TOK_KEYS with the remedy: malformed. */
enum tok_err signer_read(const char *dir, struct signer *ret, struct errmsg *errmsg) MUST_CHECK;

/* s has at least one line. TOK_FILE. */
enum tok_err signer_write(const char *dir, const struct signer *s,
                          struct errmsg *errmsg) MUST_CHECK;

/* The line of this key; NULL: not found. */
const struct signer_line *signer_find(const struct signer *s,
                                      const char thumbprint[KEY_THUMBPRINT_LEN]);
