/* jwtctl token: prints an access token; a narrowed one where options ask for it. */
#include "jwtctl/arguments.h"
#include "jwtctl/audience.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow_options.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

static void parse_scope(const char *command, const char *value, void *arg)
{
    (void)command;
    narrow_add_scope(arg, "", value);
}

/* A token for one use or one host key needs one audience: the only one, when none is named. */
static enum tok_err get_narrowed(const struct client_session *s, struct narrow_request request,
                                 struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret only = {0};
    enum tok_err err;

    if ((request.one_time || request.host_key) && !request.audience) {
        err = audience_only(s, &only, errmsg);
        if (err)
            return err;
        request.audience = only.p;
    }
    return narrow_token(s, &request, ret, errmsg);
}

int command_token(int argc, char **argv)
{
    CLEANUP(session_clear) struct client_session s = {0};
    CLEANUP(secret_clear) struct secret narrowed = {0};
    struct narrow_options o = {0};
    const char *server = NULL;
    bool json = false;
    const struct option_row options[] = {
        NARROW_ROWS(&o),
        {"scope", "WORDS", "with these words of the scope", .parse = parse_scope,
         .arg = &o.scope},
        OPTION_SERVER(&server),
        OPTION_OUTPUT(&json),
        {0},
    };
    struct errmsg errmsg;
    bool narrow;
    enum tok_err err;

    arguments_parse(argc, argv, options, 0);
    narrow = narrow_options_read(&o);
    err = session_get(server, &s, &errmsg);
    if (!err && narrow)
        err = get_narrowed(&s, o.request, &narrowed, &errmsg);
    free(o.scope);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    return narrow_print(narrow ? &narrowed : &s.access, json);
}
