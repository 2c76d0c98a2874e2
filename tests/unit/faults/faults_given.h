/* New keys for the tests of faults, each with the files it can be in. */
#pragma once

#include "tests/unit/faults/faults.h"

#include "common/jose/key.h"

#define EVERY_ALG (~(alg_set)0)

/* A key, as its files have it. */
struct given {
    const struct alg *alg;
    struct key *key;
    char *public_jwk, *public_pem, *private_pem, *other_pem;
    struct secret private_jwk;
    struct slice text; /* what is read */
    enum key_part part;
    char *scope; /* of a token that is minted */
};

/* Calls fn for a new key of each algorithm. */
void given_of_each_alg(void (*fn)(struct given *g));

/* The same without those RSA ones that differ by the digest alone. */
void given_of_each_kind(void (*fn)(struct given *g));
