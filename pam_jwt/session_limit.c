#include "pam_jwt/session_limit.h"

#include "common/base/timespan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_NAME "systemd.runtime_max_sec"

static void free_limit(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    free(data);
}

/* Another module's limit. One that cannot be parsed does not count. */
static bool has_shorter_limit(pam_handle_t *pamh, int64_t seconds)
{
    const void *text = NULL;
    uint64_t usec;

    return pam_get_data(pamh, LIMIT_NAME, &text) == PAM_SUCCESS && text &&
           timespan_parse(slice_of(text), &usec) == TOK_OK && usec > 0 &&
           usec <= (uint64_t)seconds * SECOND;
}

int session_limit_set(pam_handle_t *pamh, int64_t seconds)
{
    char *text;
    int rc;

    if (has_shorter_limit(pamh, seconds))
        return PAM_SUCCESS;
    /* systemd's parse_sec reads a bare number as seconds. */
    if (asprintf(&text, "%" PRId64, seconds) < 0)
        return PAM_BUF_ERR;
    rc = pam_set_data(pamh, LIMIT_NAME, text, free_limit);
    if (rc != PAM_SUCCESS)
        free(text);
    return rc;
}
