#include "jwtctl/arguments.h"

#include "jwtctl/complete.h"
#include "jwtctl/help.h"
#include "jwtctl/nearest.h"
#include "jwtctl/output.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

void parse_output(const char *command, const char *value, void *arg)
{
    bool *json = arg;

    *json = strcmp(value, "json") == 0;
    if (!*json && strcmp(value, "text") != 0)
        bad_usage(command, "--output=%s: expected json or text", value);
}

/* Below the options of the command those that all commands have. */
static void join_rows(const struct option_row *own, const struct option_row *common,
                      struct option_row *ret)
{
    int n = 0;

    for (; common->name && n < OPTION_ROWS_MAX; n++)
        ret[n] = own->name ? *own++ : *common++;
}

/* What getopt_long returns for the row: its letter, or its number counted from 1, which is no
 * letter. */
static int code_of(const struct option_row *rows, int i)
{
    return rows[i].letter ? rows[i].letter : i + 1;
}

static const struct option_row *find_row(const struct option_row *rows, int code)
{
    for (int i = 0; code > 0 && rows[i].name; i++) {
        if (code_of(rows, i) == code)
            return &rows[i];
    }
    return NULL;
}

/* letters: room for "+:" and two characters a row. */
static void make_getopt(const struct option_row *rows, struct option *ret, char *ret_letters)
{
    for (int i = 0; rows[i].name; i++) {
        ret[i] =
            (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument,
                            NULL, code_of(rows, i)};
        if (rows[i].letter)
            *ret_letters++ = rows[i].letter;
        if (rows[i].letter && rows[i].argument)
            *ret_letters++ = ':';
    }
    *ret_letters = '\0';
}

/* What getopt_long refused: c is its return value, word the argument it was reading. */
static void refuse_option(const char *command, int c, const char *word,
                          const struct option_row *rows)
{
    const struct option_row *row = find_row(rows, optopt);
    int n = (int)strcspn(word, "="), matches = 0;
    char name[64];
    struct nearest nearest = {.word = name};

    if (row && c == ':')
        bad_usage(command, "--%s: expected a value: --%s=%s", row->name, row->name,
                  row->argument);
    if (row)
        bad_usage(command, "--%s takes no value, found '%s'", row->name, word);
    if (optopt)
        bad_usage(command, "unknown option '-%c'", optopt);
    (void)snprintf(name, sizeof(name), "%.*s", n - 2, word + 2);
    for (; rows->name; rows++) {
        matches += strncmp(rows->name, name, strlen(name)) == 0;
        nearest_try(&nearest, rows->name);
    }
    bad_usage(command, "%s option '--%s'%s%s%s", matches > 1 ? "ambiguous" : "unknown", name,
              NEAREST_HINT(nearest, "--"));
}

static void apply_option(const char *command, const struct option_row *row)
{
    if (row->flag)
        *row->flag = true;
    else if (row->value)
        *row->value = optarg;
    else
        row->parse(command, optarg, row->arg);
}

void arguments_parse(int argc, char **argv, const struct option_row *own, int max_operands)
{
    bool quiet = false, help = false, version = false, runs = max_operands == ARGUMENTS_COMMAND;
    const struct option_row quiet_row = {"quiet", NULL, "print nothing but errors", 'q',
                                         .flag = &quiet};
    const struct option_row common[] = {
        {"help", NULL, "print this help", 'h', .flag = &help},
        {"version", NULL, "print the version", 'V', .flag = &version},
        runs ? (struct option_row){0} : quiet_row,
        {0},
    };
    struct option_row rows[OPTION_ROWS_MAX + 1] = {0};
    struct option long_options[OPTION_ROWS_MAX + 1] = {0};
    char letters[2 * OPTION_ROWS_MAX + 3] = "+:";
    int c;

    join_rows(own, common, rows);
    make_getopt(rows, long_options, letters + 2);
    if (argc > 1 && strcmp(argv[1], COMPLETE) == 0) {
        complete_arguments(command_of(argv[0]), argc - 1, argv + 1, rows);
        exit(EXIT_SUCCESS);
    }
    opterr = 0;
    while ((c = getopt_long(argc, argv, runs ? letters : letters + 1, long_options, NULL)) !=
           -1) {
        const struct option_row *row = find_row(rows, c);

        if (!row)
            refuse_option(argv[0], c, argv[optind - 1], rows);
        else
            apply_option(argv[0], row);
        if (help)
            print_command_help(argv[0], rows);
        if (version)
            print_version();
        if (help || version) {
            flush_output(EXIT_FAILURE);
            exit(EXIT_SUCCESS);
        }
    }
    if (!runs && argc - optind > max_operands)
        bad_usage(argv[0], "unexpected argument '%s'", argv[optind + max_operands]);
    if (quiet && !freopen("/dev/null", "w", stdout))
        bad_usage(argv[0], "/dev/null: %s", strerror(errno));
}
