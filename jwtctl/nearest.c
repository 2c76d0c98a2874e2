#include "jwtctl/nearest.h"

#include <string.h>

#define MAX_EDITS 2

/* True when so many edits make b of a: a letter inserted, left out or replaced, or two letters
 * exchanged. */
static bool is_within(const char *a, const char *b, int edits)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a && !*b)
        return true;
    if (edits == 0)
        return false;
    return (*a && *b && a[0] == b[1] && a[1] == b[0] && is_within(a + 2, b + 2, edits - 1)) ||
           (*a && *b && is_within(a + 1, b + 1, edits - 1)) ||
           (*a && is_within(a + 1, b, edits - 1)) || (*b && is_within(a, b + 1, edits - 1));
}

void nearest_try(struct nearest *n, const char *candidate)
{
    size_t max = (strlen(n->word) + 1) / 3;
    int edits = 0;

    while (edits <= MAX_EDITS && !is_within(n->word, candidate, edits))
        edits++;
    if (edits > MAX_EDITS || (size_t)edits > max)
        return;
    if (!n->edits || edits < n->edits) {
        *n = (struct nearest){n->word, candidate, edits, false};
    } else if (edits == n->edits && (n->ambiguous || strcmp(n->found, candidate) != 0)) {
        n->found = NULL;
        n->ambiguous = true;
    }
}
