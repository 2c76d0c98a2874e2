/*
 * The table of stacks and cases. Each stack says by hand what it takes, each case what it needs
 * to get in; from these two alone follows which cell opens. The PAM code of every phase of
 * every cell is kept in tests/data/pam/stacks.tsv.
 */
#pragma once

#include "tests/pam/rig.h"

/* What a case needs, and a stack takes. */
enum {
    TAKES_TOKEN = 1,
    TAKES_PASSWORD = 2,
    TAKES_ROOT = 4,            /* the token of uid 0 */
    TAKES_CAROL = 8,           /* another user than alice */
    TAKES_LOCKED_OUT = 16,     /* who failed too often */
    TAKES_EXPIRED = 32,        /* an account that is expired */
    TAKES_NO_QUESTION = 64,    /* who was authenticated elsewhere (sshd's public key) */
    TAKES_UNSCOPED = 128,      /* a token that names no service */
    TAKES_SECOND_CHANCE = 256, /* who was refused twice just now */
    TAKES_NEVER = 512,         /* no stack has it: the case gets in nowhere */
};

struct matrix_stack {
    const char *name; /* the service, too */
    unsigned takes;
    const char *text; /* rig.h's short forms */
};

extern const struct matrix_stack matrix_stacks[];
extern const size_t matrix_n_stacks;

#define MATRIX_PHASES 6

/* A PAM code each; MATRIX_NOT_ASKED where a program doesn't come so far. */
#define MATRIX_NOT_ASKED (-1)
struct matrix_cell {
    int code[MATRIX_PHASES]; /* auth, account, setcred, open_session, close_session, chauthtok
                              */
};

struct matrix_case {
    const char *name;
    unsigned needs;
    const char *user;
    /* The answer to the prompt, malloc'ed; NULL: end of file. NULL: no function, no question:
     * the program skips auth. */
    char *(*answer)(const char *user, const char *service);
    void (*before)(const char *service); /* NULL: nothing */
    void (*after_auth)(void);            /* NULL: nothing */
    bool in_child;                       /* auth and account run in a child */
    int fail;                            /* the conversation's own error */
};

extern const struct matrix_case matrix_cases[];
extern const size_t matrix_n_cases;

/* All phases of one login, on a rig as rig.h makes it. */
struct matrix_cell matrix_run(const struct matrix_stack *stack, const struct matrix_case *c);

/* PAM_AUTH_ERR is "auth_err"; MATRIX_NOT_ASKED is "-". */
const char *matrix_code_name(int code);
