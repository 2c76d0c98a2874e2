/* jwtctl revoke USER|SID, revoke --all: root revokes sessions of any user. */
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

/* what: NULL for all users. */
static int report_revoked(const char *what, int64_t n, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add_integer(answer, "ended", n);
    if (json)
        json_print(answer);
    else if (n == 0 && !what)
        printf("No user has a live session\n");
    else if (n == 0)
        printf("%s: no live session; the tokens are not accepted\n", what);
    else
        printf("%" PRId64 " session%s revoked; the tokens are no longer accepted\n", n,
               n == 1 ? "" : "s");
    return EXIT_SUCCESS;
}

int command_revoke(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET, *what;
    bool json = false, all = false;
    const struct option_row options[] = {
        {"all", NULL, "revoke the sessions of all users", .flag = &all},
        ADMIN_ROW(&socket),
        OPTION_OUTPUT(&json),
        {0}};
    union wire_value value = {.text = SLICE("")};
    struct admin_answer answer;
    int status;

    arguments_parse(argc, argv, options, 1);
    what = argv[optind];
    if (all ? what != NULL : !what || !what[0])
        bad_usage(argv[0], "expected a user name, a session id, or --all alone");
    if (what)
        value.text = slice_of(what);
    status = admin_call(argv[0], socket, all ? WIRE_ADMIN_REVOKE_ALL : WIRE_ADMIN_REVOKE,
                        &value, &answer);
    if (status)
        return status;
    if (answer.message.status != WIRE_OK) {
        print_error("'%s': no session of a user of this name, and none with this id", what);
        return EXIT_FAILURE;
    }
    return report_revoked(what, (int64_t)answer.message.v[0].number, json);
}
