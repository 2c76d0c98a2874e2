/*
 * What the benchmarks' logins stand on.
 */
#pragma once

#define BENCH_ENDED 100000 /* lines in the list of ended sessions */
#define BENCH_ISSUERS 4
#define BENCH_FOUR "of four issuers" /* the service whose settings have as many */

/* The services pam_jwt, BENCH_FOUR, pam_unix and pam_permit, each that module alone in auth and
 * account. */
void bench_stacks(void);
