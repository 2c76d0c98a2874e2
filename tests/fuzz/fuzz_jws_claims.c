/*
 * Arbitrary bytes as a token, and as what a real key signed. The first byte selects:
 *
 *   'T'  the rest is the token
 *   'P'  the rest is the payload, with our header and a valid signature
 *   'H'  the rest is the header over a good payload, signed
 *   'M'  the rest are claims of a token to issue
 *
 * and the second one the key: EdDSA, HS256 or ES256. Mutations change the decoded parts of a
 * token, and insert words of JSON and JOSE as well as bytes.
 *
 * Beyond "no crash": a token that was not signed is never authentic; an accepted token has
 * passed every line of the policy, checked here a second time from the claims, and is refused
 * with any one bit flipped; the unverified issuer never differs from the claim; an issued token
 * has the claims it was issued with.
 */
#include "tests/fuzz/fuzz_jws_claims.h"

#include <stdio.h>

static struct signer signers[N_SIGNERS];
static struct policy policy;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    signers_make(signers);
    must(policy_init(&policy) == TOK_OK);
    must(policy_set(&policy, SLICE("issuer"), SLICE("https://host"), NULL) == TOK_OK);
    must(policy_set(&policy, SLICE("audience"), SLICE("host"), NULL) == TOK_OK);
    policy.algorithms = ~(alg_set)0;
    policy.max_length = ROOM;
    return 0;
}

/* The token verified last; the slices of its result point into it. */
static struct parsed_token parsed;

static enum tok_err verify(const struct signer *s, struct slice token,
                           struct verify_result *ret)
{
    const struct verify_params params = {
        .token = &parsed,
        .policy = &policy,
        .keys = s->keys,
        .check = {.now = NOW, .user = SLICE("alice"), .service = SLICE("sshd")},
    };

    must(token.n <= ROOM);
    parsed_token_clear(&parsed);
    must(token_parse(token, &parsed) == TOK_OK);
    return verify_token(&params, ret, NULL);
}

/* A time as the token spells it, read another way; absent: what a policy takes. */
static double spelled(const struct claims *c, const char *name, double absent)
{
    const struct scan_value *v = scan_find(c->members, c->n, slice_of(name));
    char text[64];

    if (!v)
        return absent;
    (void)snprintf(text, sizeof(text), "%.*s", (int)v->text.n, v->text.p);
    return strtod(text, NULL);
}

/* Our policy said once more, in other words. */
static void must_be_allowed(const struct verify_result *r)
{
    const struct claims *c = &r->claims;
    char id[VERIFY_ID_MAX + 1];

    must(r->authentic && strcmp(r->user, "alice") == 0 && strcmp(r->kid, "k") == 0);
    must(c->has_exp && spelled(c, "exp", 0) >= NOW - 4);
    must(c->has_iat && spelled(c, "iat", 0) < NOW + 6);
    must(spelled(c, "nbf", NOW) <= NOW + 5);
    must(c->exp - c->iat <= policy.max_lifetime);
    must(c->iss && scan_string_is(*c->iss, SLICE("https://host")));
    must(c->sub && scan_string_is(*c->sub, SLICE("alice")));
    must(claims_has_audience(c, "host") && !c->bound && !c->one_time);
    must(c->token_type && scan_string_is(*c->token_type, SLICE("access")));
    verify_id(c->jti, id);
    must(base64url_is_text((struct slice){id, strlen(id)}));
    verify_id(c->sid, id);
    must(base64url_is_text((struct slice){id, strlen(id)}));
}

/* The issuer read before the signature is the iss that the claims have, or none. */
static void must_have_the_same_issuer(const struct verify_result *r)
{
    char iss[VALUE_NAME_MAX + 1];

    if (unverified_issuer(&parsed, iss) == TOK_OK && r->claims.n)
        must(r->claims.iss && scan_string_is(*r->claims.iss, (struct slice){iss, strlen(iss)}));
}

static void verify_unsigned(const struct signer *s, struct slice token)
{
    CLEANUP(cleanup_free) char *exact = exact_copy(token);
    struct verify_result r;
    enum tok_err err = verify(s, (struct slice){exact, token.n}, &r);

    must(err != TOK_OK && !r.authentic && !*r.user && !r.claims.n);
    must(!tok_err_is_ours(err));
    (void)jws_is_shaped(token);
    must_have_the_same_issuer(&r);
}

/* Some bits, which the token itself chooses. */
static void flipped_is_refused(const struct signer *s, char *token, size_t n)
{
    struct verify_result r;
    size_t at = n;

    for (int i = 0; i < 4; i++) {
        at = (at * 131 + (unsigned char)token[n - 1 - (size_t)i]) % n;
        token[at] = (char)(token[at] ^ 1 << (at + (size_t)i) % 8);
        must(verify(s, (struct slice){token, n}, &r) != TOK_OK && !r.authentic);
        token[at] = (char)(token[at] ^ 1 << (at + (size_t)i) % 8);
    }
}

static void verify_signed(const struct signer *s, struct slice head, struct slice body,
                          bool head_is_ours)
{
    size_t n;
    CLEANUP(cleanup_free) char *token = signer_token(s, head, body, &n);
    struct verify_result r;
    enum tok_err err = verify(s, (struct slice){token, n}, &r);

    if (head_is_ours && body.n)
        must(r.authentic);
    must(!tok_err_is_ours(err));
    must_have_the_same_issuer(&r);
    if (err) {
        must(!*r.user);
        return;
    }
    must_be_allowed(&r);
    flipped_is_refused(s, token, n);
}

static void is_string(const struct scan_value *v, const char *text)
{
    must(v && scan_string_is(*v, (struct slice){text, strlen(text)}));
}

static void is_id(const struct scan_value *v, const uint8_t id[ISSUE_ID_BYTES])
{
    char letters[ISSUE_ID_LEN];

    base64url_encode((struct slice){(const char *)id, ISSUE_ID_BYTES}, letters);
    must(v && scan_string_is(*v, (struct slice){letters, sizeof(letters)}));
}

static void must_be_minted(const struct claims *c, const struct issue_claims *from)
{
    must(c->has_exp && c->exp == from->exp && c->has_iat && c->iat == from->iat);
    must(c->has_gen == (from->gen >= 0) && (!c->has_gen || c->gen == from->gen));
    must(c->one_time == from->one_time && !c->bound && !c->has_nbf);
    is_string(c->token_type, from->token_type);
    is_string(c->iss, from->issuer);
    is_string(c->sub, from->user);
    must((c->scope != NULL) == (from->scope != NULL));
    if (from->scope)
        is_string(c->scope, from->scope);
    for (char *const *a = from->audience; *a; a++)
        must(claims_has_audience(c, *a));
    is_id(c->jti, from->jti);
    is_id(c->sid, from->sid);
}

static void mint(const struct signer *s, struct slice in)
{
    CLEANUP(secret_clear) struct secret token = {0};
    struct mint_room room;
    struct issue_claims claims;
    struct verify_result r;
    enum tok_err err;

    mint_read(in, &room, &claims);
    must(issue_token(s->key, &claims, 0, &token) == TOK_OK);
    err = verify(s, secret_slice(&token), &r);
    must(r.authentic && r.claims.n && !tok_err_is_ours(err));
    must_be_minted(&r.claims, &claims);
    if (err)
        return;
    must_be_allowed(&r);
    flipped_is_refused(s, token.p, token.n);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate(data, size, max < ROOM / 2 ? max : ROOM / 2, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    unsigned mode = take_byte(&rest);
    const struct signer *s = &signers[take_byte(&rest) % N_SIGNERS];

    if (size > ROOM / 2)
        return -1;
    switch (mode) {
    case 'T':
        verify_unsigned(s, rest);
        return 0;
    case 'P':
        verify_signed(s, (struct slice){s->header, strlen(s->header)}, rest, true);
        return 0;
    case 'H':
        verify_signed(s, rest, SLICE(SIGNED_PAYLOAD), false);
        return 0;
    case 'M':
        mint(s, rest);
        return 0;
    default:
        return -1;
    }
}
