/*
 * Mistakes in the settings that reading them does not show: for `jwtctl config check` and
 * `jwtctl doctor`.
 */
#pragma once

#include "common/config/settings.h"

/* A message begins with the file where one can be named. remedy: a command; may be NULL.
 * warning: the settings work, but perhaps not as meant. */
typedef void settings_problem_fn(void *arg, const struct errmsg *errmsg, const char *remedy,
                                 bool warning);

/* Calls fn for each mistake. path NULL: the default file; then the PAM stack of service jwtd is
 * checked as well. */
void settings_check(const struct settings *settings, const char *path, settings_problem_fn *fn,
                    void *arg);

/* Calls fn for what is no mistake but may explain a refusal: keys of other issuers that are
 * skipped. */
void settings_check_notes(const struct settings *settings, settings_problem_fn *fn, void *arg);
