#include "jwtd/http/metrics.h"

static const char *const limit_names[METRICS_LIMITS] = {
    [METRICS_MAX_CONNECTIONS] = "MaxConnections",
    [METRICS_MAX_CONNECTIONS_PER_SOURCE] = "MaxConnectionsPerSource",
};

const char *metrics_limit_name(enum metrics_limit limit)
{
    return limit_names[limit];
}

void metrics_request(struct metrics *m, size_t route, int status)
{
    m->requests[route < METRICS_ROUTES ? route : METRICS_ROUTES][reply_status_number(status)]++;
}

static void family(struct emit *out, const char *name, const char *type, const char *help)
{
    emit_text(out, "# HELP ");
    emit_text(out, name);
    emit_text(out, " ");
    emit_text(out, help);
    emit_text(out, "\n# TYPE ");
    emit_text(out, name);
    emit_text(out, " ");
    emit_text(out, type);
    emit_text(out, "\n");
}

static void value(struct emit *out, uint64_t number)
{
    emit_text(out, " ");
    emit_integer(out, (int64_t)number);
    emit_text(out, "\n");
}

static void single(struct emit *out, const char *name, const char *type, const char *help,
                   uint64_t number)
{
    family(out, name, type, help);
    emit_text(out, name);
    value(out, number);
}

/* name{label="WORD"} number */
static void labelled(struct emit *out, const char *name, const char *label, const char *word,
                     uint64_t number)
{
    emit_text(out, name);
    emit_text(out, "{");
    emit_text(out, label);
    emit_text(out, "=\"");
    emit_text(out, word);
    emit_text(out, "\"}");
    value(out, number);
}

static void request_line(struct emit *out, const char *path, int status, uint64_t number)
{
    emit_text(out, "jwtd_requests_total{route=\"");
    emit_text(out, path);
    emit_text(out, "\",status=\"");
    if (status > 0)
        emit_integer(out, status);
    else
        emit_text(out, "other");
    emit_text(out, "\"}");
    value(out, number);
}

/* What never happened is left out: there are hundreds of pairs. */
static void write_requests(const struct metrics *m, const char *const *paths, size_t n,
                           struct emit *out)
{
    family(out, "jwtd_requests_total", "counter", "Replies by route and HTTP status.");
    for (size_t route = 0; route <= METRICS_ROUTES; route++)
        for (size_t status = 0; status < REPLY_STATUSES; status++)
            if (m->requests[route][status] > 0)
                request_line(out, route < n ? paths[route] : "none", reply_status_of(status),
                             m->requests[route][status]);
}

static void write_answers(const struct metrics *m, struct emit *out)
{
    family(out, "jwtd_answers_total", "counter",
           "Answers of jwtd-issuer by verdict: ok, or why it refused.");
    for (int status = 0; status < WIRE_STATUS_COUNT; status++)
        labelled(out, "jwtd_answers_total", "verdict",
                 wire_status_word((enum wire_status)status), m->answers[status]);
}

static void write_refused(const struct metrics *m, struct emit *out)
{
    family(out, "jwtd_connections_refused_total", "counter",
           "Connections over a limit, by its setting.");
    for (size_t i = 0; i < METRICS_LIMITS; i++)
        labelled(out, "jwtd_connections_refused_total", "limit", limit_names[i], m->refused[i]);
}

void metrics_write(const struct metrics *m, const char *const *paths, size_t n, size_t open,
                   struct emit *out)
{
    single(out, "jwtd_start_time_seconds", "gauge", "When this process started.", m->started);
    single(out, "jwtd_connections", "gauge", "Connections open now.", open);
    single(out, "jwtd_connections_total", "counter", "Connections accepted.", m->connections);
    write_refused(m, out);
    write_requests(m, paths, n, out);
    write_answers(m, out);
    single(out, "jwtd_issuer_errors_total", "counter",
           "Questions that jwtd-issuer gave no answer to.", m->no_answers);
    single(
        out, "jwtd_throttled_total", "counter",
        "Logins refused by FailuresPerSource; those by FailuresPerUser are throttled answers.",
        m->throttled);
}
