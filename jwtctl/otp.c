#include "jwtctl/otp.h"

#include "common/base/cleanup.h"
#include "jwtctl/output.h"
#include "jwtctl/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

enum tok_err otp_ask(const char *user, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *prompt = NULL;
    enum tok_err err;

    if (asprintf(&prompt, "One-time code for %s: ", user) < 0)
        out_of_memory();
    err = terminal_ask(prompt, false, ret, errmsg);
    if (!err && ret->n == 0)
        err = errmsg_set(errmsg, TOK_FILE, "expected a one-time code, found an empty line");
    return err;
}

static pid_t start_shell(const char *command, int *ret_output)
{
    int ends[2], null;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (dup2(null, STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0)
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    if (child > 0)
        *ret_output = ends[0];
    else
        (void)close(ends[0]);
    return child;
}

enum tok_err otp_run(const char *command, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret line = {0};
    CLEANUP(cleanup_close) int output = -1;
    pid_t child = start_shell(command, &output);
    enum tok_err err;
    char rest[512];
    int status = 0;

    if (child < 0)
        return errmsg_set(errmsg, TOK_FILE, "--otp-command: cannot run /bin/sh: %s",
                          strerrordesc_np(errno));
    err = terminal_read_line(output, &line, errmsg);
    while (read(output, rest, sizeof(rest)) > 0) /* further lines are not used */
        ;
    if (waitpid(child, &status, 0) != child || status != 0)
        return WIFEXITED(status)
                   ? errmsg_set(errmsg, TOK_FILE, "--otp-command: exited with status %d",
                                WEXITSTATUS(status))
                   : errmsg_set(errmsg, TOK_FILE, "--otp-command: ended by signal %d",
                                WTERMSIG(status));
    if (err || line.n == 0)
        return errmsg_set(errmsg, TOK_FILE,
                          "--otp-command: expected a one-time code as the first line of its "
                          "standard output");
    return secret_copy(secret_slice(&line), ret);
}
