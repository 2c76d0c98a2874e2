#include "jwtd/http/bearer.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"
#include "jwtd/http/outcome.h"

enum bearer { BEARER_NONE, BEARER_BAD, BEARER_FINE };

static bool is_scheme(word_list schemes, struct slice word)
{
    if (!schemes)
        return field_is(word, "Bearer");
    for (size_t i = 0; schemes[i]; i++)
        if (field_is(word, schemes[i]))
            return true;
    return false;
}

/* SCHEME TOKEN. Another scheme, or nothing, is no credentials. */
static enum bearer read_words(const struct connection *c, struct slice *ret_token)
{
    struct slice rest = c->request.authorization, word, token, more;

    if (!rest.p || !text_next_word(&rest, ' ', &word) ||
        !is_scheme(c->server->service.settings.http.auth_header_types, word))
        return BEARER_NONE;
    if (!text_next_word(&rest, ' ', &token) || text_next_word(&rest, ' ', &more))
        return BEARER_BAD;
    *ret_token = token;
    return BEARER_FINE;
}

void bearer_refuse(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    outcome_reply(&reply, answer, OUTCOME_PROTECTED);
    connection_reply(c, &reply);
}

bool bearer_read(struct connection *c, struct slice *ret_token)
{
    struct slice token;

    switch (read_words(c, &token)) {
    case BEARER_NONE:
        connection_refuse(c, 401, "Authentication credentials were not provided.", NULL);
        return false;
    case BEARER_BAD:
        connection_refuse(c, 401,
                          "Authorization header must contain two space-delimited values",
                          "bad_authorization_header");
        return false;
    case BEARER_FINE:
        break;
    }
    if (token.n > WIRE_TOKEN_MAX) {
        bearer_refuse(c, &(const struct wire_message){.status = WIRE_INVALID});
        return false;
    }
    *ret_token = token;
    return true;
}
