/*
 * The list of ended sessions: sorted lines of one width, "SID EXP\n": 22 base64url letters, a
 * space, ten digits of seconds since the Epoch. Searched by pread, so a million lines cost 20
 * reads. It is replaced whole, so an open descriptor always sees one state of it. Sorted by
 * bytes of the text.
 */
#pragma once

#include "file.h"

#define REVOKED_SID_LEN 22
#define REVOKED_LINE_LEN (REVOKED_SID_LEN + 1 + 10 + 1)

struct revoked {
    int fd;
    off_t size;
};

/* A missing file, one that fails FILE_PUBLIC, or whose size is no multiple of the line:
 * TOK_LIST. Never "not revoked". */
enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct why *why) MUST_CHECK;
void revoked_close(struct revoked *list);

/* TOK_OK: not on it. TOK_REVOKED: on it. TOK_LIST: a read failed or a line is out of form. A
 * sid that is not 22 letters long can't be on it. */
enum tok_err revoked_check(const struct revoked *list, struct slice sid) MUST_CHECK;

/* One line, no NUL. exp is capped at 9999999999. */
void revoked_line(const char sid[REVOKED_SID_LEN], int64_t exp, char ret[REVOKED_LINE_LEN]);
