/*
 * HMAC (RFC 2104) for key.c and key_use.c. A key holds two digest states: one has taken the
 * key's block xor ipad, the other the block xor opad; a MAC is the input through a copy of
 * each.
 *
 * The SHA256_* and SHA512_* calls of libcrypto are deprecated, and chosen all the same: their
 * states are plain memory, so a copy is a copy. EVP_MAC_CTX_dup and EVP_MD_CTX_copy_ex allocate
 * several times and take longer than the MAC itself; EVP_MAC_init on one context does not, but
 * then a key could not serve two threads. The price: these digests are libcrypto's built-in
 * ones, whatever providers a library context has.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "key_parts.h"

#include <string.h>

#define BLOCK_MAX SHA512_CBLOCK

static bool is_sha256(const struct alg *alg)
{
    return alg->sig_len == SHA256_DIGEST_LENGTH;
}

static bool start(const struct alg *alg, union hmac_state *s)
{
    if (is_sha256(alg))
        return SHA256_Init(&s->sha256) == 1;
    return alg->sig_len == SHA384_DIGEST_LENGTH ? SHA384_Init(&s->sha512) == 1
                                                : SHA512_Init(&s->sha512) == 1;
}

static bool take(const struct alg *alg, union hmac_state *s, const void *p, size_t n)
{
    return (is_sha256(alg) ? SHA256_Update(&s->sha256, p, n)
                           : SHA512_Update(&s->sha512, p, n)) == 1;
}

/* SHA-384 is SHA-512 from another start, cut; its state knows. */
static bool finish(const struct alg *alg, union hmac_state *s, uint8_t ret[HMAC_MAX])
{
    return (is_sha256(alg) ? SHA256_Final(ret, &s->sha256) : SHA512_Final(ret, &s->sha512)) ==
           1;
}

/* The key as one block of the digest: filled up by zeros, or its digest when it is longer. */
static bool fill_block(const struct alg *alg, struct slice octets, size_t size,
                       uint8_t ret[BLOCK_MAX])
{
    union hmac_state s;
    bool ok;

    memset(ret, 0, BLOCK_MAX);
    if (octets.n <= size) {
        memcpy(ret, octets.p, octets.n);
        return true;
    }
    ok = start(alg, &s) && take(alg, &s, octets.p, octets.n) && finish(alg, &s, ret);
    secret_wipe(&s, sizeof(s));
    return ok;
}

static bool start_padded(const struct alg *alg, uint8_t block[BLOCK_MAX], size_t size,
                         uint8_t pad, union hmac_state *s)
{
    for (size_t i = 0; i < size; i++)
        block[i] ^= pad;
    return start(alg, s) && take(alg, s, block, size);
}

enum tok_err key_hmac_make(const struct alg *alg, struct slice octets, struct hmac *ret)
{
    size_t size = is_sha256(alg) ? SHA256_CBLOCK : SHA512_CBLOCK;
    uint8_t block[BLOCK_MAX];
    bool ok = fill_block(alg, octets, size, block) &&
              start_padded(alg, block, size, 0x36, &ret->inner) &&
              start_padded(alg, block, size, 0x36 ^ 0x5c, &ret->outer);

    secret_wipe(block, sizeof(block));
    return ok ? TOK_OK : TOK_CRYPTO;
}

enum tok_err key_hmac(const struct alg *alg, const struct hmac *hmac, struct slice input,
                      uint8_t ret[HMAC_MAX])
{
    UNINITIALIZED union hmac_state s;
    UNINITIALIZED uint8_t inner[HMAC_MAX];

    s = hmac->inner;
    if (!take(alg, &s, input.p, input.n) || !finish(alg, &s, inner))
        return TOK_CRYPTO;
    s = hmac->outer;
    if (!take(alg, &s, inner, alg->sig_len) || !finish(alg, &s, ret))
        return TOK_CRYPTO;
    return TOK_OK;
}
