#include "jwtd/issuer/keys/keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX 16384
#define SUFFIX ".jwk"

/* A directory as it is read: what is found, and what decides on the signer. */
struct loading {
    const char *dir;
    const struct alg *alg;
    struct signer said;
    struct signing_keys keys;
    struct timespec newest; /* of the files of this algorithm */
};

static int is_key_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > strlen(SUFFIX) &&
           strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static enum tok_err read_key(const char *path, struct key **ret, struct timespec *ret_mtime,
                             struct errmsg *errmsg)
{
    struct secret text = {0};
    struct errmsg inner = {0};
    struct stat st;
    enum tok_err err =
        file_read(path, FILE_PRIVATE, KEY_FILE_MAX, &text.p, &text.n, NULL, errmsg);

    if (err != TOK_OK)
        return err == TOK_FILE ? TOK_KEYS : err;
    if (stat(path, &st) < 0)
        err = errmsg_set(errmsg, TOK_KEYS, "%s: %s", path, strerror(errno));
    else
        err = key_from_jwk(NULL, secret_slice(&text), KEY_PRIVATE, ret, &inner);
    secret_clear(&text);
    if (err != TOK_OK)
        return inner.text[0] ? errmsg_set(errmsg, TOK_KEYS, "%s: %s", path, inner.text) : err;
    *ret_mtime = st.st_mtim;
    return TOK_OK;
}

static int by_kid(const void *a, const void *b)
{
    struct slice ka = key_kid(((const struct signing_key *)a)->key);
    struct slice kb = key_kid(((const struct signing_key *)b)->key);
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

/* The key that `signer` names, when it serves the algorithm; else the newest that does. The
 * files come sorted by name, which is the kid, so of one age the first stays. */
static void choose(struct loading *l, const struct signing_key *key, struct timespec mtime)
{
    const struct key *signer = l->keys.signer;
    bool named = l->said.n > 0 &&
                 memcmp(l->said.lines[0].thumbprint, key->thumbprint, KEY_THUMBPRINT_LEN) == 0;

    if (key_alg(key->key) != l->alg || (signer && !l->keys.unsettled && l->said.n > 0))
        return;
    if (named || !signer || newer(mtime, l->newest)) {
        l->keys.signer = key->key;
        l->keys.unsettled = !named && l->said.n > 0;
        l->newest = mtime;
    }
}

/* Takes key and path over, also when it fails. */
static enum tok_err add_key(struct loading *l, struct key *key, char *path,
                            struct timespec mtime)
{
    struct signing_keys *keys = &l->keys;
    struct signing_key *grown = realloc(keys->keys, (keys->n + 1) * sizeof(*grown));
    const struct signer_line *line;
    struct signing_key *last;

    if (!grown) {
        key_free(key);
        free(path);
        return TOK_NO_MEMORY;
    }
    keys->keys = grown;
    last = &grown[keys->n++];
    *last = (struct signing_key){.key = key, .path = path};
    if (key_thumbprint(key, last->thumbprint) != TOK_OK)
        return TOK_CRYPTO;
    line = signer_find(&l->said, last->thumbprint);
    last->until = line ? line->until : 0;
    choose(l, last, mtime);
    return TOK_OK;
}

static enum tok_err load_file(struct loading *l, const char *name, struct errmsg *errmsg)
{
    struct timespec mtime = {0};
    struct key *key = NULL;
    char *path;
    enum tok_err err;

    if (asprintf(&path, "%s/%s", l->dir, name) < 0)
        return TOK_NO_MEMORY;
    err = read_key(path, &key, &mtime, errmsg);
    if (err == TOK_OK && key_kid(key).n == 0)
        err = errmsg_set(errmsg, TOK_KEYS, "%s: has no kid", path);
    if (err == TOK_OK)
        return add_key(l, key, path, mtime);
    key_free(key);
    free(path);
    return err;
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

        if (key_alg(keys->keys[i].key)->kind == ALG_OCT)
            continue;
        err = key_public_jwk(keys->keys[i].key, &jwk);
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

static enum tok_err mixed(const char *dir, struct errmsg *errmsg)
{
    return errmsg_set(
        errmsg, TOK_KEYS,
        "%s: holds secrets (HS) beside pairs of keys; allowed is one kind: move the "
        "others away, which ends their sessions",
        dir);
}

static enum tok_err make_public_set(const char *dir, struct signing_keys *keys,
                                    struct errmsg *errmsg)
{
    for (size_t i = 0; i < keys->n; i++)
        if (key_alg(keys->keys[i].key)->kind == ALG_OCT)
            return mixed(dir, errmsg);
    return keyset_parse(NULL, slice_of(keys->jwks), ~(alg_set)0, &keys->set, errmsg);
}

/* What we check our own tokens with when they are signed with a secret: never published, made
 * and parsed in memory that is wiped. */
static enum tok_err make_secret_set(const char *dir, struct signing_keys *keys,
                                    struct errmsg *errmsg)
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

        if (key_alg(keys->keys[i].key)->kind != ALG_OCT)
            return mixed(dir, errmsg);
        err = key_private_jwk(keys->keys[i].key, &jwk);
        if (err != TOK_OK)
            return err;
        if (i > 0)
            room.p[used++] = ',';
        memcpy(room.p + used, jwk.p, jwk.n);
        used += jwk.n;
    }
    memcpy(room.p + used, end.p, end.n);
    return keyset_parse(NULL, (struct slice){room.p, used + end.n}, ~(alg_set)0, &keys->set,
                        errmsg);
}

static enum tok_err load(struct loading *l, struct dirent **entries, int n,
                         struct errmsg *errmsg)
{
    struct signing_keys *keys = &l->keys;
    enum tok_err err;

    if (n == 0)
        return errmsg_set(errmsg, TOK_KEYS, "%s: holds no key", l->dir);
    if (n > KEYS_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "%s: holds more than %d keys", l->dir, KEYS_MAX);
    err = signer_read(l->dir, &l->said, errmsg);
    for (int i = 0; i < n && err == TOK_OK; i++)
        err = load_file(l, entries[i]->d_name, errmsg);
    if (err != TOK_OK)
        return err;
    if (!keys->signer)
        return errmsg_set(errmsg, TOK_KEYS, "%s: holds no key for Algorithm=%s", l->dir,
                          l->alg->name);
    qsort(keys->keys, keys->n, sizeof(keys->keys[0]), by_kid);
    err = write_public(keys);
    if (err != TOK_OK)
        return err;
    return key_alg(keys->signer)->kind == ALG_OCT ? make_secret_set(l->dir, keys, errmsg)
                                                  : make_public_set(l->dir, keys, errmsg);
}

enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct errmsg *errmsg)
{
    struct loading l = {.dir = dir, .alg = alg};
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_key_file, alphasort);
    enum tok_err err;

    if (n < 0)
        return errmsg_set(errmsg, TOK_KEYS, "%s: %s", dir, strerror(errno));
    err = load(&l, entries, n, errmsg);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (err != TOK_OK) {
        keys_clear(&l.keys);
        return err;
    }
    *ret = l.keys;
    return TOK_OK;
}

enum tok_err keys_settle(const char *dir, struct signing_keys *keys, const struct key *signer,
                         int64_t until, struct errmsg *errmsg)
{
    struct signer s = {.n = 1};
    enum tok_err err;

    for (size_t i = 0; i < keys->n; i++) {
        const struct signing_key *k = &keys->keys[i];
        struct signer_line *line = k->key == signer ? &s.lines[0] : &s.lines[s.n++];

        memcpy(line->thumbprint, k->thumbprint, KEY_THUMBPRINT_LEN);
        line->until = k->until > 0 && k->key != keys->signer ? k->until : until;
    }
    err = signer_write(dir, &s, errmsg);
    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < keys->n; i++) {
        struct signing_key *k = &keys->keys[i];

        k->until = k->key == signer ? 0 : signer_find(&s, k->thumbprint)->until;
    }
    keys->signer = signer;
    keys->unsettled = false;
    return TOK_OK;
}

static enum tok_err write_key(const char *dir, const struct key *key, char **ret_path,
                              struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    enum tok_err err = key_private_jwk(key, &jwk);
    struct slice kid = key_kid(key);
    char *path;

    if (err != TOK_OK)
        return err;
    if (asprintf(&path, "%s/%.*s%s", dir, (int)kid.n, kid.p, SUFFIX) < 0)
        return TOK_NO_MEMORY;
    err = file_write(path, secret_slice(&jwk), 0600, errmsg);
    if (err == TOK_OK)
        *ret_path = path;
    else
        free(path);
    return err;
}

enum tok_err keys_make(const char *dir, const struct alg *alg, struct errmsg *errmsg)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *unfinished = NULL;
    CLEANUP(cleanup_free) char *path = NULL;
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
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", unfinished, strerror(errno));
    err = write_key(unfinished, key, &path, errmsg);
    if (err != TOK_OK)
        return err;
    if (rename(unfinished, dir) < 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", dir, strerror(errno));
    return TOK_OK;
}

enum tok_err keys_add(const char *dir, const struct alg *alg, char ret_kid[KEY_KID_LEN + 1],
                      char **ret_path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    enum tok_err err = key_generate(NULL, alg, &key);

    if (err == TOK_OK)
        err = write_key(dir, key, ret_path, errmsg);
    if (err != TOK_OK)
        return err;
    memcpy(ret_kid, key_kid(key).p, KEY_KID_LEN);
    ret_kid[KEY_KID_LEN] = '\0';
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

const struct key *keys_find(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->n; i++)
        if (slice_is(key_kid(keys->keys[i].key), kid))
            return keys->keys[i].key;
    return NULL;
}

bool keys_fit(const struct signing_keys *keys, const struct alg *alg)
{
    return (key_alg(keys->signer)->kind == ALG_OCT) == (alg->kind == ALG_OCT);
}
