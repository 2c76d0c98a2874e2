/*
 * What the tests of one-time tokens share.
 */
#pragma once

#include "pam_jwt/onetime.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ONCE ",\"one_time\":true"
#define NOW ((int64_t)time(NULL))
#define SET(member, ...) (void)snprintf(plan.member, sizeof(plan.member), __VA_ARGS__)

static inline struct plan plan_once(const char *user)
{
    struct plan plan = plan_good(user);

    SET(more, ONCE);
    return plan;
}

static inline char *token_once(void)
{
    struct plan plan = plan_once("alice");

    return mint_sign(&plan);
}

/* Notes of used tokens that are there. ret: the path of the first one; may be NULL. */
static inline size_t notes_at(char ret[128])
{
    glob_t found = {0};
    size_t n;

    ck_assert_int_ne(glob(ONETIME_USED "/*/*", GLOB_NOSORT, NULL, &found), GLOB_NOSPACE);
    n = found.gl_pathc;
    if (ret && n > 0)
        (void)snprintf(ret, 128, "%s", found.gl_pathv[0]);
    globfree(&found);
    return n;
}

static inline size_t notes(void)
{
    return notes_at(NULL);
}

static inline void assert_last_reason(const char *reason)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "reason=%s", reason);
    ck_assert_msg(strstr(rig_log_line(rig_log_lines() - 1), text) != NULL, "no %s in: %s", text,
                  rig_log_line(rig_log_lines() - 1));
}

/* Refused without being spent. Frees the token. */
static inline void assert_unspent(char *token, const char *service, int code,
                                  const char *reason)
{
    size_t before = notes();

    rig_log_clear();
    ck_assert_pam(rig_login(service, "alice", token), code);
    assert_last_reason(reason);
    ck_assert_uint_eq(notes(), before);
    free(token);
}
