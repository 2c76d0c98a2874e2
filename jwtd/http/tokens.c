/*
 * The endpoints that give a token, but for an exchange, or check one: obtain, refresh, verify,
 * blacklist, those of sliding tokens, and narrow.
 */
#include "common/base/timespan.h"
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"
#include "jwtd/http/route.h"

_Static_assert(BODY_WORDS_MAX == WIRE_WORDS_MAX, "a field that was read fits the wire");

bool handlers_throttled(struct connection *c)
{
    uint64_t wait = throttle_wait(&c->server->throttle,
                                  c->server->service.settings.http.failures_per_source,
                                  &c->source, service_monotonic());

    if (wait == 0)
        return false;
    c->server->metrics.throttled++;
    (void)outcome_throttled(c, (wait + SECOND - 1) / SECOND);
    return true;
}

enum conn_result handlers_login(struct connection *c)
{
    struct body_field fields[] = {{.name = "username", .trim = true},
                                  {.name = "password"},
                                  {.name = "otp", .trim = true, .optional = true}};
    bool with_otp = c->server->service.settings.session.otp_prompt;
    CLEANUP(body_clear) struct body body = {0};

    if (handlers_throttled(c) || !handlers_read_body(c, fields, with_otp ? 3 : 2, &body))
        return CONN_REPLY;
    /* Longer than any user name or password, and than the wire allows. */
    if (fields[0].value.n > WIRE_USER_MAX || fields[1].value.n > WIRE_PASSWORD_MAX ||
        fields[2].value.n > WIRE_OTP_MAX)
        return outcome_denied(c);
    return handlers_ask(c, (const union wire_value[]){{.text = fields[0].value},
                                                      {.text = fields[1].value},
                                                      {.text = fields[2].value}});
}

/* One token in the body, by the name that it has on the wire. */
enum conn_result handlers_token(struct connection *c)
{
    struct body_field field = {.name = wire_find(c->route->op)->fields[0].name, .trim = true};
    CLEANUP(body_clear) struct body body = {0};

    if (!handlers_read_body(c, &field, 1, &body))
        return CONN_REPLY;
    if (field.value.n > WIRE_TOKEN_MAX)
        return outcome_status(c, WIRE_INVALID);
    return handlers_ask(c, &(union wire_value){.text = field.value});
}

/* A narrower access token than the one in Authorization. */
enum conn_result handlers_narrow(struct connection *c)
{
    enum { SCOPE, AUD, LIFETIME, ONE_TIME, HOST_KEY, FIELDS };
    struct body_field fields[FIELDS] = {
        [SCOPE] = {.name = "scope", .kind = BODY_WORDS, .optional = true, .trim = true},
        [AUD] = {.name = "aud", .kind = BODY_NAMES, .optional = true, .trim = true},
        [LIFETIME] = {.name = "lifetime", .kind = BODY_SECONDS, .optional = true, .trim = true},
        [ONE_TIME] = {.name = "one_time", .kind = BODY_FLAG, .optional = true, .trim = true},
        [HOST_KEY] = {.name = "host_key", .kind = BODY_TEXT, .optional = true, .trim = true},
    };
    CLEANUP(body_clear) struct body body = {0};

    if (!handlers_read_body(c, fields, FIELDS, &body))
        return CONN_REPLY;
    if (fields[HOST_KEY].value.n > WIRE_HOST_KEY_MAX)
        return outcome_status(c, WIRE_BAD_HOST_KEY);
    return handlers_ask(c, (const union wire_value[]){{.text = fields[SCOPE].value},
                                                      {.text = fields[AUD].value},
                                                      {.number = fields[LIFETIME].number},
                                                      {.number = fields[ONE_TIME].number},
                                                      {.text = fields[HOST_KEY].value}});
}
