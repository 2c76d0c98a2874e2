#include "jwtd/issuer/state.h"

#include "common/base/file.h"
#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/follow.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/keys/publish.h"
#include "jwtd/issuer/load.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define SPACE_MIN ((uint64_t)1 << 20) /* bytes; with less, jwtctl doctor reports an error */
#define PUBLISH_TIME (SECOND / 2)     /* to collect sessions that are published together */

static const struct key *due_key(const struct issuer *x)
{
    return keys_due(&x->keys, x->service.settings.token.algorithm, issuer_wall(x));
}

/* Where Algorithm= has changed, the file `signer` names a key that signs no more. Where
 * KeyPropagation= has passed, it names the key before. */
static enum tok_err update_signer(struct issuer *x, struct errmsg *errmsg)
{
    const struct key *due = due_key(x);
    struct key_rotation rotation;
    char kid[KEY_KID_MAX + 1];
    enum tok_err err;

    if (!due && !x->keys.signer_outdated)
        return TOK_OK;
    err = load_rotation(x, &rotation, errmsg);
    own_bundle_keys_changed(x->bundle);
    if (err == TOK_OK)
        err = rotation_sign_with(&rotation, due ? due : x->keys.signer, errmsg);
    if (err != TOK_OK || !due)
        return err;
    key_kid_copy(due, kid);
    LOG(LOG_NOTICE, MESSAGE_KEYS, "Signing key replaced", {"kid", kid});
    return TOK_OK;
}

static enum tok_err publish_all(struct issuer *x, struct errmsg *errmsg)
{
    enum tok_err err = publish_keys(x->public_dir, &x->keys, errmsg);

    if (err == TOK_OK)
        err = publish_names(x->public_dir, &x->names, errmsg);
    own_bundle_changed(x->bundle);
    return err != TOK_OK ? err : follow_publish_alone(x, errmsg);
}

/* Its connection is of no use any more (store.h). */
static void close_failed_store(struct issuer *x)
{
    if (!x->store || !store_failed(x->store))
        return;
    store_close(x->store);
    x->store = NULL;
}

static enum tok_err load(struct issuer *x, const char **ret_id, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    enum tok_err err = load_lock(x, &fd, errmsg);

    close_failed_store(x);
    *ret_id = MESSAGE_STORE;
    if (err == TOK_OK && x->is_daemon) { /* files that a killed issuer left half-written */
        file_sweep(x->public_dir);
        file_sweep(x->keys_dir);
        file_sweep(x->bundle->dir);
    }
    if (err == TOK_OK)
        err = load_parts(x, fd, ret_id, errmsg);
    if (err == TOK_OK && x->store)
        err = update_signer(x, errmsg);
    if (err != TOK_OK || !x->store)
        return err;
    err = fleet_keys_now(x, errmsg);
    if (err != TOK_OK)
        return err;
    *ret_id = MESSAGE_PUBLISHED;
    return publish_all(x, errmsg);
}

/* Logs a fault once, whichever request meets it first. */
static bool unusable(struct issuer *x, const char *id, enum tok_err err,
                     const struct errmsg *errmsg)
{
    service_report_failure(&x->service, id, "Cannot answer requests",
                           errmsg->text[0] ? errmsg->text : tok_err_text(err));
    x->usable = false;
    x->next_try = service_monotonic() + SECOND;
    return false;
}

bool state_read_keys(struct issuer *x)
{
    struct errmsg errmsg = {""};
    enum tok_err err = fleet_keys_now(x, &errmsg);

    return err == TOK_OK || unusable(x, MESSAGE_KEYS, err, &errmsg);
}

static int on_follow(sd_event_source *source, uint64_t usec, void *arg)
{
    struct issuer *x = arg;

    if (state_ready(x) && store_poll(x->store) != STORE_DONE)
        state_lost(x);
    else if (x->usable && follow_is_behind(x))
        (void)state_publish(x);
    if (x->usable && fleet_keys_behind(x))
        (void)state_read_keys(x);
    (void)sd_event_source_set_time_relative(source, FOLLOW_TIME);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Starts the timer that follows, or ends it, as the settings say. An issuer with it does not
 * exit when idle. */
static void follow_by_timer(struct issuer *x)
{
    x->service.stays = x->is_daemon && x->service.settings.store.database;
    if (!x->service.stays)
        x->follow_timer = sd_event_source_disable_unref(x->follow_timer);
    else if (!x->follow_timer)
        (void)sd_event_add_time_relative(x->service.loop, &x->follow_timer, CLOCK_MONOTONIC,
                                         FOLLOW_TIME, FOLLOW_TIME / 10, on_follow, x);
}

bool state_ready(struct issuer *x)
{
    const char *id;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (!service_ready(&x->service))
        return false;
    follow_by_timer(x);
    if (x->usable && !due_key(x))
        return true;
    if (service_monotonic() < x->next_try)
        return false;
    err = load(x, &id, &errmsg);
    if (err != TOK_OK)
        return unusable(x, id, err, &errmsg);
    x->publish_due = false;
    x->usable = true;
    return true;
}

bool state_follow(struct issuer *x)
{
    struct errmsg errmsg = {""};
    enum tok_err err = follow(x, &errmsg);

    if (err != TOK_OK && !store_failed(x->store))
        (void)unusable(x, MESSAGE_PUBLISHED, err, &errmsg);
    return err == TOK_OK;
}

static bool publish(struct issuer *x)
{
    struct errmsg errmsg = {""};
    enum tok_err err = follow_publish_alone(x, &errmsg);

    x->publish_due = err != TOK_OK;
    return err == TOK_OK || unusable(x, MESSAGE_PUBLISHED, err, &errmsg);
}

/* What a reload replaces. */
struct loaded {
    struct signing_keys keys;
    struct issuer_names names, wanted;
    struct policy policy;
    struct store *store; /* NULL: it stays */
};

static void loaded_clear(struct loaded *l)
{
    keys_clear(&l->keys);
    issuer_names_clear(&l->names);
    issuer_names_clear(&l->wanted);
    policy_clear(&l->policy);
    if (l->store)
        store_close(l->store);
}

static void swap_loaded(struct issuer *x, struct loaded *other, bool with_store)
{
    struct loaded l = {x->keys, x->names, x->wanted, x->policy, with_store ? x->store : NULL};

    x->keys = other->keys;
    x->names = other->names;
    x->wanted = other->wanted;
    x->policy = other->policy;
    if (with_store)
        x->store = other->store;
    *other = l;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool state_reload(void *arg, const struct settings *old, struct errmsg *errmsg)
{
    CLEANUP(loaded_clear) struct loaded other = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct issuer *x = arg;
    const struct settings *set = &x->service.settings;
    bool new_store = !same_text(old->store.path, set->store.path) ||
                     !same_text(old->store.database, set->store.database);
    const char *id;
    enum tok_err err = load_lock(x, &fd, errmsg);

    if (err != TOK_OK)
        return false;
    if (x->usable && x->publish_due)
        (void)publish(x); /* from the store that may be replaced */
    swap_loaded(x, &other, new_store);
    /* When nothing was usable before, state_ready tries the new settings. */
    if (x->usable)
        err = load_parts(x, fd, &id, errmsg);
    if (err != TOK_OK) {
        swap_loaded(x, &other, new_store);
        if (!errmsg->text[0])
            (void)errmsg_set(errmsg, err, "%s", tok_err_text(err));
        return false;
    }
    /* A key is published before it signs: state_ready does both before the next answer. */
    cleanup_close(&fd);
    fd = -1;
    x->usable = false;
    x->next_try = 0;
    (void)state_ready(x);
    return true;
}

void state_lost(struct issuer *x)
{
    if (store_failed(x->store))
        service_report_failure(&x->service, MESSAGE_STORE, "Store failed",
                               store_failure(x->store));
    x->usable = false;
    x->write_failed = true;
    /* Loaded again before the next turn; but after a second failure in a row, not at once. */
    x->next_try = x->lost_at + SECOND;
    x->lost_at = service_monotonic();
}

static const char *find_full(const struct issuer *x)
{
    const struct settings *set = &x->service.settings;
    const char *store = set->store.path ? set->store.path : x->state_dir;
    const char *const places[] = {set->store.database ? x->public_dir : store, x->public_dir};
    struct statvfs fs;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (statvfs(places[i], &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < SPACE_MIN)
            return places[i];
    return NULL;
}

bool state_can_write(struct issuer *x)
{
    const char *full = find_full(x);
    struct errmsg errmsg;

    if (full) {
        (void)errmsg_set(&errmsg, TOK_FILE, "%s: less than 1 MiB is free: remove other files",
                         full);
        if (!x->write_failed)
            service_report_failure(&x->service, MESSAGE_STORE, "Disk full", errmsg.text);
        x->write_failed = true;
        return false;
    }
    if (x->write_failed && store_try_write(x->store) != STORE_DONE) {
        state_lost(x);
        return false;
    }
    if (x->write_failed)
        service_recovered(&x->service);
    x->write_failed = false;
    return true;
}

static int on_publish(sd_event_source *source, uint64_t usec, void *arg)
{
    struct issuer *x = arg;

    if (state_ready(x) && (!x->publish_due || publish(x))) {
        x->publish_timer = sd_event_source_disable_unref(x->publish_timer);
        service_release(&x->service);
        return 0;
    }
    (void)sd_event_source_set_time_relative(source, SECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The tokens of a revoked session must not stay valid until the next request arrives. */
static void publish_within(struct issuer *x, uint64_t time)
{
    x->publish_due = true;
    if (!x->publish_timer &&
        sd_event_add_time_relative(x->service.loop, &x->publish_timer, CLOCK_MONOTONIC, time,
                                   SECOND / 10, on_publish, x) >= 0)
        service_hold(&x->service);
}

void state_publish_soon(struct issuer *x)
{
    publish_within(x, PUBLISH_TIME);
}

bool state_publish(struct issuer *x)
{
    if (publish(x))
        return true;
    publish_within(x, SECOND);
    return false;
}

void state_end(struct issuer *x)
{
    if (x->publish_due && x->usable)
        (void)publish(x);
    x->publish_timer = sd_event_source_disable_unref(x->publish_timer);
    x->follow_timer = sd_event_source_disable_unref(x->follow_timer);
    if (x->store)
        store_close(x->store);
    x->store = NULL;
    keys_clear(&x->keys);
    fleet_keys_free(x->fleet);
    issuer_names_clear(&x->names);
    issuer_names_clear(&x->wanted);
    policy_clear(&x->policy);
    own_bundle_clear(x->bundle);
    free(x->keys_dir);
}
