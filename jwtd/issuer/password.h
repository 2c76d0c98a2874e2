/*
 * The password check of a login: when it may start, and what follows from its result. At most
 * loop.check_slots checks run at the same time, and CHECKS_PER_USER for one user name (one on
 * one or two processors); the other logins wait in a queue (check_queue.h), for at most
 * CHECK_WAIT each.
 */
#pragma once

#include "jwtd/issuer/loop.h"

#define CHECKS_PER_USER 2
#define CHECK_WAIT (8 * SECOND)

/* A request whose type has checks_password. True: its login_reply is set; else it is checked,
 * waits, or has been answered. */
bool password_check(struct issuer_request *r);

/* A request has waited for CHECK_WAIT. */
void password_wait_is_over(struct issuer_request *r);

/* jwtd-login has answered. The request whose login_reply is now set; NULL: none. */
struct issuer_request *password_checked(struct loop *l, const struct login_inquiry *q,
                                        const struct login_reply *reply);
