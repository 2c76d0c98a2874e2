#include "common/jose/keyset.h"

#include "common/json/json.h"

#include <string.h>

#define SET_MEMBERS 64

struct entry {
    struct key *key;
    size_t number; /* in the file, from 1 */
    bool clashes;  /* another key has its kid and alg */
};

struct keyset {
    OSSL_LIB_CTX *ctx;
    alg_set algorithms; /* allowed ones */
    struct entry *keys;
    size_t n;
    bool has_public;
    struct errmsg skipped[KEYSET_SKIPPED_MAX]; /* the last may stand for several */
    size_t n_skipped;
};

void keyset_free(struct keyset *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        key_free(set->keys[i].key);
    free(set->keys);
    free(set);
}

size_t keyset_size(const struct keyset *set)
{
    return set->n;
}

const struct key *keyset_at(const struct keyset *set, size_t i)
{
    return i < set->n ? set->keys[i].key : NULL;
}

const struct key *keyset_find(const struct keyset *set, struct slice kid)
{
    for (size_t i = 0; kid.n > 0 && i < set->n; i++)
        if (slice_eq(key_kid(set->keys[i].key), kid))
            return set->keys[i].key;
    return NULL;
}

const char *keyset_skipped(const struct keyset *set, size_t i)
{
    return i < set->n_skipped && i < KEYSET_SKIPPED_MAX ? set->skipped[i].text : NULL;
}

static void skip(struct keyset *set, size_t number, const char *reason)
{
    size_t before = set->n_skipped++;

    if (before < KEYSET_SKIPPED_MAX)
        (void)errmsg_set(&set->skipped[before], TOK_OK, "key %zu: %s", number, reason);
    else
        (void)errmsg_set(&set->skipped[KEYSET_SKIPPED_MAX - 1], TOK_OK, "and %zu more",
                         before - KEYSET_SKIPPED_MAX + 2);
}

static bool is_secret(const struct key *key)
{
    return key_alg(key)->kind == ALG_OCT;
}

/* Compares with the keys that have the same kid and one of its algorithms. True: the set has
 * this key. Different ones clash (RFC 7517 4.5: they should have distinct kids). */
static bool is_known(struct keyset *set, struct entry *new)
{
    const alg_set algs = key_algs(new->key);
    const struct slice kid = key_kid(new->key);
    bool known = false;

    for (size_t i = 0; kid.n > 0 && i < set->n; i++) {
        struct entry *e = &set->keys[i];

        if (!(algs & key_algs(e->key)) || !slice_eq(key_kid(e->key), kid))
            continue;
        if (!key_is_same(e->key, new->key))
            e->clashes = true;
        else if (!(algs & ~key_algs(e->key)))
            known = true;
        new->clashes = new->clashes || e->clashes;
    }
    return known;
}

/* Takes the key over on success. */
static enum tok_err append(struct keyset *set, const struct entry *new)
{
    struct entry *grown = reallocarray(set->keys, set->n + 1, sizeof(struct entry));

    if (!grown)
        return TOK_NO_MEMORY;
    set->keys = grown;
    set->keys[set->n++] = *new;
    set->has_public = set->has_public || !is_secret(new->key);
    return TOK_OK;
}

/* Drops the keys that only the whole set shows to be unusable. */
static void drop_unusable(struct keyset *set)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->n; i++) {
        const struct entry e = set->keys[i];

        if (e.clashes)
            skip(set, e.number, "kid: another key has the same kid and alg");
        else if (set->has_public && is_secret(e.key))
            skip(set, e.number, "kty: a secret (oct) among public keys");
        else {
            set->keys[kept++] = e;
            continue;
        }
        key_free(e.key);
    }
    set->n = kept;
}

/* RFC 7517 5: a key that cannot be used is skipped. */
static enum tok_err add(struct keyset *set, size_t number, struct slice text)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct key_reading how = {
        .ctx = set->ctx, .part = KEY_PUBLIC, .algorithms = set->algorithms};
    struct entry new = {.number = number};
    struct errmsg reason = {0};
    enum tok_err err = key_read(&how, text, &key, &reason);

    if (!err && !(key_algs(key) & set->algorithms))
        err = errmsg_set(&reason, TOK_KEYS, "alg: %s is not allowed (algorithms=)",
                         key_alg(key)->name);
    if (err == TOK_KEYS || err == TOK_UNSUPPORTED) {
        skip(set, number, reason.text);
        return TOK_OK;
    }
    if (err)
        return err;
    new.key = key;
    if (is_known(set, &new))
        return TOK_OK;
    err = append(set, &new);
    if (!err)
        key = NULL;
    return err;
}

static enum tok_err add_all(struct keyset *set, struct scan_value keys, struct errmsg *errmsg)
{
    struct scan_value jwk;
    enum tok_err err = TOK_OK;
    size_t pos = 0;

    if (keys.type != SCAN_ARRAY)
        return errmsg_set(errmsg, TOK_KEYS, "keys: expected an array of keys");
    for (size_t number = 1; !err && scan_next_element(keys, &pos, &jwk); number++)
        err = add(set, number, jwk.text);
    return err;
}

static enum tok_err read_file(struct keyset *set, struct slice json, struct errmsg *errmsg)
{
    struct scan_member members[SET_MEMBERS];
    const struct scan_value *keys;
    struct scan_fault fault;
    size_t n;

    if (key_is_pem(json))
        return add(set, 1, json);
    if (scan_object(json, members, SET_MEMBERS, &n, &fault))
        return errmsg_set(errmsg, TOK_KEYS, "expected a JWK Set, a JWK or PEM: %s at byte %zu",
                          fault.what, fault.at);
    keys = scan_find(members, n, SLICE("keys"));
    if (keys)
        return add_all(set, *keys, errmsg);
    if (scan_find(members, n, SLICE("kty")))
        return add(set, 1, json);
    return errmsg_set(errmsg, TOK_KEYS, "expected a JWK Set (keys) or a JWK (kty)");
}

static enum tok_err no_usable_key(const struct keyset *set, struct errmsg *errmsg)
{
    struct errmsg text = {"no usable key"};
    const char *reason;

    for (size_t i = 0; (reason = keyset_skipped(set, i)); i++)
        (void)errmsg_set(&text, TOK_OK, "%s; %s", text.text, reason);
    (void)errmsg_set(errmsg, TOK_KEYS, "%s", text.text);
    return TOK_KEYS;
}

enum tok_err keyset_parse(OSSL_LIB_CTX *ctx, struct slice json, alg_set algorithms,
                          struct keyset **ret, struct errmsg *errmsg)
{
    struct keyset *set = calloc(1, sizeof(*set));
    enum tok_err err;

    if (!set)
        return TOK_NO_MEMORY;
    set->ctx = ctx;
    set->algorithms = algorithms;
    err = read_file(set, json, errmsg);
    drop_unusable(set);
    if (!err && set->n == 0)
        err = no_usable_key(set, errmsg);
    if (err)
        keyset_free(set);
    else
        *ret = set;
    return err;
}

/* Reads the file that is there now. */
static enum tok_err load(struct keyset_file *file, struct errmsg *errmsg)
{
    const struct keyset_source *from = &file->from;
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct errmsg in_file = {0};
    enum tok_err err = file_open(from->path, from->trust, &fd, &file->read, errmsg);

    if (!err)
        err = file_read_opened(from->path, fd, KEYSET_FILE_MAX, &text, errmsg);
    if (err)
        return err == TOK_NO_MEMORY ? err : TOK_KEYS;
    err = keyset_parse(from->ctx, secret_slice(&text), from->algorithms, &file->set, &in_file);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", from->path,
                          *in_file.text ? in_file.text : tok_err_text(err));
    if (file->set->has_public || !(file->read.st_mode & (S_IRWXG | S_IRWXO)))
        return TOK_OK;
    keyset_free(file->set);
    file->set = NULL;
    return errmsg_set(errmsg, TOK_KEYS,
                      "%s: has a secret (oct) key and mode %04o; expected no permission for "
                      "group and others (chmod go=)",
                      from->path, (unsigned)(file->read.st_mode & ALLPERMS));
}

enum tok_err keyset_load(const struct keyset_source *from, struct keyset **ret,
                         struct errmsg *errmsg)
{
    struct keyset_file file = {.from = *from};
    enum tok_err err = load(&file, errmsg);

    if (!err)
        *ret = file.set;
    return err;
}

void keyset_file_clear(struct keyset_file *file)
{
    keyset_free(file->set);
    *file = (struct keyset_file){0};
}

enum tok_err keyset_file_get(struct keyset_file *file, const struct keyset **ret,
                             struct errmsg *errmsg)
{
    struct stat now;
    enum tok_err err;

    if (!file->set || stat(file->from.path, &now) < 0 || !file_is_same(&now, &file->read)) {
        keyset_free(file->set);
        file->set = NULL;
        err = load(file, errmsg);
        if (err)
            return err;
    }
    *ret = file->set;
    return TOK_OK;
}
