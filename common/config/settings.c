#include "common/config/settings.h"

#include "common/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

enum tok_err settings_init(struct settings *ret)
{
    *ret = (struct settings){0};
    return keywords_init(settings_keywords, ret);
}

void settings_clear(struct settings *s)
{
    keywords_clear(settings_keywords, s);
    for (size_t i = 0; i < s->n_issuers; i++)
        policy_clear(&s->issuers[i]);
    free(s->issuers);
    *s = (struct settings){0};
}

const struct policy *settings_find_issuer(const struct settings *s, struct slice iss)
{
    for (size_t i = 0; i < s->n_issuers; i++)
        if (slice_is(iss, s->issuers[i].issuer))
            return &s->issuers[i];
    return NULL;
}

bool settings_exchange(const struct settings *s)
{
    for (size_t i = 0; s->session.check_account && i < s->n_issuers; i++)
        if (s->issuers[i].exchange)
            return true;
    return false;
}

static enum tok_err each_key(const struct policy *p, settings_fn *fn, void *arg)
{
    char section[sizeof("Issuer ") + VALUE_NAME_MAX];

    (void)snprintf(section, sizeof(section), "Issuer %s", p->issuer);
    for (const struct keyword *k = policy_keywords; k->name; k++) {
        CLEANUP(cleanup_free) char *value = NULL;
        enum tok_err err;

        if (!policy_has(p, k) && strcmp(k->name, "UserMap") != 0)
            continue;
        if (k->type->adds) {
            for (char **one = *(word_list *)keyword_member(k, p); *one; one++)
                fn(arg, section, k->name, *one, false);
            continue;
        }
        err = k->type->format(k, p, &value);
        if (err)
            return err;
        fn(arg, section, k->name, value, false);
    }
    return TOK_OK;
}

enum tok_err settings_each(const struct settings *s, settings_fn *fn, void *arg)
{
    enum tok_err err = TOK_OK;

    for (const struct keyword *k = settings_keywords; k->type; k++) {
        CLEANUP(cleanup_free) char *text = NULL;
        const char *value, *standard = k->shown ? k->shown : k->initial;

        err = k->type->format(k, s, &text);
        if (err)
            return err;
        value = k->shown && !*text ? k->shown : text;
        fn(arg, k->section, k->name, value, strcmp(value, standard) == 0);
    }
    for (size_t i = 0; !err && i < s->n_issuers; i++)
        err = each_key(&s->issuers[i], fn, arg);
    return err;
}

static enum tok_err read_file(struct settings *s, const char *path, bool may_be_missing,
                              struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    enum tok_err err = file_read(path, FILE_SETTINGS, SETTINGS_FILE_MAX, &text, errmsg);

    if (may_be_missing && file_is_missing(err, errmsg))
        return TOK_OK;
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    return settings_parse(s, path, secret_slice(&text), errmsg);
}

/* Editors and dpkg leave hidden files and files with other endings behind. */
static int is_drop_in(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && ending && strcmp(ending, ".conf") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* fd is what opening the directory gave. A user who can remove a drop-in can remove a
 * restriction. */
static enum tok_err check_directory(const char *path, int fd, struct errmsg *errmsg)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: cannot open: %s", path,
                          strerrordesc_np(errno));
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "%s: owner is uid %lu, mode is %04o: expected owner root and no "
                          "write permission for group and others",
                          path, (unsigned long)st.st_uid, (unsigned)(st.st_mode & ALLPERMS));
    return TOK_OK;
}

static enum tok_err read_drop_ins(struct settings *s, const char *path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP(cleanup_free) struct dirent **entries = NULL;
    enum tok_err err;
    int n;

    if (fd < 0 && errno == ENOENT)
        return TOK_OK;
    err = check_directory(path, fd, errmsg);
    if (err)
        return err;
    n = scandirat(fd, ".", &entries, is_drop_in, compare_names);
    if (n < 0)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: cannot read: %s", path,
                          strerrordesc_np(errno));
    for (int i = 0; i < n; i++) {
        CLEANUP(cleanup_free) struct dirent *entry = entries[i];
        CLEANUP(cleanup_free) char *file = NULL;

        if (!err)
            err = text_concat(path, "/", entry->d_name, &file);
        if (!err)
            err = read_file(s, file, false, errmsg);
    }
    return err;
}

/* An RSA signature alone has 342 letters, too long for what sudo, xrdp and polkit accept. The
 * setting must say that tokens are meant for other programs. */
static enum tok_err check_length(const struct settings *s, const char *path,
                                 struct errmsg *errmsg)
{
    const struct alg *alg = s->token.algorithm;

    if (alg->kind != ALG_RSA || s->token.max_token_length > SETTINGS_TOKEN_LENGTH)
        return TOK_OK;
    return errmsg_set(
        errmsg, TOK_SETTINGS,
        "%s: Algorithm=%s makes tokens of more than %d bytes, which sudo does not accept: "
        "set MaxTokenLength= to what the programs in use accept, such as 1023 for ssh",
        path, alg->name, SETTINGS_TOKEN_LENGTH);
}

/* Issuers of one fleet have one store and one pair of names, and verify each other's tokens
 * with public keys. */
static enum tok_err check_fleet(const struct settings *s, const char *path,
                                struct errmsg *errmsg)
{
    const char *fault = NULL;

    if (s->store.path && s->store.database)
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "%s: [Store] has Path= and Database=: expected one of them", path);
    if (!s->fleet.issuers)
        return TOK_OK;
    for (size_t i = 0; s->fleet.issuers[i]; i++)
        if (i == SETTINGS_FLEET_MAX)
            fault = "at most 64 thumbprints";
    if (!s->store.database)
        fault = "Database= in [Store]";
    else if (!s->token.issuer || !s->token.audience)
        fault = "Issuer= and Audience= in [Token], the same on each issuing host";
    else if (s->token.algorithm->kind == ALG_OCT)
        fault = "another Algorithm= than an HMAC, whose keys are not shared";
    return !fault ? TOK_OK
                  : errmsg_set(errmsg, TOK_SETTINGS, "%s: [Fleet] has Issuers=: expected %s",
                               path, fault);
}

enum tok_err settings_load(const char *path, struct settings *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *drop_ins = NULL;
    enum tok_err err = settings_init(ret);

    if (!err)
        err = read_file(ret, path, true, errmsg);
    if (!err)
        err = text_concat(path, "", ".d", &drop_ins);
    if (!err)
        err = read_drop_ins(ret, drop_ins, errmsg);
    if (!err)
        err = check_length(ret, path, errmsg);
    if (!err)
        err = check_fleet(ret, path, errmsg);
    if (err)
        settings_clear(ret);
    return err == TOK_NO_MEMORY ? errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err))
                                : err;
}
