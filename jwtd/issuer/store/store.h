/*
 * Where sessions live: one row a session, never a token. What is kept is what it takes to judge
 * a refresh token and to mint the same successor again; ids are 16 bytes (issue_id). Callers
 * see no SQL: another database is another file beside store_sqlite.c.
 *
 * All work happens between store_begin and store_commit. What was done is on disk when
 * store_commit says so, and not before. After STORE_FAILED from anything the connection's state
 * is unknown (a failed COMMIT may have reached the disk): close the store, open it again, tell
 * everyone in the transaction to try again.
 *
 * Times are seconds since the Epoch by the store's clock: never behind its high-water mark
 * (clock.h), so that a wall clock that was set back revives nothing. The exceptions say "wall".
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/token/issue.h"
#include "common/token/policy.h"

#define STORE_SOURCE_MAX 64
#define STORE_STAMP_MAX 16
#define STORE_PAGE_ROWS 256 /* rows that one page looks at */

struct store;

/* One pair of tokens as it was minted: all that it takes to mint the same bytes again. */
struct store_pair {
    int64_t gen; /* of the refresh token; 0 at login */
    uint8_t refresh_jti[ISSUE_ID_BYTES];
    uint8_t access_jti[ISSUE_ID_BYTES];
    char kid[KEY_KID_MAX + 1];
    int64_t issued_at;               /* wall: iat of both */
    int64_t access_exp, refresh_exp; /* wall */
};

struct store_session {
    int64_t created_at, absolute_exp, idle_exp;
    int64_t rotated_at;      /* when `pair` was minted */
    int64_t last_used;       /* when it was last refreshed; at first, rotated_at */
    int64_t last_access_exp; /* wall: no access token of this session lives longer */
    struct store_pair pair;
    size_t stamp_len;
    uint8_t stamp[STORE_STAMP_MAX];
    uint8_t sid[ISSUE_ID_BYTES];
    uint8_t previous_jti[ISSUE_ID_BYTES];
    char user[USER_NAME_MAX + 1];
    char source[STORE_SOURCE_MAX + 1];
    char client[STORE_SOURCE_MAX + 1];
    bool has_previous; /* some refresh token came before the pair's */
    bool ended;
};

enum store_result {
    STORE_DONE,
    STORE_ABSENT, /* no such row, or not in the state that was asked for: nothing was changed */
    STORE_FAILED,
};

/* Opens the store, making it (mode 0600 under umask 077) when it is absent. TOK_FILE with a
 * sentence: unreadable, damaged, or made by a newer release. */
enum tok_err store_open(const char *path, struct store **ret, struct errmsg *errmsg) MUST_CHECK;
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, cleanup_store, store_close)

/* True after any STORE_FAILED. */
bool store_failed(const struct store *store);

/* The last failure for the log: file, cause, remedy; "" when there was none. */
const char *store_failure(const struct store *store);

/* max(wall, high-water mark). */
int64_t store_time(const struct store *store, int64_t wall);

/* The mark alone: time that has passed for certain (clock.h). It may be before or after the
 * wall clock. */
int64_t store_mark(const struct store *store);

/* Begins one transaction at this wall time; nobody else writes until its end. up: seconds since
 * the machine was booted (CLOCK_BOOTTIME). */
enum store_result store_begin(struct store *store, int64_t wall, int64_t up) MUST_CHECK;

/* With changes: sets the mark, purges a few rows of which no token lives, and waits for the
 * disk. STORE_DONE or STORE_FAILED. */
enum store_result store_commit(struct store *store) MUST_CHECK;
void store_rollback(struct store *store);

enum store_result store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             struct store_session *ret) MUST_CHECK;

/* One page of live sessions, newest first. */
struct store_page {
    const char *user;     /* NULL: of all users */
    const uint8_t *after; /* sid of the last session of the page before; NULL: first page */
    /* Called for each session; false leaves that session for the next page. */
    bool (*fn)(void *arg, const struct store_session *session);
    void *arg;
    uint8_t next[ISSUE_ID_BYTES]; /* out: `after` of the next page */
    bool more;                    /* out: there may be a next page */
};

/* Looks at no more than STORE_PAGE_ROWS rows, so a page without a session may have a next one.
 */
enum store_result store_page(struct store *store, struct store_page *page) MUST_CHECK;

/* A new session; `ended` with a reason makes one that is over from its start. */
enum store_result store_add(struct store *store, const struct store_session *session,
                            const char *reason) MUST_CHECK;

/* Replaces the pair of a live session whose generation is `from` by the next one, and moves its
 * idle end: one conditional UPDATE, so of many rotations from one generation one wins.
 * STORE_ABSENT for the others. */
enum store_result store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                               int64_t from, const struct store_pair *pair,
                               int64_t idle_exp) MUST_CHECK;

/* The same for a new access token beside the same refresh token. */
enum store_result store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t gen, int64_t access_exp, int64_t idle_exp) MUST_CHECK;

/* Ends a live session. STORE_ABSENT: there is none. */
enum store_result store_end(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                            const char *reason) MUST_CHECK;

/* Ends the oldest of a user's live sessions until `keep` are left. */
enum store_result store_end_oldest(struct store *store, const char *user, uint64_t keep,
                                   const char *reason, uint64_t *ret_ended) MUST_CHECK;

/* STORE_DONE when some session of this user is kept, ended or not. */
enum store_result store_knows_user(struct store *store, const char *user) MUST_CHECK;

/* Calls fn for each ended session whose last access token expires after this wall time; fn's
 * false stops it with STORE_FAILED. Needs no transaction. */
enum store_result store_each_ended(struct store *store, int64_t after,
                                   bool (*fn)(void *arg, const uint8_t sid[ISSUE_ID_BYTES],
                                              int64_t last_access_exp),
                                   void *arg) MUST_CHECK;

/* Ends whatever of a user's sessions is live, or has an access token that is not expired at
 * this wall time. */
enum store_result store_end_user(struct store *store, const char *user, int64_t wall,
                                 const char *reason, uint64_t *ret_ended) MUST_CHECK;

/* How many sessions are live among the newest so many rows; *ret_more: there may be more rows.
 */
enum store_result store_count_live(struct store *store, uint64_t rows, uint64_t *ret_live,
                                   bool *ret_more) MUST_CHECK;

/* When the last token of any session expires (wall): nothing that was minted until now lives
 * longer. 0: there is none. */
enum store_result store_last_exp(struct store *store, int64_t *ret_exp) MUST_CHECK;
