/*
 * Bytes as the list of ended sessions. The first byte chooses:
 *
 *   'F'  the rest, after one sid of 22 bytes, is the file
 *   'L'  the rest are sessions of 16 bytes and an exp of 4, written as the file should be
 *
 * Beyond "no crash": a walk over all lines, in place of a search, says the same wherever the
 * file is in form; a short file that is out of form is never asked without TOK_LIST; nobody is
 * on the list who is not in the file.
 */
#include "base64url.h"
#include "cleanup.h"
#include "fuzz.h"
#include "revoked.h"

#include <stdio.h>

#define BLOCK 120 /* lines: a file of up to so many is read whole */
#define SESSION 20

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

static void ask(const struct revoked *list, struct slice text, bool good, struct slice sid)
{
    enum tok_err err = revoked_check(list, sid);

    must(err == TOK_OK || err == TOK_REVOKED || err == TOK_LIST);
    if (err == TOK_REVOKED)
        must(walk(text, sid));
    if (sid.n != REVOKED_SID_LEN)
        must(err == TOK_OK);
    else if (good)
        must(err == (walk(text, sid) ? TOK_REVOKED : TOK_OK));
    else if (text.n <= (size_t)BLOCK * REVOKED_LINE_LEN)
        must(err == TOK_LIST);
}

/* Asks for this session, and for those in front, in the middle and at the end. */
static void judge(struct slice text, struct slice sid)
{
    size_t n = text.n / REVOKED_LINE_LEN;
    bool good = file_is_good(text);
    struct revoked list = {.fd = -1};
    struct why why = {""};
    enum tok_err err;

    /* In this order: a file that was cut to nothing is written to disk when it is closed. */
    must(pwrite(file, text.p, text.n, 0) == (ssize_t)text.n);
    must(ftruncate(file, (off_t)text.n) == 0);
    err = revoked_open(path, FILE_OWN, &list, &why);
    must(err == (text.n % REVOKED_LINE_LEN ? TOK_LIST : TOK_OK));
    if (err) {
        must(list.fd == -1 && *why.text);
        return;
    }
    ask(&list, text, good, sid);
    for (size_t i = 0; i < 5 && n; i++)
        ask(&list, text, good,
            (struct slice){text.p + i * (n - 1) / 4 * REVOKED_LINE_LEN, REVOKED_SID_LEN});
    revoked_close(&list);
    must(list.fd == -1);
}

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_SID_LEN);
}

/* The file that the daemon would write for these sessions. */
static void judge_list(struct slice in)
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
    judge((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)});
    sid[0] = sid[0] == 'A' ? 'B' : 'A';
    judge((struct slice){lines, n * REVOKED_LINE_LEN}, (struct slice){sid, sizeof(sid)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};

    switch (take_byte(&in)) {
    case 'F': {
        struct slice sid = take_bytes(&in, REVOKED_SID_LEN);

        judge(in, sid);
        return 0;
    }
    case 'L':
        judge_list(in);
        return 0;
    default:
        return -1;
    }
}
