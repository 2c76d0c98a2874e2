/*
 * Bytes as the list of revoked sessions. The first byte selects:
 *
 *   'F'  the rest, after one sid of 22 bytes, is the file
 *   'L'  the rest are sessions of 16 bytes and an exp of 4, written as the file should be
 *   'R'  runs of sessions, up to 6000 in all, for a long list. First 2 bytes with the place of
 * a malformed line, then for each run 8 bytes with which its ids begin, one for their distance
 * and one for their number
 *
 * Beyond "no crash": a linear search finds the same in every valid file; a lookup in a short
 * malformed file is always TOK_LIST; a session that is not in the file is never reported as
 * revoked; and a session in a sorted file with a malformed line is never reported as not
 * revoked.
 */
#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/token/revoked.h"
#include "tests/fuzz/fuzz.h"

#include <endian.h>
#include <stdio.h>

#define BLOCK 120 /* lines: a file of up to so many is read whole */
#define SESSION 20
#define RUN 10
#define RUNS_LINES 6000

/* Made once: a harness may keep what a library may not. */
static char path[64];
static int file = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void remove_file(void)
{
    (void)unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    (void)snprintf(path, sizeof(path), "/tmp/fuzz_revoked.XXXXXX");
    file = mkstemp(path);
    must(file >= 0 && atexit(remove_file) == 0);
    return 0;
}

static bool line_is_good(const char *line)
{
    for (size_t i = 0; i < REVOKED_LINE_LEN; i++) {
        char c = line[i];
        bool digit = c >= '0' && c <= '9';
        bool letter =
            digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';

        if (i < REVOKED_SID_LEN        ? !letter
            : i == REVOKED_SID_LEN     ? c != ' '
            : i < REVOKED_LINE_LEN - 1 ? !digit
                                       : c != '\n')
            return false;
    }
    return true;
}

static bool file_is_good(struct slice text)
{
    for (size_t at = 0; at + REVOKED_LINE_LEN <= text.n; at += REVOKED_LINE_LEN) {
        const char *line = text.p + at;

        if (!line_is_good(line) ||
            (at && memcmp(line - REVOKED_LINE_LEN, line, REVOKED_SID_LEN) > 0))
            return false;
    }
    return true;
}

static bool walk(struct slice text, struct slice sid)
{
    for (size_t at = 0; at + REVOKED_LINE_LEN <= text.n; at += REVOKED_LINE_LEN)
        if (sid.n == REVOKED_SID_LEN && memcmp(text.p + at, sid.p, REVOKED_SID_LEN) == 0)
            return true;
    return false;
}

struct file_state {
    bool good, sorted; /* well-formed and in order; in order except for malformed lines */
};

static void ask(const struct revoked *list, struct slice text, struct file_state state,
                struct slice sid)
{
    enum tok_err err = revoked_check(list, sid);

    must(err == TOK_OK || err == TOK_REVOKED || err == TOK_LIST);
    if (err == TOK_OK && state.sorted)
        must(!walk(text, sid));
    if (err == TOK_REVOKED)
        must(walk(text, sid));
    if (sid.n != REVOKED_SID_LEN)
        must(err == TOK_OK);
    else if (state.good)
        must(err == (walk(text, sid) ? TOK_REVOKED : TOK_OK));
    else if (text.n <= (size_t)BLOCK * REVOKED_LINE_LEN)
        must(err == TOK_LIST);
}

/* Looks up this session, and those in front, in the middle and at the end. */
static void check(struct slice text, struct slice sid, bool sorted)
{
    size_t n = text.n / REVOKED_LINE_LEN;
    struct file_state state = {.good = file_is_good(text), .sorted = sorted};
    struct revoked list = {.fd = -1};
    struct errmsg errmsg = {""};
    enum tok_err err;

    /* In this order: a file that was cut to nothing is written to disk when it is closed. */
    must(pwrite(file, text.p, text.n, 0) == (ssize_t)text.n);
    must(ftruncate(file, (off_t)text.n) == 0);
    err = revoked_open(path, FILE_OWN, &list, &errmsg);
    must(err == (text.n % REVOKED_LINE_LEN ? TOK_LIST : TOK_OK));
    if (err) {
        must(list.fd == -1 && *errmsg.text);
        return;
    }
    ask(&list, text, state, sid);
    for (size_t i = 0; i < 5 && n; i++)
        ask(&list, text, state,
            (struct slice){text.p + i * (n - 1) / 4 * REVOKED_LINE_LEN, REVOKED_SID_LEN});
    revoked_close(&list);
    must(list.fd == -1);
}

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_SID_LEN);
}

/* The file that the daemon would write for these sessions. */
static void check_sessions(struct slice in)
{
    size_t n = in.n / SESSION;
    CLEANUP(cleanup_free) char *lines = calloc(n + 1, REVOKED_LINE_LEN);
    char sid[REVOKED_SID_LEN] = "";

    must(lines != NULL);
    for (size_t i = 0; i < n; i++) {
        struct slice session = take_bytes(&in, SESSION);
        char *line = lines + i * REVOKED_LINE_LEN;
        int32_t exp;

        memcpy(&exp, session.p + 16, sizeof(exp));
        base64url_encode((struct slice){session.p, 16}, sid);
        revoked_line(sid, (int64_t)exp * 8, line);
        must(line_is_good(line));
    }
    qsort(lines, n, REVOKED_LINE_LEN, by_sid);
    check((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)}, true);
    sid[0] = sid[0] == 'A' ? 'B' : 'A';
    check((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)}, true);
}

/* A run's ids begin with a number that grows by a power of two, and end in some of its bytes.
 */
static size_t add_run(struct slice *in, char *lines, size_t n)
{
    struct slice run = take_bytes(in, RUN);
    size_t count = (size_t)(uint8_t)run.p[9] * 8 + 1;
    uint64_t number, step = UINT64_C(1) << ((uint8_t)run.p[8] % 48);
    char id[16], sid[REVOKED_SID_LEN];

    memcpy(&number, run.p, sizeof(number));
    for (; count && n < RUNS_LINES; count--, n++, number += step) {
        uint64_t big = htobe64(number), end = number * UINT64_C(0x9e3779b97f4a7c15);

        memcpy(id, &big, sizeof(big));
        memcpy(id + 8, &end, sizeof(end));
        base64url_encode((struct slice){id, sizeof(id)}, sid);
        revoked_line(sid, 1700000000, lines + n * REVOKED_LINE_LEN);
    }
    return n;
}

static void check_runs(struct slice in)
{
    CLEANUP(cleanup_free) char *lines = calloc(RUNS_LINES, REVOKED_LINE_LEN);
    struct slice where = take_bytes(&in, 2);
    char sid[REVOKED_SID_LEN];
    size_t n = 0, at;

    must(lines != NULL);
    if (where.n < 2)
        return;
    while (in.n >= RUN && n < RUNS_LINES)
        n = add_run(&in, lines, n);
    if (n == 0)
        return;
    qsort(lines, n, REVOKED_LINE_LEN, by_sid);
    at = ((size_t)(uint8_t)where.p[0] << 8 | (uint8_t)where.p[1]) % (2 * n);
    memcpy(sid, lines + at % n * REVOKED_LINE_LEN, sizeof(sid));
    check((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)}, true);
    if (at < n)
        lines[at * REVOKED_LINE_LEN + REVOKED_SID_LEN + 1] = 'x';
    else
        sid[REVOKED_SID_LEN - 2] ^= 1;
    check((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)}, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};

    switch (take_byte(&in)) {
    case 'F': {
        struct slice sid = take_bytes(&in, REVOKED_SID_LEN);

        check(in, sid, file_is_good(in));
        return 0;
    }
    case 'L':
        check_sessions(in);
        return 0;
    case 'R':
        check_runs(in);
        return 0;
    default:
        return -1;
    }
}
