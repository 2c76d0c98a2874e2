/*
 * Which bundle key of each other issuer counts now: for each thumbprint of Issuers=, the last
 * key of its chain that has signed a key document (bundle.h), and the seq of this document. An
 * earlier key, or a smaller seq, is not accepted again: who writes to the database cannot put
 * back a document with a key that was removed since.
 *
 * The file `issuers` beside our own bundle keys has a line "THUMBPRINT KEY SEQ" for each, and
 * is replaced before a document is used. Mode 0600. A thumbprint that is taken out of Issuers=
 * is forgotten.
 */
#pragma once

#include "common/token/bundle.h"

#define HEADS_MAX 64 /* thumbprints of Issuers= */

struct head {
    char trusted[KEY_THUMBPRINT_LEN + 1]; /* of Issuers= */
    char key[KEY_THUMBPRINT_LEN + 1];     /* the same one until a successor has signed */
    int64_t seq;                          /* 0: no document was seen */
};

struct heads {
    size_t n;
    struct head of[HEADS_MAX];
};

/* dir: of the bundle keys. A missing file is no error. TOK_KEYS with the remedy: malformed. */
enum tok_err heads_read(const char *dir, word_list issuers, struct heads *ret,
                        struct errmsg *errmsg) MUST_CHECK;
enum tok_err heads_write(const char *dir, const struct heads *heads,
                         struct errmsg *errmsg) MUST_CHECK;

/* Records what a verified document says. TOK_EXPIRED with a sentence: it is older than one that
 * was recorded. */
enum tok_err heads_add(struct heads *heads, const struct bundle *document,
                       struct errmsg *errmsg) MUST_CHECK;

/* True when this document is the newest one of its issuer. */
bool heads_has(const struct heads *heads, const struct bundle *document);
