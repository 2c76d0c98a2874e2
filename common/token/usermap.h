/*
 * The user map: which local user a user of another issuer is. Lines of ISSUER CLAIM-VALUE
 * LOCAL-USER, separated by spaces; '#' begins a comment line. *@DOMAIN as claim value stands
 * for every value of the form NAME@DOMAIN; a line with the exact value takes precedence.
 * Everything is compared byte by byte. The file is parsed strictly: a malformed line, a '*'
 * elsewhere, a user name that is not portable, or an issuer and value that occur twice are
 * errors that name file, line and the expected form.
 */
#pragma once

#include "common/base/file.h"

#define USERMAP_FILE_MAX ((size_t)1024 * 1024) /* bytes */
#define USERMAP_VALUE_MAX 1024                 /* bytes of a claim's value */

struct usermap_line;

/* A zeroed map has no users. */
struct usermap {
    char *text;
    struct usermap_line *lines; /* sorted; slices of the text */
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

/* TOK_UNMAPPED: there is no line for this user. *ret lives as long as the map. */
enum tok_err usermap_find(const struct usermap *map, struct slice issuer, struct slice value,
                          struct slice *ret) MUST_CHECK;
