#include "pam_jwt/prompt.h"

#include <security/pam_ext.h>

int prompt_user(pam_handle_t *pamh, struct asked *ret)
{
    const char *user = NULL;
    const void *service = NULL;
    int rc = pam_get_user(pamh, &user, NULL);

    if (rc != PAM_SUCCESS)
        return rc;
    if (!user)
        return PAM_USER_UNKNOWN;
    rc = pam_get_item(pamh, PAM_SERVICE, &service);
    if (rc != PAM_SUCCESS || !service)
        return PAM_SYSTEM_ERR;
    *ret = (struct asked){.service = service, .user = user};
    return PAM_SUCCESS;
}

int prompt_token(pam_handle_t *pamh, const struct options *o, struct slice *ret)
{
    const char *token = NULL;
    const void *stored = NULL;
    int rc;

    if (o->use_first_pass) {
        rc = pam_get_item(pamh, PAM_AUTHTOK, &stored);
        token = stored;
    } else {
        /* Takes a text that a module before this one asked for, which is try_first_pass. */
        rc = pam_get_authtok(pamh, PAM_AUTHTOK, &token, o->prompt);
    }
    if (rc != PAM_SUCCESS)
        return rc;
    if (!token)
        return PAM_AUTH_ERR;
    *ret = slice_of(token);
    return PAM_SUCCESS;
}
