/*
 * What the issuers of one database tell each other: their key documents (bundle.h), by the
 * thumbprint of the bundle key that signed; and the bundle that all of them serve
 * (keys/own_bundle.h), the one row of table bundle. Who can write the database can write
 * anything there: only what is signed counts. All need a transaction, and a store that is
 * shared.
 */
#pragma once

#include "common/token/bundle.h"
#include "jwtd/issuer/store/store.h"

#define STORE_DOCUMENTS_MAX 256

/* Calls fn for each document, which are STORE_DOCUMENTS_MAX at most; a text that is too long is
 * cut off, and too long still. When fn returns false, stops with STORE_FAILED. */
typedef bool store_document_fn(void *arg, const char *thumbprint, struct slice text);
enum store_result store_each_document(struct store *store, store_document_fn *fn,
                                      void *arg) MUST_CHECK;

/* Adds or replaces our document, and counts the change, so that the other issuers read it
 * before they answer. */
enum store_result store_put_document(struct store *store, const char *thumbprint,
                                     const char *text) MUST_CHECK;

/* Removes the document of a bundle key that signs no more. STORE_ABSENT: not found. */
enum store_result store_remove_document(struct store *store, const char *thumbprint) MUST_CHECK;

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
