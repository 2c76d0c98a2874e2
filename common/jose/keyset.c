#include "common/jose/keyset.h"

#include "common/json/scan.h"

#include <string.h>

#define SET_MEMBERS 64

/* Slots of a table hold a key's number from 1; 0 is a free one. */
struct keyset {
    OSSL_LIB_CTX *ctx;
    alg_set algorithms; /* that are allowed */
    struct key **keys;
    size_t n;
    uint32_t *by_kid, *by_header;
    size_t n_slots; /* of either; a power of two, more than the keys */
    bool has_nameless;
    bool has_secret, has_public; /* in the file, used or not */
};

void keyset_free(struct keyset *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        key_free(set->keys[i]);
    free(set->keys);
    free(set->by_kid);
    free(set->by_header);
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

bool keyset_has_nameless(const struct keyset *set)
{
    return set->has_nameless;
}

static inline uint64_t eight(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

__extension__ typedef unsigned __int128 uint128;

/* Both halves of the product of sixteen bytes, so that each bit of them is in both. */
static inline uint64_t mix(uint64_t h, uint64_t a, uint64_t b)
{
    uint128 product =
        (uint128)(a ^ h ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xd1b54a32d192ed03));

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The key file's owner chose the kids: no one to defend the tables against. The last sixteen
 * bytes may be seen twice. */
static size_t hash(struct slice text)
{
    uint64_t h = text.n;
    char few[16] = "";

    if (text.n < sizeof(few)) {
        if (text.n > 0)
            memcpy(few, text.p, text.n);
        return (size_t)mix(h, eight(few), eight(few + 8));
    }
    for (size_t i = 0; i + 16 < text.n; i += 16)
        h = mix(h, eight(text.p + i), eight(text.p + i + 8));
    return (size_t)mix(h, eight(text.p + text.n - 16), eight(text.p + text.n - 8));
}

/* The slot of a table that holds this text of a key, or the free one where it belongs. */
static inline uint32_t *find_slot(const struct keyset *set, uint32_t *slots,
                                  struct slice (*text_of)(const struct key *key),
                                  struct slice text)
{
    size_t mask = set->n_slots - 1, at = hash(text) & mask;

    while (slots[at] && !slice_eq(text_of(set->keys[slots[at] - 1]), text))
        at = (at + 1) & mask;
    return &slots[at];
}

const struct key *keyset_find(const struct keyset *set, struct slice kid)
{
    uint32_t number = kid.n ? *find_slot(set, set->by_kid, key_kid, kid) : 0;

    return number ? set->keys[number - 1] : NULL;
}

const struct key *keyset_find_header(const struct keyset *set, struct slice letters)
{
    uint32_t number;

    /* Most sets have one key, and nothing is to be searched. */
    if (set->n == 1)
        return !set->has_nameless && slice_eq(key_header(set->keys[0]), letters) ? set->keys[0]
                                                                                 : NULL;
    number = letters.n ? *find_slot(set, set->by_header, key_header, letters) : 0;
    return number ? set->keys[number - 1] : NULL;
}

/* Takes the key over on success. */
static enum tok_err append(struct keyset *set, struct key *key)
{
    struct key **grown = reallocarray(set->keys, set->n + 1, sizeof(struct key *));

    if (!grown)
        return TOK_NO_MEMORY;
    set->keys = grown;
    set->keys[set->n++] = key;
    return TOK_OK;
}

static enum tok_err index_kids(struct keyset *set, struct errmsg *errmsg)
{
    set->n_slots = 8;
    while (set->n_slots < set->n * 2)
        set->n_slots *= 2;
    set->by_kid = calloc(set->n_slots, sizeof(*set->by_kid));
    set->by_header = calloc(set->n_slots, sizeof(*set->by_header));
    if (!set->by_kid || !set->by_header)
        return TOK_NO_MEMORY;
    for (size_t i = 0; i < set->n; i++) {
        struct slice kid = key_kid(set->keys[i]);
        uint32_t *slot;

        if (kid.n == 0) {
            set->has_nameless = true;
            continue;
        }
        slot = find_slot(set, set->by_kid, key_kid, kid);
        if (*slot)
            return errmsg_set(errmsg, TOK_KEYS, "kid: two keys are called %.*s", (int)kid.n,
                              kid.p);
        *slot = (uint32_t)(i + 1);
        *find_slot(set, set->by_header, key_header, key_header(set->keys[i])) = *slot;
    }
    return TOK_OK;
}

/* One key of the file. Those nobody here can use are passed over (RFC 7517 5); *errmsg then
 * says for what reason. */
static enum tok_err add(struct keyset *set, struct slice text, struct errmsg *errmsg)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    enum tok_err err = key_read(set->ctx, text, KEY_PUBLIC, set->algorithms, &key, errmsg);

    if (err == TOK_UNSUPPORTED)
        return TOK_OK;
    if (err)
        return err;
    if (key_alg(key)->kind == ALG_OCT)
        set->has_secret = true;
    else
        set->has_public = true;
    if (set->has_secret && set->has_public)
        return errmsg_set(errmsg, TOK_KEYS,
                          "kty: a secret (oct) has no place among public keys");
    if (!(alg_bit(key_alg(key)) & set->algorithms))
        return errmsg_set(errmsg, TOK_OK, "alg: %s is not allowed here", key_alg(key)->name);
    err = append(set, key);
    if (!err)
        key = NULL;
    return err;
}

static enum tok_err add_all(struct keyset *set, struct scan_value keys, struct errmsg *errmsg)
{
    struct scan_value jwk;
    size_t pos = 0;

    if (keys.type != SCAN_ARRAY)
        return errmsg_set(errmsg, TOK_KEYS, "keys: must be an array of keys");
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
        return errmsg_set(errmsg, TOK_KEYS, "no JSON object: %s at byte %zu", fault.what,
                          fault.at);
    keys = scan_find(members, n, "keys");
    if (keys)
        return add_all(set, *keys, errmsg);
    if (scan_find(members, n, "kty"))
        return add(set, json, errmsg);
    return errmsg_set(errmsg, TOK_KEYS, "neither a JWK Set (keys) nor a JWK (kty)");
}

static enum tok_err fill(struct keyset *set, struct slice json, struct errmsg *errmsg)
{
    struct errmsg last = {0}; /* why the last key was passed over, when any was */
    enum tok_err err = read_file(set, json, &last);

    if (err)
        return errmsg_set(errmsg, err, "%s", last.text);
    if (set->n == 0)
        return errmsg_set(errmsg, TOK_KEYS, "no key in it that can be used here%s%s",
                          *last.text ? "; " : "", last.text);
    return index_kids(set, errmsg);
}

enum tok_err keyset_parse(OSSL_LIB_CTX *ctx, struct slice json, alg_set algorithms,
                          struct keyset **ret, struct errmsg *errmsg)
{
    struct keyset *set = calloc(1, sizeof(*set));
    enum tok_err err;

    if (!set)
        return TOK_NO_MEMORY;
    *set = (struct keyset){.ctx = ctx, .algorithms = algorithms};
    err = fill(set, json, errmsg);
    if (err)
        keyset_free(set);
    else
        *ret = set;
    return err;
}

/* Who can read a secret can mint. */
static enum tok_err check_secrecy(const struct keyset *set, const struct stat *st,
                                  struct errmsg *errmsg)
{
    if (!set->has_secret || !(st->st_mode & (S_IRWXG | S_IRWXO)))
        return TOK_OK;
    return errmsg_set(
        errmsg, TOK_KEYS,
        "holds a secret and has mode %04o; allowed is no permission for group and "
        "others (chmod go=)",
        (unsigned)(st->st_mode & ALLPERMS));
}

static enum tok_err load(OSSL_LIB_CTX *ctx, const char *path, enum file_trust trust,
                         alg_set algorithms, struct keyset **ret, struct stat *ret_st,
                         struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct keyset *set = NULL;
    struct errmsg in_file = {0};
    enum tok_err err = file_open(path, trust, &fd, ret_st, NULL, errmsg);

    if (!err)
        err =
            file_read_opened(path, fd, ret_st, KEYSET_FILE_MAX, &text.p, &text.n, NULL, errmsg);
    if (err)
        return err == TOK_NO_MEMORY ? err : TOK_KEYS;
    err = keyset_parse(ctx, secret_slice(&text), algorithms, &set, &in_file);
    if (!err)
        err = check_secrecy(set, ret_st, &in_file);
    if (!err) {
        *ret = set;
        return TOK_OK;
    }
    keyset_free(set);
    return errmsg_set(errmsg, err, "%s: %s", path,
                      *in_file.text ? in_file.text : tok_err_text(err));
}

enum tok_err keyset_load(OSSL_LIB_CTX *ctx, const char *path, enum file_trust trust,
                         alg_set algorithms, struct keyset **ret, struct errmsg *errmsg)
{
    struct stat st;

    return load(ctx, path, trust, algorithms, ret, &st, errmsg);
}

enum tok_err keyset_file_init(OSSL_LIB_CTX *ctx, const char *path, enum file_trust trust,
                              alg_set algorithms, struct keyset_file *ret)
{
    char *copy = strdup(path);

    if (!copy)
        return TOK_NO_MEMORY;
    *ret = (struct keyset_file){
        .path = copy, .ctx = ctx, .trust = trust, .algorithms = algorithms};
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

/* ctime besides: a file that others may write since is not the file that was trusted. */
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
        err = load(file->ctx, file->path, file->trust, file->algorithms, &file->set,
                   &file->read, errmsg);
        if (err)
            return err;
    }
    *ret = file->set;
    return TOK_OK;
}
