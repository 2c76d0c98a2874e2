/*
 * Keys for signatures, read from a JWK (RFC 7517, RFC 7518 6, RFC 8037 2) or from PEM, or
 * generated. A key is good for exactly one algorithm, but for a public RSA key that names none:
 * it verifies every RS and PS algorithm that the caller allows. Threads may share the key of a
 * pair; a secret (oct) they may not, as every MAC is made in the context of the key.
 *
 * The same rules apply to every key (key_rules.h): RSA of 2048 to 8192 bits with an odd
 * exponent from 3 to 2^32 - 1 and without the weakness of CVE-2017-15361 (ROCA); an HMAC secret
 * at least as long as the hash (RFC 7518 3.2) and at most KEY_SECRET_MAX; an EC point on its
 * curve; no Ed25519 point of small order; a private part that matches the public one.
 *
 * Functions take an OSSL_LIB_CTX (NULL: the default one), which must outlive the key.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/secret.h"
#include "common/jose/alg.h"

#include <openssl/types.h>

#define KEY_KID_LEN 8    /* of a generated kid: the start of the RFC 7638 thumbprint */
#define KEY_KID_MAX 1024 /* bytes of a kid */
#define KEY_THUMBPRINT_LEN 43
#define KEY_SIGNATURE_MAX 1024 /* bytes: RSA of 8192 bits */
#define KEY_SECRET_MAX 4096    /* bytes of an HMAC secret */
#define KEY_RSA_BITS 2048      /* of a generated key */

struct key;

enum key_part {
    KEY_PUBLIC,  /* a public key, to verify; a private key is refused */
    KEY_PRIVATE, /* a private key, to sign; a public key is refused */
    KEY_EITHER,  /* to convert keys, not to trust them */
};

/* Reads a JWK that has alg or a crv. Errors as of key_read(). */
enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice jwk, enum key_part part,
                          struct key **ret, struct errmsg *errmsg) MUST_CHECK;

struct key_reading {
    OSSL_LIB_CTX *ctx;
    enum key_part part;
    alg_set algorithms; /* candidates for a key that names no algorithm */
};

/* Reads a JWK or PEM. TOK_UNSUPPORTED for an unknown kty, crv or alg and for another use than
 * signatures; TOK_KEYS for any other fault of the key. The message begins with the member.
 *
 * JWK: use and key_ops first decide whether the key may verify or sign; then alg is compared
 * with kty and crv. A member that is null counts as absent. kid is optional, at most
 * KEY_KID_MAX bytes. A secret (oct) can be read as either part; as KEY_PUBLIC it only verifies.
 * x5c, x5u and x5t are not read.
 *
 * PEM: a text that has a line "-----BEGIN "; exactly one key as SubjectPublicKeyInfo, PKCS#8,
 * PKCS#1 or SEC 1, not encrypted; it has no kid. Other text and other blocks are passed over.
 *
 * A key that names no algorithm gets the candidate that fits it. When several fit, a public RSA
 * key gets them all, and any other is refused. */
enum tok_err key_read(const struct key_reading *how, struct slice text, struct key **ret,
                      struct errmsg *errmsg) MUST_CHECK;

bool key_is_pem(struct slice text);

/* Generates a private key whose kid is the start of its thumbprint. RSA: KEY_RSA_BITS and the
 * exponent 65537. HMAC: as many bytes as the hash has. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_generate(OSSL_LIB_CTX *ctx, const struct alg *alg,
                          struct key **ret) MUST_CHECK;

void key_free(struct key *key);
DEFINE_CLEANUP(struct key *, cleanup_key, key_free)

/* Its algorithm; of several, the first. */
const struct alg *key_alg(const struct key *key);

/* All its algorithms. More than one: RS and PS alone. */
alg_set key_algs(const struct key *key);

/* The same key material. */
bool key_is_same(const struct key *a, const struct key *b);

/* An empty slice when the key has none. */
struct slice key_kid(const struct key *key);

/* The same as a C string. */
void key_kid_copy(const struct key *key, char ret[KEY_KID_MAX + 1]);

bool key_is_private(const struct key *key);

/* Bytes of every signature of this key; at most KEY_SIGNATURE_MAX. */
size_t key_sig_len(const struct key *key);

/* RFC 7638 with SHA-256, in base64url, without a NUL. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_thumbprint(const struct key *key, char ret[KEY_THUMBPRINT_LEN]) MUST_CHECK;

/* Formats the public key as a malloc'ed C string, with "kid", "use":"sig" and, when it has only
 * one, "alg". A key without kid gets the start of its thumbprint. TOK_KEYS for a secret (oct).
 */
enum tok_err key_public_jwk(const struct key *key, char **ret) MUST_CHECK;

/* The same for the private key. TOK_KEYS for a public key. */
enum tok_err key_private_jwk(const struct key *key, struct secret *ret) MUST_CHECK;

/* Formats the public key as PEM (SubjectPublicKeyInfo), malloc'ed. TOK_KEYS for a secret (oct).
 */
enum tok_err key_public_pem(const struct key *key, char **ret) MUST_CHECK;

/* Verifies by the first algorithm of the key. TOK_SIGNATURE when the signature is wrong;
 * TOK_CRYPTO, TOK_NO_MEMORY. MACs are compared in constant time. */
enum tok_err key_verify(const struct key *key, struct slice input,
                        struct slice signature) MUST_CHECK;

/* The same by one of its algorithms. TOK_ALG: the key does not have it. */
enum tok_err key_verify_as(const struct key *key, const struct alg *alg, struct slice input,
                           struct slice signature) MUST_CHECK;

/* Writes key_sig_len(key) bytes. TOK_KEYS for a public key; TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_sign(const struct key *key, struct slice input, void *ret) MUST_CHECK;
