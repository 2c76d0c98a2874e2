/*
 * Several issuers on one host: the local one and the [Issuer URL] sections of four more. Each
 * calls its key "k", so that the kid says nothing of whose it is.
 */
#include "common/base/file.h"
#include "common/config/resolve.h"
#include "tests/unit/attacks/attack.h"

#define ENDED "RRRRRRRRRRRRRRRRRRRRRR"

enum file { PINNED, LIST, HOST_KEYS, A_KEYS, B_KEYS, C_KEYS, FILES };

/* A directory with what the local issuer publishes, and the others' keys. */
struct issuers {
    char dir[32], paths[FILES][64];
    struct settings settings;
    struct policy words;
    struct resolve_params ask;
};

static const struct {
    const char *name, *alg; /* alg: its text is this key's JWK */
    mode_t mode;
} files[FILES] = {
    [PINNED] = {"issuer", NULL, 0644},          [LIST] = {"revoked", NULL, 0644},
    [HOST_KEYS] = {"jwks.json", "EdDSA", 0644}, [A_KEYS] = {"a.json", "ES256", 0644},
    [B_KEYS] = {"b.json", "RS256", 0644},       [C_KEYS] = {"c.json", "HS256", 0600},
};

static void put_file(struct issuers *w, const struct range *r, enum file file)
{
    CLEANUP(cleanup_free)
    char *jwk = files[file].alg ? range_jwk(range_key(r, files[file].alg), "k") : NULL;
    const char *text = file == PINNED ? "Issuer=https://host\nAudience=host\n"
                       : file == LIST ? ENDED " 1700000900\n"
                                      : jwk;

    ck_assert_ptr_nonnull(text);
    (void)snprintf(w->paths[file], sizeof(w->paths[file]), "%s/%s", w->dir, files[file].name);
    ck_assert_ok(file_write(w->paths[file], text_slice(text), files[file].mode, NULL));
}

static void read_settings(struct issuers *w)
{
    char text[2048];
    struct errmsg errmsg = {""};

    (void)snprintf(text, sizeof(text),
                   "[Issuer https://a]\nKeys=%s\nAlgorithms=ES256\nAudience=host\n"
                   "UserMap=same\nRequire=exp\n"
                   "[Issuer https://b]\nKeys=%s\nAlgorithms=RS256 PS256\nAudience=hostb\n"
                   "UserMap=same\nMaxLifetime=10min\nUserClaim=uid\nRequire=exp\n"
                   "[Issuer https://c]\nKeys=%s\nAlgorithms=HS256\nAudience=host\n"
                   "UserMap=same\nClaim=grp:staff\nTyp=at+jwt\n"
                   "[Issuer https://d]\nKeys=%s\nAudience=host\n",
                   w->paths[A_KEYS], w->paths[B_KEYS], w->paths[C_KEYS], w->paths[A_KEYS]);
    ck_assert_msg(settings_parse(&w->settings, "test", text_slice(text), &errmsg) == TOK_OK,
                  "%s", errmsg.text);
}

static struct issuers *issuers_new(const struct range *r)
{
    struct issuers *w = calloc(1, sizeof(*w));

    ck_assert_ptr_nonnull(w);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/issuers-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(w->dir));
    for (enum file file = PINNED; file < FILES; file++)
        put_file(w, r, file);
    ck_assert_ok(settings_init(&w->settings));
    read_settings(w);
    ck_assert_ok(policy_init(&w->words));
    ck_assert_ok(policy_set(&w->words, SLICE("keys"), text_slice(w->paths[HOST_KEYS]), NULL));
    w->ask = (struct resolve_params){
        .words = &w->words, .pinned = w->paths[PINNED], .trust = FILE_PUBLIC};
    return w;
}

static void issuers_free(struct issuers **at)
{
    struct issuers *w = *at;

    for (enum file file = PINNED; file < FILES; file++)
        (void)unlink(w->paths[file]);
    (void)rmdir(w->dir);
    settings_clear(&w->settings);
    policy_clear(&w->words);
    free(w);
}

/* keys= over a section would be the local keys for all: they are the local issuer's alone. */
static void lay_words(struct issuers *w, const struct policy *section)
{
    policy_clear(&w->words);
    ck_assert_ok(policy_init(&w->words));
    if (section)
        return;
    ck_assert_ok(policy_set(&w->words, SLICE("keys"), text_slice(w->paths[HOST_KEYS]), NULL));
    ck_assert_ok(policy_set(&w->words, SLICE("revoked"), text_slice(w->paths[LIST]), NULL));
}

static enum tok_err verify(struct issuers *w, struct range *r, struct slice token)
{
    const struct policy_params check = {
        .now = NOW, .user = SLICE("alice"), .service = SLICE("sshd")};
    const struct policy *section;
    struct resolved resolved = {.list.fd = -1};
    struct errmsg errmsg = {""};
    enum tok_err err;

    parsed_token_clear(&r->parsed);
    ck_assert_ok(token_parse(token, &r->parsed));
    section = resolve_section(&w->settings, &r->parsed);
    lay_words(w, section);
    ck_assert_msg(resolve_load(&w->ask, &w->settings, section, &resolved, &errmsg) == TOK_OK,
                  "%s", errmsg.text);
    err = resolve_verify(&resolved, &r->parsed, &check, &r->result, &errmsg);
    resolve_clear(&resolved);
    return err;
}

#define HOST(more) "\"iss\":\"https://host\"" more
#define ISS_A "\"iss\":\"https://a\""
#define ISS_B "\"iss\":\"https://b\",\"aud\":\"hostb\",\"exp\":1700000600,\"uid\":\"alice\""
#define ISS_C "\"iss\":\"https://c\",\"grp\":\"staff\""
#define ISS_D "\"iss\":\"https://d\""
#define BUT_B "iss aud exp"

/* typ NULL: JWT. kid NULL: "k". */
static const struct {
    const char *name, *signer, *but, *more, *typ, *kid;
    enum tok_err err;
} cases[] = {
    {"the local issuer's", "EdDSA", "iss", HOST(""), NULL, NULL, TOK_OK},
    {"a's", "ES256", "iss", ISS_A, NULL, NULL, TOK_OK},
    {"a's, by escapes", "ES256", "iss", "\"iss\":\"https:\\/\\/\\u0061\"", NULL, NULL, TOK_OK},
    {"b's", "RS256", BUT_B, ISS_B, NULL, NULL, TOK_OK},
    {"c's", "HS256", "iss", ISS_C, "at+jwt", NULL, TOK_OK},
    /* whose key signed */
    {"a's, by the local key", "EdDSA", "iss", ISS_A, NULL, NULL, TOK_ALG},
    {"a's, by b's key", "RS256", "iss", ISS_A, NULL, NULL, TOK_ALG},
    {"a's, by c's secret", "HS256", "iss", ISS_A, NULL, NULL, TOK_ALG},
    {"b's, by the local key", "EdDSA", BUT_B, ISS_B, NULL, NULL, TOK_ALG},
    {"b's, by a's key", "ES256", BUT_B, ISS_B, NULL, NULL, TOK_ALG},
    {"b's, by PS256", "PS256", BUT_B, ISS_B, NULL, NULL, TOK_ALG},
    {"c's, by a's key", "ES256", "iss", ISS_C, "at+jwt", NULL, TOK_ALG},
    {"c's, by the local key", "EdDSA", "iss", ISS_C, "at+jwt", NULL, TOK_ALG},
    {"d's, by the local key", "EdDSA", "iss", ISS_D, NULL, NULL, TOK_ALG},
    {"the local issuer's, by a's key", "ES256", "iss", HOST(""), NULL, NULL, TOK_ALG},
    {"the local issuer's, by b's key", "RS256", "iss", HOST(""), NULL, NULL, TOK_ALG},
    {"the local issuer's, by c's secret", "HS256", "iss", HOST(""), NULL, NULL, TOK_ALG},
    {"the local issuer's, by another's kid", "EdDSA", "iss", HOST(""), NULL, "a",
     TOK_UNKNOWN_KEY},
    {"a's, by another's kid", "ES256", "iss", ISS_A, NULL, "b", TOK_UNKNOWN_KEY},
    /* by whose rules */
    {"a's, for b's audience", "ES256", "iss aud", ISS_A ",\"aud\":\"hostb\"", NULL, NULL,
     TOK_AUDIENCE},
    {"b's, for the local audience", "RS256", "iss exp",
     "\"iss\":\"https://b\",\"exp\":1700000600,\"uid\":\"alice\"", NULL, NULL, TOK_AUDIENCE},
    {"b's, for fifteen minutes", "RS256", "iss aud",
     "\"iss\":\"https://b\",\"aud\":\"hostb\",\"uid\":\"alice\"", NULL, NULL, TOK_LIFETIME},
    {"b's, its user in sub alone", "RS256", BUT_B,
     "\"iss\":\"https://b\",\"aud\":\"hostb\",\"exp\":1700000600", NULL, NULL, TOK_MISSING},
    {"a's, its user in uid alone", "ES256", "iss sub", ISS_A ",\"uid\":\"alice\"", NULL, NULL,
     TOK_MISSING},
    {"c's, typ as the others have", "HS256", "iss", ISS_C, NULL, NULL, TOK_TYP},
    {"c's, without its claim", "HS256", "iss", "\"iss\":\"https://c\"", "at+jwt", NULL,
     TOK_CLAIM},
    {"a's, of another user", "ES256", "iss sub", ISS_A ",\"sub\":\"carol\"", NULL, NULL,
     TOK_USER},
    {"a's root", "ES256", "iss sub", ISS_A ",\"sub\":\"root\"", NULL, NULL, TOK_USER},
    {"d's, whose users are nobody here", "ES256", "iss", ISS_D, NULL, NULL, TOK_UNMAPPED},
    {"d's, over", "ES256", "iss exp", ISS_D ",\"exp\":1700000001", NULL, NULL, TOK_EXPIRED},
    {"of an ended session", "EdDSA", "iss sid", HOST(",\"sid\":\"" ENDED "\""), NULL, NULL,
     TOK_REVOKED},
    {"a's, of a session of that name", "ES256", "iss sid", ISS_A ",\"sid\":\"" ENDED "\"", NULL,
     NULL, TOK_OK},
    /* an iss that is nearly one */
    {"nobody's, by the local key", "EdDSA", "iss", "\"iss\":\"https://x\"", NULL, NULL,
     TOK_ISSUER},
    {"nobody's, by a's key", "ES256", "iss", "\"iss\":\"https://x\"", NULL, NULL, TOK_ALG},
    {"a slash behind a, by a", "ES256", "iss", "\"iss\":\"https://a/\"", NULL, NULL, TOK_ALG},
    {"a slash behind a, by the local key", "EdDSA", "iss", "\"iss\":\"https://a/\"", NULL, NULL,
     TOK_ISSUER},
    {"A for a", "ES256", "iss", "\"iss\":\"https://A\"", NULL, NULL, TOK_ALG},
    {"a NUL behind a, by a", "ES256", "iss", "\"iss\":\"https://a\\u0000\"", NULL, NULL,
     TOK_ALG},
    {"a NUL behind a, by the local key", "EdDSA", "iss", "\"iss\":\"https://a\\u0000\"", NULL,
     NULL, TOK_ISSUER},
    {"a NUL behind host", "EdDSA", "iss", "\"iss\":\"https://host\\u0000https://a\"", NULL,
     NULL, TOK_ISSUER},
    {"a in an array, by a", "ES256", "iss", "\"iss\":[\"https://a\"]", NULL, NULL, TOK_ALG},
    {"a and host in an array", "EdDSA", "iss", "\"iss\":[\"https://a\",\"https://host\"]", NULL,
     NULL, TOK_CLAIM_TYPE},
    {"a, then host", "EdDSA", "iss", ISS_A "," HOST(""), NULL, NULL, TOK_JSON},
    {"host, then a", "EdDSA", "iss", HOST(",") ISS_A, NULL, NULL, TOK_JSON},
    {"a, then host, by a", "ES256", "iss", ISS_A "," HOST(""), NULL, NULL, TOK_ALG},
    {"host, and a by escapes", "EdDSA", "iss", HOST(",\"\\u0069ss\":\"https://a\""), NULL, NULL,
     TOK_JSON},
    {"host, and a one level down", "EdDSA", "iss", HOST(",\"x\":{" ISS_A "}"), NULL, NULL,
     TOK_OK},
    {"a, and host one level down", "EdDSA", "iss", ISS_A ",\"x\":{" HOST("}"), NULL, NULL,
     TOK_ALG},
    {"none, by the local key", "EdDSA", "iss", "", NULL, NULL, TOK_MISSING},
    {"none, by a's key", "ES256", "iss", "", NULL, NULL, TOK_ALG},
    {"empty", "EdDSA", "iss", "\"iss\":\"\"", NULL, NULL, TOK_ISSUER},
    {"null", "EdDSA", "iss", "\"iss\":null", NULL, NULL, TOK_CLAIM_TYPE},
};

void attack_issuers(struct range *r)
{
    CLEANUP(issuers_free) struct issuers *w = issuers_new(r);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(cleanup_free) char *payload = range_payload(cases[i].but, cases[i].more);
        char header[HEADER_MAX];

        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"%s\"}",
                       cases[i].signer, cases[i].typ ? cases[i].typ : "JWT",
                       cases[i].kid ? cases[i].kid : "k");

        CLEANUP(cleanup_free)
        char *token =
            forge(range_key(r, cases[i].signer), text_slice(header), text_slice(payload));

        attack_result(r, "issuer", cases[i].name, verify(w, r, text_slice(token)),
                      cases[i].err);
        /* Of an ended session the log may know whose it was. */
        ck_assert(!cases[i].err || cases[i].err == TOK_REVOKED || !*r->result.user);
    }
}
