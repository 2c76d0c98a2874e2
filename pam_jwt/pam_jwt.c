/*
 * pam_jwt: an access token in place of a password. The six entry points; pam_jwt(8) tells what
 * each of them promises.
 */
#include "pam_jwt/judge.h"
#include "pam_jwt/session.h"

#define ENTRY __attribute__((visibility("default")))

ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct options options = {0};
    struct asked asked;
    struct slice token;
    int rc = options_read(pamh, argc, argv, &options);

    if (rc == PAM_SUCCESS)
        rc = session_forget(pamh);
    if (rc == PAM_SUCCESS)
        rc = prompt_user(pamh, &asked);
    if (rc == PAM_SUCCESS)
        rc = prompt_token(pamh, &options, &token);
    if (rc != PAM_SUCCESS)
        return rc;
    /* Before any file is read: a mistake in one must never lock passwords out. */
    if (options.ignore_non_token && !jws_is_shaped(token))
        return PAM_IGNORE;
    return judge_token(pamh, flags, &options, &asked, token);
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct options options = {0};
    struct asked asked;
    int rc = options_read(pamh, argc, argv, &options);

    if (rc == PAM_SUCCESS)
        rc = prompt_user(pamh, &asked);
    if (rc != PAM_SUCCESS)
        return rc;
    return judge_account(pamh, flags, &options, &asked);
}

ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct options options = {0};
    int rc = options_read(pamh, argc, argv, &options);

    (void)flags;
    return rc == PAM_SUCCESS ? judge_ours(pamh, &options) : rc;
}

ENTRY int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct options options = {0};
    struct asked asked;
    int rc = options_read(pamh, argc, argv, &options);

    if (rc == PAM_SUCCESS)
        rc = judge_ours(pamh, &options);
    if (rc == PAM_SUCCESS)
        rc = prompt_user(pamh, &asked);
    if (rc != PAM_SUCCESS || !options.session_limit)
        return rc;
    return judge_session(pamh, flags, &options, &asked);
}

ENTRY int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_sm_setcred(pamh, flags, argc, argv);
}

/* Tokens are not changed here: the password's own modules are the ones to ask. */
ENTRY int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    CLEANUP(options_clear) struct options options = {0};
    int rc = options_read(pamh, argc, argv, &options);

    (void)flags;
    return rc == PAM_SUCCESS ? PAM_IGNORE : rc;
}
