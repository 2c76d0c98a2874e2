/*
 * A narrower access token than the one in Authorization: fewer services, one host or one
 * host's SSH key, a shorter lifetime, one use.
 */
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"

_Static_assert(BODY_WORDS_MAX == WIRE_WORDS_MAX, "a field that was read fits the wire");

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
