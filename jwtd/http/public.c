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

/* As FNV-1a, of what changes with the file: it is replaced, never changed, so an open
 * descriptor has one version of it. An attacker gains nothing by a collision. */
static void etag_of(const struct stat *st, char ret[REPLY_ETAG_SIZE])
{
    const uint64_t parts[] = {st->st_ino, (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_size};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        hash = (hash ^ parts[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(ret, REPLY_ETAG_SIZE, "\"%016" PRIx64 "\"", hash);
}

/* Sends a public file, from its descriptor, unless the client has it. */
static enum conn_result send_file(struct connection *c, const char *name, const char *type,
                                  const char *cache)
{
    struct slice known = c->request.if_none_match;
    struct errmsg errmsg = {""};
    char path[PATH_MAX], etag[REPLY_ETAG_SIZE];
    struct stat st;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", c->server->public_dir, name);
    if (file_open(path, FILE_PUBLIC, &fd, &st, &errmsg) != TOK_OK) {
        service_report_failure(&c->server->service, MESSAGE_PUBLISHED,
                               "Cannot read a public file", errmsg.text);
        return connection_unavailable(c);
    }
    etag_of(&st, etag);
    reply_file(&c->reply, fd, st.st_size);
    if (known.p && field_has_etag(known, slice_of(etag)))
        reply_init(&c->reply, 304);
    c->reply.type = type;
    c->reply.cache = cache;
    memcpy(c->reply.etag, etag, sizeof(etag));
    return CONN_REPLY;
}

enum conn_result handlers_keys(struct connection *c)
{
    /* KeyPropagation= should be longer. */
    return send_file(c, "jwks.json", NULL, "public, max-age=300");
}

enum conn_result handlers_revoked(struct connection *c, const struct wire_message *answer)
{
    return send_file(c, "revoked", "text/plain", "no-cache");
}

/* Where issuers share a store, ours is asked for the bundle first: it then has published what
 * the others have revoked, and the list fits the bundle that one of them has just signed. With
 * HMAC there is no bundle. */
enum conn_result handlers_list(struct connection *c)
{
    const struct settings *set = &c->server->service.settings;

    if (!set->store.database || set->token.algorithm->kind == ALG_OCT)
        return handlers_revoked(c, NULL);
    if (secret_copy(c->request.if_none_match, &c->known) != TOK_OK)
        return connection_unavailable(c);
    c->request.if_none_match = secret_slice(&c->known);
    return handlers_plain(c);
}

enum conn_result handlers_bundle(struct connection *c, const struct wire_message *answer)
{
    struct metrics *m = &c->server->metrics;

    m->bundle_iat = answer->v[1].number;
    m->bundle_seq = answer->v[2].number;
    m->bundle_revoked = answer->v[3].number;
    reply_bytes(&c->reply, 200, answer->v[0].text);
    c->reply.type = "application/jwt";
    c->reply.cache = "no-store";
    return CONN_REPLY;
}

enum conn_result handlers_healthy(struct connection *c, const struct wire_message *answer)
{
    return handlers_object(
        c, json_with(json_object_new_object(), "status", json_string(SLICE("ok"))));
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
