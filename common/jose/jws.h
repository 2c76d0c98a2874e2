/*
 * The compact form of a JWS (RFC 7515 7.1): HEADER.PAYLOAD.SIGNATURE. Splitting, and the JOSE
 * header (RFC 7515 4). Nothing here trusts what the header says of keys: jwk, jku, x5u, x5c are
 * never looked at.
 */
#pragma once

#include "common/jose/alg.h"
#include "common/json/json.h"

#define JWS_HEADER_MAX 2048 /* bytes of a decoded header */

struct jws {
    struct slice header; /* letters */
    struct slice payload;
    struct slice signature;
    struct slice input; /* HEADER.PAYLOAD, what is signed */
};

/* Exactly three parts, each of base64url letters, header and payload not empty. TOK_MALFORMED.
 */
enum tok_err jws_split(struct slice token, struct jws *ret) MUST_CHECK;

/* True for what a person must have meant as a token, whole or mangled: after blanks and a
 * "Bearer" in front, at least 14 base64url letters that begin a JSON object ("{" decoded), then
 * a dot. It decides only who judges a text (pam_jwt's ignore_non_token), never whether it
 * holds. */
bool jws_is_shaped(struct slice text);

enum jws_typ { JWS_TYP_ABSENT, JWS_TYP_JWT, JWS_TYP_AT_JWT, JWS_TYP_OTHER };

/* The type of a header's typ: a media type, whose "application/" may be left out, and whose
 * case says nothing (RFC 7515 4.1.9). */
enum jws_typ jws_typ_of(struct slice name);

struct jws_header {
    const struct alg *alg; /* never NULL */
    enum jws_typ typ;      /* a media type: "JWT", "jwt" and "application/jwt" are the same */
    char kid[128];
    size_t kid_len;
    bool has_kid;
};

/* Decodes and reads a header. Errors: TOK_BASE64, TOK_JSON, TOK_HEADER, TOK_CRIT,
 * TOK_UNSUPPORTED (b64, zip, enc), TOK_ALG. */
enum tok_err jws_read_header(struct slice letters, struct jws_header *ret) MUST_CHECK;
