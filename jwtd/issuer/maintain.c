#include "jwtd/issuer/maintain.h"

#include "common/base/text.h"
#include "jwtd/issuer/load.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

/* SQLite makes files beside the store: they must not be root's. */
static bool leave_root(struct errmsg *errmsg)
{
    const struct passwd *user = getpwnam("jwtd-issuer");

    if (geteuid() != 0 || (user && setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 &&
                           setuid(user->pw_uid) == 0))
        return true;
    (void)errmsg_set(errmsg, TOK_FILE, "cannot change to the user jwtd-issuer: %s",
                     user ? strerrordesc_np(errno) : "there is no such user");
    return false;
}

/* The database, or else the store of the settings: a path or a URL, malloc'ed. */
static enum tok_err find_store(const struct maintenance *m, char **ret, struct errmsg *errmsg)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    enum tok_err err;

    if (m->database)
        return text_concat(m->database, "", "", ret);
    err = settings_load(m->config, &settings, errmsg);
    return err == TOK_OK ? load_store_path(&settings, m->state_dir, ret) : err;
}

static void print_warning(const char *warning)
{
    printf("warning: %s\n", warning);
}

static enum tok_err check_store(const struct maintenance *m, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *where = NULL;
    enum tok_err err = leave_root(errmsg) ? find_store(m, &where, errmsg) : TOK_FILE;

    if (err == TOK_OK)
        err = store_is_shared(where)
                  ? store_check_database(where, m->modules_dir, print_warning, errmsg)
                  : store_check(where, errmsg);
    if (err == TOK_OK)
        printf("%s: no error found\n", where);
    return err;
}

/* As the caller, whose password file or Unix user may be the one of the owner of the tables. */
static enum tok_err migrate_store(const struct maintenance *m, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *where = NULL;
    struct store_versions versions;
    enum tok_err err = find_store(m, &where, errmsg);

    if (err == TOK_OK)
        err = store_migrate(where, m->modules_dir, m->role, &versions, errmsg);
    if (err == TOK_OK)
        printf("before %" PRId64 "\nversion %" PRId64 "\n", versions.before, versions.now);
    return err;
}

static enum tok_err copy_store(const struct maintenance *m, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *where = NULL;
    struct store_copied copied[STORE_COPIED];
    enum tok_err err = leave_root(errmsg) ? find_store(m, &where, errmsg) : TOK_FILE;

    if (err == TOK_OK)
        err = store_copy(m->copy, where, m->modules_dir, copied, errmsg);
    for (size_t i = 0; err == TOK_OK && i < STORE_COPIED; i++)
        printf("%s %" PRId64 "\n", copied[i].table, copied[i].rows);
    return err;
}

int maintain(const struct maintenance *m)
{
    struct errmsg errmsg = {""};
    enum tok_err err = m->migrate ? migrate_store(m, &errmsg)
                       : m->copy  ? copy_store(m, &errmsg)
                                  : check_store(m, &errmsg);

    if (err != TOK_OK)
        printf("%s\n", errmsg.text[0] ? errmsg.text : tok_err_text(err));
    return err == TOK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
