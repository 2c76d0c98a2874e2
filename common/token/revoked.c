#include "common/token/revoked.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"

#include <stdatomic.h>
#include <string.h>

/* Lines that one read fetches at most: under a page. */
#define BLOCK_LINES 120

/* Lists up to this length are halved: what is remembered and guessed of longer ones pays off.
 */
#define HALVED_LINES ((off_t)4 * BLOCK_LINES)

/* Fences are lines at equal distances, the first and the last of the list among them: a tree
 * that is as deep on all sides. */
#define FENCES 1023
#define GAPS (FENCES - 1)

/* The first lookup in a list, which may be the only one, meets fences until so many lines are
 * left, and then guesses. Later ones meet all, as what they read is remembered. */
#define FIRST_LINES 4096

/* The keys of the fences that were met, 0 of the others. A key is stored whole and always with
 * the same value, so that threads that ask one list need no order between them. */
struct revoked_fences {
    _Atomic uint64_t key[FENCES];
};

#define KEY_LETTERS 10
#define KEY_NONE 0
#define KEY_LIMIT UINT64_MAX

/* The sid's place is among the lines low to high - 1. The keys of the lines around these are
 * below and above; as long as those lines were not met, KEY_NONE and KEY_LIMIT. */
struct search {
    const struct revoked *list;
    const char *sid;
    uint64_t key, below, above;
    off_t low, high;
};

static off_t line_count(const struct revoked *list)
{
    return list->size / REVOKED_LINE_LEN;
}

enum tok_err revoked_open(const char *path, enum file_trust trust, struct revoked *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct revoked list;
    struct stat st;

    if (file_open(path, trust, &fd, &st, NULL, errmsg) != TOK_OK)
        return TOK_LIST;
    if (st.st_size % REVOKED_LINE_LEN != 0)
        return errmsg_set(errmsg, TOK_LIST, "%s: %lld bytes are not whole lines of %d", path,
                          (long long)st.st_size, REVOKED_LINE_LEN);
    list = (struct revoked){.fd = fd, .size = st.st_size};
    if (line_count(&list) > HALVED_LINES && !(list.fences = calloc(1, sizeof(*list.fences))))
        return TOK_NO_MEMORY;
    *ret = list;
    fd = -1;
    return TOK_OK;
}

void revoked_close(struct revoked *list)
{
    cleanup_close(&list->fd);
    free(list->fences);
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

/* Fills lines with n of them, one at least; each is in form, and they are in order. */
static enum tok_err read_lines(const struct revoked *list, off_t first, size_t n, char *lines)
{
    size_t want = n * REVOKED_LINE_LEN, have = 0;

    do {
        ssize_t got =
            pread(list->fd, lines + have, want - have, first * REVOKED_LINE_LEN + (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TOK_LIST;
        have += (size_t)got;
    } while (have < want);
    for (size_t i = 0; i < n; i++) {
        const char *line = lines + i * REVOKED_LINE_LEN;

        if (!line_is_whole(line))
            return TOK_LIST;
        if (i > 0 && memcmp(line - REVOKED_LINE_LEN, line, REVOKED_SID_LEN) > 0)
            return TOK_LIST;
    }
    return TOK_OK;
}

/* A letter's place in the order of bytes. Bytes between two kinds of letters are not counted,
 * so that random ids have evenly spread keys. */
static uint64_t rank_of(char letter)
{
    unsigned c = (uint8_t)letter;

    return (c - '-' - 2 * (c > '-') - 7 * (c > '9') - 4 * (c > 'Z') - (c > '_')) & 63;
}

/* The first letters, which hold all of an id's time, as a number that is ordered as lines are.
 */
static uint64_t key_of(const char *sid)
{
    uint64_t key = KEY_NONE + 1;

    for (size_t i = 0; i < KEY_LETTERS; i++)
        key = key << 6 | rank_of(sid[i]);
    return key;
}

/* Are the lines that were read out of order with those around them? */
static bool out_of_order(const struct search *s, const char *first, const char *last)
{
    return (s->below != KEY_NONE && key_of(first) < s->below) ||
           (s->above != KEY_LIMIT && key_of(last) > s->above);
}

/* Reads n lines, at most a block, and narrows the search by them. TOK_REVOKED: the sid is one
 * of them. */
static enum tok_err look(struct search *s, off_t first, off_t n)
{
    UNINITIALIZED char lines[BLOCK_LINES * REVOKED_LINE_LEN];
    const char *last = lines + (n - 1) * REVOKED_LINE_LEN;
    enum tok_err err = read_lines(s->list, first, (size_t)n, lines);

    if (err)
        return err;
    if (out_of_order(s, lines, last))
        return TOK_LIST;
    if (memcmp(s->sid, lines, REVOKED_SID_LEN) < 0) {
        s->high = first;
        s->above = key_of(lines);
        return TOK_OK;
    }
    if (memcmp(s->sid, last, REVOKED_SID_LEN) > 0) {
        s->low = first + n;
        s->below = key_of(last);
        return TOK_OK;
    }
    for (off_t i = 0; i < n; i++) {
        if (memcmp(lines + i * REVOKED_LINE_LEN, s->sid, REVOKED_SID_LEN) == 0)
            return TOK_REVOKED;
    }
    s->high = s->low;
    return TOK_OK;
}

/* ---- fences ---- */

static off_t fence_line(const struct search *s, int fence)
{
    off_t last = line_count(s->list) - 1;

    return last / GAPS * fence + last % GAPS * fence / GAPS;
}

static uint64_t recall(const struct search *s, int fence)
{
    const struct revoked_fences *f = s->list->fences;

    return f ? atomic_load_explicit(&f->key[fence], memory_order_relaxed) : KEY_NONE;
}

static enum tok_err meet_fence(struct search *s, int fence)
{
    struct revoked_fences *f = s->list->fences;
    off_t line = fence_line(s, fence);
    enum tok_err err = look(s, line, 1);

    if (err == TOK_OK && f)
        atomic_store_explicit(&f->key[fence], s->low > line ? s->below : s->above,
                              memory_order_relaxed);
    return err;
}

/* Narrows the search by one fence: from memory, if its key tells on which side the sid is. */
static enum tok_err pass_fence(struct search *s, int fence)
{
    uint64_t key = recall(s, fence);

    if (key == KEY_NONE || key == s->key)
        return meet_fence(s, fence);
    if (key < s->key) {
        s->low = fence_line(s, fence) + 1;
        s->below = key;
    } else {
        s->high = fence_line(s, fence);
        s->above = key;
    }
    return TOK_OK;
}

/* Goes down the tree of fences. The root is always met: by it the list knows that it was asked.
 */
static enum tok_err pass_fences(struct search *s)
{
    const int root = FENCES / 2;
    off_t enough = recall(s, root) == KEY_NONE ? FIRST_LINES : BLOCK_LINES;
    int fence = root;

    for (int step = (FENCES + 1) / 2; step > 0; step /= 2) {
        enum tok_err err;

        if (fence != root && recall(s, fence) == KEY_NONE && s->high - s->low <= enough)
            break;
        err = pass_fence(s, fence);
        if (err)
            return err;
        fence += s->low > fence_line(s, fence) ? step / 2 : -(step / 2);
    }
    return TOK_OK;
}

/* ---- guesses ---- */

/* Meets an end of the list, where that is worth its read: a guess needs a key on each side. */
static enum tok_err pass_ends(struct search *s)
{
    if (line_count(s->list) <= FIRST_LINES || s->high - s->low <= HALVED_LINES)
        return TOK_OK;
    if (s->below == KEY_NONE)
        return pass_fence(s, 0);
    if (s->above == KEY_LIMIT)
        return pass_fence(s, GAPS);
    return TOK_OK;
}

static bool can_guess(const struct search *s)
{
    return s->below != KEY_NONE && s->below < s->key && s->key < s->above &&
           s->above != KEY_LIMIT;
}

/* How many lines to read around a guess among n. The place of a random key is off by half the
 * root of n, or less, in one deviation; this is at least two to each side. */
static off_t spread(off_t n)
{
    off_t lines = 16;

    while (lines * lines < 4 * n && lines < BLOCK_LINES)
        lines *= 2;
    return lines < BLOCK_LINES ? lines : BLOCK_LINES;
}

static off_t clamp(off_t at, off_t low, off_t high)
{
    return at < low ? low : at > high ? high : at;
}

/* Reads where the sid would be if the keys between those around were evenly spread; or in the
 * middle; or all. At most so many lines are left by it. */
static enum tok_err look_closer(struct search *s, off_t leave)
{
    off_t n = s->high - s->low, lines = n <= BLOCK_LINES ? n : 1, first = s->low + n / 2;

    if (can_guess(s) && leave >= BLOCK_LINES) {
        double part = (double)(s->key - s->below) / (double)(s->above - s->below);

        lines = spread(n) < n ? spread(n) : n;
        first = s->low + (off_t)(part * (double)n) - lines / 2;
    }
    first = clamp(first, s->high - lines - leave, s->low + leave);
    return look(s, clamp(first, s->low, s->high - lines), lines);
}

/* The first guess may leave all of the lines, each further read half of what the one before it
 * might: whoever chooses when to end sessions can mislead guesses, and pays few reads more than
 * halving takes. */
static enum tok_err close_in(struct search *s)
{
    off_t leave = BLOCK_LINES;
    enum tok_err err = TOK_OK;

    while (leave < s->high - s->low)
        leave *= 2;
    for (; err == TOK_OK && s->low < s->high; leave /= 2)
        err = look_closer(s, leave);
    return err;
}

enum tok_err revoked_check(const struct revoked *list, struct slice sid)
{
    struct search s = {
        .list = list, .sid = sid.p, .high = line_count(list), .above = KEY_LIMIT};
    enum tok_err err = TOK_OK;

    if (sid.n != REVOKED_SID_LEN)
        return TOK_OK;
    if (line_count(list) > HALVED_LINES) {
        s.key = key_of(sid.p);
        err = pass_fences(&s);
    }
    if (err == TOK_OK)
        err = pass_ends(&s);
    return err == TOK_OK ? close_in(&s) : err;
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
