/*
 * base64url as JOSE wants it (RFC 7515 2, RFC 4648 5): the URL-safe letters, no padding, no
 * spaces, and canonical: the unused bits of the last letter are zero (RFC 4648 3.5), so that
 * one value has one spelling and encode(decode(x)) = x.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* Letters that n bytes take; bytes that n letters hold (n % 4 == 1 holds none: no such text).
 */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)
#define BASE64URL_BYTES(n) ((n)*3 / 4)

/* Writes BASE64URL_LEN(in.n) letters, no NUL. The caller made the room. */
void base64url_encode(struct slice in, char *ret);

/* Writes BASE64URL_BYTES(in.n) bytes into ret, which has room for size. TOK_BASE64 for anything
 * that is not canonical or does not fit; ret's bytes are then undefined, *ret_n is untouched.
 */
enum tok_err base64url_decode(struct slice in, void *ret, size_t size,
                              size_t *ret_n) MUST_CHECK;

/* True when every byte is one of the 64 letters (an empty text is). */
bool base64url_is_text(struct slice in);
