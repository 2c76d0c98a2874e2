#include "jwtd/issuer/keys/issuer_names.h"

#include "common/token/policy.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SCHEME "https://"
#define ISSUER_LEN 7 /* of random names, without the scheme */
#define AUDIENCE_LEN 8

#define HOST_MAX 253 /* RFC 1035 3.1, without the dot of the root */

void issuer_names_clear(struct issuer_names *names)
{
    free(names->issuer);
    word_list_free(names->audience);
    *names = (struct issuer_names){0};
}

/* False when it is no DNS name. */
static bool lower_host(const char *host, char ret[HOST_MAX + 1])
{
    size_t n = strlen(host);

    if (n == 0 || n > HOST_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!text_is_alnum(host[i]) && host[i] != '-' && host[i] != '.')
            return false;
        ret[i] = text_lower(host[i]);
    }
    ret[n] = '\0';
    return true;
}

static enum tok_err take_host(struct policy *p, const char *host, struct errmsg *errmsg)
{
    char name[HOST_MAX + 1], url[HOST_MAX + 16];
    enum tok_err err = TOK_OK;

    if (!lower_host(host, name))
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "host name \"%s\" is not a DNS name: set Issuer= and Audience= in [Token]", host);
    (void)snprintf(url, sizeof(url), SCHEME "%s", name);
    if (!p->issuer)
        err = policy_set(p, SLICE("issuer"), slice_of(url), errmsg);
    if (err == TOK_OK && !p->audience)
        err = policy_set(p, SLICE("audience"), slice_of(name), errmsg);
    return err;
}

static enum tok_err take_file(struct policy *p, const char *dir, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    enum tok_err err = text_concat(dir, "/issuer", "", &path);

    if (err != TOK_OK)
        return err;
    if (access(path, F_OK) == 0)
        return policy_read_pinned(p, path, errmsg);
    if (errno == ENOENT)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_SETTINGS, "%s: %s", path, strerror(errno));
}

static enum tok_err find(struct policy *p, const char *dir, const char *host,
                         struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    if (!p->issuer || !p->audience)
        err = take_file(p, dir, errmsg);
    if (err == TOK_OK && (!p->issuer || !p->audience))
        err = take_host(p, host, errmsg);
    if (err == TOK_OK && (!p->issuer || !*p->issuer || !p->audience || !p->audience[0]))
        err =
            errmsg_set(errmsg, TOK_SETTINGS, "[Token] Issuer= or Audience= is empty: set both");
    return err;
}

enum tok_err issuer_names_find(const char *dir, const struct issuer_names *settings,
                               const char *host, struct issuer_names *ret,
                               struct errmsg *errmsg)
{
    CLEANUP(policy_clear) struct policy p = {0};
    enum tok_err err = TOK_OK;

    if (settings->issuer)
        err = text_copy(slice_of(settings->issuer), &p.issuer);
    if (err == TOK_OK)
        err = word_list_copy(settings->audience, &p.audience);
    if (err == TOK_OK)
        err = find(&p, dir, host, errmsg);
    if (err != TOK_OK)
        return err;
    *ret = (struct issuer_names){
        .issuer = p.issuer,
        .audience = p.audience,
        .issuer_is_host = policy_given(&p, "issuer"),
        .audience_is_host = policy_given(&p, "audience"),
    };
    p.issuer = NULL;
    p.audience = NULL;
    return TOK_OK;
}

/* n letters and digits; none is easily taken for another. */
static bool random_name(size_t n, char *ret)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    uint8_t bytes[16];

    if (getrandom(bytes, n, 0) != (ssize_t)n)
        return false;
    for (size_t i = 0; i < n; i++)
        ret[i] = letters[bytes[i] % (sizeof(letters) - 1)];
    ret[n] = '\0';
    return true;
}

enum tok_err issuer_names_shorten(const struct issuer_names *names, struct issuer_names *ret)
{
    struct issuer_names shorter = {0};
    char issuer[] = SCHEME "1234567", audience[] = "12345678";
    enum tok_err err;

    if (!random_name(ISSUER_LEN, issuer + strlen(SCHEME)) ||
        !random_name(AUDIENCE_LEN, audience))
        return TOK_CRYPTO;
    err = text_copy(slice_of(names->issuer_is_host ? issuer : names->issuer), &shorter.issuer);
    if (err == TOK_OK)
        err = names->audience_is_host ? word_list_add(&shorter.audience, slice_of(audience))
                                      : word_list_copy(names->audience, &shorter.audience);
    if (err == TOK_OK)
        *ret = shorter;
    else
        issuer_names_clear(&shorter);
    return err;
}

bool issuer_names_equal(const struct issuer_names *a, const struct issuer_names *b)
{
    return strcmp(a->issuer, b->issuer) == 0 && word_list_equal(a->audience, b->audience);
}

enum tok_err issuer_names_text(const struct issuer_names *names, char **ret)
{
    CLEANUP(cleanup_free) char *audience = NULL;
    char *text;
    enum tok_err err = word_list_format(names->audience, ' ', &audience);

    if (err != TOK_OK)
        return err;
    if (asprintf(&text, "Issuer=%s\nAudience=%s\n", names->issuer, audience) < 0)
        return TOK_NO_MEMORY;
    *ret = text;
    return TOK_OK;
}
