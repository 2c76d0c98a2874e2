/*
 * Times things that stand beside each other: a row is what is measured and its floors, and a
 * round runs each of them once, so that all see the same machine. What is told is the minimum
 * of all rounds, what the work costs when nothing disturbs it, and the median, what it costs
 * here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONTENDERS_MAX 6

struct contender {
    const char *name;
    void (*run)(void *arg, size_t n); /* does it n times */
    void *arg;
    double goal; /* times this one's time that the row's first may take; 0: shown only */
};

struct row {
    const char *name;
    struct contender
        contenders[CONTENDERS_MAX]; /* the first is ours; the rest have names too */
    size_t n;                       /* operations a round */
    size_t rounds;                  /* 0: as many as usual, after one that does not count */
};

/* Only rows whose name begins with this are wanted; NULL: all. */
void timing_only(const char *begin);
bool timing_wanted(const char *name);

/* Puts this process on one core. */
void timing_pin(void);

double timing_ns(void);

/* Sorts, so that the first is the minimum and the middle one the median. */
void timing_sort(double *spent, size_t n);

/* Ends the program: a benchmark that does not do its work measures nothing. */
void timing_must(bool holds, const char *what);

/* Measures, prints a line each ("# ...") and one "ok"/"not ok" a goal. */
void timing_row(const struct row *row);

/* A ratio that was measured elsewhere, the same line. at_least: the goal is a lower bound. */
void timing_verdict(const char *what, double minimum, double median, double goal,
                    bool at_least);

/* EXIT_FAILURE when a goal was missed. */
int timing_status(void);
