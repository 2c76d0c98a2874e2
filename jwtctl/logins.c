#include "jwtctl/logins.h"

#include "common/base/base64url.h"
#include "common/base/text.h"
#include "jwtctl/client.h"
#include "jwtctl/output.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/file.h>

#define OLD_NAME "session.json" /* of releases that kept one session */
#define IN_USE_NAME "in-use.json"
#define ID_BYTES 16
#define NAME_LETTERS_MAX 32

void logins_clear(struct logins *l)
{
    for (size_t i = 0; i < l->n; i++)
        session_clear(&l->items[i]);
    free(l->items);
    secret_clear(&l->in_use);
    *l = (struct logins){0};
}

static void select_server(struct token_cache *c, const struct secret *server)
{
    char id[BASE64URL_LEN(ID_BYTES) + 1] = "", name[64];
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Q_digest(NULL, "SHA256", NULL, server->p, server->n, digest, NULL) != 1)
        out_of_memory();
    base64url_encode((struct slice){(const char *)digest, ID_BYTES}, id);
    (void)snprintf(name, sizeof(name), "session-%s.json", id);
    token_cache_select(c, name);
}

static bool is_local(const struct secret *server)
{
    return slice_is(secret_slice(server), CLIENT_SOCKET);
}

const char *logins_name(const struct client_session *s)
{
    const char *scheme = strstr(s->server.p, "://");

    if (s->name.p)
        return s->name.p;
    if (is_local(&s->server))
        return LOGIN_LOCAL;
    return scheme ? scheme + strlen("://") : s->server.p;
}

/* *ret stays empty when none was chosen, or the choice cannot be read. */
static void read_in_use(const struct token_cache *c, struct secret *ret)
{
    CLEANUP(token_cache_deselect) struct token_cache file = token_cache_other(c);
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg ignored;

    token_cache_select(&file, IN_USE_NAME);
    if (session_read(&file, &s, &ignored) != TOK_OK)
        return;
    *ret = s.server;
    s.server = (struct secret){0};
}

enum tok_err logins_use(const struct token_cache *c, const struct secret *server,
                        struct errmsg *errmsg)
{
    CLEANUP(token_cache_deselect) struct token_cache file = token_cache_other(c);
    const struct client_session in_use = {.server = *server};
    enum tok_err err;

    token_cache_select(&file, IN_USE_NAME);
    err = token_cache_lock(&file, errmsg);
    if (!err)
        err = session_reserve(&file, &in_use, errmsg);
    return err ? err : session_write(&file, &in_use, errmsg);
}

/* The lock of these releases is held on the directory. The file is newer than one of the same
 * server: an old program has made it since. */
static enum tok_err take_over(struct token_cache *c, enum token_cache_mode mode,
                              struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    CLEANUP(secret_clear) struct secret server = {0};
    struct errmsg cause;
    enum tok_err err;

    token_cache_select(c, OLD_NAME);
    err = session_read(c, &s, errmsg);
    if (!err && s.server.p)
        err = client_same_server(s.server.p, &server, errmsg);
    if (err && mode == TOKEN_CACHE_CREATE)
        return token_cache_remove(c, errmsg);
    if (err || !s.server.p)
        return err;
    select_server(c, &server);
    if (renameat(c->dir, OLD_NAME, c->dir, c->name) != 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: cannot rename " OLD_NAME ": %s", c->path,
                          strerror(errno));
    /* While it is the only one, it is in use anyway. */
    if (!is_local(&server) && logins_use(c, &server, &cause) != TOK_OK)
        print_error("warning: %s", cause.text);
    return TOK_OK;
}

enum tok_err logins_open(enum token_cache_mode mode, struct token_cache *ret,
                         struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    enum tok_err err = token_cache_open(mode, &c, errmsg);

    if (!err && c.dir >= 0 && faccessat(c.dir, OLD_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        if (flock(c.dir, LOCK_EX) != 0)
            return errmsg_set(errmsg, TOK_FILE, "%s: cannot lock: %s", c.dir_path,
                              strerror(errno));
        err = take_over(&c, mode, errmsg);
        (void)flock(c.dir, LOCK_UN);
    }
    if (err)
        return err;
    *ret = c;
    c = TOKEN_CACHE_CLOSED;
    return TOK_OK;
}

static void add_login(struct logins *l, const struct client_session *s)
{
    struct client_session *longer = reallocarray(l->items, l->n + 1, sizeof(*longer));

    if (!longer)
        out_of_memory();
    l->items = longer;
    l->items[l->n++] = *s;
}

static void read_login(const struct token_cache *c, const char *name, struct logins *l)
{
    CLEANUP(token_cache_deselect) struct token_cache file = token_cache_other(c);
    struct client_session s = {0};

    if (!text_begins_with(slice_of(name), "session-") ||
        !text_ends_with(slice_of(name), ".json"))
        return;
    token_cache_select(&file, name);
    if (session_read(&file, &s, &l->damaged) != TOK_OK)
        return;
    s.in_use = l->in_use.p && slice_eq(secret_slice(&s.server), secret_slice(&l->in_use));
    if (s.server.p)
        add_login(l, &s);
}

static int compare_logins(const void *left, const void *right)
{
    const struct client_session *a = left, *b = right;

    return a->in_use != b->in_use ? b->in_use - a->in_use
                                  : strcmp(logins_name(a), logins_name(b));
}

enum tok_err logins_list(const struct token_cache *c, struct logins *ret, struct errmsg *errmsg)
{
    DIR *dir;
    int copy;

    if (c->dir < 0)
        return TOK_OK;
    read_in_use(c, &ret->in_use);
    copy = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir)
        return errmsg_set(errmsg, TOK_FILE, "%s: cannot list: %s", c->dir_path,
                          strerror(errno));
    for (struct dirent *e; (e = readdir(dir));)
        read_login(c, e->d_name, ret);
    (void)closedir(dir);
    /* With no choice made, the only one is in use. */
    if (!ret->in_use.p && ret->n == 1)
        ret->items[0].in_use = true;
    if (ret->n > 0)
        qsort(ret->items, ret->n, sizeof(*ret->items), compare_logins);
    return TOK_OK;
}

static enum tok_err unknown_name(const struct logins *l, const char *name,
                                 struct errmsg *errmsg)
{
    char list[256] = LOGIN_LOCAL;
    size_t n = strlen(list);

    for (size_t i = 0; i < l->n && n < sizeof(list); i++)
        if (!is_local(&l->items[i].server) || l->items[i].name.p)
            n +=
                (size_t)snprintf(list + n, sizeof(list) - n, ", %s", logins_name(&l->items[i]));
    return errmsg_set(errmsg, TOK_SETTINGS,
                      "'%s': no login has this name; expected an https URL, the absolute path "
                      "of a Unix socket, or one of: %s",
                      name, list);
}

/* A name, or a server. */
static enum tok_err find_server(const struct logins *l, const char *text, struct secret *ret,
                                struct errmsg *errmsg)
{
    const struct client_session *found = NULL;

    for (size_t i = 0; i < l->n; i++)
        if (strcmp(logins_name(&l->items[i]), text) == 0 && !found)
            found = &l->items[i];
    if (found || strcmp(text, LOGIN_LOCAL) == 0)
        text = found ? found->server.p : CLIENT_SOCKET;
    else if (!strchr(text, '/'))
        return unknown_name(l, text, errmsg);
    return client_same_server(text, ret, errmsg);
}

/* The server of a command that names none. */
static const char *default_server(const struct logins *l)
{
    if (l->in_use.p)
        return l->in_use.p;
    return l->n == 1 ? l->items[0].server.p : CLIENT_SOCKET;
}

enum tok_err logins_select(struct token_cache *c, const char *server,
                           struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(logins_clear) struct logins logins = {0};
    const char *variable = getenv(SERVER_VARIABLE), *otherwise;
    enum tok_err err = logins_list(c, &logins, errmsg);

    if (err)
        return err;
    otherwise = default_server(&logins);
    if (!server)
        server = variable && variable[0] ? variable : otherwise;
    err = find_server(&logins, server, &ret->server, errmsg);
    if (err)
        return err;
    ret->in_use = slice_is(secret_slice(&ret->server), otherwise);
    select_server(c, &ret->server);
    return TOK_OK;
}

enum tok_err logins_check_name(const struct token_cache *c, const char *name,
                               const struct secret *server, struct errmsg *errmsg)
{
    CLEANUP(logins_clear) struct logins logins = {0};
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_LETTERS_MAX && text_is_alnum(name[0]);
    enum tok_err err;

    for (size_t i = 0; i < n; i++)
        ok = ok && (text_is_alnum(name[i]) || strchr("._-", name[i]));
    if (!ok)
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "'%s': expected at most %d letters, digits, '.', '_' and '-', the "
                          "first a letter or a digit",
                          name, NAME_LETTERS_MAX);
    if (strcmp(name, LOGIN_LOCAL) == 0 && !is_local(server))
        return errmsg_set(errmsg, TOK_SETTINGS, "'%s' is the server at " CLIENT_SOCKET, name);
    err = logins_list(c, &logins, errmsg);
    for (size_t i = 0; !err && i < logins.n; i++)
        if (strcmp(logins_name(&logins.items[i]), name) == 0 &&
            !slice_eq(secret_slice(&logins.items[i].server), secret_slice(server)))
            err = errmsg_set(errmsg, TOK_SETTINGS, "'%s' is the login at %s", name,
                             logins.items[i].server.p);
    return err;
}
