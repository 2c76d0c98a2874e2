#include "jwtd/issuer/keys/publish.h"

#include "common/base/base64url.h"
#include "common/token/revoked.h"

#include <stdio.h>
#include <string.h>

#define SMALL_FILE_MAX ((size_t)1 << 20)
/* Over seven million sessions ended within the life of an access token. */
#define LIST_FILE_MAX ((size_t)1 << 28)

static enum tok_err path_of(const char *dir, const char *name, char **ret)
{
    char *path;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return TOK_NO_MEMORY;
    *ret = path;
    return TOK_OK;
}

/* Replaces the file unless it is this already, mode included. */
static enum tok_err publish(const char *path, struct slice bytes, size_t max,
                            struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *old = NULL;
    size_t n = 0;
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & ALLPERMS) == 0644 &&
        file_read(path, FILE_PUBLIC, max, &old, &n, NULL, NULL) == TOK_OK &&
        slice_eq((struct slice){old, n}, bytes))
        return TOK_OK;
    return file_write(path, bytes, 0644, errmsg);
}

void names_clear(struct names *names)
{
    free(names->issuer);
    word_list_free(names->audience);
    *names = (struct names){0};
}

#define HOST_MAX 253 /* RFC 1035 3.1, without the root's dot */

/* The host's name in lower case; false when it is no DNS name. */
static bool lower_host(const char *host, char ret[HOST_MAX + 1])
{
    size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

    if (n == 0 || host[n] != '\0' || n > HOST_MAX)
        return false;
    for (size_t i = 0; i <= n; i++)
        ret[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] - 'A' + 'a' : host[i]);
    return true;
}

static enum tok_err names_of_host(struct policy *p, const char *host, struct errmsg *errmsg)
{
    char name[HOST_MAX + 1], url[HOST_MAX + 16];
    enum tok_err err = TOK_OK;

    if (!lower_host(host, name))
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "the host's name is no DNS name: set Issuer= and Audience= in [Token]");
    (void)snprintf(url, sizeof(url), "https://%s", name);
    if (!p->issuer)
        err = policy_set(p, POLICY_WORDS, SLICE("issuer"), slice_of(url), errmsg);
    if (err == TOK_OK && !p->audience)
        err = policy_set(p, POLICY_WORDS, SLICE("audience"), slice_of(name), errmsg);
    return err;
}

static enum tok_err names_whole(const struct policy *p, struct errmsg *errmsg)
{
    if (!p->issuer || !*p->issuer || !p->audience || !p->audience[0])
        return errmsg_set(errmsg, TOK_SETTINGS, "Issuer= or Audience= is empty");
    return TOK_OK;
}

static enum tok_err names_into(struct policy *p, const char *dir, const char *issuer,
                               word_list audience, const char *host, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = path_of(dir, "issuer", &path);

    free(p->issuer);
    p->issuer = NULL;
    if (err == TOK_OK && issuer && !(p->issuer = strdup(issuer)))
        err = TOK_NO_MEMORY;
    if (err == TOK_OK && audience)
        err = word_list_copy(audience, &p->audience);
    if (err != TOK_OK)
        return err;
    if (p->issuer && p->audience)
        return names_whole(p, errmsg);
    if (access(path, F_OK) == 0)
        err = policy_read_pinned(p, path, errmsg);
    else if (errno != ENOENT)
        err = errmsg_set(errmsg, TOK_SETTINGS, "%s: %s", path, strerror(errno));
    if (err == TOK_OK && (!p->issuer || !p->audience))
        err = names_of_host(p, host, errmsg);
    return err == TOK_OK ? names_whole(p, errmsg) : err;
}

enum tok_err names_find(const char *dir, const char *issuer, word_list audience,
                        const char *host, struct names *ret, struct errmsg *errmsg)
{
    struct policy p = {0};
    enum tok_err err = policy_init(&p);

    if (err == TOK_OK)
        err = names_into(&p, dir, issuer, audience, host, errmsg);
    if (err == TOK_OK) {
        *ret = (struct names){.issuer = p.issuer, .audience = p.audience};
        p.issuer = NULL;
        p.audience = NULL;
    }
    policy_clear(&p);
    return err;
}

enum tok_err publish_names(const char *dir, const struct names *names, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    enum tok_err err;

    if (!out)
        return TOK_NO_MEMORY;
    (void)fprintf(out, "Issuer=%s\nAudience=", names->issuer);
    for (char *const *a = names->audience; *a; a++)
        (void)fprintf(out, "%s%s", a == names->audience ? "" : " ", *a);
    (void)fputc('\n', out);
    if (fclose(out) != 0)
        return TOK_NO_MEMORY;
    err = path_of(dir, "issuer", &path);
    return err != TOK_OK ? err
                         : publish(path, (struct slice){text, size}, SMALL_FILE_MAX, errmsg);
}

enum tok_err publish_keys(const char *dir, const struct signing_keys *keys,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = path_of(dir, "jwks.json", &path);

    return err != TOK_OK ? err : publish(path, slice_of(keys->jwks), KEYSET_FILE_MAX, errmsg);
}

/* Lines of the list, each REVOKED_LINE_LEN bytes, side by side. */
struct lines {
    char *p;
    size_t n, room; /* lines */
};

static bool lines_add(struct lines *lines, const char line[REVOKED_LINE_LEN])
{
    if (lines->n == lines->room) {
        size_t room = lines->room ? lines->room * 2 : 64;
        char *p = realloc(lines->p, room * REVOKED_LINE_LEN);

        if (!p)
            return false;
        lines->p = p;
        lines->room = room;
    }
    memcpy(lines->p + lines->n++ * REVOKED_LINE_LEN, line, REVOKED_LINE_LEN);
    return true;
}

static bool add_ended(void *arg, const uint8_t sid[ISSUE_ID_BYTES], int64_t last_access_exp)
{
    char letters[REVOKED_SID_LEN], line[REVOKED_LINE_LEN];

    base64url_encode((struct slice){(const char *)sid, ISSUE_ID_BYTES}, letters);
    revoked_line(letters, last_access_exp, line);
    return lines_add(arg, line);
}

/* The ten digits of a line in form; -1 otherwise. */
static int64_t line_exp(const char *line)
{
    int64_t exp = 0;

    if (line[REVOKED_SID_LEN] != ' ' || line[REVOKED_LINE_LEN - 1] != '\n' ||
        !base64url_is_text((struct slice){line, REVOKED_SID_LEN}))
        return -1;
    for (size_t i = REVOKED_SID_LEN + 1; i < REVOKED_LINE_LEN - 1; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -1;
        exp = exp * 10 + (line[i] - '0');
    }
    return exp;
}

static enum tok_err add_published(const char *path, int64_t after, struct lines *lines,
                                  struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *old = NULL;
    size_t n = 0;
    int error = 0;
    enum tok_err err = file_read(path, FILE_PUBLIC, LIST_FILE_MAX, &old, &n, &error, errmsg);

    if (err == TOK_FILE && error == ENOENT)
        return TOK_OK;
    if (err != TOK_OK)
        return err;
    if (n % REVOKED_LINE_LEN != 0)
        return errmsg_set(errmsg, TOK_LIST,
                          "%s: its size is no multiple of %d: remove it, it is made "
                          "again from the store",
                          path, REVOKED_LINE_LEN);
    for (const char *line = old; line < old + n; line += REVOKED_LINE_LEN) {
        int64_t exp = line_exp(line);

        if (exp < 0)
            return errmsg_set(errmsg, TOK_LIST,
                              "%s: line %zu is out of form: remove the file, it is made again "
                              "from the store",
                              path, (size_t)(line - old) / REVOKED_LINE_LEN + 1);
        if (exp > after && !lines_add(lines, line))
            return TOK_NO_MEMORY;
    }
    return TOK_OK;
}

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_LINE_LEN);
}

/* Sorted, and of two lines of one session the one that lasts longer: it comes later, since
 * the digits have one width. */
static void sort_lines(struct lines *lines)
{
    size_t kept = 0;

    if (lines->n == 0)
        return;
    qsort(lines->p, lines->n, REVOKED_LINE_LEN, by_text);
    for (size_t i = 1; i < lines->n; i++) {
        const char *line = lines->p + i * REVOKED_LINE_LEN;

        if (memcmp(lines->p + kept * REVOKED_LINE_LEN, line, REVOKED_SID_LEN) != 0)
            kept++;
        memmove(lines->p + kept * REVOKED_LINE_LEN, line, REVOKED_LINE_LEN);
    }
    lines->n = kept + 1;
}

static enum tok_err collect(const char *path, struct store *store, int64_t after,
                            struct lines *lines, struct errmsg *errmsg)
{
    enum tok_err err = add_published(path, after, lines, errmsg);

    if (err != TOK_OK)
        return err;
    if (store_each_ended(store, after, add_ended, lines) != STORE_DONE)
        return errmsg_set(errmsg, TOK_LIST, "%s", store_failure(store));
    sort_lines(lines);
    return TOK_OK;
}

enum tok_err publish_revoked(const char *dir, struct store *store, int64_t wall,
                             struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct lines lines = {0};
    enum tok_err err = path_of(dir, "revoked", &path);

    /* A module may take a token this long after its exp. */
    if (err == TOK_OK)
        err = collect(path, store, wall - POLICY_LEEWAY_MAX, &lines, errmsg);
    if (err == TOK_OK)
        err = publish(path, (struct slice){lines.p ? lines.p : "", lines.n * REVOKED_LINE_LEN},
                      LIST_FILE_MAX, errmsg);
    free(lines.p);
    return err;
}
