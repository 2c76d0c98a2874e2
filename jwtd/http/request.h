/*
 * A strict reader of one HTTP/1.x request (RFC 9112). Pure: no allocation, no clock, no
 * descriptor. Each call gets all bytes received so far, at the same address, and the reader
 * continues where it stopped: the result does not depend on how the bytes arrive, and an error
 * is found at the first byte that makes it certain.
 *
 * Refused: a request line other than "METHOD SP /path SP HTTP/1.0 or 1.1", field names that are
 * not tokens, control characters, NUL, DEL, folded lines, a CR or LF alone (400); a head over
 * 8 KiB or 32 fields (431); a missing, second or malformed Host (400); any Transfer-Encoding
 * (501); a malformed or second Content-Length (400), one over 16 KiB (413), none with POST
 * (411); a second Content-Type or Authorization (400); a Content-Encoding or charset other than
 * identity and UTF-8 (415); an Expect other than 100-continue (417); unknown methods (501) and
 * versions (505). Bytes after the body are ignored.
 */
#pragma once

#include "common/base/slice.h"

#define REQUEST_HEAD_MAX 8192
#define REQUEST_FIELDS_MAX 32
#define REQUEST_BODY_MAX 16384
#define REQUEST_MAX (REQUEST_HEAD_MAX + REQUEST_BODY_MAX) /* bytes worth buffering */

enum request_method {
    METHOD_UNKNOWN,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_COUNT,
};

enum request_state {
    REQUEST_IN_HEAD, /* more bytes are needed */
    REQUEST_IN_BODY, /* the head is complete and valid; more bytes are needed */
    REQUEST_WHOLE,
    REQUEST_REFUSED,
};

/* Initialise it with `= {0}`. Slices point into the buffer; p is NULL for a field that was not
 * sent. */
struct http_request {
    enum request_state state;
    int status;         /* of REQUEST_REFUSED: HTTP status */
    const char *detail; /* likewise: a sentence; NULL: content_type is not supported */

    enum request_method method;
    bool http_1_0;
    struct slice path; /* without the query */
    struct slice host; /* without the port */
    struct slice host_field;
    struct slice origin; /* empty when it was sent twice */
    bool cross_site;     /* Sec-Fetch-Site (W3C Fetch Metadata) says so */
    bool is_preflight;   /* Access-Control-Request-Method was sent */
    struct slice authorization;
    struct slice content_type;
    struct slice forwarded_for; /* the last field line */
    struct slice if_none_match;
    struct slice user_agent;
    bool accepts_json; /* also without an Accept */
    bool expects_continue;
    size_t body_len;
    struct slice body; /* REQUEST_WHOLE */

    /* State of the reader. */
    size_t at;      /* bytes of the head that were read */
    size_t line;    /* start of the current line */
    unsigned lines; /* complete ones, with the request line */
    bool in_value, after_cr, has_length, has_accept;
    uint32_t seen; /* a bit for each field that may be sent once */
};

/* auth_header: the name of the field with the token, AuthHeaderName. */
enum request_state request_read(struct http_request *r, const char *auth_header,
                                struct slice bytes);

/* "POST"; "" of METHOD_UNKNOWN. */
extern const char *const request_methods[METHOD_COUNT];
