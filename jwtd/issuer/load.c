#include "jwtd/issuer/load.h"

#include "jwtd/issuer/mint.h"
#include "jwtd/shared/messages.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define USER_LEN_USUAL 32 /* useradd(8)'s longest */

struct places {
    char *keys, *store;
    bool have_keys, have_store;
};

static void places_clear(struct places *p)
{
    free(p->keys);
    free(p->store);
}

enum tok_err load_keys_dir(const struct issuer *x, char **ret)
{
    char *dir;

    if (asprintf(&dir, "%s/keys", x->state_dir) < 0)
        return TOK_NO_MEMORY;
    *ret = dir;
    return TOK_OK;
}

static bool exists(const char *path, bool *ret)
{
    *ret = access(path, F_OK) == 0;
    return *ret || errno == ENOENT;
}

static enum tok_err find_places(const struct issuer *x, struct places *ret,
                                struct errmsg *errmsg)
{
    const char *set = x->service.settings.store.path;
    enum tok_err err = load_keys_dir(x, &ret->keys);

    if (err != TOK_OK)
        return err;
    if ((set ? asprintf(&ret->store, "%s", set)
             : asprintf(&ret->store, "%s/sessions.db", x->state_dir)) < 0) {
        ret->store = NULL;
        return TOK_NO_MEMORY;
    }
    if (!exists(ret->keys, &ret->have_keys))
        return errmsg_set(errmsg, TOK_KEYS, "%s: %s", ret->keys, strerrordesc_np(errno));
    if (!exists(ret->store, &ret->have_store))
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", ret->store, strerrordesc_np(errno));
    return TOK_OK;
}

/* Keys that went missing beside a store are no first start: a new key would refuse every token
 * there is, and nobody would be told why. */
static enum tok_err load_keys(struct issuer *x, const struct places *at, int state_fd,
                              struct errmsg *errmsg)
{
    const struct alg *alg = x->service.settings.token.algorithm;
    enum tok_err err;

    if (!at->have_keys && at->have_store)
        return errmsg_set(errmsg, TOK_KEYS,
                          "keys missing: %s is not there but %s is; restore the keys from a "
                          "backup, or move the store away to begin anew",
                          at->keys, at->store);
    if (!at->have_keys) {
        err = keys_make(at->keys, alg, errmsg);
        if (err != TOK_OK)
            return err;
        if (fsync(state_fd) < 0)
            return errmsg_set(errmsg, TOK_FILE, "%s: %s", x->state_dir, strerrordesc_np(errno));
        LOG(LOG_NOTICE, MESSAGE_KEYS, "A signing key was made", {"directory", at->keys});
    }
    return keys_load(at->keys, alg, &x->keys, errmsg);
}

static enum tok_err load_names(struct issuer *x, struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    char host[256] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    return names_find(x->public_dir, set->token.issuer, set->token.audience, host, &x->names,
                      errmsg);
}

/* Only what our own tokens could break is asked; token_type and ids are judge's questions. */
static enum tok_err make_policy(struct issuer *x, struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    struct policy *p = &x->policy;
    enum tok_err err;

    policy_clear(p);
    err = policy_init(p);
    if (err == TOK_OK)
        err = text_replace(&p->issuer, slice_of(x->names.issuer));
    if (err == TOK_OK)
        err = text_replace(&p->user_claim, slice_of(set->token.user_id_claim));
    if (err == TOK_OK)
        err = text_replace(&p->token_type_claim, slice_of(set->token.token_type_claim));
    if (err == TOK_OK)
        err = text_replace(&p->jti_claim, slice_of(set->token.jti_claim));
    if (err == TOK_OK)
        err = text_replace(&p->type, slice_of(""));
    if (err == TOK_OK)
        err = policy_set(p, POLICY_WORDS, SLICE("require"), SLICE("exp"), errmsg);
    if (err == TOK_OK)
        err = word_list_copy(x->names.audience, &p->audience);
    p->algorithms = ~(alg_set)0;
    p->leeway = (int64_t)(set->token.leeway / SECOND);
    p->max_lifetime = INT64_MAX / 2; /* what we minted under other settings is still ours */
    p->max_length = WIRE_TOKEN_MAX;
    return err;
}

static void warn_of_length(const struct issuer *x)
{
    uint64_t max = x->service.settings.token.max_token_length;
    size_t n = mint_length(x, USER_LEN_USUAL);
    char sum[96];

    if (n <= max)
        return;
    (void)snprintf(sum, sizeof(sum), "%zu letters for a user name of %d, MaxTokenLength=%llu",
                   n, USER_LEN_USUAL, (unsigned long long)max);
    LOG(LOG_WARNING, MESSAGE_SETTINGS,
        "Access tokens will not fit: shorten Issuer= or Audience=", {"sum", sum});
}

enum tok_err load_parts(struct issuer *x, int state_fd, const char **ret_id,
                        struct errmsg *errmsg)
{
    CLEANUP(places_clear) struct places at = {0};
    enum tok_err err = find_places(x, &at, errmsg);

    *ret_id = MESSAGE_KEYS;
    if (err == TOK_OK && !x->keys.signer)
        err = load_keys(x, &at, state_fd, errmsg);
    if (err == TOK_OK && !x->names.issuer) {
        *ret_id = MESSAGE_SETTINGS;
        err = load_names(x, errmsg);
        if (err == TOK_OK)
            err = make_policy(x, errmsg);
        if (err == TOK_OK)
            warn_of_length(x);
    }
    if (err == TOK_OK && !x->store) {
        *ret_id = MESSAGE_STORE;
        err = store_open(at.store, &x->store, errmsg);
    }
    return err;
}

enum tok_err load_lock(const struct issuer *x, int *ret_fd, struct errmsg *errmsg)
{
    int fd = open(x->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum tok_err err;

    if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
        *ret_fd = fd;
        return TOK_OK;
    }
    err = errmsg_set(errmsg, TOK_FILE, "%s: %s", x->state_dir, strerrordesc_np(errno));
    cleanup_close(&fd);
    return err;
}

void load_sweep(const struct issuer *x)
{
    CLEANUP(cleanup_free) char *keys = NULL;

    file_sweep(x->public_dir);
    if (load_keys_dir(x, &keys) == TOK_OK)
        file_sweep(keys);
}
