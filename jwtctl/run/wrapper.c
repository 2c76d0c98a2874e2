/* ssh, scp, sftp and sudo as found by the commands of `jwtctl run`, whatever starts them. */
#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "jwtctl/output.h"
#include "jwtctl/run/libexec.h"
#include "jwtctl/run/programs.h"
#include "jwtctl/run/record.h"
#include "jwtctl/run/ssh_arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* The program of this name in PATH that is not this one; malloc'ed. NULL: not found. */
static char *find_program(const char *name)
{
    const char *path = getenv("PATH");
    struct slice rest = slice_of(path && path[0] ? path : DEFAULT_PATH), dir;
    struct stat self, found;

    if (stat("/proc/self/exe", &self) != 0)
        return NULL;
    while (text_next_word(&rest, ':', &dir)) {
        CLEANUP(cleanup_free) char *file = NULL;
        char *result = NULL;

        if (asprintf(&file, "%.*s%s%s", (int)dir.n, dir.p, dir.n > 0 ? "/" : "", name) < 0)
            out_of_memory();
        if (stat(file, &found) != 0 || !S_ISREG(found.st_mode) || access(file, X_OK) != 0 ||
            (found.st_dev == self.st_dev && found.st_ino == self.st_ino))
            continue;
        result = file;
        file = NULL;
        return result;
    }
    return NULL;
}

/* A program with its standard output in *ret, and without input and errors. */
static pid_t start_query(const char *program, char **argv, FILE **ret)
{
    int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t child;

    if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    child = fork();
    if (child == 0) {
        if (dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
            dup2(ends[1], STDOUT_FILENO) >= 0)
            (void)execv(program, argv);
        _exit(EXIT_FAILURE);
    }
    (void)close(null);
    (void)close(ends[1]);
    *ret = fdopen(ends[0], "r");
    if (!*ret)
        out_of_memory();
    return child;
}

/* Calls `take` for each line that the program prints. True: its exit status is 0. */
static bool query(const char *program, char **argv, void (*take)(const char *line, void *arg),
                  void *arg)
{
    char *line = NULL;
    size_t size = 0;
    FILE *from = NULL;
    int status = -1;
    pid_t child = start_query(program, argv, &from);

    while (from && getline(&line, &size, from) > 0)
        take(line, arg);
    free(line);
    if (from)
        (void)fclose(from);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

struct ssh_config {
    bool has_command_option; /* of 8.5 or later, which knows KnownHostsCommand */
    bool own_command;        /* KnownHostsCommand is set */
};

static void take_config(const char *line, void *arg)
{
    struct ssh_config *config = arg;

    if (strncmp(line, "pubkeyacceptedalgorithms ", 25) == 0)
        config->has_command_option = true;
    if (strncmp(line, "knownhostscommand ", 18) == 0)
        config->own_command = true;
}

/* The configuration for these arguments, as `ssh -G` prints it. Our KnownHostsCommand would
 * replace that of a file, because ssh uses the first value that it finds. pubkeyaccepted-
 * algorithms is printed since the version that introduced KnownHostsCommand; an older one exits
 * on an unknown option. */
static struct ssh_config read_config(const char *ssh, int argc, char **argv)
{
    char option[] = "-G", **all = arguments_insert(argc, argv, (const char *[]){option, NULL});
    struct ssh_config config = {0};
    bool success = query(ssh, all, take_config, &config);

    free(all);
    return success ? config : (struct ssh_config){0};
}

/* ssh is this process after exec. Without a record there will be no token. */
static void record_ssh(const struct ssh_config *config)
{
    CLEANUP(record_close) struct record r = {.dir = -1, .fd = -1};
    struct process self;
    struct errmsg ignored;

    if (!process_self(&self) || record_open(&self, true, &r, &ignored) != TOK_OK)
        return;
    if (record_append(&r, RECORD_SSH, &ignored) == TOK_OK && config->own_command)
        (void)!record_append(&r, RECORD_OWN_COMMAND, &ignored);
}

static void exec_ssh(const char *ssh, int argc, char **argv)
{
    struct ssh_config config = read_config(ssh, argc, argv);
    CLEANUP(cleanup_free) char *helper = libexec_path("hostkey"), *command = NULL;
    char **all = NULL, option[] = "-o", hash[] = "FingerprintHash=sha256";

    record_ssh(&config);
    if (asprintf(&command, "KnownHostsCommand=\"%s\" %%f %%h %%n %%p %%r %%I", helper) < 0)
        out_of_memory();
    if (config.has_command_option && !config.own_command)
        all =
            arguments_insert(argc, argv, (const char *[]){option, hash, option, command, NULL});
    (void)execv(ssh, all ? all : argv);
    free(all);
}

/* They start ssh by an absolute path. sftp -b sets BatchMode, with which ssh asks nothing, not
 * even askpass; ssh uses the first value. */
static void exec_scp(const char *scp, bool is_sftp, int argc, char **argv)
{
    CLEANUP(cleanup_free) char *ssh = libexec_path("bin/ssh");
    char option[] = "-S", ask[] = "-oBatchMode=no", **all;
    bool batch = false;

    for (int i = 1; i < argc; i++)
        batch = batch || (is_sftp && strncmp(argv[i], "-b", 2) == 0);
    all = arguments_insert(argc, argv, (const char *[]){option, ssh, batch ? ask : NULL, NULL});
    (void)execv(scp, all);
    free(all);
}

/* True when sudo may ask for a password, and the user has not said how. A long option that is
 * not in the table has no argument. */
static bool sudo_may_ask(int argc, char **argv)
{
    static const struct option long_options[] = {{"askpass", 0, NULL, 'A'},
                                                 {"stdin", 0, NULL, 'S'},
                                                 {"non-interactive", 0, NULL, 'n'},
                                                 {"edit", 0, NULL, 'e'},
                                                 {"login", 0, NULL, 'i'},
                                                 {"list", 0, NULL, 'l'},
                                                 {"shell", 0, NULL, 's'},
                                                 {"validate", 0, NULL, 'v'},
                                                 {"auth-type", 1, NULL, 'a'},
                                                 {"chdir", 1, NULL, 'D'},
                                                 {"chroot", 1, NULL, 'R'},
                                                 {"close-from", 1, NULL, 'C'},
                                                 {"group", 1, NULL, 'g'},
                                                 {"prompt", 1, NULL, 'p'},
                                                 {"role", 1, NULL, 'r'},
                                                 {"type", 1, NULL, 't'},
                                                 {"user", 1, NULL, 'u'},
                                                 {"command-timeout", 1, NULL, 'T'},
                                                 {"other-user", 1, NULL, 'U'},
                                                 {0}};
    bool command = false;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "+Aa:BbC:D:Eeg:HhiKklNnPp:R:r:SsT:t:U:u:Vv",
                            long_options, NULL)) != -1) {
        if (strchr("ASn", c))
            return false;
        command = command || strchr("eilsv", c);
    }
    return command || optind < argc;
}

static void take_help(const char *line, void *arg)
{
    if (strstr(line, "--askpass"))
        *(bool *)arg = true;
}

/* sudo-rs before 0.2.11 has no -A. */
static void exec_sudo(const char *sudo, int argc, char **argv)
{
    CLEANUP(cleanup_free) char *askpass = libexec_path("askpass");
    const char *set = getenv("SUDO_ASKPASS");
    char option[] = "-A", help[] = "--help", **all = NULL;
    bool has_askpass = false;

    if (getuid() != 0 && set && strcmp(set, askpass) == 0 && sudo_may_ask(argc, argv) &&
        query(sudo, (char *[]){argv[0], help, NULL}, take_help, &has_askpass) && has_askpass)
        all = arguments_insert(argc, argv, (const char *[]){option, NULL});
    (void)execv(sudo, all ? all : argv);
    free(all);
}

/* argv[0] stays: ssh -J starts a program of that name for the jump host. */
int program_wrapper(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    CLEANUP(cleanup_free) char *program = find_program(name);
    int error;

    if (!program) {
        print_error("%s: not found in PATH", name);
        return 127;
    }
    if (strcmp(name, "ssh") == 0)
        exec_ssh(program, argc, argv);
    else if (strcmp(name, "sudo") == 0)
        exec_sudo(program, argc, argv);
    else
        exec_scp(program, strcmp(name, "sftp") == 0, argc, argv);
    error = errno;
    print_error("%s: %s", program, strerror(error));
    return 126;
}
