/* jwtctl run -- COMMAND: runs a command with askpass as the password program of ssh and sudo,
 * and with the wrappers of ssh, scp and sftp first in PATH. */
#include "common/base/cleanup.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/run/askpass.h"
#include "jwtctl/run/choose.h"
#include "jwtctl/run/forward.h"
#include "jwtctl/run/libexec.h"
#include "jwtctl/session.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static void set_variable(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        out_of_memory();
}

/* With "force", ssh 8.4 and later uses the program although there is a terminal; sudo needs -A.
 */
static void set_askpass(bool whole)
{
    CLEANUP(cleanup_free) char *askpass = libexec_path("askpass");

    set_variable("SSH_ASKPASS", askpass);
    set_variable("SSH_ASKPASS_REQUIRE", "force");
    set_variable("SUDO_ASKPASS", askpass);
    (void)unsetenv(ASKPASS_SERVICE);
    (void)unsetenv(ASKPASS_WHOLE);
    if (whole)
        set_variable(ASKPASS_WHOLE, "1");
}

static void set_path(void)
{
    CLEANUP(cleanup_free) char *wrappers = libexec_path("bin"), *path = NULL;
    const char *old = getenv("PATH");
    size_t n = strlen(wrappers);

    if (!old || !old[0])
        old = DEFAULT_PATH;
    if (strncmp(old, wrappers, n) == 0 && (old[n] == ':' || old[n] == '\0'))
        return;
    if (asprintf(&path, "%s:%s", wrappers, old) < 0)
        out_of_memory();
    set_variable("PATH", path);
}

/* The program for --confirm. The variable is still the user's own. NULL, with an error printed:
 * none. */
static const char *find_confirm(const char *named)
{
    CLEANUP(cleanup_free) char *askpass = libexec_path("askpass");
    const char *program = named ? named : getenv("SSH_ASKPASS");

    if (program && program[0] && strcmp(program, askpass) != 0)
        return program;
    print_error("--confirm: expected a graphical program in SSH_ASKPASS, such as ssh-askpass, "
                "or --confirm-with=CMD");
    return NULL;
}

static int exec_command(char **argv)
{
    int error;

    (void)execvp(argv[0], argv);
    error = errno;
    print_error("%s: %s", argv[0], strerror(error));
    return error == ENOENT ? 127 : 126;
}

int command_run(int argc, char **argv)
{
    bool whole = false, forward = false, ask = false;
    const char *confirm = NULL, *server = NULL;
    const struct option_row options[] = {
        {"whole", NULL, "answer each prompt with the session's own token", .flag = &whole},
        {"forward", NULL, "COMMAND is ssh: sudo -A on its host gets tokens, too",
         .flag = &forward},
        {"confirm", NULL, "ask by the program in SSH_ASKPASS before each of them",
         .flag = &ask},
        {"confirm-with", "CMD", "ask by this program", .value = &confirm},
        OPTION_SERVER(&server),
        {0}};
    struct client_session s = {0};
    struct errmsg errmsg;

    arguments_parse(argc, argv, options, ARGUMENTS_COMMAND);
    if (optind >= argc)
        bad_usage(argv[0], "expected a command");
    if (forward && (whole || strcmp(argv[optind], "ssh") != 0))
        bad_usage(argv[0], "--forward: expected the command ssh, and no --whole");
    ask = ask || confirm;
    if (ask && !forward)
        bad_usage(argv[0], "--confirm: expected --forward, too");
    if (ask && !(confirm = find_confirm(confirm)))
        return EXIT_FAILURE;
    argc -= optind;
    argv += optind;
    if ((server || whole ? session_get(server, &s, &errmsg) : choose_any(&s, &errmsg)) !=
        TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (server)
        set_variable(SERVER_VARIABLE, s.server.p);
    session_clear(&s);
    set_askpass(whole);
    set_path();
    return forward ? forward_run(argc, argv, confirm) : exec_command(argv);
}
