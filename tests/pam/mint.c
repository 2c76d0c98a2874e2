#include "tests/pam/mint.h"

#include "common/base/base64url.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_MAX 2048
#define TOKEN_MAX 8192

struct plan plan_good(const char *user)
{
    int64_t now = time(NULL);
    struct plan p = {.token_type = "\"access\"",
                     .jti = "\"AZjmXvZ0cKqkz1y9sUe3vQ\"",
                     .sid = "\"" MINT_SID "\"",
                     .iss = "\"" RIG_ISSUER "\"",
                     .aud = "\"" RIG_AUDIENCE "\""};
    struct slice kid = key_kid(rig_key());

    (void)snprintf(p.header, sizeof(p.header),
                   "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}", (int)kid.n, kid.p);
    (void)snprintf(p.exp, sizeof(p.exp), "%" PRId64, now + 900);
    (void)snprintf(p.iat, sizeof(p.iat), "%" PRId64, now);
    (void)snprintf(p.sub, sizeof(p.sub), "\"%s\"", user);
    return p;
}

static void add(char *payload, const char *name, const char *value)
{
    size_t n = strlen(payload);

    if (*value)
        (void)snprintf(payload + n, PAYLOAD_MAX - n, "%s\"%s\":%s", n > 1 ? "," : "", name,
                       value);
}

static void write_payload(const struct plan *p, char payload[PAYLOAD_MAX])
{
    size_t n;

    (void)snprintf(payload, PAYLOAD_MAX, "{");
    add(payload, "token_type", p->token_type);
    add(payload, "exp", p->exp);
    add(payload, "iat", p->iat);
    add(payload, "jti", p->jti);
    add(payload, "sub", p->sub);
    add(payload, "iss", p->iss);
    add(payload, "aud", p->aud);
    add(payload, "sid", p->sid);
    n = strlen(payload);
    (void)snprintf(payload + n, PAYLOAD_MAX - n, "%s}", p->more);
}

static size_t append(char *token, size_t at, const void *bytes, size_t n)
{
    ck_assert_uint_lt(at + BASE64URL_LEN(n) + 1, TOKEN_MAX);
    base64url_encode((struct slice){bytes, n}, token + at);
    return at + BASE64URL_LEN(n);
}

/* HEADER.PAYLOAD; room for the rest. */
static char *write_input(const struct plan *p, size_t *ret_n)
{
    char payload[PAYLOAD_MAX];
    char *token = calloc(1, TOKEN_MAX);
    size_t n;

    ck_assert_ptr_nonnull(token);
    write_payload(p, payload);
    n = append(token, 0, p->header, strlen(p->header));
    token[n++] = '.';
    *ret_n = append(token, n, payload, strlen(payload));
    return token;
}

static char *finish(char *token, size_t n, const void *signature, size_t signature_n)
{
    token[n++] = '.';
    (void)append(token, n, signature, signature_n);
    return token;
}

char *mint_with_signature(const struct plan *plan, const void *signature, size_t n)
{
    size_t input_n;
    char *token = write_input(plan, &input_n);

    return finish(token, input_n, signature, n);
}

char *mint_sign_by(const struct plan *plan, const struct key *key)
{
    unsigned char signature[KEY_SIGNATURE_MAX];
    size_t n;
    char *token = write_input(plan, &n);

    ck_assert_ok(key_sign(key, (struct slice){token, n}, signature));
    return finish(token, n, signature, key_sig_len(key));
}

char *mint_sign(const struct plan *plan)
{
    return mint_sign_by(plan, rig_key());
}

char *mint_hmac(const struct plan *plan, const void *key, size_t key_n)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_n = 0;
    size_t n;
    char *token = write_input(plan, &n);

    ck_assert_ptr_nonnull(
        HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)token, n, mac, &mac_n));
    return finish(token, n, mac, mac_n);
}

void mint_spoil(char *token)
{
    char *at = strrchr(token, '.') + 10;

    *at = *at == 'A' ? 'B' : 'A';
}
