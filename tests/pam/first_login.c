/*
 * One login in a program that has nothing but libpam loaded: what the first one costs, the
 * loading of the module and of libcrypto included. Its time goes to standard output, in
 * microseconds.
 *
 *     first_login CONFDIR SERVICE USER <ANSWER
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX 8192

static int answer_all(int n, const struct pam_message **messages, struct pam_response **ret,
                      void *data)
{
    struct pam_response *answers = calloc((size_t)n, sizeof(*answers));

    for (int i = 0; answers && i < n; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[i].resp = strdup(data);
    *ret = answers;
    return answers ? PAM_SUCCESS : PAM_BUF_ERR;
}

static double microseconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    char answer[ANSWER_MAX] = "";
    struct pam_conv conv = {answer_all, answer};
    pam_handle_t *pamh = NULL;
    double start;
    int rc;

    if (argc != 4 || !fgets(answer, sizeof(answer), stdin))
        return 2;
    answer[strcspn(answer, "\n")] = '\0';
    start = microseconds();
    rc = pam_start_confdir(argv[2], argv[3], &conv, argv[1], &pamh);
    if (rc == PAM_SUCCESS)
        rc = pam_authenticate(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    (void)printf("%.0f\n", microseconds() - start);
    (void)pam_end(pamh, rc);
    return rc == PAM_SUCCESS ? 0 : 1;
}
