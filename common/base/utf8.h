/* Well-formed UTF-8 (RFC 3629 4). */
#pragma once

#include <stddef.h>

/* The length of the character that starts at p: 1 for ASCII, 2 to 4, and 0 when no well-formed
 * character starts there. p is before end. */
size_t utf8_length(const char *p, const char *end);
