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
#define JOINED '\v' /* in place of a newline after a backslash */
#define BLANKS " \t\r\n"
#define INCLUDES_MAX 32 /* PAM_SUBSTACK_MAX_LEVEL of libpam */
#define FILE_MAX ((size_t)1 << 20)

struct stack_walk {
    const char *confdir, *type;
    bool (*visit)(void *arg, const struct pam_line *line);
    void *arg;
    struct pam_line at; /* file, line, from_line and substacks of the line that is read */
    unsigned depth;     /* of included files */
    bool has_lines;     /* of the type */
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

char *pam_stack_word(char **rest)
{
    char *word = *rest + strspn(*rest, BLANKS), *end;

    if (!*word)
        return NULL;
    end = *word == '[' ? strchr(++word, ']') : NULL;
    if (!end)
        end = word + strcspn(word, BLANKS);
    *rest = end + (*end != '\0');
    *end = '\0';
    return word;
}

static bool walk_file(struct stack_walk *w, const char *name);

static bool walk_substack(struct stack_walk *w, struct pam_line *line, const char *name)
{
    char none[] = "";
    bool goes_on;

    line->module = line->arguments = none;
    if (!w->visit(w->arg, line))
        return false;
    w->at.substacks++;
    goes_on = walk_file(w, name);
    w->at.substacks--;
    return goes_on;
}

static bool walk_module(struct stack_walk *w, char *rest)
{
    struct pam_line line = w->at;

    w->has_lines = true;
    line.control = pam_stack_word(&rest);
    if (line.control && strcasecmp(line.control, "include") == 0)
        return walk_file(w, pam_stack_word(&rest));
    if (line.control && strcasecmp(line.control, "substack") == 0)
        return walk_substack(w, &line, pam_stack_word(&rest));
    line.module = pam_stack_word(&rest);
    line.arguments = rest;
    return !line.module || w->visit(w->arg, &line);
}

static bool walk_line(struct stack_walk *w, char *line)
{
    const char *type;

    line[strcspn(line, "#")] = '\0';
    type = pam_stack_word(&line);
    if (!type)
        return true;
    if (strcasecmp(type, "@include") == 0)
        return walk_file(w, pam_stack_word(&line));
    return strcasecmp(type + (type[0] == '-'), w->type) != 0 || walk_module(w, line);
}

/* A descriptor, and the file's path; -1 with errno. */
static int open_stack(const struct stack_walk *w, const char *name, char ret_path[PATH_MAX])
{
    const char *const dirs[] = {w->confdir ? w->confdir : "/etc/pam.d",
                                w->confdir ? NULL : "/usr/lib/pam.d"};
    int fd = -1;

    (void)snprintf(ret_path, PATH_MAX, "%s", name);
    if (name[0] == '/')
        return open(name, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; fd < 0 && i < 2 && dirs[i]; i++) {
        (void)snprintf(ret_path, PATH_MAX, "%s/%s", dirs[i], name);
        fd = open(ret_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            break;
    }
    return fd;
}

/* Joins each line that ends with a backslash and the next. */
static void join_lines(char *text)
{
    while ((text = strstr(text, "\\\n"))) {
        text[0] = ' ';
        text[1] = JOINED;
    }
}

static bool walk_text(struct stack_walk *w, char *text)
{
    unsigned next = 1;
    bool goes_on = true;

    join_lines(text);
    while (goes_on && *text) {
        char *line = text;

        w->at.line = next++;
        for (; *text && *text != '\n'; text++) {
            if (*text != JOINED)
                continue;
            *text = ' ';
            next++;
        }
        if (*text)
            *text++ = '\0';
        goes_on = walk_line(w, line);
    }
    return goes_on;
}

/* A file that does not exist contains nothing: libpam refuses a stack that includes it. */
static bool walk_file(struct stack_walk *w, const char *name)
{
    char path[PATH_MAX];
    CLEANUP(cleanup_close) int fd = name ? open_stack(w, name, path) : -1;
    CLEANUP(secret_clear) struct secret text = {0};
    const struct pam_line outer = w->at;
    bool goes_on;

    if (fd < 0)
        return !name || errno == ENOENT;
    if (w->depth >= INCLUDES_MAX || !read_all(name, fd, &text))
        return false;
    if (w->depth++ == 1)
        w->at.from_line = w->at.line;
    w->at.file = path;
    goes_on = walk_text(w, text.p);
    w->depth--;
    w->at = outer;
    return goes_on;
}

bool pam_stack_each(const struct pam_stack *stack,
                    bool (*visit)(void *arg, const struct pam_line *line), void *arg)
{
    struct stack_walk w = {
        .confdir = stack->confdir, .type = stack->type, .visit = visit, .arg = arg};

    return walk_file(&w, stack->service) && (w.has_lines || walk_file(&w, "other"));
}

struct faillock_visit {
    bool (*visit)(void *arg, const char *dir);
    void *arg;
};

static bool visit_faillock(void *arg, const struct pam_line *line)
{
    const struct faillock_visit *v = arg;
    const char *conf = FAILLOCK_CONF, *option_dir = NULL, *option;
    char dir[PATH_MAX] = PAM_FAILLOCK_DIR, *rest = line->arguments;

    if (!text_ends_with(slice_of(line->module), MODULE))
        return true;
    while ((option = pam_stack_word(&rest))) {
        if (strncmp(option, "conf=", strlen("conf=")) == 0)
            conf = option + strlen("conf=");
        else if (strncmp(option, "dir=/", strlen("dir=/")) == 0)
            option_dir = option + strlen("dir=");
    }
    return read_faillock_conf(conf, dir) && v->visit(v->arg, option_dir ? option_dir : dir);
}

bool pam_stack_each_faillock(const char *service, const char *confdir,
                             bool (*visit)(void *arg, const char *dir), void *arg)
{
    struct faillock_visit v = {visit, arg};

    return pam_stack_each(
        &(struct pam_stack){.service = service, .confdir = confdir, .type = "auth"},
        visit_faillock, &v);
}
