/*
 * The PAM stack of a service, found as libpam finds it: the service file, or "other"; @include,
 * include and substack followed. The files belong to the administrator and are trusted as
 * libpam trusts them.
 */
#pragma once

#include <stdbool.h>

#define PAM_FAILLOCK_DIR "/run/faillock"

/* A line that runs a module. The texts live until visit returns. */
struct pam_line {
    const char *control; /* "required"; without its brackets "success=ok default=bad" */
    const char *module;  /* "" at the beginning of a substack */
    char *arguments;     /* for pam_stack_word() */
    const char *file;    /* where the line is, */
    unsigned line;       /* counted from 1 */
    unsigned from_line;  /* of the service file, which includes it; 0: it is in that file */
    unsigned substacks;  /* that it is in */
};

/* Calls visit for each line of this type ("auth") in order, until it returns false. False when
 * it did, or when a file exists and cannot be read. A service without such lines has those of
 * "other". confdir: where the service files are; NULL: /etc/pam.d and /usr/lib/pam.d. */
struct pam_stack {
    const char *service, *confdir, *type;
};
bool pam_stack_each(const struct pam_stack *stack,
                    bool (*visit)(void *arg, const struct pam_line *line), void *arg);

/* Takes the next word off *rest, which is changed; one in brackets may have blanks. NULL: no
 * word is left. */
char *pam_stack_word(char **rest);

/* Calls visit with the directory of the tallies (dir= of the line, of faillock.conf, or the
 * default) for each line of pam_faillock of type auth. Otherwise as pam_stack_each. */
bool pam_stack_each_faillock(const char *service, const char *confdir,
                             bool (*visit)(void *arg, const char *dir), void *arg);
