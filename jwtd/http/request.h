/*
 * A strict reader of one HTTP/1.x request (RFC 9112). Pure: bytes in, a state out; no
 * allocation, no clock, no descriptor. It is shown all bytes buffered so far, at the same
 * address each time, and looks at each byte of the head once, in order: however the bytes are
 * cut into pieces, the verdict is the same, and what is wrong is refused when it is seen.
 *
 * Refused: anything but one request line of exactly "METHOD SP /path SP HTTP/1.0 or 1.1"; field
 * names that are no tokens; control characters, NUL, DEL, folded lines, a CR or LF alone (400);
 * a head over 8 KiB or 32 fields (431); no Host, two, or one out of form (400); any
 * Transfer-Encoding (501); a Content-Length that is not digits, or two (400), or over 16 KiB
 * (413), or none with POST (411); two Content-Type or Authorization (400); a Content-Encoding
 * or charset that is not plain UTF-8 (415); an Expect other than 100-continue (417); methods
 * (501) and versions (505) that are none of ours. Bytes after the body are not looked at.
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
    REQUEST_IN_BODY, /* the head is whole and good; more bytes are needed */
    REQUEST_WHOLE,
    REQUEST_REFUSED,
};

/* Make it whole with `= {0}`. Slices point into the buffer; p is NULL for a field that was not
 * sent. */
struct http_request {
    enum request_state state;
    int status;         /* REQUEST_REFUSED: of the reply */
    const char *detail; /* likewise: a sentence; NULL: content_type is not supported */

    enum request_method method;
    bool http_1_0;
    struct slice path; /* without the query */
    struct slice host; /* without the port */
    struct slice authorization;
    struct slice content_type;
    struct slice forwarded_for; /* the last line of them */
    struct slice if_none_match;
    bool accepts_json; /* Accept allows it, or there is none */
    bool expects_continue;
    size_t body_len;
    struct slice body; /* REQUEST_WHOLE */

    /* The reader's own. */
    size_t at;      /* bytes of the head looked at */
    size_t line;    /* where the line that is being read begins */
    unsigned lines; /* that are whole, the request line among them */
    bool in_value, after_cr, has_length, has_encoding, has_expect, has_accept;
};

/* auth_header: the field that carries the token, AuthHeaderName. */
enum request_state request_read(struct http_request *r, const char *auth_header,
                                struct slice bytes);

/* "POST"; "" for METHOD_UNKNOWN. */
const char *request_method_name(enum request_method method);
