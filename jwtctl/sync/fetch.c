/*
 * sync-fetch: fetches the issuer's bundle and, when it describes another list of revoked
 * sessions than the one on this host, the list, into the spool.
 *
 * With --poll it does so each [Sync] Interval= for a day, by one connection, until a poll
 * fails. A bundle that would change nothing is written to the spool, for which sync-install is
 * started, only as often as RevokedMaxAge= needs it.
 *
 * The bundle is verified here as well, so that another server than the issuer's can store
 * nothing in the spool; sync-install, which cannot rely on this program, verifies it again.
 */
#include "common/base/timespan.h"
#include "jwtctl/sync/http.h"
#include "jwtctl/sync/sync.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define LIST_SECONDS 120
#define LIFETIME                                                                               \
    (24 * HOUR) /* of --poll; systemd starts it again, with the libraries of then */
#define RENEWAL (15 * MINUTE)

DEFINE_CLEANUP(struct curl_slist *, cleanup_slist, curl_slist_free_all)
DEFINE_CLEANUP(FILE *, cleanup_stream, (void)fclose)

struct fetcher {
    struct sync_host host;
    struct bundle bundle; /* the one fetched last */
    bool current;         /* the list on this host is the one that it describes */
    uint64_t renewal;     /* when an unchanged bundle is to be installed */
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    struct errmsg *errmsg;
};

/* What is received: a bundle, or the lines of a list that have not expired. */
struct sink {
    FILE *to;
    uint64_t left;           /* bytes that may still come */
    const struct bundle *of; /* that describes the list; NULL for a bundle */
    uint64_t kept;           /* lines */
    size_t n;                /* bytes of the line so far */
    char line[REVOKED_LINE_LEN];
    const char *refused; /* why, when it was */
};

static size_t refuse(struct sink *s, const char *because)
{
    s->refused = because;
    return 0;
}

static bool keep_line(struct sink *s)
{
    int64_t exp;

    if (!revoked_line_read(s->line, &exp))
        return refuse(s, "a line is not one of a list of revoked sessions");
    if (exp <= s->of->pruned_until)
        return true;
    if (++s->kept > s->of->revoked.count)
        return refuse(s, "the list has more lines than the bundle says");
    return fwrite(s->line, 1, sizeof(s->line), s->to) == sizeof(s->line);
}

/* libcurl ends the transfer when less than all is taken. */
static size_t receive(char *bytes, size_t size, size_t n, void *arg)
{
    struct sink *s = arg;

    if (size * n > s->left)
        return refuse(s, "the answer is too long");
    s->left -= size * n;
    if (!s->of)
        return fwrite(bytes, 1, size * n, s->to);
    for (size_t i = 0; i < size * n; i++) {
        s->line[s->n++] = bytes[i];
        if (s->n < sizeof(s->line))
            continue;
        s->n = 0;
        if (!keep_line(s))
            return 0;
    }
    return size * n;
}

/* TOK_MISSING: no answer of the issuer. TOK_LIST: another one than expected. */
static enum tok_err perform(struct fetcher *f, const char *url, const struct sink *sink)
{
    long status = 0;
    CURLcode code = curl_easy_perform(f->curl);

    (void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 0 && status != 200)
        return errmsg_set(f->errmsg, TOK_MISSING, "%s: status %ld; expected 200", url, status);
    if (sink->refused)
        return errmsg_set(f->errmsg, TOK_LIST, "%s: %s", url, sink->refused);
    if (code)
        return errmsg_set(f->errmsg, TOK_MISSING, "%s: %s", url,
                          f->error[0] ? f->error : curl_easy_strerror(code));
    if (sink->n > 0)
        return errmsg_set(f->errmsg, TOK_LIST, "%s: the list ends within a line", url);
    return TOK_OK;
}

static enum tok_err download(struct fetcher *f, const char *path, long seconds,
                             struct sink *sink)
{
    CLEANUP(cleanup_slist)
    struct curl_slist *headers = curl_slist_append(NULL, "Cache-Control: no-cache");
    CLEANUP(cleanup_free) char *url = http_url(f->host.settings.sync.url, path);
    enum tok_err err;

    if (!sink->to || !headers || !url || curl_easy_setopt(f->curl, CURLOPT_URL, url) ||
        curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, headers) ||
        curl_easy_setopt(f->curl, CURLOPT_TIMEOUT, seconds) ||
        curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, receive) ||
        curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, sink))
        return TOK_NO_MEMORY;
    err = perform(f, url, sink);
    return !err && fflush(sink->to) != 0 ? TOK_FILE : err;
}

static enum tok_err fetch_bundle(struct fetcher *f, struct secret *ret_text)
{
    char text[BUNDLE_MAX + 1]; /* fmemopen adds a NUL */
    CLEANUP(cleanup_stream) FILE *to = fmemopen(text, sizeof(text), "w");
    struct sink sink = {.to = to, .left = BUNDLE_MAX};
    enum tok_err err = download(f, "/.well-known/jwt-bundle", HTTP_SECONDS, &sink);

    if (!err)
        err = secret_copy((struct slice){text, BUNDLE_MAX - sink.left}, ret_text);
    bundle_clear(&f->bundle);
    return err ? err
               : sync_read_bundle(&f->host, secret_slice(ret_text), time(NULL), &f->bundle,
                                  f->errmsg);
}

static bool is_described(int fd, const struct bundle *bundle)
{
    struct stat st;
    struct revoked_digest digest;

    return fstat(fd, &st) == 0 &&
           revoked_digest(&(struct revoked){.fd = fd, .size = st.st_size}, bundle->pruned_until,
                          &digest) == TOK_OK &&
           revoked_digest_equal(&digest, &bundle->revoked);
}

/* TOK_LIST: another list than the bundle's. */
static enum tok_err download_list(int fd, void *arg)
{
    struct fetcher *f = arg;
    CLEANUP(cleanup_stream) FILE *to = fdopen(dup(fd), "w");
    struct sink sink = {.to = to, .left = SYNC_LIST_MAX, .of = &f->bundle};
    enum tok_err err = download(f, "/.well-known/jwt-revoked", LIST_SECONDS, &sink);

    if (!err && !is_described(fd, &f->bundle))
        return errmsg_set(f->errmsg, TOK_LIST,
                          "%s: jwt-revoked is not the list that the bundle describes "
                          "(SHA-256)",
                          f->host.settings.sync.url);
    return err;
}

static enum tok_err fetch_list(struct fetcher *f)
{
    CLEANUP(cleanup_free) char *path = sync_path(&f->host, SYNC_SPOOL "/revoked");
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    f->current = sync_list_is_current(&f->host, &f->bundle);
    /* Fetched before, but not installed. */
    if (!f->current && fd >= 0 && is_described(fd, &f->bundle))
        return TOK_OK;
    /* The spool is in memory. */
    (void)unlink(path);
    return f->current ? TOK_OK : file_replace(path, 0644, download_list, f, f->errmsg);
}

/* This clock goes on while the system is suspended: after a resume a poll is due at once. */
static uint64_t microseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec / 1000;
}

static void set_renewal(struct fetcher *f)
{
    const uint64_t quarter = f->host.settings.token.revoked_max_age / 4;

    f->renewal = microseconds() + (quarter > 0 && quarter < RENEWAL ? quarter : RENEWAL);
}

static enum tok_err write_bundle(struct fetcher *f, struct slice text)
{
    CLEANUP(cleanup_free) char *path = sync_path(&f->host, SYNC_SPOOL "/bundle");

    if (f->current && microseconds() < f->renewal && sync_is_installed(&f->host, &f->bundle))
        return TOK_OK;
    set_renewal(f);
    return file_write(path, text, 0644, f->errmsg);
}

/* The list may change between the two requests: then both are fetched once more. */
static enum tok_err fetch_both(struct fetcher *f)
{
    enum tok_err err = TOK_LIST;

    for (int i = 0; i < 2 && err == TOK_LIST; i++) {
        CLEANUP(secret_clear) struct secret text = {0};

        err = fetch_bundle(f, &text);
        if (!err)
            err = fetch_list(f);
        if (!err)
            err = write_bundle(f, secret_slice(&text));
    }
    bundle_clear(&f->bundle);
    return err;
}

/* The settings and the state of now. */
static enum tok_err open_host(struct fetcher *f, const char *root)
{
    CLEANUP(cleanup_free) char *spool = NULL;
    enum tok_err err;

    sync_clear(&f->host);
    err = sync_open(root, &f->host, f->errmsg);
    if (err)
        return err;
    spool = sync_path(&f->host, SYNC_SPOOL);
    file_sweep(spool);
    return curl_easy_setopt(f->curl, CURLOPT_PROXY,
                            strncmp(f->host.settings.sync.url, "http:", 5) == 0 ? "" : NULL)
               ? TOK_NO_MEMORY
               : TOK_OK;
}

static void sleep_until(uint64_t usec)
{
    const struct timespec until = {.tv_sec = (time_t)(usec / SECOND),
                                   .tv_nsec = (long)(usec % SECOND * 1000)};

    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* Hosts that were started together do not poll at the same second. */
static enum tok_err poll_issuer(struct fetcher *f, const char *root)
{
    const uint64_t end = microseconds() + LIFETIME;
    enum tok_err err = open_host(f, root);
    uint32_t phase = 0;
    uint64_t due;

    if (err || getrandom(&phase, sizeof(phase), 0) < 0)
        return err;
    set_renewal(f);
    due = microseconds() + phase % f->host.settings.sync.interval;
    while (!err && due < end) {
        sleep_until(due);
        err = open_host(f, root);
        if (!err)
            err = fetch_both(f);
        due = microseconds() + f->host.settings.sync.interval;
    }
    return err;
}

int main(int argc, char **argv)
{
    const bool poll = argc > 1 && strcmp(argv[1], "--poll") == 0;
    const char *root =
        poll ? sync_root_argument(argc - 1, argv + 1) : sync_root_argument(argc, argv);
    CLEANUP(cleanup_curl) CURL *curl = NULL;
    struct errmsg errmsg = {""};
    struct fetcher f = {.errmsg = &errmsg};
    enum tok_err err;

    if (!root)
        return 2;
    f.curl = curl = http_open("http,https", f.error);
    err = !curl ? TOK_NO_MEMORY : poll ? poll_issuer(&f, root) : open_host(&f, root);
    if (!err && !poll)
        err = fetch_both(&f);
    sync_clear(&f.host);
    return sync_exit(err, &errmsg);
}
