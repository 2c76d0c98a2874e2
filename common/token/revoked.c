#include "common/token/revoked.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"

#include <string.h>

#define BLOCK_LINES 120 /* the last read fetches as many: 4,080 bytes */
#define EXP_DIGITS 10

enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;

    if (file_open(path, trust, &fd, &st, errmsg) != TOK_OK)
        return TOK_LIST;
    if (st.st_size % REVOKED_LINE_LEN != 0)
        return errmsg_set(errmsg, TOK_LIST, "%s: %lld bytes are not whole lines of %d", path,
                          (long long)st.st_size, REVOKED_LINE_LEN);
    *ret = (struct revoked){.fd = fd, .size = st.st_size};
    fd = -1;
    return TOK_OK;
}

void revoked_close(struct revoked *list)
{
    cleanup_close(&list->fd);
    *list = (struct revoked){.fd = -1};
}

bool revoked_line_read(const char line[REVOKED_LINE_LEN], int64_t *ret_exp)
{
    const char *digits = line + REVOKED_SID_LEN + 1;
    uint64_t exp;

    if (!base64url_is_text((struct slice){line, REVOKED_SID_LEN}) || digits[-1] != ' ' ||
        digits[EXP_DIGITS] != '\n' || !slice_digits((struct slice){digits, EXP_DIGITS}, &exp))
        return false;
    *ret_exp = (int64_t)exp;
    return true;
}

enum tok_err revoked_read_bytes(int fd, char *ret, size_t n, off_t at)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, ret + have, n - have, at + (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TOK_LIST;
        have += (size_t)got;
    }
    return TOK_OK;
}

/* The sids of the lines next to those that a search has left. */
struct bounds {
    char low[REVOKED_SID_LEN], high[REVOKED_SID_LEN];
};

/* Reads n lines. Each must be valid, and they must be in order with each other and the bounds.
 */
static enum tok_err read_lines(const struct revoked *list, off_t first, size_t n,
                               const struct bounds *bounds, char *ret)
{
    const char *before = bounds->low;
    enum tok_err err =
        revoked_read_bytes(list->fd, ret, n * REVOKED_LINE_LEN, first * REVOKED_LINE_LEN);

    if (err)
        return err;
    for (size_t i = 0; i < n; i++) {
        const char *line = ret + i * REVOKED_LINE_LEN;
        int64_t exp;

        if (!revoked_line_read(line, &exp) || memcmp(before, line, REVOKED_SID_LEN) > 0)
            return TOK_LIST;
        before = line;
    }
    return memcmp(before, bounds->high, REVOKED_SID_LEN) > 0 ? TOK_LIST : TOK_OK;
}

enum tok_err revoked_check(const struct revoked *list, struct slice sid)
{
    UNINITIALIZED char lines[BLOCK_LINES * REVOKED_LINE_LEN];
    off_t low = 0, high = list->size / REVOKED_LINE_LEN;
    struct bounds bounds;
    enum tok_err err;

    if (sid.n != REVOKED_SID_LEN)
        return TOK_OK;
    memset(bounds.low, 0, sizeof(bounds.low));
    memset(bounds.high, 0xff, sizeof(bounds.high));
    while (high - low > BLOCK_LINES) {
        off_t middle = low + (high - low) / 2;

        err = read_lines(list, middle, 1, &bounds, lines);
        if (err)
            return err;
        if (memcmp(sid.p, lines, REVOKED_SID_LEN) < 0) {
            high = middle;
            memcpy(bounds.high, lines, REVOKED_SID_LEN);
        } else {
            low = middle;
            memcpy(bounds.low, lines, REVOKED_SID_LEN);
        }
    }
    err = read_lines(list, low, (size_t)(high - low), &bounds, lines);
    for (off_t i = 0; !err && i < high - low; i++)
        if (memcmp(lines + i * REVOKED_LINE_LEN, sid.p, REVOKED_SID_LEN) == 0)
            return TOK_REVOKED;
    return err;
}

void revoked_line(const char sid[REVOKED_SID_LEN], int64_t exp, char ret[REVOKED_LINE_LEN])
{
    int64_t left = exp > INT64_C(9999999999) ? INT64_C(9999999999) : exp < 0 ? 0 : exp;

    memcpy(ret, sid, REVOKED_SID_LEN);
    ret[REVOKED_SID_LEN] = ' ';
    for (size_t i = EXP_DIGITS; i > 0; i--, left /= 10)
        ret[REVOKED_SID_LEN + i] = (char)('0' + left % 10);
    ret[REVOKED_LINE_LEN - 1] = '\n';
}
