/* jwtctl askpass PROMPT, and libexec/jwt/askpass PROMPT: what ssh and sudo start to get a
 * password. Standard output is the answer; exit status 1 is "no answer". */
#include "cleanup.h"
#include "command.h"
#include "prompt.h"
#include "say.h"
#include "session.h"
#include "terminal.h"

#include <getopt.h>
#include <string.h>

/* ssh names a question that is no password's: "confirm", "none". */
static enum prompt_kind kind_of(const char *prompt)
{
    const char *hint = getenv("SSH_ASKPASS_PROMPT");
    enum prompt_kind kind = prompt_kind(prompt);

    return hint && hint[0] && kind == PROMPT_PASSWORD ? PROMPT_OTHER : kind;
}

static enum tok_err get_answer(const char *prompt, struct secret *ret, struct why *why)
{
    CLEANUP(session_clear) struct session s = {0};
    enum tok_err err;

    switch (kind_of(prompt)) {
    case PROMPT_PASSWORD:
        err = session_get(&s, why);
        if (err)
            return err;
        *ret = s.access;
        s.access = (struct secret){0};
        return TOK_OK;
    case PROMPT_CONFIRM:
        return terminal_ask(prompt, true, ret, why);
    case PROMPT_OTHER:
        break;
    }
    return terminal_ask(prompt, false, ret, why);
}

int askpass_answer(const char *prompt)
{
    CLEANUP(secret_clear) struct secret answer = {0};
    CLEANUP(text_clear) struct text line = {0};
    struct why why;

    if (get_answer(prompt, &answer, &why) != TOK_OK) {
        complain("%s", why.text);
        return EXIT_FAILURE;
    }
    text_add(&line, secret_slice(&answer));
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_askpass(int argc, char **argv)
{
    static const struct option options[] = {{0}};

    if (getopt_long(argc, argv, "+", options, NULL) != -1)
        return EXIT_USAGE;
    if (argc - optind != 1)
        return complain_usage(argv[0], "one prompt is needed, as one argument");
    return askpass_answer(argv[optind]);
}
