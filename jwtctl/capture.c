#include "jwtctl/capture.h"

#include "jwtctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)64 << 10)

static void run_child(const char *const argv[], const char *const environment[], int output)
{
    int null = open("/dev/null", O_RDONLY);

    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0)
        (void)execve(argv[0], (char *const *)argv,
                     environment ? (char *const *)environment : environ);
    _exit(127);
}

int capture_output(const char *const argv[], const char *const environment[], char **ret)
{
    char *text = calloc(1, OUTPUT_MAX + 1);
    int ends[2], status = -1;
    ssize_t got = 1;
    size_t n = 0;
    pid_t child;

    if (!text || pipe2(ends, O_CLOEXEC) < 0)
        out_of_memory();
    child = fork();
    if (child == 0)
        run_child(argv, environment, ends[1]);
    (void)close(ends[1]);
    while (got > 0 && n < OUTPUT_MAX) {
        got = read(ends[0], text + n, OUTPUT_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    }
    (void)close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    *ret = text;
    return status;
}
