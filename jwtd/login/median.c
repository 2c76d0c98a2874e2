#include "jwtd/login/median.h"

#include <stdbool.h>

void median_add(struct median *m, uint64_t duration)
{
    m->samples[m->next] = duration;
    m->next = (m->next + 1) % MEDIAN_SAMPLES;
    if (m->n < MEDIAN_SAMPLES)
        m->n++;
}

/* True when at most half of the samples are lower than this one, and at most half higher. */
static bool is_middle(const struct median *m, uint64_t sample)
{
    size_t lower = 0, higher = 0;

    for (size_t i = 0; i < m->n; i++) {
        lower += m->samples[i] < sample;
        higher += m->samples[i] > sample;
    }
    return lower <= m->n / 2 && higher <= m->n / 2;
}

uint64_t median_get(const struct median *m, uint64_t initial)
{
    for (size_t i = 0; i < m->n; i++)
        if (is_middle(m, m->samples[i]))
            return m->samples[i];
    return initial;
}
