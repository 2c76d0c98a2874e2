/*
 * What fuzz_jws_claims is made of: keys that sign, claims to mint out of bytes, and the
 * mutation of decoded parts.
 */
#pragma once

#include "common/base/base64url.h"
#include "common/json/emit.h"
#include "common/token/issue.h"
#include "common/token/verify.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1700000100
#define ROOM 65536

#define SIGNED_PAYLOAD                                                                         \
    "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"                        \
    "\"jti\":\"j\",\"sub\":\"alice\",\"iss\":\"https://host\","                                \
    "\"aud\":\"host\",\"sid\":\"s\"}"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Made once: a harness may keep what a library may not. */
struct signer {
    const char *header;
    const char *jwk; /* RFC 8037 A.1, RFC 7515 A.1, A.3 */
    struct key *key;
    struct keyset *keys;
};

#define N_SIGNERS 3

static inline void signers_make(struct signer signers[N_SIGNERS])
{
    static const struct signer table[N_SIGNERS] = {
        {"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"k\"}",
         "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
         "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
         "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
         NULL, NULL},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k\"}",
         "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"k\","
         "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAz"
         "Zr1Z9CAow\"}",
         NULL, NULL},
        {"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k\"}",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
         "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
         "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
         NULL, NULL},
    };

    for (size_t i = 0; i < N_SIGNERS; i++) {
        struct signer *s = &signers[i];
        CLEANUP(cleanup_free) char *half = NULL;
        const char *file;

        *s = table[i];
        must(key_from_jwk(NULL, (struct slice){s->jwk, strlen(s->jwk)}, KEY_PRIVATE, &s->key,
                          NULL) == TOK_OK);
        if (key_alg(s->key)->kind != ALG_OCT)
            must(key_public_jwk(s->key, &half) == TOK_OK);
        file = half ? half : s->jwk;
        must(keyset_parse(NULL, (struct slice){file, strlen(file)}, ~(alg_set)0, &s->keys,
                          NULL) == TOK_OK);
    }
}

/* HEADER.PAYLOAD.SIGNATURE as this key signs it; free it. */
static inline char *signer_token(const struct signer *s, struct slice head, struct slice body,
                                 size_t *ret_n)
{
    size_t sig_len = key_sig_len(s->key);
    size_t size = BASE64URL_LEN(head.n) + BASE64URL_LEN(body.n) + BASE64URL_LEN(sig_len) + 2;
    struct emit out = {.p = malloc(size), .size = size};
    char signature[KEY_SIGNATURE_MAX];

    must(out.p != NULL);
    emit_base64url(&out, head);
    emit_text(&out, ".");
    emit_base64url(&out, body);
    must(key_sign(s->key, (struct slice){out.p, out.n}, signature) == TOK_OK);
    emit_text(&out, ".");
    emit_base64url(&out, (struct slice){signature, sig_len});
    must(out.n == size);
    *ret_n = size;
    return out.p;
}

/* Where the claims to mint lie. */
struct mint_room {
    char user[512], issuer[512], audience[2][512], type[512], scope[512];
    char *list[3];
    uint8_t jti[ISSUE_ID_BYTES], sid[ISSUE_ID_BYTES];
};

/* A text after its length: each byte a character, from U+0001 to U+00FF, in UTF-8. */
static inline void mint_text(struct slice *in, char ret[512])
{
    struct slice bytes = take_bytes(in, take_byte(in));
    size_t n = 0;

    for (size_t i = 0; i < bytes.n; i++) {
        unsigned c = (unsigned char)bytes.p[i];

        if (c >= 0x80)
            ret[n++] = (char)(0xc0 | c >> 6);
        ret[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c ? c : ' ');
    }
    ret[n] = '\0';
}

static inline int64_t mint_time(struct slice *in)
{
    int64_t offset = 0;

    for (int i = 0; i < 3; i++)
        offset = offset << 8 | take_byte(in);
    return NOW + offset - (1 << 23);
}

static inline void mint_read(struct slice in, struct mint_room *room, struct issue_claims *ret)
{
    unsigned flags = take_byte(&in);

    *room = (struct mint_room){0};
    mint_text(&in, room->user);
    mint_text(&in, room->issuer);
    mint_text(&in, room->audience[0]);
    mint_text(&in, room->type);
    mint_text(&in, room->scope);
    if (flags & 4)
        mint_text(&in, room->audience[1]);
    room->list[0] = room->audience[0];
    room->list[1] = flags & 4 ? room->audience[1] : NULL;
    *ret = (struct issue_claims){
        .names = {.user = "sub", .token_type = "token_type", .jti = "jti"},
        .token_type = room->type,
        .iat = flags & 1 ? NOW - 100 : mint_time(&in),
        .exp = flags & 1 ? NOW + 800 : mint_time(&in),
        .jti = room->jti,
        .sid = room->sid,
        .user = room->user,
        .issuer = room->issuer,
        .audience = room->list,
        .gen = flags & 8 ? mint_time(&in) : -1,
        .scope = flags & 2 ? room->scope : NULL,
        .one_time = flags & 16,
    };
    for (size_t i = 0; i < ISSUE_ID_BYTES; i++) {
        room->jti[i] = (uint8_t)take_byte(&in);
        room->sid[i] = (uint8_t)take_byte(&in);
    }
}

static const char *const jose_words[] = {
    "\"exp\":",
    "\"nbf\":",
    "\"iat\":",
    "\"iss\":",
    "\"aud\":",
    "\"sub\":",
    "\"jti\":",
    "\"sid\":",
    "\"cnf\":",
    "\"scope\":",
    "\"gen\":",
    "\"one_time\":",
    "\"alg\":",
    "\"kid\":",
    "\"typ\":",
    "\"crit\":",
    "\"b64\":",
    "\"zip\":",
    "\"enc\":",
    "\"jwk\":",
    "\"token_type\":",
    "\"refresh\"",
    "\"access\"",
    "\"alice\"",
    "\"root\"",
    "\"none\"",
    "\"HS256\"",
    "\"ES256\"",
    "\"EdDSA\"",
    "\"Ed25519\"",
    "\"https://host\"",
    "\"host\"",
    "\"pam:sshd\"",
    "[\"host\"]",
    "1700000100",
    "1700000105",
    "1700000095.5",
    "1e9",
    "-1",
    "9007199254740992",
    "true",
    "false",
    "null",
    "{}",
    "[]",
    "\"cnf\":{},",
    "\"nbf\":1700000105.5,",
    "\"one_time\":true,",
    "1700000095",
    "1700000106",
    "\\u0000",
    "\\u0061",
    "\\ud800",
    "\\ud83d\\ude00",
    ",",
};

static inline bool is_letter(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

/* Takes out the run of letters and digits around a place, so that a word may stand there. */
static inline size_t mutate_run(uint8_t *data, size_t size, size_t *at)
{
    size_t start = *at, end = *at;

    while (start > 0 && is_letter(data[start - 1]))
        start--;
    while (end < size && is_letter(data[end]))
        end++;
    memmove(data + start, data + end, size - end);
    *at = start;
    return size - (end - start);
}

/* A word put in, or in the place of another, where the seed chooses. */
static inline size_t mutate_by_word(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    const char *word = jose_words[seed / 3 % (sizeof(jose_words) / sizeof(jose_words[0]))];
    size_t n = strlen(word), at = size ? seed / 251 % size : 0;

    if (size + n > max)
        return LLVMFuzzerMutate(data, size, max);
    if (seed & 32)
        size = mutate_run(data, size, &at);
    memmove(data + at + n, data + at, size - at);
    emit_text(&(struct emit){.p = (char *)data + at, .size = n}, word);
    return size + n;
}

/* One part of a token, decoded, changed and encoded again; 0: it is no such part. */
static inline size_t mutate_part(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static uint8_t part[ROOM];
    static char rest[ROOM];
    struct jws jws;
    struct slice chosen, after;
    size_t n, start;

    if (jws_split((struct slice){(const char *)data, size}, &jws) != TOK_OK)
        return 0;
    chosen = seed % 3 == 0 ? jws.header : seed % 3 == 1 ? jws.payload : jws.signature;
    if (base64url_decode(chosen, part, sizeof(part) / 2, &n) != TOK_OK)
        return 0;
    start = (size_t)(chosen.p - (const char *)data);
    after = (struct slice){chosen.p + chosen.n, size - start - chosen.n};
    memcpy(rest, after.p, after.n);
    n = seed & 64 ? mutate_by_word(part, n, sizeof(part) / 2, seed)
                  : LLVMFuzzerMutate(part, n, sizeof(part) / 2);
    if (start + BASE64URL_LEN(n) + after.n > max)
        return 0;
    base64url_encode((struct slice){(const char *)part, n}, (char *)data + start);
    memcpy(data + start + BASE64URL_LEN(n), rest, after.n);
    return start + BASE64URL_LEN(n) + after.n;
}

/* The two bytes in front stay as they are, but for once in a while. */
static inline size_t mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    size_t n = 0;

    if (size < 2 || max < 8 || seed % 64 == 0)
        return LLVMFuzzerMutate(data, size, max);
    if (data[0] == 'T' && seed % 4)
        n = mutate_part(data + 2, size - 2, max - 2, seed / 4);
    else if (data[0] != 'M' && seed % 4 == 1)
        n = mutate_by_word(data + 2, size - 2, max - 2, seed / 4);
    return 2 + (n ? n : LLVMFuzzerMutate(data + 2, size - 2, max - 2));
}
