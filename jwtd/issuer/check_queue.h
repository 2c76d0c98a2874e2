/*
 * Logins that wait for their password check, and who is next. Sources take turns, and so do the
 * users of one source; before all of them comes a client of the Unix socket that logs in as
 * itself. One source with one user has at most CHECK_PLACES_MAX places. When all places are
 * taken, a login of the source or user with the most places is refused.
 *
 * Each place has a turn number for its source and one for its user; the lowest is next. A new
 * place gets the highest numbers. When a place is served, the other places of its source get
 * the highest number, and so do those of its user within this source.
 */
#pragma once

#include "common/base/slice.h"

#include <sys/queue.h>

#define CHECK_QUEUE_MAX 128
#define CHECK_PLACES_MAX 16

/* A waiting login, part of what waits. */
struct check_place {
    TAILQ_ENTRY(check_place) link;
    struct slice source, user;
    bool own; /* the source is the uid of the user */
    uint64_t source_turn, user_turn;
};

/* Zeroed, but for check_queue_init. */
struct check_queue {
    TAILQ_HEAD(, check_place) places; /* in order of arrival */
    size_t n;
    uint64_t turn; /* the highest so far */
};

void check_queue_init(struct check_queue *q);

/* Adds p, whose source, user and own are set. False: its source and user have all their places.
 * True with *ret_refused not NULL: the queue is over its limit, and this one, which may be p,
 * must be removed. */
bool check_queue_add(struct check_queue *q, struct check_place *p,
                     struct check_place **ret_refused);

/* The place that is served next among those that may start; NULL: none. The caller removes it.
 */
struct check_place *check_queue_next(struct check_queue *q,
                                     bool (*may_start)(void *arg, const struct check_place *p),
                                     void *arg);

void check_queue_remove(struct check_queue *q, struct check_place *p);
