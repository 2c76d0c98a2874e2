/* jwtctl run -- COMMAND: runs a command with askpass as the password program of ssh and sudo.
 * The command's name decides which token askpass gets: for ssh one for a single login at the
 * host. */
#include "jwtctl/arguments.h"
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

/* Programs that ask for the password of one PAM service. Any other command, and what it starts,
 * gets the session's own token. */
static const struct {
    const char *name, *service;
    bool is_ssh;
} programs[] = {
    {"ssh", "sshd", true},          {"scp", "sshd", false},  {"sftp", "sshd", false},
    {"rsync", "sshd", false},       {"git", "sshd", false},  {"sshfs", "sshd", false},
    {"ssh-copy-id", "sshd", false}, {"mosh", "sshd", false}, {"sudo", "sudo", false},
    {"sudoedit", "sudo", false},
};

static void set_variable(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        out_of_memory();
}

/* What `ssh -G` prints; NULL: nothing. */
struct ssh_host {
    char *name;  /* of the host that ssh connects to */
    char *alias; /* HostKeyAlias, the name in its prompts */
};

static void ssh_host_clear(struct ssh_host *h)
{
    free(h->name);
    free(h->alias);
    *h = (struct ssh_host){0};
}

static void exec_ssh(char **argv, int n, int to)
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

/* Takes the value of the first line "NAME VALUE". */
static void take_ssh_value(const char *line, const char *name, char **value)
{
    size_t n = strlen(name);

    if (*value || strncmp(line, name, n) != 0 || line[n] != ' ' || !line[n + 1])
        return;
    *value = strdup(line + n + 1);
    if (!*value)
        out_of_memory();
}

static void read_config(FILE *from, struct ssh_host *ret)
{
    CLEANUP(cleanup_free) char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, from) > 0) {
        line[strcspn(line, "\n")] = '\0';
        take_ssh_value(line, "hostname", &ret->name);
        take_ssh_value(line, "hostkeyalias", &ret->alias);
    }
}

/* Runs `ssh -G` with these arguments. When it fails, *ret stays empty. */
static void ask_ssh(char **argv, int n, struct ssh_host *ret)
{
    int ends[2], status = 0;
    pid_t child;
    FILE *from;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    child = fork();
    if (child == 0)
        exec_ssh(argv, n, ends[1]);
    (void)close(ends[1]);
    from = fdopen(ends[0], "r");
    if (!from)
        out_of_memory();
    read_config(from, ret);
    (void)fclose(from);
    if (child < 0)
        return;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        ssh_host_clear(ret);
}

/* Passes the host to askpass. A host that the session has no audience for is an error now,
 * before ssh connects. */
static enum tok_err prepare_ssh(const struct client_session *s, char **argv, int n,
                                struct errmsg *errmsg)
{
    CLEANUP(ssh_host_clear) struct ssh_host host = {0};
    CLEANUP(secret_clear) struct secret audience = {0};
    enum tok_err err;

    ask_ssh(argv, n, &host);
    if (!host.name)
        return TOK_OK; /* ssh -V, or arguments that ssh will refuse */
    err = narrow_audience(s, slice_of(host.name), &audience, errmsg);
    if (err)
        return err;
    set_variable(ASKPASS_HOST, host.name);
    if (host.alias)
        set_variable(ASKPASS_ALIAS, host.alias);
    return TOK_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Sets the variables by which askpass chooses the token. */
static enum tok_err prepare_askpass(const struct client_session *s, char **argv, int n,
                                    struct errmsg *errmsg)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(base_name(argv[0]), programs[i].name) != 0)
            continue;
        set_variable(ASKPASS_SERVICE, programs[i].service);
        return programs[i].is_ssh ? prepare_ssh(s, argv, n, errmsg) : TOK_OK;
    }
    return TOK_OK;
}

/* With "force", ssh 8.4 and later uses the program although there is a terminal; sudo needs -A.
 */
static void set_askpass(void)
{
    set_variable("SSH_ASKPASS", JWT_ASKPASS);
    set_variable("SSH_ASKPASS_REQUIRE", "force");
    set_variable("SUDO_ASKPASS", JWT_ASKPASS);
}

int command_run(int argc, char **argv)
{
    bool whole = false;
    const struct option_row options[] = {{.name = "whole", .flag = &whole}, {0}};
    struct client_session s = {0};
    struct errmsg errmsg;
    enum tok_err err;
    int error, status = arguments_parse(argc, argv, options, ARGUMENTS_COMMAND);

    if (status)
        return status;
    if (optind >= argc)
        return bad_usage(argv[0], "expected a command");
    (void)unsetenv(ASKPASS_SERVICE);
    (void)unsetenv(ASKPASS_HOST);
    (void)unsetenv(ASKPASS_ALIAS);
    err = session_get(&s, &errmsg);
    if (!err && !whole)
        err = prepare_askpass(&s, argv + optind, argc - optind, &errmsg);
    session_clear(&s);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    set_askpass();
    (void)execvp(argv[optind], argv + optind);
    error = errno;
    print_error("%s: %s", argv[optind], strerror(error));
    return error == ENOENT ? 127 : 126;
}
