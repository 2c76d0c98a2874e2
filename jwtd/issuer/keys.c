#include "keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX 16384
#define KEYS_MAX 64 /* a rotation keeps a few; more is somebody else's directory */
#define SUFFIX ".jwk"

struct found {
    struct key *key;
    struct timespec mtime;
};

static int is_key_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > strlen(SUFFIX) &&
           strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static enum tok_err read_key(const char *path, struct found *ret, struct why *why)
{
    struct secret text = {0};
    struct why inner = {0};
    struct stat st;
    enum tok_err err = file_read(path, FILE_PRIVATE, KEY_FILE_MAX, &text.p, &text.n, NULL, why);

    if (err != TOK_OK)
        return err == TOK_FILE ? TOK_KEYS : err;
    if (stat(path, &st) < 0)
        err = why_set(why, TOK_KEYS, "%s: %s", path, strerror(errno));
    else
        err = key_from_jwk(NULL, secret_slice(&text), KEY_PRIVATE, &ret->key, &inner);
    secret_clear(&text);
    if (err != TOK_OK)
        return inner.text[0] ? why_set(why, TOK_KEYS, "%s: %s", path, inner.text) : err;
    ret->mtime = st.st_mtim;
    return TOK_OK;
}

static int by_kid(const void *a, const void *b)
{
    struct slice ka = key_kid(*(struct key *const *)a), kb = key_kid(*(struct key *const *)b);
    size_t n = ka.n < kb.n ? ka.n : kb.n;
    int order = memcmp(ka.p, kb.p, n);

    if (order != 0)
        return order;
    return (ka.n > kb.n) - (ka.n < kb.n);
}

static bool newer(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Adds what was read; chooses the signer on the way. The files come sorted by name, which is
 * the kid, so of one age the first stays. */
static enum tok_err add_key(struct signing_keys *keys, struct found found,
                            struct timespec *newest, const struct alg *alg)
{
    struct key **grown = realloc(keys->keys, (keys->n + 1) * sizeof(struct key *));

    if (!grown) {
        key_free(found.key);
        return TOK_NO_MEMORY;
    }
    keys->keys = grown;
    keys->keys[keys->n++] = found.key;
    if (key_alg(found.key) != alg)
        return TOK_OK;
    if (!keys->signer || newer(found.mtime, *newest)) {
        keys->signer = found.key;
        *newest = found.mtime;
    }
    return TOK_OK;
}

static enum tok_err load_files(const char *dir, struct dirent **entries, int n,
                               const struct alg *alg, struct signing_keys *keys,
                               struct why *why)
{
    struct timespec newest = {0};

    for (int i = 0; i < n; i++) {
        CLEANUP(cleanup_free) char *path = NULL;
        struct found found = {0};
        enum tok_err err;

        if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0) {
            path = NULL;
            return TOK_NO_MEMORY;
        }
        err = read_key(path, &found, why);
        if (err != TOK_OK)
            return err;
        if (key_kid(found.key).n == 0) {
            key_free(found.key);
            return why_set(why, TOK_KEYS, "%s: has no kid", path);
        }
        err = add_key(keys, found, &newest, alg);
        if (err != TOK_OK)
            return err;
    }
    return TOK_OK;
}

/* {"keys":[...]} and a newline: what is published. A secret never is. */
static enum tok_err write_public(struct signing_keys *keys)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const char *between = "";
    enum tok_err err = TOK_OK;

    if (!out)
        return TOK_NO_MEMORY;
    (void)fputs("{\"keys\":[", out);
    for (size_t i = 0; i < keys->n && err == TOK_OK; i++) {
        CLEANUP(cleanup_free) char *jwk = NULL;

        if (key_alg(keys->keys[i])->kind == ALG_OCT)
            continue;
        err = key_public_jwk(keys->keys[i], &jwk);
        if (err == TOK_OK)
            (void)fprintf(out, "%s%s", between, jwk);
        between = ",";
    }
    (void)fputs("]}\n", out);
    if (fclose(out) != 0 && err == TOK_OK)
        err = TOK_NO_MEMORY;
    if (err != TOK_OK)
        return err;
    keys->jwks = text;
    text = NULL;
    return TOK_OK;
}

static enum tok_err mixed(const char *dir, struct why *why)
{
    return why_set(why, TOK_KEYS,
                   "%s: holds secrets (HS) beside pairs of keys; allowed is one kind: move the "
                   "others away, which ends their sessions",
                   dir);
}

static enum tok_err make_public_set(const char *dir, struct signing_keys *keys, struct why *why)
{
    for (size_t i = 0; i < keys->n; i++)
        if (key_alg(keys->keys[i])->kind == ALG_OCT)
            return mixed(dir, why);
    return keyset_parse(NULL, (struct slice){keys->jwks, strlen(keys->jwks)}, ~(alg_set)0,
                        &keys->set, why);
}

/* What we check our own tokens with when they are signed with a secret: never published, made
 * and parsed in memory that is wiped. */
static enum tok_err make_secret_set(const char *dir, struct signing_keys *keys, struct why *why)
{
    const struct slice begin = SLICE("{\"keys\":["), end = SLICE("]}");
    CLEANUP(secret_clear) struct secret room = {0};
    size_t used = begin.n;
    enum tok_err err = secret_alloc(keys->n * KEY_FILE_MAX + begin.n + end.n, &room);

    if (err != TOK_OK)
        return err;
    memcpy(room.p, begin.p, begin.n);
    for (size_t i = 0; i < keys->n; i++) {
        CLEANUP(secret_clear) struct secret jwk = {0};

        if (key_alg(keys->keys[i])->kind != ALG_OCT)
            return mixed(dir, why);
        err = key_private_jwk(keys->keys[i], &jwk);
        if (err != TOK_OK)
            return err;
        if (i > 0)
            room.p[used++] = ',';
        memcpy(room.p + used, jwk.p, jwk.n);
        used += jwk.n;
    }
    memcpy(room.p + used, end.p, end.n);
    return keyset_parse(NULL, (struct slice){room.p, used + end.n}, ~(alg_set)0, &keys->set,
                        why);
}

static enum tok_err load(const char *dir, struct dirent **entries, int n, const struct alg *alg,
                         struct signing_keys *keys, struct why *why)
{
    enum tok_err err;

    if (n == 0)
        return why_set(why, TOK_KEYS, "%s: holds no key", dir);
    if (n > KEYS_MAX)
        return why_set(why, TOK_KEYS, "%s: holds more than %d keys", dir, KEYS_MAX);
    err = load_files(dir, entries, n, alg, keys, why);
    if (err != TOK_OK)
        return err;
    if (!keys->signer)
        return why_set(why, TOK_KEYS, "%s: holds no key for Algorithm=%s", dir, alg->name);
    qsort(keys->keys, keys->n, sizeof(struct key *), by_kid);
    err = write_public(keys);
    if (err != TOK_OK)
        return err;
    return key_alg(keys->signer)->kind == ALG_OCT ? make_secret_set(dir, keys, why)
                                                  : make_public_set(dir, keys, why);
}

enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct why *why)
{
    struct signing_keys keys = {0};
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_key_file, alphasort);
    enum tok_err err;

    if (n < 0)
        return why_set(why, TOK_KEYS, "%s: %s", dir, strerror(errno));
    err = load(dir, entries, n, alg, &keys, why);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (err != TOK_OK) {
        keys_clear(&keys);
        return err;
    }
    *ret = keys;
    return TOK_OK;
}

static enum tok_err write_key(const char *dir, const struct key *key, struct why *why)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = key_private_jwk(key, &jwk);
    struct slice kid = key_kid(key);

    if (err != TOK_OK)
        return err;
    if (asprintf(&path, "%s/%.*s%s", dir, (int)kid.n, kid.p, SUFFIX) < 0) {
        path = NULL;
        return TOK_NO_MEMORY;
    }
    return file_write(path, secret_slice(&jwk), 0600, why);
}

enum tok_err keys_make(const char *dir, const struct alg *alg, struct why *why)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *unfinished = NULL;
    enum tok_err err = key_generate(NULL, alg, &key);

    if (err != TOK_OK)
        return err;
    if (asprintf(&unfinished, "%s.new", dir) < 0) {
        unfinished = NULL;
        return TOK_NO_MEMORY;
    }
    /* Left by a start that was killed: what is in it was never published, and a second key in
     * it does no harm. */
    if (mkdir(unfinished, 0700) < 0 && errno != EEXIST)
        return why_set(why, TOK_FILE, "%s: %s", unfinished, strerror(errno));
    err = write_key(unfinished, key, why);
    if (err != TOK_OK)
        return err;
    if (rename(unfinished, dir) < 0)
        return why_set(why, TOK_FILE, "%s: %s", dir, strerror(errno));
    return TOK_OK;
}

void keys_clear(struct signing_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        key_free(keys->keys[i]);
    free(keys->keys);
    keyset_free(keys->set);
    free(keys->jwks);
    *keys = (struct signing_keys){0};
}

const struct key *keys_find(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->n; i++)
        if (slice_is(key_kid(keys->keys[i]), kid))
            return keys->keys[i];
    return NULL;
}
