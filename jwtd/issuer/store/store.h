/*
 * The session store: one row per session, never a token. A row has what verifying a refresh
 * token needs, and what minting the same successor again needs. When a session ends before it
 * expires ("revoked"), its row is replaced by a small one, which has what refusing its tokens
 * needs and is kept until the last of them expires. Ids are 16 bytes (issue_id). No caller sees
 * SQL. A store is a SQLite file, or a PostgreSQL database that several issuers share.
 *
 * All work is done between store_begin and store_commit, and is on disk when store_commit
 * returns STORE_DONE. After STORE_FAILED from any function the state of the connection is
 * unknown (a failed COMMIT may have reached the disk): close the store, open it again, and let
 * every client of the transaction retry. But see store_recover.
 *
 * A shared store answers "done" before the statement was executed where the row is locked;
 * store_commit fails if one was not.
 *
 * Times are seconds since the Epoch in the store's time, which is never behind its high-water
 * mark (clock.h): setting the wall clock back makes no session valid again. Exceptions are
 * marked "wall".
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/token/issue.h"
#include "common/token/policy.h"

#define STORE_SOURCE_MAX 64
#define STORE_STAMP_MAX 16
#define STORE_METHOD_MAX 15
#define STORE_AMR_MAX 63
#define STORE_NO_UID (-1)
#define STORE_SPENT_MAX 16384
#define STORE_PAGE_ROWS 256 /* rows that one page looks at */

struct store;

/* Counters of a shared store: each transaction that revokes, or that changes the keys of an
 * issuer, adds 1. */
struct store_changes {
    int64_t revocations, keys;
};

/* A pair of tokens: all that minting the same bytes again needs. */
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
    int64_t last_used;       /* when it was last refreshed; at login, rotated_at */
    int64_t last_access_exp; /* wall: when the last access token of this session expires */
    struct store_pair pair;
    size_t stamp_len;
    uint8_t stamp[STORE_STAMP_MAX];
    int64_t uid; /* of the account at login; STORE_NO_UID: version 0.1 did not record it */
    uint8_t sid[ISSUE_ID_BYTES];
    uint8_t previous_jti[ISSUE_ID_BYTES];
    char user[USER_NAME_MAX + 1];
    char source[STORE_SOURCE_MAX + 1];
    char client[STORE_SOURCE_MAX + 1];
    char method[STORE_METHOD_MAX + 1]; /* how it began: "login", "exchange", "issue" */
    char amr[STORE_AMR_MAX + 1];       /* words of RFC 8176, separated by spaces; may be "" */
    bool has_previous;                 /* previous_jti is set */
};

/* What the store keeps of a revoked session. */
struct store_revoked {
    uint8_t sid[ISSUE_ID_BYTES];
    int64_t last_access_exp, last_exp; /* wall: of its access tokens; of all its tokens */
};

enum store_result {
    STORE_DONE,
    STORE_ABSENT, /* no such row, or not in the expected state: nothing was changed */
    STORE_FAILED,
};

/* True for a URL postgresql://... : a database, which is never created here. */
bool store_is_shared(const char *where);

/* Opens the store. A file is created with mode 0600 when it is missing. modules: the directory
 * of postgresql.so, which a shared store needs. TOK_FILE with a sentence: unreadable,
 * unreachable, corrupt, or made by a newer release; a database also by an older one. */
enum tok_err store_open(const char *where, const char *modules, struct store **ret,
                        struct errmsg *errmsg) MUST_CHECK;
void store_close(struct store *store);

/* Reads all pages of the store, and changes nothing. TOK_FILE with a sentence: missing,
 * unreadable, corrupt, or made by a newer release. The daemon may have it open. */
enum tok_err store_check(const char *path, struct errmsg *errmsg) MUST_CHECK;

/* Connects to a database and checks its version. warn is called for what works but should be
 * changed: the privileges of the role, replication, durability, TLS, the time. */
enum tok_err store_check_database(const char *url, const char *modules,
                                  void (*warn)(const char *warning),
                                  struct errmsg *errmsg) MUST_CHECK;

/* Creates the tables of a database, or brings them to this release, in one transaction. role:
 * may then do what an issuer does with them; NULL: no role. */
struct store_versions {
    int64_t before, now; /* 0: there were no tables */
};
enum tok_err store_migrate(const char *url, const char *modules, const char *role,
                           struct store_versions *ret, struct errmsg *errmsg) MUST_CHECK;

/* Copies the rows of an SQLite store into a database without any, in one transaction. No other
 * program may have the file open. */
#define STORE_COPIED 4
struct store_copied {
    const char *table;
    int64_t rows;
};
enum tok_err store_copy(const char *path, const char *url, const char *modules,
                        struct store_copied ret[STORE_COPIED],
                        struct errmsg *errmsg) MUST_CHECK;
DEFINE_CLEANUP(struct store *, cleanup_store, store_close)

/* True after any STORE_FAILED. */
bool store_failed(const struct store *store);

/* The last failure for the log: file, cause, remedy; "" when there was none. */
const char *store_failure(const struct store *store);

/* max(wall, high-water mark). */
int64_t store_time(const struct store *store, int64_t wall);

/* The mark alone (clock.h): time that has certainly passed. It may be before or after the wall
 * clock. */
int64_t store_mark(const struct store *store);

/* True when other issuers use this store, too. Then the time is the database's. */
bool store_is_fleet(const struct store *store);

/* Of a shared store: the database's time now, by what it was at the last answer, in
 * microseconds. */
int64_t store_wall_us(const struct store *store);

/* The next transaction is about this session. In a shared store, store_begin locks and reads
 * its row, with those of the others, in one round trip. What exceeds the room is read later. */
void store_expect(struct store *store, const uint8_t sid[ISSUE_ID_BYTES]);

/* The next transaction does one thing: store_rotate of this session, from this pair.
 * store_begin asks the database for nothing, so that the transaction takes one round trip;
 * store_find gives *session. store_commit fails with a conflict (store_recover), and the
 * session is as before, when the row has another user, uid, stamp or pair, an earlier absolute
 * end, or is absent; or when another issuer has revoked or changed keys since the last
 * store_begin or store_poll. Its time is what the database's was then, and what has passed
 * since. Only in a shared store. */
void store_presume(struct store *store, const struct store_session *session);

/* Begins a transaction at this wall time; no other process writes until its end (a file), or
 * none writes the sessions that are expected (a shared store). up: seconds since boot
 * (CLOCK_BOOTTIME). */
enum store_result store_begin(struct store *store, int64_t wall, int64_t up) MUST_CHECK;

/* Reads time and counters of a shared store, outside a transaction. */
enum store_result store_poll(struct store *store) MUST_CHECK;

/* The counters as store_begin or store_poll read them. */
struct store_changes store_changes(const struct store *store);

/* If anything was changed: sets the mark, purges a few expired rows, and waits for the disk. A
 * shared store is written at least in each second with a transaction, so that what was read is
 * known to be from the primary database: a former one cannot commit. STORE_DONE or
 * STORE_FAILED. */
enum store_result store_commit(struct store *store) MUST_CHECK;

/* Of a shared store: nothing more is written, so that the database can commit while the caller
 * does other work; store_commit waits for it. */
void store_send_commit(struct store *store);

void store_rollback(struct store *store);

/* After STORE_FAILED. True: the transaction is rolled back, nothing of it was written, and the
 * store can be used as before. *ret_conflict: what failed was a conflict with another
 * transaction, so that the same may succeed now. */
bool store_recover(struct store *store, bool *ret_conflict);

/* Writes what changes nothing, outside a transaction. STORE_DONE or STORE_FAILED. */
enum store_result store_try_write(struct store *store) MUST_CHECK;

/* Finds a session that is not revoked. */
enum store_result store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             struct store_session *ret) MUST_CHECK;

/* STORE_DONE when the session is revoked. */
enum store_result store_find_revoked(struct store *store,
                                     const uint8_t sid[ISSUE_ID_BYTES]) MUST_CHECK;

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

/* The user of the sessions that are added. In a shared store, other logins of this user wait
 * for the end of the transaction: each counts the sessions of the others. */
enum store_result store_add_user(struct store *store, const char *user) MUST_CHECK;

/* Adds a session. */
enum store_result store_add(struct store *store,
                            const struct store_session *session) MUST_CHECK;

/* Adds a session that the store does not know, as revoked. */
enum store_result store_add_revoked(struct store *store,
                                    const struct store_revoked *session) MUST_CHECK;

/* Records that a token of another issuer was exchanged, until the mark is past its exp.
 * STORE_ABSENT: there are STORE_SPENT_MAX of this issuer. id: of the token, unique among all
 * issuers, and not found by store_find_spent. */
enum store_result store_spend(struct store *store, const uint8_t id[ISSUE_ID_BYTES],
                              const uint8_t issuer[ISSUE_ID_BYTES], int64_t exp) MUST_CHECK;

enum store_result store_find_spent(struct store *store,
                                   const uint8_t id[ISSUE_ID_BYTES]) MUST_CHECK;

/* Replaces the pair of a live session of generation `from` by the next pair, and sets its idle
 * end: one conditional UPDATE, so that one of several concurrent rotations succeeds, and the
 * others get STORE_ABSENT. */
enum store_result store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                               int64_t from, const struct store_pair *pair,
                               int64_t idle_exp) MUST_CHECK;

/* The same for a new access token of the same generation. */
enum store_result store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t gen, int64_t access_exp, int64_t idle_exp) MUST_CHECK;

/* Records the uid of a session that has none. */
enum store_result store_set_uid(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                int64_t uid) MUST_CHECK;

/* Revokes a session. STORE_ABSENT: unknown, or revoked already. */
enum store_result store_revoke(struct store *store,
                               const uint8_t sid[ISSUE_ID_BYTES]) MUST_CHECK;

/* Revokes the oldest live sessions of a user until `keep` are left. */
enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked) MUST_CHECK;

/* Revokes the sessions of the user of s that began under another uid, or, where both have a
 * stamp, under another stamp. */
enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked) MUST_CHECK;

/* STORE_DONE when this user has ever logged in. */
enum store_result store_has_user(struct store *store, const char *user) MUST_CHECK;

/* Calls fn for each revoked session whose last access token expires after this wall time. When
 * fn returns false, stops with STORE_FAILED. Needs no transaction. */
typedef bool store_revoked_fn(void *arg, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t last_access_exp);
enum store_result store_each_revoked(struct store *store, int64_t after, store_revoked_fn *fn,
                                     void *arg) MUST_CHECK;

/* The same for those that were revoked since store_set_published(), by any issuer.
 * STORE_ABSENT: not known. */
enum store_result store_each_unpublished(struct store *store, int64_t after,
                                         store_revoked_fn *fn, void *arg) MUST_CHECK;

/* What was listed last is published. */
void store_set_published(struct store *store);

/* What is published is not known any more: the next list has all sessions. */
void store_forget_published(struct store *store);

/* The counter of revocations (store_changes) of which all are published; -1: not known. */
int64_t store_published(const struct store *store);

/* Adds lines of the list (common/token/revoked.h) that a shared store lacks, or has with an
 * earlier end, each with its line end; none twice. In a transaction. */
enum store_result store_restore_revoked(struct store *store, const char *lines,
                                        uint64_t *ret_added) MUST_CHECK;

/* Revokes the sessions of a user that are live, or have an access token that is not expired at
 * this wall time. ret_sid: of one of them, if there are any. */
enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked,
                                    uint8_t ret_sid[ISSUE_ID_BYTES]) MUST_CHECK;

/* The same for all users. */
enum store_result store_revoke_all(struct store *store, int64_t wall,
                                   uint64_t *ret_revoked) MUST_CHECK;

/* Counts the live sessions among the newest `rows` rows. *ret_more: there may be more rows. */
enum store_result store_count_live(struct store *store, uint64_t rows, uint64_t *ret_live,
                                   bool *ret_more) MUST_CHECK;

/* When the last token of all sessions expires (wall); 0: there are no sessions. */
enum store_result store_last_exp(struct store *store, int64_t *ret_exp) MUST_CHECK;
