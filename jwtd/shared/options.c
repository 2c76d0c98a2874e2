#include "jwtd/shared/options.h"

#include "jwtd/shared/service.h"

#include <getopt.h>
#include <stdio.h>

enum { OPTION_CONFIG = DAEMON_OPTIONS_MAX, OPTION_CHECK, OPTION_VERSION, OPTION_HELP };

/* The program's own options, whose value for getopt_long is their row, then the common ones. */
static void make_table(const struct daemon_option *own,
                       struct option table[DAEMON_OPTIONS_MAX + 5])
{
    static const struct option common[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"check-config", no_argument, NULL, OPTION_CHECK},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    int n = 0;

    for (; n < DAEMON_OPTIONS_MAX && own[n].name; n++)
        table[n] = (struct option){own[n].name, own[n].value ? required_argument : no_argument,
                                   NULL, n};
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        table[n++] = common[i];
}

static bool usage_error(const struct daemon_program *program, int *ret_code)
{
    (void)fprintf(stderr, "Try '%s --help' for more information.\n", program->name);
    *ret_code = 2;
    return false;
}

bool daemon_options_read(int argc, char **argv, const struct daemon_program *program,
                         const char **ret_config, int *ret_code)
{
    struct option table[DAEMON_OPTIONS_MAX + 5];
    const char *config = POLICY_CONFIG;
    bool check_config = false;
    int c;

    make_table(program->options, table);
    *ret_code = EXIT_SUCCESS;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case OPTION_CONFIG:
            config = optarg;
            break;
        case OPTION_CHECK:
            check_config = true;
            break;
        case OPTION_VERSION:
            (void)printf("%s " JWT_VERSION "\n", program->name);
            return false;
        case OPTION_HELP:
            (void)fputs(program->usage, stdout);
            return false;
        case '?':
            return usage_error(program, ret_code);
        default:
            if (program->options[c].value)
                *program->options[c].value = optarg;
            else
                *program->options[c].flag = true;
        }
    }
    if (optind != argc) {
        (void)fprintf(stderr, "%s: unexpected argument '%s'\n", program->name, argv[optind]);
        return usage_error(program, ret_code);
    }
    *ret_config = config;
    if (check_config)
        *ret_code = service_check_config(program->name, config);
    return !check_config;
}
