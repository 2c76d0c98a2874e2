/*
 * The names of one object of a JSON text, for scan alone: is one there twice? Few are kept as
 * they come; more are sorted, which, unlike hashing, leaves nobody names to choose that make it
 * slow.
 */
#pragma once

#include "scan.h"

#define SCAN_NAMES_FEW 16 /* beyond them they are sorted */

struct scan_names {
    const char **all; /* their opening quotes, in a text that was checked; room for one more */
    size_t n;
    uint64_t seen; /* the bits of all */
};

/* One of 64 bits by how a name without escapes begins: what has a bit that nobody had is new. A
 * name with escapes has every bit. */
static inline uint64_t scan_names_bit(const struct scan_value *name, uint64_t begin)
{
    return name->escaped ? UINT64_MAX
                         : UINT64_C(1) << (begin * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* Adds all[n] too, when it is none of them. */
bool scan_names_add_seen(struct scan_names *names) MUST_CHECK;

/* Adds a name, whose scan_begin is known. False: it is among them, compared after escapes. */
static inline bool scan_names_add(struct scan_names *names, const struct scan_value *name,
                                  uint64_t begin)
{
    uint64_t bit = scan_names_bit(name, begin);
    bool is_new = !(names->seen & bit) && names->n < SCAN_NAMES_FEW;

    names->all[names->n] = name->text.p;
    names->seen |= bit;
    if (!is_new)
        return scan_names_add_seen(names);
    names->n++;
    return true;
}
