/*
 * Mistakes in the settings that reading them does not show: for `jwtctl config check` and
 * `jwtctl doctor`.
 */
#pragma once

#include "common/config/settings.h"

/* NOTE: no mistake, but it may explain a refusal, such as keys of an issuer that are skipped.
 * WARNING: the settings work, but perhaps not as meant. */
enum settings_level { SETTINGS_NOTE, SETTINGS_WARNING, SETTINGS_ERROR };

/* A message begins with the file where one can be named. remedy: a command; may be NULL. */
typedef void settings_problem_fn(void *arg, enum settings_level level,
                                 const struct errmsg *errmsg, const char *remedy);

/* Calls fn for each problem. path NULL: the default file; then the PAM stack of service jwtd is
 * checked as well. */
void settings_check(const struct settings *settings, const char *path, settings_problem_fn *fn,
                    void *arg);
