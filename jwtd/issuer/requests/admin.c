#include "jwtd/issuer/requests/admin.h"

#include "common/json/emit.h"
#include "common/token/revoked.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void emit_bool(struct emit *out, const char *name, bool value)
{
    emit_member(out, name);
    emit_text(out, value ? "true" : "false");
}

static void emit_number(struct emit *out, const char *name, int64_t value)
{
    emit_member(out, name);
    emit_integer(out, value);
}

static void emit_audience(const struct issuer *x, struct emit *out)
{
    emit_member(out, "audience");
    emit_text(out, "[");
    for (char *const *a = x->names.audience; *a; a++) {
        emit_text(out, a == x->names.audience ? "" : ",");
        emit_string(out, slice_of(*a));
    }
    emit_text(out, "]");
}

static void emit_keys(const struct issuer *x, struct emit *out)
{
    emit_member(out, "keys");
    emit_text(out, "[");
    for (size_t i = 0; i < x->keys.n; i++) {
        const struct signing_key *k = &x->keys.keys[i];

        emit_text(out, i > 0 ? "," : "");
        emit_begin(out);
        emit_member_string(out, "kid", key_kid(k->key));
        emit_member_string(out, "alg", slice_of(key_alg(k->key)->name));
        emit_bool(out, "signs", k->key == x->keys.signer);
        if (k->until > 0)
            emit_number(out, "until", k->until);
        emit_end(out);
    }
    emit_text(out, "]");
}

/* Bytes of a file that may have gone: -1 then. */
static int64_t size_of(const char *dir, const char *name)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct stat st;

    if (asprintf(&path, "%s%s%s", dir, name[0] ? "/" : "", name) < 0) {
        path = NULL;
        return -1;
    }
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void emit_store(const struct issuer *x, struct emit *out)
{
    const char *set = x->service.settings.store.path, *own = "sessions.db";
    const char *dir = set ? set : x->state_dir, *name = set ? "" : own;

    emit_member(out, "store");
    emit_begin(out);
    emit_member(out, "path");
    emit_string(out, slice_of(set ? set : own));
    emit_number(out, "bytes", size_of(dir, name));
    emit_end(out);
}

static void emit_status(struct issuer *x, uint64_t live, bool more, struct emit *out)
{
    int64_t wall = issuer_wall(), now = state_time(x);

    emit_begin(out);
    emit_member_string(out, "version", slice_of(JWT_VERSION));
    emit_member_string(out, "issuer", slice_of(x->names.issuer));
    emit_audience(x, out);
    emit_member_string(out, "algorithm", slice_of(x->service.settings.token.algorithm->name));
    emit_keys(x, out);
    emit_member(out, "sessions");
    emit_begin(out);
    emit_number(out, "live", (int64_t)live);
    emit_bool(out, "more", more);
    emit_end(out);
    emit_store(x, out);
    emit_number(out, "revoked", size_of(x->public_dir, "revoked") / REVOKED_LINE_LEN);
    emit_number(out, "clock_behind", now > wall ? now - wall : 0);
    emit_end(out);
}

enum step admin_status_step(struct issuer *x, struct job *job)
{
    char said[WIRE_JSON_MAX];
    struct emit out = {.p = said, .size = sizeof(said)};
    uint64_t live;
    bool more;

    if (store_count_live(x->store, ADMIN_COUNT_ROWS, &live, &more) != STORE_DONE)
        return STEP_FAILED;
    emit_status(x, live, more, &out);
    job_say(job, out.n <= sizeof(said) ? WIRE_OK : WIRE_UNAVAILABLE,
            (union wire_value[]){{.text = {said, out.n}}});
    return STEP_ANSWER;
}

/* *ret_user is the session's; STORE_ABSENT: there is no live session of this sid. */
static enum store_said end_session(struct issuer *x, struct slice what,
                                   char ret_user[USER_NAME_MAX + 1])
{
    uint8_t sid[ISSUE_ID_BYTES];
    struct store_session s;
    enum store_said said;

    if (!issue_id_read(what, sid))
        return STORE_ABSENT;
    said = store_find(x->store, sid, &s);
    if (said != STORE_DONE)
        return said;
    memcpy(ret_user, s.user, sizeof(s.user));
    return store_end(x->store, sid, "admin");
}

static enum store_said end_sessions(struct issuer *x, struct slice what,
                                    char ret_user[USER_NAME_MAX + 1], uint64_t *ret_n)
{
    enum store_said said = STORE_ABSENT;

    *ret_n = 0;
    if (what.n <= USER_NAME_MAX) {
        memcpy(ret_user, what.p, what.n);
        ret_user[what.n] = '\0';
        said = store_knows_user(x->store, ret_user);
    }
    if (said == STORE_DONE)
        return store_end_user(x->store, ret_user, issuer_wall(), "admin", ret_n);
    if (said == STORE_ABSENT)
        said = end_session(x, what, ret_user);
    *ret_n = said == STORE_DONE;
    return said;
}

enum step admin_revoke_step(struct issuer *x, struct job *job)
{
    struct event *e = &job->event;
    struct slice what = job_text(job, 0);
    uint64_t n;

    *e = (struct event){.priority = LOG_NOTICE};
    switch (end_sessions(x, what, e->user, &n)) {
    case STORE_FAILED:
        return STEP_FAILED;
    case STORE_ABSENT:
        job_say(job, WIRE_NO_SESSION, NULL);
        return STEP_ANSWER;
    case STORE_DONE:
        break;
    }
    /* A user of the store's is an account's name, and may stand in the log. */
    e->id = n > 0 ? MESSAGE_LOGOUT : NULL;
    e->sentence = n == 1 ? "A session was ended by root" : "Sessions were ended by root";
    job->ended = n > 0;
    job_say(job, WIRE_OK, (union wire_value[]){{.number = n}});
    return STEP_ANSWER;
}
