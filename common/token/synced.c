#include "common/token/synced.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/timespan.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX 4096 /* bytes */
#define BUNDLE_MAX INT64_C(9999999999)

static bool read_line(struct slice line, struct synced *s)
{
    struct slice key, value;
    uint64_t seconds;

    if (!slice_cut(line, '=', &key, &value))
        return false;
    if (slice_is(key, "Bundle")) {
        if (!slice_digits(value, &seconds) || seconds == 0 || seconds > BUNDLE_MAX)
            return false;
        s->bundle = (int64_t)seconds;
    } else if (slice_is(key, "Issuer")) {
        if (!value_is_name(value))
            return false;
        (void)snprintf(s->issuer, sizeof(s->issuer), "%.*s", (int)value.n, value.p);
    }
    return true;
}

enum tok_err synced_read(const char *path, struct synced *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    enum tok_err err = file_read(path, FILE_PUBLIC, FILE_MAX, &text, errmsg);
    struct synced s = {0};
    struct slice rest, line;
    bool valid = true;

    if (err)
        return err;
    rest = secret_slice(&text);
    while (valid && slice_cut(rest, '\n', &line, &rest))
        valid = read_line(line, &s);
    if (!valid || rest.n > 0 || s.bundle == 0 || !s.issuer[0])
        return errmsg_set(errmsg, TOK_STALE,
                          "%s: expected lines KEY=VALUE, among them Bundle=SECONDS and "
                          "Issuer=NAME",
                          path);
    *ret = s;
    return TOK_OK;
}

enum tok_err synced_check(int64_t bundle, int64_t max_age, int64_t now, struct errmsg *errmsg)
{
    char limit[TIMESPAN_TEXT];

    if (bundle > now + SYNCED_AHEAD_MAX)
        return errmsg_set(errmsg, TOK_STALE,
                          SYNCED_PATH ": the issuer's last bundle is %lld s in the future; "
                                      "compare the clocks of issuer and host",
                          (long long)(bundle - now));
    if (now - bundle <= max_age)
        return TOK_OK;
    timespan_format((uint64_t)max_age * SECOND, limit);
    return errmsg_set(errmsg, TOK_STALE,
                      SYNCED_PATH ": the issuer's last bundle is %lld s old, expected at most "
                                  "%s (revoked_max_age); see jwtctl sync --list",
                      (long long)(now - bundle), limit);
}
