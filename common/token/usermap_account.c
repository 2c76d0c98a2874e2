#include "common/base/text.h"
#include "common/token/usermap.h"

#include <inttypes.h>
#include <pwd.h>

#define LOGIN_DEFS "/etc/login.defs"
#define LOGIN_DEFS_MAX 65536 /* bytes */
#define UID_MIN_DEFAULT 1000 /* login.defs(5) */

static uint64_t uid_min(void)
{
    CLEANUP(secret_clear) struct secret text = {0};
    uint64_t min = UID_MIN_DEFAULT;
    struct slice rest, line, word;

    if (file_read(LOGIN_DEFS, FILE_SETTINGS, LOGIN_DEFS_MAX, &text, NULL) != TOK_OK)
        return min;
    rest = secret_slice(&text);
    while (text_next_word(&rest, '\n', &line))
        if (text_next_word(&line, ' ', &word) && slice_is(word, "UID_MIN") &&
            text_next_word(&line, ' ', &word))
            (void)slice_digits(word, &min);
    return min;
}

enum tok_err usermap_check_account(const struct usermap_line *line, const char *user,
                                   struct errmsg *errmsg)
{
    UNINITIALIZED char room[16384];
    struct passwd entry, *found = NULL;
    uint64_t min;
    int error;

    if (!line->pattern || line->system)
        return TOK_OK;
    error = getpwnam_r(user, &entry, room, sizeof(room), &found);
    if (!found)
        return error == 0 || error == ENOENT || error == ESRCH
                   ? TOK_OK
                   : errmsg_set(errmsg, TOK_FILE, "the account database is unavailable: %s",
                                strerrordesc_np(error));
    min = uid_min();
    if (found->pw_uid >= min)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_UNMAPPED,
                      "line %u of the user map: the account has uid %lu, expected UID_MIN "
                      "(%" PRIu64 ") or more, or the word \"system\" on this line",
                      line->line, (unsigned long)found->pw_uid, min);
}
