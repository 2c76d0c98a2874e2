/*
 * What the parts of jwtctl sync share: the command, sync-fetch and sync-install.
 *
 * sync-fetch (user jwt-sync, network) writes the issuer's bundle and its list of revoked
 * sessions into the spool. sync-install (no network) treats the spool as hostile, verifies it,
 * and replaces the files that decide a login. Both read [Sync] of the settings and the state,
 * which sync-install writes.
 */
#pragma once

#include "common/config/settings.h"
#include "common/token/bundle.h"
#include "common/token/synced.h"

#define SYNC_CLOCK_TOLERANCE 300          /* seconds that a bundle may be ahead */
#define SYNC_LIST_MAX ((uint64_t)1 << 28) /* bytes, as of the issuer's file */
#define SYNC_DROP_IN "/etc/jwt/jwt.conf.d/sync.conf"
#define SYNC_PUBLIC_DIR "/var/lib/jwt"
#define SYNC_STATE_DIR "/var/lib/jwt-sync"
#define SYNC_SPOOL "/run/jwt-sync"
#define SYNC_RESET SYNC_STATE_DIR "/reset"

/* What the last installation accepted. */
struct sync_state {
    char *issuer;    /* NULL: nothing was installed yet, then the other members are zero */
    word_list trust; /* Trust= of that time */
    word_list keys;  /* for each of them the last key of its chain, which is trusted instead */
    uint64_t epoch, seq;
    char *revoked; /* SHA-256 of the list, in base64url */
};

struct sync_host {
    const char *root; /* "" or a directory below which all paths are */
    struct settings settings;
    struct sync_state state;
    bool reset; /* the next bundle may have any epoch, seq, issuer and key of Trust= */
};

/* The path below the root directory, malloc'ed; exits when out of memory. */
char *sync_path(const struct sync_host *host, const char *path);

/* Reads settings, state and whether it is to be reset. TOK_SETTINGS: no URL= or no Trust=, the
 * host is an issuer, or a file is malformed. *ret is to be cleared in any case. */
enum tok_err sync_open(const char *root, struct sync_host *ret,
                       struct errmsg *errmsg) MUST_CHECK;
void sync_clear(struct sync_host *host);

/* TOK_SETTINGS when jwtd-issuer has its keys on this host: it writes the same files. */
enum tok_err sync_refuse_issuer(const struct sync_host *host, struct errmsg *errmsg) MUST_CHECK;

enum tok_err sync_state_write(const struct sync_host *host, const struct sync_state *state,
                              struct errmsg *errmsg) MUST_CHECK;

/* Verifies a bundle with the trusted keys, and checks its issuer and its times. now: seconds
 * since the Epoch. */
enum tok_err sync_read_bundle(const struct sync_host *host, struct slice text, int64_t now,
                              struct bundle *ret, struct errmsg *errmsg) MUST_CHECK;

/* The thumbprints that are trusted in place of each of Trust=; after this bundle, if there is
 * one. TOK_NO_MEMORY, TOK_CRYPTO. */
enum tok_err sync_trusted_keys(const struct sync_host *host, const struct bundle *bundle,
                               word_list *ret) MUST_CHECK;

/* The digest as the state has it. */
void sync_digest_text(const struct revoked_digest *digest, char ret[KEY_THUMBPRINT_LEN + 1]);

/* True when the list on this host is the one that the bundle describes. */
bool sync_list_is_current(const struct sync_host *host, const struct bundle *bundle);

/* True when sync-install would change nothing on this host but the time of the last bundle,
 * if the list is current. */
bool sync_is_installed(const struct sync_host *host, const struct bundle *bundle);

/* Opens a file of the spool, which its owner may replace, change, or make anything else at any
 * time. ret->size is its size now. */
enum tok_err sync_open_spooled(const struct sync_host *host, const char *path, uint64_t max,
                               struct revoked *ret, struct errmsg *errmsg) MUST_CHECK;

/* True when the public file has these bytes. */
bool sync_file_is(const char *path, struct slice bytes);

/* The public list; .fd is -1 when it is missing or invalid. */
struct revoked sync_installed_list(const struct sync_host *host);

/* Writes a line to standard error, for the journal with its priority. */
enum sync_level { SYNC_ERROR = 3, SYNC_NOTICE = 5 };
void sync_log(enum sync_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Logs an error. The exit status of the program. */
int sync_exit(enum tok_err err, const struct errmsg *errmsg);

/* The argument --root=DIR of both programs. NULL for any other argument. */
const char *sync_root_argument(int argc, char **argv);
