/*
 * A client that asks a server on a Unix socket as fast as it answers: an HTTP server, or with
 * PATH "wire" a jwtd-issuer, to which it sends REFRESH (jwtd/shared/wire.h).
 *
 *     load SOCKET PATH FIELD CLIENTS SECONDS [SOURCES [PAUSE]] < TOKENS
 *
 * Each client is a thread with a token of its own, a line of standard input. It posts
 * {"FIELD":"TOKEN"} on a new connection each time; FIELD "refresh" goes on with the refresh
 * token of the reply. A line that begins with '{' is a body of its own. With SOURCES the
 * clients are divided among so many addresses, which X-Forwarded-For names. After a reply 429
 * or 503 a client waits for PAUSE seconds. Prints a JSON object: requests, failed (no 200),
 * seconds, microseconds that a request took, and the processor time of this program itself.
 *
 *     load hash PASSWORD SETTING COUNT
 *
 * What crypt(3) alone takes, likewise.
 */
#include "jwtd/shared/wire.h"

#include <crypt.h>
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define TOKEN_MAX 2048
#define TIMES_MAX (1 << 20) /* of one client; a run is seconds */
#define USEC 1000000.0

struct job {
    const struct sockaddr_un *address;
    const char *path, *field;
    double until;
    size_t sources;
    unsigned pause;
};

struct client {
    const struct job *job;
    pthread_t thread;
    char source[64]; /* a header field, or empty */
    char token[TOKEN_MAX];
    float *times;
    size_t n, failed;
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool is_wire(const struct job *job)
{
    return strcmp(job->path, "wire") == 0;
}

static char *put_field(char *at, const char *text)
{
    uint16_t n = htole16((uint16_t)strlen(text));

    memcpy(at, &n, sizeof(n));
    return stpcpy(at + sizeof(n), text);
}

/* The token and its source. */
static size_t make_message(const struct client *c, char *out)
{
    memcpy(out, (const char[]){'J', 1, WIRE_REFRESH, 2}, 4);
    return (size_t)(put_field(put_field(out + 4, c->token), "uid 0") - out);
}

static size_t make_request(const struct client *c, char *out, size_t size)
{
    char body[TOKEN_MAX + 64];
    int n;

    if (is_wire(c->job))
        return make_message(c, out);
    n = c->token[0] == '{'
            ? snprintf(body, sizeof(body), "%s", c->token)
            : snprintf(body, sizeof(body), "{\"%s\":\"%s\"}", c->job->field, c->token);

    n = snprintf(out, size,
                 "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                 "%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                 c->job->path, c->source, n, body);
    return (size_t)n;
}

/* Sends one request and reads the whole reply; 0 when the server went away. */
static size_t ask(const struct client *c, const char *request, size_t len, char *out,
                  size_t size)
{
    int type = is_wire(c->job) ? SOCK_SEQPACKET : SOCK_STREAM;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    size_t got = 0;
    ssize_t n = 0;

    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)c->job->address, sizeof(*c->job->address)) != 0)
        die("connect");
    if (send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
        while (got < size - 1 && (n = recv(fd, out + got, size - 1 - got, 0)) > 0)
            got += (size_t)n;
    (void)close(fd);
    out[got] = '\0';
    return n < 0 ? 0 : got;
}

static void set_token(struct client *c, const char *start, size_t n)
{
    if (n >= sizeof(c->token))
        die("a token that is too long");
    memcpy(c->token, start, n);
    c->token[n] = '\0';
}

/* The second field of the answer. */
static void take_second(struct client *c, const char *reply)
{
    uint16_t n;

    memcpy(&n, reply + 4, sizeof(n));
    reply += 4 + sizeof(n) + le16toh(n);
    memcpy(&n, reply, sizeof(n));
    set_token(c, reply + sizeof(n), le16toh(n));
}

/* Goes on with the refresh token that the reply brought. */
static void take_next(struct client *c, const char *reply)
{
    static const char name[] = "\"refresh\":\"";
    const char *start;

    if (is_wire(c->job)) {
        take_second(c, reply);
        return;
    }
    start = strstr(reply, name);
    if (start)
        set_token(c, start + sizeof(name) - 1, strcspn(start + sizeof(name) - 1, "\""));
}

/* The status of HTTP, or of the wire in its words: 200 or 503. 0: none. */
static int status_of(const struct client *c, const char *reply, size_t n)
{
    if (is_wire(c->job))
        return n < 4 ? 0 : reply[2] == WIRE_OK ? 200 : 503;
    return n < 12 ? 0 : atoi(reply + 9);
}

static void *run_client(void *arg)
{
    struct client *c = arg;
    char request[2 * TOKEN_MAX], reply[4 * TOKEN_MAX];
    double before = now();

    while (before < c->job->until && c->n < TIMES_MAX) {
        size_t got =
            ask(c, request, make_request(c, request, sizeof(request)), reply, sizeof(reply));
        double after = now();
        int status = status_of(c, reply, got);

        c->failed += status != 200;
        if (status == 200 && strcmp(c->job->field, "refresh") == 0)
            take_next(c, reply);
        c->times[c->n++] = (float)((after - before) * USEC);
        if ((status == 429 || status == 503) && c->job->pause > 0)
            (void)sleep(c->job->pause);
        before = now();
    }
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void tell(float *times, size_t n, size_t failed, double seconds)
{
    struct rusage usage;
    double cpu;

    if (n == 0)
        die("no request was made");
    qsort(times, n, sizeof(*times), by_time);
    (void)getrusage(RUSAGE_SELF, &usage);
    cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / USEC;
    printf("{\"requests\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"min\":%.0f,\"p50\":%.0f,"
           "\"p99\":%.0f,\"max\":%.0f,\"own_cpu\":%.3f}\n",
           n, failed, seconds, (double)times[0], (double)times[n / 2],
           (double)times[n - 1 - n / 100], (double)times[n - 1], cpu);
}

static void read_token(struct client *c)
{
    if (!fgets(c->token, sizeof(c->token), stdin))
        die("a token a client is needed on standard input");
    c->token[strcspn(c->token, "\n")] = '\0';
}

static void set_source(struct client *c, size_t number)
{
    if (c->job->sources > 0)
        (void)snprintf(c->source, sizeof(c->source), "X-Forwarded-For: 198.51.100.%zu\r\n",
                       number % c->job->sources + 1);
}

static void run_load(int argc, char **argv)
{
    static struct client clients[CLIENTS_MAX];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct job job = {.address = &address,
                      .path = argv[2],
                      .field = argv[3],
                      .sources = argc > 6 ? strtoul(argv[6], NULL, 10) : 0,
                      .pause = argc > 7 ? (unsigned)strtoul(argv[7], NULL, 10) : 0};
    size_t count = strtoul(argv[4], NULL, 10), n = 0, failed = 0;
    double start;
    float *all;

    if (count < 1 || count > CLIENTS_MAX || strlen(argv[1]) >= sizeof(address.sun_path))
        die("arguments");
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    all = malloc(count * TIMES_MAX * sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        clients[i] = (struct client){.job = &job, .times = all + i * TIMES_MAX};
        read_token(&clients[i]);
        set_source(&clients[i], i);
    }
    start = now();
    job.until = start + strtod(argv[5], NULL);
    for (size_t i = 0; i < count; i++)
        if (!all || pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            die("a thread");
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        memmove(all + n, clients[i].times, clients[i].n * sizeof(*all));
        n += clients[i].n;
        failed += clients[i].failed;
    }
    tell(all, n, failed, now() - start);
    free(all);
}

static void run_hash(char **argv)
{
    static struct crypt_data data;
    static float times[4096];
    size_t count = strtoul(argv[4], NULL, 10);
    double start = now(), before = start;

    for (size_t i = 0; i < count && i < sizeof(times) / sizeof(times[0]); i++) {
        double after;

        if (!crypt_r(argv[2], argv[3], &data))
            die("crypt");
        after = now();
        times[i] = (float)((after - before) * USEC);
        before = after;
    }
    tell(times, count, 0, now() - start);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "hash") == 0)
        run_hash(argv);
    else if (argc >= 6 && argc <= 8)
        run_load(argc, argv);
    else
        die("usage: load SOCKET PATH FIELD CLIENTS SECONDS [SOURCES [PAUSE]] | hash PASSWORD "
            "SETTING COUNT");
    return 0;
}
