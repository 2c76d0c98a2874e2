#include "jwtd/issuer/state.h"

#include "jwtd/issuer/keys/rotate.h"
#include "jwtd/issuer/load.h"
#include "jwtd/issuer/store/clock.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

/* No line of the list may go because a clock was set forward. */
static int64_t certain_time(const struct issuer *x)
{
    int64_t wall = issuer_wall(), mark = store_mark(x->store);

    return wall < mark ? wall : mark;
}

static enum tok_err publish_all(struct issuer *x, struct errmsg *errmsg)
{
    enum tok_err err = publish_keys(x->public_dir, &x->keys, errmsg);

    if (err == TOK_OK)
        err = publish_names(x->public_dir, &x->names, errmsg);
    if (err == TOK_OK)
        err = publish_revoked(x->public_dir, x->store, certain_time(x), errmsg);
    return err;
}

static enum tok_err load(struct issuer *x, const char **ret_id, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    enum tok_err err = load_lock(x, &fd, errmsg);

    *ret_id = MESSAGE_STORE;
    if (err == TOK_OK && x->alone)
        load_sweep(x);
    if (err == TOK_OK)
        err = load_parts(x, fd, ret_id, errmsg);
    if (err == TOK_OK)
        err = rotate_settle(x, errmsg);
    if (err != TOK_OK)
        return err;
    *ret_id = MESSAGE_PUBLISHED;
    return publish_all(x, errmsg);
}

bool state_ready(struct issuer *x)
{
    const char *id;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (!service_ready(&x->service))
        return false;
    if (x->usable)
        return true;
    if (service_monotonic() < x->next_try)
        return false;
    x->next_try = service_monotonic() + SECOND;
    err = load(x, &id, &errmsg);
    if (err != TOK_OK) {
        service_complain(&x->service, id, "Nothing can be answered",
                         errmsg.text[0] ? errmsg.text : tok_err_text(err));
        return false;
    }
    x->unpublished = false;
    x->usable = true;
    return true;
}

/* What a reload reads anew. */
struct parts {
    struct signing_keys keys;
    struct names names;
    struct policy policy;
    struct store *store;
};

/* Takes the parts out of x; the store only when it is another now. */
static void take_parts(struct issuer *x, bool store_too, struct parts *ret)
{
    *ret = (struct parts){.keys = x->keys, .names = x->names, .policy = x->policy};
    x->keys = (struct signing_keys){0};
    x->names = (struct names){0};
    x->policy = (struct policy){0};
    if (store_too) {
        ret->store = x->store;
        x->store = NULL;
    }
}

static void parts_clear(struct parts *parts)
{
    keys_clear(&parts->keys);
    names_clear(&parts->names);
    policy_clear(&parts->policy);
    if (parts->store)
        store_close(parts->store);
}

static void put_back(struct issuer *x, const struct parts *old)
{
    struct parts failed;

    take_parts(x, old->store != NULL, &failed);
    parts_clear(&failed);
    x->keys = old->keys;
    x->names = old->names;
    x->policy = old->policy;
    if (old->store)
        x->store = old->store;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool state_reload(void *arg, const struct settings *old_settings, struct errmsg *errmsg)
{
    struct issuer *x = arg;
    const struct settings *set = &x->service.settings;
    CLEANUP(cleanup_close) int fd = -1;
    struct parts old;
    const char *id;
    enum tok_err err = load_lock(x, &fd, errmsg);

    if (err != TOK_OK)
        return false;
    take_parts(x, !same_text(old_settings->store.path, set->store.path), &old);
    /* Where nothing worked before, nothing is lost: the new settings are tried in the usual
     * way. */
    if (x->usable)
        err = load_parts(x, fd, &id, errmsg);
    if (err != TOK_OK) {
        put_back(x, &old);
        if (!errmsg->text[0])
            (void)errmsg_set(errmsg, err, "%s", tok_err_text(err));
        return false;
    }
    parts_clear(&old);
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
    service_complain(&x->service, MESSAGE_STORE, "The store failed",
                     x->store ? store_failure(x->store) : NULL);
    if (x->store)
        store_close(x->store);
    x->store = NULL;
    x->usable = false;
    /* Opened again before the next turn; but one that fails each time is let be for a while. */
    x->next_try = x->lost_at + SECOND;
    x->lost_at = service_monotonic();
}

static int on_publish(sd_event_source *source, uint64_t usec, void *arg)
{
    struct issuer *x = arg;

    (void)usec;
    if (state_ready(x)) {
        service_release(&x->service);
        return 0;
    }
    (void)sd_event_source_set_time_relative(source, SECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* An ended session must not stay open until somebody happens to ask the next question. */
static void publish_later(struct issuer *x)
{
    int r;

    if (x->unpublished)
        return;
    x->unpublished = true;
    if (x->publish_timer)
        x->publish_timer = sd_event_source_disable_unref(x->publish_timer);
    r = sd_event_add_time_relative(x->service.loop, &x->publish_timer, CLOCK_MONOTONIC, SECOND,
                                   SECOND / 10, on_publish, x);
    if (r >= 0)
        service_hold(&x->service);
}

bool state_publish(struct issuer *x)
{
    struct errmsg errmsg = {""};
    enum tok_err err = publish_revoked(x->public_dir, x->store, certain_time(x), &errmsg);

    if (err == TOK_OK)
        return true;
    service_complain(&x->service, MESSAGE_PUBLISHED, "A session was ended but not published",
                     errmsg.text[0] ? errmsg.text : tok_err_text(err));
    x->usable = false;
    x->next_try = service_monotonic() + SECOND;
    publish_later(x);
    return false;
}

int64_t state_time(struct issuer *x)
{
    int64_t wall = issuer_wall(), now = store_time(x->store, wall);
    bool behind = now - wall > CLOCK_SLACK;
    char by[32];

    if (behind && !x->clock_is_behind) {
        (void)snprintf(by, sizeof(by), "%lld s", (long long)(now - wall));
        LOG(LOG_ALERT, MESSAGE_CLOCK,
            "The clock is behind the time of the last session: sessions and refresh tokens "
            "are judged by that time until the clock has reached it, or stayed so for an hour",
            {"behind", by});
    }
    x->clock_is_behind = behind;
    return now;
}

void state_end(struct issuer *x)
{
    x->publish_timer = sd_event_source_disable_unref(x->publish_timer);
    if (x->store)
        store_close(x->store);
    x->store = NULL;
    keys_clear(&x->keys);
    names_clear(&x->names);
    policy_clear(&x->policy);
}
