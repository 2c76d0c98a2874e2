#include "common/json/scan_names.h"

#include "common/json/scan_string.h"

static int order_of(const struct scan_names *names, const char *a, const char *b)
{
    const struct scan_value va = scan_string_at(a, names->end);
    const struct scan_value vb = scan_string_at(b, names->end);

    return scan_string_order(&va, &vb);
}

/* Among the first n, which are sorted. False: it is there. */
static bool insert_sorted(struct scan_names *names, size_t n, const char *name)
{
    const char **all = names->all;
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_of(names, name, all[middle]);

        if (order == 0)
            return false;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&all[low + 1], &all[low], (n - low) * sizeof(*all));
    all[low] = name;
    return true;
}

static bool is_among(const struct scan_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (order_of(names, names->all[i], name) == 0)
            return true;
    return false;
}

bool scan_names_add_seen(struct scan_names *names)
{
    const char *name = names->all[names->n];

    if (names->n < SCAN_NAMES_FEW) {
        if (is_among(names, name))
            return false;
    } else {
        if (names->n == SCAN_NAMES_FEW)
            for (size_t i = 1; i < names->n; i++)
                (void)insert_sorted(names, i, names->all[i]);
        if (!insert_sorted(names, names->n, name))
            return false;
    }
    names->n++;
    return true;
}
