#include "revoked.h"

#include "base64url.h"
#include "cleanup.h"

#include <string.h>

/* Lines that one read fetches: under a page, so that the last steps of a search cost one read.
 */
#define BLOCK_LINES 120

enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct why *why)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;

    if (file_open(path, trust, &fd, &st, NULL, why) != TOK_OK)
        return TOK_LIST;
    if (st.st_size % REVOKED_LINE_LEN != 0)
        return why_set(why, TOK_LIST, "%s: %lld bytes are not whole lines of %d", path,
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

static bool line_is_whole(const char *line)
{
    const char *exp = line + REVOKED_SID_LEN + 1;

    if (!base64url_is_text((struct slice){line, REVOKED_SID_LEN}) || exp[-1] != ' ' ||
        line[REVOKED_LINE_LEN - 1] != '\n')
        return false;
    for (size_t i = 0; i < 10; i++) {
        if (exp[i] < '0' || exp[i] > '9')
            return false;
    }
    return true;
}

/* Fills lines with n of them; each is in form, and they are in order. */
static enum tok_err read_lines(const struct revoked *list, off_t first, size_t n, char *lines)
{
    size_t want = n * REVOKED_LINE_LEN, have = 0;

    while (have < want) {
        ssize_t got =
            pread(list->fd, lines + have, want - have, first * REVOKED_LINE_LEN + (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TOK_LIST;
        have += (size_t)got;
    }
    for (size_t i = 0; i < n; i++) {
        const char *line = lines + i * REVOKED_LINE_LEN;

        if (!line_is_whole(line))
            return TOK_LIST;
        if (i > 0 && memcmp(line - REVOKED_LINE_LEN, line, REVOKED_SID_LEN) > 0)
            return TOK_LIST;
    }
    return TOK_OK;
}

/* Narrows [*low, *high) to at most a block that holds the sid if the list does. */
static enum tok_err narrow(const struct revoked *list, const char *sid, off_t *low, off_t *high)
{
    char line[REVOKED_LINE_LEN];

    while (*high - *low > BLOCK_LINES) {
        off_t middle = *low + (*high - *low) / 2;
        enum tok_err err = read_lines(list, middle, 1, line);

        if (err != TOK_OK)
            return err;
        if (memcmp(line, sid, REVOKED_SID_LEN) <= 0)
            *low = middle;
        else
            *high = middle;
    }
    return TOK_OK;
}

enum tok_err revoked_check(const struct revoked *list, struct slice sid)
{
    UNINITIALIZED char lines[BLOCK_LINES * REVOKED_LINE_LEN];
    off_t low = 0, high = list->size / REVOKED_LINE_LEN;
    enum tok_err err;

    if (sid.n != REVOKED_SID_LEN)
        return TOK_OK;
    err = narrow(list, sid.p, &low, &high);
    if (err != TOK_OK)
        return err;
    err = read_lines(list, low, (size_t)(high - low), lines);
    if (err != TOK_OK)
        return err;
    for (off_t i = 0; i < high - low; i++) {
        if (memcmp(lines + i * REVOKED_LINE_LEN, sid.p, REVOKED_SID_LEN) == 0)
            return TOK_REVOKED;
    }
    return TOK_OK;
}

void revoked_line(const char sid[REVOKED_SID_LEN], int64_t exp, char ret[REVOKED_LINE_LEN])
{
    int64_t left = exp > INT64_C(9999999999) ? INT64_C(9999999999) : exp < 0 ? 0 : exp;

    memcpy(ret, sid, REVOKED_SID_LEN);
    ret[REVOKED_SID_LEN] = ' ';
    for (size_t i = 10; i > 0; i--, left /= 10)
        ret[REVOKED_SID_LEN + i] = (char)('0' + left % 10);
    ret[REVOKED_LINE_LEN - 1] = '\n';
}
