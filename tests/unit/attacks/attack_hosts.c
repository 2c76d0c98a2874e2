/*
 * Audiences that are bound to a host's SSH key, on a host that has the key HOST_KEY_1; and what
 * may be planted among its key files so that it passes for a host with HOST_KEY_2.
 */
#include "common/base/file.h"
#include "tests/unit/attacks/attack.h"
#include "tests/unit/host_keys.h"

#define BOUND(text) "\"aud\":\"" text "\""

/* Claims in place of aud. */
static const struct {
    const char *name, *claims;
    enum tok_err err;
} audiences[] = {
    {"its key", BOUND("host#" HOST_KEY_1), TOK_OK},
    {"its key, by escapes", BOUND("host\\u0023" HOST_KEY_1), TOK_OK},
    {"its key, in an array", "\"aud\":[\"host#" HOST_KEY_1 "\"]", TOK_OK},
    {"no key", BOUND("host"), TOK_OK},
    {"another host's key", BOUND("host#" HOST_KEY_2), TOK_HOST_KEY},
    {"an empty key", BOUND("host#"), TOK_HOST_KEY},
    {"the key cut", BOUND("host#rVWF0XYY8VdYnGdcftaeP"), TOK_HOST_KEY},
    {"the key and a letter", BOUND("host#" HOST_KEY_1 "9"), TOK_HOST_KEY},
    {"the whole fingerprint", BOUND("host#" HOST_KEY_1 "9Nb8wKfZ6AsG_nTxAS0zQ"), TOK_HOST_KEY},
    {"the key and a NUL", BOUND("host#" HOST_KEY_1 "\\u0000"), TOK_HOST_KEY},
    {"the key in lower case", BOUND("host#rvwf0xyy8vdyngdcftaepg"), TOK_HOST_KEY},
    {"a star for a key", BOUND("host#*"), TOK_HOST_KEY},
    {"a star and the key's end", BOUND("host#*g"), TOK_HOST_KEY},
    {"a path for a key", BOUND("host#../ssh_host_1_key"), TOK_HOST_KEY},
    {"its key, another audience", BOUND("other#" HOST_KEY_1), TOK_AUDIENCE},
    {"its key, no audience", BOUND("#" HOST_KEY_1), TOK_AUDIENCE},
    {"its key, the audience in other case", BOUND("HOST#" HOST_KEY_1), TOK_AUDIENCE},
    {"its key, the audience with a NUL", BOUND("host\\u0000#" HOST_KEY_1), TOK_AUDIENCE},
    {"its key, a space before", BOUND("host #" HOST_KEY_1), TOK_AUDIENCE},
    {"its key after another", BOUND("host#" HOST_KEY_2 "#" HOST_KEY_1), TOK_AUDIENCE},
    {"its key before another", BOUND("host#" HOST_KEY_1 "#" HOST_KEY_2), TOK_AUDIENCE},
    {"its key and a mark", BOUND("host#" HOST_KEY_1 "#"), TOK_AUDIENCE},
    {"two marks", BOUND("host##" HOST_KEY_1), TOK_AUDIENCE},
    {"its key in front", BOUND(HOST_KEY_1 "#host"), TOK_AUDIENCE},
    {"without a mark", BOUND("host" HOST_KEY_1), TOK_AUDIENCE},
    {"its key and another host's", "\"aud\":[\"host#" HOST_KEY_1 "\",\"host#" HOST_KEY_2 "\"]",
     TOK_AUDIENCE},
    {"its key twice", "\"aud\":[\"host#" HOST_KEY_1 "\",\"host#" HOST_KEY_1 "\"]",
     TOK_AUDIENCE},
    {"its key and another audience", "\"aud\":[\"other\",\"host#" HOST_KEY_1 "\"]",
     TOK_AUDIENCE},
    {"its key in an array within", "\"aud\":[[\"host#" HOST_KEY_1 "\"]]", TOK_CLAIM_TYPE},
    {"its key as a claim alone", BOUND("other") ",\"host_key\":\"" HOST_KEY_1 "\"",
     TOK_AUDIENCE},
};

/* A directory for /etc/ssh. */
struct host {
    char dir[32], paths[4][64];
};

enum { OWN, OWN_PRIVATE, PLANTED, PLANTED_PRIVATE };

static void host_put(const struct host *h, int file, const char *text)
{
    ck_assert_ok(file_write(h->paths[file], text_slice(text), 0644, NULL));
}

static struct host *host_new(struct range *r)
{
    static const char *const names[] = {"ssh_host_1_key.pub", "ssh_host_1_key",
                                        "ssh_host_2_key.pub", "ssh_host_2_key"};
    struct host *h = calloc(1, sizeof(*h));
    char words[96];

    ck_assert_ptr_nonnull(h);
    (void)snprintf(h->dir, sizeof(h->dir), "/tmp/host-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(h->dir));
    for (int i = 0; i < 4; i++)
        (void)snprintf(h->paths[i], sizeof(h->paths[i]), "%s/%s", h->dir, names[i]);
    host_put(h, OWN, HOST_KEY_LINE_1);
    host_put(h, OWN_PRIVATE, "");
    (void)snprintf(words, sizeof(words), "host_keys=%s/ssh_host_*_key.pub", h->dir);
    range_words(r, words);
    return h;
}

static void host_free(struct host **at)
{
    struct host *h = *at;

    for (int i = 0; i < 4; i++) {
        (void)unlink(h->paths[i]);
        (void)rmdir(h->paths[i]);
    }
    ck_assert_int_eq(rmdir(h->dir), 0);
    free(h);
}

static void present(struct range *r, const char *group, const char *name, const char *claims,
                    enum tok_err want)
{
    CLEANUP(cleanup_free) char *payload = range_payload("aud", claims);
    char header[HEADER_MAX];

    attack_signed(r, group, name, text_slice(range_header("EdDSA", header)),
                  text_slice(payload), want);
}

static void present_each_letter(struct range *r)
{
    char claims[64] = BOUND("host#" HOST_KEY_1), name[32];
    char *key = strchr(claims, '#') + 1;

    for (int i = 0; i < HOST_KEY_LEN; i++) {
        key[i] = key[i] == 'A' ? 'B' : 'A';
        (void)snprintf(name, sizeof(name), "letter %d", i);
        present(r, "host key", name, claims, TOK_HOST_KEY);
        key[i] = HOST_KEY_1[i];
    }
}

/* What is at the paths of the second key. */
static void plant_no_private(const struct host *h)
{
    (void)unlink(h->paths[PLANTED_PRIVATE]);
}

static void plant_link(const struct host *h)
{
    ck_assert_int_eq(rename(h->paths[PLANTED], h->paths[PLANTED_PRIVATE]), 0);
    ck_assert_int_eq(symlink(h->paths[PLANTED_PRIVATE], h->paths[PLANTED]), 0);
}

static void plant_owner(const struct host *h)
{
    ck_assert_int_eq(chown(h->paths[PLANTED], 65534, 0), 0);
}

static void plant_group_writable(const struct host *h)
{
    ck_assert_int_eq(chmod(h->paths[PLANTED], 0664), 0);
}

static void plant_writable(const struct host *h)
{
    ck_assert_int_eq(chmod(h->paths[PLANTED], 0646), 0);
}

static void plant_fifo(const struct host *h)
{
    ck_assert_int_eq(unlink(h->paths[PLANTED]), 0);
    ck_assert_int_eq(mkfifo(h->paths[PLANTED], 0644), 0);
}

static void plant_directory(const struct host *h)
{
    ck_assert_int_eq(unlink(h->paths[PLANTED]), 0);
    ck_assert_int_eq(mkdir(h->paths[PLANTED], 0755), 0);
}

static void plant_second_line(const struct host *h)
{
    host_put(h, PLANTED, HOST_KEY_LINE_1 HOST_KEY_LINE_2);
}

static void plant_option(const struct host *h)
{
    host_put(h, PLANTED, "cert-authority " HOST_KEY_LINE_2);
}

static void plant_known_host(const struct host *h)
{
    host_put(h, PLANTED, "other " HOST_KEY_LINE_2);
}

static void plant_behind_comment(const struct host *h)
{
    host_put(h, PLANTED, "# key\n" HOST_KEY_LINE_2);
}

static const struct {
    const char *name;
    void (*plant)(const struct host *h);
} planted[] = {
    {"without its private key", plant_no_private},
    {"by a link", plant_link},
    {"of a user", plant_owner},
    {"writable by the group", plant_group_writable},
    {"writable by all", plant_writable},
    {"a FIFO", plant_fifo},
    {"a directory", plant_directory},
    {"on the second line", plant_second_line},
    {"behind an option", plant_option},
    {"as in known_hosts", plant_known_host},
    {"behind a comment", plant_behind_comment},
};

void attack_hosts(struct range *r)
{
    NEEDS_ROOT();
    CLEANUP(host_free) struct host *h = host_new(r);

    for (size_t i = 0; i < sizeof(audiences) / sizeof(audiences[0]); i++)
        present(r, "host key", audiences[i].name, audiences[i].claims, audiences[i].err);
    present_each_letter(r);
    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
        host_put(h, PLANTED, HOST_KEY_LINE_2);
        host_put(h, PLANTED_PRIVATE, "");
        present(r, "planted key, root's", planted[i].name, BOUND("host#" HOST_KEY_2), TOK_OK);
        planted[i].plant(h);
        present(r, "planted key", planted[i].name, BOUND("host#" HOST_KEY_2), TOK_HOST_KEY);
        (void)unlink(h->paths[PLANTED]);
        (void)rmdir(h->paths[PLANTED]);
        (void)unlink(h->paths[PLANTED_PRIVATE]);
    }
    (void)unlink(h->paths[OWN_PRIVATE]);
    present(r, "host key", "on a host without keys", BOUND("host#" HOST_KEY_1), TOK_FILE);
    present(r, "host key", "none, on a host without keys", BOUND("host"), TOK_OK);
}
