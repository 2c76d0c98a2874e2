/*
 * The key sets of other issuers ([Issuer URL] with KeysUrl=). sync-keys-fetch fetches them into
 * the spool as keys-NAME, where NAME is that of the file of Keys= in SETTINGS_KEYS_DIR;
 * sync-keys-install checks them and writes that file.
 */
#pragma once

#include "jwtctl/sync/sync.h"

#define KEYS_URL_MAX ((size_t)256 << 10) /* bytes of a key set */

/* The path of the issuer's file PREFIX-NAME in the spool, malloc'ed. */
char *keys_url_spooled(const struct sync_host *host, const struct policy *issuer,
                       const char *prefix);

/* The main function of both programs: reads the settings, calls fn for each issuer with
 * KeysUrl=, and logs its errors. The exit status. */
typedef enum tok_err keys_url_fn(const struct sync_host *host, const struct policy *issuer,
                                 void *arg, struct errmsg *errmsg);
int keys_url_main(int argc, char **argv, keys_url_fn *fn, void *arg);
