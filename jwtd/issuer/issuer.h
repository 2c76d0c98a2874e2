/*
 * jwtd-issuer: one sd-event loop. A question arrives, is judged as far as memory allows, waits
 * for jwtd-login where it must, and takes its turn: all that wait for a turn together run in
 * one transaction of the store. Answers and log lines leave when that is on disk, and the list
 * of ended sessions too when one of them ended a session.
 */
#pragma once

#include "jwtd/issuer/accounts.h"
#include "jwtd/issuer/attempts.h"
#include "jwtd/issuer/job.h"
#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/keys/publish.h"
#include "jwtd/issuer/store/store.h"
#include "jwtd/shared/service.h"
#include "jwtd/shared/wire.h"

#include <time.h>

#define SECOND UINT64_C(1000000)

struct issuer {
    struct service service;
    const char *state_dir, *public_dir, *login_socket;
    uid_t asker; /* who may put jwtd's questions */

    /* state.c: what it takes to answer */
    bool usable;
    uint64_t next_try; /* monotonic: not before this */
    uint64_t lost_at;  /* monotonic: when the store last failed */
    bool alone;        /* the service itself: nobody else writes public files and keys */
    struct signing_keys keys;
    struct names names;
    struct policy policy; /* by which our own tokens are judged; type= is the question's */
    struct store *store;
    bool unpublished; /* a session was ended that `revoked` does not name yet */
    sd_event_source *publish_timer;
    bool clock_is_behind; /* and the log says so */

    /* turn.c */
    struct job_list queue;
    size_t queued;
    sd_event_source *turn;

    /* listen.c */
    sd_event_source *listener;
    struct job_list reading; /* their question is not here yet */
    size_t connections;
    bool paused; /* no more are accepted until one ends */
    uint8_t buf[WIRE_MESSAGE_MAX];

    /* obtain.c, accounts.c */
    struct rate_table attempts; /* FailuresPerUser */
    struct job_list parked; /* wait for a verdict on another attempt at the same name */
    struct accounts accounts;
};

static inline int64_t issuer_wall(void)
{
    return (int64_t)(service_wall() / SECOND);
}

/* Seconds since the machine was booted, sleep counted. */
static inline int64_t issuer_up(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec;
}
