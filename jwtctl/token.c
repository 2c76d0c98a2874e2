/* jwtctl token: the access token, for programs that take one. */
#include "cleanup.h"
#include "command.h"
#include "say.h"
#include "session.h"

#include <getopt.h>

static enum tok_err compose(const struct session *s, bool json, struct text *line)
{
    int64_t iat, exp;
    enum tok_err err;

    if (!json) {
        text_add(line, secret_slice(&s->access));
        return TOK_OK;
    }
    err = session_token_times(secret_slice(&s->access), &iat, &exp);
    if (err)
        return err;
    text_puts(line, "{\"access\":");
    text_json(line, secret_slice(&s->access));
    text_puts(line, ",\"expires\":");
    text_json_int(line, exp);
    text_puts(line, "}");
    return TOK_OK;
}

int command_token(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"service", required_argument, NULL, 'n'},
        {"host", required_argument, NULL, 'n'},
        {"lifetime", required_argument, NULL, 'n'},
        {"scope", required_argument, NULL, 'n'},
        {"once", no_argument, NULL, 'n'},
        {0},
    };
    CLEANUP(session_clear) struct session s = {0};
    CLEANUP(text_clear) struct text line = {0};
    bool json = false;
    struct why why;
    int c, which = 0;

    while ((c = getopt_long(argc, argv, "", options, &which)) != -1) {
        if (c == 'n')
            return complain_usage(argv[0], "--%s: narrowed tokens come with a later release",
                                  options[which].name);
        if (c != 'j')
            return EXIT_USAGE;
        json = true;
    }
    if (optind < argc)
        return complain_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    if (session_get(&s, &why) != TOK_OK) {
        complain("%s", why.text);
        return EXIT_FAILURE;
    }
    if (compose(&s, json, &line) != TOK_OK) {
        complain("the access token that is kept can't be read");
        return EXIT_FAILURE;
    }
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}
