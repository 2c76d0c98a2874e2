#include "common/jose/keyset.h"

#include "common/json/json.h"

#include <string.h>

#define SET_MEMBERS 64

struct keyset {
    OSSL_LIB_CTX *ctx;
    alg_set algorithms; /* allowed ones */
    struct key **keys;
    size_t n;
    bool has_secret, has_public; /* in the file, even if not used */
};

void keyset_free(struct keyset *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        key_free(set->keys[i]);
    free(set->keys);
    free(set);
}

size_t keyset_size(const struct keyset *set)
{
    return set->n;
}

const struct key *keyset_at(const struct keyset *set, size_t i)
{
    return i < set->n ? set->keys[i] : NULL;
}

const struct key *keyset_find(const struct keyset *set, struct slice kid)
{
    for (size_t i = 0; kid.n > 0 && i < set->n; i++)
        if (slice_eq(key_kid(set->keys[i]), kid))
            return set->keys[i];
    return NULL;
}

/* Takes the key over on success. */
static enum tok_err append(struct keyset *set, struct key *key, struct errmsg *errmsg)
{
    struct slice kid = key_kid(key);
    struct key **grown;

    if (keyset_find(set, kid))
        return errmsg_set(errmsg, TOK_KEYS, "kid: two keys have the kid \"%.*s\"", (int)kid.n,
                          kid.p);
    grown = reallocarray(set->keys, set->n + 1, sizeof(struct key *));
    if (!grown)
        return TOK_NO_MEMORY;
    set->keys = grown;
    set->keys[set->n++] = key;
    return TOK_OK;
}

/* Adds a key of the file, or ignores it (RFC 7517 5) with the reason in *errmsg. */
static enum tok_err add(struct keyset *set, struct slice text, struct errmsg *errmsg)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct key_reading how = {
        .ctx = set->ctx, .part = KEY_PUBLIC, .algorithms = set->algorithms};
    enum tok_err err = key_read(&how, text, &key, errmsg);

    if (err == TOK_UNSUPPORTED)
        return TOK_OK;
    if (err)
        return err;
    if (key_alg(key)->kind == ALG_OCT)
        set->has_secret = true;
    else
        set->has_public = true;
    if (set->has_secret && set->has_public)
        return errmsg_set(errmsg, TOK_KEYS, "kty: found a secret (oct) key among public keys");
    if (!(alg_bit(key_alg(key)) & set->algorithms))
        return errmsg_set(errmsg, TOK_OK, "alg: %s is not allowed (algorithms=)",
                          key_alg(key)->name);
    err = append(set, key, errmsg);
    if (!err)
        key = NULL;
    return err;
}

static enum tok_err add_all(struct keyset *set, struct scan_value keys, struct errmsg *errmsg)
{
    struct scan_value jwk;
    size_t pos = 0;

    if (keys.type != SCAN_ARRAY)
        return errmsg_set(errmsg, TOK_KEYS, "keys: expected an array of keys");
    for (size_t number = 1; scan_next_element(keys, &pos, &jwk); number++) {
        struct errmsg in_key = {0};
        enum tok_err err = add(set, jwk.text, &in_key);

        if (err || *in_key.text)
            (void)errmsg_set(errmsg, err, "key %zu: %s", number,
                             *in_key.text ? in_key.text : tok_err_text(err));
        if (err)
            return err;
    }
    return TOK_OK;
}

static enum tok_err read_file(struct keyset *set, struct slice json, struct errmsg *errmsg)
{
    struct scan_member members[SET_MEMBERS];
    const struct scan_value *keys;
    struct scan_fault fault;
    size_t n;

    if (key_is_pem(json))
        return add(set, json, errmsg);
    if (scan_object(json, members, SET_MEMBERS, &n, &fault))
        return errmsg_set(errmsg, TOK_KEYS, "expected a JWK Set, a JWK or PEM: %s at byte %zu",
                          fault.what, fault.at);
    keys = scan_find(members, n, SLICE("keys"));
    if (keys)
        return add_all(set, *keys, errmsg);
    if (scan_find(members, n, SLICE("kty")))
        return add(set, json, errmsg);
    return errmsg_set(errmsg, TOK_KEYS, "expected a JWK Set (keys) or a JWK (kty)");
}

enum tok_err keyset_parse(OSSL_LIB_CTX *ctx, struct slice json, alg_set algorithms,
                          struct keyset **ret, struct errmsg *errmsg)
{
    struct keyset *set = calloc(1, sizeof(*set));
    struct errmsg last = {0}; /* the error, or why a key was ignored */
    enum tok_err err;

    if (!set)
        return TOK_NO_MEMORY;
    *set = (struct keyset){.ctx = ctx, .algorithms = algorithms};
    err = read_file(set, json, &last);
    if (err)
        (void)errmsg_set(errmsg, err, "%s", last.text);
    else if (set->n == 0)
        err = errmsg_set(errmsg, TOK_KEYS, "no usable key%s%s", *last.text ? "; " : "",
                         last.text);
    if (err)
        keyset_free(set);
    else
        *ret = set;
    return err;
}

static enum tok_err check_secrecy(const struct keyset *set, const struct stat *st,
                                  struct errmsg *errmsg)
{
    if (!set->has_secret || !(st->st_mode & (S_IRWXG | S_IRWXO)))
        return TOK_OK;
    return errmsg_set(
        errmsg, TOK_KEYS,
        "has a secret (oct) key and mode %04o; expected no permission for group and others "
        "(chmod go=)",
        (unsigned)(st->st_mode & ALLPERMS));
}

static enum tok_err load(const struct keyset_source *from, struct keyset **ret,
                         struct stat *ret_st, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct keyset *set = NULL;
    struct errmsg in_file = {0};
    enum tok_err err = file_open(from->path, from->trust, &fd, ret_st, errmsg);

    if (!err)
        err = file_read_opened(from->path, fd, KEYSET_FILE_MAX, &text, errmsg);
    if (err)
        return err == TOK_NO_MEMORY ? err : TOK_KEYS;
    err = keyset_parse(from->ctx, secret_slice(&text), from->algorithms, &set, &in_file);
    if (!err)
        err = check_secrecy(set, ret_st, &in_file);
    if (!err) {
        *ret = set;
        return TOK_OK;
    }
    keyset_free(set);
    return errmsg_set(errmsg, err, "%s: %s", from->path,
                      *in_file.text ? in_file.text : tok_err_text(err));
}

enum tok_err keyset_load(const struct keyset_source *from, struct keyset **ret,
                         struct errmsg *errmsg)
{
    struct stat st;

    return load(from, ret, &st, errmsg);
}

enum tok_err keyset_file_init(const struct keyset_source *from, struct keyset_file *ret)
{
    char *path = strdup(from->path);

    if (!path)
        return TOK_NO_MEMORY;
    *ret = (struct keyset_file){.path = path, .from = *from};
    ret->from.path = path;
    return TOK_OK;
}

void keyset_file_clear(struct keyset_file *file)
{
    keyset_free(file->set);
    free(file->path);
    *file = (struct keyset_file){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* ctime also changes with owner and mode, which were checked. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

enum tok_err keyset_file_get(struct keyset_file *file, const struct keyset **ret,
                             struct errmsg *errmsg)
{
    struct stat now;
    enum tok_err err;

    if (!file->set || lstat(file->path, &now) < 0 || !is_same_file(&now, &file->read)) {
        keyset_free(file->set);
        file->set = NULL;
        err = load(&file->from, &file->set, &file->read, errmsg);
        if (err)
            return err;
    }
    *ret = file->set;
    return TOK_OK;
}
