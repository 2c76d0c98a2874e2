/*
 * The list of revoked sessions: lines of one length, "SID EXP\n", sorted by their bytes: 22
 * base64url letters, a space, ten digits of seconds since the Epoch. The file is replaced as a
 * whole, so an open descriptor always sees one version of it.
 *
 * It is searched by pread and not mapped: reading a mapping of a file that was truncated kills
 * the process. A lookup in a list of n lines takes 1 + log2(n / 120) reads (15 for a million).
 * Any number of threads may use one open list.
 */
#pragma once

#include "common/base/file.h"

#define REVOKED_SID_LEN 22
#define REVOKED_LINE_LEN (REVOKED_SID_LEN + 1 + 10 + 1)

struct revoked {
    int fd;
    off_t size;
    const char *lines; /* of a list in memory, whose fd is not used; NULL: a file */
};

/* TOK_LIST, with a sentence, for a missing file, one that fails the check of trust, or one
 * whose size is no multiple of the line's; never "not revoked". */
enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct errmsg *errmsg) MUST_CHECK;
void revoked_close(struct revoked *list);

/* TOK_OK: not on the list. TOK_REVOKED: on it. TOK_LIST: a read failed, or a line that was read
 * is malformed, or out of order with the lines read before. The lines next to where the sid
 * belongs are always among those read; a list of up to 120 lines is read as a whole. A sid that
 * is not 22 letters long cannot be on the list. */
enum tok_err revoked_check(const struct revoked *list, struct slice sid) MUST_CHECK;

/* Reads one line. False: malformed. */
bool revoked_line_read(const char line[REVOKED_LINE_LEN], int64_t *ret_exp);

/* Writes one line, without NUL. exp is capped at 9999999999. */
void revoked_line(const char sid[REVOKED_SID_LEN], int64_t exp, char ret[REVOKED_LINE_LEN]);

/* Reads n bytes at this offset. TOK_LIST: a read failed, or the file ends before. */
enum tok_err revoked_read_bytes(int fd, char *ret, size_t n, off_t at) MUST_CHECK;

/* What a bundle says of a list: of the lines whose exp is greater than pruned_until, the number
 * and the SHA-256 of their bytes. Issuer and hosts drop expired lines at different times; what
 * is left is the same. */
#define REVOKED_SHA256_LEN 32
struct revoked_digest {
    uint64_t count;
    uint8_t sha256[REVOKED_SHA256_LEN];
};

static inline bool revoked_digest_equal(const struct revoked_digest *a,
                                        const struct revoked_digest *b)
{
    return a->count == b->count && memcmp(a->sha256, b->sha256, REVOKED_SHA256_LEN) == 0;
}

/* TOK_LIST: a read failed, or a line is malformed, or its sid is not greater than that of the
 * line before. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err revoked_digest(const struct revoked *list, int64_t pruned_until,
                            struct revoked_digest *ret) MUST_CHECK;

/* Writes the lines of both lists whose exp is greater than pruned_until to fd, in order; of two
 * lines of one session the one that expires later. fd -1: only for the digest. Errors as of
 * revoked_digest(); TOK_FILE when a write failed, with errno. */
enum tok_err revoked_merge(const struct revoked lists[2], int64_t pruned_until, int fd,
                           struct revoked_digest *ret) MUST_CHECK;
