/*
 * A store for each test, and sessions to add to it: in a temporary directory, or, with PGURL in
 * the environment (tests/with-postgresql), in an empty database, whose time the tests set.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#define NOW 1700000000

extern char stores_dir[sizeof("/tmp/test-store-XXXXXX")];
extern char stores_path[512]; /* or a URL */

bool stores_is_shared(void);

void stores_setup(void);
void stores_teardown(void);

struct store *stores_open(void);
void stores_begin(struct store *store, int64_t wall);
void stores_commit(struct store *store);

/* Id and session number n, of user alice. */
void stores_id(uint8_t id[ISSUE_ID_BYTES], int n);
struct store_session stores_session(int n);

/* Adds a session in a transaction; finds it. */
void stores_add(struct store *store, const struct store_session *s);
struct store_session stores_find(struct store *store, const struct store_session *s);
bool stores_has_revoked(struct store *store, const struct store_session *s);

/* The pair after that of s, with ids n and n + 1. */
struct store_pair stores_next_pair(const struct store_session *s, int n);
void stores_expect_pair(const struct store_pair *got, const struct store_pair *want);
