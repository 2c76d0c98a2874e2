/*
 * A key is good for exactly one algorithm. Threads may share the key of a pair; a secret (oct)
 * they may not, as each MAC is made in the key's own context. Files hold keys as JWKs (RFC
 * 7517, 7518 6, 8037 2; key_jwk.c) or as PEM (key_pem.c).
 *
 * Every key passes the same rules (key_rules.c), wherever it comes from: RSA of 2048 to 8192
 * bits with an odd exponent from 3 to 2^32 - 1 and without the mark of CVE-2017-15361 (ROCA);
 * an HMAC secret at least as long as its hash (RFC 7518 3.2) and at most KEY_SECRET_MAX; a
 * point on its curve; no Ed25519 point of small order; a private part that belongs to the
 * public one.
 *
 * Everything takes the caller's OSSL_LIB_CTX (NULL: the default one); the key must be freed
 * before that context is.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/secret.h"
#include "common/jose/alg.h"

#include <openssl/types.h>

#define KEY_KID_LEN 8   /* letters of the kid we give: the start of the RFC 7638 thumbprint */
#define KEY_KID_MAX 128 /* bytes of a kid we take */
#define KEY_THUMBPRINT_LEN 43
#define KEY_SIGNATURE_MAX 1024 /* bytes: RSA of 8192 bits */
#define KEY_SECRET_MAX 1024    /* bytes of an HMAC secret */
#define KEY_RSA_BITS 2048      /* of a generated key: the shortest tokens that are allowed */

struct key;

enum key_part {
    KEY_PUBLIC,  /* to verify with; a key that holds a private part is refused */
    KEY_PRIVATE, /* to sign with; a key without one is refused */
    KEY_EITHER,  /* whichever it is: key_is_private; to copy keys, not to trust them */
};

/* A JWK's text. Strict JSON (scan). use, key_ops and alg are obeyed: for a key that says it is
 * for something else than signatures, and for a kty, crv or alg that this library does not
 * know: TOK_UNSUPPORTED, so that a set can pass it over (RFC 7517 5). Anything else that is
 * wrong: TOK_KEYS, the sentence starting with the member. The curve of EC and OKP implies the
 * algorithm; RSA and oct must name it. An oct key is its own secret: either part takes it, and
 * with KEY_PUBLIC it verifies only. kid, when there, must be a string of 1 to KEY_KID_MAX
 * bytes. */
enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice jwk, enum key_part part,
                          struct key **ret, struct errmsg *errmsg) MUST_CHECK;

/* How a key is read. */
struct key_reading {
    OSSL_LIB_CTX *ctx;
    enum key_part part;
    alg_set algorithms; /* those that a key which names none may get */
};

/* A JWK, or PEM: what begins with "-----BEGIN " and nothing else, so that PEM is never taken
 * for a secret. A key that names no algorithm gets the one of `algorithms` that fits it: none
 * is TOK_UNSUPPORTED, more than one TOK_KEYS. PEM is one block of SubjectPublicKeyInfo, PKCS#8,
 * PKCS#1 or SEC 1, without passphrase; it has no kid. */
enum tok_err key_read(const struct key_reading *how, struct slice text, struct key **ret,
                      struct errmsg *errmsg) MUST_CHECK;

bool key_is_pem(struct slice text);

/* A new private key; its kid is the thumbprint's start. RSA: KEY_RSA_BITS, exponent 65537.
 * HMAC: as many random bytes as the hash has. */
enum tok_err key_generate(OSSL_LIB_CTX *ctx, const struct alg *alg,
                          struct key **ret) MUST_CHECK;

void key_free(struct key *key);
DEFINE_CLEANUP(struct key *, cleanup_key, key_free)

const struct alg *key_alg(const struct key *key);

/* The JWK's kid, or an empty slice. Lives as long as the key. */
struct slice key_kid(const struct key *key);

bool key_is_private(const struct key *key);

/* Bytes of each signature of this key; at most KEY_SIGNATURE_MAX. */
size_t key_sig_len(const struct key *key);

/* RFC 7638, SHA-256, base64url; no NUL. */
enum tok_err key_thumbprint(const struct key *key, char ret[KEY_THUMBPRINT_LEN]) MUST_CHECK;

/* Compact JSON: {"kty", the public members, "kid","alg","use":"sig"}; malloc'ed,
 * NUL-terminated. A key without kid gets the thumbprint's start. TOK_KEYS: an oct key, which
 * has no public part. */
enum tok_err key_public_jwk(const struct key *key, char **ret) MUST_CHECK;

/* The same with the private members. A key without private part: TOK_KEYS. */
enum tok_err key_private_jwk(const struct key *key, struct secret *ret) MUST_CHECK;

/* SubjectPublicKeyInfo as PEM; malloc'ed, NUL-terminated. TOK_KEYS: an oct key. */
enum tok_err key_public_pem(const struct key *key, char **ret) MUST_CHECK;

/* TOK_OK, TOK_SIGNATURE, TOK_CRYPTO or TOK_NO_MEMORY. A signature of the wrong length is
 * TOK_SIGNATURE before libcrypto sees it. MACs are compared in constant time. */
enum tok_err key_verify(const struct key *key, struct slice input,
                        struct slice signature) MUST_CHECK;

/* Writes key_sig_len(key) bytes. A key without private part: TOK_KEYS. */
enum tok_err key_sign(const struct key *key, struct slice input, void *ret) MUST_CHECK;
