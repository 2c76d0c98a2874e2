/*
 * What the tests of the token core share: the keys and vectors of RFC 8037, files of
 * tests/data, and tokens as somebody else would make them: any header, any payload, any
 * signature.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "common/base/base64url.h"
#include "common/jose/key.h"
#include "common/json/emit.h"
#include "tests/unit/unit.h"

/* RFC 8037 A.1 and A.2 with a kid. */
#define RFC8037_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define RFC8037_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RFC8037_PUBLIC                                                                         \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc8037\",\"x\":\"" RFC8037_X "\"}"
#define RFC8037_PRIVATE                                                                        \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc8037\",\"d\":\"" RFC8037_D              \
    "\",\"x\":\"" RFC8037_X "\"}"

static inline struct slice text_slice(const char *s)
{
    return (struct slice){s, strlen(s)};
}

static inline struct key *forge_key(const char *jwk, enum key_part part)
{
    struct key *key = NULL;
    struct errmsg errmsg = {0};

    ck_assert_msg(key_from_jwk(NULL, text_slice(jwk), part, &key, &errmsg) == TOK_OK, "%s",
                  errmsg.text);
    return key;
}

/* A file of tests/data, NUL-terminated; free it. */
static inline char *forge_data(const char *name, size_t *ret_n)
{
    char path[4096];
    char *text;
    FILE *f;
    long n;

    (void)snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    ck_assert_int_ge(n, 0);
    rewind(f);
    text = calloc(1, (size_t)n + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)n, f), (size_t)n);
    (void)fclose(f);
    *ret_n = (size_t)n;
    return text;
}

/* HEADER.PAYLOAD, letters, NUL-terminated; free it. */
static inline char *forge_input(struct slice header, struct slice payload)
{
    size_t size = BASE64URL_LEN(header.n) + 1 + BASE64URL_LEN(payload.n);
    struct emit out = {.p = calloc(1, size + 1), .size = size};

    ck_assert_ptr_nonnull(out.p);
    emit_base64url(&out, header);
    emit_text(&out, ".");
    emit_base64url(&out, payload);
    return out.p;
}

/* A whole token with these bytes as its signature. */
static inline char *forge_with(struct slice header, struct slice payload,
                               struct slice signature)
{
    CLEANUP(cleanup_free) char *input = forge_input(header, payload);
    size_t size = strlen(input) + 1 + BASE64URL_LEN(signature.n);
    struct emit out = {.p = calloc(1, size + 1), .size = size};

    ck_assert_ptr_nonnull(out.p);
    emit_text(&out, input);
    emit_text(&out, ".");
    emit_base64url(&out, signature);
    return out.p;
}

/* A whole token that this key signed. */
static inline char *forge(const struct key *key, struct slice header, struct slice payload)
{
    char *input = forge_input(header, payload);
    char signature[KEY_SIGNATURE_MAX];

    ck_assert_ok(key_sign(key, text_slice(input), signature));
    free(input);
    return forge_with(header, payload, (struct slice){signature, key_sig_len(key)});
}
