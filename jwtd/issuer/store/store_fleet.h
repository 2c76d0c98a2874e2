/*
 * What the issuers of one database tell each other: their key documents (bundle.h), by the
 * thumbprint of the bundle key that signed. A row says nothing before its signature is
 * verified. All need a transaction, and a store that is shared.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#define STORE_DOCUMENTS_MAX 256
#define STORE_DOCUMENT_MAX 16384 /* characters */

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
