/* Files that record a token until it has expired: their mtime is its exp. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NOTES_PRUNE_MAX 1000 /* names that one call looks at, whatever the directory holds */

/* Removes from an open directory the files of tokens that have expired with any leeway and
 * whose names have name_len bytes; 0: any. Errors do no harm: the next call tries again. */
void notes_prune(int dir, size_t name_len, int64_t now);
