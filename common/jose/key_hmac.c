/*
 * HMAC (RFC 2104) for key.c and key_use.c. A key holds the words of two digests: one has taken
 * the key's block xor ipad, the other the block xor opad; a MAC is the input through one, and
 * what comes out through the other.
 *
 * The SHA256_* and SHA512_* calls of libcrypto are deprecated, and chosen all the same: their
 * states are plain memory, so a copy is a copy. EVP_MAC_CTX_dup and EVP_MD_CTX_copy_ex allocate
 * several times and take longer than the MAC itself; EVP_MAC_init on one context does not, but
 * then a key could not serve two threads. The price: these digests are libcrypto's built-in
 * ones, whatever providers a library context has.
 *
 * The last block is padded here (FIPS 180-4 5.1): SHA256_Final goes over it bytewise and wipes
 * it, twice a MAC.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/jose/key_parts.h"

#include <endian.h>
#include <string.h>

#define BLOCK_MAX SHA512_CBLOCK

#define INLINE static inline __attribute__((always_inline))

/* A digest in the middle of its message. SHA-384 is SHA-512 from another start, cut. */
union state {
    SHA256_CTX small;
    SHA512_CTX large;
};

/* What a MAC leaves behind if nobody wipes it. Of a small digest's blocks those are used that
 * stand next to the state. */
struct work {
    uint8_t blocks[2 * BLOCK_MAX];
    union state s;
};
_Static_assert(offsetof(struct work, s) == sizeof(((struct work *)0)->blocks),
               "they are wiped in one go");

static bool is_small(const struct alg *alg)
{
    return alg->sig_len == SHA256_DIGEST_LENGTH;
}

INLINE size_t block_of(bool small)
{
    return small ? SHA256_CBLOCK : SHA512_CBLOCK;
}

/* Room for two blocks. */
INLINE uint8_t *last_of(bool small, struct work *w)
{
    return w->blocks + sizeof(w->blocks) - 2 * block_of(small);
}

INLINE void wipe_used(bool small, struct work *w)
{
    secret_wipe(last_of(small, w),
                2 * block_of(small) + (small ? sizeof(w->s.small) : sizeof(w->s.large)));
}

static bool start(const struct alg *alg, union state *s)
{
    if (is_small(alg))
        return SHA256_Init(&s->small) == 1;
    return alg->sig_len == SHA384_DIGEST_LENGTH ? SHA384_Init(&s->large) == 1
                                                : SHA512_Init(&s->large) == 1;
}

/* Whole blocks. */
INLINE bool take(bool small, union state *s, const void *p, size_t n)
{
    return (small ? SHA256_Update(&s->small, p, n) : SHA512_Update(&s->large, p, n)) == 1;
}

/* One, and no count of them is kept. */
INLINE void take_block(bool small, union state *s, const uint8_t *block)
{
    if (small)
        SHA256_Transform(&s->small, block);
    else
        SHA512_Transform(&s->large, block);
}

INLINE void save(bool small, const union state *s, union hmac_words *ret)
{
    if (small)
        memcpy(ret->small, s->small.h, sizeof(ret->small));
    else
        memcpy(ret->large, s->large.h, sizeof(ret->large));
}

/* Of a state that was not there before, what take and take_block read. */
INLINE void load(bool small, const union hmac_words *words, union state *ret)
{
    if (small) {
        memcpy(ret->small.h, words->small, sizeof(words->small));
        ret->small.Nl = ret->small.Nh = ret->small.num = 0;
    } else {
        memcpy(ret->large.h, words->large, sizeof(words->large));
        ret->large.Nl = ret->large.Nh = ret->large.num = 0;
    }
}

/* The words as the digest's bytes; n is short of all of them with SHA-384. */
INLINE void spell(bool small, const union state *s, uint8_t *ret, size_t n)
{
    for (size_t i = 0; small && i < SHA256_DIGEST_LENGTH / 4; i++) {
        uint32_t word = htobe32(s->small.h[i]);

        memcpy(ret + i * sizeof(word), &word, sizeof(word));
    }
    for (size_t i = 0; !small && i < n / 8; i++) {
        uint64_t word = htobe64(s->large.h[i]);

        memcpy(ret + i * sizeof(word), &word, sizeof(word));
    }
}

/* After the n bytes at last, fewer than a block: a one bit, zeros, the length of the message in
 * bits. That takes one block or two; their number. */
INLINE size_t pad(bool small, uint8_t *last, size_t n, uint64_t message)
{
    const size_t size = block_of(small), field = small ? 8 : 16;
    size_t blocks = n + 1 + field <= size ? 1 : 2;
    uint64_t bits = htobe64(message * 8); /* of 128, the upper half is zeros in any memory */

    last[n] = 0x80;
    memset(last + n + 1, 0, blocks * size - sizeof(bits) - (n + 1));
    memcpy(last + blocks * size - sizeof(bits), &bits, sizeof(bits));
    return blocks;
}

/* The end of a message whose first blocks, before bytes of them, s has taken. */
INLINE bool digest(bool small, struct work *w, uint64_t before, struct slice rest, uint8_t *ret,
                   size_t ret_n)
{
    const size_t size = block_of(small), left = rest.n % size, whole = rest.n - left;
    uint8_t *last = last_of(small, w);
    size_t blocks;

    if (whole && !take(small, &w->s, rest.p, whole))
        return false;
    if (left)
        memcpy(last, rest.p + whole, left);
    blocks = pad(small, last, left, before + rest.n);
    take_block(small, &w->s, last);
    if (blocks == 2)
        take_block(small, &w->s, last + size);
    spell(small, &w->s, ret, ret_n);
    return true;
}

INLINE bool mac_of(bool small, const struct hmac *hmac, struct slice input, struct work *w,
                   uint8_t *ret, size_t n)
{
    const size_t size = block_of(small);
    uint8_t *last = last_of(small, w);
    bool ok;

    load(small, &hmac->inner, &w->s);
    ok = digest(small, w, size, input, last, n);
    if (ok) {
        load(small, &hmac->outer, &w->s);
        (void)pad(small, last, n, size + n);
        take_block(small, &w->s, last);
        spell(small, &w->s, ret, n);
    }
    wipe_used(small, w);
    return ok;
}

/* The key as one block of the digest: filled up by zeros, or its digest when it is longer. */
static bool fill_block(const struct alg *alg, struct slice octets, uint8_t ret[BLOCK_MAX])
{
    const bool small = is_small(alg);
    struct work w;
    bool ok;

    memset(ret, 0, BLOCK_MAX);
    if (octets.n <= block_of(small)) {
        memcpy(ret, octets.p, octets.n);
        return true;
    }
    ok = start(alg, &w.s) && digest(small, &w, 0, octets, ret, alg->sig_len);
    wipe_used(small, &w);
    return ok;
}

static bool start_padded(const struct alg *alg, uint8_t block[BLOCK_MAX], uint8_t with,
                         union hmac_words *ret)
{
    const bool small = is_small(alg);
    union state s;
    bool ok = start(alg, &s);

    for (size_t i = 0; i < block_of(small); i++)
        block[i] ^= with;
    if (ok) {
        take_block(small, &s, block);
        save(small, &s, ret);
    }
    secret_wipe(&s, sizeof(s));
    return ok;
}

enum tok_err key_hmac_make(const struct alg *alg, struct slice octets, struct hmac *ret)
{
    uint8_t block[BLOCK_MAX];
    bool ok = fill_block(alg, octets, block) && start_padded(alg, block, 0x36, &ret->inner) &&
              start_padded(alg, block, 0x36 ^ 0x5c, &ret->outer);

    secret_wipe(block, sizeof(block));
    return ok ? TOK_OK : TOK_CRYPTO;
}

enum tok_err key_hmac(const struct alg *alg, const struct hmac *hmac, struct slice input,
                      uint8_t ret[HMAC_MAX])
{
    UNINITIALIZED struct work w;
    bool ok = is_small(alg) ? mac_of(true, hmac, input, &w, ret, SHA256_DIGEST_LENGTH)
                            : mac_of(false, hmac, input, &w, ret, alg->sig_len);

    return ok ? TOK_OK : TOK_CRYPTO;
}
