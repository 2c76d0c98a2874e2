/*
 * What a test needs to verify a token: a key that signs, its public key in a set, a policy, a
 * time. For test_verify and test_attack.
 */
#pragma once

#include "common/token/verify.h"
#include "tests/unit/forge.h"

#define NOW 1700000100
#define KID "rfc8037"
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}"
#define TIMES "\"exp\":1700000900,\"iat\":1700000000"
#define REST                                                                                   \
    "\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://host\",\"aud\":\"host\","   \
    "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\""
#define PAYLOAD "{" TIMES "," REST ",\"sid\":\"SSSSSSSSSSSSSSSSSSSSSS\"}"

#define ck_assert_id(claim, want)                                                              \
    do {                                                                                       \
        char id_text[VERIFY_ID_MAX + 1];                                                       \
                                                                                               \
        verify_id(claim, id_text);                                                             \
        ck_assert_str_eq(id_text, want);                                                       \
    } while (0)

struct trial {
    struct key *key;
    struct keyset *keys;
    struct policy policy;
    struct parsed_token parsed; /* of the last token */
    struct verify_result result;
};

static inline struct trial *trial_new(void)
{
    struct trial *b = calloc(1, sizeof(*b));
    struct errmsg errmsg = {0};

    ck_assert_ptr_nonnull(b);
    b->key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    ck_assert_ok(
        keyset_parse(NULL, text_slice(RFC8037_PUBLIC), alg_set_default(), &b->keys, &errmsg));
    ck_assert_ok(policy_init(&b->policy));
    ck_assert_ok(policy_set(&b->policy, SLICE("issuer"), SLICE("https://host"), &errmsg));
    ck_assert_ok(policy_set(&b->policy, SLICE("audience"), SLICE("host"), &errmsg));
    return b;
}

static inline void trial_free(struct trial **b)
{
    key_free((*b)->key);
    keyset_free((*b)->keys);
    policy_clear(&(*b)->policy);
    parsed_token_clear(&(*b)->parsed);
    free(*b);
}

static inline void trial_keys(struct trial *b, const char *json)
{
    struct errmsg errmsg = {0};

    keyset_free(b->keys);
    b->keys = NULL;
    ck_assert_msg(keyset_parse(NULL, text_slice(json), alg_set_default(), &b->keys, &errmsg) ==
                      TOK_OK,
                  "%s", errmsg.text);
}

/* Parses a token in place of the last one. */
static inline const struct parsed_token *parsed_of(struct trial *b, struct slice token)
{
    parsed_token_clear(&b->parsed);
    ck_assert_ok(token_parse(token, &b->parsed));
    return &b->parsed;
}

static inline struct verify_params ask_of(struct trial *b, struct slice token)
{
    return (struct verify_params){
        .token = parsed_of(b, token),
        .policy = &b->policy,
        .keys = b->keys,
        .check = {.now = NOW, .user = SLICE("alice"), .service = SLICE("sshd")},
    };
}

static inline enum tok_err verify(struct trial *b, struct slice token)
{
    struct verify_params ask = ask_of(b, token);

    return verify_token(&ask, &b->result, NULL);
}

/* Verifies a token with this header and payload and a valid signature. */
static inline enum tok_err verify_forged(struct trial *b, const char *header,
                                         const char *payload)
{
    CLEANUP(cleanup_free)
    char *token = forge(b->key, text_slice(header), text_slice(payload));

    return verify(b, text_slice(token));
}

static inline char *good_token(const struct trial *b)
{
    return forge(b->key, SLICE(HEADER), SLICE(PAYLOAD));
}
