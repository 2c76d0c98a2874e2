/* jwtctl token: prints an access token; a narrowed one where options ask for it. */
#include "common/base/timespan.h"
#include "common/token/host_key.h"
#include "jwtctl/arguments.h"
#include "jwtctl/audience.h"
#include "jwtctl/command.h"
#include "jwtctl/logins.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <string.h>

static void add_scope(char **scope, const char *prefix, const char *words)
{
    char *longer;

    if (asprintf(&longer, "%s%s%s%s", *scope ? *scope : "", *scope && **scope ? " " : "",
                 prefix, words) < 0)
        out_of_memory();
    free(*scope);
    *scope = longer;
}

static void parse_service(const char *command, const char *value, void *arg)
{
    if (value[0] == '\0' || strpbrk(value, " \t"))
        bad_usage(command, "--service=%s: expected the name of one PAM service", value);
    add_scope(arg, "pam:", value);
}

static void parse_scope(const char *command, const char *value, void *arg)
{
    (void)command;
    add_scope(arg, "", value);
}

static void parse_lifetime(const char *command, const char *value, void *arg)
{
    uint64_t span;

    if (timespan_parse(slice_of(value), &span) != TOK_OK || span < SECOND)
        bad_usage(command, "--lifetime=%s: expected %s, at least one second", value,
                  TIMESPAN_FORM);
    *(int64_t *)arg = (int64_t)(span / SECOND);
}

static void parse_host_key(const char *command, const char *value, void *arg)
{
    if (!host_key_read(slice_of(value), arg))
        bad_usage(command,
                  "--host-key=%s: expected a fingerprint as ssh-keygen -l prints it, "
                  "such as SHA256:..., or its first 22 characters",
                  value);
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

static int print_token(const struct secret *token, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = NULL;
    struct token_times times;

    if (!json) {
        puts(token->p);
        return EXIT_SUCCESS;
    }
    if (session_token_times(token, &times) != TOK_OK) {
        print_error("the access token cannot be read: expected integer claims iat and exp");
        return EXIT_FAILURE;
    }
    answer = json_new_object();
    json_add_string(answer, "access", secret_slice(token));
    json_add_integer(answer, "expires", times.exp);
    json_print(answer);
    return EXIT_SUCCESS;
}

int command_token(int argc, char **argv)
{
    CLEANUP(session_clear) struct client_session s = {0};
    CLEANUP(secret_clear) struct secret narrowed = {0};
    CLEANUP(cleanup_free) char *scope = NULL;
    struct narrow_request request = {0};
    char host_key[HOST_KEY_LEN + 1] = "";
    const char *server = NULL;
    bool json = false;
    const struct option_row options[] = {
        {"service", "SERVICE", "valid for this PAM service; can be repeated",
         .parse = parse_service, .arg = &scope},
        {"host", "HOST", "valid on the hosts with this audience", .value = &request.audience},
        {"lifetime", "SPAN", "valid for this time, such as 5min", .parse = parse_lifetime,
         .arg = &request.lifetime},
        {"once", NULL, "valid for one login", .flag = &request.one_time},
        {"host-key", "KEY", "valid on the host that has this SSH key", .parse = parse_host_key,
         .arg = host_key},
        {"scope", "WORDS", "with these words of the scope", .parse = parse_scope,
         .arg = &scope},
        OPTION_SERVER(&server),
        OPTION_OUTPUT(&json),
        {0},
    };
    struct errmsg errmsg;
    bool narrow;
    enum tok_err err;

    arguments_parse(argc, argv, options, 0);
    request.scope = scope;
    request.host_key = host_key[0] ? host_key : NULL;
    narrow =
        scope || request.audience || request.lifetime || request.one_time || request.host_key;
    err = session_get(server, &s, &errmsg);
    if (!err && narrow)
        err = get_narrowed(&s, request, &narrowed, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    return print_token(narrow ? &narrowed : &s.access, json);
}
