/* jwtctl config check, config show: the settings as the daemons read them. */
#include "common/config/disabled.h"
#include "common/config/pam_stack.h"
#include "common/config/resolve.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"
#include "jwtctl/verifier.h"

#include <stdio.h>
#include <unistd.h>

#define LOGIN_DROP_IN "/jwtd-login.service.d/faillock.conf"

/* path NULL: the default file, which need not exist. */
static int load_settings(const char *path, struct settings *ret)
{
    struct errmsg errmsg;

    if (resolve_settings(&(struct resolve_params){.config = path}, ret, &errmsg) == TOK_OK)
        return EXIT_SUCCESS;
    return print_failure(EXIT_CONFIG, &errmsg);
}

static int check_maps(const struct settings *settings)
{
    for (size_t i = 0; i < settings->n_issuers; i++) {
        CLEANUP(usermap_clear) struct usermap map = {0};
        const char *path = settings->issuers[i].user_map;
        struct errmsg errmsg;

        if (strcmp(path, "same") == 0 ||
            resolve_map(path, FILE_SETTINGS, &map, &errmsg) == TOK_OK)
            continue;
        return print_failure(EXIT_CONFIG, &errmsg);
    }
    return EXIT_SUCCESS;
}

static bool has_login_drop_in(void)
{
    static const char *const paths[] = {"/etc/systemd/system" LOGIN_DROP_IN,
                                        "/run/systemd/system" LOGIN_DROP_IN,
                                        "/usr/lib/systemd/system" LOGIN_DROP_IN};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (access(paths[i], F_OK) == 0)
            return true;
    return false;
}

static bool report_lockout(void *arg, const char *dir)
{
    int *status = arg;

    print_error("the PAM stack of service jwtd contains pam_faillock, and jwtd-login cannot "
                "write the tallies in %s: every login is answered with 503; to install the "
                "drop-in, as root: install -D -m 644 " JWT_DATADIR "/faillock.conf "
                "/etc/systemd/system" LOGIN_DROP_IN " && systemctl daemon-reload && systemctl "
                "try-restart jwtd-login; see jwtd-login(8)",
                dir);
    *status = EXIT_CONFIG;
    return false;
}

/* Finds pam_faillock as jwtd-login does, which also tries to write the directory. */
static int check_lockout(void)
{
    int status = EXIT_SUCCESS;

    if (!has_login_drop_in())
        (void)pam_stack_each_faillock("jwtd", NULL, report_lockout, &status);
    return status;
}

int command_config_check(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    const char *path = NULL;
    const struct option_row options[] = {{.name = "config", .value = &path}, {0}};
    int status = arguments_parse(argc, argv, options, 0);

    if (!status)
        status = load_settings(path, &settings);
    if (!status)
        status = check_maps(&settings);
    if (!status && !path)
        status = check_lockout();
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
    const struct option_row options[] = {
        {.name = "config", .value = &path}, {.name = "json", .flag = &json}, {0}};
    int status = arguments_parse(argc, argv, options, 0);

    if (!status)
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
