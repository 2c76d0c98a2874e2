/* jwtctl config check, config show: the settings file, as the daemons will read it. */
#include "common/base/cleanup.h"
#include "common/config/resolve.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct config {
    const char *path; /* NULL: the default one, which may be missing */
    bool json;
};

static int parse(int argc, char **argv, bool json, struct config *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'c')
            ret->path = optarg;
        else if (c == 'j' && json)
            ret->json = true;
        else if (c == 'j')
            return complain_usage(argv[0], "there is no --json: the exit status tells");
        else
            return EXIT_USAGE;
    }
    if (optind < argc)
        return complain_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    return EXIT_SUCCESS;
}

static int read_settings(const struct config *c, struct settings *ret)
{
    const struct resolve_params ask = {.config = c->path};
    struct errmsg errmsg;

    if (resolve_settings(&ask, ret, &errmsg) == TOK_OK)
        return EXIT_SUCCESS;
    complain("%s", errmsg.text);
    return EXIT_BROKEN;
}

/* The files beside the settings that a person writes by hand. */
static int check_maps(const struct settings *settings)
{
    for (size_t i = 0; i < settings->n_issuers; i++) {
        CLEANUP(usermap_clear) struct usermap map = {0};
        const char *path = settings->issuers[i].policy.user_map;
        struct errmsg errmsg;

        if (strcmp(path, "same") == 0 ||
            resolve_map(path, FILE_SETTINGS, &map, &errmsg) == TOK_OK)
            continue;
        complain("%s", errmsg.text);
        return EXIT_BROKEN;
    }
    return EXIT_SUCCESS;
}

int command_config_check(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    struct config c = {0};
    int status = parse(argc, argv, false, &c);

    if (!status)
        status = read_settings(&c, &settings);
    if (!status)
        status = check_maps(&settings);
    if (status)
        return status;
    printf("%s: ok\n", c.path ? c.path : POLICY_CONFIG);
    return EXIT_SUCCESS;
}

struct show {
    struct text text;
    char *section; /* the one whose heading is out */
    bool failed;
};

static void show_clear(struct show *s)
{
    text_clear(&s->text);
    free(s->section);
}

/* What an [Issuer] section says it says, a default's value too: Keys= must be there. */
static bool is_default(const char *section, const char *value, const char *standard)
{
    return strncmp(section, "Issuer ", 7) != 0 && strcmp(value, standard) == 0;
}

/* A file's spelling, in which a default is a comment: it can be copied into jwt.conf. */
static void show_line(void *arg, const char *section, const char *key, const char *value,
                      const char *standard)
{
    struct show *s = arg;

    if (!s->section || strcmp(s->section, section) != 0) {
        text_puts(&s->text, s->section ? "\n[" : "[");
        text_puts(&s->text, section);
        text_puts(&s->text, "]\n");
        free(s->section);
        s->section = strdup(section);
        s->failed = s->failed || !s->section;
    }
    if (is_default(section, value, standard))
        text_puts(&s->text, "#");
    text_puts(&s->text, key);
    text_puts(&s->text, "=");
    text_puts(&s->text, value);
    text_puts(&s->text, "\n");
}

static void json_member(struct text *text, const char *name, const char *value)
{
    text_json(text, slice_of(name));
    text_puts(text, ":");
    text_json(text, slice_of(value));
    text_puts(text, ",");
}

static void show_json(void *arg, const char *section, const char *key, const char *value,
                      const char *standard)
{
    struct text *text = &((struct show *)arg)->text;

    text_puts(text, text->n > 0 ? ",{" : "[{");
    json_member(text, "section", section);
    json_member(text, "key", key);
    json_member(text, "value", value);
    text_puts(text, is_default(section, value, standard) ? "\"default\":true}"
                                                         : "\"default\":false}");
}

int command_config_show(int argc, char **argv)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    CLEANUP(show_clear) struct show show = {0};
    struct config c = {0};
    int status = parse(argc, argv, true, &c);

    if (!status)
        status = read_settings(&c, &settings);
    if (status)
        return status;
    if (settings_each(&settings, c.json ? show_json : show_line, &show) != TOK_OK ||
        show.failed) {
        complain("out of memory");
        return EXIT_BROKEN;
    }
    if (c.json)
        text_puts(&show.text, "]");
    else if (show.text.n > 0)
        show.text.n--; /* text_print_line ends the last line */
    return text_print_line(&show.text) ? EXIT_SUCCESS : EXIT_FAILURE;
}
