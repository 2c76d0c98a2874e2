#include "tests/bench/timing.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 301

static int done, missed;
static const char *only;

void timing_only(const char *begin)
{
    only = begin;
}

bool timing_wanted(const char *name)
{
    return !only || strncmp(name, only, strlen(only)) == 0;
}

void timing_must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)printf("not ok - %s\n", what);
    exit(EXIT_FAILURE);
}

void timing_pin(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(1, &one);
    if (sched_setaffinity(0, sizeof(one), &one) == 0)
        return;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    timing_must(sched_setaffinity(0, sizeof(one), &one) == 0, "no core to be pinned to");
}

double timing_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void timing_sort(double *spent, size_t n)
{
    qsort(spent, n, sizeof(*spent), by_value);
}

void timing_verdict(const char *what, double minimum, double median, double goal, bool at_least)
{
    bool met = at_least ? minimum >= goal : minimum <= goal;

    (void)printf("%sok %d - %s: %.2f (median %.2f), goal %s %.2f\n", met ? "" : "not ", ++done,
                 what, minimum, median, at_least ? ">=" : "<=", goal);
    (void)fflush(stdout);
    missed += met ? 0 : 1;
}

int timing_status(void)
{
    return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static double once(const struct contender *c, size_t n)
{
    double start = timing_ns();

    c->run(c->arg, n);
    return (timing_ns() - start) / (double)n;
}

void timing_row(const struct row *row)
{
    static double spent[CONTENDERS_MAX][ROUNDS];
    const struct contender *all = row->contenders;
    size_t rounds = row->rounds ? row->rounds : ROUNDS, k = 0;

    while (k < CONTENDERS_MAX && all[k].name) {
        if (!row->rounds)
            (void)once(&all[k], row->n);
        k++;
    }
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < k; i++)
            spent[i][round] = once(&all[i], row->n);
    (void)printf("# %-62s %10s %10s\n", row->name, "min ns", "median ns");
    for (size_t i = 0; i < k; i++) {
        timing_sort(spent[i], rounds);
        (void)printf("#   %-60s %10.1f %10.1f\n", all[i].name, spent[i][0],
                     spent[i][rounds / 2]);
    }
    for (size_t i = 1; i < k; i++) {
        char what[256];

        if (all[i].goal <= 0)
            continue;
        (void)snprintf(what, sizeof(what), "%s / %s", row->name, all[i].name);
        timing_verdict(what, spent[0][0] / spent[i][0],
                       spent[0][rounds / 2] / spent[i][rounds / 2], all[i].goal, false);
    }
}
