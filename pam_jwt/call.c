#include "pam_jwt/call.h"

#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <string.h>

int call_read_names(struct pam_call *call)
{
    const char *user = NULL;
    const void *service = NULL;
    int rc = pam_get_user(call->pamh, &user, NULL);

    if (rc != PAM_SUCCESS)
        return rc;
    if (!user)
        return PAM_USER_UNKNOWN;
    rc = pam_get_item(call->pamh, PAM_SERVICE, &service);
    if (rc != PAM_SUCCESS || !service)
        return PAM_SYSTEM_ERR;
    call->service = service;
    call->user = user;
    return PAM_SUCCESS;
}

void call_find_account(struct pam_call *call)
{
    const struct passwd *named = pam_modutil_getpwnam(call->pamh, call->user), *found = named;

    if (named && strcmp(named->pw_name, call->user) != 0)
        found = pam_modutil_getpwnam(call->pamh, named->pw_name);
    if (!found || strcmp(found->pw_name, named->pw_name) != 0 || found->pw_uid != named->pw_uid)
        return;
    call->account = found;
    call->user = found->pw_name;
}

int call_read_token(const struct pam_call *call, struct slice *ret)
{
    const char *token = NULL;
    const void *stored = NULL;
    int rc;

    if (call->options->use_first_pass) {
        rc = pam_get_item(call->pamh, PAM_AUTHTOK, &stored);
        token = stored;
    } else {
        /* Returns what a module before this one prompted for: that is try_first_pass. */
        rc = pam_get_authtok(call->pamh, PAM_AUTHTOK, &token, call->options->prompt);
    }
    if (rc != PAM_SUCCESS)
        return rc;
    if (!token)
        return PAM_AUTH_ERR;
    *ret = jws_trim(slice_of(token));
    return PAM_SUCCESS;
}
