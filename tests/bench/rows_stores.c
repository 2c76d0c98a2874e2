#include "base64url.h"
#include "bench_core.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* JWK Sets. Keys are asked for in an order of no pattern, so that a large set pays for the
 * memory it takes. */

#define ASKED 1024

struct lookup {
    struct keyset *set;
    char kid[ASKED][16];
};

static void find_keys(void *arg, size_t n)
{
    struct lookup *l = arg;

    for (size_t i = 0; i < n; i++) {
        const char *kid = l->kid[i % ASKED];

        timing_must(keyset_find(l->set, (struct slice){kid, 8}) != NULL, "a key");
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void make_set(size_t n, struct lookup *ret)
{
    CLEANUP(cleanup_free) char *json = NULL;
    char *at, secret[44] = "";
    uint64_t random = 88172645463325252U;

    timing_must(n < 100000000 && (json = calloc(n + 1, 160)) != NULL, "memory");
    memset(secret, 'A', 43);
    at = stpcpy(json, "{\"keys\":[");
    for (size_t i = 0; i < n; i++)
        at +=
            sprintf(at, "%s{\"kty\":\"oct\",\"kid\":\"k%07zu\",\"alg\":\"HS256\",\"k\":\"%s\"}",
                    i ? "," : "", i, secret);
    at = stpcpy(at, "]}");
    timing_must(keyset_parse(NULL, (struct slice){json, (size_t)(at - json)},
                             alg_bit(alg_find(SLICE("HS256"))), &ret->set, NULL) == TOK_OK,
                "a set");
    for (size_t i = 0; i < ASKED; i++)
        (void)snprintf(ret->kid[i], sizeof(ret->kid[i]), "k%07zu",
                       (size_t)(next_random(&random) % n));
}

static void row_keyset(void)
{
    static struct lookup large, middle, one;
    const struct row row = {"JWK Set, lookup by kid",
                            {{"10,000 keys", find_keys, &large, 0},
                             {"100 keys", find_keys, &middle, 2},
                             {"1 key", find_keys, &one, 2}},
                            .n = 20480};

    if (!timing_wanted(row.name))
        return;
    make_set(1, &one);
    make_set(100, &middle);
    make_set(10000, &large);
    timing_row(&row);
    keyset_free(one.set);
    keyset_free(middle.set);
    keyset_free(large.set);
}

/* The list of ended sessions */

struct listed {
    struct revoked list;
    char sid[ASKED][REVOKED_SID_LEN]; /* every other one is on it */
};

static void ask_list(void *arg, size_t n)
{
    struct listed *l = arg;

    for (size_t i = 0; i < n; i++) {
        const struct slice sid = {l->sid[i % ASKED], REVOKED_SID_LEN};

        timing_must(revoked_check(&l->list, sid) == (i % 2 ? TOK_OK : TOK_REVOKED), "the list");
    }
}

static int by_line(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_LINE_LEN);
}

/* A session that began some time in the last fortnight, as issue_id makes them. */
static void make_sid(uint64_t *random, char ret[REVOKED_SID_LEN])
{
    uint64_t age = next_random(random) % (UINT64_C(14) * 86400 * 1000);
    uint64_t rest[2] = {next_random(random), next_random(random)};
    uint8_t id[ISSUE_ID_BYTES];

    issue_id(BENCH_NOW * 1000 - age, (const uint8_t *)rest, id);
    base64url_encode((struct slice){(const char *)id, sizeof(id)}, ret);
}

static void make_list(const char *work, size_t n, struct listed *ret)
{
    char *lines = calloc(n, REVOKED_LINE_LEN), *path = NULL;
    uint64_t random = 88172645463325252U;
    struct why why = {0};

    timing_must(lines && asprintf(&path, "%s/revoked-%zu", work, n) > 0, "memory");
    for (size_t i = 0; i < n; i++) {
        char sid[REVOKED_SID_LEN];

        make_sid(&random, sid);
        revoked_line(sid, BENCH_NOW + 600, lines + i * REVOKED_LINE_LEN);
    }
    qsort(lines, n, REVOKED_LINE_LEN, by_line);
    timing_must(file_write(path, (struct slice){lines, n * REVOKED_LINE_LEN}, 0644, NULL) ==
                        TOK_OK &&
                    revoked_open(path, FILE_OWN, &ret->list, &why) == TOK_OK,
                why.text);
    for (size_t i = 0; i < ASKED; i++) {
        if (i % 2)
            make_sid(&random, ret->sid[i]);
        else
            memcpy(ret->sid[i], lines + next_random(&random) % n * REVOKED_LINE_LEN,
                   REVOKED_SID_LEN);
    }
    (void)unlink(path);
    free(path);
    free(lines);
}

static void row_revoked(const char *work)
{
    static struct listed large, small;
    const struct row row = {
        "Revoked list, lookup",
        {{"1,000,000 lines", ask_list, &large, 0}, {"10 lines", ask_list, &small, 3}},
        .n = 1024};

    if (!timing_wanted(row.name))
        return;
    make_list(work, 10, &small);
    make_list(work, 1000000, &large);
    timing_row(&row);
    revoked_close(&small.list);
    revoked_close(&large.list);
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
    row_keyset();
    row_revoked(work);
    row_batch(work, jwtctl);
}
