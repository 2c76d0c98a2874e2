/*
 * A key is immutable once made and good for exactly one algorithm. It holds a keyed EVP context
 * made once; a check or a signature works on a copy of it, so one key may serve many threads.
 * Files hold keys as JWKs (RFC 7517, RFC 8037 2) and as nothing else; that half is key_jwk.c.
 *
 * Everything takes the caller's OSSL_LIB_CTX (NULL: the default one); the key must be freed
 * before that context is.
 */
#pragma once

#include "alg.h"
#include "cleanup.h"
#include "secret.h"

#include <openssl/types.h>

#define KEY_KID_LEN 8   /* letters of the kid we give: the start of the RFC 7638 thumbprint */
#define KEY_KID_MAX 128 /* bytes of a kid we take */
#define KEY_THUMBPRINT_LEN 43
#define KEY_SIGNATURE_MAX 64 /* bytes, the largest of alg's table */
#define KEY_RAW_MAX 32       /* likewise, of a public and of a private part */

struct key;

enum key_part {
    KEY_PUBLIC,  /* to verify with; a JWK that holds a private part is refused */
    KEY_PRIVATE, /* to sign with; a JWK without one is refused */
};

/* A JWK's text. Strict JSON (scan). use, key_ops and alg are obeyed: a key that says it is for
 * encryption, or for another algorithm, is TOK_KEYS. For a kty, crv or alg that this library
 * does not know: TOK_UNSUPPORTED, so that a set can pass it over (RFC 7517 5). Refused too: a
 * point of small order, wrong lengths, an x that is not d's. kid, when there, must be a string
 * of 1 to KEY_KID_MAX bytes. */
enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice jwk, enum key_part part,
                          struct key **ret, struct why *why) MUST_CHECK;

/* From the bytes of alg->public_len or alg->private_len (RFC 8032 5.1.5). kid may be empty.
 * TOK_KEYS: a point of small order, or no encoding of a point. */
enum tok_err key_from_raw(OSSL_LIB_CTX *ctx, const struct alg *alg, enum key_part part,
                          const uint8_t *bytes, struct slice kid, struct key **ret) MUST_CHECK;

/* A new private key; its kid is the thumbprint's start. */
enum tok_err key_generate(OSSL_LIB_CTX *ctx, const struct alg *alg,
                          struct key **ret) MUST_CHECK;

void key_free(struct key *key);
DEFINE_CLEANUP(struct key *, cleanup_key, key_free)

const struct alg *key_alg(const struct key *key);

/* The JWK's kid, or an empty slice. Lives as long as the key. */
struct slice key_kid(const struct key *key);

/* The public part's bytes; they live as long as the key. */
struct slice key_raw_public(const struct key *key);

/* The private part's bytes. A key without one: TOK_KEYS. */
enum tok_err key_raw_private(const struct key *key, struct secret *ret) MUST_CHECK;

/* RFC 7638, SHA-256, base64url; no NUL. */
enum tok_err key_thumbprint(const struct key *key, char ret[KEY_THUMBPRINT_LEN]) MUST_CHECK;

/* Compact JSON: {"kty","crv","x","kid","alg","use":"sig"}; malloc'ed, NUL-terminated. A key
 * without kid gets the thumbprint's start. */
enum tok_err key_public_jwk(const struct key *key, char **ret) MUST_CHECK;

/* The same with d. A key without private part: TOK_KEYS. */
enum tok_err key_private_jwk(const struct key *key, struct secret *ret) MUST_CHECK;

/* TOK_OK, TOK_SIGNATURE, TOK_CRYPTO or TOK_NO_MEMORY. A signature of the wrong length is
 * TOK_SIGNATURE before libcrypto sees it. */
enum tok_err key_verify(const struct key *key, struct slice input,
                        struct slice signature) MUST_CHECK;

/* Writes key_alg(key)->sig_len bytes. */
enum tok_err key_sign(const struct key *key, struct slice input, void *ret) MUST_CHECK;
