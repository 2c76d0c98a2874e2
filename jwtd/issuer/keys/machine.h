/*
 * The machine that the keys belong to: the file `machine` in the state directory, the
 * application-specific id of /etc/machine-id (sd_id128_get_machine_app_specific(3)). A copy of
 * the machine, or of the directory, has the file of the first one.
 */
#pragma once

#include "common/base/error.h"

/* Writes the file when it is missing. *ret_other: it has the id of another machine. Without a
 * machine-id nothing is known, and *ret_other stays. TOK_FILE. */
enum tok_err machine_check(const char *state_dir, bool *ret_other,
                           struct errmsg *errmsg) MUST_CHECK;
