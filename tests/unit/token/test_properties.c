/*
 * What holds of every token of every algorithm: no bit of it can be flipped, and what was
 * minted is what is read. The claims are random; PROPERTY_SEED=NUMBER repeats a run.
 * PROPERTY_STEP=NUMBER flips only every so many bits, where each takes long (valgrind).
 */
#include "common/token/issue.h"
#include "tests/unit/attacks/attack.h"

#include <time.h>

#define ROUNDS 20
#define TEXT_MAX 200

/* xorshift64*: the same numbers for the same seed everywhere. */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * UINT64_C(2685821657736338717);
}

static size_t below(struct dice *d, size_t n)
{
    return (size_t)(roll(d) >> 33) % n;
}

static struct dice dice_new(void)
{
    const char *given = getenv("PROPERTY_SEED");
    struct timespec now;
    struct dice d;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    d.state = given ? strtoull(given, NULL, 10)
                    : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    printf("# PROPERTY_SEED=%llu\n", (unsigned long long)d.state);
    (void)fflush(stdout);
    d.state |= UINT64_C(1) << 63; /* zero would stay zero */
    return d;
}

/* first, and one to max bytes of these behind it. */
static void random_text(struct dice *d, const char *first, const char *const *from,
                        size_t n_from, size_t max, char ret[TEXT_MAX])
{
    size_t n = (size_t)snprintf(ret, TEXT_MAX, "%s", first), want = n + 1 + below(d, max);

    while (n < want) {
        const char *c = from[below(d, n_from)];

        n += (size_t)snprintf(ret + n, TEXT_MAX - n, "%s", c);
    }
}

/* Characters of one to four bytes that a name may hold, and those that JSON escapes. */
static const char *const name_text[] = {"a", "Z", "0", "_", ".", "a-b", "x9"};
static const char *const uri_text[] = {"a",
                                       "/",
                                       ":",
                                       "\\",
                                       "{",
                                       "\xc3\xa9",
                                       "%2",
                                       "[]",
                                       "?",
                                       "&",
                                       "!",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "#"}; /* last: an audience of the settings has none */
static const char *const scope_text[] = {"a",  " ",  "pam:sshd", " pam:*", "\"",       "\\",
                                         "\t", "\n", "\x01",     "\x7f",   "\xc3\xa9", "}"};

struct minted {
    struct issue_claims claims;
    char user[TEXT_MAX], issuer[TEXT_MAX], audience[3][TEXT_MAX], scope[TEXT_MAX];
    char *list[4];
    uint8_t jti[ISSUE_ID_BYTES], sid[ISSUE_ID_BYTES];
};

#define OF(texts) (texts), sizeof(texts) / sizeof((texts)[0])

static void random_claims(struct dice *d, struct minted *m)
{
    size_t audiences = 1 + below(d, 3);

    *m = (struct minted){0};
    random_text(d, "u", OF(name_text), 60, m->user);
    random_text(d, "", OF(uri_text), 100, m->issuer);
    random_text(d, "", OF(scope_text), 100, m->scope);
    for (size_t i = 0; i < audiences; i++) {
        random_text(d, "", uri_text, sizeof(uri_text) / sizeof(uri_text[0]) - 1, 60,
                    m->audience[i]);
        m->list[i] = m->audience[i];
    }
    for (size_t i = 0; i < ISSUE_ID_BYTES; i++) {
        m->jti[i] = (uint8_t)roll(d);
        m->sid[i] = (uint8_t)roll(d);
    }
    m->claims = (struct issue_claims){
        .names = {.user = below(d, 2) ? "sub" : "uid",
                  .token_type = "token_type",
                  .jti = "jti"},
        .token_type = below(d, 2) ? "access" : "refresh",
        .iat = NOW - (int64_t)below(d, 40000),
        .exp = NOW + 1 + (int64_t)below(d, 40000),
        .jti = m->jti,
        .sid = m->sid,
        .user = m->user,
        .issuer = m->issuer,
        .audience = m->list,
        .gen = below(d, 2) ? (int64_t)below(d, 1000000) : -1,
        .scope = below(d, 2) ? m->scope : NULL,
        .one_time = below(d, 4) == 0,
    };
}

/* A policy that asks for just these claims. */
static void ask_for(struct range *r, const struct minted *m)
{
    char words[2 * TEXT_MAX + 128];

    (void)snprintf(words, sizeof(words),
                   "issuer=%s audience=%s user_claim=%s type=%s require=iss,aud,exp,iat,sid",
                   m->issuer, m->audience[0], m->claims.names.user, m->claims.token_type);
    range_words_reset(r);
    range_words(r, words);
    r->user = m->user;
}

static void is_text(const struct scan_value *v, const char *want)
{
    ck_assert_msg(v && scan_string_is(*v, text_slice(want)), "not %s", want);
}

static void is_id(const struct scan_value *v, const uint8_t id[ISSUE_ID_BYTES])
{
    char letters[ISSUE_ID_LEN + 1] = "";

    base64url_encode((struct slice){(const char *)id, ISSUE_ID_BYTES}, letters);
    is_text(v, letters);
}

static void is_minted(const struct claims *c, const struct minted *m)
{
    const struct issue_claims *from = &m->claims;
    size_t n = 8 + (from->gen >= 0) + (from->scope != NULL) + from->one_time;

    ck_assert_uint_eq(c->n, n);
    ck_assert(c->has_exp && c->exp == from->exp && c->has_iat && c->iat == from->iat);
    ck_assert(!c->has_nbf && !c->bound && c->one_time == from->one_time);
    ck_assert(c->has_gen == (from->gen >= 0) && (!c->has_gen || c->gen == from->gen));
    is_text(c->token_type, from->token_type);
    is_text(c->user, m->user);
    is_text(c->iss, m->issuer);
    is_id(c->jti, m->jti);
    is_id(c->sid, m->sid);
    ck_assert((c->scope != NULL) == (from->scope != NULL));
    if (from->scope)
        is_text(c->scope, from->scope);
    for (size_t i = 0; m->list[i]; i++)
        ck_assert(claims_has_audience(c, m->list[i]));
}

static enum tok_err verify(struct range *r, const struct keyset *keys, struct slice token)
{
    const struct verify_params ask = {
        .token = &r->parsed,
        .policy = &r->policy,
        .keys = keys,
        .check = {.now = NOW, .user = text_slice(r->user)},
    };

    parsed_token_clear(&r->parsed);
    ck_assert_ok(token_parse(token, &r->parsed));
    return verify_token(&ask, &r->result, NULL);
}

/* The keys of the range have no kid, and a token of theirs names the first letters of the
 * thumbprint: the set to verify it has the key as key_public_jwk writes it. */
static struct keyset *own_set(const struct key *key)
{
    CLEANUP(cleanup_free) char *half = NULL;
    CLEANUP(secret_clear) struct secret whole = {0};
    struct keyset *set = NULL;

    if (key_alg(key)->kind == ALG_OCT)
        ck_assert_ok(key_private_jwk(key, &whole));
    else
        ck_assert_ok(key_public_jwk(key, &half));
    ck_assert_ok(keyset_parse(NULL, half ? text_slice(half) : secret_slice(&whole), ~(alg_set)0,
                              &set, NULL));
    return set;
}

/* The same bytes for the same claims, but where a signature holds random bytes. */
static void is_minted_again(const struct key *key, const struct minted *m,
                            const struct secret *first)
{
    CLEANUP(secret_clear) struct secret second = {0};
    const struct alg *alg = key_alg(key);

    ck_assert_ok(issue_token(key, &m->claims, 0, &second));
    if (alg->kind != ALG_EC && !alg->pss)
        ck_assert(secret_equal(secret_slice(first), secret_slice(&second)));
    else
        ck_assert(!secret_equal(secret_slice(first), secret_slice(&second)));
}

static void mint_and_read(struct range *r, const struct key *key, struct dice *d)
{
    CLEANUP(cleanup_keyset) struct keyset *set = own_set(key);

    for (int i = 0; i < ROUNDS; i++) {
        CLEANUP(secret_clear) struct secret token = {0};
        struct minted m;
        enum tok_err want;

        random_claims(d, &m);
        ask_for(r, &m);
        want = m.claims.one_time ? TOK_ONE_TIME : TOK_OK;
        ck_assert_ok(issue_token(key, &m.claims, 0, &token));
        is_minted_again(key, &m, &token);
        ck_assert_err(verify(r, set, secret_slice(&token)), want);
        is_minted(&r->result.claims, &m);
        if (want == TOK_OK)
            ck_assert_str_eq(r->result.user, m.user);
    }
}

START_TEST(what_is_minted_is_what_is_read)
{
    CLEANUP(range_free) struct range *r = range_new();
    struct dice d = dice_new();

    for (size_t i = 0; i < ALGS; i++)
        mint_and_read(r, r->keys[i], &d);
}
END_TEST

static size_t bit_step(void)
{
    const char *given = getenv("PROPERTY_STEP");
    size_t step = given ? strtoul(given, NULL, 10) : 0;

    return step ? step : 1;
}

/* Short claims: each bit costs a check of the signature. */
static void flip_each_bit(struct range *r, const struct alg *alg)
{
    const struct keyset *keys = alg->kind == ALG_OCT ? r->secrets : r->publics;
    char header[HEADER_MAX];
    CLEANUP(cleanup_free)
    char *token =
        forge(range_key(r, alg->name), text_slice(range_header(alg->name, header)),
              SLICE("{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"u\",\"exp\":1700000900}"));
    struct slice text = text_slice(token);

    ck_assert_ok(verify(r, keys, text));
    for (size_t i = 0; i < 8 * text.n; i += bit_step()) {
        char *at = token + i / 8;

        *at = (char)(*at ^ 1 << i % 8);
        ck_assert_msg(verify(r, keys, text) != TOK_OK && !r->result.authentic, "%s: bit %zu",
                      alg->name, i);
        *at = (char)(*at ^ 1 << i % 8);
    }
    ck_assert_ok(verify(r, keys, text));
}

static void flip_all(alg_set algorithms)
{
    CLEANUP(range_free) struct range *r = range_new();

    range_words(r, "issuer=i audience=a type= require=sub");
    r->user = "u";
    for (size_t i = 0; i < ALGS; i++)
        if (algorithms & alg_bit(alg_at(i)))
            flip_each_bit(r, alg_at(i));
}

static alg_set bits_of(enum alg_kind kind)
{
    alg_set set = 0;

    for (size_t i = 0; i < ALGS; i++)
        if (alg_at(i)->kind == kind)
            set |= alg_bit(alg_at(i));
    return set;
}

START_TEST(every_flipped_bit_of_an_hmac_token_is_refused)
{
    flip_all(bits_of(ALG_OCT));
}
END_TEST

START_TEST(every_flipped_bit_of_an_rsa_token_is_refused)
{
    flip_all(bits_of(ALG_RSA));
}
END_TEST

START_TEST(every_flipped_bit_of_an_ecdsa_token_is_refused)
{
    flip_all(bits_of(ALG_EC));
}
END_TEST

START_TEST(every_flipped_bit_of_an_eddsa_token_is_refused)
{
    flip_all(bits_of(ALG_OKP));
}
END_TEST

UNIT_MAIN("properties", what_is_minted_is_what_is_read,
          every_flipped_bit_of_an_hmac_token_is_refused,
          every_flipped_bit_of_an_rsa_token_is_refused,
          every_flipped_bit_of_an_ecdsa_token_is_refused,
          every_flipped_bit_of_an_eddsa_token_is_refused)
