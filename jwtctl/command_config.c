/* jwtctl config check, config show: the settings as the daemons read them. */
#include "common/config/disabled.h"
#include "common/config/resolve.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"
#include "jwtctl/settings_check.h"
#include "jwtctl/verifier.h"

#include <stdio.h>

#define CONFIG_ROW(to)                                                                         \
    {                                                                                          \
        "config", "PATH", "instead of " POLICY_CONFIG, .value = (to)                           \
    }

/* path NULL: the default file, which need not exist. */
static int load_settings(const char *path, struct settings *ret)
{
    struct errmsg errmsg;

    if (resolve_settings(&(struct resolve_params){.config = path}, ret, &errmsg) == TOK_OK)
        return EXIT_SUCCESS;
    return print_failure(EXIT_CONFIG, &errmsg);
}

static void print_problem(void *arg, enum settings_level level, const struct errmsg *errmsg,
                          const char *remedy)
{
    if (level == SETTINGS_NOTE)
        print_note("note", errmsg->text);
    else
        print_error("%s%s%s%s", level == SETTINGS_WARNING ? "warning: " : "", errmsg->text,
                    remedy ? "; to correct it, as root: " : "", remedy ? remedy : "");
    if (level == SETTINGS_ERROR)
        *(int *)arg = EXIT_CONFIG;
}

int command_config_check(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    const char *path = NULL;
    const struct option_row options[] = {CONFIG_ROW(&path), {0}};
    int status;

    arguments_parse(argc, argv, options, 0);
    status = load_settings(path, &settings);
    if (!status)
        settings_check(&settings, path, print_problem, &status);
    if (status)
        return status;
    printf("%s: ok\n", path ? path : POLICY_CONFIG);
    print_disabled();
    return EXIT_SUCCESS;
}

/* In the syntax of jwt.conf, with defaults as comments. */
static void show_line(void *arg, const char *section, const char *key, const char *value,
                      bool is_default)
{
    char **heading = arg;

    if (!*heading || strcmp(*heading, section) != 0) {
        printf("%s[%s]\n", *heading ? "\n" : "", section);
        free(*heading);
        *heading = strdup(section);
        if (!*heading)
            out_of_memory();
    }
    printf("%s%s=%s\n", is_default ? "#" : "", key, value);
}

static void add_json(void *arg, const char *section, const char *key, const char *value,
                     bool is_default)
{
    struct json_object *row = json_new_object();

    json_add_string(row, "section", slice_of(section));
    json_add_string(row, "key", slice_of(key));
    json_add_string(row, "value", slice_of(value));
    json_add_bool(row, "default", is_default);
    json_append(arg, row);
}

int command_config_show(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    CLEANUP(cleanup_json) struct json_object *list = json_new_array();
    CLEANUP(cleanup_free) char *heading = NULL;
    const char *path = NULL;
    bool json = false;
    const struct option_row options[] = {CONFIG_ROW(&path), OPTION_OUTPUT(&json), {0}};
    int status;

    arguments_parse(argc, argv, options, 0);
    status = load_settings(path, &settings);
    if (status)
        return status;
    if (settings_each(&settings, json ? add_json : show_line,
                      json ? (void *)list : (void *)&heading) != TOK_OK)
        out_of_memory();
    if (json)
        json_print(list);
    return EXIT_SUCCESS;
}
