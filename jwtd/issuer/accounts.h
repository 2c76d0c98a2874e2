/*
 * What jwtd-login is asked: is this the password (for a login), is this account usable (for a
 * refresh). One connection a question, never blocking, at most 32 s. What it said of an account
 * is remembered for AccountCacheTime, for a bounded number of accounts; questions about an
 * account that is being asked about wait for that one answer.
 */
#pragma once

#include "jwtd/issuer/job.h"

#define ACCOUNTS_MAX 128

struct account_entry {
    char *user; /* NULL: unused */
    struct account account;
    uint64_t until; /* monotonic */
};

struct inquiry;
LIST_HEAD(inquiry_list, inquiry);

struct accounts {
    struct account_entry entries[ACCOUNTS_MAX];
    struct inquiry_list inquiries; /* under way */
};

/* Puts the password of an obtain question to jwtd-login. obtain_verdict follows, from the loop,
 * with the job or with NULL when its connection ended meanwhile. */
void accounts_check(struct issuer *x, struct job *job);

/* Sees to it that job->account is known: true when it is now, by memory. False: the job waits,
 * and is put back into the queue of the turn when there is an answer. */
bool accounts_ask(struct issuer *x, struct job *job, const char *user);

/* What a login taught. */
void accounts_learn(struct issuer *x, const char *user, const struct account *account);

/* True when jwtd-login said lately that there is such an account. */
bool accounts_knows(const struct issuer *x, const char *user);

void accounts_end(struct accounts *accounts);
