#include "common/config/settings.h"

#include "common/base/file.h"
#include "common/config/settings_rows.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum tok_err settings_init(struct settings *ret)
{
    struct settings s = {0};
    const struct settings_row *row;

    for (size_t i = 0; (row = settings_row_at(i)); i++) {
        enum tok_err err;

        if (row->unset)
            continue;
        err = setting_set(&s, &row->setting, slice_of(row->setting.standard), ' ');
        if (err) {
            settings_clear(&s);
            return err;
        }
    }
    *ret = s;
    return TOK_OK;
}

void settings_clear(struct settings *s)
{
    const struct settings_row *row;

    for (size_t i = 0; (row = settings_row_at(i)); i++)
        setting_clear(s, &row->setting);
    for (size_t i = 0; i < s->n_issuers; i++) {
        free(s->issuers[i].url);
        policy_clear(&s->issuers[i].policy);
    }
    free(s->issuers);
    *s = (struct settings){0};
}

const struct settings_issuer *settings_find_issuer(const struct settings *s, struct slice iss)
{
    for (size_t i = 0; i < s->n_issuers; i++)
        if (slice_is(iss, s->issuers[i].url))
            return &s->issuers[i];
    return NULL;
}

typedef void (*tell_fn)(void *arg, const char *section, const char *key, const char *value,
                        const char *standard);

/* What a word of an [Issuer] section is told with. */
struct telling {
    const char *section;
    tell_fn fn;
    void *arg;
};

static void tell_word(void *arg, const char *word, const char *value, const char *standard)
{
    const struct telling *t = arg;

    t->fn(t->arg, t->section, word, value, standard);
}

static enum tok_err tell_issuer(const struct settings_issuer *issuer, tell_fn fn, void *arg)
{
    CLEANUP(cleanup_free) char *section = NULL;
    struct telling t = {.fn = fn, .arg = arg};
    enum tok_err err;

    if (asprintf(&section, "Issuer %s", issuer->url) < 0) {
        section = NULL;
        return TOK_NO_MEMORY;
    }
    t.section = section;
    err = policy_each_given(&issuer->policy, POLICY_CAMEL, tell_word, &t);
    if (err)
        return err;
    if (!policy_given(&issuer->policy, "user_map"))
        fn(arg, section, "UserMap", issuer->policy.user_map, issuer->policy.user_map);
    return TOK_OK;
}

enum tok_err settings_each(const struct settings *s, tell_fn fn, void *arg)
{
    const struct settings_row *row;
    enum tok_err err;

    for (size_t i = 0; (row = settings_row_at(i)); i++) {
        CLEANUP(cleanup_free) char *value = NULL;

        err = setting_text(s, &row->setting, 0, ' ', &value);
        if (err)
            return err;
        /* In force is then what the default's text tells of. */
        fn(arg, row->section, row->key, row->unset && !*value ? row->setting.standard : value,
           row->setting.standard);
    }
    for (size_t i = 0; i < s->n_issuers; i++) {
        err = tell_issuer(&s->issuers[i], fn, arg);
        if (err)
            return err;
    }
    return TOK_OK;
}

static enum tok_err read_one(struct settings *s, const char *path, bool may_be_missing,
                             struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t n;
    int error = 0;
    enum tok_err err =
        file_read(path, FILE_SETTINGS, SETTINGS_FILE_MAX, &text, &n, &error, errmsg);

    if (err == TOK_FILE && may_be_missing && error == ENOENT)
        return TOK_OK;
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    return settings_parse(s, path, (struct slice){text, n}, errmsg);
}

/* Who can take a drop-in away can take a protection away. */
static enum tok_err check_directory(const char *path, int fd, struct errmsg *errmsg)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: can't look at: %s", path,
                          strerrordesc_np(errno));
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "%s: is owned by uid %lu with mode %04o; allowed is a directory that is "
            "owned by root and not writable by group and others",
            path, (unsigned long)st.st_uid, (unsigned)(st.st_mode & ALLPERMS));
    return TOK_OK;
}

/* Hidden files and what editors and dpkg leave behind are no drop-ins. */
static int is_drop_in(const struct dirent *entry)
{
    static const char ending[] = ".conf";
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n >= sizeof(ending) &&
           strcmp(entry->d_name + n - (sizeof(ending) - 1), ending) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct names {
    struct dirent **list;
    int n;
};

static void names_free(struct names *names)
{
    for (int i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
}

static enum tok_err read_drop_ins(struct settings *s, const char *path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    CLEANUP(names_free) struct names names = {0};
    enum tok_err err;

    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return TOK_OK;
    if (fd < 0)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: can't open: %s", path,
                          strerrordesc_np(errno));
    err = check_directory(path, fd, errmsg);
    if (err)
        return err;
    names.n = scandirat(fd, ".", &names.list, is_drop_in, by_bytes);
    if (names.n < 0)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: can't read: %s", path,
                          strerrordesc_np(errno));
    for (int i = 0; i < names.n; i++) {
        CLEANUP(cleanup_free) char *file = NULL;

        if (asprintf(&file, "%s/%s", path, names.list[i]->d_name) < 0) {
            file = NULL;
            return TOK_NO_MEMORY;
        }
        err = read_one(s, file, false, errmsg);
        if (err)
            return err;
    }
    return TOK_OK;
}

/* An RSA signature alone is 342 letters: no token of it fits into what sudo, su and xrdp take,
 * so whoever wants one says that other programs will be its readers. */
static enum tok_err check_length(const struct settings *s, const char *path,
                                 struct errmsg *errmsg)
{
    const struct alg *alg = s->token.algorithm;

    if (!alg || alg->kind != ALG_RSA || s->token.max_token_length > SETTINGS_TOKEN_LENGTH)
        return TOK_OK;
    return errmsg_set(
        errmsg, TOK_SETTINGS,
        "%s: Algorithm=%s makes tokens of more than %d bytes, which sudo and su can't "
        "take; it is allowed with MaxTokenLength= set to what their readers take "
        "(1024 say)",
        path, alg->name, SETTINGS_TOKEN_LENGTH);
}

static enum tok_err load(const char *path, struct settings *s, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *drop_ins = NULL;
    enum tok_err err = settings_init(s);

    if (!err)
        err = read_one(s, path, true, errmsg);
    if (err)
        return err;
    if (asprintf(&drop_ins, "%s.d", path) < 0) {
        drop_ins = NULL;
        return TOK_NO_MEMORY;
    }
    err = read_drop_ins(s, drop_ins, errmsg);
    return err ? err : check_length(s, path, errmsg);
}

enum tok_err settings_load(const char *path, struct settings *ret, struct errmsg *errmsg)
{
    struct settings s = {0};
    enum tok_err err = load(path, &s, errmsg);

    if (err == TOK_OK) {
        *ret = s;
        return TOK_OK;
    }
    settings_clear(&s);
    *ret = (struct settings){0};
    return err == TOK_NO_MEMORY ? errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err))
                                : err;
}
