#include "scan_names.h"

#include "scan_string.h"

static int order_of(const char *a, const char *b)
{
    const struct scan_value va = scan_string_at(a), vb = scan_string_at(b);

    return scan_string_order(&va, &vb);
}

/* False: it is there. */
static bool insert_sorted(const char **names, size_t n, const char *name)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_of(name, names[middle]);

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

static bool is_among(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (order_of(names[i], name) == 0)
            return true;
    return false;
}

bool scan_names_add_seen(struct scan_names *names)
{
    const char **all = names->all, *name = all[names->n];

    if (names->n < SCAN_NAMES_FEW) {
        if (is_among(all, names->n, name))
            return false;
    } else {
        if (names->n == SCAN_NAMES_FEW)
            for (size_t i = 1; i < names->n; i++)
                (void)insert_sorted(all, i, all[i]);
        if (!insert_sorted(all, names->n, name))
            return false;
    }
    names->n++;
    return true;
}
