/*
 * What jwtd-issuer does for an administrator instead of serving: it checks its store, migrates
 * the tables of a database, or copies an SQLite store into one. Results are lines "NAME VALUE"
 * and "warning: ..." on standard output, an error is a sentence there.
 */
#pragma once

#include <stdbool.h>

struct maintenance {
    const char *config, *state_dir, *modules_dir;
    bool check, migrate;
    const char *copy;     /* the file; NULL: nothing is copied */
    const char *database; /* instead of the store of the settings; or NULL */
    const char *role;     /* to let use the tables; NULL: none */
};

/* The exit status. */
int maintain(const struct maintenance *m);
