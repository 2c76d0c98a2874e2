/*
 * Errors over HTTP: an answer of jwtd-issuer other than WIRE_OK by one table of status, words
 * and code, and what jwtd refuses itself in the words of Django REST framework. A protected
 * view, whose token is in Authorization, words its errors differently from an endpoint whose
 * body has it.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Each of these but one fills c->reply and returns CONN_REPLY. */

/* Adds {NAME:[TEXT]}: what is wrong with a field. */
struct json_object *outcome_with_error(struct json_object *object, const char *name,
                                       const char *text);

/* An object for an error: of an exchange {"error":ERROR} (RFC 6749 5.2), else empty. */
struct json_object *outcome_error(const struct connection *c, const char *error);

/* For an answer whose status is not WIRE_OK. */
enum conn_result outcome_refuse(struct connection *c, const struct wire_message *answer);

/* The same for a status that has no fields. */
enum conn_result outcome_status(struct connection *c, enum wire_status status);

/* The same for a refused subject token: counts it as a failed login of this source. */
enum conn_result outcome_exchange(struct connection *c, enum wire_status status);

/* A failed login: counts it, and delays the reply to a multiple of FailureTime after the
 * request, the same whatever was wrong. */
enum conn_result outcome_denied(struct connection *c);

/* 429, retry after so many seconds. */
enum conn_result outcome_throttled(struct connection *c, uint64_t seconds);

/* 415 for the request's Content-Type. */
enum conn_result outcome_media_type(struct connection *c);
