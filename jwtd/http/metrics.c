#include "jwtd/http/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *const metrics_limits[METRICS_LIMITS] = {
    [METRICS_MAX_CONNECTIONS] = "MaxConnections",
    [METRICS_MAX_CONNECTIONS_PER_SOURCE] = "MaxConnectionsPerSource",
};

static void family(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help,
                   uint64_t number)
{
    family(out, name, type, help);
    (void)fprintf(out, "%s %" PRIu64 "\n", name, number);
}

/* name{label="WORD"} number */
static void labelled(FILE *out, const char *name, const char *label, const char *word,
                     uint64_t number)
{
    (void)fprintf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, number);
}

/* Pairs that were never counted are left out. */
static void write_requests(const struct metrics *m, const char *const *paths, size_t n,
                           FILE *out)
{
    family(out, "jwtd_requests_total", "counter", "Replies by route and HTTP status.");
    for (size_t route = 0; route <= METRICS_ROUTES; route++)
        for (int status = 0; status < METRICS_STATUSES; status++)
            if (m->requests[route][status] > 0)
                (void)fprintf(
                    out, "jwtd_requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                    route < n ? paths[route] : "none", status, m->requests[route][status]);
}

static void write_answers(const struct metrics *m, FILE *out)
{
    family(out, "jwtd_answers_total", "counter",
           "Answers of jwtd-issuer by result: ok, or the reason for a refusal.");
    for (int status = 0; status < WIRE_STATUS_COUNT; status++)
        labelled(out, "jwtd_answers_total", "verdict",
                 wire_status_word((enum wire_status)status), m->answers[status]);
}

static void write_refused(const struct metrics *m, FILE *out)
{
    family(out, "jwtd_connections_refused_total", "counter",
           "Connections refused or closed because of a limit, by its setting.");
    for (size_t i = 0; i < METRICS_LIMITS; i++)
        labelled(out, "jwtd_connections_refused_total", "limit", metrics_limits[i],
                 m->refused[i]);
}

char *metrics_text(const struct metrics *m, const char *const *paths, size_t n, size_t open,
                   size_t *ret_n)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_n);

    if (!out)
        return NULL;
    single(out, "jwtd_start_time_seconds", "gauge", "Start time of the process.", m->started);
    single(out, "jwtd_connections", "gauge", "Open connections.", open);
    single(out, "jwtd_connections_total", "counter", "Connections accepted.", m->connections);
    write_refused(m, out);
    write_requests(m, paths, n, out);
    write_answers(m, out);
    single(out, "jwtd_issuer_errors_total", "counter",
           "Requests that jwtd-issuer did not answer.", m->no_answers);
    single(out, "jwtd_throttled_total", "counter",
           "Logins refused by FailuresPerSource; FailuresPerUser counts as a throttled answer.",
           m->throttled);
    single(out, "jwtd_bundle_time_seconds", "gauge",
           "When the bundle that was sent last was signed; 0: none was sent.", m->bundle_iat);
    single(out, "jwtd_bundle_seq", "gauge", "Its sequence number.", m->bundle_seq);
    single(out, "jwtd_bundle_revoked", "gauge",
           "Revoked sessions in the list that it describes.", m->bundle_revoked);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
