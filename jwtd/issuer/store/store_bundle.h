/*
 * The bundle that all issuers of a shared store serve (keys/own_bundle.h): the one row of table
 * bundle. Who can write the database can write anything there; only its text, as far as it is
 * signed, counts.
 */
#pragma once

#include "common/token/bundle.h"
#include "jwtd/issuer/store/store.h"

struct store_bundle {
    int64_t seq;
    int64_t change;            /* the last one in the list that the text describes */
    char text[BUNDLE_MAX + 1]; /* "": none, or too long to be one */
};

/* Reads the row; with lock, other issuers wait for the end of the transaction to do the same.
 */
enum store_result store_read_bundle(struct store *store, bool lock,
                                    struct store_bundle *ret) MUST_CHECK;

/* Replaces it. It describes the list that was published last. */
enum store_result store_write_bundle(struct store *store, int64_t seq,
                                     const char *text) MUST_CHECK;
