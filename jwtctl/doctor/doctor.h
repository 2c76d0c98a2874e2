/*
 * The checks of `jwtctl doctor`. A check is a row of the table in command_doctor.c; it reports
 * each problem with where it is and a command that corrects it, or one line that says what was
 * checked. Nothing is changed.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtctl/json_c.h"

enum doctor_status {
    DOCTOR_OK,
    DOCTOR_SKIPPED, /* cannot be checked by this user, or on this host; no problem */
    DOCTOR_WARNING, /* works, but not as recommended, or not for much longer */
    DOCTOR_ERROR,   /* does not work, or accepts what it should refuse */
};

#define DOCTOR_NEEDS_ROOT "needs root"

/* A text of struct advice. */
struct doctor_text {
    char text[1024];
};
const char *doctor_text(struct doctor_text *to, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct doctor {
    bool json, root;           /* root: run as root */
    struct doctor_text module; /* the file of pam_jwt, which may be missing; "": no libpam */
    bool has_module;           /* pam_jwt is on this host, or a stack names it */
    bool has_issuer;           /* the daemons are on this host */
    struct settings settings;  /* the defaults when the files have an error */
    struct json_object *rows;
    const char *check;       /* the one that runs */
    bool reported, problems; /* by the check that runs; by any */
    bool unit_failed;        /* a daemon or socket of them; requests would wait for it */
};

/* Where a problem is, "FILE" or "FILE:LINE", and what to type. Both may be NULL. */
struct advice {
    const char *where, *remedy;
};

/* Of a check that has reported something, nothing below DOCTOR_WARNING is reported. */
void doctor_report(struct doctor *d, enum doctor_status status, struct advice advice,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);
#define doctor_ok(d, ...) doctor_report(d, DOCTOR_OK, (struct advice){0}, __VA_ARGS__)
#define doctor_skip(d, ...) doctor_report(d, DOCTOR_SKIPPED, (struct advice){0}, __VA_ARGS__)

/* The same for an error message that may begin with "FILE: " or "FILE:LINE: ". */
void doctor_failure(struct doctor *d, enum doctor_status status, const struct errmsg *errmsg,
                    const char *remedy);

/* The owner and mode that a file or directory should have: other users must not be able to
 * write it nor, if the mode says so, to read it. False, and reported, if it differs; a missing
 * one is reported only if `make`, the command that creates it, is given. */
struct place {
    const char *path, *owner, *make; /* NULL: any owner; no command */
    bool directory;
    mode_t mode;
};
bool doctor_check_place(struct doctor *d, const struct place *place);

/* Runs a program without input and with a clean environment, for at most 10 seconds. 0 when it
 * succeeded: *ret (malloc'ed) is what it printed. Otherwise *ret is the first line of that. */
#define DOCTOR_RUN(ret, ...)                                                                   \
    doctor_run((const char *const[]){"/usr/bin/timeout", "10", __VA_ARGS__, NULL}, ret)
int doctor_run(const char *const argv[], char **ret);

/* The value of a line "NAME VALUE" or, with a separator of '=', "NAME=VALUE"; p NULL: none. */
struct slice doctor_value(const char *text, const char *name, char separator);

/* Finds which parts of the project are installed. */
void doctor_find_parts(struct doctor *d);

/* True when pam_jwt is in the stack of this service. */
bool doctor_service_uses_module(const char *service);

void doctor_check_module(struct doctor *d);
void doctor_check_stacks(struct doctor *d);
void doctor_check_sudo(struct doctor *d);
void doctor_check_sshd(struct doctor *d);
void doctor_check_second_factor(struct doctor *d);
void doctor_check_ssh(struct doctor *d);
void doctor_check_host_keys(struct doctor *d);
void doctor_check_disabled(struct doctor *d);
void doctor_check_public(struct doctor *d);
void doctor_check_sync(struct doctor *d);
void doctor_check_run(struct doctor *d);
void doctor_check_clock(struct doctor *d);
void doctor_check_space(struct doctor *d);
void doctor_check_units(struct doctor *d);
void doctor_check_issuer(struct doctor *d);
void doctor_check_keys(struct doctor *d);
void doctor_check_store(struct doctor *d);
void doctor_check_http(struct doctor *d);
void doctor_check_names(struct doctor *d);
void doctor_check_sync_units(struct doctor *d);
