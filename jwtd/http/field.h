/*
 * Parsers for the values of header fields (RFC 9110, RFC 9112). Pure; nothing is allocated. A
 * value that does not match its grammar is an error, whatever part of it could be used.
 */
#pragma once

#include "common/base/slice.h"

/* Compares, ignoring the case of ASCII letters. */
bool field_equal(struct slice a, struct slice b);

/* The same with a C string. A NUL in s equals nothing. */
bool field_is(struct slice s, const char *want);

/* A token (RFC 9110 5.6.2): at least one byte, each a tchar. */
bool field_is_tchar(unsigned char c);
bool field_is_token(struct slice s);

/* A colon and a port of one to five digits, at most 65535. */
bool field_is_port(struct slice s);

/* Host (RFC 9110 7.2): a name, an IPv4 address or [an IPv6 address], and an optional port.
 * *ret_name is the part before the port. */
bool field_host(struct slice value, struct slice *ret_name);

/* Digits alone, at least one. */
bool field_is_number(struct slice s);

/* The type of a field with parameters, "form-data; name=x" (RFC 9110 5.6.6): a token, or two
 * with a slash between. It is removed from the front of *rest; the parameters follow. */
bool field_type(struct slice *rest, struct slice *ret);

/* The next parameter; the quotes of a value are removed. False at the end, when *rest is empty,
 * and at an error, when it is not. A backslash in a quoted value is an error. */
bool field_parameter(struct slice *rest, struct slice *ret_name, struct slice *ret_value);

struct field_media {
    struct slice type;     /* "application/json", in the case it was sent */
    struct slice charset;  /* p NULL: none */
    struct slice boundary; /* p NULL: none */
};

/* Content-Type (RFC 9110 8.3.1). A second charset or boundary is an error. */
bool field_media(struct slice value, struct field_media *ret);

/* True when one line of Accept (RFC 9110 12.5.1) has application/json, application/<star> or
 * <star>/<star>, or is empty. Weights are ignored, as in Django REST framework. */
bool field_accepts_json(struct slice value);

/* The element after the last comma. In X-Forwarded-For it is the one that the proxy added which
 * is connected to jwtd. */
struct slice field_last(struct slice value);

/* True when If-None-Match (RFC 9110 13.1.2) is "*" or has this quoted tag, weak or strong. */
bool field_has_etag(struct slice value, struct slice etag);
