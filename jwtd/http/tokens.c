/*
 * The endpoints that are given a password or a token: obtain, refresh, verify, blacklist, and
 * those of sliding tokens.
 */
#include "jwtd/http/fields.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

static void reply_outcome(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    outcome_reply(&reply, answer, OUTCOME_ENDPOINT);
    connection_reply(c, &reply);
}

void handlers_tokens(struct connection *c, const char *name, struct slice token,
                     const char *second_name, struct slice second)
{
    struct reply reply;

    reply_begin(&reply, 200, token.n + second.n + 64);
    reply.cache = "no-store";
    emit_begin(&reply.body);
    emit_member_string(&reply.body, name, token);
    if (second.n > 0)
        emit_member_string(&reply.body, second_name, second);
    emit_end(&reply.body);
    connection_reply(c, &reply);
}

/* Obtain */

/* Whatever was wrong takes the same time: a whole multiple of FailureTime since the request. */
static void deny(struct connection *c)
{
    const struct settings *settings = &c->server->service.settings;
    uint64_t step = settings->http.failure_time;
    uint64_t now = service_monotonic();
    uint64_t when = now;
    struct reply reply;

    throttle_failed(&c->server->throttle, settings->http.failures_per_source, &c->source, now);
    if (step > 0)
        when = c->whole + ((now - c->whole) / step + 1) * step;
    outcome_denied(&reply);
    connection_reply_at(c, &reply, when);
}

static void on_obtained(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_DENIED)
        deny(c);
    else if (answer->status == WIRE_OK)
        handlers_tokens(c, "refresh", answer->v[0].text, "access", answer->v[1].text);
    else
        reply_outcome(c, answer);
}

static void on_sliding(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_DENIED)
        deny(c);
    else if (answer->status == WIRE_OK)
        handlers_tokens(c, "token", answer->v[0].text, NULL, (struct slice){0});
    else
        reply_outcome(c, answer);
}

static void obtain(struct connection *c, enum wire_op op,
                   void (*done)(struct connection *c, const struct wire_message *answer))
{
    struct body_field fields[] = {{.name = "username", .trim = true}, {.name = "password"}};
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];
    struct reply reply;
    uint64_t wait = throttle_wait(&c->server->throttle,
                                  c->server->service.settings.http.failures_per_source,
                                  &c->source, service_monotonic());

    if (wait > 0) {
        c->server->metrics.throttled++;
        outcome_throttled(&reply, (wait + SECOND - 1) / SECOND);
        connection_reply(c, &reply);
        return;
    }
    if (!fields_read(c, fields, 2, &body))
        return;
    /* No such user or password can be: jwtd-issuer is spared a question it would not take. */
    if (fields[0].value.n > WIRE_USER_MAX || fields[1].value.n > WIRE_PASSWORD_MAX) {
        deny(c);
        return;
    }
    source_text(&c->source, source);
    connection_ask(c, op,
                   (const union wire_value[]){{.text = fields[0].value},
                                              {.text = fields[1].value},
                                              {.text = slice_of(source)}},
                   done);
}

void handlers_obtain(struct connection *c)
{
    obtain(c, WIRE_OBTAIN, on_obtained);
}

void handlers_sliding(struct connection *c)
{
    obtain(c, WIRE_SLIDING_OBTAIN, on_sliding);
}

/* What is given one token */

static void on_refreshed(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_OK)
        handlers_tokens(c, "access", answer->v[0].text, "refresh", answer->v[1].text);
    else
        reply_outcome(c, answer);
}

static void on_judged(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_OK)
        handlers_nothing(c);
    else
        reply_outcome(c, answer);
}

static void ask_with_token(struct connection *c, const char *name, enum wire_op op,
                           void (*done)(struct connection *c,
                                        const struct wire_message *answer))
{
    struct body_field field = {.name = name, .trim = true};
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];

    if (!fields_read(c, &field, 1, &body))
        return;
    if (field.value.n > WIRE_TOKEN_MAX) {
        reply_outcome(c, &(const struct wire_message){.status = WIRE_INVALID});
        return;
    }
    source_text(&c->source, source);
    connection_ask(
        c, op, (const union wire_value[]){{.text = field.value}, {.text = slice_of(source)}},
        done);
}

void handlers_refresh(struct connection *c)
{
    ask_with_token(c, "refresh", WIRE_REFRESH, on_refreshed);
}

void handlers_verify(struct connection *c)
{
    ask_with_token(c, "token", WIRE_VERIFY, on_judged);
}

void handlers_blacklist(struct connection *c)
{
    ask_with_token(c, "refresh", WIRE_BLACKLIST, on_judged);
}

void handlers_sliding_refresh(struct connection *c)
{
    ask_with_token(c, "token", WIRE_SLIDING_REFRESH, on_sliding);
}
