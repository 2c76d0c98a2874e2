#include "common/base/text.h"
#include "jwtctl/run/programs.h"
#include "jwtctl/run/record.h"

#include <stdio.h>
#include <string.h>

enum { FINGERPRINT = 1, HOST, NAME, PORT, USER, CALL, ARGUMENTS };

/* A space or a control character would begin another field or line of the record. */
static bool is_field(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (text_is_control(*p) || *p == ' ')
            return false;
    }
    return text[0] != '\0';
}

/* A call that cannot be read is recorded as damage, so that no token is given. */
static void record_key(char **argv)
{
    CLEANUP(record_close) struct record r = {.dir = -1, .fd = -1};
    CLEANUP(asker_close) struct asker ssh = {.pidfd = -1};
    CLEANUP(cleanup_free) char *line = NULL;
    struct errmsg ignored;
    bool readable = true;

    for (size_t i = FINGERPRINT; i < ARGUMENTS; i++)
        readable = readable && is_field(argv[i]);
    if (!asker_open(&ssh) || ssh.hidden ||
        record_open(&ssh.process, true, &r, &ignored) != TOK_OK ||
        asprintf(&line, RECORD_KEY " %s %s %s %s", argv[FINGERPRINT], argv[HOST], argv[NAME],
                 argv[USER]) < 0)
        return;
    (void)!record_append(&r, readable ? line : RECORD_KEY, &ignored);
}

/* ORDER is the call before the server has presented a key. */
int program_hostkey(int argc, char **argv)
{
    if (argc == ARGUMENTS && strcmp(argv[CALL], "ORDER") != 0)
        record_key(argv);
    return 0;
}
