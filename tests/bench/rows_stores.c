#include "common/base/base64url.h"
#include "tests/bench/bench_core.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The list of ended sessions. Each round asks for others, so that a long list is asked all over
 * and pays for the memory it takes. */

#define SIDS ((size_t)1 << 15)
#define WEEK (UINT64_C(7) * 86400 * 1000) /* milliseconds */

struct listed {
    struct revoked list;
    char *path;
    char (*sid)[REVOKED_SID_LEN]; /* every other one is on it */
    size_t next;
};

static void ask(const struct revoked *list, struct listed *l)
{
    size_t i = l->next++ % SIDS;

    timing_must(revoked_check(list, (struct slice){l->sid[i], REVOKED_SID_LEN}) ==
                    (i % 2 ? TOK_OK : TOK_REVOKED),
                "the list");
}

static void ask_list(void *arg, size_t n)
{
    struct listed *l = arg;

    for (size_t i = 0; i < n; i++)
        ask(&l->list, l);
}

/* What a login does. */
static void open_and_ask_list(void *arg, size_t n)
{
    struct listed *l = arg;

    for (size_t i = 0; i < n; i++) {
        struct revoked list;

        timing_must(revoked_open(l->path, FILE_OWN, &list, NULL) == TOK_OK, "open");
        ask(&list, l);
        revoked_close(&list);
    }
}

static int by_line(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_LINE_LEN);
}

/* A session that began some time in the last week, as issue_id makes them. */
static void make_sid(uint64_t *random, char ret[REVOKED_SID_LEN])
{
    uint64_t age = next_random(random) % WEEK;
    uint64_t rest[2] = {next_random(random), next_random(random)};
    uint8_t id[ISSUE_ID_BYTES];

    issue_id(BENCH_NOW * 1000 - age, (const uint8_t *)rest, id);
    base64url_encode((struct slice){(const char *)id, sizeof(id)}, ret);
}

static void make_list(const char *work, size_t n, struct listed *ret)
{
    char *lines = calloc(n, REVOKED_LINE_LEN);
    uint64_t random = 88172645463325252U;
    struct errmsg errmsg = {0};

    ret->sid = calloc(SIDS, sizeof(*ret->sid));
    timing_must(lines && ret->sid && asprintf(&ret->path, "%s/revoked-%zu", work, n) > 0,
                "memory");
    for (size_t i = 0; i < n; i++) {
        char sid[REVOKED_SID_LEN];

        make_sid(&random, sid);
        revoked_line(sid, BENCH_NOW + 600, lines + i * REVOKED_LINE_LEN);
    }
    qsort(lines, n, REVOKED_LINE_LEN, by_line);
    timing_must(file_write(ret->path, (struct slice){lines, n * REVOKED_LINE_LEN}, 0644,
                           NULL) == TOK_OK &&
                    revoked_open(ret->path, FILE_OWN, &ret->list, &errmsg) == TOK_OK,
                errmsg.text);
    for (size_t i = 0; i < SIDS; i++) {
        if (i % 2)
            make_sid(&random, ret->sid[i]);
        else
            memcpy(ret->sid[i], lines + next_random(&random) % n * REVOKED_LINE_LEN,
                   REVOKED_SID_LEN);
    }
    free(lines);
}

static void drop_list(struct listed *l)
{
    revoked_close(&l->list);
    (void)unlink(l->path);
    free(l->path);
    free(l->sid);
}

static void row_revoked(const char *work, const char *name, void (*run)(void *arg, size_t n))
{
    struct listed large = {.list.fd = -1}, small = {.list.fd = -1};
    const struct row row = {
        name, {{"1,000,000 lines", run, &large, 0}, {"10 lines", run, &small, 0}}, .n = 1024};

    if (!timing_wanted(row.name))
        return;
    make_list(work, 10, &small);
    make_list(work, 1000000, &large);
    timing_row(&row);
    drop_list(&small);
    drop_list(&large);
}

static void rows_revoked(const char *work)
{
    row_revoked(work, "Revoked list of a week, lookup", ask_list);
    row_revoked(work, "Revoked list of a week, open, lookup and close", open_and_ask_list);
}

/* jwtctl verify --batch */

#define BATCH ((size_t)100000)

struct batch {
    struct bench_token token;
    const char *jwtctl;
    char *input, *keys; /* paths */
};

static void run_batch(void *arg, size_t n)
{
    struct batch *b = arg;
    char now[32], *keys = NULL;
    int status;
    pid_t pid = -1;

    (void)n;
    (void)snprintf(now, sizeof(now), "--now=%lld", (long long)BENCH_NOW + 1);
    timing_must(asprintf(&keys, "keys=%s", b->keys) > 0 && (pid = fork()) >= 0, "fork");
    if (pid == 0) {
        int in = open(b->input, O_RDONLY | O_CLOEXEC),
            out = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (in < 0 || out < 0 || dup2(in, 0) != 0 || dup2(out, 1) != 1)
            _exit(127);
        (void)execl(b->jwtctl, b->jwtctl, "verify", "--batch", now, "--user=alice",
                    "--service=sshd", keys, "issuer=https://login.example.org",
                    "audience=jwt-host", "revoked=none", (char *)NULL);
        _exit(127);
    }
    timing_must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                    WEXITSTATUS(status) == 0,
                "jwtctl verify --batch");
    free(keys);
}

static void run_loop(void *arg, size_t n)
{
    bench_verify(&((struct batch *)arg)->token, n);
}

static void make_batch(const char *work, struct batch *b)
{
    CLEANUP(cleanup_free) char *public = NULL;
    char *lines = NULL, *at = NULL;

    bench_token_make("EdDSA", &b->token);
    timing_must(key_public_jwk(b->token.key, &public) == TOK_OK &&
                    asprintf(&b->keys, "%s/keys", work) > 0 &&
                    asprintf(&b->input, "%s/tokens", work) > 0 &&
                    (lines = at = malloc(BATCH * (b->token.token.n + 1))) != NULL,
                "memory");
    for (size_t i = 0; i < BATCH; i++)
        at = stpcpy(stpcpy(at, b->token.token.p), "\n");
    timing_must(
        file_write(b->keys, (struct slice){public, strlen(public)}, 0644, NULL) == TOK_OK &&
            file_write(b->input, (struct slice){lines, (size_t)(at - lines)}, 0600, NULL) ==
                TOK_OK,
        "files");
    free(lines);
}

static void row_batch(const char *work, const char *jwtctl)
{
    static struct batch b;
    const struct row row = {"100,000 EdDSA tokens, each",
                            {{"jwtctl verify --batch", run_batch, &b, 0},
                             {"verify_token in a loop", run_loop, &b, 1.1}},
                            .n = BATCH,
                            .rounds = 2};

    if (!timing_wanted(row.name))
        return;
    b.jwtctl = jwtctl;
    make_batch(work, &b);
    timing_row(&row);
    (void)unlink(b.keys);
    (void)unlink(b.input);
    free(b.keys);
    free(b.input);
    bench_token_clear(&b.token);
}

void bench_rows_stores(const char *work, const char *jwtctl)
{
    rows_revoked(work);
    row_batch(work, jwtctl);
}
