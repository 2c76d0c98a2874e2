/*
 * Requests to jwtd-login: checks the password of a user (login), or whether an account may
 * still be used (refresh). One connection per request, never blocking, at most 32 s. Answers
 * about accounts are cached for AccountCacheTime, for at most LOGIN_CACHE_MAX users;
 * simultaneous requests about one account share its answer. jwtd-login has at most
 * WIRE_ACCOUNTS_MAX of them at the same time; the others wait. Password checks are limited by
 * their caller.
 */
#pragma once

#include "jwtd/shared/service.h"
#include "jwtd/shared/wire.h"

#include <sys/queue.h>

#define LOGIN_CACHE_MAX 512

struct store_attempts;

/* jwtd-login's answer about an account. */
struct login_reply {
    enum wire_status status;
    uint8_t stamp[WIRE_STAMP_LEN]; /* changes with the password */
    size_t stamp_len;              /* 0: the account has none */
    int64_t uid;
    unsigned amr; /* enum wire_amr, of a WIRE_CHECK */
    bool unread;  /* WIRE_UNAVAILABLE because jwtd-login does not run */
};

/* A request under way. */
struct login_inquiry {
    struct login_client *client;
    TAILQ_ENTRY(login_inquiry) link;
    enum wire_op op; /* WIRE_CHECK, WIRE_ACCOUNT */
    char user[WIRE_USER_MAX + 1];
    void *waiter;                  /* of a WIRE_CHECK; NULL: went away */
    struct store_attempts *shared; /* the caller's, of a WIRE_CHECK; malloc'ed, or NULL */
    int fd;                        /* -1: a WIRE_ACCOUNT that waits */
    sd_event_source *io, *limit;
    bool unread; /* jwtd-login does not run */
    bool late;   /* WIRE_READ_TIME is over */
};

struct login_cache_entry {
    char user[WIRE_USER_MAX + 1];
    struct login_reply reply;
    uint64_t until; /* monotonic */
};

/* Starts with an empty list and an empty cache. */
struct login_client {
    struct service *service;
    const char *socket;
    /* Called from the loop with each answer; the inquiry is freed afterwards. */
    void (*on_reply)(void *arg, const struct login_inquiry *q, const struct login_reply *reply);
    void *arg;
    TAILQ_HEAD(, login_inquiry) inquiries;
    struct login_cache_entry cache[LOGIN_CACHE_MAX];
};

void login_client_end(struct login_client *c);

/* Asks about the password of a WIRE_OBTAIN: its values are those of WIRE_CHECK. WIRE_OK:
 * on_reply follows; *ret->waiter may be set to NULL meanwhile. WIRE_BUSY or WIRE_UNAVAILABLE:
 * it could not be asked. */
enum wire_status login_client_check(struct login_client *c, const union wire_value *values,
                                    void *waiter, struct login_inquiry **ret);

/* The number of password checks under way for this user; NULL: for all. */
unsigned login_client_checks(const struct login_client *c, const struct slice *user);

/* True: *ret is the answer, from the cache or because jwtd-login could not be asked. False:
 * on_reply follows, once for all who ask about this user meanwhile. */
bool login_client_account(struct login_client *c, const char *user, struct login_reply *ret);

/* True when the cache has a usable account of this name. */
bool login_client_has(const struct login_client *c, const char *user);
