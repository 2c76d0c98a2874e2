/*
 * A login by PAM: what pam_authenticate and, after its yes, pam_acct_mgmt say.
 *
 *     pam_login DIRECTORY SERVICE USER < PASSWORD
 *
 * DIRECTORY is where the service's file is. Prints the code as a number.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_MAX 8192

static int converse(int n, const struct pam_message **messages,
                    struct pam_response **ret_responses, void *password)
{
    struct pam_response *responses = calloc((size_t)n, sizeof(*responses));

    if (!responses)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            responses[i].resp = strdup(password);
    *ret_responses = responses;
    return PAM_SUCCESS;
}

int main(int argc, char **argv)
{
    static char password[PASSWORD_MAX];
    struct pam_conv conversation = {converse, password};
    pam_handle_t *handle = NULL;
    int code;

    if (argc != 4)
        return 2;
    password[fread(password, 1, sizeof(password) - 1, stdin)] = '\0';
    code = pam_start_confdir(argv[2], argv[3], &conversation, argv[1], &handle);
    if (code != PAM_SUCCESS)
        return 2;
    code = pam_authenticate(handle, 0);
    if (code == PAM_SUCCESS)
        code = pam_acct_mgmt(handle, 0);
    (void)pam_end(handle, code);
    printf("%d\n", code);
    return 0;
}
