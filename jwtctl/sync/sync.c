#include "jwtctl/sync/sync.h"

#include "common/base/base64url.h"
#include "common/base/ini.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define STATE_MAX 16384 /* bytes */

/* clang-format off */
#define ROW(name, member, type, ...) {name, "State", KEYWORD(struct sync_state, member, type, __VA_ARGS__)}
#define COUNT(name, member) ROW(name, member, keyword_number, .min = "1", .max = "9007199254740991", \
    .form = "a number")
#define THUMBPRINT(name, member) ROW(name, member, keyword_text, .valid = value_is_thumbprint, \
    .form = "43 base64url letters")

static const struct keyword state_keywords[] = {
    ROW("Issuer", issuer, keyword_text, .valid = value_is_name, .form = VALUE_NAME_FORM),
    ROW("Trust", trust, keyword_words, .valid = value_is_thumbprint, .form = VALUE_THUMBPRINT_FORM),
    ROW("Key", keys, keyword_words, .valid = value_is_thumbprint, .form = VALUE_THUMBPRINT_FORM),
    COUNT("Epoch", epoch),
    COUNT("Seq", seq),
    THUMBPRINT("Revoked", revoked),
    {0},
};
/* clang-format on */

char *sync_path(const struct sync_host *host, const char *path)
{
    char *ret;

    if (text_concat(host->root, path, "", &ret) == TOK_OK)
        return ret;
    fputs("out of memory\n", stderr);
    exit(EXIT_FAILURE);
}

static size_t count(word_list list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

/* A state of an earlier version has one key, which was trusted in place of all. */
static enum tok_err complete_keys(struct sync_state *state)
{
    bool one = count(state->keys) == 1;
    enum tok_err err = TOK_OK;

    while (one && !err && count(state->keys) < count(state->trust))
        err = word_list_add(&state->keys, slice_of(state->keys[0]));
    return err;
}

static enum tok_err state_parse(struct sync_state *state, struct ini *ini,
                                struct errmsg *errmsg)
{
    struct ini_line line;
    struct errmsg value;
    enum tok_err err;

    while ((err = ini_next(ini, &line, errmsg)) == TOK_OK && line.kind != INI_END) {
        const struct keyword *k;

        if (line.kind == INI_SECTION)
            continue;
        k = keyword_find(state_keywords, "State", line.key);
        if (!k)
            return INI_REFUSE(ini, errmsg, "unknown key %.*s", slice_shown(line.key, 64),
                              line.key.p);
        err = keyword_assign(&(struct keyword_value){k, line.key, line.value, ' '}, state,
                             &value);
        if (err)
            return INI_REFUSE(ini, errmsg, "%s", value.text);
    }
    if (err)
        return err;
    err = complete_keys(state);
    if (!err && (!state->issuer || !state->trust || !state->revoked || state->epoch == 0 ||
                 state->seq == 0 || count(state->keys) != count(state->trust)))
        return INI_REFUSE(ini, errmsg, "%s", "a key is missing");
    return err;
}

static enum tok_err state_read(struct sync_host *host, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNC_STATE_DIR "/state");
    CLEANUP(cleanup_free) char *reset = sync_path(host, SYNC_RESET);
    CLEANUP(secret_clear) struct secret text = {0};
    struct ini ini = {.name = path};
    struct errmsg in_file = {""};
    enum tok_err err = file_read(path, FILE_PUBLIC, STATE_MAX, &text, errmsg);

    host->reset = access(reset, F_OK) == 0;
    if (file_is_missing(err, errmsg))
        return TOK_OK;
    if (err)
        return err;
    ini.rest = secret_slice(&text);
    err = state_parse(&host->state, &ini, &in_file);
    return err ? errmsg_set(errmsg, err, "%s; remove the file, then: jwtctl sync", in_file.text)
               : TOK_OK;
}

enum tok_err sync_state_write(const struct sync_host *host, const struct sync_state *state,
                              struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNC_STATE_DIR "/state");
    char text[STATE_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text), "[State]\n");

    for (const struct keyword *k = state_keywords; k->type; k++) {
        CLEANUP(cleanup_free) char *value = NULL;
        enum tok_err err = k->type->format(k, state, &value);

        if (err)
            return err;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s=%s\n", k->name, value);
        if (n >= sizeof(text))
            return errmsg_set(errmsg, TOK_SETTINGS, "%s: Trust= is too long", path);
    }
    return file_write(path, (struct slice){text, n}, 0644, errmsg);
}

enum tok_err sync_refuse_issuer(const struct sync_host *host, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *keys = sync_path(host, "/var/lib/jwtd-issuer/keys");

    /* Without permission to look into the directory there is one. */
    if (access(keys, F_OK) == 0 || errno == EACCES)
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "this host is an issuer: jwtd-issuer writes the files in " SYNC_PUBLIC_DIR
            "; to use another issuer, purge the package jwtd");
    return TOK_OK;
}

enum tok_err sync_open(const char *root, struct sync_host *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *config = NULL;
    enum tok_err err;

    *ret = (struct sync_host){.root = root};
    config = sync_path(ret, POLICY_CONFIG);
    err = settings_load(config, &ret->settings, errmsg);
    if (!err && (!ret->settings.sync.url || !ret->settings.sync.trust))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "no issuer is set: expected URL= and Trust= in [Sync]; "
                          "see jwtctl-sync(8)");
    if (!err)
        err = sync_refuse_issuer(ret, errmsg);
    return err ? err : state_read(ret, errmsg);
}

void sync_clear(struct sync_host *host)
{
    settings_clear(&host->settings);
    keywords_clear(state_keywords, &host->state);
}

static enum tok_err check_times(const struct bundle *bundle, int64_t now, struct errmsg *errmsg)
{
    if (bundle->exp <= now)
        return errmsg_set(errmsg, TOK_EXPIRED,
                          "the bundle expired %" PRId64 " s ago: it is an old copy, or the "
                          "clock of this host or of the issuer is wrong",
                          now - bundle->exp);
    if (bundle->iat > now + SYNC_CLOCK_TOLERANCE ||
        bundle->seq / 1000000 > now + SYNC_CLOCK_TOLERANCE)
        return errmsg_set(errmsg, TOK_NOT_YET,
                          "the bundle is more than %d s ahead of this host (iat or seq): a "
                          "clock is wrong",
                          SYNC_CLOCK_TOLERANCE);
    return TOK_OK;
}

static const char *trusted_key(const struct sync_host *host, const char *thumbprint)
{
    const struct sync_state *s = &host->state;

    for (size_t i = 0; s->trust && !host->reset && s->trust[i]; i++)
        if (strcmp(s->trust[i], thumbprint) == 0)
            return s->keys[i];
    return thumbprint;
}

enum tok_err sync_trusted_keys(const struct sync_host *host, const struct bundle *bundle,
                               word_list *ret)
{
    CLEANUP(cleanup_word_list) word_list keys = NULL;
    char last[KEY_THUMBPRINT_LEN] = "";
    bool replaced = false;
    enum tok_err err = TOK_OK;

    if (bundle)
        err = key_thumbprint(bundle->chain[bundle->n_chain - 1], last);
    for (word_list w = host->settings.sync.trust; !err && *w; w++) {
        const char *key = trusted_key(host, *w);

        if (bundle)
            err = bundle_leads_from(bundle, key, &replaced);
        if (!err)
            err =
                word_list_add(&keys, (struct slice){replaced ? last : key, KEY_THUMBPRINT_LEN});
    }
    if (err)
        return err;
    *ret = keys;
    keys = NULL;
    return TOK_OK;
}

enum tok_err sync_read_bundle(const struct sync_host *host, struct slice text, int64_t now,
                              struct bundle *ret, struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle bundle = {0};
    const struct sync_state *state = &host->state;
    CLEANUP(cleanup_word_list) word_list trusted = NULL;
    struct bundle_trust trust = {0};
    /* Of each issuer the bundle key that signed last, and no earlier one: a key that was
     * replaced may have been stolen. Of an issuer that was restored, the keys of Trust=. */
    enum tok_err err = sync_trusted_keys(host, NULL, &trusted);

    trust.thumbprints = trusted;
    if (!err)
        err = bundle_read(&trust, text, &bundle, errmsg);
    if (err)
        return err;
    if (state->issuer && !host->reset && strcmp(state->issuer, bundle.iss) != 0)
        return errmsg_set(errmsg, TOK_ISSUER,
                          "the bundle is of the issuer %s, expected %s; if the issuer was "
                          "renamed: jwtctl sync --reset",
                          bundle.iss, state->issuer);
    err = check_times(&bundle, now, errmsg);
    if (err)
        return err;
    *ret = bundle;
    bundle = (struct bundle){0};
    return TOK_OK;
}

void sync_digest_text(const struct revoked_digest *digest, char ret[KEY_THUMBPRINT_LEN + 1])
{
    base64url_encode((struct slice){(const char *)digest->sha256, REVOKED_SHA256_LEN}, ret);
    ret[KEY_THUMBPRINT_LEN] = '\0';
}

bool sync_file_is(const char *path, struct slice bytes)
{
    CLEANUP(secret_clear) struct secret text = {0};

    return file_read(path, FILE_PUBLIC, bytes.n, &text, NULL) == TOK_OK &&
           slice_eq(secret_slice(&text), bytes);
}

struct revoked sync_installed_list(const struct sync_host *host)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, POLICY_REVOKED);
    struct revoked list = {.fd = -1};

    if (revoked_open(path, FILE_PUBLIC, &list, NULL) != TOK_OK)
        list.fd = -1;
    return list;
}

/* sync-install writes the time of the bundle last: a list that is newer was put there by
 * another program. */
static bool is_last_installed(const struct sync_host *host, const struct revoked *list)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNCED_PATH);
    struct stat synced, st;

    return fstat(list->fd, &st) == 0 && stat(path, &synced) == 0 &&
           (st.st_ctim.tv_sec < synced.st_ctim.tv_sec ||
            (st.st_ctim.tv_sec == synced.st_ctim.tv_sec &&
             st.st_ctim.tv_nsec <= synced.st_ctim.tv_nsec));
}

bool sync_list_is_current(const struct sync_host *host, const struct bundle *bundle)
{
    CLEANUP(revoked_close) struct revoked list = sync_installed_list(host);
    char wanted[KEY_THUMBPRINT_LEN + 1];
    struct revoked_digest digest;

    sync_digest_text(&bundle->revoked, wanted);
    if (list.fd < 0)
        return false;
    if (host->state.revoked && host->state.epoch == (uint64_t)bundle->epoch &&
        strcmp(host->state.revoked, wanted) == 0 && is_last_installed(host, &list))
        return true;
    return revoked_digest(&list, bundle->pruned_until, &digest) == TOK_OK &&
           revoked_digest_equal(&digest, &bundle->revoked);
}

bool sync_is_installed(const struct sync_host *host, const struct bundle *bundle)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, POLICY_KEYS);
    CLEANUP(secret_clear) struct secret jwks = {0};
    CLEANUP(cleanup_word_list) word_list keys = NULL;
    const struct sync_state *s = &host->state;

    return s->issuer && !host->reset && word_list_equal(s->trust, host->settings.sync.trust) &&
           strcmp(s->issuer, bundle->iss) == 0 && s->epoch == (uint64_t)bundle->epoch &&
           s->seq <= (uint64_t)bundle->seq &&
           sync_trusted_keys(host, bundle, &keys) == TOK_OK && word_list_equal(s->keys, keys) &&
           bundle_jwks(bundle, &jwks) == TOK_OK && sync_file_is(path, secret_slice(&jwks));
}

enum tok_err sync_open_spooled(const struct sync_host *host, const char *path, uint64_t max,
                               struct revoked *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *spool = sync_path(host, SYNC_SPOOL);
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st, dir;
    enum tok_err err = file_open(path, FILE_PUBLIC, &fd, &st, errmsg);

    if (err)
        return err;
    if (stat(spool, &dir) < 0 || st.st_uid != dir.st_uid || st.st_nlink != 1)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: has owner uid %lu and %lu links; expected the owner of the "
                          "directory and 1",
                          path, (unsigned long)st.st_uid, (unsigned long)st.st_nlink);
    if ((uint64_t)st.st_size > max)
        return errmsg_set(errmsg, TOK_FILE, "%s: has %lld bytes; the limit is %llu", path,
                          (long long)st.st_size, (unsigned long long)max);
    *ret = (struct revoked){.fd = fd, .size = st.st_size};
    fd = -1;
    return TOK_OK;
}

void sync_log(enum sync_level level, const char *fmt, ...)
{
    va_list args;

    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>", (int)level);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

int sync_exit(enum tok_err err, const struct errmsg *errmsg)
{
    if (err)
        sync_log(SYNC_ERROR, "%s", errmsg->text[0] ? errmsg->text : tok_err_text(err));
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *sync_root_argument(int argc, char **argv)
{
    if (argc == 1)
        return "";
    if (argc == 2 && strncmp(argv[1], "--root=/", 8) == 0)
        return argv[1] + 7;
    fprintf(stderr, "usage: %s [--root=DIR]\n", argv[0]);
    return NULL;
}
