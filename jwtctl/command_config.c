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

struct check_report {
    struct json_object *problems; /* NULL: they are printed at once */
    int status;
};

static void report_problem(void *arg, enum settings_level level, const struct errmsg *errmsg,
                           const char *remedy)
{
    static const char *const levels[] = {
        [SETTINGS_NOTE] = "note", [SETTINGS_WARNING] = "warning", [SETTINGS_ERROR] = "error"};
    struct check_report *r = arg;

    if (level == SETTINGS_ERROR)
        r->status = EXIT_CONFIG;
    if (r->problems) {
        struct json_object *row = json_new_object();

        json_add_string(row, "level", slice_of(levels[level]));
        json_add_string(row, "message", slice_of(errmsg->text));
        json_add_string(row, "remedy", remedy ? slice_of(remedy) : (struct slice){0});
        json_append(r->problems, row);
    } else if (level == SETTINGS_NOTE) {
        print_note("note", errmsg->text);
    } else {
        print_error("%s%s%s%s", level == SETTINGS_WARNING ? "warning: " : "", errmsg->text,
                    remedy ? "; to correct it, as root: " : "", remedy ? remedy : "");
    }
}

static void print_report_json(const struct check_report *r, const char *path)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add_string(answer, "file", slice_of(path));
    json_add_bool(answer, "valid", r->status == EXIT_SUCCESS);
    json_add_bool(answer, "disabled", disabled_check(NULL) != TOK_OK);
    json_add(answer, "problems", r->problems);
    json_print(answer);
}

int command_config_check(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    struct check_report report = {0};
    const char *path = NULL;
    bool json = false;
    const struct option_row options[] = {CONFIG_ROW(&path), OPTION_OUTPUT(&json), {0}};
    struct errmsg errmsg;

    arguments_parse(argc, argv, options, 0);
    if (json)
        report.problems = json_new_array();
    if (resolve_settings(&(struct resolve_params){.config = path}, &settings, &errmsg))
        report_problem(&report, SETTINGS_ERROR, &errmsg, NULL);
    else
        settings_check(&settings, path, report_problem, &report);
    path = path ? path : POLICY_CONFIG;
    if (json) {
        print_report_json(&report, path);
    } else if (report.status == EXIT_SUCCESS) {
        printf("%s: ok\n", path);
        print_disabled();
    }
    return report.status;
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
    struct errmsg errmsg;

    arguments_parse(argc, argv, options, 0);
    if (resolve_settings(&(struct resolve_params){.config = path}, &settings, &errmsg))
        return print_failure(EXIT_CONFIG, &errmsg);
    if (settings_each(&settings, json ? add_json : show_line,
                      json ? (void *)list : (void *)&heading) != TOK_OK)
        out_of_memory();
    if (json)
        json_print(list);
    return EXIT_SUCCESS;
}
