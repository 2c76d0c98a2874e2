/* Whole lists of revoked sessions, read in blocks: their digest, and the union of two. */
#include "common/token/revoked.h"

#include "common/base/cleanup.h"

#include <openssl/evp.h>

DEFINE_CLEANUP(EVP_MD_CTX *, cleanup_digest, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_MD *, cleanup_md, EVP_MD_free)

void revoked_reader_init(struct revoked_reader *reader, const struct revoked *list)
{
    reader->fd = list->fd;
    reader->size = list->size;
    reader->at = 0;
    reader->n = reader->used = 0;
    memset(reader->before, 0, sizeof(reader->before));
}

/* Reads the next block, which may be shorter at the end of the file. */
static enum tok_err fill(struct revoked_reader *reader)
{
    off_t left = reader->size - reader->at;
    size_t want = left < (off_t)sizeof(reader->block) ? (size_t)left : sizeof(reader->block);
    enum tok_err err = revoked_read_bytes(reader->fd, reader->block, want, reader->at);

    if (err)
        return err;
    reader->at += (off_t)want;
    reader->n = want / REVOKED_LINE_LEN;
    reader->used = 0;
    return TOK_OK;
}

enum tok_err revoked_next(struct revoked_reader *reader, const char **ret_line,
                          int64_t *ret_exp)
{
    const char *line;
    enum tok_err err = reader->used == reader->n ? fill(reader) : TOK_OK;

    if (err)
        return err;
    if (reader->n == 0) {
        *ret_line = NULL;
        return TOK_OK;
    }
    line = reader->block + reader->used * REVOKED_LINE_LEN;
    if (!revoked_line_read(line, ret_exp) ||
        memcmp(reader->before, line, sizeof(reader->before)) >= 0)
        return TOK_LIST;
    memcpy(reader->before, line, sizeof(reader->before));
    reader->used++;
    *ret_line = line;
    return TOK_OK;
}

enum tok_err revoked_digest(OSSL_LIB_CTX *ctx, const struct revoked *list, int64_t pruned_until,
                            struct revoked_digest *ret)
{
    CLEANUP(cleanup_md) EVP_MD *md = EVP_MD_fetch(ctx, "SHA256", NULL);
    CLEANUP(cleanup_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    UNINITIALIZED struct revoked_reader reader;
    struct revoked_digest d = {0};
    const char *line;
    int64_t exp = 0;
    enum tok_err err;

    if (!md || !digest || EVP_DigestInit_ex2(digest, md, NULL) != 1)
        return TOK_CRYPTO;
    revoked_reader_init(&reader, list);
    while (!(err = revoked_next(&reader, &line, &exp)) && line) {
        if (exp <= pruned_until)
            continue;
        if (EVP_DigestUpdate(digest, line, REVOKED_LINE_LEN) != 1)
            return TOK_CRYPTO;
        d.count++;
    }
    if (err)
        return err;
    if (EVP_DigestFinal_ex(digest, d.sha256, NULL) != 1)
        return TOK_CRYPTO;
    *ret = d;
    return TOK_OK;
}

/* One of the two lists that are merged. */
struct side {
    struct revoked_reader reader;
    const char *line; /* NULL: at its end */
    int64_t exp;
};

/* Takes the next line that has not expired. */
static enum tok_err step(struct side *s, int64_t pruned_until)
{
    enum tok_err err;

    do
        err = revoked_next(&s->reader, &s->line, &s->exp);
    while (!err && s->line && s->exp <= pruned_until);
    return err;
}

struct sink {
    int fd;
    size_t n;
    char block[REVOKED_BLOCK_LINES * REVOKED_LINE_LEN];
};

static enum tok_err flush(struct sink *out)
{
    size_t done = 0;

    while (done < out->n) {
        ssize_t n = write(out->fd, out->block + done, out->n - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return TOK_FILE;
        done += (size_t)n;
    }
    out->n = 0;
    return TOK_OK;
}

static enum tok_err put(struct sink *out, const char *line)
{
    enum tok_err err = out->n == sizeof(out->block) ? flush(out) : TOK_OK;

    if (err)
        return err;
    memcpy(out->block + out->n, line, REVOKED_LINE_LEN);
    out->n += REVOKED_LINE_LEN;
    return TOK_OK;
}

/* Writes the lower line of the two; of one session, the one that expires later. */
static enum tok_err merge_line(struct side *a, struct side *b, int64_t pruned_until,
                               struct sink *out)
{
    int order = !a->line ? 1 : !b->line ? -1 : memcmp(a->line, b->line, REVOKED_SID_LEN);
    const struct side *taken = order < 0 || (order == 0 && a->exp > b->exp) ? a : b;
    enum tok_err err = put(out, taken->line);

    if (!err && order <= 0)
        err = step(a, pruned_until);
    if (!err && order >= 0)
        err = step(b, pruned_until);
    return err;
}

enum tok_err revoked_merge(const struct revoked *a, const struct revoked *b,
                           int64_t pruned_until, int fd)
{
    const struct revoked none = {.fd = -1};
    UNINITIALIZED struct side sides[2];
    UNINITIALIZED struct sink out;
    enum tok_err err;

    out.fd = fd;
    out.n = 0;
    revoked_reader_init(&sides[0].reader, a);
    revoked_reader_init(&sides[1].reader, b ? b : &none);
    err = step(&sides[0], pruned_until);
    if (!err)
        err = step(&sides[1], pruned_until);
    while (!err && (sides[0].line || sides[1].line))
        err = merge_line(&sides[0], &sides[1], pruned_until, &out);
    return err ? err : flush(&out);
}
