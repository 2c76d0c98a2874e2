/* The end of a login session, which pam_systemd enforces. */
#pragma once

#include "common/base/error.h"

#include <security/pam_modules.h>
#include <stdint.h>

/* Asks pam_systemd, further down in the stack, to end the login session after so many seconds
 * (systemd.runtime_max_sec, systemd >= 244). A shorter limit that another module set stays. A
 * PAM code. */
int session_limit_set(pam_handle_t *pamh, int64_t seconds) MUST_CHECK;
