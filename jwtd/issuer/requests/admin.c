#include "common/base/text.h"
#include "common/token/revoked.h"
#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/load.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/json_build.h"
#include "jwtd/shared/messages.h"

#include <string.h>
#include <sys/stat.h>

/* Rows in which live sessions are counted: everyone waits meanwhile. */
#define COUNT_ROWS 5000

static struct json_object *with_names(struct json_object *object,
                                      const struct issuer_names *names)
{
    struct json_object *list = json_object_new_array();

    for (char *const *a = names->audience; *a; a++)
        list = json_list_with(list, json_string(slice_of(*a)));
    object = json_with(object, "issuer", json_string(slice_of(names->issuer)));
    return json_with(object, "audience", list);
}

static struct json_object *key_object(const struct key *key, enum bundle_key_state state)
{
    char thumbprint[KEY_THUMBPRINT_LEN];
    bool ok = key_thumbprint(key, thumbprint) == TOK_OK;
    struct json_object *object = ok ? json_object_new_object() : NULL;

    object = json_with(object, "kid", json_string(key_kid(key)));
    object = json_with(object, "alg", json_string(slice_of(key_alg(key)->name)));
    object = json_with(object, "state", json_string(slice_of(bundle_states[state])));
    return json_with(object, "thumbprint",
                     json_string((struct slice){thumbprint, KEY_THUMBPRINT_LEN}));
}

/* [{"kid","alg","state","thumbprint","signs"[,"until"][,"from"]}] */
static struct json_object *key_list(const struct signing_keys *keys)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < keys->n; i++) {
        const struct signing_key *k = &keys->keys[i];
        bool signs = k->key == keys->signer;
        struct json_object *key = key_object(k->key, keys_state(keys, k));

        key = json_with(key, "signs", json_object_new_boolean(signs));
        if (k->until > 0)
            key = json_with(key, "until", json_object_new_int64(k->until));
        if (k->from > 0)
            key = json_with(key, "from", json_object_new_int64(k->from));
        list = json_list_with(list, key);
    }
    return list;
}

/* Those of other issuers that verify: [{"kid","alg","state","thumbprint","bundle_key"}], the
 * last the thumbprint of their issuer. */
static struct json_object *other_keys(const struct issuer *x)
{
    struct json_object *list = json_object_new_array();
    struct listed_key listed[KEYS_LISTED_MAX];
    size_t n = keys_list(&x->keys, listed);

    for (size_t i = 0; i < n; i++) {
        const char *bundle_key = fleet_keys_issuer(x, listed[i].key);
        struct json_object *key;

        if (!bundle_key)
            continue;
        key = key_object(listed[i].key, listed[i].state);
        key = json_with(key, "bundle_key", json_string(slice_of(bundle_key)));
        list = json_list_with(list, key);
    }
    return list;
}

/* Bytes; -1: not there. */
static int64_t file_size(const char *dir, const char *name)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct stat st;

    if (text_concat(dir, name[0] ? "/" : "", name, &path) != TOK_OK)
        return -1;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static struct json_object *store_object(const struct issuer *x)
{
    const char *path = x->service.settings.store.path, *own = "sessions.db";
    const char *database = x->service.settings.store.database;
    int64_t bytes = path ? file_size(path, "") : file_size(x->state_dir, own);
    struct json_object *store = json_object_new_object();

    if (database)
        return json_with(store, "path", json_string(slice_of(database)));
    store = json_with(store, "path", json_string(slice_of(path ? path : own)));
    return json_with(store, "bytes", json_object_new_int64(bytes));
}

/* The keys, and the bundle that was signed last; "signed" is missing when none was. */
static struct json_object *bundle_object(const struct issuer *x)
{
    const struct own_bundle *b = x->bundle;
    struct json_object *bundle = json_object_new_object();

    bundle = json_with(bundle, "keys", key_list(&b->keys));
    bundle = json_with(bundle, "epoch", json_object_new_int64(b->epoch));
    bundle = json_with(bundle, "seq", json_object_new_int64(b->seq));
    if (b->iat > 0)
        bundle = json_with(bundle, "signed", json_object_new_int64((int64_t)b->iat));
    return bundle;
}

/* {"version","issuer","audience":[...][,"wanted":{"issuer","audience"}],"algorithm","keys":[...][,"other_keys":[...]],
 * "bundle":{...},"sessions":{"live","more"},"store":{"path"[,"bytes"]},"revoked","clock_behind","copy"}:
 * revoked is the number of its lines, times and spans are seconds, copy: the keys are another
 * machine's. */
enum wire_status handle_admin_status(struct issuer *x, struct issuer_request *r)
{
    struct slice algorithm = slice_of(x->service.settings.token.algorithm->name);
    int64_t wall = issuer_wall(x), now = issuer_time(x);
    int64_t revoked = file_size(x->public_dir, "revoked") / REVOKED_LINE_LEN;
    int64_t behind = now > wall ? now - wall : 0;
    struct json_object *sessions, *status;
    uint64_t live;
    bool more;

    if (store_count_live(x->store, COUNT_ROWS, &live, &more) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    sessions = json_object_new_object();
    sessions = json_with(sessions, "live", json_object_new_int64((int64_t)live));
    sessions = json_with(sessions, "more", json_object_new_boolean(more));
    status = json_object_new_object();
    status = json_with(status, "version", json_string(SLICE(JWT_VERSION)));
    status = with_names(status, &x->names);
    if (x->wanted.issuer)
        status = json_with(status, "wanted", with_names(json_object_new_object(), &x->wanted));
    status = json_with(status, "algorithm", json_string(algorithm));
    status = json_with(status, "keys", key_list(&x->keys));
    if (fleet_keys_enabled(x))
        status = json_with(status, "other_keys", other_keys(x));
    status = json_with(status, "bundle", bundle_object(x));
    status = json_with(status, "sessions", sessions);
    status = json_with(status, "store", store_object(x));
    status = json_with(status, "revoked", json_object_new_int64(revoked));
    status = json_with(status, "clock_behind", json_object_new_int64(behind));
    status = json_with(status, "copy", json_object_new_boolean(x->is_copy));
    return request_reply_json(r, status);
}

/* What was revoked. */
struct admin_revocation {
    char user[USER_NAME_MAX + 1];
    uint8_t sid[ISSUE_ID_BYTES]; /* if n is 1 */
    uint64_t n;
};

/* Revokes the session of this sid. One that was revoked before counts as none. */
static enum store_result revoke_session(struct issuer *x, struct slice sid_text,
                                        struct admin_revocation *ret)
{
    struct store_session s;
    enum store_result result;

    if (!issue_id_read(sid_text, ret->sid))
        return STORE_ABSENT;
    result = store_find(x->store, ret->sid, &s);
    if (result == STORE_ABSENT)
        return store_find_revoked(x->store, ret->sid);
    if (result != STORE_DONE)
        return result;
    memcpy(ret->user, s.user, sizeof(s.user));
    ret->n = 1;
    return store_revoke(x->store, ret->sid);
}

/* Revokes all sessions of the user of this name; otherwise the session of this sid. */
static enum store_result revoke_sessions(struct issuer *x, struct slice what,
                                         struct admin_revocation *ret)
{
    enum store_result result = STORE_ABSENT;

    if (what.n <= USER_NAME_MAX) {
        memcpy(ret->user, what.p, what.n);
        ret->user[what.n] = '\0';
        result = store_has_user(x->store, ret->user);
    }
    if (result == STORE_DONE)
        return store_revoke_user(x->store, ret->user, issuer_wall(x), &ret->n, ret->sid);
    return result == STORE_ABSENT ? revoke_session(x, what, ret) : result;
}

enum wire_status handle_admin_revoke(struct issuer *x, struct issuer_request *r)
{
    struct admin_revocation done = {0};
    enum store_result result = revoke_sessions(x, request_text(r, 0), &done);

    if (result != STORE_DONE)
        return result == STORE_ABSENT ? WIRE_NO_SESSION : WIRE_UNAVAILABLE;
    if (done.n > 0) {
        request_set_event(r, LOG_NOTICE, MESSAGE_LOGOUT,
                          done.n == 1 ? "Session revoked by root" : "Sessions revoked by root");
        memcpy(r->event.user, done.user, sizeof(done.user)); /* an account: the store has it */
    }
    if (done.n == 1)
        request_write_id(done.sid, r->event.sid);
    r->session_revoked = done.n > 0;
    return request_reply(r, &(union wire_value){.number = done.n});
}

enum wire_status handle_admin_revoke_all(struct issuer *x, struct issuer_request *r)
{
    uint64_t n;

    if (store_revoke_all(x->store, issuer_wall(x), &n) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGOUT,
                      "All sessions of all users revoked by root");
    r->session_revoked = n > 0;
    return request_reply(r, &(union wire_value){.number = n});
}

/* The names first: when they cannot be used, no session ends for them. */
enum wire_status handle_admin_apply_names(struct issuer *x, struct issuer_request *r)
{
    struct errmsg errmsg = {""};
    uint64_t n = 0;
    enum tok_err err = load_wanted_names(x, &errmsg);

    if (err != TOK_OK) {
        LOG(LOG_ERR, MESSAGE_SETTINGS, "Cannot apply Issuer= and Audience=",
            {"cause", errmsg.text[0] ? errmsg.text : tok_err_text(err)});
        return WIRE_UNAVAILABLE;
    }
    if (r->message.v[0].number && store_revoke_all(x->store, issuer_wall(x), &n) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    LOG(LOG_NOTICE, MESSAGE_SETTINGS, "Issuer= and Audience= applied by root",
        {"issuer", x->names.issuer}, {"audience", x->names.audience[0]});
    r->session_revoked = n > 0;
    return request_reply(r, &(union wire_value){.number = n});
}
