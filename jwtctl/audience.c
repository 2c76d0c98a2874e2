#include "jwtctl/audience.h"

#include "jwtctl/json_c.h"

#include <stdio.h>
#include <string.h>

/* The audiences of the session's access token; the strings live as long as the claims. */
struct audiences {
    struct json_object *claims, *aud;
    size_t n;
};

static void audiences_clear(struct audiences *a)
{
    json_object_put(a->claims);
}

/* NULL: no string. */
static const char *audience_at(const struct audiences *a, size_t i)
{
    return json_text(json_length(a->aud) > 0 ? json_object_array_get_idx(a->aud, i) : a->aud);
}

static enum tok_err read_audiences(const struct client_session *s, struct audiences *ret,
                                   struct errmsg *errmsg)
{
    if (session_token_claims(&s->access, &ret->claims) != TOK_OK ||
        !(ret->aud = json_member(ret->claims, "aud")) || !audience_at(ret, 0))
        return errmsg_set(
            errmsg, TOK_AUDIENCE,
            "the access token of the session has no audience; log in again with: jwtctl login");
    ret->n = json_length(ret->aud) > 0 ? json_length(ret->aud) : 1;
    return TOK_OK;
}

/* Host names are compared as in DNS: without case and without a final dot. */
static bool is_host(const char *audience, const char *name, size_t n)
{
    return strlen(audience) == n && strncasecmp(audience, name, n) == 0;
}

static bool begins_with_host(const char *audience, const char *name, size_t n)
{
    return !memchr(name, '.', n) && strlen(audience) > n && audience[n] == '.' &&
           strncasecmp(audience, name, n) == 0;
}

/* NULL: none, or several different ones. */
static const char *find_only(const struct audiences *a, const char *const *names,
                             bool (*matches)(const char *audience, const char *name, size_t n))
{
    const char *found = NULL;

    for (; *names; names++) {
        size_t n = strlen(*names);

        if (n > 1 && (*names)[n - 1] == '.')
            n--;
        for (size_t i = 0; i < a->n; i++) {
            const char *audience = audience_at(a, i);

            if (!audience || n == 0 || !matches(audience, *names, n))
                continue;
            if (found && strcmp(found, audience) != 0)
                return NULL;
            found = audience;
        }
    }
    return found;
}

/* host NULL: unknown. */
static enum tok_err no_audience(const struct audiences *a, const char *host,
                                struct errmsg *errmsg)
{
    char list[sizeof(errmsg->text)] = "";
    size_t n = 0;

    for (size_t i = 0; i < a->n && n < sizeof(list); i++) {
        const char *name = audience_at(a, i);

        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "",
                              name ? name : "?");
    }
    if (host)
        return errmsg_set(errmsg, TOK_AUDIENCE,
                          "the session has no audience for %s; it has: %s", host, list);
    return errmsg_set(errmsg, TOK_AUDIENCE,
                      "the session has several audiences; choose one with --host=: %s", list);
}

enum tok_err audience_only(const struct client_session *s, struct secret *ret,
                           struct errmsg *errmsg)
{
    CLEANUP(audiences_clear) struct audiences a = {0};
    enum tok_err err = read_audiences(s, &a, errmsg);

    if (err)
        return err;
    return a.n == 1 ? secret_copy(slice_of(audience_at(&a, 0)), ret)
                    : no_audience(&a, NULL, errmsg);
}

/* NULL: none. */
static const char *find_for_host(const struct audiences *a, const char *const *names,
                                 enum audience_fit *ret)
{
    const char *found = NULL;

    *ret = AUDIENCE_NAME;
    for (const char *const *name = names; *name && !found; name++)
        found = find_only(a, (const char *[]){*name, NULL}, is_host);
    if (found)
        return found;
    *ret = AUDIENCE_SHORT;
    found = find_only(a, names, begins_with_host);
    if (found)
        return found;
    *ret = a->n == 1 ? AUDIENCE_ONLY : AUDIENCE_NONE;
    return a->n == 1 ? audience_at(a, 0) : NULL;
}

enum audience_fit audience_fit(const struct client_session *s, const char *const *names)
{
    CLEANUP(audiences_clear) struct audiences a = {0};
    enum audience_fit fit = AUDIENCE_NONE;
    struct errmsg ignored;

    if (read_audiences(s, &a, &ignored) == TOK_OK)
        (void)find_for_host(&a, names, &fit);
    return fit;
}

enum tok_err audience_of_host(const struct client_session *s, const char *const *names,
                              struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(audiences_clear) struct audiences a = {0};
    enum audience_fit fit;
    const char *found;
    enum tok_err err = read_audiences(s, &a, errmsg);

    if (err)
        return err;
    found = find_for_host(&a, names, &fit);
    return found ? secret_copy(slice_of(found), ret) : no_audience(&a, names[0], errmsg);
}

enum tok_err audience_among(const struct client_session *s, word_list list, struct secret *ret,
                            struct errmsg *errmsg)
{
    CLEANUP(audiences_clear) struct audiences a = {0};
    enum tok_err err = read_audiences(s, &a, errmsg);

    for (size_t i = 0; !err && i < a.n; i++) {
        const char *audience = audience_at(&a, i);

        if (audience && word_list_has(list, slice_of(audience)))
            return secret_copy(slice_of(audience), ret);
    }
    return err ? err : no_audience(&a, "this host", errmsg);
}
