/*
 * What the values of single header fields say (RFC 9110, RFC 9112): pure functions of bytes,
 * none of which allocates. A field is judged whole: a value that is out of its grammar is
 * never partly understood.
 */
#pragma once

#include "common/base/slice.h"

/* Bytes compared without regard to the case of ASCII letters; a NUL in s equals nothing. */
bool field_is(struct slice s, const char *want);

/* A token (RFC 9110 5.6.2): at least one byte, each a tchar. */
bool field_is_tchar(unsigned char c);
bool field_is_token(struct slice s);

/* Host (RFC 9110 7.2): a name, an IPv4 address or [an IPv6 address], and perhaps a port of one
 * to five digits. *ret_name is what stands before the port. */
bool field_host(struct slice value, struct slice *ret_name);

enum field_length { FIELD_LENGTH_FINE, FIELD_LENGTH_BAD, FIELD_LENGTH_OVER };

/* Content-Length (RFC 9110 8.6): digits alone, at most max. */
enum field_length field_length(struct slice value, size_t max, size_t *ret);

/* A field of a type and parameters, "form-data; name=x" (RFC 9110 5.6.6), is read from its
 * front: the type, a token or two with a slash between, then each parameter. */
bool field_type(struct slice *rest, struct slice *ret);

/* The next parameter; a value's quotes are taken off. False at the end, where *rest is empty,
 * and at a fault, where it is not. A quoted value with a backslash is a fault: none of ours
 * needs one.
 */
bool field_parameter(struct slice *rest, struct slice *ret_name, struct slice *ret_value);

struct field_media {
    struct slice type;     /* "application/json", as it was written */
    struct slice charset;  /* p NULL: not said */
    struct slice boundary; /* p NULL: not said */
};

/* Content-Type (RFC 9110 8.3.1) with its parameters; none of the known ones twice. */
bool field_media(struct slice value, struct field_media *ret);

/* True when one line of Accept (RFC 9110 12.5.1) names application/json, application/<star> or
 * <star>/<star>, or nothing at all. Weights are not looked at, as Django REST framework does.
 */
bool field_accepts_json(struct slice value);

/* The element after the last comma: of X-Forwarded-For, the one that our own proxy wrote. */
struct slice field_last(struct slice value);

/* If-None-Match (RFC 9110 13.1.2): "*", or a list that has this quoted tag, weak or strong. */
bool field_has_etag(struct slice value, struct slice etag);
