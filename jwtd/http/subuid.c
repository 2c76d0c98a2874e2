#include "jwtd/http/subuid.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/username.h"

#include <pwd.h>
#include <stdlib.h>

#define FILE_MAX ((size_t)1024 * 1024)

/* OWNER:FIRST:COUNT. Other lines are ignored, as newuidmap(1) does. */
static bool read_range(struct slice line, struct subuid_range *ret)
{
    struct subuid_range range = {0};
    struct slice first, count, rest;
    uint64_t n;

    if (!slice_cut(line, ':', &range.owner, &rest) || !slice_cut(rest, ':', &first, &count) ||
        !slice_digits(text_trim(first), &range.first) || !slice_digits(text_trim(count), &n) ||
        range.first > UINT32_MAX || n > UINT32_MAX)
        return false;
    range.end = range.first + n;
    *ret = range;
    return true;
}

static enum tok_err read_ranges(struct slice text, struct subuid_range **ret, size_t *ret_n)
{
    struct slice rest = text, line;
    size_t lines = 0, n = 0;
    struct subuid_range *ranges;

    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    ranges = calloc(lines + 1, sizeof(*ranges));
    if (!ranges)
        return TOK_NO_MEMORY;
    while (text_next_word(&rest, '\n', &line))
        n += read_range(line, &ranges[n]);
    *ret = ranges;
    *ret_n = n;
    return TOK_OK;
}

static enum tok_err load(struct subuids *s, const char *path, struct errmsg *errmsg)
{
    struct subuids fresh = {.file = s->file};
    enum tok_err err = file_read(path, FILE_SETTINGS, FILE_MAX, &fresh.text, errmsg);

    if (!err)
        err = read_ranges(secret_slice(&fresh.text), &fresh.ranges, &fresh.n);
    if (err && !file_is_missing(err, errmsg)) {
        subuids_clear(&fresh);
        return err;
    }
    subuids_clear(s);
    *s = fresh;
    return TOK_OK;
}

enum tok_err subuids_update(struct subuids *s, const char *path, struct errmsg *errmsg)
{
    struct stat st;

    if (stat(path, &st) < 0)
        st = (struct stat){0};
    if (file_is_same(&st, &s->file))
        return TOK_OK;
    s->file = st;
    return load(s, path, errmsg);
}

/* 0: there is no such user, or it is root. */
static uid_t uid_of_owner(struct slice owner)
{
    char name[USER_NAME_MAX + 1];
    const struct passwd *user;
    uint64_t uid;

    if (slice_digits(owner, &uid))
        return uid < UINT32_MAX ? (uid_t)uid : 0;
    if (owner.n > USER_NAME_MAX)
        return 0;
    memcpy(name, owner.p, owner.n);
    name[owner.n] = '\0';
    user = getpwnam(name);
    return user ? user->pw_uid : 0;
}

uid_t subuids_owner(struct subuids *s, uid_t uid)
{
    for (size_t i = 0; i < s->n; i++) {
        struct subuid_range *range = &s->ranges[i];

        if (uid < range->first || uid >= range->end)
            continue;
        if (!range->resolved) {
            range->resolved = true;
            range->uid = uid_of_owner(range->owner);
            if (range->uid == 0)
                range->uid = (uid_t)range->first;
        }
        return range->uid > 0 ? range->uid : uid;
    }
    return uid;
}

void subuids_clear(struct subuids *s)
{
    secret_clear(&s->text);
    free(s->ranges);
    *s = (struct subuids){0};
}
