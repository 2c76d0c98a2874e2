/*
 * The part of base64url's decoding that a processor with wide registers does thirty-two letters
 * at a time, for base64url.c alone. Everywhere else it does nothing, and the caller does all.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define BASE64URL_WIDE_IN 32 /* letters of a step */

/* Decodes the first *n letters of in, a multiple of four, into out, which has room for exactly
 * their bytes; sets *n to 0 and does nothing where the processor can't or they are fewer than
 * BASE64URL_WIDE_IN. False: one of them is no letter, and what is in out means nothing. */
bool base64url_wide(const char *in, size_t *n, uint8_t *out) MUST_CHECK;
