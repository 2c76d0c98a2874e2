/*
 * A PAM module that prompts, for the tests of the conversation:
 *
 *     auth required pam_ask.so [echo] [PROMPT=ANSWER] ...
 *
 * PAM_AUTH_ERR at the first answer that is another one, or missing, as pam_google_authenticator
 * returns. After the word "all" the rest is sent in one call.
 */
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 8
#define ENTRY __attribute__((visibility("default")))

static int asks(pam_handle_t *pamh, int n, int style, const char **pairs)
{
    struct pam_message messages[ASKED_MAX], *list[ASKED_MAX];
    struct pam_response *responses = NULL;
    const struct pam_conv *conv;
    int result = PAM_SUCCESS;

    for (int i = 0; i < n; i++) {
        messages[i].msg_style = style;
        messages[i].msg = strndup(pairs[i], strcspn(pairs[i], "="));
        list[i] = &messages[i];
    }
    if (pam_get_item(pamh, PAM_CONV, (const void **)&conv) != PAM_SUCCESS ||
        conv->conv(n, (const struct pam_message **)list, &responses, conv->appdata_ptr) !=
            PAM_SUCCESS)
        result = PAM_AUTH_ERR;
    for (int i = 0; i < n; i++) {
        const char *want = strchr(pairs[i], '=') + 1;

        if (result == PAM_SUCCESS && strcmp(responses[i].resp, want) != 0)
            result = PAM_AUTH_ERR;
        free((char *)messages[i].msg);
    }
    for (int i = 0; responses && i < n; i++)
        free(responses[i].resp);
    free(responses);
    return result;
}

ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    int style = PAM_PROMPT_ECHO_OFF, result = PAM_SUCCESS;

    for (int i = 0; i < argc && result == PAM_SUCCESS; i++) {
        if (strcmp(argv[i], "echo") == 0)
            style = PAM_PROMPT_ECHO_ON;
        else if (strcmp(argv[i], "all") == 0)
            return argc - i - 1 > ASKED_MAX ? PAM_SERVICE_ERR
                                            : asks(pamh, argc - i - 1, style, argv + i + 1);
        else
            result = asks(pamh, 1, style, argv + i);
    }
    return result;
}

ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return PAM_SUCCESS;
}
