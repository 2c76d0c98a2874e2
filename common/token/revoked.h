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
