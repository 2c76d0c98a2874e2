#include "jwtctl/run/confirm.h"

#include "common/base/cleanup.h"
#include "jwtctl/output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define CONFIRM_S 60

/* It is called with standard input and error on /dev/null. */
static pid_t start_program(const char *program, const char *question, int *ret_output)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        if (setsid() > 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
            dup2(ends[1], STDOUT_FILENO) >= 0 &&
            setenv("SSH_ASKPASS_PROMPT", "confirm", 1) == 0)
            (void)execlp(program, program, question, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    (void)close(ends[1]);
    *ret_output = ends[0];
    return child;
}

/* False when the time is over, when run has ended, and for a longer answer. */
static bool read_answer(int from, int parent, char ret[8])
{
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = parent, .events = POLLIN}};
    const time_t end = time(NULL) + CONFIRM_S;
    size_t n = 0;

    while (time(NULL) <= end && poll(fds, 2, 1000) >= 0 && fds[1].revents == 0) {
        ssize_t got = fds[0].revents ? read(from, ret + n, 7 - n) : -1;

        if (got == 0) {
            ret[n] = '\0';
            return n < 7;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    return false;
}

bool confirm_sudo(const char *program, const struct record *ssh, int parent)
{
    CLEANUP(cleanup_free) char *question = NULL;
    CLEANUP(cleanup_close) int from = -1;
    char answer[8] = "";
    bool answered;
    int status;
    pid_t child;

    if (asprintf(&question, "Allow sudo as %s on %s?", ssh->user, ssh->name) < 0)
        out_of_memory();
    child = start_program(program, question, &from);
    if (child < 0)
        return false;
    answered = read_answer(from, parent, answer);
    if (!answered)
        (void)kill(child, SIGKILL);
    if (waitpid(child, &status, 0) != child || !answered || status != 0)
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    return answer[0] == '\0' || strcasecmp(answer, "yes") == 0;
}
