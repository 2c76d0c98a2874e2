/*
 * The handlers of the routes, and what they share. A handler is called once, with a complete
 * request; it reads the body, asks jwtd-issuer, and puts the result in simplejwt's words.
 */
#pragma once

#include "jwtd/http/body.h"
#include "jwtd/http/connection.h"

/* handlers_plain: of a request without a body. */
conn_handler handlers_login, handlers_token, handlers_plain, handlers_sessions,
    handlers_session_end, handlers_logout, handlers_narrow, handlers_exchange, handlers_keys,
    handlers_metrics, handlers_list;

/* The replies to answers of jwtd-issuer: 200 with its one or two tokens, by their names in the
 * table of wire.h; {}; 204; and each for its own route. */
conn_answered handlers_tokens, handlers_empty, handlers_no_content, handlers_user,
    handlers_auth, handlers_page, handlers_ended, handlers_healthy, handlers_bundle,
    handlers_exchanged, handlers_revoked;

/* True when the source has too many failed logins (FailuresPerSource=): c->reply has the 429.
 */
bool handlers_throttled(struct connection *c);

/* Asks jwtd-issuer what the route says: CONN_ASKED, or 503. values: the fields of the request
 * but for the token in Authorization, the source and the client, which are filled in. */
enum conn_result handlers_ask(struct connection *c, const union wire_value *values);

/* Reads the fields of the body. False: c->reply has what is wrong with it, in Django REST
 * framework's words, for all bad fields at once. *ret is to be cleared in any case. n is 0 for
 * an endpoint without fields: its body, too, must be well formed. */
bool handlers_read_body(struct connection *c, struct body_field *fields, size_t n,
                        struct body *ret);

/* Reads the access token in Authorization (RFC 6750 2.1), as simplejwt's JWTAuthentication
 * does. False: c->reply has the 401. */
bool handlers_read_bearer(struct connection *c);

/* 200 with an object that must not be cached; NULL: out of memory. CONN_REPLY. */
enum conn_result handlers_object(struct connection *c, struct json_object *object);
