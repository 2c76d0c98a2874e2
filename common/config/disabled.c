#include "common/config/disabled.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum tok_err disabled_check(struct errmsg *errmsg)
{
    struct stat st;

    if (lstat(DISABLED_PATH, &st) == 0)
        return errmsg_set(errmsg, TOK_DISABLED,
                          "token logins are disabled on this host by " DISABLED_PATH);
    if (errno == ENOENT || errno == ENOTDIR)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE,
                      DISABLED_PATH ": expected to find no such file, got: %s",
                      strerrordesc_np(errno));
}
