/*
 * The file `signer` beside the keys: which of them signs, and of each that signed before when
 * its last token has expired. One file replaced whole, so that a kill leaves either the old
 * order or the new one. Its first line is the thumbprint (RFC 7638) of the key that signs; each
 * further one a thumbprint, a blank and seconds since the Epoch. Mode 0600.
 */
#pragma once

#include "common/jose/key.h"

#define SIGNER_FILE "signer"
#define KEYS_MAX 64 /* a rotation keeps a few; more is somebody else's directory */

struct signer_line {
    char thumbprint[KEY_THUMBPRINT_LEN];
    int64_t until;
};

struct signer {
    size_t n; /* lines; 0: there is no such file */
    struct signer_line lines[KEYS_MAX];
};

/* A missing file is no error. One out of form is TOK_KEYS with the cure. */
enum tok_err signer_read(const char *dir, struct signer *ret, struct errmsg *errmsg) MUST_CHECK;

/* s has one line at least. TOK_FILE. */
enum tok_err signer_write(const char *dir, const struct signer *s,
                          struct errmsg *errmsg) MUST_CHECK;

/* The line of this key; NULL when there is none. */
const struct signer_line *signer_find(const struct signer *s,
                                      const char thumbprint[KEY_THUMBPRINT_LEN]);
