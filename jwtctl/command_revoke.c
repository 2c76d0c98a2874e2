/* jwtctl revoke USER|SID: root ends sessions, without their tokens. */
#include "common/base/cleanup.h"
#include "jwtctl/admin.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static int report(const char *what, uint64_t n, bool json)
{
    CLEANUP(text_clear) struct text line = {0};

    if (json) {
        text_puts(&line, "{\"ended\":");
        text_json_int(&line, (int64_t)n);
        text_puts(&line, "}");
        return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (n == 0)
        printf("%s has no live session\n", what);
    else
        printf("%" PRIu64 " session%s ended: the tokens open nothing from now on\n", n,
               n == 1 ? "" : "s");
    return EXIT_SUCCESS;
}

int command_revoke(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"socket", required_argument, NULL, 's'}, {0}};
    struct admin_answer answer;
    struct admin_options o;
    const char *what;
    int status = admin_parse(argc, argv, options, 1, &o);

    if (status)
        return status;
    what = argv[optind];
    if (!what || !what[0])
        return complain_usage(argv[0], "say whose sessions, or the id of one");
    if (!admin_request(argv[0], &o, WIRE_ADMIN_REVOKE,
                       (union wire_value[]){{.text = slice_of(what)}}, &answer))
        return EXIT_FAILURE;
    if (answer.message.status != WIRE_OK) {
        complain("there is no session of a user or an id '%s'", what);
        return EXIT_FAILURE;
    }
    return report(what, answer.message.v[0].number, o.json);
}
