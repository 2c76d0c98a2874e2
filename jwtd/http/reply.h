/*
 * One reply: status, header fields, a body, of compact JSON as a rule. Put together in memory
 * that is wiped, since it may hold tokens; every reply ends its connection.
 */
#pragma once

#include "common/base/secret.h"
#include "common/json/emit.h"

#include <time.h>

/* Statuses that have a number of their own; the last stands for every other. */
#define REPLY_STATUSES 24

struct reply {
    int status;
    const char *allow;     /* the route's methods; NULL: no route */
    const char *challenge; /* of a 401: "Bearer" */
    const char *cache;     /* Cache-Control; NULL: none */
    const char *etag;      /* NULL: none */
    const char *type;      /* of the body; NULL: application/json */
    const char *user;      /* whom the token speaks for, told in header fields; NULL: none */
    uint64_t retry_after;  /* seconds; 0: none */
    struct emit body;      /* into room */
    struct secret room;
};

/* Room for a body of this many bytes; without memory everything below does nothing and
 * reply_pack says so. Clear it with reply_clear. */
void reply_begin(struct reply *reply, int status, size_t room);
void reply_clear(struct reply *reply);

/* {"detail":DETAIL} or {"detail":DETAIL,"code":CODE}; code may be NULL. */
void reply_detail(struct reply *reply, int status, const char *detail, const char *code);

/* The number of a status, below REPLY_STATUSES, and the status of a number; 0: of none. */
size_t reply_status_number(int status);
int reply_status_of(size_t number);

/* The bytes to send. body_too: false for HEAD, which tells the body's length alone.
 * 204 and 304 have no body.
 * TOK_TOO_LONG when the body did not fit its room, TOK_NO_MEMORY. */
enum tok_err reply_pack(const struct reply *reply, bool body_too, time_t date,
                        struct secret *ret) MUST_CHECK;
