/*
 * What is known about a process that asks for passwords: a file of lines that is named by boot,
 * PID namespace, pid and start time. The wrapper of ssh and the helper hostkey write it, and
 * askpass reads it and notes that the process has received its token.
 *
 * The directory is $XDG_RUNTIME_DIR/jwt, or `run` in the directory of the session where there
 * is no XDG_RUNTIME_DIR of this user. It is owned by this user with mode 0700, and no link is
 * followed. The other processes of this user can write it, too; they can also read the session.
 */
#pragma once

#include "common/base/error.h"
#include "jwtctl/run/asker.h"

struct record {
    int dir, fd; /* fd is locked; -1: not open */
    char *file;  /* its name in the directory */
    char *text;
    bool is_ssh;      /* the process is an ssh that the wrapper or hostkey has seen */
    bool own_command; /* its configuration has a KnownHostsCommand, which stays in force */
    bool used;        /* it has received a token */
    bool mixed;       /* it has seen two different host keys, or a line is damaged */
    /* The last host key, as `ssh-keygen -l` prints it, and the host and user of ssh; in text.
     * NULL: none. */
    const char *fingerprint, *host, *name, *user;
};

/* Opens and reads the record, and holds its lock until record_close. With create, makes an
 * empty one when it is missing, and removes old ones. TOK_FILE with a message; errno ENOENT: it
 * is missing. */
enum tok_err record_open(const struct process *p, bool create, struct record *ret,
                         struct errmsg *errmsg) MUST_CHECK;
void record_close(struct record *r);

/* Ends the lock; what was read stays. */
void record_unlock(struct record *r);

/* Opens the directory, which with create is made when it is missing. TOK_FILE with a message.
 */
enum tok_err record_dir_open(bool create, int *ret_fd, struct errmsg *errmsg) MUST_CHECK;

/* Appends one line, which the next reader sees. On an error the record is removed. TOK_FILE
 * with a message. */
enum tok_err record_append(struct record *r, const char *line,
                           struct errmsg *errmsg) MUST_CHECK;

/* True when the process has a record of an ssh. */
bool record_is_ssh(const struct process *p);

#define RECORD_SSH "ssh"
#define RECORD_OWN_COMMAND "own-command"
#define RECORD_KEY "key" /* key FINGERPRINT HOST NAME USER */
#define RECORD_USED "used"
