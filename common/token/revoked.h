/*
 * The list of ended sessions: sorted lines of one width, "SID EXP\n": 22 base64url letters, a
 * space, ten digits of seconds since the Epoch. It is replaced whole, so an open descriptor
 * always sees one state of it. Sorted by bytes of the text.
 *
 * Searched by pread: a mapping of a file that is cut kills who reads it. The first lookup in a
 * million lines costs about 10 reads. What it met of a long list is remembered in 8 KiB, so
 * that later ones in the same open list soon cost one, however long it is. Both guess that ids
 * are random; ids that are chosen cost three reads more than halving at most. Any number of
 * threads may ask one open list.
 */
#pragma once

#include "common/base/file.h"

#define REVOKED_SID_LEN 22
#define REVOKED_LINE_LEN (REVOKED_SID_LEN + 1 + 10 + 1)

struct revoked_fences;

struct revoked {
    int fd;
    off_t size;
    struct revoked_fences *fences; /* NULL: nothing is remembered */
};

/* A missing file, one that fails FILE_PUBLIC, or whose size is no multiple of the line:
 * TOK_LIST. Never "not revoked". TOK_NO_MEMORY. */
enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct errmsg *errmsg) MUST_CHECK;
void revoked_close(struct revoked *list);

/* TOK_OK: not on it. TOK_REVOKED: on it. TOK_LIST: a read failed, or a line that was read is
 * out of form, or out of order with those around it. The lines where the sid would be are
 * always among those that were read; of a list of up to 120, all are. A sid that is not 22
 * letters long can't be on it. */
enum tok_err revoked_check(const struct revoked *list, struct slice sid) MUST_CHECK;

/* One line, no NUL. exp is capped at 9999999999. */
void revoked_line(const char sid[REVOKED_SID_LEN], int64_t exp, char ret[REVOKED_LINE_LEN]);
