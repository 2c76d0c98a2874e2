/*
 * A password for a pair: attempts, jwtd-login's verdict, a new session, its first tokens.
 */
#pragma once

#include "jwtd/issuer/job.h"

/* A question to obtain a pair has arrived. */
void obtain_start(struct issuer *x, struct job *job);

/* jwtd-login's verdict. job: NULL when its connection ended meanwhile. */
void obtain_verdict(struct issuer *x, struct slice user, struct job *job,
                    const struct account *account);
