/* Files, settings and policies. */
#include "tests/unit/faults/faults.h"

#include "common/config/resolve.h"
#include "tests/unit/forge.h"
#include "tests/unit/host_keys.h"

#include <sys/stat.h>

#define SID "SSSSSSSSSSSSSSSSSSSSSS"
#define CLAIMS(iss, sid)                                                                       \
    "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,\"sub\":\"alice\","      \
    "\"iss\":\"" iss "\",\"aud\":\"host\",\"sid\":\"" sid "\"}"

/* A directory with all that a machine has. */
struct place {
    char dir[32];
    char conf[64], drop_ins[72], one[96], two[96], pinned[64], keys[64], list[64], map[64],
        synced[64];
    struct policy words;
    struct settings settings;
    char *token;
};

static void put(char *path, size_t size, const char *dir, const char *name, const char *text)
{
    (void)snprintf(path, size, "%s/%s", dir, name);
    ck_assert_ok(file_write(path, text_slice(text), 0644, NULL));
}

static struct place *place_new(void)
{
    struct place *p = calloc(1, sizeof(*p));
    char text[512];

    ck_assert_ptr_nonnull(p);
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/faults-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    put(p->keys, sizeof(p->keys), p->dir, "jwks.json", RFC8037_PUBLIC);
    put(p->list, sizeof(p->list), p->dir, "revoked", SID " 1700000900\n");
    put(p->map, sizeof(p->map), p->dir, "usermap",
        "https://third alice alice\nhttps://third x carol\nhttps://third *@y carol\n");
    put(p->synced, sizeof(p->synced), p->dir, "synced",
        "Bundle=1700000000\nIssuer=https://host\n");
    put(p->pinned, sizeof(p->pinned), p->dir, "issuer", "Issuer=https://host\nAudience=host\n");
    put(p->conf, sizeof(p->conf), p->dir, "jwt.conf",
        "[Token]\nIssuer=https://host\nAudience=host other\nAlgorithm=ES256\nRevokedMaxAge=1h\n"
        "[Session]\nAllowUsers=alice bob\nFailuresPerUser=5/min\n");
    (void)snprintf(p->drop_ins, sizeof(p->drop_ins), "%s.d", p->conf);
    ck_assert_int_eq(mkdir(p->drop_ins, 0755), 0);
    put(p->one, sizeof(p->one), p->drop_ins, "10-one.conf", "[Http]\nAllowedHosts=a b c\n");
    (void)snprintf(
        text, sizeof(text),
        "[Issuer https://other]\nKeys=%s\nAudience=host\nRequire=sub exp\n"
        "Claim=a:b\nClaim=c:d\nTyp=JWT absent\nAlgorithms=EdDSA ES256\nUserMap=same\n"
        "[Issuer https://third]\nKeys=%s\nUserMap=%s\n"
        "[Issuer https://fourth]\nKeys=%s\n",
        p->keys, p->keys, p->map, p->keys);
    put(p->two, sizeof(p->two), p->drop_ins, "20-two.conf", text);
    ck_assert_ok(policy_init(&p->words));
    return p;
}

static void place_free(struct place **at)
{
    struct place *p = *at;

    for (size_t i = 0; i < 8; i++)
        (void)unlink((const char *const[]){p->one, p->two, p->conf, p->pinned, p->keys, p->list,
                                           p->map, p->synced}[i]);
    ck_assert_int_eq(rmdir(p->drop_ins), 0);
    ck_assert_int_eq(rmdir(p->dir), 0); /* nothing is left behind */
    settings_clear(&p->settings);
    policy_clear(&p->words);
    free(p->token);
    free(p);
}

struct listing {
    char *text;
    size_t used;
};

static void list_one(void *arg, const char *section, const char *key, const char *value,
                     bool is_default)
{
    struct listing *t = arg;

    (void)is_default;
    t->used += (size_t)snprintf(t->text + t->used, FAULTS_TEXT - t->used, "[%s]%s=%s\n",
                                section, key, value);
    if (t->used >= FAULTS_TEXT)
        abort(); /* an assertion here would allocate */
}

static enum tok_err load_settings(const void *given, char *text)
{
    const struct place *p = given;
    struct settings s = {0};
    struct errmsg errmsg = {0};
    struct listing listing = {text, 0};
    enum tok_err err = settings_load(p->conf, &s, &errmsg);

    (void)faults_end();
    if (err) {
        const struct settings empty = {0};

        ck_assert_mem_eq(&s, &empty, sizeof(s));
        ck_assert_msg(*errmsg.text != '\0', "%s without a sentence", tok_err_word(err));
        (void)snprintf(text, FAULTS_TEXT, "%s", errmsg.text);
        return err;
    }
    ck_assert_ok(settings_each(&s, list_one, &listing));
    settings_clear(&s);
    return err;
}

static enum tok_err list_settings(const void *given, char *text)
{
    const struct place *p = given;
    struct listing listing = {text, 0};
    enum tok_err err = settings_each(&p->settings, list_one, &listing);

    (void)faults_end();
    return err;
}

START_TEST(settings_are_loaded_whole_or_not)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();

    faults_try("settings_load", load_settings, p, TOK_OK);
    ck_assert_ok(settings_load(p->conf, &p->settings, NULL));
    faults_try("settings_each", list_settings, p, TOK_OK);
}
END_TEST

/* A policy with every word given, listing before and after. */

struct words {
    const struct policy *base;
    const char *word, *value;
};

static const char *const every_word[][2] = {
    {"keys", "/k"},        {"issuer", "https://host"},
    {"audience", "a,b"},   {"algorithms", "EdDSA,ES256"},
    {"user_claim", "u"},   {"type", "access"},
    {"typ", "JWT,at+jwt"}, {"require", "sub,exp"},
    {"claim", "a:b"},      {"claim", "c:d"},
    {"scope", "required"}, {"one_time", "optional"},
    {"leeway", "3s"},      {"max_lifetime", "1h"},
    {"max_length", "511"}, {"allow_root", "yes"},
    {"revoked", "/r"},     {"user_map", "/m"},
};

static void give(struct policy *p, const char *word, const char *value)
{
    struct errmsg errmsg = {0};

    ck_assert_msg(policy_set(p, text_slice(word), text_slice(value), &errmsg) == TOK_OK, "%s",
                  errmsg.text);
}

static void make_policy(struct policy *ret)
{
    ck_assert_ok(policy_init(ret));
    for (size_t i = 0; i < sizeof(every_word) / sizeof(every_word[0]); i++)
        give(ret, every_word[i][0], every_word[i][1]);
}

static enum tok_err list_policy(const struct policy *p, char *text)
{
    struct listing listing = {text, 0};

    *text = '\0';
    for (const struct keyword *k = policy_keywords; k->type; k++) {
        CLEANUP(cleanup_free) char *value = NULL;
        enum tok_err err = k->type->format(k, p, &value);

        if (err)
            return err;
        list_one(&listing, "", k->name ? k->name : "", value, policy_has(p, k));
    }
    return TOK_OK;
}

static enum tok_err init_policy(const void *given, char *text)
{
    struct policy p = {0};
    const struct policy empty = {0};
    enum tok_err err = policy_init(&p);

    (void)faults_end();
    (void)given;
    if (err)
        ck_assert_mem_eq(&p, &empty, sizeof(p));
    else
        (void)snprintf(text, FAULTS_TEXT, "%s %s %s", p.keys, p.user_claim, p.revoked);
    policy_clear(&p);
    return err;
}

static enum tok_err copy_policy(const void *given, char *text)
{
    struct policy p = {0};
    const struct policy empty = {0};
    enum tok_err err = policy_copy(given, &p);

    (void)faults_end();
    if (err)
        ck_assert_mem_eq(&p, &empty, sizeof(p));
    else
        ck_assert_ok(list_policy(&p, text));
    policy_clear(&p);
    return err;
}

/* One word laid on a policy that has all. */
static enum tok_err set_word(const void *given, char *text)
{
    CLEANUP(policy_clear) struct policy p = {0};
    static char before[FAULTS_TEXT];
    const struct words *w = given;
    struct errmsg errmsg = {0};
    enum tok_err err = policy_copy(w->base, &p);

    if (err)
        return err;
    err = policy_set(&p, text_slice(w->word), text_slice(w->value), &errmsg);
    (void)faults_end();
    ck_assert_ok(list_policy(&p, text));
    ck_assert_ok(list_policy(w->base, before));
    if (err)
        ck_assert_str_eq(text, before);
    return err;
}

static enum tok_err override(const void *given, char *text)
{
    CLEANUP(policy_clear) struct policy p = {0};
    enum tok_err err = policy_init(&p);

    if (!err)
        err = policy_override(&p, given);
    (void)faults_end();
    if (!err)
        ck_assert_ok(list_policy(&p, text));
    return err;
}

static enum tok_err format_policy(const void *given, char *text)
{
    enum tok_err err = list_policy(given, text);

    (void)faults_end();
    return err;
}

START_TEST(a_policy_is_made_whole_or_not)
{
    CLEANUP(policy_clear) struct policy p = {0};

    make_policy(&p);
    faults_try("policy_init", init_policy, NULL, TOK_OK);
    faults_try("policy_copy", copy_policy, &p, TOK_OK);
    faults_try("policy_override", override, &p, TOK_OK);
    faults_try("format", format_policy, &p, TOK_OK);
    for (size_t i = 0; i < sizeof(every_word) / sizeof(every_word[0]); i++) {
        struct words w = {&p, every_word[i][0], every_word[i][1]};

        faults_try(w.word, set_word, &w, TOK_OK);
    }
}
END_TEST

static enum tok_err read_pinned(const void *given, char *text)
{
    CLEANUP(policy_clear) struct policy p = {0};
    const struct place *place = given;
    struct errmsg errmsg = {0};
    enum tok_err err = policy_read_pinned(&p, place->pinned, &errmsg);

    (void)faults_end();
    if (err) {
        ck_assert_ptr_null(p.issuer);
        ck_assert_ptr_null(p.audience);
        return err;
    }
    (void)snprintf(text, FAULTS_TEXT, "%s %s", p.issuer, p.audience[0]);
    return err;
}

START_TEST(the_pinned_file_is_read_whole_or_not)
{
    CLEANUP(place_free) struct place *p = place_new();

    faults_try("policy_read_pinned", read_pinned, p, TOK_OK);
}
END_TEST

static enum tok_err resolve(const void *given, char *text)
{
    const struct place *p = given;
    const struct resolve_params ask = {.words = &p->words,
                                       .config = p->conf,
                                       .pinned = p->pinned,
                                       .synced = p->synced,
                                       .trust = FILE_PUBLIC};
    CLEANUP(resolve_clear) struct resolved r = {.list.fd = -1};
    struct verify_result result = {0};
    struct errmsg errmsg = {0};
    CLEANUP(parsed_token_clear) struct parsed_token token = {0};
    const struct policy_params check = {
        .now = 1700000100, .user = SLICE("alice"), .service = SLICE("sshd")};
    enum tok_err err = token_parse(text_slice(p->token), &token);

    if (!err)
        err = resolve_token(&ask, &token, &r, &errmsg);
    if (!err)
        err = resolve_verify(&r, &token, &check, &result, &errmsg);
    (void)faults_end();
    (void)snprintf(text, FAULTS_TEXT, "%s %d %s", result.user, r.foreign, errmsg.text);
    return err;
}

static void resolve_one(struct place *p, const char *what, const char *payload,
                        enum tok_err verdict)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);

    free(p->token);
    p->token = forge(key, SLICE("{\"alg\":\"EdDSA\"}"), text_slice(payload));
    faults_try(what, resolve, p, verdict);
}

START_TEST(a_fault_verifies_no_token_by_other_rules)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();

    give(&p->words, "keys", p->keys);
    give(&p->words, "revoked", p->list);
    resolve_one(p, "ours", CLAIMS("https://host", "AAAAAAAAAAAAAAAAAAAAAA"), TOK_OK);
    resolve_one(p, "ours, ended", CLAIMS("https://host", SID), TOK_REVOKED);
    resolve_one(p, "another's, ended", CLAIMS("https://third", SID), TOK_REVOKED);
    resolve_one(p, "another's", CLAIMS("https://third", "AAAAAAAAAAAAAAAAAAAAAA"), TOK_OK);
    resolve_one(p, "another's, unmapped", CLAIMS("https://fourth", SID), TOK_UNMAPPED);
    resolve_one(p, "nobody's", CLAIMS("https://nobody", SID), TOK_ISSUER);
}
END_TEST

/* The key that is looked for is in the file host_2_key.pub. */
static enum tok_err find_host_key(const void *given, char *text)
{
    const struct place *p = given;
    struct errmsg errmsg = {0};
    char pattern[128];
    enum tok_err err;

    (void)text;
    (void)snprintf(pattern, sizeof(pattern), "%s/host_*_key.pub", p->drop_ins);
    err = host_key_check(pattern, SLICE(HOST_KEY_2), &errmsg);
    (void)faults_end();
    return err;
}

/* line NULL: away with it. */
static void put_host_key(const struct place *p, const char *name, const char *line)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", p->drop_ins, name);
    if (line)
        ck_assert_ok(file_write(path, slice_of(line), 0644, NULL));
    else
        ck_assert_int_eq(unlink(path), 0);
}

START_TEST(a_fault_blames_no_token_for_its_host_key)
{
    NEEDS_ROOT();
    CLEANUP(place_free) struct place *p = place_new();

    put_host_key(p, "host_1_key.pub", HOST_KEY_LINE_1);
    put_host_key(p, "host_1_key", "");
    put_host_key(p, "host_2_key.pub", HOST_KEY_LINE_2);
    put_host_key(p, "host_2_key", "");
    faults_try("host_key_check", find_host_key, p, TOK_OK);
    put_host_key(p, "host_1_key.pub", NULL);
    put_host_key(p, "host_1_key", NULL);
    put_host_key(p, "host_2_key.pub", NULL);
    put_host_key(p, "host_2_key", NULL);
}
END_TEST

/* The list and one in memory, into a file. */
static enum tok_err merge_lists(const void *given, char *text)
{
    const struct place *p = given;
    struct revoked lists[2] = {
        {.fd = -1},
        {.fd = -1, .size = REVOKED_LINE_LEN, .lines = "BBBBBBBBBBBBBBBBBBBBBB 1700000900\n"}};
    struct errmsg errmsg = {0};
    struct revoked_digest d = {0};
    int fd = memfd_create("list", MFD_CLOEXEC);
    enum tok_err err = revoked_open(p->list, FILE_PUBLIC, &lists[0], &errmsg);

    if (!err)
        err = revoked_merge(lists, 0, fd, &d);
    (void)faults_end();
    (void)snprintf(text, FAULTS_TEXT, "%d %02x", (int)d.count, d.sha256[0]);
    if (err)
        ck_assert_uint_eq(d.count, 0);
    else
        ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)2 * REVOKED_LINE_LEN);
    revoked_close(&lists[0]);
    (void)close(fd);
    return err;
}

START_TEST(a_fault_makes_no_list_shorter)
{
    CLEANUP(place_free) struct place *p = place_new();

    faults_try("revoked_merge", merge_lists, p, TOK_OK);
}
END_TEST

/* Files. */

static enum tok_err read_path(const char *path, char *text)
{
    CLEANUP(secret_clear) struct secret bytes = {0};
    struct errmsg errmsg = {0};
    enum tok_err err = file_read(path, FILE_KEYS, 4096, &bytes, &errmsg);

    (void)faults_end();
    if (err) {
        ck_assert_ptr_null(bytes.p);
        ck_assert_msg(*errmsg.text != '\0', "%s without a sentence", tok_err_word(err));
        return err;
    }
    (void)snprintf(text, FAULTS_TEXT, "%s", bytes.p);
    return err;
}

static enum tok_err read_whole(const void *given, char *text)
{
    return read_path(((const struct place *)given)->conf, text);
}

static enum tok_err read_link(const void *given, char *text)
{
    return read_path(given, text);
}

START_TEST(a_file_is_read_whole_or_not)
{
    CLEANUP(place_free) struct place *p = place_new();

    faults_try("file_read", read_whole, p, TOK_OK);
}
END_TEST

START_TEST(a_link_is_followed_to_its_file_or_not)
{
    NEEDS_ROOT();
    char dir[] = "/run/faults-XXXXXX", path[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    ck_assert_ok(file_write(path, SLICE("a text"), 0644, NULL));
    (void)snprintf(path, sizeof(path), "%s/link", dir);
    ck_assert_int_eq(symlink("f", path), 0);
    faults_try("file_read of a link", read_link, path, TOK_OK);
    ck_assert_int_eq(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static bool is_whole(const char *path, const char *a, const char *b)
{
    CLEANUP(secret_clear) struct secret text = {0};

    ck_assert_ok(file_read(path, FILE_PUBLIC, 4096, &text, NULL));
    return strcmp(text.p, a) == 0 || strcmp(text.p, b) == 0;
}

static enum tok_err replace_file(const void *given, char *text)
{
    static const char old[] = "the old text", new[] = "the text that is new";
    const struct place *p = given;
    char path[128];
    struct errmsg errmsg = {0};
    enum tok_err err;

    (void)text;
    (void)snprintf(path, sizeof(path), "%s/%s", p->drop_ins, "replaced");
    err = file_write(path, SLICE("the text that is new"), 0600, &errmsg);
    (void)faults_end();
    ck_assert(err ? is_whole(path, old, new) : is_whole(path, new, new));
    ck_assert_ok(file_write(path, SLICE("the old text"), 0600, NULL));
    return err;
}

START_TEST(a_file_is_replaced_whole_or_not)
{
    CLEANUP(place_free) struct place *p = place_new();
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", p->drop_ins, "replaced");
    ck_assert_ok(file_write(path, SLICE("the old text"), 0600, NULL));
    faults_try("file_write", replace_file, p, TOK_OK);
    (void)unlink(path); /* and place_free finds the directory empty */
}
END_TEST

static enum tok_err ask_list(const void *given, char *text)
{
    const struct place *p = given;
    struct revoked list = {.fd = -1};
    struct errmsg errmsg = {0};
    enum tok_err err = revoked_open(p->list, FILE_PUBLIC, &list, &errmsg);

    (void)text;
    if (err) {
        (void)faults_end();
        ck_assert_int_eq(list.fd, -1);
        return err;
    }
    err = revoked_check(&list, SLICE(SID));
    (void)faults_end();
    revoked_close(&list);
    return err;
}

START_TEST(an_unreadable_list_accepts_no_session)
{
    CLEANUP(place_free) struct place *p = place_new();

    faults_try("revoked", ask_list, p, TOK_REVOKED);
}
END_TEST

/* Of which some is remembered, if there is memory for it. */
START_TEST(an_unreadable_long_list_accepts_no_session)
{
    CLEANUP(place_free) struct place *p = place_new();
    FILE *file = fopen(p->list, "w");

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 9999; i++)
        ck_assert_int_eq(fprintf(file, "%022d 1700000900\n", i), REVOKED_LINE_LEN);
    ck_assert_int_eq(fputs(SID " 1700000900\n", file) < 0, 0);
    ck_assert_int_eq(fclose(file), 0);
    faults_try("revoked", ask_list, p, TOK_REVOKED);
}
END_TEST

size_t faults_file_tests(const TTest *ret[FAULTS_TESTS])
{
    const TTest *const tests[] = {
        settings_are_loaded_whole_or_not,
        a_policy_is_made_whole_or_not,
        the_pinned_file_is_read_whole_or_not,
        a_fault_verifies_no_token_by_other_rules,
        a_fault_blames_no_token_for_its_host_key,
        a_fault_makes_no_list_shorter,
        a_file_is_read_whole_or_not,
        a_link_is_followed_to_its_file_or_not,
        a_file_is_replaced_whole_or_not,
        an_unreadable_list_accepts_no_session,
        an_unreadable_long_list_accepts_no_session,
    };

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        ret[i] = tests[i];
    return sizeof(tests) / sizeof(tests[0]);
}
