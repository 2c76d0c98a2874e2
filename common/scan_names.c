#include "scan_names.h"

#include "scan_string.h"

#define FEW 16

/* The first eight bytes of a name in a text that ends at end, as many as it has. */
static inline uint64_t begin_of(struct slice raw, const char *end)
{
    uint64_t begin = 0;

    if (end - raw.p < (ptrdiff_t)sizeof(begin)) {
        memcpy(&begin, raw.p, raw.n < sizeof(begin) ? raw.n : sizeof(begin));
        return le64toh(begin);
    }
    memcpy(&begin, raw.p, sizeof(begin));
    return raw.n < sizeof(begin) ? le64toh(begin) & ((UINT64_C(1) << 8 * raw.n) - 1)
                                 : le64toh(begin);
}

static int order_of(struct slice text, const struct scan_name *a, const struct scan_name *b)
{
    const struct scan_value va = {{text.p + a->at, a->n}, SCAN_STRING, a->escaped};
    const struct scan_value vb = {{text.p + b->at, b->n}, SCAN_STRING, b->escaped};

    return scan_string_order(&va, &vb);
}

/* False: it is there. */
static bool insert_sorted(struct scan_name *names, size_t n, struct scan_name name,
                          struct slice text)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_of(text, &name, &names[middle]);

        if (order == 0)
            return false;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&names[low + 1], &names[low], (n - low) * sizeof(*names));
    names[low] = name;
    return true;
}

/* Names without escapes that begin differently are different, and most do. */
static bool is_among(const struct scan_name *names, size_t n, const struct scan_name *name,
                     struct slice text)
{
    for (size_t i = 0; i < n; i++) {
        if (names[i].begin != name->begin && !names[i].escaped && !name->escaped)
            continue;
        if (order_of(text, &names[i], name) == 0)
            return true;
    }
    return false;
}

bool scan_names_add(struct scan_name *names, size_t n, const struct scan_value *v,
                    struct slice text)
{
    struct scan_name *name = &names[n];

    name->at = (uint32_t)(v->text.p - text.p);
    name->n = (uint32_t)v->text.n;
    name->escaped = v->escaped;
    name->begin = begin_of(scan_string_raw(*v), text.p + text.n);
    if (n < FEW)
        return !is_among(names, n, name, text);
    if (n == FEW)
        for (size_t i = 1; i < n; i++)
            (void)insert_sorted(names, i, names[i], text);
    return insert_sorted(names, n, *name, text);
}
