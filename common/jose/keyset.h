/*
 * A set of keys to verify with: a JWK Set (RFC 7517 5), one JWK, or PEM with one key. Each key
 * is checked alone: one that is malformed, weak, private, of an unknown kind or for another use
 * is skipped, and the reason kept. A text that is not JSON (duplicate members included), or a
 * set without a usable key, is refused.
 *
 * A key is known by kid and alg: keys of different algorithms may share a kid. The same key
 * twice is one. Different keys of one kid and alg are skipped, all of them.
 *
 * Who can read an HMAC secret can issue tokens. So secrets are skipped beside public keys, and
 * a file with a secret must not be readable by group and others. (A secret is skipped where no
 * HMAC algorithm is allowed.)
 */
#pragma once

#include "common/base/file.h"
#include "common/jose/key.h"

#define KEYSET_FILE_MAX ((size_t)4 * 1024 * 1024) /* bytes */
#define KEYSET_SKIPPED_MAX 16                     /* reasons that are kept */

struct keyset;

/* Keys of algorithms that are not among these are skipped; a key that names none gets those of
 * them that fit it, as in key_read(). TOK_KEYS, TOK_NO_MEMORY, TOK_CRYPTO. */
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
 * A key file that may be replaced at any time. keyset_file_get() reads it again when its
 * device, inode, mtime, ctime or size has changed. When it cannot be read or is wrong there are
 * no keys, because a key that was removed must not stay valid; the next call tries again.
 */
struct keyset_file {
    struct keyset_source from; /* ctx and path must outlive the file */
    struct keyset *set;        /* NULL: not read */
    struct stat read;          /* of the file that set was read from */
};

void keyset_file_clear(struct keyset_file *file);

/* *ret is valid until the next call. Errors as of keyset_load(). */
enum tok_err keyset_file_get(struct keyset_file *file, const struct keyset **ret,
                             struct errmsg *errmsg) MUST_CHECK;

void keyset_free(struct keyset *set);
DEFINE_CLEANUP(struct keyset *, cleanup_keyset, keyset_free)

size_t keyset_size(const struct keyset *set);
const struct key *keyset_at(const struct keyset *set, size_t i);

/* Why keys of the file are not used: "key 3: n: has 1024 bits; ...". NULL behind the last. */
const char *keyset_skipped(const struct keyset *set, size_t i);

/* The first key of this kid, or NULL. */
const struct key *keyset_find(const struct keyset *set, struct slice kid);
