#include "jwtd/issuer/keys/publish.h"

#include "common/base/base64url.h"
#include "common/token/revoked.h"

#include <string.h>

#define NAMES_FILE_MAX ((size_t)1 << 20)
/* Over seven million sessions revoked within the lifetime of an access token. */
#define LIST_FILE_MAX ((size_t)1 << 28)

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

/* Lines of `revoked`, REVOKED_LINE_LEN bytes each, without gaps. */
struct revoked_lines {
    char *p;
    size_t n, room; /* lines */
};

static bool lines_add(struct revoked_lines *lines, const char line[REVOKED_LINE_LEN])
{
    if (lines->n == lines->room) {
        size_t room = lines->room ? lines->room * 2 : 64;
        char *p = realloc(lines->p, room * REVOKED_LINE_LEN);

        if (!p)
            return false;
        lines->p = p;
        lines->room = room;
    }
    memcpy(lines->p + lines->n++ * REVOKED_LINE_LEN, line, REVOKED_LINE_LEN);
    return true;
}

static bool add_revoked(void *arg, const uint8_t sid[ISSUE_ID_BYTES], int64_t last_access_exp)
{
    char letters[REVOKED_SID_LEN], line[REVOKED_LINE_LEN];

    base64url_encode((struct slice){(const char *)sid, ISSUE_ID_BYTES}, letters);
    revoked_line(letters, last_access_exp, line);
    return lines_add(arg, line);
}

/* Adds the lines of the file that expire after this time. */
static enum tok_err add_published(const char *path, int64_t after, struct revoked_lines *lines,
                                  struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret old = {0};
    enum tok_err err = file_read(path, FILE_PUBLIC, LIST_FILE_MAX, &old, errmsg);

    if (file_is_missing(err, errmsg))
        return TOK_OK;
    if (err != TOK_OK)
        return err;
    if (old.n % REVOKED_LINE_LEN != 0)
        return errmsg_set(errmsg, TOK_LIST,
                          "%s: size is not a multiple of %d: remove the file, it is created "
                          "again from the store",
                          path, REVOKED_LINE_LEN);
    for (const char *line = old.p; line < old.p + old.n; line += REVOKED_LINE_LEN) {
        int64_t exp;

        if (!revoked_line_read(line, &exp))
            return errmsg_set(errmsg, TOK_LIST,
                              "%s:%zu: malformed line: remove the file, it is created again "
                              "from the store",
                              path, (size_t)(line - old.p) / REVOKED_LINE_LEN + 1);
        if (exp > after && !lines_add(lines, line))
            return TOK_NO_MEMORY;
    }
    return TOK_OK;
}

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_LINE_LEN);
}

/* Sorts, and keeps of two lines of one session the one that expires later: it sorts last, since
 * all times have ten digits. */
static void sort_lines(struct revoked_lines *lines)
{
    size_t kept = 0;

    if (lines->n == 0)
        return;
    qsort(lines->p, lines->n, REVOKED_LINE_LEN, by_text);
    for (size_t i = 1; i < lines->n; i++) {
        const char *line = lines->p + i * REVOKED_LINE_LEN;

        if (memcmp(lines->p + kept * REVOKED_LINE_LEN, line, REVOKED_SID_LEN) != 0)
            kept++;
        memmove(lines->p + kept * REVOKED_LINE_LEN, line, REVOKED_LINE_LEN);
    }
    lines->n = kept + 1;
}

static enum tok_err collect(const char *path, struct store *store, int64_t after,
                            struct revoked_lines *lines, struct errmsg *errmsg)
{
    enum tok_err err = add_published(path, after, lines, errmsg);

    if (err != TOK_OK)
        return err;
    if (store_each_revoked(store, after, add_revoked, lines) != STORE_DONE)
        return errmsg_set(errmsg, TOK_LIST, "%s", store_failure(store));
    sort_lines(lines);
    return TOK_OK;
}

enum tok_err publish_revoked(const char *dir, struct store *store, int64_t wall,
                             struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct revoked_lines lines = {0};
    enum tok_err err = text_concat(dir, "/revoked", "", &path);

    /* A module may accept a token this long after its exp. */
    if (err == TOK_OK)
        err = collect(path, store, wall - POLICY_LEEWAY_MAX, &lines, errmsg);
    if (err == TOK_OK)
        err = publish(path, (struct slice){lines.p ? lines.p : "", lines.n * REVOKED_LINE_LEN},
                      LIST_FILE_MAX, errmsg);
    free(lines.p);
    return err;
}
