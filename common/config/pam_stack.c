#include "common/config/pam_stack.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MODULE "pam_faillock.so"
#define FAILLOCK_CONF "/etc/security/faillock.conf"
#define BLANKS " \t\r\n"
#define INCLUDES_MAX 32 /* PAM_SUBSTACK_MAX_LEVEL of libpam */
#define FILE_MAX ((size_t)1 << 20)

struct stack_walk {
    const char *confdir;
    bool (*visit)(void *arg, const char *dir);
    void *arg;
    unsigned depth;
    bool has_auth; /* a line of type auth was seen */
};

/* Reads a whole file; a NUL follows. */
static bool read_all(const char *path, int fd, struct secret *ret)
{
    struct errmsg errmsg;

    return file_read_opened(path, fd, FILE_MAX, ret, &errmsg) == TOK_OK;
}

/* Keeps ret_dir when there is no such file, or none with a line "dir = PATH". False when it
 * cannot be read. */
static bool read_faillock_conf(const char *path, char ret_dir[PATH_MAX])
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(secret_clear) struct secret text = {0};
    char *lines, *line;

    if (fd < 0)
        return errno == ENOENT;
    if (!read_all(path, fd, &text))
        return false;
    for (line = strtok_r(text.p, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
        char *rest, *key, *value;

        line[strcspn(line, "#")] = '\0';
        key = strtok_r(line, "=" BLANKS, &rest);
        value = key ? strtok_r(NULL, "=" BLANKS, &rest) : NULL;
        if (value && strcmp(key, "dir") == 0 && value[0] == '/')
            (void)snprintf(ret_dir, PATH_MAX, "%s", value);
    }
    return true;
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
    return read_faillock_conf(conf, dir) && w->visit(w->arg, option_dir ? option_dir : dir);
}

static bool walk_file(struct stack_walk *w, const char *name);

static bool walk_auth_line(struct stack_walk *w, char *rest)
{
    const char *word = strtok_r(NULL, BLANKS, &rest);

    w->has_auth = true;
    if (word && (strcasecmp(word, "include") == 0 || strcasecmp(word, "substack") == 0))
        return walk_file(w, strtok_r(NULL, BLANKS, &rest));
    for (; word; word = strtok_r(NULL, BLANKS, &rest))
        if (text_ends_with(slice_of(word), MODULE))
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

/* A descriptor; -1 with errno. */
static int open_stack(const struct stack_walk *w, const char *name)
{
    const char *const dirs[] = {w->confdir ? w->confdir : "/etc/pam.d",
                                w->confdir ? NULL : "/usr/lib/pam.d"};
    char path[PATH_MAX];
    int fd = -1;

    if (name[0] == '/')
        return open(name, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; fd < 0 && i < 2 && dirs[i]; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            break;
    }
    return fd;
}

/* Joins each line that ends with a backslash and the next. */
static void join_lines(char *text)
{
    for (char *p = strchr(text, '\\'); p; p = strchr(p + 1, '\\'))
        if (p[1] == '\n')
            p[0] = p[1] = ' ';
}

/* A file that does not exist contains nothing: libpam refuses a stack that includes it. */
static bool walk_file(struct stack_walk *w, const char *name)
{
    CLEANUP(cleanup_close) int fd = name ? open_stack(w, name) : -1;
    CLEANUP(secret_clear) struct secret text = {0};
    bool goes_on = true;
    char *rest, *line;

    if (fd < 0)
        return !name || errno == ENOENT;
    if (w->depth >= INCLUDES_MAX || !read_all(name, fd, &text))
        return false;
    w->depth++;
    join_lines(text.p);
    for (line = strtok_r(text.p, "\n", &rest); line && goes_on;
         line = strtok_r(NULL, "\n", &rest))
        goes_on = walk_line(w, line);
    w->depth--;
    return goes_on;
}

bool pam_stack_each_faillock(const char *service, const char *confdir,
                             bool (*visit)(void *arg, const char *dir), void *arg)
{
    struct stack_walk w = {.confdir = confdir, .visit = visit, .arg = arg};
    return walk_file(&w, service) && (w.has_auth || walk_file(&w, "other"));
}
