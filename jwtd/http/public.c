/*
 * What needs no token: the public keys, the bundle and the list for other hosts, whether tokens
 * can be issued, and, for clients on the same machine, the metrics.
 */
#include "common/base/file.h"
#include "jwtd/http/field.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/json_build.h"
#include "jwtd/shared/messages.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define KEYS_MAX ((size_t)1024 * 1024)
/* A new key is published for longer than this before it signs. */
#define KEYS_CACHE "public, max-age=300"

/* FNV-1a. It only has to change with the file; an attacker gains nothing by a collision. */
static void etag_of(struct slice bytes, char ret[REPLY_ETAG_SIZE])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(ret, REPLY_ETAG_SIZE, "\"%016" PRIx64 "\"", hash);
}

enum conn_result handlers_keys(struct connection *c)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct slice known = c->request.if_none_match;
    struct errmsg errmsg = {""};
    char path[PATH_MAX], etag[REPLY_ETAG_SIZE];

    (void)snprintf(path, sizeof(path), "%s/jwks.json", c->server->public_dir);
    if (file_read(path, FILE_PUBLIC, KEYS_MAX, &text, &errmsg) != TOK_OK) {
        service_report_failure(&c->server->service, MESSAGE_KEYS, "Cannot read the public keys",
                               errmsg.text);
        return connection_unavailable(c);
    }
    etag_of(secret_slice(&text), etag);
    if (known.p && field_has_etag(known, slice_of(etag)))
        reply_init(&c->reply, 304);
    else
        reply_bytes(&c->reply, 200, secret_slice(&text));
    c->reply.cache = KEYS_CACHE;
    memcpy(c->reply.etag, etag, sizeof(etag));
    return CONN_REPLY;
}

enum conn_result handlers_bundle(struct connection *c, const struct wire_message *answer)
{
    c->server->metrics.bundle =
        (struct metrics_bundle){answer->v[1].number, answer->v[2].number, answer->v[3].number};
    reply_bytes(&c->reply, 200, answer->v[0].text);
    c->reply.type = "application/jwt";
    c->reply.cache = "no-store";
    return CONN_REPLY;
}

/* The file is replaced, never changed: an open descriptor has one version of it. */
enum conn_result handlers_revoked(struct connection *c)
{
    struct slice known = c->request.if_none_match;
    struct errmsg errmsg = {""};
    char path[PATH_MAX], etag[REPLY_ETAG_SIZE];
    uint64_t version[4];
    struct stat st;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/revoked", c->server->public_dir);
    if (file_open(path, FILE_PUBLIC, &fd, &st, &errmsg) != TOK_OK) {
        service_report_failure(&c->server->service, MESSAGE_PUBLISHED,
                               "Cannot read the list of revoked sessions", errmsg.text);
        return connection_unavailable(c);
    }
    version[0] = st.st_ino;
    version[1] = (uint64_t)st.st_mtim.tv_sec;
    version[2] = (uint64_t)st.st_mtim.tv_nsec;
    version[3] = (uint64_t)st.st_size;
    etag_of((struct slice){(const char *)version, sizeof(version)}, etag);
    if (known.p && field_has_etag(known, slice_of(etag))) {
        reply_init(&c->reply, 304);
        (void)close(fd);
    } else {
        reply_file(&c->reply, fd, st.st_size);
    }
    c->reply.type = "text/plain";
    c->reply.cache = "no-cache";
    memcpy(c->reply.etag, etag, sizeof(etag));
    return CONN_REPLY;
}

enum conn_result handlers_healthy(struct connection *c, const struct wire_message *answer)
{
    return handlers_object(
        c, json_with(json_object_new_object(), "status", json_string(SLICE("ok"))));
}

enum conn_result handlers_health(struct connection *c)
{
    return handlers_ask(c, NULL);
}

/* Refused to anyone behind a web server, whether that is a trusted one or only says so by its
 * header field. */
enum conn_result handlers_metrics(struct connection *c)
{
    const struct server *s = c->server;
    const char *paths[METRICS_ROUTES];
    struct slice text = {NULL, 0};

    if (c->exempt || c->request.forwarded_for.p)
        return connection_refuse(c, 403, "You do not have permission to perform this action.",
                                 NULL);
    text.p = metrics_text(&s->metrics, paths, routes_paths(paths),
                          s->n_connections - s->n_refusals, &text.n);
    if (!text.p)
        return connection_unavailable(c);
    reply_bytes(&c->reply, 200, text);
    c->reply.type = "text/plain; version=0.0.4; charset=utf-8";
    c->reply.cache = "no-store";
    free((void *)text.p);
    return CONN_REPLY;
}
