/*
 * The endpoints whose body has a password or a token: obtain, refresh, verify, blacklist, and
 * those of sliding tokens.
 */
#include "common/base/timespan.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"

/* Obtain */

/* Every failed login is answered at the same time after its request, whatever was wrong: at a
 * multiple of FailureTime. */
static enum conn_result deny(struct connection *c)
{
    const struct settings *settings = &c->server->service.settings;
    uint64_t step = settings->http.failure_time;
    uint64_t now = service_monotonic();

    throttle_failed(&c->server->throttle,
                    throttle_rate(settings->http.failures_per_source, &c->source), &c->source,
                    now);
    if (step > 0)
        c->reply_at = c->completed + ((now - c->completed) / step + 1) * step;
    return outcome_status(c, WIRE_DENIED, OUTCOME_ENDPOINT);
}

static enum conn_result on_obtained(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_DENIED)
        return deny(c);
    if (answer->status != WIRE_OK)
        return outcome_refuse(c, answer, OUTCOME_ENDPOINT);
    return handlers_tokens(c, "refresh", answer->v[0].text, "access", answer->v[1].text);
}

static enum conn_result on_sliding(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_DENIED)
        return deny(c);
    if (answer->status != WIRE_OK)
        return outcome_refuse(c, answer, OUTCOME_ENDPOINT);
    return handlers_tokens(c, "token", answer->v[0].text, NULL, (struct slice){0});
}

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
        return deny(c);
    source_text(&c->source, source);
    return connection_ask(c, op,
                          (const union wire_value[]){{.text = fields[0].value},
                                                     {.text = fields[1].value},
                                                     {.text = slice_of(source)}},
                          answered);
}

enum conn_result handlers_obtain(struct connection *c)
{
    return obtain(c, WIRE_OBTAIN, on_obtained);
}

enum conn_result handlers_sliding(struct connection *c)
{
    return obtain(c, WIRE_SLIDING_OBTAIN, on_sliding);
}

/* One token in the body */

static enum conn_result on_refreshed(struct connection *c, const struct wire_message *answer)
{
    if (answer->status != WIRE_OK)
        return outcome_refuse(c, answer, OUTCOME_ENDPOINT);
    return handlers_tokens(c, "access", answer->v[0].text, "refresh", answer->v[1].text);
}

/* {} */
static enum conn_result on_done(struct connection *c, const struct wire_message *answer)
{
    if (answer->status != WIRE_OK)
        return outcome_refuse(c, answer, OUTCOME_ENDPOINT);
    return handlers_object(c, json_object_new_object());
}

static enum conn_result ask_with_token(struct connection *c, const char *name, enum wire_op op,
                                       conn_answered answered)
{
    struct body_field field = {.name = name, .trim = true};
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];

    if (!handlers_read_body(c, &field, 1, &body))
        return CONN_REPLY;
    if (field.value.n > WIRE_TOKEN_MAX)
        return outcome_status(c, WIRE_INVALID, OUTCOME_ENDPOINT);
    source_text(&c->source, source);
    return connection_ask(
        c, op, (const union wire_value[]){{.text = field.value}, {.text = slice_of(source)}},
        answered);
}

enum conn_result handlers_refresh(struct connection *c)
{
    return ask_with_token(c, "refresh", WIRE_REFRESH, on_refreshed);
}

enum conn_result handlers_verify(struct connection *c)
{
    return ask_with_token(c, "token", WIRE_VERIFY, on_done);
}

enum conn_result handlers_blacklist(struct connection *c)
{
    return ask_with_token(c, "refresh", WIRE_BLACKLIST, on_done);
}

enum conn_result handlers_sliding_refresh(struct connection *c)
{
    return ask_with_token(c, "token", WIRE_SLIDING_REFRESH, on_sliding);
}
