#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/keys/signer.h"

#include "common/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX 16384
#define SUFFIX ".jwk"

static int is_key_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && text_ends_with(slice_of(entry->d_name), SUFFIX);
}

/* Fills in ret->key and ret->mtime from the file ret->path. */
static enum tok_err read_key(struct signing_key *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg inner = {0};
    struct stat st;
    enum tok_err err = file_read(ret->path, FILE_PRIVATE, KEY_FILE_MAX, &text, errmsg);

    if (err != TOK_OK)
        return err == TOK_FILE ? TOK_KEYS : err;
    if (stat(ret->path, &st) < 0)
        return errmsg_set(errmsg, TOK_KEYS, "%s: %s", ret->path, strerror(errno));
    ret->mtime = st.st_mtim;
    err = key_from_jwk(NULL, secret_slice(&text), KEY_PRIVATE, &ret->key, &inner);
    if (err == TOK_OK && (key_kid(ret->key).n == 0 || key_kid(ret->key).n > KEYS_KID_MAX))
        err = errmsg_set(&inner, TOK_KEYS, "kid: expected a key id of 1 to %d bytes",
                         KEYS_KID_MAX);
    if (err != TOK_OK)
        return inner.text[0] ? errmsg_set(errmsg, TOK_KEYS, "%s: %s", ret->path, inner.text)
                             : err;
    return key_thumbprint(ret->key, ret->thumbprint);
}

static int by_kid(const void *a, const void *b)
{
    return keys_compare(((const struct signing_key *)a)->key,
                        ((const struct signing_key *)b)->key);
}

static bool newer(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* The key that the file `signer` names, when it has the algorithm; else the newest that has. */
static void choose_signer(struct signing_keys *keys, const struct alg *alg,
                          const struct signer *file)
{
    const struct signing_key *newest = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        const struct signing_key *k = &keys->keys[i];

        if (key_alg(k->key) != alg)
            continue;
        if (file->n > 0 &&
            memcmp(file->lines[0].thumbprint, k->thumbprint, KEY_THUMBPRINT_LEN) == 0) {
            keys->signer = k->key;
            return;
        }
        if (!newest || newer(k->mtime, newest->mtime))
            newest = k;
    }
    keys->signer = newest ? newest->key : NULL;
    keys->signer_outdated = file->n > 0;
}

static enum tok_err load_files(const char *dir, struct dirent **entries, size_t n,
                               struct signing_keys *keys, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    if (n == 0)
        return errmsg_set(
            errmsg, TOK_KEYS,
            "%s: contains no key, expected files KID.jwk: restore them from a backup", dir);
    if (n > KEYS_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "%s: contains more than %d keys: move some away",
                          dir, KEYS_MAX);
    keys->keys = calloc(n, sizeof(keys->keys[0]));
    if (!keys->keys)
        return TOK_NO_MEMORY;
    for (; keys->n < n && err == TOK_OK; keys->n++) {
        struct signing_key *k = &keys->keys[keys->n];

        err = text_concat(dir, "/", entries[keys->n]->d_name, &k->path);
        if (err == TOK_OK)
            err = read_key(k, errmsg);
    }
    if (err == TOK_OK)
        qsort(keys->keys, keys->n, sizeof(keys->keys[0]), by_kid);
    return err;
}

/* What the file `signer` says of the keys that were loaded. */
static enum tok_err apply_signer(const char *dir, const struct alg *alg,
                                 struct signing_keys *keys, struct errmsg *errmsg)
{
    struct signer file;
    enum tok_err err = signer_read(dir, &file, errmsg);

    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < keys->n; i++) {
        const struct signer_line *line = signer_find(&file, keys->keys[i].thumbprint);

        keys->keys[i].until = line ? line->until : 0;
        keys->keys[i].from = line ? line->from : 0;
    }
    choose_signer(keys, alg, &file);
    if (!keys->signer)
        return errmsg_set(errmsg, TOK_KEYS,
                          "%s: contains no key for Algorithm=%s: before changing Algorithm=, "
                          "run `jwtctl key rotate --alg=%s`",
                          dir, alg->name, alg->name);
    return TOK_OK;
}

enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct errmsg *errmsg)
{
    struct signing_keys keys = {0};
    struct dirent **entries = NULL;
    struct errmsg inner = {""};
    int n = scandir(dir, &entries, is_key_file, alphasort);
    enum tok_err err;

    if (n < 0)
        return errmsg_set(errmsg, TOK_KEYS, "%s: %s", dir, strerror(errno));
    err = load_files(dir, entries, (size_t)n, &keys, errmsg);
    if (err == TOK_OK)
        err = apply_signer(dir, alg, &keys, errmsg);
    if (err == TOK_OK)
        err = keys_set_peers(&keys, NULL, &inner);
    if (inner.text[0])
        err = errmsg_set(errmsg, err, "%s: %s", dir, inner.text);
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

enum tok_err keys_set_signer(const char *dir, struct signing_keys *keys,
                             const struct key *signer, int64_t until, struct errmsg *errmsg)
{
    struct signer s = {.n = 1};
    int64_t waited = 0;
    enum tok_err err;

    for (size_t i = 0; i < keys->n; i++)
        waited = keys->keys[i].key == signer ? keys->keys[i].from : waited;
    for (size_t i = 0; i < keys->n; i++) {
        const struct signing_key *k = &keys->keys[i];
        struct signer_line *line = k->key == signer ? &s.lines[0] : &s.lines[s.n++];

        memcpy(line->thumbprint, k->thumbprint, KEY_THUMBPRINT_LEN);
        if (k->key != signer && k->from > 0 && k->from >= waited)
            line->from = k->from;
        else
            line->until = k->until > 0 && k->key != keys->signer ? k->until : until;
    }
    err = signer_write(dir, &s, errmsg);
    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < keys->n; i++) {
        struct signing_key *k = &keys->keys[i];

        k->until = k->key == signer ? 0 : signer_find(&s, k->thumbprint)->until;
        k->from = k->key == signer ? 0 : signer_find(&s, k->thumbprint)->from;
    }
    keys->signer = signer;
    keys->signer_outdated = false;
    return TOK_OK;
}

enum tok_err keys_add(const char *dir, const struct alg *alg, char ret_kid[KEY_KID_LEN + 1],
                      char **ret_path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(secret_clear) struct secret jwk = {0};
    CLEANUP(cleanup_free) char *path = NULL;
    char name[KEY_KID_LEN + sizeof(SUFFIX)];
    enum tok_err err = key_generate(NULL, alg, &key);

    if (err == TOK_OK)
        err = key_private_jwk(key, &jwk);
    if (err != TOK_OK)
        return err;
    (void)snprintf(name, sizeof(name), "%.*s" SUFFIX, KEY_KID_LEN, key_kid(key).p);
    err = text_concat(dir, "/", name, &path);
    if (err == TOK_OK)
        err = file_write(path, secret_slice(&jwk), 0600, errmsg);
    if (err != TOK_OK)
        return err;
    memcpy(ret_kid, name, KEY_KID_LEN);
    ret_kid[KEY_KID_LEN] = '\0';
    *ret_path = path;
    path = NULL;
    return TOK_OK;
}

enum tok_err keys_create(const char *dir, const struct alg *alg, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *unfinished = NULL;
    CLEANUP(cleanup_free) char *path = NULL;
    char kid[KEY_KID_LEN + 1];
    enum tok_err err = text_concat(dir, ".new", "", &unfinished);

    if (err != TOK_OK)
        return err;
    /* It may be left over from a start that was killed. A key in it was never published and
     * does no harm. */
    if (mkdir(unfinished, 0700) < 0 && errno != EEXIST)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", unfinished, strerror(errno));
    err = keys_add(unfinished, alg, kid, &path, errmsg);
    if (err != TOK_OK)
        return err;
    if (rename(unfinished, dir) < 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", dir, strerror(errno));
    return TOK_OK;
}

enum tok_err keys_remove(const char *dir, const struct signing_key *key, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || unlink(key->path) < 0 || fsync(fd) < 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", key->path, strerror(errno));
    return TOK_OK;
}

void keys_clear(struct signing_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        key_free(keys->keys[i].key);
        free(keys->keys[i].path);
    }
    free(keys->keys);
    keyset_free(keys->set);
    free(keys->jwks);
    *keys = (struct signing_keys){0};
}

const struct key *keys_due(const struct signing_keys *keys, const struct alg *alg, int64_t now)
{
    const struct signing_key *due = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        const struct signing_key *k = &keys->keys[i];

        if (k->from > 0 && k->from <= now && key_alg(k->key) == alg &&
            (!due || k->from > due->from))
            due = k;
    }
    return due ? due->key : NULL;
}

const struct key *keys_find(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->n; i++)
        if (slice_is(key_kid(keys->keys[i].key), kid))
            return keys->keys[i].key;
    return NULL;
}

bool keys_compatible(const struct signing_keys *keys, const struct alg *alg)
{
    return (key_alg(keys->signer)->kind == ALG_OCT) == (alg->kind == ALG_OCT);
}
