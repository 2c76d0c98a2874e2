/*
 * jwtctl: the choice of a command.
 */
#include "jwtctl/arguments.h"
#include "jwtctl/complete.h"
#include "jwtctl/help.h"
#include "jwtctl/output.h"
#include "jwtctl/run/programs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

int run_command(int argc, char **argv)
{
    int words = 0;
    const struct command *c = command_find(argc, argv, &words);
    char full[COMMAND_NAME_MAX], name[sizeof(full) + 8];

    if (!c)
        command_unknown(argc, argv);
    (void)snprintf(name, sizeof(name), "jwtctl %s", command_name(c, full));
    argv[words - 1] = name; /* messages start with it */
    return c->run(argc - words + 1, argv + words - 1);
}

/* "key"; not "sessions", which is a command, too. */
static bool is_bare_group(char *word)
{
    int words;

    return command_is_group(word) && !command_find(1, &word, &words);
}

/* jwtctl help [COMMAND]: the same as --help. */
int command_help(int argc, char **argv)
{
    const struct option_row options[] = {{0}};
    char help[] = "--help";
    int words = 0;

    arguments_parse(argc, argv, options, 2);
    argv += optind;
    argc -= optind;
    if (argc == 0 || (argc == 1 && is_bare_group(argv[0]))) {
        print_help(stdout, argv[0]);
        return EXIT_SUCCESS;
    }
    if (!command_find(argc, argv, &words) || words < argc)
        command_unknown(argc, argv);
    optind = 0; /* getopt starts again */
    return run_command(words + 1, (char *[]){argv[0], words > 1 ? argv[1] : help, help, NULL});
}

static const struct {
    const char *name;
    command_fn *run;
} programs[] = {
    {"askpass", program_askpass}, {"hostkey", program_hostkey}, {"ssh", program_wrapper},
    {"scp", program_wrapper},     {"sftp", program_wrapper},    {"sudo", program_wrapper},
};

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

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
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
        return EXIT_SUCCESS;
    }
    if (is_help(argv[1]) || (argc > 2 && is_help(argv[2]) && is_bare_group(argv[1]))) {
        print_help(stdout, is_help(argv[1]) ? NULL : argv[1]);
        return EXIT_SUCCESS;
    }
    return run_command(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status;

    /* No core file and no ptrace: passwords and tokens are in memory. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    status = run_program(argc, argv);
    flush_output(status ? status : EXIT_FAILURE);
    return status;
}
