/* jwtctl issue: root issues a token of a user, for deploy users, cron and CI. */
#include "common/base/file.h"
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow_options.h"
#include "jwtctl/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_LOGIN_UID UINT32_MAX /* a service, cron */

struct issue_options {
    struct narrow_options narrow;
    const char *user, *file, *socket;
    bool json;
};

static uint32_t login_uid(void)
{
    char text[16];
    FILE *f = fopen("/proc/self/loginuid", "re");
    bool read = f && fgets(text, sizeof(text), f);

    if (f)
        (void)fclose(f);
    return read ? (uint32_t)strtoul(text, NULL, 10) : NO_LOGIN_UID;
}

/* What the log and `jwtctl sessions` say of the administrator. */
static void write_source(char ret[WIRE_SOURCE_MAX + 1])
{
    uint32_t uid = login_uid();

    if (uid == NO_LOGIN_UID)
        (void)snprintf(ret, WIRE_SOURCE_MAX + 1, "root without login uid");
    else
        (void)snprintf(ret, WIRE_SOURCE_MAX + 1, "login uid %" PRIu32, uid);
}

static int refused_issue(const struct issue_options *o, enum wire_status status)
{
    const char *host = o->narrow.request.audience;

    if (status == WIRE_NOT_FOUND)
        print_error("%s: there is no such user", o->user);
    else if (status == WIRE_INACTIVE)
        print_error(
            "%s: the user may not log in: the account is locked or expired, or excluded "
            "by AllowUsers=, AllowGroups= or DenyUsers=",
            o->user);
    else if (status == WIRE_WIDER_LIFETIME)
        print_error("--lifetime: longer than IssueLifetime= in [Token] of jwt.conf");
    else if (status == WIRE_WIDER_AUDIENCE)
        print_error("--host=%s: expected an audience of this issuer; see: jwtctl status", host);
    else if (status == WIRE_BAD_NARROW)
        print_error("--once and --host-key: expected --host=NAME with one audience");
    else if (status == WIRE_TOO_LONG)
        print_error("the token would be longer than MaxTokenLength= of jwt.conf");
    else if (status == WIRE_NOT_ALLOWED)
        print_error("CheckAccount=no is set in jwt.conf: a token is only issued for an account "
                    "that is checked");
    else
        print_error("jwtd-issuer refused the request (%s)", wire_status_word(status));
    return EXIT_FAILURE;
}

static int deliver(const struct issue_options *o, const struct secret *token)
{
    struct errmsg errmsg;

    if (!o->file)
        return narrow_print(token, o->json);
    if (file_write(o->file, secret_slice(token), 0600, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    return EXIT_SUCCESS;
}

static int issue(const char *command, const struct issue_options *o)
{
    const struct narrow_request *r = &o->narrow.request;
    CLEANUP(secret_clear) struct secret token = {0};
    char source[WIRE_SOURCE_MAX + 1];
    struct admin_answer answer;
    int status;

    write_source(source);
    status = admin_call(
        command, o->socket, WIRE_ADMIN_ISSUE,
        (const union wire_value[]){{.text = slice_of(o->user)},
                                   {.text = slice_of(r->scope ? r->scope : "")},
                                   {.text = slice_of(r->audience ? r->audience : "")},
                                   {.number = (uint64_t)r->lifetime},
                                   {.number = r->one_time ? 1 : 0},
                                   {.text = slice_of(r->host_key ? r->host_key : "")},
                                   {.text = slice_of(source)}},
        &answer);
    if (status)
        return status;
    if (answer.message.status != WIRE_OK)
        return refused_issue(o, answer.message.status);
    if (secret_copy(answer.message.v[0].text, &token) != TOK_OK)
        out_of_memory();
    secret_wipe(answer.bytes, sizeof(answer.bytes));
    return deliver(o, &token);
}

int command_issue(int argc, char **argv)
{
    struct issue_options o = {.socket = ADMIN_SOCKET};
    const struct option_row options[] = {
        {"user", "USER", "the user whom the token is for", .value = &o.user},
        NARROW_ROWS(&o.narrow),
        {"file", "FILE", "write it to FILE, with mode 0600", .value = &o.file},
        ADMIN_ROW(&o.socket),
        OPTION_OUTPUT(&o.json),
        {0},
    };
    int status;

    arguments_parse(argc, argv, options, 0);
    if (!o.user || !o.user[0])
        bad_usage(argv[0], "expected --user=USER");
    if (o.file && o.json)
        bad_usage(argv[0], "--file and -o json: expected one of them");
    (void)narrow_options_read(&o.narrow);
    status = issue(argv[0], &o);
    free(o.narrow.scope);
    return status;
}
