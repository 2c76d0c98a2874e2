/*
 * The names of one object of a JSON text, for scan alone: is one there twice? Few are kept as
 * they come; more are sorted, which, unlike hashing, leaves nobody names to choose that make it
 * slow.
 */
#pragma once

#include "common/json/scan.h"

#define SCAN_NAMES_FEW 16 /* beyond them they are sorted */

struct scan_names {
    const char *end;  /* of the text */
    const char **all; /* their opening quotes, which were checked; room for one more */
    size_t n;
    uint64_t seen; /* the bits of all */
};

/* Adds all[n] too, when it is none of them. */
bool scan_names_add_seen(struct scan_names *names) MUST_CHECK;

/* Adds a name by its opening quote and by its bits: what has a bit that nobody had is new.
 * False: it is among them, compared after escapes. */
static inline bool scan_names_add_by(struct scan_names *names, const char *at, uint64_t bits)
{
    bool is_new = !(names->seen & bits) && names->n < SCAN_NAMES_FEW;

    names->all[names->n] = at;
    names->seen |= bits;
    if (!is_new)
        return scan_names_add_seen(names);
    names->n++;
    return true;
}

/* One of 64 bits, by how a name without escapes begins (scan_begin). */
static inline uint64_t scan_names_bit(uint64_t begin)
{
    return UINT64_C(1) << (begin * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* The same of any name: one with escapes has every bit. */
static inline bool scan_names_add(struct scan_names *names, const struct scan_value *name,
                                  uint64_t begin)
{
    return scan_names_add_by(names, name->text.p,
                             name->escaped ? UINT64_MAX : scan_names_bit(begin));
}
