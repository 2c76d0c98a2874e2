/*
 * Fault injection. faults.def names the points; between faults_begin and faults_end each call
 * of one is counted, and the at-th of them fails. Other calls are not changed. Memory that was
 * allocated in between is tracked until it is freed.
 */
#pragma once

#include "tests/unit/unit.h"

enum fault {
    FAULT_REFUSED,     /* any point: by its return value and errno */
    FAULT_INTERRUPTED, /* read, pread, write: EINTR */
    FAULT_SHORT,       /* read, pread, write: one byte of what was requested */
    FAULT_INSIDE,      /* an allocation within libcrypto: libcrypto's own points, not ours */
};

/* To be called first: tracks libcrypto's memory, and shares the counters with the processes
 * that check forks. */
void faults_init(void);

/* at 0: none fails. */
void faults_begin(enum fault fault, size_t at);

/* Returns how many of this kind could have failed. */
size_t faults_end(void);

/* The point that failed since faults_begin; NULL: none. */
const char *faults_struck(void);

/* Was it an allocation of ours, a system call? */
bool faults_struck_memory(void);
bool faults_struck_system(void);

/* Allocations of ours that were handed out since faults_begin and not freed yet; and the number
 * that libcrypto holds. */
size_t faults_live(void);
long faults_live_inside(void);

/* How often secret_equal was called, on how many bytes at last; and what it has to answer from
 * now on: 0, 1, or -1 for the truth. */
struct fault_comparing {
    size_t calls, n;
};
struct fault_comparing faults_comparing(int answer);

/* A line of faults.def; name NULL past the last. */
struct fault_point {
    const char *name;
    bool certain;          /* not wrapped, or as a part of another */
    long counted, refused; /* over all processes */
};
struct fault_point faults_point_at(size_t i);

/* The driver (test_faults.c): an operation calls the function under test, then faults_end, then
 * writes its result as text and frees it; after an error it checks that the outputs are
 * untouched. It is run without a fault (verdict is expected), then with each call failing once.
 * The result must be an error that does not blame the token, or, if the failure can be
 * survived, the same as without; nothing may leak. given is passed to the operation. */
#define FAULTS_TEXT 16384
typedef enum tok_err faults_operation(const void *given, char text[FAULTS_TEXT]);
void faults_try(const char *what, faults_operation *operation, const void *given,
                enum tok_err verdict);

/* The same with each allocation within libcrypto. */
void faults_try_inside(const char *what, faults_operation *operation, const void *given,
                       enum tok_err verdict);

/* The tests of the other files: their number. */
#define FAULTS_TESTS 32
size_t faults_key_tests(const TTest *ret[FAULTS_TESTS]);
size_t faults_token_tests(const TTest *ret[FAULTS_TESTS]);
size_t faults_file_tests(const TTest *ret[FAULTS_TESTS]);
