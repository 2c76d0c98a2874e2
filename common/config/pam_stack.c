#include "common/config/pam_stack.h"

#include "common/base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MODULE "pam_faillock.so"
#define FAILLOCK_CONF "/etc/security/faillock.conf"
#define BLANKS " \t\r\n"
#define INCLUDES_MAX 32 /* PAM_SUBSTACK_MAX_LEVEL of libpam */

DEFINE_CLEANUP(FILE *, cleanup_stream, fclose)

struct stack_walk {
    const char *confdir;
    bool (*visit)(void *arg, const char *dir);
    void *arg;
    unsigned depth;
    bool has_auth; /* a line of type auth was seen */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);

    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* Keeps ret_dir when there is no such file, or none with a line "dir = PATH". */
static void read_faillock_conf(const char *path, char ret_dir[PATH_MAX])
{
    CLEANUP(cleanup_stream) FILE *file = fopen(path, "re");
    CLEANUP(cleanup_free) char *line = NULL;
    size_t size = 0;

    while (file && getline(&line, &size, file) > 0) {
        char *rest = line, *key, *value;

        line[strcspn(line, "#")] = '\0';
        key = strtok_r(line, "=" BLANKS, &rest);
        value = strtok_r(NULL, "=" BLANKS, &rest);
        if (key && value && strcmp(key, "dir") == 0 && value[0] == '/')
            (void)snprintf(ret_dir, PATH_MAX, "%s", value);
    }
}

/* The options of a line of pam_faillock. */
static bool visit_line(const struct stack_walk *w, char *options)
{
    const char *conf = FAILLOCK_CONF, *option_dir = NULL;
    char dir[PATH_MAX] = PAM_FAILLOCK_DIR;
    char *option;

    while ((option = strtok_r(NULL, "[]" BLANKS, &options))) {
        if (strncmp(option, "conf=", strlen("conf=")) == 0)
            conf = option + strlen("conf=");
        else if (strncmp(option, "dir=/", strlen("dir=/")) == 0)
            option_dir = option + strlen("dir=");
    }
    read_faillock_conf(conf, dir);
    return w->visit(w->arg, option_dir ? option_dir : dir);
}

static bool walk_file(struct stack_walk *w, const char *name);

static bool walk_auth_line(struct stack_walk *w, char *rest)
{
    const char *word = strtok_r(NULL, BLANKS, &rest);

    w->has_auth = true;
    if (word && (strcasecmp(word, "include") == 0 || strcasecmp(word, "substack") == 0))
        return walk_file(w, strtok_r(NULL, BLANKS, &rest));
    for (; word; word = strtok_r(NULL, BLANKS, &rest))
        if (ends_with(word, MODULE))
            return visit_line(w, rest);
    return true;
}

static bool walk_line(struct stack_walk *w, char *line)
{
    char *rest = line;
    const char *type;

    line[strcspn(line, "#")] = '\0';
    type = strtok_r(line, BLANKS, &rest);
    if (!type)
        return true;
    if (strcasecmp(type, "@include") == 0)
        return walk_file(w, strtok_r(NULL, BLANKS, &rest));
    return strcasecmp(type + (type[0] == '-'), "auth") != 0 || walk_auth_line(w, rest);
}

/* Reads a line with those that follow a backslash at its end. NULL at the end of the file. */
static char *read_line(FILE *file)
{
    CLEANUP(cleanup_free) char *part = NULL;
    char *line = NULL, *longer;
    size_t size = 0, n = 0;
    ssize_t got;

    while ((got = getline(&part, &size, file)) > 0) {
        longer = realloc(line, n + (size_t)got + 1);
        if (!longer)
            break;
        line = longer;
        memcpy(line + n, part, (size_t)got + 1);
        n += (size_t)got;
        if (n < 2 || strcmp(line + n - 2, "\\\n") != 0)
            break;
        n -= 2;
        line[n++] = ' ';
    }
    return line;
}

static FILE *open_stack(const struct stack_walk *w, const char *name)
{
    const char *const dirs[] = {w->confdir ? w->confdir : "/etc/pam.d",
                                w->confdir ? NULL : "/usr/lib/pam.d"};
    char path[PATH_MAX];
    FILE *file = NULL;

    if (name[0] == '/')
        return fopen(name, "re");
    for (size_t i = 0; !file && i < 2 && dirs[i]; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
        file = fopen(path, "re");
        if (!file && errno != ENOENT)
            return NULL;
    }
    return file;
}

/* A file that does not exist contains nothing: libpam refuses a stack that includes it. */
static bool walk_file(struct stack_walk *w, const char *name)
{
    CLEANUP(cleanup_stream) FILE *file = name ? open_stack(w, name) : NULL;
    bool goes_on = true;

    if (!file)
        return !name || errno == ENOENT;
    if (w->depth >= INCLUDES_MAX)
        return false;
    w->depth++;
    while (goes_on) {
        CLEANUP(cleanup_free) char *line = read_line(file);

        if (!line)
            break;
        goes_on = walk_line(w, line);
    }
    w->depth--;
    return goes_on && !ferror(file);
}

bool pam_stack_each_faillock(const char *service, const char *confdir,
                             bool (*visit)(void *arg, const char *dir), void *arg)
{
    struct stack_walk w = {.confdir = confdir, .visit = visit, .arg = arg};
    return walk_file(&w, service) && (w.has_auth || walk_file(&w, "other"));
}
