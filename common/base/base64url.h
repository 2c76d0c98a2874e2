/*
 * base64url as JOSE uses it (RFC 7515 2, RFC 4648 5): without padding and white space, and
 * canonical: the unused bits of the last letter are zero (RFC 4648 3.5), so that a value has
 * exactly one encoding.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define BASE64URL_LEN(n) ((4 * (n) + 2) / 3) /* letters for n bytes */
#define BASE64URL_BYTES(n) (3 * (n) / 4)     /* bytes of n letters */

/* Writes BASE64URL_LEN(in.n) letters without a NUL. */
void base64url_encode(struct slice in, char *ret);

/* Writes BASE64URL_BYTES(in.n) bytes to ret, which has room for size and may be in.p.
 * TOK_BASE64 when the text is not canonical or does not fit; the bytes at ret are then
 * undefined. */
enum tok_err base64url_decode(struct slice in, void *ret, size_t size,
                              size_t *ret_n) MUST_CHECK;

/* True when all bytes are letters of base64url; an empty text is. */
bool base64url_is_text(struct slice in);
