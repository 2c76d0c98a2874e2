/*
 * The bundle of an issuer: what its hosts need to verify tokens, signed by its bundle key. A
 * compact JWS, header {"alg":"EdDSA","typ":"jwt-bundle","kid"}, at most BUNDLE_MAX characters
 * (2 KB with EdDSA and the usual few keys), payload
 *
 *   {"iss":URL,"iat":N,"exp":N,"epoch":N,"seq":N,
 *    "keys":[JWK...],              a public key each, and "state": "next" (does not sign yet),
 *                                  "signing" or "old"
 *    "bundle_keys":[{"jwk":JWK},{"jwk":JWK,"by":KID,"signature":LETTERS}...],
 *    "revoked":{"sha256":LETTERS,"count":N,"pruned_until":N}}
 *
 * Times are seconds since the Epoch, seq is microseconds since the Epoch or more; LETTERS are
 * base64url. All numbers are integers of at most 2^53 - 1, none is negative. Unknown members
 * are ignored, duplicate ones refused.
 *
 * bundle_keys: oldest first; the last one signs the bundle. Each but the first is signed by
 * the one before it, whose kid is "by": "signature" is over the text
 * "jwt-bundle-key ISS THUMBPRINT" of the issuer and the new key (RFC 7638), which no JWS can
 * have as its signing input. A host that trusts any of them finds its way to the last one. It
 * then trusts the last one in place of each that the signatures lead from (`linked`):
 * forgetting these is what makes a stolen, retired bundle key worthless. Other keys that it
 * trusts stay: they are of other issuers on the same database.
 *
 * revoked: of the file `revoked` (revoked_digest).
 *
 * A key document, typ "jwt-issuer-keys", has iss, iat, seq, keys and bundle_keys alone: it
 * tells the other issuers of a database the keys of one of them, and does not expire. Neither
 * type is accepted as the other.
 *
 * Times and order are not checked here: a reader refuses exp <= now, an iat or a seq far ahead
 * of its clock, any epoch but its last one and the next, and a lower seq within an epoch.
 */
#pragma once

#include "common/base/text.h"
#include "common/base/value.h"
#include "common/jose/key.h"
#include "common/token/revoked.h"

#define BUNDLE_MAX 16384     /* characters */
#define BUNDLE_KEYS_MAX 64   /* that verify tokens */
#define BUNDLE_CHAIN_MAX 8   /* bundle keys */
#define BUNDLE_ALG "EdDSA"   /* of every bundle key */
#define BUNDLE_LIFETIME 3600 /* seconds from iat to exp */

enum bundle_key_state { BUNDLE_KEY_NEXT, BUNDLE_KEY_SIGNING, BUNDLE_KEY_OLD };

struct bundle {
    char iss[VALUE_NAME_MAX + 1];
    int64_t iat, exp;
    int64_t epoch, seq; /* at least 1 */
    size_t n_keys;
    struct key *keys[BUNDLE_KEYS_MAX];
    enum bundle_key_state states[BUNDLE_KEYS_MAX];
    size_t n_chain; /* at least 1 */
    size_t linked;  /* read: of the first key from which signatures lead to the last one */
    struct key *chain[BUNDLE_CHAIN_MAX];
    struct revoked_digest revoked;
    int64_t pruned_until;
};

/* Signs a bundle with the last key of the chain; all keys of the chain are private. Frees
 * nothing. TOK_TOO_LONG: over BUNDLE_MAX. TOK_KEYS: the chain has a public key or another
 * algorithm, or a key is a secret. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err bundle_write(const struct bundle *bundle, struct secret *ret) MUST_CHECK;

/* Which bundle keys a reader trusts: their thumbprints (RFC 7638, 43 letters). */
struct bundle_trust {
    OSSL_LIB_CTX *ctx;
    word_list thumbprints;
};

/* Verifies and reads a bundle. ret->keys and ret->chain are public keys, owned by *ret: free
 * them with bundle_clear. Keys of an unknown kty, crv or alg are left out; at least one must
 * be left, and no two may have one kid. What decides is errmsg's sentence; the error is
 *
 *   TOK_TOO_LONG, TOK_MALFORMED, TOK_BASE64, TOK_JSON, TOK_HEADER, TOK_CRIT,
 *   TOK_UNSUPPORTED, TOK_ALG   the form of the JWS and its header
 *   TOK_TYP          another typ, such as that of a token
 *   TOK_UNKNOWN_KEY  no bundle key is trusted, or another key than the last one signed
 *   TOK_SIGNATURE    of the bundle, or of the last bundle key's chain
 *   TOK_CLAIM_TYPE   a member of the payload is missing or of another form
 *   TOK_KEYS         a key is invalid
 *   TOK_CRYPTO, TOK_NO_MEMORY */
enum tok_err bundle_read(const struct bundle_trust *trust, struct slice text,
                         struct bundle *ret, struct errmsg *errmsg) MUST_CHECK;

/* The same for key documents: of *bundle and *ret, exp, epoch, revoked and pruned_until are not
 * used. iss: the issuer that it must be of, else TOK_ISSUER. */
enum tok_err key_document_write(const struct bundle *bundle, struct secret *ret) MUST_CHECK;
enum tok_err key_document_read(const struct bundle_trust *trust, const char *iss,
                               struct slice text, struct bundle *ret,
                               struct errmsg *errmsg) MUST_CHECK;

/* True when signatures lead from the key of this thumbprint to the one that signed, or it is
 * that one. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err bundle_leads_from(const struct bundle *bundle, const char *thumbprint,
                               bool *ret) MUST_CHECK;

/* Frees the keys. A bundle of zeros may be cleared, too. */
void bundle_clear(struct bundle *bundle);

/* The JWK Set of the keys, for jwks.json; ends in a newline. TOK_NO_MEMORY, TOK_CRYPTO. */
enum tok_err bundle_jwks(const struct bundle *bundle, struct secret *ret) MUST_CHECK;

/* The names of the states, and the text that the predecessor of a bundle key signs. TOK_CRYPTO,
 * TOK_NO_MEMORY. */
#define BUNDLE_LINK_MAX (32 + VALUE_NAME_MAX + KEY_THUMBPRINT_LEN)
extern const char *const bundle_states[];
enum tok_err bundle_link_text(const char *iss, const struct key *key, char ret[BUNDLE_LINK_MAX],
                              size_t *ret_n) MUST_CHECK;
