/* jwtctl revoke USER|SID: root revokes sessions of any user. */
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static int report_revoked(const char *what, int64_t n, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add_integer(answer, "ended", n);
    if (json)
        json_print(answer);
    else if (n == 0)
        printf("%s has no live session\n", what);
    else
        printf("%" PRId64 " session%s revoked; the tokens are no longer accepted\n", n,
               n == 1 ? "" : "s");
    return EXIT_SUCCESS;
}

int command_revoke(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET, *what;
    bool json = false;
    const struct option_row options[] = {
        {.name = "json", .flag = &json}, {.name = "socket", .value = &socket}, {0}};
    struct admin_answer answer;
    int status = arguments_parse(argc, argv, options, 1);

    if (status)
        return status;
    what = argv[optind];
    if (!what || !what[0])
        return bad_usage(argv[0], "expected a user name or a session id");
    status = admin_call(argv[0], socket, WIRE_ADMIN_REVOKE,
                        (union wire_value[]){{.text = slice_of(what)}}, &answer);
    if (status)
        return status;
    if (answer.message.status != WIRE_OK) {
        print_error("'%s': no session of a user of this name, and none with this id", what);
        return EXIT_FAILURE;
    }
    return report_revoked(what, (int64_t)answer.message.v[0].number, json);
}
