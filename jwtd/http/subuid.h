/*
 * The owners of subordinate uids (subuid(5)). A user can run processes under each uid of the
 * user's ranges in /etc/subuid, so for limits these uids count as that user.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/secret.h"

#include <sys/stat.h>
#include <sys/types.h>

#define SUBUID_FILE "/etc/subuid"

struct subuid_range {
    uint64_t first, end; /* end is not part of it */
    struct slice owner;  /* a name or a uid; in the text */
    uid_t uid;           /* of the owner, once resolved */
    bool resolved;
};

/* Initialise it with zeros. */
struct subuids {
    struct secret text; /* the file */
    struct subuid_range *ranges;
    size_t n;
    struct stat file; /* when it was read last; zero: there was none */
};

/* Reads the file if it has changed since it was read last. TOK_FILE, TOK_NO_MEMORY: the ranges
 * are those of before, and the next call tries again only after another change. */
enum tok_err subuids_update(struct subuids *s, const char *path,
                            struct errmsg *errmsg) MUST_CHECK;

/* The uid of the user who owns the first range that has this uid; without such a range, the uid
 * itself. The first uid of the range stands for an owner who does not exist, and for root: what
 * runs in root's containers is not root. */
uid_t subuids_owner(struct subuids *s, uid_t uid);

void subuids_clear(struct subuids *s);
