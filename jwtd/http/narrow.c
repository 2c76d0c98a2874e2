/*
 * An access token that may do less than the one shown: fewer services, one host, a shorter
 * life, one use.
 */
#include "jwtd/http/bearer.h"
#include "jwtd/http/fields.h"
#include "jwtd/http/handlers.h"

_Static_assert(BODY_WORDS_MAX == WIRE_WORDS_MAX, "what is read can be asked");

static void on_narrowed(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_OK)
        handlers_tokens(c, "access", answer->v[0].text, NULL, (struct slice){0});
    else
        bearer_refuse(c, answer);
}

void handlers_narrow(struct connection *c)
{
    enum { SCOPE, AUD, LIFETIME, ONE_TIME, FIELDS };
    struct body_field fields[FIELDS] = {
        [SCOPE] = {.name = "scope", .kind = BODY_WORDS, .optional = true, .trim = true},
        [AUD] = {.name = "aud", .kind = BODY_NAMES, .optional = true, .trim = true},
        [LIFETIME] = {.name = "lifetime", .kind = BODY_SECONDS, .optional = true, .trim = true},
        [ONE_TIME] = {.name = "one_time", .kind = BODY_FLAG, .optional = true, .trim = true},
    };
    CLEANUP(body_clear) struct body body = {0};
    struct slice token;

    if (!bearer_read(c, &token) || !fields_read(c, fields, FIELDS, &body))
        return;
    connection_ask(c, WIRE_NARROW,
                   (const union wire_value[]){{.text = token},
                                              {.text = fields[SCOPE].value},
                                              {.text = fields[AUD].value},
                                              {.number = fields[LIFETIME].number},
                                              {.number = fields[ONE_TIME].number}},
                   on_narrowed);
}
