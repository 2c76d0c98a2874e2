/* Whole lists of revoked sessions, read in blocks: the union of two, and its digest. */
#include "common/jose/key_errors.h"
#include "common/token/revoked.h"

#include <openssl/evp.h>

DEFINE_CLEANUP(EVP_MD_CTX *, cleanup_md_context, EVP_MD_CTX_free)

#define BLOCK_LINES 480

/* One of the two lists that are merged, read in blocks: a million lines have 34 MB. */
struct merge_side {
    const struct revoked *list;
    off_t at;
    size_t n, used;   /* lines in the block */
    const char *line; /* NULL: at its end */
    int64_t exp;
    char before[REVOKED_SID_LEN];
    char block[BLOCK_LINES * REVOKED_LINE_LEN];
};

/* Reads the next block, which is shorter at the end of the list. */
static enum tok_err fill(struct merge_side *s)
{
    const struct revoked *list = s->list;
    off_t left = list->size - s->at;
    size_t want = left < (off_t)sizeof(s->block) ? (size_t)left : sizeof(s->block);
    enum tok_err err = TOK_OK;

    if (list->lines)
        memcpy(s->block, list->lines + s->at, want);
    else if (want > 0)
        err = revoked_read_bytes(list->fd, s->block, want, s->at);
    if (err)
        return err;
    s->at += (off_t)want;
    s->n = want / REVOKED_LINE_LEN;
    s->used = 0;
    return TOK_OK;
}

/* Takes the next line. */
static enum tok_err take_line(struct merge_side *s)
{
    enum tok_err err = s->used == s->n ? fill(s) : TOK_OK;

    s->line = !err && s->n > 0 ? s->block + s->used++ * REVOKED_LINE_LEN : NULL;
    if (!s->line)
        return err;
    if (!revoked_line_read(s->line, &s->exp) ||
        memcmp(s->before, s->line, sizeof(s->before)) >= 0)
        return TOK_LIST;
    memcpy(s->before, s->line, sizeof(s->before));
    return TOK_OK;
}

/* Takes the next line that has not expired. */
static enum tok_err step(struct merge_side *s, int64_t pruned_until)
{
    enum tok_err err;

    s->exp = 0;
    do
        err = take_line(s);
    while (!err && s->line && s->exp <= pruned_until);
    return err;
}

/* Where the merged lines go. */
struct merge_output {
    int fd; /* -1: to the digest alone */
    EVP_MD_CTX *digest;
    uint64_t count;
    size_t n;
    char block[BLOCK_LINES * REVOKED_LINE_LEN];
};

static enum tok_err flush(struct merge_output *out)
{
    const struct slice block = {out->block, out->n};

    if (EVP_DigestUpdate(out->digest, block.p, block.n) != 1)
        return TOK_CRYPTO;
    out->n = 0;
    return out->fd < 0 ? TOK_OK : file_write_all(out->fd, block);
}

/* Moves the lower of the two lines; of one session, the one that expires later. */
static enum tok_err merge_line(struct merge_side *a, struct merge_side *b, int64_t pruned_until,
                               struct merge_output *out)
{
    int order = !a->line ? 1 : !b->line ? -1 : memcmp(a->line, b->line, REVOKED_SID_LEN);
    const struct merge_side *taken = order < 0 || (order == 0 && a->exp > b->exp) ? a : b;
    enum tok_err err = TOK_OK;

    memcpy(out->block + out->n, taken->line, REVOKED_LINE_LEN);
    out->n += REVOKED_LINE_LEN;
    out->count++;
    if (out->n == sizeof(out->block))
        err = flush(out);
    if (!err && order <= 0)
        err = step(a, pruned_until);
    if (!err && order >= 0)
        err = step(b, pruned_until);
    return err;
}

enum tok_err revoked_merge(const struct revoked lists[2], int64_t pruned_until, int fd,
                           struct revoked_digest *ret)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_md_context) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    UNINITIALIZED struct merge_side sides[2];
    UNINITIALIZED struct merge_output out;
    uint8_t sha256[REVOKED_SHA256_LEN];
    enum tok_err err = TOK_OK;

    out.fd = fd;
    out.digest = digest;
    out.count = out.n = 0;
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        return TOK_CRYPTO;
    for (size_t i = 0; !err && i < 2; i++) {
        sides[i].list = &lists[i];
        sides[i].at = 0;
        sides[i].n = sides[i].used = 0;
        memset(sides[i].before, 0, sizeof(sides[i].before));
        err = step(&sides[i], pruned_until);
    }
    while (!err && (sides[0].line || sides[1].line))
        err = merge_line(&sides[0], &sides[1], pruned_until, &out);
    if (!err)
        err = flush(&out);
    if (!err && EVP_DigestFinal_ex(digest, sha256, NULL) != 1)
        err = TOK_CRYPTO;
    if (err)
        return err;
    ret->count = out.count;
    memcpy(ret->sha256, sha256, sizeof(sha256));
    return TOK_OK;
}

enum tok_err revoked_digest(const struct revoked *list, int64_t pruned_until,
                            struct revoked_digest *ret)
{
    const struct revoked lists[2] = {*list, {.fd = -1}};

    return revoked_merge(lists, pruned_until, -1, ret);
}
