/*
 * Which local user another issuer's user is: lines of ISSUER CLAIM-VALUE LOCAL-USER, parted by
 * blanks; '#' begins a comment line. *@DOMAIN as claim value means every value of one '@' with
 * this domain behind it; a line for the very value goes before it. All is compared byte by
 * byte. The whole file is read strictly: another form, a '*' elsewhere, a name that is no
 * portable user name, an issuer and value twice are errors with file, line and allowed form.
 */
#pragma once

#include "common/base/file.h"

#define USERMAP_FILE_MAX ((size_t)1024 * 1024) /* bytes */
#define USERMAP_VALUE_MAX 1024                 /* bytes of a claim's value */

struct usermap_line;

/* A zeroed one maps nobody. */
struct usermap {
    char *text;
    struct usermap_line *lines; /* sorted; slices of the text */
    size_t n;
};

/* A missing file, one that trust refuses, and a wrong line: TOK_SETTINGS with a sentence. */
enum tok_err usermap_load(const char *path, enum file_trust trust, struct usermap *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* The same of a text; name is what the sentence calls it. The text is copied. */
enum tok_err usermap_parse(const char *name, struct slice text, struct usermap *ret,
                           struct errmsg *errmsg) MUST_CHECK;
void usermap_clear(struct usermap *map);

/* TOK_UNMAPPED: nobody here. *ret lives as long as the map. */
enum tok_err usermap_find(const struct usermap *map, struct slice issuer, struct slice value,
                          struct slice *ret) MUST_CHECK;
