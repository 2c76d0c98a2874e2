/* jwtctl run -- CMD: a command whose ssh and sudo log in by the token, without typing. */
#include "command.h"
#include "say.h"
#include "session.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

/* ssh asks the program even where there is a terminal (ssh 8.4 and later); sudo does so with
 * -A. The token itself is not in the environment: askpass fetches it each time. */
static bool set_environment(void)
{
    return setenv("SSH_ASKPASS", JWT_ASKPASS, 1) == 0 &&
           setenv("SSH_ASKPASS_REQUIRE", "force", 1) == 0 &&
           setenv("SUDO_ASKPASS", JWT_ASKPASS, 1) == 0;
}

int command_run(int argc, char **argv)
{
    static const struct option options[] = {{0}};
    struct session s = {0};
    struct why why;
    int error;

    if (getopt_long(argc, argv, "+", options, NULL) != -1)
        return EXIT_USAGE;
    if (optind >= argc)
        return complain_usage(argv[0], "no command to run");
    if (session_get(&s, &why) != TOK_OK) {
        complain("%s", why.text);
        return EXIT_FAILURE;
    }
    session_clear(&s);
    if (!set_environment()) {
        complain("out of memory");
        return EXIT_FAILURE;
    }
    (void)execvp(argv[optind], argv + optind);
    error = errno;
    complain("%s: %s", argv[optind], strerror(error));
    return error == ENOENT ? 127 : 126;
}
