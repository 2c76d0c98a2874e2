/* What the rows of bench_core share: a token of the issue's size and what judges it. */
#pragma once

#include "common/token/issue.h"
#include "common/token/verify.h"
#include "tests/bench/timing.h"

#define BENCH_INPUT 306 /* bytes that are signed: HEADER.PAYLOAD */
#define BENCH_NOW INT64_C(1900000000)

/* A private key, the set of its public part, and a token of it. */
struct bench_token {
    struct key *key;
    struct keyset *keys;
    struct secret token;
    struct policy policy;
    struct slice input, signature; /* HEADER.PAYLOAD; the signature's bytes */
    char signature_room[KEY_SIGNATURE_MAX];
    struct issue_claims claims;
};

void bench_token_make(const char *alg, struct bench_token *ret);
void bench_token_clear(struct bench_token *t);

/* Contenders: arg is a struct bench_token. */
void bench_verify(void *arg, size_t n);
void bench_mint(void *arg, size_t n);

/* Rows. work: a directory for files, jwtctl: the program. */
void bench_rows_tokens(void);
void bench_rows_stores(const char *work, const char *jwtctl);
