/*
 * The inside of a key, for the key*.c files alone: the numbers a JWK spells, which every key is
 * made from and can be taken apart into, and the object itself.
 */
#pragma once

#include "common/jose/key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define KEY_MEMBERS 8 /* RSA has the most */

/* Positions in struct key_parts, by kind; the order is that of key_members. */
enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI };
enum { EC_X, EC_Y, EC_D };
enum { OKP_X, OKP_D };
enum { OCT_K };

struct key_member {
    const char *name; /* in a JWK */
    const char *ossl; /* libcrypto's parameter; NULL: none */
    bool secret;
};

/* The members of a kind in a JWK's usual order; one without a name ends them. */
const struct key_member *key_members(enum alg_kind kind);

/* Big-endian bytes of each member, absent ones empty. Wiped as a whole. */
struct key_parts {
    struct secret room;
    size_t used;
    struct slice at[KEY_MEMBERS];
};

void key_parts_clear(struct key_parts *parts);

/* The words of a digest that has taken the key's block (key_hmac.c). */
union hmac_words {
    uint32_t small[8]; /* SHA-256 */
    uint64_t large[8]; /* SHA-384, SHA-512 */
};

struct hmac {
    union hmac_words inner, outer;
};

#define HMAC_MAX 64 /* bytes of a MAC: SHA-512 */

/* TOK_CRYPTO. The first wants *ret wiped when it has served; the second writes alg's sig_len
 * bytes. */
enum tok_err key_hmac_make(const struct alg *alg, struct slice octets,
                           struct hmac *ret) MUST_CHECK;
enum tok_err key_hmac(const struct alg *alg, const struct hmac *hmac, struct slice input,
                      uint8_t ret[HMAC_MAX]) MUST_CHECK;

/* What checks or signatures are copied from: one of the two, or none. */
struct key_context {
    EVP_PKEY_CTX *of_digest; /* RSA and EC: takes the digest of a message */
    EVP_MD_CTX *of_message;  /* OKP: takes a message */
};

struct key {
    const struct alg *alg;
    OSSL_LIB_CTX *ctx;
    EVP_PKEY *pkey;            /* NULL: oct */
    EVP_MD *digest;            /* NULL: oct and OKP */
    struct key_context verify; /* none: oct */
    struct key_context sign;   /* none: oct, or a public key */
    struct hmac hmac;          /* oct: wiped with the key */
    struct secret octets;      /* oct: the secret itself, to write it out */
    bool is_private;
    size_t sig_len;
    size_t kid_len; /* 0: none */
    char *header;   /* letters */
    size_t header_len;
    char kid[KEY_KID_MAX];
};

/* The digest and the contexts of a key that has its pkey, from its library context
 * (key_context.c). RSA and EC have the digest apart: EVP_DigestVerify of a copied context
 * copies it again, the digest's state and all, before it says a word. TOK_NO_MEMORY,
 * TOK_CRYPTO; what was made is the key's then, too. */
enum tok_err key_context_make(struct key *key) MUST_CHECK;
void key_context_clear(struct key *key);

/* Every key is made here, so every key has passed the rules. */
enum tok_err key_make(OSSL_LIB_CTX *ctx, const struct alg *alg, enum key_part part,
                      const struct key_parts *parts, struct slice kid, struct key **ret,
                      struct errmsg *errmsg) MUST_CHECK;

enum tok_err key_parts_of(const struct key *key, enum key_part part,
                          struct key_parts *ret) MUST_CHECK;

/* From libcrypto's object and back. TOK_CRYPTO: it has no such parts; TOK_KEYS: it does not
 * take them. */
enum tok_err key_parts_of_pkey(const EVP_PKEY *pkey, const struct alg *alg, enum key_part part,
                               struct key_parts *ret) MUST_CHECK;
enum tok_err key_parts_to_pkey(OSSL_LIB_CTX *ctx, const struct alg *alg,
                               const struct key_parts *parts, EVP_PKEY **ret) MUST_CHECK;

/* TOK_KEYS and a sentence that starts with the member. key_rules_pair: of a private key, do its
 * numbers belong together; key_make tries a signature besides. */
enum tok_err key_rules(const struct alg *alg, const struct key_parts *parts,
                       struct errmsg *errmsg) MUST_CHECK;
enum tok_err key_rules_pair(const struct alg *alg, const struct key_parts *parts,
                            struct errmsg *errmsg) MUST_CHECK;

enum tok_err key_from_pem(OSSL_LIB_CTX *ctx, struct slice pem, enum key_part part,
                          alg_set algorithms, struct key **ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* libcrypto's error queue is the caller's too: what we put there is taken off again. An empty
 * queue takes no mark, and is then emptied whole, which is what it was. */
static inline void errors_forget(const int *mark)
{
    (void)mark;
    (void)ERR_pop_to_mark();
}

#define QUIET_ERRORS                                                                           \
    CLEANUP(errors_forget) __attribute__((unused)) const int errors_mark_ = ERR_set_mark()

/* Where QUIET_ERRORS stands: whatever is in the queue came since. */
#define QUEUE_WAS_EMPTY (errors_mark_ == 0)

DEFINE_CLEANUP(EVP_PKEY *, cleanup_pkey, EVP_PKEY_free)
