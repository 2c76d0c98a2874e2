/*
 * What a value of a setting, of an option or of a claim may be. Each FORM says it in messages.
 */
#pragma once

#include "common/base/slice.h"

/* A StringOrURI (RFC 7519 2) without spaces, control characters, quotes and commas. */
#define VALUE_NAME_MAX 255 /* bytes */
#define VALUE_NAME_FORM "1 to 255 bytes without spaces, quotes and commas"
bool value_is_name(struct slice text);

/* A name without '#', which in an audience of a token begins the SSH key that it is bound to
 * (host_key.h). */
#define VALUE_AUDIENCE_FORM "1 to 255 bytes without spaces, quotes, commas and '#'"
bool value_is_audience(struct slice text);

/* An absolute path: a login's working directory is not ours to choose. */
#define VALUE_PATH_FORM "an absolute path"
bool value_is_path(struct slice text);

/* No control characters of ASCII. */
bool value_is_printable(struct slice text);

/* A token of HTTP (RFC 9110 5.6.2). */
bool value_is_token(struct slice text);

/* An origin (RFC 6454) as browsers write it: scheme://host[:port] in lower case, without the
 * default port of http and https. */
#define VALUE_ORIGIN_FORM                                                                      \
    "origins such as https://app.example or http://localhost:3000, in lower case, without a "  \
    "path, a wildcard or the default port of the scheme; null is not an origin"
bool value_is_origin(struct slice text);

/* An address from which files are fetched: https, or http to this host; without a user name, a
 * query or a fragment. */
#define VALUE_URL_FORM                                                                         \
    "https://HOST[:PORT][/PATH] (http is accepted for localhost, 127.0.0.1 and [::1])"
bool value_is_url(struct slice text);

/* The issuer of tokens (RFC 8414 2): such a URL with http or https, to any host. */
#define VALUE_ISSUER_FORM                                                                      \
    "a URL such as https://host.example, without spaces, quotes, commas, '?' and '#'"
bool value_is_issuer(struct slice text);

/* The same with https, and perhaps a query. */
#define VALUE_HTTPS_URL_FORM "https://HOST[:PORT][/PATH][?QUERY] of at most 255 bytes"
bool value_is_https_url(struct slice text);

/* The SHA-256 of a key (RFC 7638) in base64url. */
#define VALUE_THUMBPRINT_FORM                                                                  \
    "thumbprints of 43 base64url letters, as jwtctl key list shows them"
bool value_is_thumbprint(struct slice text);

/* The URL of a PostgreSQL database, as libpq reads it, without a password: every user can read
 * the settings. */
#define VALUE_DATABASE_FORM                                                                    \
    "postgresql://[USER@]HOST[:PORT][,HOST...]/DATABASE[?NAME=VALUE&...] without a password"
bool value_is_database(struct slice text);

/* A host name, an IPv4 address or an IPv6 address in brackets, without a port. */
bool value_is_host(struct slice text);
