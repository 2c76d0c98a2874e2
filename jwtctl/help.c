#include "jwtctl/help.h"

#include "jwtctl/command.h"

#include <stdio.h>
#include <string.h>

static void print_commands(FILE *out, const char *group)
{
    char name[COMMAND_NAME_MAX];

    for (const struct command *c = commands; c->name; c++) {
        if (!group || (c->group && strcmp(c->group, group) == 0))
            fprintf(out, "  %-13s  %s\n", command_name(c, name), c->summary);
    }
}

void print_help(FILE *out, const char *group)
{
    fprintf(out, "usage: jwtctl %s%sCOMMAND [ARGUMENT...]\n\n", group ? group : "",
            group ? " " : "");
    print_commands(out, group);
    fputs("\n  jwtctl COMMAND --help explains the options; the manual is jwtctl(1)\n", out);
}

void print_command_help(const char *name, const struct option_row *rows)
{
    const struct command *c = command_of(name);
    char option[64];

    printf("usage: %s [OPTION...]%s%s\n\n  %s\n\n", name, c->operands[0] ? " " : "",
           c->operands, c->summary);
    for (; rows->name; rows++) {
        char letter[] = {'-', rows->letter, ',', ' ', '\0'};

        (void)snprintf(option, sizeof(option), "%s--%s%s%s", rows->letter ? letter : "    ",
                       rows->name, rows->argument ? "=" : "",
                       rows->argument ? rows->argument : "");
        printf("  %-22s  %s\n", option, rows->help);
    }
    if (command_is_group(c->name)) {
        putchar('\n');
        print_commands(stdout, c->name);
    }
}
