#include "jwtd/issuer/password.h"

#include "common/base/username.h"
#include "jwtd/issuer/shared_attempts.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/epoll.h>

#define OVERLOAD_TIME (10 * SECOND) /* logged at most this often */

enum login_field { USER, PASSWORD, SOURCE };

static const struct settings *session_settings(const struct loop *l)
{
    return &l->issuer.service.settings;
}

static struct issuer_request *request_of(const struct check_place *p)
{
    return (struct issuer_request *)((uintptr_t)p - offsetof(struct issuer_request, place));
}

/* True when the source is the uid of the user, by /etc/passwd: NSS may block. */
static bool is_own_login(struct slice source, struct slice user)
{
    const struct passwd *pw;
    uint64_t uid;
    bool own = false;
    FILE *f;

    if (source.n <= 4 || memcmp(source.p, "uid ", 4) != 0 ||
        !slice_digits(slice_skip(source, 4), &uid))
        return false;
    f = fopen("/etc/passwd", "re");
    while (f && !own && (pw = fgetpwent(f)))
        own = pw->pw_uid == uid && slice_is(user, pw->pw_name);
    if (f)
        (void)fclose(f);
    return own;
}

static void answer_throttled(struct issuer_request *r, const struct attempts_limit *limit)
{
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGIN_DENIED, "Login rate-limited");
    r->event.reason = limit->setting;
    r->retry_after = attempts_retry_after(limit);
    loop_answer(r, WIRE_THROTTLED);
}

/* Logs that there are too many logins, and answers one of them. */
static void answer_overload(struct issuer_request *r, enum wire_status status)
{
    struct loop *l = r->loop;
    char source[WIRE_SOURCE_MAX + 1];

    if (service_is_due(&l->next_overload, OVERLOAD_TIME)) {
        request_copy_text(r, SOURCE, source, sizeof(source));
        LOG(LOG_WARNING, MESSAGE_OVERLOAD, "Too many logins wait for a password check",
            {"source", source});
    }
    r->retry_after = 1;
    loop_answer(r, status);
}

static enum wire_status take_shared(struct issuer_request *r, struct store_attempts **ret,
                                    struct attempts_limit *ret_limit)
{
    struct issuer *x = &r->loop->issuer;
    enum wire_status status;

    if (!x->service.settings.store.database)
        return WIRE_OK;
    if (!state_ready(x))
        return WIRE_UNAVAILABLE;
    status =
        shared_attempts_take(x, request_text(r, USER), request_text(r, SOURCE), ret, ret_limit);
    if (store_failed(x->store))
        state_lost(x);
    return status;
}

static void settle_shared(struct issuer *x, const struct store_attempts *shared,
                          enum attempts_outcome outcome)
{
    if (!shared || !state_ready(x))
        return;
    shared_attempts_settle(x, shared, outcome);
    if (store_failed(x->store))
        state_lost(x);
}

/* ret_limit: of WIRE_THROTTLED, by the attempts at all issuers. */
static enum wire_status ask_login(struct issuer_request *r, struct attempts_limit *ret_limit)
{
    struct issuer *x = &r->loop->issuer;
    struct store_attempts *shared = NULL;
    enum wire_status status = take_shared(r, &shared, ret_limit);

    if (status == WIRE_OK)
        status = login_client_check(&x->login, r->message.v, r, &r->inquiry);
    if (status == WIRE_OK) {
        r->inquiry->shared = shared;
        return WIRE_OK;
    }
    settle_shared(x, shared, ATTEMPTS_UNKNOWN);
    free(shared);
    return status;
}

static void start_check(struct issuer_request *r)
{
    struct loop *l = r->loop;
    struct attempts_limit limit;
    enum attempts_result taken;
    enum wire_status status;

    loop_move(r, REQUEST_CHECKING_PASSWORD);
    (void)sd_event_source_set_enabled(r->io, SD_EVENT_OFF);
    (void)sd_event_source_set_time_relative(r->limit, CONNECTION_TIME);
    taken = attempts_take(&l->attempts, session_settings(l), request_text(r, USER),
                          service_monotonic(), &limit);
    if (taken == ATTEMPTS_WAIT)
        answer_overload(r, WIRE_BUSY);
    else if (taken == ATTEMPTS_LIMIT)
        answer_throttled(r, &limit);
    if (taken != ATTEMPTS_GO)
        return;
    status = ask_login(r, &limit);
    if (status == WIRE_OK)
        return;
    attempts_settle(&l->attempts, session_settings(l), request_text(r, USER),
                    service_monotonic(), ATTEMPTS_UNKNOWN);
    if (status == WIRE_THROTTLED)
        answer_throttled(r, &limit);
    else
        loop_answer(r, status);
}

/* With one or two processors a user has one check: two would occupy every processor, and
 * everybody's other requests would wait for them. */
static unsigned checks_per_user(const struct loop *l)
{
    return l->check_slots <= 3 ? 1 : CHECKS_PER_USER;
}

static bool may_start(void *arg, const struct check_place *p)
{
    struct loop *l = arg;
    struct attempts_limit limit;

    return login_client_checks(&l->issuer.login, &p->user) < checks_per_user(l) &&
           attempts_look(&l->attempts, session_settings(l), p->user, service_monotonic(),
                         &limit) != ATTEMPTS_WAIT;
}

static void start_checks(struct loop *l)
{
    const struct check_place *p;

    while (login_client_checks(&l->issuer.login, NULL) < l->check_slots &&
           (p = check_queue_next(&l->waiting, may_start, l)))
        start_check(request_of(p));
}

static bool has_slot(struct loop *l, const struct check_place *p)
{
    return login_client_checks(&l->issuer.login, NULL) < l->check_slots && may_start(l, p);
}

/* While it waits, the connection is watched for its end. */
static bool watch(struct issuer_request *r)
{
    return sd_event_source_set_io_events(r->io, EPOLLRDHUP) >= 0 &&
           sd_event_source_set_enabled(r->io, SD_EVENT_ON) >= 0 &&
           sd_event_source_set_time_relative(r->limit, CHECK_WAIT) >= 0;
}

static void enqueue(struct issuer_request *r)
{
    struct loop *l = r->loop;
    struct check_place *refused = NULL;

    r->place.source = request_text(r, SOURCE);
    r->place.user = request_text(r, USER);
    r->place.own = !has_slot(l, &r->place) && is_own_login(r->place.source, r->place.user);
    if (!check_queue_add(&l->waiting, &r->place, &refused)) {
        answer_overload(r, WIRE_THROTTLED);
        return;
    }
    loop_move(r, REQUEST_WAITING_TO_CHECK);
    if (!watch(r))
        loop_close(r);
    else if (refused)
        answer_overload(request_of(refused), WIRE_BUSY);
    start_checks(l);
}

bool password_check(struct issuer_request *r)
{
    struct loop *l = r->loop;
    struct attempts_limit limit;

    if (!username_valid(request_text(r, USER))) { /* no token can carry such a name */
        r->login_reply.status = WIRE_DENIED;
        return true;
    }
    if (attempts_look(&l->attempts, session_settings(l), request_text(r, USER),
                      service_monotonic(), &limit) == ATTEMPTS_LIMIT)
        answer_throttled(r, &limit);
    else
        enqueue(r);
    return false;
}

void password_wait_is_over(struct issuer_request *r)
{
    answer_overload(r, WIRE_BUSY);
}

static enum attempts_outcome outcome_of(enum wire_status status)
{
    if (status == WIRE_OK)
        return ATTEMPTS_SUCCEEDED;
    if (status == WIRE_OTP_REQUIRED)
        return ATTEMPTS_HALF_FAILED;
    return status == WIRE_BUSY || status == WIRE_UNAVAILABLE ? ATTEMPTS_UNKNOWN
                                                             : ATTEMPTS_FAILED;
}

/* Without a running jwtd-login no login waits longer than the first one did. */
static void refuse_waiting(struct loop *l)
{
    struct issuer_request *r;

    while ((r = TAILQ_FIRST(&l->in[REQUEST_WAITING_TO_CHECK])))
        loop_answer(r, WIRE_UNAVAILABLE);
}

struct issuer_request *password_checked(struct loop *l, const struct login_inquiry *q,
                                        const struct login_reply *reply)
{
    struct issuer_request *r = q->waiter;
    enum attempts_outcome outcome = outcome_of(reply->status);

    attempts_settle(&l->attempts, session_settings(l), slice_of(q->user), service_monotonic(),
                    outcome);
    settle_shared(&l->issuer, q->shared, outcome);
    if (r) {
        r->inquiry = NULL;
        r->login_reply = *reply;
    }
    if (r && outcome == ATTEMPTS_UNKNOWN) {
        loop_answer(r, reply->status);
        r = NULL;
    }
    if (reply->unread)
        refuse_waiting(l);
    start_checks(l);
    return r;
}
