/*
 * Attacks by name. A range has a key for each algorithm, sets of their public keys, and a
 * policy. A case is a token and the one error it must get, or TOK_OK for the valid neighbour of
 * an attack: the same token with one thing corrected. The results are counted over the whole
 * program, so that the last test can check the totals.
 */
#pragma once

#include "common/token/verify.h"
#include "tests/unit/forge.h"

#define NOW 1700000100
#define SID "SSSSSSSSSSSSSSSSSSSSSS"
#define ALGS 13 /* rows of alg's table */

/* Pages that the tests' processes share. */
struct tally {
    unsigned attacks, neighbours, false_accepts, false_refusals, wrong_reasons;
};

struct range {
    struct key *keys[ALGS];    /* in the table's order; each kid is the algorithm's name */
    struct keyset *publics;    /* of all but HMAC */
    struct keyset *secrets;    /* of HMAC */
    struct policy policy;      /* takes every algorithm */
    const char *user;          /* asked for; NULL: any */
    const struct usermap *map; /* NULL: the claim names the user */
    unsigned wrong;            /* cases of this test that went another way */
    struct verify_result result;
    struct parsed_token parsed; /* of the last token */
};

/* Maps the tally; called once, before any test. */
void tally_open(void);
struct tally tally_now(void);

struct range *range_new(void);

/* Fails the test when a case went another way. */
void range_free(struct range **r);

const struct key *range_key(const struct range *r, const char *alg);

/* Its private key as a file of tests/data. */
const char *range_pem(const char *alg);

/* A key's public half (an HMAC one: the whole) as a JWK of this kid; free it. */
char *range_jwk(const struct key *key, const char *kid);

/* {"alg":ALG,"typ":"JWT","kid":ALG} */
#define HEADER_MAX 128
const char *range_header(const char *alg, char ret[HEADER_MAX]);

/* The claims that all cases begin with, but for one (NULL: none), and more behind them; free
 * it. "but" may be several words. */
char *range_payload(const char *but, const char *more);

/* A keyset of these JWKs, parted by NULL at the end. */
struct keyset *range_set(const char *const *jwks);

/* Words such as "leeway=10 allow_root" on top of the policy. */
void range_words(struct range *r, const char *words);
void range_words_reset(struct range *r);

/* One case. want TOK_OK: a valid neighbour. */
void attack(struct range *r, const struct keyset *keys, const char *group, const char *name,
            struct slice token, enum tok_err want);

/* The same with a verdict that was come by in another way. */
void attack_result(struct range *r, const char *group, const char *name, enum tok_err got,
                   enum tok_err want);

/* One case of a token that the key of EdDSA signs. */
void attack_signed(struct range *r, const char *group, const char *name, struct slice header,
                   struct slice payload, enum tok_err want);

/* attack_structure.c */
void attack_forms(struct range *r);
void attack_payloads(struct range *r);
void attack_letters(struct range *r);
void attack_nesting(struct range *r);
void attack_sizes(struct range *r);

/* attack_header.c */
void attack_headers(struct range *r);
void attack_embedded_keys(struct range *r);

/* attack_keys.c */
void attack_other_algorithms(struct range *r);
void attack_public_secrets(struct range *r);
void attack_relatives(struct range *r);
void attack_other_keys(struct range *r);
void attack_kids(struct range *r);

/* attack_sets.c */
void attack_sets(struct range *r);
void attack_pairs(struct range *r);
void attack_changed(struct range *r);
void attack_collisions(struct range *r);

/* attack_signatures.c */
void attack_lengths(struct range *r);
void attack_rsa(struct range *r);
void attack_ecdsa(struct range *r);
void attack_eddsa(struct range *r);

/* attack_claims.c */
void attack_types(struct range *r);
void attack_claims(struct range *r);
void attack_repeats(struct range *r);

/* attack_names.c */
void attack_names(struct range *r);

/* attack_maps.c */
void attack_maps(struct range *r);

/* attack_times.c */
void attack_times(struct range *r);

/* attack_issuers.c */
void attack_issuers(struct range *r);

/* attack_hosts.c */
void attack_hosts(struct range *r);
