/*
 * A job is one question and what is known of its answer, from the moment its connection is
 * accepted until the answer left. It is in at most one list at a time.
 */
#pragma once

#include "jwtd/issuer/judge.h"
#include "jwtd/issuer/store/store.h"
#include "jwtd/shared/wire.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

struct issuer;
struct job;

TAILQ_HEAD(job_list, job);

/* What jwtd-login says of an account. */
struct account {
    enum wire_status status;
    uint8_t stamp[WIRE_STAMP_LEN];
    size_t stamp_len; /* 0: it has none */
};

/* A line for the log, written when what it tells is on disk. */
struct event {
    int priority;
    const char *id; /* NULL: no event */
    const char *sentence;
    const char *reason; /* NULL: none */
    char user[USER_NAME_MAX + 1];
    char sid[ISSUE_ID_LEN + 1];
};

enum step {
    STEP_ANSWER, /* job_say was called */
    STEP_WAIT,   /* nothing was changed; the job is in another list now */
    STEP_FAILED, /* the store failed: the turn is void */
};

struct job {
    struct issuer *issuer;
    TAILQ_ENTRY(job) link;
    struct job_list *list; /* NULL: in none */
    int fd;
    uid_t uid; /* who asks, by the kernel */
    sd_event_source *io, *limit;
    struct secret text; /* the message that was read */
    struct wire_message request;
    enum step (*step)(struct issuer *x, struct job *job); /* its turn, in a transaction */

    struct judged token;    /* of questions about a token */
    struct account account; /* what jwtd-login said */
    bool has_account;

    bool ended; /* a session was ended on the way: `revoked` first, then the answer */
    struct event event;
    enum wire_status status;
    struct secret answer;
};

void job_enlist(struct job *job, struct job_list *list);
void job_delist(struct job *job);

/* Sets the answer, packed. values as in wire_pack_answer. What does not fit the wire is
 * WIRE_UNAVAILABLE. */
void job_say(struct job *job, enum wire_status status, const union wire_value *values);

/* Sends the answer, writes the log line, ends the connection and frees the job. */
void job_finish(struct job *job);

/* job_say and job_finish. */
void job_refuse(struct job *job, enum wire_status status);

/* Ends the connection without an answer and frees the job. */
void job_drop(struct job *job);

/* The nth field of the question. */
static inline struct slice job_text(const struct job *job, size_t n)
{
    return job->request.v[n].text;
}

/* The same as a C string, cut to the room. */
void job_copy_text(const struct job *job, size_t n, char *ret, size_t size);
