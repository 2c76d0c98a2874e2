/*
 * The user map: which local user a user of another issuer is. Lines of ISSUER CLAIM-VALUE
 * LOCAL-USER, separated by spaces; '#' begins a comment line, and a word with spaces is quoted.
 * A '*' in CLAIM-VALUE stands for one or more characters, none of which is '@', ':', '/' or
 * '\'; a '*' in LOCAL-USER for the same ones. The first line that matches applies. Everything
 * is compared byte by byte, but that what begins with '@' after a '*', a domain, has no case.
 * After LOCAL-USER may come the words "fold": letters of ASCII have no case, and those that '*'
 * stands for are put in lower case; and "system": a '*' may yield any account.
 *
 * The file is parsed strictly: a malformed line is an error that names file, line and the
 * expected form.
 */
#pragma once

#include "common/base/file.h"
#include "common/base/username.h"

#include <sys/types.h>

#define USERMAP_FILE_MAX ((size_t)1024 * 1024) /* bytes */
#define USERMAP_VALUE_MAX 1024                 /* bytes of a claim's value */

struct usermap_line {
    struct slice issuer, value, user;
    bool pattern; /* there is a '*' in value */
    bool fold, system;
    unsigned line;
};

/* A zeroed map has no users. */
struct usermap {
    char *text;
    struct usermap_line *lines; /* in the file's order; slices of the text */
    size_t n;
};

/* TOK_SETTINGS, with a sentence, for a missing file, one that trust refuses, and a wrong line.
 */
enum tok_err usermap_load(const char *path, enum file_trust trust, struct usermap *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* Parses a text, which is copied; name is its name in messages. */
enum tok_err usermap_parse(const char *name, struct slice text, struct usermap *ret,
                           struct errmsg *errmsg) MUST_CHECK;
void usermap_clear(struct usermap *map);

/* The line for this user, or NULL. */
const struct usermap_line *usermap_find(const struct usermap *map, struct slice issuer,
                                        struct slice value);

/* Yields the local user whom a line that usermap_find returned has for the value,
 * NUL-terminated. TOK_USER_NAME for a name that username_valid refuses; TOK_UNMAPPED for digits
 * alone and a '$' at the end of a name from '*', unless the line says "system". */
enum tok_err usermap_apply(const struct usermap_line *line, struct slice value,
                           char ret[USER_NAME_MAX + 1]) MUST_CHECK;

/* TOK_UNMAPPED, with a sentence, when a line with '*' yields an account with a uid below
 * UID_MIN of login.defs(5) and does not say "system". line NULL: no map applied. */
enum tok_err usermap_check_uid(const struct usermap_line *line, uid_t uid,
                               struct errmsg *errmsg) MUST_CHECK;
