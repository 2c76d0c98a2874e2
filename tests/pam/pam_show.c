/*
 * A module that stands where pam_systemd does: its session part exports the limit that it finds
 * as SHOWN_LIMIT. With plant=TEXT its account part sets one, as another module might.
 */
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT "systemd.runtime_max_sec"
#define ENTRY __attribute__((visibility("default")))

static void drop(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    free(data);
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    static const char plant[] = "plant=";

    (void)flags;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], plant, strlen(plant)) == 0)
            return pam_set_data(pamh, LIMIT, strdup(argv[i] + strlen(plant)), drop);
    return PAM_IGNORE;
}

ENTRY int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const void *limit = NULL;
    char line[128];

    (void)flags;
    (void)argc;
    (void)argv;
    if (pam_get_data(pamh, LIMIT, &limit) != PAM_SUCCESS)
        return PAM_SUCCESS;
    (void)snprintf(line, sizeof(line), "SHOWN_LIMIT=%s", (const char *)limit);
    return pam_putenv(pamh, line);
}

ENTRY int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
