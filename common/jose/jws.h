/*
 * The compact form of a JWS (RFC 7515 7.1), HEADER.PAYLOAD.SIGNATURE, and its header (RFC 7515
 * 4). Keys in the header (jwk, jku, x5u, x5c) are ignored.
 */
#pragma once

#include "common/jose/key.h"
#include "common/json/json.h"

#define JWS_HEADER_MAX 2048 /* bytes of a decoded header */

struct jws {
    struct slice header; /* base64url letters, as the next two */
    struct slice payload;
    struct slice signature;
    struct slice input; /* HEADER.PAYLOAD: what is signed */
};

/* Splits a token into exactly three parts of base64url letters; header and payload must not be
 * empty. TOK_MALFORMED. */
enum tok_err jws_split(struct slice token, struct jws *ret) MUST_CHECK;

/* Without the white space at both ends that comes with a pasted token. */
struct slice jws_trim(struct slice text);

/* True for a text that was meant to be a token, even if it is damaged: optional white space and
 * "Bearer", at least 14 base64url letters that decode to '{' first, and a dot; or any text with
 * such letters in it that begin with eyJ. It never decides whether a token is accepted. */
bool jws_is_shaped(struct slice text);

/* From JWS_TYP_BUNDLE on they are not types of tokens. */
enum jws_typ {
    JWS_TYP_ABSENT,
    JWS_TYP_JWT,
    JWS_TYP_AT_JWT,
    JWS_TYP_BUNDLE,      /* jwt-bundle (token/bundle.h) */
    JWS_TYP_ISSUER_KEYS, /* jwt-issuer-keys (likewise) */
    JWS_TYP_OTHER,
};

/* The type that a typ names. It is a media type: case-insensitive, and "application/" may be
 * omitted (RFC 7515 4.1.9). */
enum jws_typ jws_typ_of(struct slice name);

struct jws_header {
    const struct alg *alg; /* never NULL */
    enum jws_typ typ;
    char kid[KEY_KID_MAX];
    size_t kid_len;
    bool has_kid;
};

/* Decodes and reads a header. TOK_BASE64, TOK_JSON, TOK_HEADER, TOK_CRIT, TOK_UNSUPPORTED (b64,
 * zip, enc), TOK_ALG. */
enum tok_err jws_read_header(struct slice letters, struct jws_header *ret) MUST_CHECK;

/* Signs a payload. The header is {"alg","typ","kid"}; kid only if the key has one. max: of
 * characters; 0: no limit. TOK_TOO_LONG, TOK_KEYS for a public key, TOK_CRYPTO, TOK_NO_MEMORY.
 */
enum tok_err jws_sign(const struct key *key, const char *typ, struct slice payload, size_t max,
                      struct secret *ret) MUST_CHECK;

/* The length of the token that jws_sign makes of a payload of this many bytes. */
size_t jws_length(const struct key *key, const char *typ, size_t payload);
