/* jwtctl run -- CMD: a command whose ssh and sudo log in by the token, without typing. What is
 * started says which token askpass makes: for ssh one that opens that host's sshd, once. */
#include "common/base/cleanup.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"
#include "jwtctl/run/askpass.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)64 * 1024) /* bytes of `ssh -G` */

/* What is known to ask for passwords of one kind. Whatever else is run gets the whole token. */
static const struct {
    const char *name, *service;
    bool is_ssh;
} programs[] = {
    {"ssh", "sshd", true},          {"scp", "sshd", false},  {"sftp", "sshd", false},
    {"rsync", "sshd", false},       {"git", "sshd", false},  {"sshfs", "sshd", false},
    {"ssh-copy-id", "sshd", false}, {"mosh", "sshd", false}, {"sudo", "sudo", false},
    {"sudoedit", "sudo", false},
};

static void start_ssh(char **argv, int n, int to)
{
    char config[] = "-G";
    char **ask = calloc((size_t)n + 2, sizeof(char *));
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (!ask || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
        dup2(to, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILURE);
    ask[0] = argv[0];
    ask[1] = config;
    memcpy((void *)(ask + 2), (void *)(argv + 1), ((size_t)n - 1) * sizeof(char *));
    (void)execvp(ask[0], ask);
    _exit(EXIT_FAILURE);
}

/* All that fits of what comes, until the end. */
static void read_all(int fd, struct text *ret)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && ret->n < CONFIG_MAX)
            text_add(ret, (struct slice){bytes, (size_t)n});
}

/* What `ssh -G` prints for these arguments; nothing where it refuses them. */
static void ask_ssh(char **argv, int n, struct text *ret)
{
    CLEANUP(cleanup_close) int from = -1;
    CLEANUP(cleanup_close) int to = -1;
    int ends[2], status = 0;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    from = ends[0];
    to = ends[1];
    child = fork();
    if (child == 0)
        start_ssh(argv, n, to);
    cleanup_close(&to);
    to = -1;
    if (child < 0)
        return;
    read_all(from, ret);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        text_clear(ret);
}

/* The value of a line "name value" of `ssh -G`, copied; *ret stays empty when there is none. */
static enum tok_err config_value(const struct text *config, const char *name,
                                 struct secret *ret)
{
    struct slice rest = text_slice(config);
    size_t n = strlen(name);

    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t line = end ? (size_t)(end - rest.p) : rest.n;

        if (line > n + 1 && memcmp(rest.p, name, n) == 0 && rest.p[n] == ' ')
            return secret_copy((struct slice){rest.p + n + 1, line - n - 1}, ret);
        rest.p += end ? line + 1 : line;
        rest.n -= end ? line + 1 : line;
    }
    return TOK_OK;
}

/* Where ssh will go, and by which name it will ask; told when the session has no token for it:
 * better now than after the connection is made. */
static enum tok_err prepare_ssh(const struct session *s, char **argv, int n,
                                struct errmsg *errmsg)
{
    CLEANUP(text_clear) struct text config = {0};
    CLEANUP(secret_clear) struct secret host = {0};
    CLEANUP(secret_clear) struct secret alias = {0};
    CLEANUP(secret_clear) struct secret audience = {0};
    enum tok_err err;

    ask_ssh(argv, n, &config);
    err = config_value(&config, "hostname", &host);
    if (!err)
        err = config_value(&config, "hostkeyalias", &alias);
    if (err)
        return errmsg_set(errmsg, err, "out of memory");
    if (!host.p)
        return TOK_OK; /* ssh -V, or arguments that ssh refuses: it says so itself */
    err = narrow_audience(s, host.p, &audience, errmsg);
    if (err)
        return err;
    if (setenv(ASKPASS_HOST, host.p, 1) != 0 ||
        (alias.p && setenv(ASKPASS_ALIAS, alias.p, 1) != 0))
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    return TOK_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The token itself is not in the environment: askpass makes or fetches one each time. */
static enum tok_err prepare(const struct session *s, char **argv, int n, bool whole,
                            struct errmsg *errmsg)
{
    (void)unsetenv(ASKPASS_SERVICE);
    (void)unsetenv(ASKPASS_HOST);
    (void)unsetenv(ASKPASS_ALIAS);
    for (size_t i = 0; !whole && i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(base_name(argv[0]), programs[i].name) != 0)
            continue;
        if (setenv(ASKPASS_SERVICE, programs[i].service, 1) != 0)
            return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
        return programs[i].is_ssh ? prepare_ssh(s, argv, n, errmsg) : TOK_OK;
    }
    return TOK_OK;
}

/* ssh asks the program even where there is a terminal (ssh 8.4 and later); sudo does so with
 * -A. */
static bool set_askpass(void)
{
    return setenv("SSH_ASKPASS", JWT_ASKPASS, 1) == 0 &&
           setenv("SSH_ASKPASS_REQUIRE", "force", 1) == 0 &&
           setenv("SUDO_ASKPASS", JWT_ASKPASS, 1) == 0;
}

int command_run(int argc, char **argv)
{
    static const struct option options[] = {{"whole", no_argument, NULL, 'w'}, {0}};
    struct session s = {0};
    struct errmsg errmsg;
    bool whole = false;
    enum tok_err err;
    int c, error;

    while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (c != 'w')
            return EXIT_USAGE;
        whole = true;
    }
    if (optind >= argc)
        return complain_usage(argv[0], "no command to run");
    err = session_get(&s, &errmsg);
    if (!err)
        err = prepare(&s, argv + optind, argc - optind, whole, &errmsg);
    session_clear(&s);
    if (!err && !set_askpass())
        err = errmsg_set(&errmsg, TOK_NO_MEMORY, "out of memory");
    if (err) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    (void)execvp(argv[optind], argv + optind);
    error = errno;
    complain("%s: %s", argv[optind], strerror(error));
    return error == ENOENT ? 127 : 126;
}
