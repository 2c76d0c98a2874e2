/*
 * jwtctl: the choice of a command.
 */
#include "jwtctl/arguments.h"
#include "jwtctl/complete.h"
#include "jwtctl/help.h"
#include "jwtctl/output.h"
#include "jwtctl/run/programs.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* -h or -V in place of a command. */
static bool answer_option(const char *word, const char *group)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        print_help(stdout, group);
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        print_version();
    else
        return false;
    return true;
}

int run_command(int argc, char **argv)
{
    int words = 0;
    const struct command *c = command_find(argc, argv, &words);
    bool group = argc > 1 && command_is_group(argv[0]);
    char full[COMMAND_NAME_MAX], name[sizeof(full) + 8];

    if (!c && answer_option(argv[group], group ? argv[0] : NULL))
        return EXIT_SUCCESS;
    if (!c)
        command_unknown(argc, argv);
    (void)snprintf(name, sizeof(name), "jwtctl %s", command_name(c, full));
    argv[words - 1] = name; /* messages start with it */
    return c->run(argc - words + 1, argv + words - 1);
}

/* jwtctl help [COMMAND]: the same as jwtctl [COMMAND] --help. */
int command_help(int argc, char **argv)
{
    const struct option_row options[] = {{0}};
    char help[] = "--help", *words[4] = {0};
    int n = 0;

    arguments_parse(argc, argv, options, 2);
    while (optind < argc)
        words[n++] = argv[optind++];
    words[n++] = help;
    optind = 0; /* getopt starts again */
    return run_command(n, words);
}

static const struct {
    const char *name;
    command_fn *run;
} programs[] = {
    {"askpass", program_askpass}, {"hostkey", program_hostkey}, {"ssh", program_wrapper},
    {"scp", program_wrapper},     {"sftp", program_wrapper},    {"sudo", program_wrapper},
};

static int run_program(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

    for (size_t i = 0; argc > 0 && i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(slash ? slash + 1 : argv[0], programs[i].name) == 0)
            return programs[i].run(argc, argv);
    }
    if (argc < 2) {
        print_help(stderr, NULL);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], COMPLETE) == 0)
        return complete_words(argc - 1, argv + 1);
    return run_command(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status;

    /* No core file and no ptrace: passwords and tokens are in memory. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* Where the caller ignores it, waitpid() has no exit status. */
    (void)signal(SIGCHLD, SIG_DFL);
    status = run_program(argc, argv);
    flush_output(status ? status : EXIT_FAILURE);
    return status;
}
