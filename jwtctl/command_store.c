/* jwtctl store migrate, store copy: the sessions in PostgreSQL. jwtd-issuer does both. */
#include "jwtctl/arguments.h"
#include "jwtctl/capture.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"
#include "jwtctl/store_run.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define ISSUER JWT_SBINDIR "/jwtd-issuer"
#define SQLITE_STORE "/var/lib/jwtd-issuer/sessions.db"
#define CREDENTIAL                                                                             \
    "--property=LoadCredential=postgresql-password:jwtd-issuer.postgresql-password"

int store_run(const char *name, const char *option, char **ret)
{
    CLEANUP(cleanup_free) char *unit = NULL;
    const char *const direct[] = {ISSUER, option, NULL};

    if (access("/run/systemd/system", F_OK) < 0)
        return capture_output(direct, NULL, ret);
    if (asprintf(&unit, "--unit=jwtd-issuer-%s", name) < 0)
        out_of_memory();
    return capture_output((const char *const[]){"/usr/bin/systemd-run", "--quiet", "--pipe",
                                                "--wait", "--collect", unit,
                                                "--property=User=jwtd-issuer", CREDENTIAL,
                                                direct[0], option, NULL},
                          NULL, ret);
}

/* The number in a line "NAME VALUE". */
static long long number_of(const char *output, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = output; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            return strtoll(line + n + 1, NULL, 10);
    }
    return 0;
}

static int failed(const char *output, const char *hint)
{
    const char *text = output[0] ? output : "cannot run " ISSUER;

    print_error("%.*s%s", (int)strcspn(text, "\n"), text, hint);
    return EXIT_FAILURE;
}

static void print_numbers_json(const char *output, const char *const *names)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    for (; *names; names++)
        json_add_integer(answer, *names, number_of(output, *names));
    json_print(answer);
}

int command_store_migrate(int argc, char **argv)
{
    static const char *const names[] = {"before", "version", NULL};
    const char *database = NULL, *role = NULL, *arguments[5] = {ISSUER, "--migrate-store"};
    CLEANUP(cleanup_free) char *option = NULL, *output = NULL, *grant = NULL;
    bool json = false;
    const struct option_row options[] = {
        {"database", "URL", "as their owner, instead of Database=", .value = &database},
        {"grant", "ROLE", "let this role, the issuers', use the tables", .value = &role},
        OPTION_OUTPUT(&json),
        {0}};
    size_t n = 2;

    arguments_parse(argc, argv, options, 0);
    if ((database && asprintf(&option, "--database=%s", database) < 0) ||
        (role && asprintf(&grant, "--grant=%s", role) < 0))
        out_of_memory();
    if (database)
        arguments[n++] = option;
    if (role)
        arguments[n++] = grant;
    if (capture_output(arguments, NULL, &output) != 0)
        return failed(
            output, database ? "" : "; to connect as the owner of the tables: --database=URL");
    if (json)
        print_numbers_json(output, names);
    else
        printf("The tables have schema version %lld, before: %lld\n",
               number_of(output, "version"), number_of(output, "before"));
    return EXIT_SUCCESS;
}

int command_store_copy(int argc, char **argv)
{
    static const char *const names[] = {"session", "revoked", "user", "spent", NULL};
    CLEANUP(cleanup_free) char *option = NULL, *output = NULL;
    bool json = false;
    const struct option_row options[] = {OPTION_OUTPUT(&json), {0}};

    arguments_parse(argc, argv, options, 1);
    if (geteuid() != 0) {
        print_error("this command must be run as root");
        return EXIT_FAILURE;
    }
    if (asprintf(&option, "--copy-store=%s", optind < argc ? argv[optind] : SQLITE_STORE) < 0)
        out_of_memory();
    if (store_run("copy", option, &output) != 0)
        return failed(output, "");
    if (json)
        print_numbers_json(output, names);
    else
        printf(
            "Copied: %lld sessions, %lld revoked sessions, %lld users, %lld exchanged tokens\n",
            number_of(output, "session"), number_of(output, "revoked"),
            number_of(output, "user"), number_of(output, "spent"));
    return EXIT_SUCCESS;
}
