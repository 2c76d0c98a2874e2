/* The median of the last MEDIAN_SAMPLES durations. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MEDIAN_SAMPLES 15

struct median {
    uint64_t samples[MEDIAN_SAMPLES]; /* microseconds */
    size_t n, next;
};

void median_add(struct median *m, uint64_t duration);

/* Before the first duration: initial. */
uint64_t median_get(const struct median *m, uint64_t initial);
