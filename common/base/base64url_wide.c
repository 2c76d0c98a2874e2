#include "common/base/base64url_wide.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* One row for both halves of a register. */
#define BOTH(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* The letters by the two digits of their code in hexadecimal:
 *     2d '-'   30-39 digits   41-4f A-O   50-5a P-Z   5f '_'   61-6f a-o   70-7a p-z
 * Each first digit has a bit (4 and 6 want the same of the second one and share theirs); a
 * second digit has the bits of the first ones it is no letter under. */
enum {
    DASH = 1,
    DIGIT = 2,
    FIRST = 4,   /* A-O, a-o */
    SECOND = 8,  /* P-Z, '_' */
    FOURTH = 16, /* p-z */
    NEVER = 32,
};

AVX2 static inline __m256i strangers(__m256i c, __m256i high)
{
    const __m256i of_high = BOTH(NEVER, NEVER, DASH, DIGIT, FIRST, SECOND, FIRST, FOURTH, NEVER,
                                 NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER);
    const char to_9 = NEVER | DASH, at_a = to_9 | DIGIT, after = at_a | SECOND | FOURTH;
    const __m256i of_low =
        BOTH(to_9 | FIRST, to_9, to_9, to_9, to_9, to_9, to_9, to_9, to_9, to_9, at_a, after,
             after, after & ~DASH, after, after & ~SECOND);
    __m256i low = _mm256_and_si256(c, _mm256_set1_epi8(15));

    return _mm256_and_si256(_mm256_shuffle_epi8(of_high, high),
                            _mm256_shuffle_epi8(of_low, low));
}

/* What each letter stands for: its code and a number that its first digit gives, but for '_',
 * which shares one with P to Z. */
AVX2 static inline __m256i values_of(__m256i c, __m256i high)
{
    const __m256i shift =
        BOTH(0, 0, 62 - '-', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i lower = _mm256_set1_epi8(63 - '_' + 'A');
    __m256i line = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('_'));

    return _mm256_add_epi8(_mm256_add_epi8(c, _mm256_shuffle_epi8(shift, high)),
                           _mm256_and_si256(line, lower));
}

/* Four values of six bits become three bytes, twelve in each half of the register. */
AVX2 static inline __m256i packed(__m256i values)
{
    const __m256i order = BOTH(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));

    return _mm256_shuffle_epi8(quads, order);
}

/* Writes a step's twenty-four bytes and no more. */
AVX2 static inline void store(__m256i halves, uint8_t *out)
{
    const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(halves, together);

    _mm_storeu_si128((void *)out, _mm256_castsi256_si128(bytes));
    _mm_storel_epi64((void *)(out + 16), _mm256_extracti128_si256(bytes, 1));
}

/* Returns what is not zero where there is no letter. */
AVX2 static inline __m256i step(const char *in, uint8_t *out)
{
    __m256i c = _mm256_loadu_si256((const void *)in);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(c, 4), _mm256_set1_epi8(15));

    store(packed(values_of(c, high)), out);
    return strangers(c, high);
}

/* The last step goes over letters again that the one before it did, so that all are whole. */
AVX2 static bool decode(const char *in, size_t n, uint8_t *out)
{
    size_t last = n - BASE64URL_WIDE_IN;
    __m256i strange = step(in + last, out + last / 4 * 3);

    for (size_t i = 0; i < last; i += BASE64URL_WIDE_IN)
        strange = _mm256_or_si256(strange, step(in + i, out + i / 4 * 3));
    return _mm256_testz_si256(strange, strange);
}

bool base64url_wide(const char *in, size_t *n, uint8_t *out)
{
    if (*n >= BASE64URL_WIDE_IN && __builtin_cpu_supports("avx2"))
        return decode(in, *n, out);
    *n = 0;
    return true;
}

#else

bool base64url_wide(const char *in, size_t *n, uint8_t *out)
{
    (void)in;
    (void)out;
    *n = 0;
    return true;
}

#endif
