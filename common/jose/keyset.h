/*
 * A set of keys to verify with: a JWK Set (RFC 7517 5), one JWK, or one PEM block. Keys of an
 * unknown kty, crv or alg, keys for another use, and unknown members are passed over; anything
 * wrong in a key that is known refuses the whole set, naming the key's number (from 1) and the
 * member. Two keys of one kid are refused. A set without one usable key is refused: it never
 * means "any".
 *
 * An HMAC secret can mint, so it is never among public keys: a set that holds both kinds is
 * refused, and a file with a secret must be closed to group and others. (A secret that names no
 * algorithm where none for it is allowed is not looked at.)
 */
#pragma once

#include "common/base/file.h"
#include "common/jose/key.h"

#define KEYSET_FILE_MAX ((size_t)4 * 1024 * 1024) /* bytes */

struct keyset;

/* algorithms: keys of an alg outside it are left out; a key that names none gets the one of
 * them that fits (key_read). TOK_KEYS, TOK_NO_MEMORY, TOK_CRYPTO. */
enum tok_err keyset_parse(OSSL_LIB_CTX *ctx, struct slice json, alg_set algorithms,
                          struct keyset **ret, struct errmsg *errmsg) MUST_CHECK;

/* A key file and how it is read. */
struct keyset_source {
    OSSL_LIB_CTX *ctx;
    const char *path;
    enum file_trust trust;
    alg_set algorithms; /* as of keyset_parse() */
};

/* Reads a key file. A missing file is TOK_KEYS too; the message begins with the path. */
enum tok_err keyset_load(const struct keyset_source *from, struct keyset **ret,
                         struct errmsg *errmsg) MUST_CHECK;

/*
 * A key file that is followed: each keyset_file_get looks whether it is still the file that was
 * read (device, inode, mtime, ctime, size) and reads it anew when not. A file that can't be
 * read or is wrong leaves no keys at all: what its owner took away must not go on counting. The
 * next call tries again.
 */
struct keyset_file {
    char *path;                /* malloc'ed */
    struct keyset_source from; /* ctx must outlive the file */
    struct keyset *set;        /* NULL: not read */
    struct stat read;          /* of the file that set was read from */
};

/* Reads nothing yet. TOK_NO_MEMORY. */
enum tok_err keyset_file_init(const struct keyset_source *from,
                              struct keyset_file *ret) MUST_CHECK;
void keyset_file_clear(struct keyset_file *file);

/* *ret lives until the next call. Errors as keyset_load. */
enum tok_err keyset_file_get(struct keyset_file *file, const struct keyset **ret,
                             struct errmsg *errmsg) MUST_CHECK;

void keyset_free(struct keyset *set);
DEFINE_CLEANUP(struct keyset *, cleanup_keyset, keyset_free)

size_t keyset_size(const struct keyset *set);
const struct key *keyset_at(const struct keyset *set, size_t i);

/* By kid, exact bytes; NULL when there is none. */
const struct key *keyset_find(const struct keyset *set, struct slice kid);
