/*
 * What needs no token: the public keys, whether tokens can be had, and, of the machine itself,
 * what was counted.
 */
#include "common/base/file.h"
#include "jwtd/http/field.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/messages.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX ((size_t)1024 * 1024)
/* A new key is published long before it signs: design's rotation waits longer than this. */
#define KEYS_CACHE "public, max-age=300"
#define ETAG_LEN 24

/* FNV-1a: tells one file from the next. Nobody gains by two that have the same. */
static void etag_of(struct slice bytes, char ret[ETAG_LEN])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(ret, ETAG_LEN, "\"%016" PRIx64 "\"", hash);
}

void handlers_keys(struct connection *c)
{
    CLEANUP(cleanup_free) char *text = NULL;
    char path[PATH_MAX], etag[ETAG_LEN];
    struct errmsg errmsg = {""};
    struct reply reply;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/jwks.json", c->server->public_dir);
    if (file_read(path, FILE_PUBLIC, KEYS_MAX, &text, &n, NULL, &errmsg) != TOK_OK) {
        service_complain(&c->server->service, MESSAGE_KEYS, "the public keys can't be read",
                         errmsg.text);
        connection_unavailable(c);
        return;
    }
    etag_of((struct slice){text, n}, etag);
    reply_begin(&reply, 200, n);
    reply.cache = KEYS_CACHE;
    reply.etag = etag;
    if (c->request.if_none_match.p && field_has_etag(c->request.if_none_match, slice_of(etag)))
        reply.status = 304;
    else
        emit_bytes(&reply.body, (struct slice){text, n});
    connection_reply(c, &reply);
}

static void on_pong(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    if (answer->status != WIRE_OK) {
        connection_unavailable(c);
        return;
    }
    reply_begin(&reply, 200, 64);
    reply.cache = "no-store";
    emit_begin(&reply.body);
    emit_member_string(&reply.body, "status", SLICE("ok"));
    emit_end(&reply.body);
    connection_reply(c, &reply);
}

void handlers_health(struct connection *c)
{
    connection_ask(c, WIRE_PING, NULL, on_pong);
}

void handlers_nothing(struct connection *c)
{
    struct reply reply;

    reply_begin(&reply, 200, sizeof("{}"));
    reply.cache = "no-store";
    emit_begin(&reply.body);
    emit_end(&reply.body);
    connection_reply(c, &reply);
}

/* Twice: the first time nothing is written, only counted. */
static void write_metrics(const struct server *s, struct emit *out)
{
    const char *paths[METRICS_ROUTES];
    size_t n = routes_paths(paths);

    metrics_write(&s->metrics, paths, n, s->n_connections - s->n_refusals, out);
}

/* What was counted is for the machine's own eyes: whoever came through a web server gets none
 * of it, whether that server is one we trust or just says that it is one. */
void handlers_metrics(struct connection *c)
{
    struct emit size = {0};
    struct reply reply;

    if (c->exempt || c->request.forwarded_for.p) {
        connection_refuse(c, 403, "You do not have permission to perform this action.", NULL);
        return;
    }
    write_metrics(c->server, &size);
    reply_begin(&reply, 200, size.n);
    reply.type = "text/plain; version=0.0.4; charset=utf-8";
    reply.cache = "no-store";
    write_metrics(c->server, &reply.body);
    connection_reply(c, &reply);
}
