#include "jwtd/issuer/keys/publish.h"

#include "common/base/base64url.h"

#include <string.h>

#define NAMES_FILE_MAX ((size_t)1 << 20)

/* Replaces the file unless content and mode are these already. */
static enum tok_err publish(const char *path, struct slice bytes, size_t max,
                            struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret old = {0};
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & ALLPERMS) == 0644 &&
        file_read(path, FILE_PUBLIC, max, &old, NULL) == TOK_OK &&
        slice_eq(secret_slice(&old), bytes))
        return TOK_OK;
    return file_write(path, bytes, 0644, errmsg);
}

enum tok_err publish_names(const char *dir, const struct issuer_names *names,
                           struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    enum tok_err err = text_concat(dir, "/issuer", "", &path);

    if (err == TOK_OK)
        err = issuer_names_text(names, &text);
    return err != TOK_OK ? err : publish(path, slice_of(text), NAMES_FILE_MAX, errmsg);
}

enum tok_err publish_keys(const char *dir, const struct signing_keys *keys,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = text_concat(dir, "/jwks.json", "", &path);

    return err != TOK_OK ? err : publish(path, slice_of(keys->jwks), KEYSET_FILE_MAX, errmsg);
}

/* The sessions that are published in one step: a million have 34 MB. */
#define BATCH_LINES ((size_t)1 << 18)

/* Lines of the store, and the file that they are added to. */
struct revoked_batch {
    const char *path;
    int64_t after;
    bool is_new; /* the file has none of the lines */
    size_t batches;
    struct revoked_digest stored; /* of the last batch */
    char *lines;
    size_t n, room;
    struct revoked lists[2]; /* the file and the batch, while they are merged */
    struct revoked_digest *ret;
    enum tok_err err;
    struct errmsg *errmsg;
};

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_LINE_LEN);
}

static enum tok_err write_union(int fd, void *arg)
{
    struct revoked_batch *b = arg;

    return revoked_merge(b->lists, b->after, fd, b->ret);
}

/* Replaces the file unless it has these lines already. */
static enum tok_err merge_batch(struct revoked_batch *b)
{
    struct revoked_digest old = {0};
    struct stat st;
    enum tok_err err = TOK_OK;

    if (!b->is_new)
        err = revoked_merge(b->lists, b->after, -1, b->ret);
    if (!err && !b->is_new)
        err = revoked_digest(&b->lists[0], INT64_MIN, &old);
    if (err || (!b->is_new && revoked_digest_equal(&old, b->ret) && stat(b->path, &st) == 0 &&
                (st.st_mode & ALLPERMS) == 0644))
        return err;
    return file_replace(b->path, 0644, write_union, b, b->errmsg);
}

/* Publishes the lines of the batch and empties it. A sid is in the store once. */
static void publish_batch(struct revoked_batch *b)
{
    struct stat st;

    b->lists[0] = (struct revoked){.fd = -1};
    if (stat(b->path, &st) == 0 || errno != ENOENT)
        b->err = revoked_open(b->path, FILE_PUBLIC, &b->lists[0], b->errmsg);
    if (b->err)
        return;
    if (b->n > 0)
        qsort(b->lines, b->n, REVOKED_LINE_LEN, by_text);
    b->lists[1] = (struct revoked){
        .fd = -1, .size = (off_t)(b->n * REVOKED_LINE_LEN), .lines = b->lines ? b->lines : ""};
    b->err = revoked_digest(&b->lists[1], b->after, &b->stored);
    if (!b->err)
        b->err = merge_batch(b);
    b->batches++;
    if (b->err == TOK_LIST)
        (void)errmsg_set(b->errmsg, TOK_LIST,
                         "%s: malformed line: remove the file, it is created again from the "
                         "store",
                         b->path);
    revoked_close(&b->lists[0]);
    b->n = 0;
}

static bool add_revoked(void *arg, const uint8_t sid[ISSUE_ID_BYTES], int64_t last_access_exp)
{
    struct revoked_batch *b = arg;
    char letters[REVOKED_SID_LEN];

    if (b->n == BATCH_LINES)
        publish_batch(b);
    if (b->n == b->room) {
        size_t room = b->room ? b->room * 2 : 64;
        char *lines = realloc(b->lines, room * REVOKED_LINE_LEN);

        b->err = lines ? b->err : TOK_NO_MEMORY;
        b->lines = lines ? lines : b->lines;
        b->room = lines ? room : b->room;
    }
    if (b->err)
        return false;
    base64url_encode((struct slice){(const char *)sid, ISSUE_ID_BYTES}, letters);
    revoked_line(letters, last_access_exp, b->lines + b->n++ * REVOKED_LINE_LEN);
    return true;
}

#define RESTORE_LINES 4096 /* in one statement */

/* Adds the lines of the file that the store lacks: it was restored from a backup, or rows
 * were deleted. What was revoked stays so. */
static enum tok_err restore_lines(const struct revoked_batch *b, struct store *store,
                                  uint64_t *ret_restored)
{
    const off_t most = (off_t)RESTORE_LINES * REVOKED_LINE_LEN;
    char lines[RESTORE_LINES * REVOKED_LINE_LEN + 1];
    CLEANUP(revoked_close) struct revoked list = {.fd = -1};
    uint64_t added;
    enum tok_err err = revoked_open(b->path, FILE_PUBLIC, &list, b->errmsg);
    off_t n;

    for (off_t at = 0; !err && at < list.size; at += n) {
        n = list.size - at < most ? list.size - at : most;
        err = revoked_read_bytes(list.fd, lines, (size_t)n, at);
        lines[n] = '\0';
        if (!err && store_restore_revoked(store, lines, &added) != STORE_DONE)
            return errmsg_set(b->errmsg, TOK_LIST, "%s", store_failure(store));
        *ret_restored += err ? 0 : added;
    }
    return err;
}

enum tok_err publish_revoked(const char *dir, struct store *store, struct own_bundle *bundle,
                             struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct revoked_batch b = {
        .after = bundle->pruned_until, .ret = &bundle->revoked, .errmsg = errmsg};
    enum tok_err err = text_concat(dir, "/revoked", "", &path);
    enum store_result result = STORE_ABSENT;
    struct stat st;
    bool all;

    if (err != TOK_OK)
        return err;
    b.path = path;
    /* Reading a million sessions of the store takes most of the time of a publication. */
    if (stat(path, &st) == 0 && file_is_same(&st, &bundle->list))
        result = store_each_unpublished(store, b.after, add_revoked, &b);
    if (result == STORE_DONE && b.n == 0 && bundle->list_pruned == b.after)
        return TOK_OK;
    all = result == STORE_ABSENT;
    b.is_new = result == STORE_DONE && b.n > 0;
    if (all)
        result = store_each_revoked(store, b.after, add_revoked, &b);
    if (result == STORE_DONE)
        publish_batch(&b);
    if (result == STORE_DONE && b.err == TOK_OK && all && store_is_fleet(store) &&
        (b.batches > 1 || !revoked_digest_equal(&b.stored, b.ret)))
        b.err = restore_lines(&b, store, &bundle->restored);
    /* Whether what was added stays is known when all sessions are listed once more. */
    if (result == STORE_DONE && b.err == TOK_OK && bundle->restored == 0)
        store_set_published(store);
    if (b.err == TOK_OK && result != STORE_DONE)
        b.err = errmsg_set(errmsg, TOK_LIST, "%s", store_failure(store));
    if (b.err == TOK_OK && stat(path, &bundle->list) != 0)
        b.err = errmsg_set(errmsg, TOK_FILE, "%s: %s", path, strerror(errno));
    if (b.err == TOK_OK)
        bundle->list_pruned = b.after;
    free(b.lines);
    return b.err;
}
