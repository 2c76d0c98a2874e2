#include "jwtd/issuer/keys/rotate.h"

#include "common/json/emit.h"
#include "jwtd/issuer/load.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When everything that was signed until now has expired, whatever module asks: by the store,
 * and by the settings, for a store can be lost. */
static enum tok_err last_exp(struct issuer *x, int64_t *ret, struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    uint64_t span =
        most(most(set->token.access_lifetime, set->token.refresh_lifetime),
             most(set->token.sliding_lifetime, set->token.sliding_refresh_lifetime));
    int64_t by_settings = issuer_wall() + (int64_t)(span / SECOND), by_store = 0;

    if (store_last_exp(x->store, &by_store) != STORE_DONE)
        return errmsg_set(errmsg, TOK_FILE, "%s", store_failure(x->store));
    *ret = (by_store > by_settings ? by_store : by_settings) + POLICY_LEEWAY_MAX;
    return TOK_OK;
}

static enum tok_err sign_with(struct issuer *x, const char *dir, struct signing_keys *keys,
                              const struct key *signer, struct errmsg *errmsg)
{
    int64_t until = 0;
    enum tok_err err = last_exp(x, &until, errmsg);

    return err != TOK_OK ? err : keys_settle(dir, keys, signer, until, errmsg);
}

enum tok_err rotate_settle(struct issuer *x, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *dir = NULL;
    enum tok_err err;

    if (!x->keys.unsettled)
        return TOK_OK;
    err = load_keys_dir(x, &dir);
    return err != TOK_OK ? err : sign_with(x, dir, &x->keys, x->keys.signer, errmsg);
}

/* Reads the directory again, publishes what is there, and puts it to use. */
static enum tok_err load_again(struct issuer *x, const char *dir, struct errmsg *errmsg)
{
    struct signing_keys fresh = {0};
    enum tok_err err = keys_load(dir, x->service.settings.token.algorithm, &fresh, errmsg);

    if (err == TOK_OK)
        err = publish_keys(x->public_dir, &fresh, errmsg);
    if (err != TOK_OK) {
        keys_clear(&fresh);
        return err;
    }
    keys_clear(&x->keys);
    x->keys = fresh;
    return TOK_OK;
}

/* The new key's file is there and published, and signs nothing yet; or nothing is changed. */
static enum tok_err add_key(struct issuer *x, const char *dir, const struct alg *alg,
                            char ret_kid[KEY_KID_LEN + 1], struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = sign_with(x, dir, &x->keys, x->keys.signer, errmsg);

    if (err == TOK_OK)
        err = keys_add(dir, alg, ret_kid, &path, errmsg);
    if (err != TOK_OK)
        return err;
    err = load_again(x, dir, errmsg);
    if (err != TOK_OK)
        (void)unlink(path);
    return err;
}

static enum step failed(struct job *job, const char *sentence, enum tok_err err,
                        const struct errmsg *errmsg)
{
    LOG(LOG_ERR, MESSAGE_KEYS, sentence,
        {"cause", errmsg->text[0] ? errmsg->text : tok_err_text(err)});
    job_say(job, WIRE_UNAVAILABLE, NULL);
    return STEP_ANSWER;
}

/* The key that signs now, as text that outlives it. */
static void copy_kid(const struct key *key, char ret[KEY_KID_MAX + 1])
{
    struct slice kid = key_kid(key);

    memcpy(ret, kid.p, kid.n);
    ret[kid.n] = '\0';
}

/* Whether the disk says that the new key signs is not known: it is asked before the next
 * answer, for a key that signs on unseen would be retired too early. */
static enum step start_anew(struct issuer *x, enum tok_err err, const struct errmsg *errmsg)
{
    LOG(LOG_ERR, MESSAGE_KEYS, "The signing key could not be replaced",
        {"cause", errmsg->text[0] ? errmsg->text : tok_err_text(err)});
    keys_clear(&x->keys);
    return STEP_FAILED;
}

static enum step rotate(struct issuer *x, struct job *job, const struct alg *alg)
{
    CLEANUP(cleanup_free) char *dir = NULL;
    CLEANUP(cleanup_close) int fd = -1;
    bool signs = alg == x->service.settings.token.algorithm;
    char kid[KEY_KID_LEN + 1] = "", old[KEY_KID_MAX + 1] = "";
    struct errmsg errmsg = {""};
    enum tok_err err = load_keys_dir(x, &dir);

    if (err == TOK_OK)
        err = load_lock(x, &fd, &errmsg);
    if (err == TOK_OK)
        err = add_key(x, dir, alg, kid, &errmsg);
    if (err != TOK_OK)
        return failed(job, "No key could be added", err, &errmsg);
    if (signs) {
        copy_kid(x->keys.signer, old);
        err = sign_with(x, dir, &x->keys, keys_find(&x->keys, kid), &errmsg);
    }
    if (err != TOK_OK)
        return start_anew(x, err, &errmsg);
    LOG(LOG_NOTICE, MESSAGE_KEYS, signs ? "A new key signs" : "A new key was published",
        {"kid", kid}, {"algorithm", alg->name}, {"before", old[0] ? old : NULL});
    job_say(job, WIRE_OK,
            (union wire_value[]){{.text = {kid, strlen(kid)}}, {.text = {old, strlen(old)}}});
    return STEP_ANSWER;
}

enum step rotate_step(struct issuer *x, struct job *job)
{
    struct slice name = job_text(job, 0);
    const struct alg *alg = name.n > 0 ? alg_find(name) : x->service.settings.token.algorithm;

    if (!alg || !keys_fit(&x->keys, alg))
        job_say(job, WIRE_NO_KEY, NULL);
    else if (x->keys.n >= KEYS_MAX)
        job_say(job, WIRE_NOT_ALLOWED, NULL);
    else
        return rotate(x, job, alg);
    return STEP_ANSWER;
}

enum fate { STAYS, GOES, SIGNS };

/* Nobody has said until when a key is needed that was put there or replaced by hand: then from
 * now on all that could be signed with it is waited for. */
static enum fate fate_of(const struct issuer *x, const struct signing_key *key, int64_t now)
{
    if (key->key == x->keys.signer)
        return SIGNS;
    return key->until > 0 && key->until <= now ? GOES : STAYS;
}

static bool asked_for(const struct job *job, const struct signing_key *key)
{
    return job_text(job, 0).n == 0 || slice_eq(key_kid(key->key), job_text(job, 0));
}

static void emit_key(struct emit *out, const struct signing_key *key, bool *first)
{
    if (!*first)
        emit_text(out, ",");
    *first = false;
    emit_begin(out);
    emit_member_string(out, "kid", key_kid(key->key));
    if (key->until > 0) {
        emit_member(out, "until");
        emit_integer(out, key->until);
    }
    emit_end(out);
}

/* {"retired":[{"kid",...}],"kept":[{"kid","until"}],"signs":KID} of the keys that were asked
 * for */
static void emit_fates(const struct issuer *x, const struct job *job, int64_t now,
                       struct emit *out)
{
    static const char *const lists[] = {[STAYS] = ",\"kept\":[", [GOES] = "{\"retired\":["};
    static const enum fate order[] = {GOES, STAYS};

    for (size_t l = 0; l < 2; l++) {
        bool first = true;

        emit_text(out, lists[order[l]]);
        for (size_t i = 0; i < x->keys.n; i++)
            if (asked_for(job, &x->keys.keys[i]) &&
                fate_of(x, &x->keys.keys[i], now) == order[l])
                emit_key(out, &x->keys.keys[i], &first);
        emit_text(out, "]");
    }
    emit_text(out, ",\"signs\":");
    emit_string(out, key_kid(x->keys.signer));
    emit_text(out, "}");
}

static enum tok_err retire(struct issuer *x, const struct job *job, const char *dir,
                           int64_t now, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;
    bool gone = false;

    for (size_t i = 0; i < x->keys.n && err == TOK_OK; i++) {
        const struct signing_key *key = &x->keys.keys[i];
        char kid[KEY_KID_MAX + 1];

        if (!asked_for(job, key) || fate_of(x, key, now) != GOES)
            continue;
        copy_kid(key->key, kid);
        err = keys_remove(dir, key, errmsg);
        gone = gone || err == TOK_OK;
        if (err == TOK_OK)
            LOG(LOG_NOTICE, MESSAGE_KEYS, "A key was retired", {"kid", kid});
    }
    return err == TOK_OK && gone ? load_again(x, dir, errmsg) : err;
}

static bool is_there(const struct issuer *x, const struct job *job)
{
    for (size_t i = 0; i < x->keys.n; i++)
        if (asked_for(job, &x->keys.keys[i]))
            return true;
    return false;
}

/* Every key but the signer has its time on disk before it is told. */
static enum tok_err know_times(struct issuer *x, const char *dir, struct errmsg *errmsg)
{
    for (size_t i = 0; i < x->keys.n; i++)
        if (x->keys.keys[i].until == 0 && x->keys.keys[i].key != x->keys.signer)
            return sign_with(x, dir, &x->keys, x->keys.signer, errmsg);
    return TOK_OK;
}

enum step retire_step(struct issuer *x, struct job *job)
{
    CLEANUP(cleanup_free) char *dir = NULL;
    CLEANUP(cleanup_close) int fd = -1;
    char said[WIRE_JSON_MAX];
    struct emit out = {.p = said, .size = sizeof(said)};
    int64_t now = issuer_wall();
    struct errmsg errmsg = {""};
    enum tok_err err = load_keys_dir(x, &dir);

    if (!is_there(x, job)) {
        job_say(job, WIRE_NO_KEY, NULL);
        return STEP_ANSWER;
    }
    if (err == TOK_OK)
        err = load_lock(x, &fd, &errmsg);
    if (err == TOK_OK)
        err = know_times(x, dir, &errmsg);
    if (err == TOK_OK) {
        emit_fates(x, job, now, &out);
        err = retire(x, job, dir, now, &errmsg);
    }
    if (err != TOK_OK)
        return failed(job, "Keys could not be retired", err, &errmsg);
    job_say(job, out.n <= sizeof(said) ? WIRE_OK : WIRE_UNAVAILABLE,
            (union wire_value[]){{.text = {said, out.n}}});
    return STEP_ANSWER;
}
