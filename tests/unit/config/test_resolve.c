#include "common/config/resolve.h"

#include "tests/unit/forge.h"

#define NOW 1700000100
#define SID "SSSSSSSSSSSSSSSSSSSSSS"
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}"
#define CLAIMS(iss, user)                                                                      \
    "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000," user ",\"iss\":\"" iss \
    "\",\"aud\":\"host\",\"sid\":\"" SID "\"}"
#define LOCAL CLAIMS("https://host", "\"sub\":\"alice\"")
#define OTHER CLAIMS("https://other", "\"sub\":\"alice\"")

/* Another key than RFC 8037's: that of no issuer here but the one whose file holds it. */
#define OTHER_PUBLIC                                                                           \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"PUAXw-hDiVqStwqnTRt-"                        \
    "vJyYLM8uxJaMwM1V8Sr0Zgw\"}"

/* A directory with what jwtd-issuer publishes and another issuer's keys. */
struct place {
    char dir[32];
    char pinned[64], keys[64], other_keys[64], list[64], map[64], synced[64];
    struct policy words;
    struct settings settings;
    struct parsed_token parsed; /* of the last token */
    struct resolved resolved;
    struct verify_result result;
    struct resolve_params ask;
};

static void put(char path[64], const char *dir, const char *name, const char *text)
{
    (void)snprintf(path, 64, "%s/%s", dir, name);
    ck_assert_ok(file_write(path, text_slice(text), 0644, NULL));
}

static void give(struct place *p, const char *word, const char *value)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(policy_set(&p->words, text_slice(word), text_slice(value), &errmsg) == TOK_OK,
                  "%s", errmsg.text);
}

static struct place *place_new(void)
{
    struct place *p = calloc(1, sizeof(*p));

    ck_assert_ptr_nonnull(p);
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/resolve-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    put(p->pinned, p->dir, "issuer", "Issuer=https://host\nAudience=host\n");
    put(p->keys, p->dir, "jwks.json", RFC8037_PUBLIC);
    put(p->other_keys, p->dir, "other.json", OTHER_PUBLIC);
    put(p->list, p->dir, "revoked", SID " 1700000900\n");
    put(p->map, p->dir, "usermap", "https://other alice carol\nhttps://host alice carol\n");
    ck_assert_ok(policy_init(&p->words));
    ck_assert_ok(settings_init(&p->settings));
    p->resolved.list.fd = -1;
    (void)snprintf(p->synced, sizeof(p->synced), "%s/synced", p->dir);
    p->ask = (struct resolve_params){
        .words = &p->words, .pinned = p->pinned, .synced = p->synced, .trust = FILE_PUBLIC};
    return p;
}

static void place_free(struct place **at)
{
    struct place *p = *at;

    (void)unlink(p->pinned);
    (void)unlink(p->keys);
    (void)unlink(p->other_keys);
    (void)unlink(p->list);
    (void)unlink(p->map);
    (void)unlink(p->synced);
    (void)rmdir(p->dir);
    resolve_clear(&p->resolved);
    parsed_token_clear(&p->parsed);
    settings_clear(&p->settings);
    policy_clear(&p->words);
    free(p);
}

/* A section of [Issuer URL] with this issuer's own keys and whatever lines more. */
static void section(struct place *p, const char *url, const char *keys, const char *lines)
{
    char text[512];
    struct errmsg errmsg = {""};

    (void)snprintf(text, sizeof(text), "[Issuer %s]\nKeys=%s\n%s", url, keys, lines);
    ck_assert_msg(settings_parse(&p->settings, "test", text_slice(text), &errmsg) == TOK_OK,
                  "%s", errmsg.text);
}

static void settings(struct place *p, const char *text)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(settings_parse(&p->settings, "test", text_slice(text), &errmsg) == TOK_OK,
                  "%s", errmsg.text);
}

static enum tok_err load(struct place *p, const char *token, struct errmsg *errmsg)
{
    resolve_clear(&p->resolved);
    parsed_token_clear(&p->parsed);
    ck_assert_ok(token_parse(text_slice(token), &p->parsed));
    return resolve_load(&p->ask, &p->settings, resolve_section(&p->settings, &p->parsed),
                        &p->resolved, errmsg);
}

/* Verifies a token of RFC 8037's key with this payload. */
static enum tok_err verify(struct place *p, const char *payload, const char *user)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(cleanup_free) char *token = forge(key, SLICE(HEADER), text_slice(payload));
    const struct policy_params check = {.now = NOW,
                                        .user = user ? text_slice(user) : (struct slice){0}};
    struct errmsg errmsg = {""};
    enum tok_err err = load(p, token, &errmsg);

    ck_assert_msg(err == TOK_OK || errmsg.text[0] != '\0', "no sentence");
    if (err)
        return err;
    return resolve_verify(&p->resolved, &p->parsed, &check, &p->result, &errmsg);
}

START_TEST(the_local_issuers_tokens_are_verified_by_the_pinned_file)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    ck_assert_ok(verify(p, LOCAL, "alice"));
    ck_assert_str_eq(p->result.user, "alice");
    ck_assert(!p->resolved.foreign);
    ck_assert_err(verify(p, LOCAL, "carol"), TOK_USER);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_ISSUER);
}
END_TEST

START_TEST(words_given_stand_above_the_pinned_file)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    give(p, "issuer", "https://other");
    ck_assert_ok(verify(p, OTHER, "alice"));
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_ISSUER);
    give(p, "audience", "elsewhere");
    ck_assert_ok(unlink(p->pinned) == 0 ? TOK_OK : TOK_FILE); /* nothing is left to ask it */
    ck_assert_err(verify(p, OTHER, "alice"), TOK_AUDIENCE);
}
END_TEST

START_TEST(a_missing_pinned_file_is_an_error_and_not_any_issuer)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    ck_assert_int_eq(unlink(p->pinned), 0);
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_SETTINGS);
}
END_TEST

START_TEST(a_missing_key_file_is_an_error)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", "/nowhere/keys");
    give(p, "revoked", "none");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_KEYS);
    ck_assert_ptr_null(p->resolved.keys.set);
}
END_TEST

START_TEST(the_list_is_searched_and_must_exist)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    give(p, "revoked", p->list);
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_REVOKED);
    ck_assert_int_eq(unlink(p->list), 0);
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_LIST);
    ck_assert_int_eq(p->resolved.list.fd, -1);
}
END_TEST

/* POLICY_REVOKED is not of this test's making: what counts is that it was looked for. */
START_TEST(with_keys_and_keys_without_list_no_list_is_searched)
{
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    p->ask.keys_without_list = true;
    ck_assert_ok(verify(p, LOCAL, "alice"));
    ck_assert_int_eq(p->resolved.list.fd, -1);
    give(p, "revoked", p->list);
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_REVOKED);
}
END_TEST

START_TEST(a_pam_stack_that_names_keys_keeps_the_list)
{
    CLEANUP(place_free) struct place *p = place_new();
    struct errmsg errmsg = {""};
    enum tok_err err;

    give(p, "keys", p->keys);
    err = load(p, "a.b.c", &errmsg);
    if (access(POLICY_REVOKED, F_OK) == 0)
        ck_assert(err == TOK_OK && p->resolved.list.fd >= 0);
    else
        ck_assert_err(err, TOK_LIST);
}
END_TEST

START_TEST(a_section_verifies_the_tokens_that_name_it_and_no_other)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    ck_assert_ok(verify(p, OTHER, "alice"));
    ck_assert(p->resolved.foreign);
    ck_assert_int_eq(p->resolved.list.fd, -1);
    ck_assert_err(verify(p, OTHER, "carol"), TOK_USER);
    /* The other issuer's key is no key of the local issuer's. */
    give(p, "keys", p->other_keys);
    give(p, "revoked", "none");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_SIGNATURE);
}
END_TEST

/* The key of the local issuer, for Keys= as a link. */
static void write_key(const char *path)
{
    struct errmsg errmsg = {""};

    ck_assert_ok(file_write(path, SLICE(RFC8037_PUBLIC), 0644, &errmsg));
}

START_TEST(a_key_file_of_the_settings_may_be_a_link_of_root)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();
    char dir[] = "/run/resolve-XXXXXX", file[64], link[64];
    struct errmsg errmsg = {""};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
    (void)snprintf(file, sizeof(file), "%s/keys", dir);
    (void)snprintf(link, sizeof(link), "%s/link", dir);
    write_key(file);
    ck_assert_int_eq(symlink("keys", link), 0);
    section(p, "https://other", link, "Audience=host\nUserMap=same\n");
    ck_assert_ok(verify(p, OTHER, "alice"));
    /* What has been loaded follows the link to another file: here in /tmp, where others can
     * make links. */
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(p->keys, link), 0);
    ck_assert_err(resolve_verify(&p->resolved, &p->parsed, &(struct policy_params){.now = NOW},
                                 &p->result, &errmsg),
                  TOK_KEYS);
    ck_assert_msg(strstr(errmsg.text, "\"tmp/") != NULL, "%s", errmsg.text);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_KEYS);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(the_user_map_names_the_local_users_of_another_issuer)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();
    char lines[128];

    (void)snprintf(lines, sizeof(lines), "Audience=host\nUserMap=%s\n", p->map);
    section(p, "https://other", p->keys, lines);
    ck_assert_ok(verify(p, OTHER, "carol"));
    ck_assert_str_eq(p->result.user, "carol");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_USER);
    put(p->map, p->dir, "usermap", "https://other alices carol\n");
    ck_assert_err(verify(p, OTHER, "carol"), TOK_UNMAPPED);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_UNMAPPED);
    put(p->map, p->dir, "usermap", "https://other alice\n");
    ck_assert_err(verify(p, OTHER, "carol"), TOK_SETTINGS);
    ck_assert_int_eq(unlink(p->map), 0);
    ck_assert_err(verify(p, OTHER, "carol"), TOK_SETTINGS);
}
END_TEST

START_TEST(a_map_beside_the_section_overrides_its_own)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    give(p, "user_map", p->map);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_USER);
    ck_assert_ok(verify(p, OTHER, "carol"));
    give(p, "user_map", "none");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_UNMAPPED);
    give(p, "user_map", "same");
    ck_assert_ok(verify(p, OTHER, "alice"));
}
END_TEST

START_TEST(the_local_issuers_users_are_never_mapped)
{
    CLEANUP(place_free) struct place *p = place_new();
    char lines[128];

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    give(p, "user_map", p->map);
    ck_assert_ok(verify(p, LOCAL, "alice"));
    (void)snprintf(lines, sizeof(lines), "UserMap=%s\n", p->map);
    section(p, "https://host", p->keys, lines);
    ck_assert_ok(verify(p, LOCAL, "alice"));
}
END_TEST

START_TEST(an_issuer_named_beside_the_token_is_mapped_when_a_map_is_named_too)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    give(p, "issuer", "https://other");
    ck_assert_ok(verify(p, OTHER, "alice"));
    give(p, "user_map", p->map);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_USER);
    ck_assert_ok(verify(p, OTHER, "carol"));
    give(p, "user_map", "none");
    ck_assert_err(verify(p, OTHER, "carol"), TOK_UNMAPPED);
    /* Nothing says that it is the local one. */
    ck_assert_int_eq(unlink(p->pinned), 0);
    give(p, "audience", "host");
    ck_assert_err(verify(p, OTHER, "carol"), TOK_UNMAPPED);
}
END_TEST

START_TEST(tokens_of_a_section_are_not_verified_with_the_local_keys)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->other_keys, "Audience=host\nUserMap=same\n");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_SIGNATURE);
}
END_TEST

START_TEST(a_section_needs_no_file_of_the_local_issuer)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    ck_assert_int_eq(unlink(p->pinned), 0);
    ck_assert_ok(verify(p, OTHER, "alice"));
}
END_TEST

START_TEST(a_section_without_audience_has_that_of_the_host)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "UserMap=same\n");
    ck_assert_ok(verify(p, OTHER, "alice"));
    ck_assert_int_eq(unlink(p->pinned), 0);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_SETTINGS);
}
END_TEST

START_TEST(words_given_override_the_section)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\nMaxLifetime=1h\n");
    give(p, "max_lifetime", "1min");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_LIFETIME);
    give(p, "max_lifetime", "1h");
    give(p, "revoked", p->list);
    ck_assert_err(verify(p, OTHER, "alice"), TOK_REVOKED);
}
END_TEST

START_TEST(users_of_another_issuer_are_refused_without_a_map)
{
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\n");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_UNMAPPED);
    ck_assert_str_eq(p->result.user, "");
    ck_assert_err(verify(p, OTHER, "carol"), TOK_UNMAPPED);
    ck_assert_err(verify(p, OTHER, NULL), TOK_UNMAPPED);
    /* What is wrong with the token itself comes first. */
    give(p, "max_lifetime", "1min");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_LIFETIME);
}
END_TEST

START_TEST(a_section_of_the_local_issuer_keeps_its_list_and_users)
{
    CLEANUP(place_free) struct place *p = place_new();
    char lines[128];

    (void)snprintf(lines, sizeof(lines), "Revoked=%s\n", p->list);
    section(p, "https://host", p->keys, "MaxLifetime=1min\n");
    give(p, "revoked", "none");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_LIFETIME);
    ck_assert(!p->resolved.foreign);
    settings_clear(&p->settings);
    ck_assert_ok(settings_init(&p->settings));
    section(p, "https://host", p->keys, lines);
    policy_clear(&p->words);
    ck_assert_ok(policy_init(&p->words));
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_REVOKED);
}
END_TEST

/* The last bundle was made so many seconds before NOW. */
static void sync_from(struct place *p, const char *issuer, int ago)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "Bundle=%d\nEpoch=1\nSeq=5\nIssuer=%s\n", NOW - ago,
                   issuer);
    put(p->synced, p->dir, "synced", text);
}

/* A place with a list that has no session of LOCAL. */
static struct place *synced_place_new(void)
{
    struct place *p = place_new();

    put(p->list, p->dir, "revoked", "");
    give(p, "keys", p->keys);
    give(p, "revoked", p->list);
    return p;
}

START_TEST(tokens_are_refused_when_the_bundle_is_older_than_revoked_max_age)
{
    static const struct {
        int ago;
        enum tok_err err;
    } rows[] = {{0, TOK_OK},       {3600, TOK_OK},       {3601, TOK_STALE},   {-300, TOK_OK},
                {-301, TOK_STALE}, {NOW - 1, TOK_STALE}, {1000000, TOK_STALE}};
    CLEANUP(place_free) struct place *p = synced_place_new();

    for (int from_words = 0; from_words <= 1; from_words++) {
        if (from_words)
            give(p, "revoked_max_age", "1h");
        else
            settings(p, "[Token]\nRevokedMaxAge=1h\n");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            sync_from(p, "https://host", rows[i].ago);
            ck_assert_err(verify(p, LOCAL, "alice"), rows[i].err);
        }
        settings(p, "[Token]\nRevokedMaxAge=0\n");
    }
    /* What is wrong with the token itself comes first. */
    give(p, "max_lifetime", "1min");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_LIFETIME);
}
END_TEST

START_TEST(without_revoked_max_age_the_bundle_is_not_read)
{
    CLEANUP(place_free) struct place *p = synced_place_new();

    ck_assert_ok(verify(p, LOCAL, "alice"));
    put(p->synced, p->dir, "synced", "junk");
    ck_assert_ok(verify(p, LOCAL, "alice"));
    settings(p, "[Token]\nRevokedMaxAge=1h\n");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_STALE);
    give(p, "revoked_max_age", "0");
    ck_assert_ok(verify(p, LOCAL, "alice"));
    give(p, "revoked_max_age", "1h");
    give(p, "revoked", "none");
    ck_assert_ok(verify(p, LOCAL, "alice"));
}
END_TEST

START_TEST(without_a_bundle_tokens_are_refused)
{
    CLEANUP(place_free) struct place *p = synced_place_new();

    give(p, "revoked_max_age", "1h");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_STALE);
    sync_from(p, "https://host", 0);
    ck_assert_ok(verify(p, LOCAL, "alice"));
}
END_TEST

START_TEST(a_bundle_of_another_issuer_does_not_count)
{
    CLEANUP(place_free) struct place *p = synced_place_new();
    char lines[160];

    sync_from(p, "https://other", 0);
    give(p, "revoked_max_age", "1h");
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_STALE);
    sync_from(p, "https://host", 0);
    ck_assert_ok(verify(p, LOCAL, "alice"));
    /* Another issuer's list has no bundle; without a list there is nothing to be old. */
    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    ck_assert_err(verify(p, OTHER, "alice"), TOK_STALE);
    policy_clear(&p->words);
    ck_assert_ok(policy_init(&p->words));
    give(p, "revoked_max_age", "1h");
    ck_assert_ok(verify(p, OTHER, "alice"));
    (void)snprintf(lines, sizeof(lines), "Revoked=%s\nRevokedMaxAge=1h\n", p->list);
    section(p, "https://other", p->keys, lines);
    policy_clear(&p->words);
    ck_assert_ok(policy_init(&p->words));
    ck_assert_err(verify(p, OTHER, "alice"), TOK_STALE);
}
END_TEST

START_TEST(the_issuers_claim_names_are_those_of_its_tokens)
{
    CLEANUP(place_free) struct place *p = place_new();
    const char *payload = CLAIMS("https://host", "\"user_id\":\"alice\"");

    settings(p, "[Token]\nUserIdClaim=user_id\n");
    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    ck_assert_ok(verify(p, payload, "alice"));
    ck_assert_err(verify(p, LOCAL, "alice"), TOK_MISSING);
    give(p, "user_claim", "sub");
    give(p, "require", "sub");
    ck_assert_ok(verify(p, LOCAL, "alice"));
    policy_clear(&p->words);
    ck_assert_ok(policy_init(&p->words));
    section(p, "https://host", p->keys, "Revoked=none\n");
    ck_assert_ok(verify(p, payload, "alice"));
    /* Another issuer's tokens are not ours to name. */
    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    ck_assert_ok(verify(p, OTHER, "alice"));
}
END_TEST

START_TEST(what_is_no_token_is_the_local_issuers_to_refuse)
{
    static const char *const texts[] = {"", "junk", "a.b.c", "e30.e30.", "....", "e30.W10.x"};
    CLEANUP(place_free) struct place *p = place_new();

    section(p, "https://other", p->keys, "Audience=host\nUserMap=same\n");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        parsed_token_clear(&p->parsed);
        ck_assert_ok(token_parse(text_slice(texts[i]), &p->parsed));
        ck_assert_ptr_null(resolve_section(&p->settings, &p->parsed));
    }
}
END_TEST

START_TEST(a_settings_file_that_is_named_must_be_there)
{
    CLEANUP(place_free) struct place *p = place_new();
    CLEANUP(settings_clear) struct settings read = {0};
    struct errmsg errmsg = {""};

    p->ask.config = "/nowhere/jwt.conf";
    ck_assert_err(resolve_settings(&p->ask, &read, &errmsg), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "/nowhere/jwt.conf"));
    ck_assert_ok(token_parse(SLICE("a.b.c"), &p->parsed));
    ck_assert_err(resolve_token(&p->ask, &p->parsed, &p->resolved, &errmsg), TOK_SETTINGS);
}
END_TEST

START_TEST(a_key_file_that_is_lost_verifies_no_more_tokens)
{
    CLEANUP(place_free) struct place *p = place_new();
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(cleanup_free) char *token = forge(key, SLICE(HEADER), SLICE(LOCAL));
    struct errmsg errmsg = {""};
    const struct policy_params check = {.now = NOW};

    give(p, "keys", p->keys);
    give(p, "revoked", "none");
    ck_assert_ok(load(p, token, &errmsg));
    ck_assert_ok(resolve_verify(&p->resolved, &p->parsed, &check, &p->result, &errmsg));
    ck_assert_int_eq(unlink(p->keys), 0);
    ck_assert_err(resolve_verify(&p->resolved, &p->parsed, &check, &p->result, &errmsg),
                  TOK_KEYS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, p->keys));
    ck_assert(!p->result.authentic);
}
END_TEST

UNIT_MAIN("resolve", the_local_issuers_tokens_are_verified_by_the_pinned_file,
          words_given_stand_above_the_pinned_file,
          a_missing_pinned_file_is_an_error_and_not_any_issuer, a_missing_key_file_is_an_error,
          the_list_is_searched_and_must_exist,
          with_keys_and_keys_without_list_no_list_is_searched,
          a_pam_stack_that_names_keys_keeps_the_list,
          a_section_verifies_the_tokens_that_name_it_and_no_other,
          a_key_file_of_the_settings_may_be_a_link_of_root,
          the_user_map_names_the_local_users_of_another_issuer,
          a_map_beside_the_section_overrides_its_own, the_local_issuers_users_are_never_mapped,
          an_issuer_named_beside_the_token_is_mapped_when_a_map_is_named_too,
          tokens_of_a_section_are_not_verified_with_the_local_keys,
          a_section_needs_no_file_of_the_local_issuer,
          a_section_without_audience_has_that_of_the_host, words_given_override_the_section,
          users_of_another_issuer_are_refused_without_a_map,
          a_section_of_the_local_issuer_keeps_its_list_and_users,
          tokens_are_refused_when_the_bundle_is_older_than_revoked_max_age,
          without_revoked_max_age_the_bundle_is_not_read, without_a_bundle_tokens_are_refused,
          a_bundle_of_another_issuer_does_not_count,
          the_issuers_claim_names_are_those_of_its_tokens,
          what_is_no_token_is_the_local_issuers_to_refuse,
          a_settings_file_that_is_named_must_be_there,
          a_key_file_that_is_lost_verifies_no_more_tokens)
