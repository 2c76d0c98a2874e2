#include "jwtd/http/bearer.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"
#include "jwtd/http/outcome.h"

static bool is_scheme(word_list schemes, struct slice word)
{
    if (!schemes)
        return field_is(word, "Bearer");
    for (size_t i = 0; schemes[i]; i++)
        if (field_is(word, schemes[i]))
            return true;
    return false;
}

bool bearer_read(struct connection *c, struct slice *ret_token)
{
    struct slice rest = c->request.authorization, word, token, more;

    c->is_protected_view = true;
    /* Another scheme, or nothing, counts as no credentials. */
    if (!rest.p || !text_next_word(&rest, ' ', &word) ||
        !is_scheme(c->server->service.settings.http.auth_header_types, word)) {
        (void)connection_refuse(c, 401, "Authentication credentials were not provided.", NULL);
        return false;
    }
    if (!text_next_word(&rest, ' ', &token) || text_next_word(&rest, ' ', &more)) {
        (void)connection_refuse(c, 401,
                                "Authorization header must contain two space-delimited values",
                                "bad_authorization_header");
        return false;
    }
    if (token.n > WIRE_TOKEN_MAX) {
        (void)outcome_status(c, WIRE_INVALID);
        return false;
    }
    *ret_token = token;
    return true;
}
