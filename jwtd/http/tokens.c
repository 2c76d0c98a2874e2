/*
 * The endpoints whose body has a password or a token: obtain, refresh, verify, blacklist, and
 * those of sliding tokens.
 */
#include "common/base/timespan.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"

/* Obtain */

static enum conn_result obtain(struct connection *c, enum wire_op op, conn_answered answered)
{
    struct body_field fields[] = {{.name = "username", .trim = true}, {.name = "password"}};
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];
    struct settings_rate rate =
        throttle_rate(c->server->service.settings.http.failures_per_source, &c->source);
    uint64_t wait = throttle_wait(&c->server->throttle, rate, &c->source, service_monotonic());

    if (wait > 0) {
        c->server->metrics.throttled++;
        return outcome_throttled(c, (wait + SECOND - 1) / SECOND);
    }
    if (!handlers_read_body(c, fields, 2, &body))
        return CONN_REPLY;
    /* Longer than any user name or password, and than the wire allows. */
    if (fields[0].value.n > WIRE_USER_MAX || fields[1].value.n > WIRE_PASSWORD_MAX)
        return outcome_denied(c);
    source_text(&c->source, source);
    return connection_ask(c, op,
                          (const union wire_value[]){{.text = fields[0].value},
                                                     {.text = fields[1].value},
                                                     {.text = slice_of(source)}},
                          answered);
}

enum conn_result handlers_obtain(struct connection *c)
{
    return obtain(c, WIRE_OBTAIN, handlers_tokens);
}

enum conn_result handlers_sliding(struct connection *c)
{
    return obtain(c, WIRE_SLIDING_OBTAIN, handlers_tokens);
}

/* One token in the body */

static enum conn_result ask_with_token(struct connection *c, const char *name, enum wire_op op,
                                       conn_answered answered)
{
    struct body_field field = {.name = name, .trim = true};
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];

    if (!handlers_read_body(c, &field, 1, &body))
        return CONN_REPLY;
    if (field.value.n > WIRE_TOKEN_MAX)
        return outcome_status(c, WIRE_INVALID);
    source_text(&c->source, source);
    return connection_ask(
        c, op, (const union wire_value[]){{.text = field.value}, {.text = slice_of(source)}},
        answered);
}

enum conn_result handlers_refresh(struct connection *c)
{
    return ask_with_token(c, "refresh", WIRE_REFRESH, handlers_tokens);
}

enum conn_result handlers_verify(struct connection *c)
{
    return ask_with_token(c, "token", WIRE_VERIFY, handlers_empty);
}

enum conn_result handlers_blacklist(struct connection *c)
{
    return ask_with_token(c, "refresh", WIRE_BLACKLIST, handlers_empty);
}

enum conn_result handlers_sliding_refresh(struct connection *c)
{
    return ask_with_token(c, "token", WIRE_SLIDING_REFRESH, handlers_tokens);
}
